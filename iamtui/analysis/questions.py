"""Questions over an account: from a question and a principal to a request and the policies in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from iamtui.account.model import Account
from iamtui.analysis.known_context import account_context, assumed_environment
from iamtui.analysis.policies_in_force import principal_policies, resource_side, trust_or_resource_policy
from iamtui.catalog.engine_facts import ENGINE_CATALOGUE
from iamtui.evaluation.caller import partition_of
from iamtui.evaluation.decision import Layer
from iamtui.evaluation.policies import NamedPolicy, NotEvaluated, PoliciesInForce
from iamtui.evaluation.prepared import PreparedAction, prepare, resource_owner
from iamtui.evaluation.request import Mode, Principal, Request
from iamtui.policy.document import PolicyDocument

_SWITCHED_OFF = NotEvaluated("switched off")


@dataclass(frozen=True, slots=True)
class Question:
    """One action on one resource in one context; who asks is kept apart, so that it can change.

    Args:
        action: "service:Operation".
        resource: ARN, ARN pattern or "*".
        context: condition key to values, as given by the user; an empty tuple says that the key is absent.
        mode: discover (a key nobody gave is unknown) or strict (it is absent).
        resource_account: the resource's owner when it is not the account in its ARN, or None.
        session_policies: JSON texts of session policies the caller's session was made with.
        layers_off: layers the user switched off; shown as not evaluated.
        region: the region of the request when the resource does not name one, or "".
    """

    action: str
    resource: str = "*"
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mode: Mode = Mode.DISCOVER
    resource_account: str | None = None
    session_policies: tuple[str, ...] = ()
    layers_off: frozenset[Layer] = frozenset()
    region: str = ""


def request_and_policies(
    account: Account, principal: Principal, question: Question, now: datetime | None = None
) -> tuple[Request, PoliciesInForce]:
    """What the evaluator needs to answer a question for one principal.

    Args:
        now: the time of the request, UTC; None: the clock.
    """
    prepared = prepare(
        question.action, question.resource, None, partition_of(principal), principal.account or "", ENGINE_CATALOGUE
    )
    bare = Request(principal, question.action, question.resource, resource_account=question.resource_account)
    owner, _ = resource_owner(bare, prepared)
    known = account_context(account, principal, prepared, owner)
    derived = known.values
    absent = known.absent
    assumptions: tuple[str, ...] = ()
    if question.mode is Mode.DISCOVER:
        environment = assumed_environment(prepared, question.region, now or datetime.now(UTC))
        said = {name.lower() for name in question.context}
        assumed = {key: values for key, values in environment.values.items() if key.lower() not in said}
        derived = {**derived, **assumed}
        assumptions = tuple(f"{key} = {values[0]}" for key, values in assumed.items())
        if "aws:viaawsservice" not in said:
            absent = (*absent, *environment.absent)
    request = replace(
        bare,
        context=question.context,
        derived=derived,
        mode=question.mode,
        known_absent=absent,
        assumptions=assumptions,
    )
    return request, _policies(account, principal, question, prepared, owner)


def _policies(
    account: Account, principal: Principal, question: Question, prepared: PreparedAction, owner: str | None
) -> PoliciesInForce:
    own = principal_policies(account, principal)
    side = resource_side(account, owner, prepared, question.context)
    policies = PoliciesInForce(
        identity=own.identity,
        boundaries=own.boundaries,
        session=tuple(
            NamedPolicy(f"session policy {i + 1}", PolicyDocument(text))
            for i, text in enumerate(question.session_policies)
        ),
        resource=trust_or_resource_policy(account, prepared),
        scps=own.scps,
        rcps=side.rcps,
        vpc_endpoint=side.vpc_endpoint,
        principal_in_management_account=own.in_management_account,
        resource_in_management_account=side.in_management_account,
        restrict_public_buckets=side.restrict_public_buckets,
    )
    return _without(policies, question.layers_off) if question.layers_off else policies


def _without(policies: PoliciesInForce, layers: frozenset[Layer]) -> PoliciesInForce:
    """The policies with some layers switched off: each is then not evaluated instead of absent."""
    if Layer.IDENTITY in layers:
        policies = replace(policies, identity=_SWITCHED_OFF)
    if Layer.BOUNDARY in layers and policies.boundaries:
        policies = replace(policies, boundaries=_SWITCHED_OFF)
    if Layer.SESSION in layers and policies.session:
        policies = replace(policies, session=_SWITCHED_OFF)
    if Layer.RESOURCE in layers:
        policies = replace(policies, resource=_SWITCHED_OFF)
    if Layer.SCP in layers and policies.scps:
        policies = replace(policies, scps=_SWITCHED_OFF)
    if Layer.RCP in layers and policies.rcps:
        policies = replace(policies, rcps=_SWITCHED_OFF)
    if Layer.VPC_ENDPOINT in layers and policies.vpc_endpoint:
        policies = replace(policies, vpc_endpoint=_SWITCHED_OFF)
    return policies
