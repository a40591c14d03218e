"""An answer to an inquiry as JSON: the documented decision of each pair, and what an inquiry adds to it.

Besides the keys of a decision, each pair has `companions` (the other requests behind the call: `action`,
`resource`, `what` and `when` in words, `decides`, and `answer`, a decision), `deciding` (the worst of the
decision, the companions that decide and the chain), and where they say something `typed` (the pattern or the
call that the action comes from), `fits` (false: AWS never sees this action on this resource), `never_asked` (why AWS
never asks this) and `chain`.
"""

from __future__ import annotations

from typing import Any

from iamtui.evaluation.decision_json import decision_to_json
from iamtui.policy.document import JsonValue
from iamtui.workspace.questions.answers import Answer, Cell, Companion


def cell_to_json(answer: Answer, cell: Cell, *, trace: JsonValue = None) -> dict[str, Any]:
    """One pair of an answer."""
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


def companion_to_json(one: Companion) -> dict[str, Any]:
    """One of the other requests behind a call."""
    return {
        "action": one.question.action,
        "resource": one.question.resource,
        "what": one.check.resource,
        "when": one.check.when or None,
        "decides": one.decides,
        "answer": decision_to_json(one.decision),
    }
