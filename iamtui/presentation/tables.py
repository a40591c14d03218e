"""Rows of tables as CSV and Markdown; their cells are raw text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Final

from iamtui.text import safe_text

_FORMULA: Final = re.compile(r"(^|;)(?=[ ]*[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a formula may begin: a cell, or what becomes one where semicolons part cells. Full-width signs count too."""

_MARKDOWN: Final = re.compile(r"[\\`*_{}\[\]<>|~#]")


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
