"""Questions over an account: from a question and a principal to a request and the policies in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from iamtui.account.model import Account
from iamtui.analysis.known_context import KnownContext, assumed_environment, principal_context, resource_context
from iamtui.analysis.policies_in_force import (
    PrincipalPolicies,
    ResourceSide,
    entity_behind,
    principal_policies,
    resource_policy_arn,
    resource_side,
    trust_or_resource_policy,
)
from iamtui.analysis.question import Question
from iamtui.catalog.engine_facts import ENGINE_CATALOGUE
from iamtui.evaluation.asked import Asked
from iamtui.evaluation.caller import CallerKeys, caller_keys, partition_of
from iamtui.evaluation.decision import Decision, Layer
from iamtui.evaluation.evaluator import evaluate
from iamtui.evaluation.policies import NamedPolicy, NotEvaluated, PoliciesInForce, PolicyInForce, PolicyLevel
from iamtui.evaluation.prepared import PreparedAction, prepare, resource_owner
from iamtui.evaluation.reading import asked_by
from iamtui.evaluation.request import Mode, Principal, PrincipalKind, Request
from iamtui.policy.context import KeyValues
from iamtui.policy.document import PolicyDocument

__all__ = ["Asker", "Question"]

_SWITCHED_OFF = NotEvaluated("switched off")


@dataclass(frozen=True, slots=True)
class _PrincipalFacts:
    """What the account says of one caller, whatever is asked."""

    policies: PrincipalPolicies
    known: KnownContext
    keys: CallerKeys
    partition: str
    tags_of: str
    reads_tags: bool
    """Whether its own policies read principal tags."""

    def assumptions(self, shared: _ResourceFacts) -> tuple[str, ...]:
        """What is taken for granted with this caller: a session tag wins over a tag of the same name of its role."""
        if self.tags_of and (self.reads_tags or shared.reads_tags):
            return (*shared.assumptions, f"no session tag replaces a tag of {self.tags_of}")
        return shared.assumptions


@dataclass(frozen=True, slots=True)
class _ResourceFacts:
    """What the account says of the resource and the environment, whoever asks from one account."""

    resource_account: str | None
    resource: PolicyInForce | NotEvaluated | None
    side: ResourceSide
    derived: tuple[KeyValues, ...]
    absent: tuple[str, ...]
    assumptions: tuple[str, ...]
    reads_tags: bool


class Asker:
    """Puts one question to any number of principals of an account; what they share is worked out once."""

    def __init__(self, account: Account, question: Question, now: datetime | None = None) -> None:
        """Take a question.

        Args:
            now: the time of the request, UTC; None: the clock.
        """
        self._account = account
        self._question = question
        self._now = now or datetime.now(UTC)
        self._given = frozenset(name.lower() for name in question.context)
        self._session = tuple(
            NamedPolicy(f"session policy {i + 1}", PolicyDocument(text))
            for i, text in enumerate(question.session_policies)
        )
        self._facts: dict[tuple[str | None, str], _ResourceFacts] = {}
        self._asked: dict[tuple[str | None, str, CallerKeys], Asked] = {}

    def decide(self, principal: Principal, *, assumptions: tuple[str, ...] = ()) -> Decision:
        """The decision for one principal.

        Args:
            assumptions: what whoever asks has taken for granted, to be said with the decision.
        """
        request, policies = self.request_and_policies(principal)
        if assumptions:
            request = replace(request, assumptions=(*request.assumptions, *assumptions))
        return evaluate(request, policies, asked=self._asked_of(request))

    def _asked_of(self, request: Request) -> Asked:
        """What is asked, for all callers of the same class."""
        principal = request.principal
        own = _principal_facts(self._account, principal)
        key = (principal.account, own.partition, own.keys)
        found = self._asked.get(key)
        if found is None:
            found = self._asked[key] = asked_by(request, callers=own.keys)
        return found

    def request_and_policies(self, principal: Principal) -> tuple[Request, PoliciesInForce]:
        """What the evaluator needs to answer for one principal."""
        own = _principal_facts(self._account, principal)
        key = (principal.account, own.partition)
        shared = self._facts.get(key)
        if shared is None:
            shared = self._facts[key] = self._resource_facts(principal, own.partition)
        question = self._question
        request = Request(
            principal=principal,
            action=question.action,
            resource=question.resource,
            resource_account=shared.resource_account,
            context=question.context,
            derived=(own.known.values, *shared.derived),
            mode=question.mode,
            known_absent=own.known.absent + shared.absent,
            assumptions=own.assumptions(shared),
        )
        policies = PoliciesInForce(
            identity=own.policies.identity,
            boundaries=own.policies.boundaries,
            session=self._session,
            resource=shared.resource,
            scps=own.policies.scps,
            rcps=shared.side.rcps,
            vpc_endpoint=shared.side.vpc_endpoint,
            principal_in_management_account=own.policies.in_management_account,
            resource_in_management_account=shared.side.in_management_account,
            restrict_public_buckets=shared.side.restrict_public_buckets,
            lasting=True,
        )
        return request, _without(policies, question.layers_off) if question.layers_off else policies

    def _resource_facts(self, principal: Principal, partition: str) -> _ResourceFacts:
        account = self._account
        question = self._question
        prepared = prepare(
            question.action, question.resource, None, partition, principal.account or "", ENGINE_CATALOGUE
        )
        resource_account = question.resource_account or self._owner_known_here(principal, prepared)
        bare = Request(principal, question.action, question.resource, resource_account=resource_account)
        owner = resource_owner(bare, prepared)
        known = resource_context(account, prepared, owner)
        derived: tuple[KeyValues, ...] = (known.values,)
        absent = known.absent
        assumptions: tuple[str, ...] = ()
        if question.mode is Mode.DISCOVER:
            environment = assumed_environment(prepared, question.region, self._now, self._given)
            derived = (*derived, environment.values)
            absent += environment.absent
            assumptions = environment.names
        resource = trust_or_resource_policy(account, prepared)
        side = resource_side(account, owner, prepared, question.context)
        levels = (*_policies_of(principal_policies(account, principal).scps), *_policies_of(side.rcps))
        documents = (resource, *levels, *self._session)
        return _ResourceFacts(
            resource_account, resource, side, derived, absent, assumptions, any(map(_reads_principal_tags, documents))
        )

    def _owner_known_here(self, principal: Principal, prepared: PreparedAction) -> str | None:
        """This account, when the ARN names no owner but the account is known to have the resource.

        A caller without an account is taken to ask about this account, which is all that is loaded.
        """
        if prepared.owner is not None:
            return None
        if principal.account is None:
            return self._account.id
        found = self._account.resource_policies.get(resource_policy_arn(prepared.resource.text))
        if found is None or (found.state == "denied" and principal.account == self._account.id):
            # A bucket whose policy may not be read can be anybody's.
            return None
        return self._account.id


def _principal_facts(account: Account, principal: Principal) -> _PrincipalFacts:
    key = ("principal facts", principal.arn, principal.kind, principal.credentials, principal.issuer)
    found = account.memo.get(key)
    if found is None:
        policies = principal_policies(account, principal)
        entity = entity_behind(account, principal)
        tags_of = ""
        if entity is not None and entity.tags and principal.kind is not PrincipalKind.USER:
            tags_of = entity.name
        known = principal_context(account, principal)
        found = account.memo[key] = _PrincipalFacts(
            policies,
            known,
            _class_of(account, caller_keys(principal, known.values, known.absent)),
            partition_of(principal),
            tags_of,
            bool(tags_of) and any(map(_reads_principal_tags, (*policies.identity, *policies.boundaries))),
        )
    assert isinstance(found, _PrincipalFacts)
    return found


def _class_of(account: Account, keys: CallerKeys) -> CallerKeys:
    """The same object for all callers of one class."""
    found = account.memo.setdefault(("caller keys", keys.names, keys.families), keys)
    assert isinstance(found, CallerKeys)
    return found


def _policies_of(levels: tuple[PolicyLevel, ...] | NotEvaluated) -> Iterator[PolicyInForce]:
    if not isinstance(levels, NotEvaluated):
        for level in levels:
            yield from level.policies


def _reads_principal_tags(policy: PolicyInForce | NotEvaluated | None) -> bool:
    """Whether a document speaks of principal tags, as a condition key or in a variable."""
    return isinstance(policy, NamedPolicy) and "principaltag" in policy.document.raw.lower()


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
