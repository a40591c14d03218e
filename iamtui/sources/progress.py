"""Progress of a reading of AWS, and why a fact is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from iamtui.aws.errors import AwsProblem

Step: TypeAlias = Callable[[str, int], None]
"""Told between calls what is being read and how many things came so far; raises to cancel."""


def no_step(_what: str, _done: int) -> None:
    """A Step that nobody listens to."""


def failure(problem: AwsProblem) -> str:
    """Why a call gave nothing, as a short phrase for Missing and Gap."""
    if problem.denied:
        return "access denied"
    return problem.sentence.rstrip(".")
