"""Answers for other programs: JSON, and lists of who can do something as CSV and Markdown too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from iamtui.engine.decision import Outcome
from iamtui.engine.decision_json import decision_to_json, to_ascii_json
from iamtui.policy.document import JsonValue
from iamtui.policy.patterns import is_pattern
from iamtui.presentation.tables import csv_row, markdown_row
from iamtui.presentation.verdict import OUTCOME_WORDS, VerdictWords, as_far_as_loaded, statement_name, verdict_words
from iamtui.text import safe_text
from iamtui.workspace.access import Grant, PrincipalAccess, grants_of, who_has_access
from iamtui.workspace.identity_center import known_behind
from iamtui.workspace.inventory import sign_in_json

if TYPE_CHECKING:
    from iamtui.engine.request import Principal
    from iamtui.questions.answers import Answer, Cell, DependentAnswer
    from iamtui.questions.question import QuestionMatrix
    from iamtui.workspace.workspace import Workspace

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


# Who can, a principal a row.

_MOST_OF_PEOPLE: Final = 10_000
"""Characters of the people behind one role, some hundred of them: thousands of roles may be of one permission set."""

WHO_CAN_COLUMNS: Final = ("principal", "decision", "limits", "example", "allowed", "condition", "by", "through")


def access_words(one: PrincipalAccess) -> VerdictWords:
    decision = one.cell.deciding
    return verdict_words(decision) if one.outcome is decision.outcome else OUTCOME_WORDS[one.outcome]


def is_one(one: PrincipalAccess) -> bool:
    return len(one.answer.cells) == 1 and not any(map(is_pattern, one.answer.question_matrix.actions))


def who_can_json(workspace: Workspace, one: PrincipalAccess) -> dict[str, Any]:
    """One pair: its decision as `can` prints it; several: the one that decides, and how many have which decision."""
    found = one.answer
    grants = [_grant_json(grant) for grant in grants_of(workspace, one.cell.decision)]
    chain = [edge.role.arn for edge in one.through]
    behind = known_behind(workspace, one.principal.arn)
    people = {} if behind is None else sign_in_json(behind, _MOST_OF_PEOPLE)
    if is_one(one):
        decided = cell_to_json(found, one.cell)
        if not chain:
            return {**decided, "grants": grants, **people}
        who = {"principal": one.principal.arn, "decision": one.outcome.value}
        return {**who, "through": chain, "role": decided, **people}
    return {
        **people,
        "principal": one.principal.arn,
        "decision": one.outcome.value,
        "pairs": len(found.counted),
        "counts": dict(sorted(Counter(cell.deciding.outcome.value for cell in found.counted).items())),
        "cut": found.cut,
        "granted": [
            {"action": cell.question.action, "resource": cell.question.resource, "decision": cell.deciding.outcome}
            for cell in one.granted
        ],
        "grants": grants,
        "through": chain,
        "best" if one.one_is_enough else "worst": cell_to_json(found, one.cell),
    }


def _grant_json(grant: Grant) -> dict[str, Any]:
    ref = grant.statement
    return {
        "kind": grant.kind,
        "policy": ref.policy,
        "groups": list(grant.groups),
        "sid": None if ref.sid is None else safe_text(ref.sid, limit=200),
        "statement": ref.statement,
        "lines": list(ref.lines) if ref.lines else None,
    }


def who_can_cells(workspace: Workspace, one: PrincipalAccess) -> Sequence[str]:
    """The cells of a row, under WHO_CAN_COLUMNS."""
    decision = one.cell.deciding
    rest = verdict_words(decision).rest if one.outcome is Outcome.ALLOWED else as_far_as_loaded(decision)
    return (
        one.principal.arn or "anonymous",
        one.outcome.value,
        rest,
        (one.cell.decision.example_resource or "") if one.outcome is Outcome.ALLOWED else "",
        "; ".join(f"{cell.question.action} on {cell.question.resource}" for cell in one.granted),
        one.condition,
        "; ".join(grant_words(grant) for grant in grants_of(workspace, one.cell.decision)),
        " -> ".join(edge.role.arn for edge in one.through),
    )


def grant_words(grant: Grant) -> str:
    groups = f" of group {', '.join(map(safe_text, grant.groups))}" if grant.groups else ""
    return f"{statement_name(grant.statement)}{groups}"


# A whole list as one text.

FORMATS: Final = {"csv": "CSV", "json": "JSON", "markdown": "Markdown"}
"""By name: what a list can be exported as; JSON has one object a line."""
FILE_SUFFIXES: Final = {"csv": ".csv", "json": ".jsonl", "markdown": ".md"}


def table_text(form: str, columns: Sequence[str], rows: Iterable[tuple[Sequence[str | None], Any]]) -> str:
    """Rows, each as cells and as JSON, in one of FORMATS."""
    return "".join(_table_lines(form, columns, rows))


def _table_lines(form: str, columns: Sequence[str], rows: Iterable[tuple[Sequence[str | None], Any]]) -> Iterator[str]:
    if form == "json":
        yield from (to_ascii_json(value) + "\n" for _, value in rows)
    elif form == "csv":
        yield csv_row(columns)
        yield from (csv_row(cells) for cells, _ in rows)
    else:
        yield markdown_row(columns, heading=True)
        yield from (markdown_row(cells) for cells, _ in rows)


def who_can_text(
    form: str,
    workspace: Workspace,
    question_matrix: QuestionMatrix,
    principals: Iterable[Principal],
    cancelled: Callable[[], bool],
) -> str:
    """The answers of some principals, in their order, in one of FORMATS."""
    is_json = form == "json"

    def rows() -> Iterator[tuple[Sequence[str | None], Any]]:
        for one in who_has_access(workspace, question_matrix, principals, only_deciding=not is_json):
            if cancelled():
                return
            yield who_can_cells(workspace, one), who_can_json(workspace, one) if is_json else None

    return table_text(form, WHO_CAN_COLUMNS, rows())
