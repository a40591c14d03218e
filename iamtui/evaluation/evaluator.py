"""The evaluator: one request and the policies in force give one Decision."""

from __future__ import annotations

from dataclasses import replace

from iamtui.catalog.engine_facts import ENGINE_CATALOGUE
from iamtui.evaluation.conclusion import conclude
from iamtui.evaluation.decision import Decision
from iamtui.evaluation.policies import DEFAULT_OPTIONS, EngineOptions, PoliciesInForce
from iamtui.evaluation.prepared import ActionCatalogue
from iamtui.evaluation.reading import Evaluation, read_all_layers
from iamtui.evaluation.request import Request
from iamtui.policy.resource import ResourceKind


def evaluate(
    request: Request,
    policies: PoliciesInForce,
    options: EngineOptions = DEFAULT_OPTIONS,
    *,
    catalogue: ActionCatalogue = ENGINE_CATALOGUE,
) -> Decision:
    """Decide one request.

    Args:
        request: the question.
        policies: what is in force for it.
        options: how the open points of AWS's documentation are read.
        catalogue: what is known of AWS's actions.
    """
    reading = read_all_layers(request, policies, options, catalogue=catalogue)

    def allowed_everywhere(resource: str) -> bool:
        asked = replace(request, resource=resource)
        return read_all_layers(asked, policies, options, catalogue=catalogue, everywhere=True).total is True

    return conclude(reading, _read_everywhere(reading, catalogue), allowed_everywhere)


def _read_everywhere(reading: Evaluation, catalogue: ActionCatalogue) -> Evaluation | None:
    """For an allowed question about a set of resources: the same question about all of them."""
    if reading.prepared.resource.kind is not ResourceKind.SET or reading.total is False:
        return None
    return read_all_layers(reading.request, reading.policies, reading.options, catalogue=catalogue, everywhere=True)
