"""Progress of a reading of AWS, and why a fact is missing."""

from __future__ import annotations

from typing import Protocol

from iamtui.aws.errors import AwsProblem


class Step(Protocol):
    """Told now and then what is being read, how many things came so far, and what is waited for; raises to cancel."""

    def __call__(self, what: str, done: int, waiting: str = "", /) -> None:
        """Tell it."""


def no_step(_what: str, _done: int, _waiting: str = "") -> None:
    """A Step that nobody listens to."""


def failure(problem: AwsProblem) -> str:
    """Why a call gave nothing, as a short phrase for Missing and Gap."""
    if problem.denied:
        return "access denied"
    return problem.sentence.rstrip(".")
