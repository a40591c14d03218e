"""Problem: the one exception that a person is meant to read."""

from __future__ import annotations


class Problem(Exception):
    """Something went wrong that the user can understand and act on.

    Every room raises this (or a subclass) for bad input and failed calls; both doors print it as it is,
    through `safe_text`, without a traceback.

    Args:
        sentence: what was wrong and where (file, line, path inside the JSON), in one sentence.
        next_step: what to do about it, in one sentence, or empty.
    """

    login_command = ""
    """Command that renews the sign-in, after which the operation can be tried again; else ""."""

    def __init__(self, sentence: str, next_step: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.sentence} {self.next_step}".rstrip()
