"""Styled words: what a row of text is made of, before a door gives its tones colours."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from iamtui.text import LABEL_LIMIT, safe_text


class Tone(StrEnum):
    """What a word says by its colour, which only repeats what the words say."""

    PLAIN = "plain"
    STRONG = "strong"
    HEADING = "heading"
    QUIET = "quiet"
    FAINT = "faint"
    ALLOWED = "allowed"
    DENIED = "denied"
    DEPENDS = "depends"


class Word(NamedTuple):
    """A piece of a row; its text is safe to show. `bold`: besides its tone, where a door has letters for that."""

    text: str
    tone: Tone = Tone.PLAIN
    bold: bool = False


Row = tuple[Word, ...]


def row_of(*parts: object, limit: int | None = LABEL_LIMIT) -> Row:
    """A row of raw values, of words whose text is raw, and of rows, which are safe already.

    Args:
        limit: characters of each part at which it is cut; None: nothing is cut.
    """
    words: list[Word] = []
    for part in parts:
        if isinstance(part, Word):
            words.append(part._replace(text=safe_text(part.text, limit=limit)))
        elif isinstance(part, tuple):
            words += part
        else:
            words.append(Word(safe_text(part, limit=limit)))
    return tuple(words)


def text_of(row: Row) -> str:
    return "".join(word.text for word in row)
