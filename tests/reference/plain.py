"""The outcome that is found without a record, held against the reading of all layers."""

from __future__ import annotations

from random import Random
from typing import Any

from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.engine.api import evaluate
from iamtui.engine.caller_side import CallerSide
from iamtui.engine.fast_path import Caps, PlainQuestion
from iamtui.engine.policies import DEFAULT_OPTIONS, NotEvaluated
from iamtui.engine.prepared_request import PreparedRequest, SharedContext, prepare, resource_owner
from iamtui.engine.request import common_context, partition_of
from iamtui.engine.scenario import parse_scenario
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS

from .vocabulary import A

TIMES = 3
"""How often the same is asked: what is remembered of the first time changes how the second is answered."""


_CALLERS: list[dict[str, Any]] = [
    {"principal": f"arn:aws:iam::{A}:user/alice", "credentials": "long_term"},
    {"principal": f"arn:aws:iam::{A}:user/team/amy"},
    {"principal": f"arn:aws:iam::{A}:role/a/b/deep"},
    {"principal": f"arn:aws:sts::{A}:assumed-role/app/s1"},
]
_NOT_PLAIN = ("options", "session_policies", "vpc_endpoint_policies", "settings")


def as_plain(scenario: dict[str, Any], random: Random) -> dict[str, Any]:
    """The scenario as it is put to users and roles of the account that owns the resource."""
    result = {name: part for name, part in scenario.items() if name not in _NOT_PLAIN}
    request = {name: part for name, part in scenario["request"].items() if name not in ("issuer", "any_value")}
    result["request"] = {**request, **random.choice(_CALLERS), "resource_account": A}
    return result


def plain_outcomes(scenario: dict[str, Any]) -> list[str | None]:
    """What the short way says each time the scenario is asked; None where it leaves it to the reading of all layers.

    Empty where the scenario is none that it is asked about.
    """
    parsed = parse_scenario(scenario)
    request, policies = parsed.request, parsed.policies
    principal = request.principal
    prepared = prepare(
        request.action,
        request.resource,
        request.wildcard_only_action,
        partition_of(principal),
        principal.account or "",
        ENGINE_CATALOGUE,
        request.resource_account,
    )
    owner = resource_owner(request.resource_account, principal, prepared)
    if (
        parsed.options != DEFAULT_OPTIONS
        or request.any_value
        or policies.session
        or policies.vpc_endpoint
        or isinstance(policies.identity, NotEvaluated)
        or isinstance(policies.boundaries, NotEvaluated)
        or not prepared.plain
        or principal.account is None
        or principal.account != owner
    ):
        return []
    caps = Caps(
        () if policies.principal_in_management_account else policies.scps,
        () if policies.resource_in_management_account else policies.rcps,
    )
    question = PlainQuestion(prepared, policies.resource, caps)
    side = CallerSide(principal, policies.identity, policies.boundaries, {}, ())
    circumstances = SharedContext(common_context(request))
    asked = PreparedRequest(prepared, DEFAULT_LANGUAGE_OPTIONS, shared=True, circumstances=circumstances)
    found: list[str | None] = []
    for turn in range(TIMES):
        asked.repeated = turn > 0
        found.append(question.outcome(side, asked))
    return found


def plain_disagreement(scenario: dict[str, Any]) -> str | None:
    """One sentence where the short way says something else, or the same question gets several answers."""
    found = plain_outcomes(scenario)
    said = {outcome for outcome in found if outcome is not None}
    if not said:
        return None
    parsed = parse_scenario(scenario)
    decision = evaluate(parsed.request, parsed.policies).outcome
    if said != {decision}:
        return f"without a record: {sorted(said)}, with one {decision}"
    return None
