"""safe_text: the only way out for text that came from outside, to a widget, the terminal or a log.

Rooms keep raw values, so that matching stays exact; whatever leaves towards a person goes through here.
Textual and terminals let ESC, C1 controls, bidi and zero-width characters through in every widget, which
lets data move the cursor, write the clipboard (OSC 52), reorder what is read, or look like something else.
Times in words, and errors as a log may hold them, are made here too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Final

LABEL_LIMIT: Final = 4096
"""Longest label in characters; documents are not cut."""

_BLANK: Final = frozenset(
    # Printable by their category, but drawn as nothing or as a space: fillers, variation selectors, a blank pattern.
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U00016fe4\U0001d159"
    + "".join(map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)

_LATER: Final = (range(0x1F000, 0x1FB00), range(0x20000, 0x3FFFE))
"""Pictographs and ideographs: what is unassigned there may come with a newer Unicode, and hides nothing."""

_BASES: Final = ("L", "N", "So")
"""Unicode categories that carry combining marks: letters, numbers, pictographs."""

_MOST_MARKS: Final = 4
"""Combining marks on one character; Vietnamese and Hebrew need three."""


@lru_cache(4096)
def _mark(character: str) -> str:
    """Replacement of a character that would hide something or steer the terminal; "" for one that is shown."""
    code = ord(character)
    if character in _BLANK:
        return f"<U+{code:04X}>"
    # Not printable: controls, format characters, surrogates, private use, unassigned, and all spaces but one.
    if character.isprintable() or (any(code in later for later in _LATER) and code & 0xFFFE != 0xFFFE):
        return ""
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else f"<U+{code:04X}>"


def safe_text(value: object, *, limit: int | None = LABEL_LIMIT) -> str:
    """Return `value` as one line of text that is safe to show.

    Control, bidi, zero-width and other invisible characters, unusual spaces, private and unassigned characters become
    visible marks (ESC becomes ␛, U+202E becomes <U+202E>), lone surrogates become U+FFFD, combining marks cannot pile
    up or reach the text before, and the result is cut at `limit` characters with an ellipsis (None: not cut). Markup
    is untouched: a widget must be given the result as a `Content` or `Text` object, never as a markup str.
    """
    text = _cut(value if type(value) is str else str(value), limit)
    if text.isascii() and text.isprintable():
        return text
    characters = set(text)
    if not (text.isprintable() and characters.isdisjoint(_BLANK)):
        text = text.translate({ord(character): mark for character in characters if (mark := _mark(character))})
    if not text.isascii():
        text = _tame_marks(text, characters)
    return _cut(text, limit)


def counted(count: int, noun: str, several: str = "") -> str:
    """A number with its noun: "1 action", "2,000 actions"; `several` where the plural has more than an s."""
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"


def any_of(names: Sequence[str]) -> str:
    """A choice in words: "bash, zsh or fish"."""
    return " or ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def first_names(names: Iterable[str], most: int, *, limit: int = LABEL_LIMIT) -> str:
    """The first of some names, safe to show, and how many more there are: "a, b and 3 more"."""
    return first_of_texts([*names], most, lambda name: safe_text(name, limit=limit))


def first_of_texts(texts: Sequence[str], most: int, show: Callable[[str], str] = str) -> str:
    """The first of some texts as `show` has them, and how many more there are: "a, b and 3 more"."""
    shown = ", ".join(map(show, texts[:most]))
    return shown if len(texts) <= most else f"{shown} and {len(texts) - most:,} more"


def safe_document(text: str) -> str:
    """Return a text of several lines, each safe to show; line ends are kept, tabs become four spaces."""
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return "\n".join(safe_text(line, limit=None) for line in lines)


def _cut(text: str, limit: int | None) -> str:
    if limit is None or len(text) <= limit:
        return text
    return text[: limit - 1] + "…" if limit > 0 else ""


def _tame_marks(text: str, characters: Iterable[str]) -> str:
    """Count the marks that are piled on a character beyond a few, and give those without a letter something to sit on.

    Hundreds of them are drawn over the neighbouring lines; at the start of a name they would change what stands
    before it: the label, a slash, a quotation mark.
    """
    # None stands before U+0300 in Unicode.
    marks = {character for character in characters if character >= "\u0300" and _joins(character)} - _BLANK
    if not marks:
        return text
    pieces: list[str] = []
    before = ""
    for are_marks, run in groupby(text, marks.__contains__):
        piece = "".join(run)
        if are_marks:
            more = len(piece) - _MOST_MARKS
            if more > 0:
                piece = f"{piece[:_MOST_MARKS]}<{more} more mark{'s' if more > 1 else ''}>"
            if not (before and unicodedata.category(before).startswith(_BASES)):
                pieces.append("\u25cc")
        pieces.append(piece)
        before = piece[-1]
    return "".join(pieces)


@lru_cache(4096)
def _joins(character: str) -> bool:
    """True if a character is drawn on the one before: a combining mark, a Hangul vowel or final, a skin tone."""
    if unicodedata.category(character)[0] == "M":
        return True
    return (
        "\u1160" <= character <= "\u11ff"
        or "\ud7b0" <= character <= "\ud7ff"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


_UNITS: Final = (("y", 365 * 86400), ("mo", 30 * 86400), ("d", 86400), ("h", 3600), ("m", 60))


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in one unit: `3d ago`, `just now`; `in 2h` for the future."""
    seconds = (now - moment).total_seconds()
    for unit, size in _UNITS:
        if abs(seconds) >= size:
            count = f"{int(abs(seconds) // size)}{unit}"
            return f"{count} ago" if seconds > 0 else f"in {count}"
    return "just now"


_LIKE_A_SECRET: Final = re.compile(r"[A-Za-z0-9+/=_-]{16,}")
"""Access key ids have 20 characters, secrets 40, tokens hundreds; names of things are mostly shorter."""

_CODE: Final = re.compile(r"\b[0-9]{6}\b")


def redacted(text: str) -> str:
    """The text without anything that looks like a key, a token or an MFA code, for messages nobody foresaw."""
    return _CODE.sub("••••", _LIKE_A_SECRET.sub("••••", text))


def error_lines(error: BaseException) -> list[str]:
    """An exception for a log or a screen: type, redacted message, and frames without the values of variables."""
    lines = [f"{type(error).__name__}: {safe_text(redacted(str(error)), limit=500)}"]
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        lines.append(f"  {safe_text(code.co_filename)}:{step.tb_lineno} in {safe_text(code.co_name)}")
        step = step.tb_next
    return lines
