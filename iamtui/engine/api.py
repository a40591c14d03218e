"""The evaluator: one request and the policies in force give one Decision."""

from __future__ import annotations

from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.engine.decision import Decision
from iamtui.engine.decision_details import DecisionDetails
from iamtui.engine.evaluation import Evaluation
from iamtui.engine.evaluator import read_all_layers
from iamtui.engine.policies import DEFAULT_OPTIONS, EngineOptions, PoliciesInForce
from iamtui.engine.prepared_request import ActionCatalogue
from iamtui.engine.request import Request


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
    return Decision.concluded(
        reading.outcome, complete=not reading.not_evaluated, conclude=lambda: DecisionDetails(reading, catalogue)
    )
