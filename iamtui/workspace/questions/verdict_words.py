"""A verdict in words: what is shown wherever there is one. Knows no engine, so that the screen can load it first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LIMITED: Final = "*"
"""Behind a verdict, or its mark alone, that holds only on some resources, or only as far as loaded."""


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """A verdict. All of it is safe to show.

    Args:
        mark: "[+]", "[x]", "[-]" or "[?]".
        word: "ALLOWED", "DENIED" or "DEPENDS".
        rest: the words behind it, or "".
        limit: where the answer is not all that its word says ("on some", "as loaded"), that in few words; else "".
    """

    mark: str
    word: str
    rest: str
    limit: str = ""

    def __str__(self) -> str:
        return f"{self.mark} {self.word} {self.rest}".rstrip()

    @property
    def star(self) -> str:
        """What stands behind the mark or the word where the limit is not written out, or ""."""
        return LIMITED if self.limit else ""

    @property
    def short(self) -> str:
        """Mark and word, for where there is no room for more; a star stands for a limit."""
        return f"{self.mark} {self.word}{self.star}"
