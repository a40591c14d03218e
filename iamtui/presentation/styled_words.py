"""Styled words, what a row of text is made of before a door gives its tones colours, and bars of characters."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from iamtui.text import LABEL_LIMIT, safe_text


class Tone(StrEnum):
    """Meaning of a word's colour, which only repeats what the words say."""

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


# Bars of characters, as long as a share.


_EIGHTHS: Final = "▏▎▍▌▋▊▉█"
FILLS: Final = "█▓▒░·?"
ASCII_FILLS: Final = "#=-.o?"
"""Characters of the parts of a stacked bar, in their order."""


_SHADES: Final = "·░▒▓█"
_ASCII_SHADES: Final = ".-=#@"
"""None, a third, two thirds, less than all, all."""


def shade(part: int, total: int, *, ascii_only: bool = False) -> str:
    """A character as dark as the share that a part has; what is not 0, or not all, can be seen."""
    shades = _ASCII_SHADES if ascii_only else _SHADES
    return shades[min(4, 1 + 3 * part // total)] if part > 0 else shades[0]


def shades(*, ascii_only: bool = False) -> str:
    """Legend of the shades for shares that are not 0."""
    return f"{(_ASCII_SHADES if ascii_only else _SHADES)[1:]} some to all"


def bar(value: int, most: int, width: int, *, ascii_only: bool = False) -> str:
    """A bar for one of several values, the largest of which fills the width; what is not 0 can be seen."""
    if value <= 0 or most <= 0:
        return ""
    if ascii_only:
        return ASCII_FILLS[0] * max(1, round(width * value / most))
    eighths = max(1, round(8 * width * value / most))
    whole, rest = divmod(eighths, 8)
    return _EIGHTHS[-1] * whole + (_EIGHTHS[rest - 1] if rest else "")


def rest_bar(fraction: float, width: int, *, ascii_only: bool = False) -> tuple[str, str]:
    """A bar of what is left of something, and what is gone; of what is not over at least one cell is left."""
    left = min(width, max(round(fraction * width), 1 if fraction > 0 else 0))
    full, gone = "=-" if ascii_only else "━─"
    return full * left, gone * (width - left)


def stacked_bar(parts: Sequence[int], width: int, *, ascii_only: bool = False) -> tuple[str, ...]:
    """A bar of several parts that fills the width: a piece for each, in which a part that is not 0 can be seen."""
    fills = ASCII_FILLS if ascii_only else FILLS
    return tuple(fill * cells for fill, cells in zip(fills, _cells(parts, width), strict=False))


def _cells(parts: Sequence[int], width: int) -> list[int]:
    """How many cells each part gets: at least one where it is not 0, the rest by the largest remainders."""
    total = sum(parts)
    if total == 0:
        return [0] * len(parts)
    exact = [width * part / total for part in parts]
    cells = [max(int(share), 1 if part else 0) for share, part in zip(exact, parts, strict=True)]
    by_remainder = sorted(range(len(parts)), key=lambda place: exact[place] - cells[place], reverse=True)
    for place in by_remainder:
        if sum(cells) < width and parts[place]:
            cells[place] += 1
    while sum(cells) > width and max(cells) > 1:
        cells[cells.index(max(cells))] -= 1
    return cells


def needs_ascii(environ: Mapping[str, str], encoding: str | None) -> bool:
    """True if block characters cannot be shown: the locale, or the encoding of the stream, is not UTF-8.

    Python itself sets LC_CTYPE to a locale of UTF-8 where there was none but C (PEP 538), so that it says nothing then.
    """
    kind = environ.get("LC_CTYPE", "")
    coerced = kind.upper() in ("C.UTF-8", "C.UTF8", "UTF-8")
    locale = environ.get("LC_ALL") or (environ.get("LANG", "") if coerced or not kind else kind)
    return "utf" not in (encoding or "").lower() or bool(locale and "utf" not in locale.lower())


# Tables as CSV and Markdown, and JSON, for other programs; all of it is made of raw text.


_FORMULA: Final = re.compile(r"(^|;)(?=[ ]*[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a formula may begin: a cell, or what becomes one where semicolons part cells. Full-width signs count too."""

_MARKDOWN: Final = re.compile(r"[\\`*_{}\[\]<>|~#&$]|(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)
"""Characters that Markdown interprets; GitHub makes links also of bare addresses, and formulas between `$`."""

_MENTION: Final = re.compile(r"(?<!\w)@(?=\w)")
"""Where code hosts tell a person of a comment: no name in an account may do that."""


def csv_row(cells: Iterable[str | None]) -> str:
    """A row of comma-separated values, which spreadsheets show as text.

    Names of an account can begin like a formula (OWASP: CSV injection).
    """
    texts = [_FORMULA.sub(r"\1'", safe_text(cell or "")) for cell in cells]
    is_quoted = any(";" in text for text in texts)
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL)
    writer.writerow(texts)
    return written.getvalue()


def markdown_row(cells: Iterable[str | None], *, heading: bool = False) -> str:
    """A row of a Markdown table, whose cells are plain text; below a heading the line that makes it one."""
    texts = [_MENTION.sub("@\u200b", _MARKDOWN.sub(r"\\\g<0>", safe_text(cell or ""))) for cell in cells]
    rule = f"|{' --- |' * len(texts)}\n" if heading else ""
    return f"| {' | '.join(texts)} |\n{rule}"


def to_ascii_json(value: Any, *, indent: int | None = None) -> str:
    """JSON text in printable ASCII only, so that no text from outside can steer a terminal or a log."""
    return json.dumps(value, ensure_ascii=True, indent=indent).replace("\x7f", "\\u007f")


def ascii_json_pieces(value: Any, *, indent: int) -> Iterator[str]:
    """The text of `to_ascii_json` in pieces, of which the longest is one text of the value."""
    encoder = json.JSONEncoder(ensure_ascii=True, indent=indent)
    return (piece.replace("\x7f", "\\u007f") for piece in encoder.iterencode(value))


# A whole list as one text.

FORMATS: Final = {"csv": "CSV", "json": "JSON", "markdown": "Markdown"}
"""By name: what a list can be exported as; JSON has one object a line."""
FILE_SUFFIXES: Final = {"csv": ".csv", "json": ".jsonl", "markdown": ".md"}
