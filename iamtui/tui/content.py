"""The way from raw text to a widget: every helper gives a Content, in which nothing is markup.

Textual reads a str as markup in most widgets: data could style itself, crash the app or run an action.
A widget of this room is given a literal, or what one of these helpers returns.
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import Final

from rich.cells import cached_cell_len, cell_len, set_cell_size
from rich.segment import Segment
from textual.content import Content

from iamtui.presentation.styled_words import Row, Tone, needs_ascii
from iamtui.text import LABEL_LIMIT, safe_document, safe_text

TONES: Final = {
    Tone.PLAIN: "",
    Tone.STRONG: "bold",
    Tone.HEADING: "bold $heading",
    Tone.QUIET: "$muted",
    Tone.FAINT: "$faint",
    Tone.ALLOWED: "$verdict-allowed",
    Tone.DENIED: "$verdict-denied",
    Tone.DEPENDS: "$verdict-depends",
}
"""The Textual style of each tone."""


def styled(row: Row) -> Content:
    """A row of styled words, which are safe to show, as content."""
    styles = (f"bold {TONES[word.tone]}" if word.bold else TONES[word.tone] for word in row)
    return Content("").join(
        Content.styled(word.text, style) if style else Content(word.text)
        for word, style in zip(row, styles, strict=True)
    )


def plain(value: object, style: str = "", *, limit: int | None = LABEL_LIMIT) -> Content:
    return Content.styled(safe_text(value, limit=limit), style) if style else Content(safe_text(value, limit=limit))


def line(*parts: object) -> Content:
    """One line made of parts: a Content (kept as it is), a raw value, or a pair of raw value and style.

    A style is a Textual style such as "bold $text-muted".
    """
    contents: list[Content] = []
    for part in parts:
        if isinstance(part, Content):
            contents.append(part)
        elif isinstance(part, tuple):
            contents.append(plain(part[0], part[1]))
        else:
            contents.append(plain(part))
    return Content("").join(contents)


def is_ascii() -> bool:
    """True where the terminal may have no characters for charts."""
    return needs_ascii(os.environ, getattr(sys.__stdout__, "encoding", None))


def age_note(age: str) -> Content:
    """Note behind a title with the age of the account ("read 3h ago"); nothing for ""."""
    return plain(f"  ({age})" if age else "", "$verdict-depends")


def wrong(*parts: object) -> Content:
    """A line about what is wrong, made of parts as `line` takes them."""
    return line(("! ", "bold $verdict-denied"), *parts)


def lines(*rows: Content) -> Content:
    return Content("\n").join(rows)


def document(text: str) -> Content:
    """Raw text of several lines as content; not cut."""
    return Content(safe_document(text))


def document_lines(text: str) -> list[str]:
    """The lines of a document, each safe to show; tabs become spaces, nothing is cut."""
    return safe_document(text).split("\n")


def forget_drawn_texts() -> None:
    """Drop the texts that the drawing has kept beside their widths and cuts, for when a secret was among them."""
    cached_cell_len.cache_clear()
    Segment._split_cells.cache_clear()  # noqa: SLF001 - it is a cache of the process, and nothing else empties it


def fit(text: str, width: int) -> str:
    """Cut safe text to `width` terminal cells, ending in an ellipsis where something was cut."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"


def fit_name(name: str, width: int) -> str:
    """As `fit`, the name of an entity, which is unique without its path: that gives way first."""
    return fit(name if cell_len(name) <= width else short_name(name), width)


def short_name(name: str) -> str:
    """A name without its path, of which an ellipsis is left; an ARN, and any other text, as it is."""
    if name.count("/") < 2 or " " in name or name.startswith("arn:"):
        return name
    return f"{name.partition('/')[0]}/…/{name.rpartition('/')[2]}"


def fit_end(text: str, width: int) -> str:
    """The end of a raw text in at most `width` terminal cells, after an ellipsis where something was cut."""
    safe = safe_text(text, limit=None)
    while safe and cell_len(safe) > width:
        safe = safe[max(1, cell_len(safe) - width) :]
        if cell_len(safe) <= width:
            safe = "…" + safe[1:]
    return safe


class Severity(StrEnum):
    """How a notice is coloured and for how long it stays."""

    INFORMATION = "information"
    WARNING = "warning"
    ERROR = "error"
