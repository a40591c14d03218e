"""Tables as CSV and Markdown, and JSON, for other programs; all of it is made of raw text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from iamtui.problem import Problem
from iamtui.text import safe_text

_FORMULA: Final = re.compile(r"(^|;)(?=[ ]*[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a formula may begin: a cell, or what becomes one where semicolons part cells. Full-width signs count too."""

_MARKDOWN: Final = re.compile(r"[\\`*_{}\[\]<>|~#&$]|(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)
"""Characters that Markdown interprets; GitHub makes links also of bare addresses, and formulas between `$`."""


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
    texts = [_MARKDOWN.sub(r"\\\g<0>", safe_text(cell or "")) for cell in cells]
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
_LONGEST_TEXT: Final = 32_000_000
"""Characters of a list as one text: each of thousands of rows may repeat a condition with thousands of keys."""
FILE_SUFFIXES: Final = {"csv": ".csv", "json": ".jsonl", "markdown": ".md"}


def table_text(form: str, columns: Sequence[str], rows: Iterable[tuple[Sequence[str | None], Any]]) -> str:
    """Rows, each as cells and as JSON, in one of FORMATS.

    Raises:
        Problem: they are too much to show and to copy.
    """
    made: list[str] = []
    size = 0
    for line in _table_lines(form, columns, rows):
        made.append(line)
        size += len(line)
        if size > _LONGEST_TEXT:
            millions = _LONGEST_TEXT // 1_000_000
            raise Problem(
                f"As {FORMATS[form]} the list has more than {millions} million characters.",
                "Filter it to fewer rows, or run the command for it, such as `iamtui who-can`: it writes row by row.",
            )
    return "".join(made)


def _table_lines(form: str, columns: Sequence[str], rows: Iterable[tuple[Sequence[str | None], Any]]) -> Iterator[str]:
    if form == "json":
        yield from (to_ascii_json(value) + "\n" for _, value in rows)
    elif form == "csv":
        yield csv_row(columns)
        yield from (csv_row(cells) for cells, _ in rows)
    else:
        yield markdown_row(columns, heading=True)
        yield from (markdown_row(cells) for cells, _ in rows)
