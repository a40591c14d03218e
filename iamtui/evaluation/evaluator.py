"""The evaluator: one request and the policies in force give one Decision."""

from __future__ import annotations

from iamtui.catalog.engine_facts import ENGINE_CATALOGUE
from iamtui.evaluation.all_layers import read_all_layers
from iamtui.evaluation.conclusion import Conclusion
from iamtui.evaluation.decision import Decision
from iamtui.evaluation.policies import DEFAULT_OPTIONS, EngineOptions, PoliciesInForce
from iamtui.evaluation.prepared import ActionCatalogue
from iamtui.evaluation.reading import Evaluation
from iamtui.evaluation.request import Request


def evaluate(
    request: Request,
    policies: PoliciesInForce,
    options: EngineOptions = DEFAULT_OPTIONS,
    *,
    catalogue: ActionCatalogue = ENGINE_CATALOGUE,
) -> Decision:
    """Decide one request.

    All layers are read at once; what a Decision says besides its outcome is put together when it is read.

    Args:
        request: the question.
        policies: what is in force for it.
        options: how the open points of AWS's documentation are read.
        catalogue: what is known of AWS's actions.
    """
    return concluded(read_all_layers(request, policies, options, catalogue=catalogue), catalogue)


def concluded(reading: Evaluation, catalogue: ActionCatalogue = ENGINE_CATALOGUE) -> Decision:
    """The Decision that a reading of all layers comes to."""
    return Decision.concluded(
        reading.outcome, complete=not reading.not_evaluated, conclude=lambda: Conclusion(reading, catalogue)
    )
