"""Answers for other programs as JSON, and tables as CSV, JSON and Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from iamtui.engine.decision_json import decision_to_json
from iamtui.policy.document import JsonValue
from iamtui.presentation.tables import csv_row, markdown_row, to_ascii_json
from iamtui.problem import Problem

if TYPE_CHECKING:
    from iamtui.questions.answers import Answer, Cell, DependentAnswer

# An answer to a question matrix as JSON: the documented decision of each pair, and what a question matrix adds to it.


def cell_to_json(answer: Answer, cell: Cell, *, trace: JsonValue = None) -> dict[str, Any]:
    found: dict[str, Any] = decision_to_json(cell.decision, trace=trace)
    found["deciding"] = cell.deciding.outcome.value
    found["companions"] = [companion_to_json(one) for one in cell.companions]
    if cell.pattern:
        found["typed"] = cell.pattern
    if not cell.fits:
        found["fits"] = False
    if cell.never_asked:
        found["never_asked"] = cell.never_asked
    if answer.chain is not None:
        found["chain"] = companion_to_json(answer.chain)
    return found


def companion_to_json(one: DependentAnswer) -> dict[str, Any]:
    return {
        "action": one.question.action,
        "resource": one.question.resource,
        "what": one.check.resource,
        "when": one.check.when or None,
        "decides": one.decides,
        "answer": decision_to_json(one.decision),
    }


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
