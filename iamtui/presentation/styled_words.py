"""Styled words: what a row of text is made of, before a door gives its tones colours."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Tone(StrEnum):
    """What a word says by its colour, which only repeats what the words say."""

    PLAIN = "plain"
    STRONG = "strong"
    QUIET = "quiet"
    FAINT = "faint"
    ALLOWED = "allowed"
    DENIED = "denied"
    DEPENDS = "depends"


class Word(NamedTuple):
    """A piece of a row; its text is safe to show."""

    text: str
    tone: Tone = Tone.PLAIN


Row = tuple[Word, ...]


def text_of(row: Row) -> str:
    return "".join(word.text for word in row)
