"""An answer to a question matrix as JSON: the documented decision of each pair, and what a question matrix adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iamtui.engine.words.decision_json import decision_to_json
from iamtui.policy.document import JsonValue

if TYPE_CHECKING:
    from iamtui.questions.answers import Answer, Cell, DependentAnswer


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
