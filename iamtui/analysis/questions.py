"""Questions over an account: from a question and a principal to a request and the policies in force."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from iamtui.account.model import Account
from iamtui.analysis.known_context import KnownContext, assumed_environment, principal_context, resource_context
from iamtui.analysis.policies_in_force import (
    PrincipalPolicies,
    entity_behind,
    policy_carrier,
    principal_policies,
    resource_side,
    trust_or_resource_policy,
)
from iamtui.analysis.question import Question
from iamtui.catalog.engine_facts import ENGINE_CATALOGUE
from iamtui.catalog.request_keys import is_of_another_resource, keys_of_other_resources
from iamtui.evaluation.asked import Asked
from iamtui.evaluation.caller import caller_class, partition_of
from iamtui.evaluation.decision import Decision, Layer
from iamtui.evaluation.evaluator import evaluate
from iamtui.evaluation.policies import NamedPolicy, NotEvaluated, PoliciesInForce, PolicyInForce, PolicyLevel
from iamtui.evaluation.policy_set import policy_set
from iamtui.evaluation.prepared import PreparedAction, prepare, resource_owner
from iamtui.evaluation.request import Mode, Principal, PrincipalKind, Request
from iamtui.policy.context import KeyValues
from iamtui.policy.document import PolicyDocument
from iamtui.policy.kinds import PolicyType
from iamtui.policy.options import DEFAULT_LANGUAGE_OPTIONS

__all__ = ["Asker", "Question", "make_principal_ready"]

_SWITCHED_OFF = NotEvaluated("switched off")


class _Class:
    """Stands for one class of callers."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class _PrincipalFacts:
    """What the account says of one caller, whatever is asked.

    Args:
        class_: one object for all callers of whom the same is known.
        tags_of: the role whose tags it has, or "".
        reads_tags: whether its own policies read principal tags.
    """

    principal: Principal
    policies: PrincipalPolicies
    known: KnownContext
    class_: _Class
    partition: str
    tags_of: str
    reads_tags: bool


class _Shared:
    """What all callers of one account have in common when they ask the same.

    Args:
        request, policies: what is asked and in force, without the principal and without what is its own.
        reads_tags: whether a policy that all are under reads principal tags.
        layers_off: the layers that are switched off.
    """

    __slots__ = ("_asked", "_layers_off", "_policies", "_reads_tags", "_request", "prepared")

    def __init__(
        self,
        prepared: PreparedAction,
        request: Request,
        policies: PoliciesInForce,
        reads_tags: bool,
        layers_off: frozenset[Layer],
    ) -> None:
        self.prepared = prepared
        self._request = request
        self._policies = policies
        self._reads_tags = reads_tags
        self._layers_off = layers_off
        self._asked: dict[_Class, Asked] = {}

    def request_by(self, principal: Principal, own: _PrincipalFacts, assumptions: tuple[str, ...]) -> Request:
        """The request of one caller."""
        shared = self._request
        if own.tags_of and (own.reads_tags or self._reads_tags):
            # A session tag wins over a tag of the same name of its role.
            assumptions = (f"no session tag replaces a tag of {own.tags_of}", *assumptions)
        return shared.by(
            principal,
            derived=(own.known.values, *shared.derived),
            known_absent=own.known.absent + shared.known_absent,
            assumptions=shared.assumptions + assumptions,
        )

    def policies_of(self, own: _PrincipalFacts) -> PoliciesInForce:
        """The policies that are in force for one caller."""
        found = self._policies.of_caller(own.policies.identity, own.policies.boundaries)
        return _without(found, self._layers_off) if self._layers_off else found

    def asked_by(self, class_: _Class) -> Asked:
        """What the evaluator has worked out for callers of one class."""
        found = self._asked.get(class_)
        if found is None:
            found = self._asked[class_] = Asked(self.prepared, DEFAULT_LANGUAGE_OPTIONS, shared=True)
        return found


_NOBODY: Final = Principal(PrincipalKind.ANONYMOUS, "")


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
        self._given = frozenset(map(str.lower, question.context))
        self._session = tuple(
            NamedPolicy(f"session policy {i + 1}", PolicyDocument(text))
            for i, text in enumerate(question.session_policies)
        )
        self._by_account: dict[tuple[str | None, str], _Shared] = {}

    def decide(self, principal: Principal, *, assumptions: tuple[str, ...] = ()) -> Decision:
        """The decision for one principal.

        Args:
            assumptions: what whoever asks has taken for granted, to be said with the decision.
        """
        own = _principal_facts(self._account, principal)
        shared = self._shared(principal, own)
        request = shared.request_by(principal, own, assumptions)
        return evaluate(request, shared.policies_of(own), asked=shared.asked_by(own.class_))

    def request_and_policies(self, principal: Principal) -> tuple[Request, PoliciesInForce]:
        """What the evaluator needs to answer for one principal."""
        own = _principal_facts(self._account, principal)
        shared = self._shared(principal, own)
        return shared.request_by(principal, own, ()), shared.policies_of(own)

    def _shared(self, principal: Principal, own: _PrincipalFacts) -> _Shared:
        key = (principal.account, own.partition)
        found = self._by_account.get(key)
        if found is None:
            found = self._by_account[key] = self._for_account(principal, own)
        return found

    def _for_account(self, principal: Principal, own: _PrincipalFacts) -> _Shared:
        account = self._account
        question = self._question
        prepared = prepare(
            question.action, question.resource, None, own.partition, principal.account or "", ENGINE_CATALOGUE
        )
        resource_account = question.resource_account or self._owner_known_here(principal, prepared)
        owner = resource_owner(resource_account, principal, prepared)
        known = resource_context(account, prepared, owner)
        derived: tuple[KeyValues, ...] = (known.values,)
        absent = known.absent
        assumptions: tuple[str, ...] = ()
        if question.mode is Mode.DISCOVER:
            environment = assumed_environment(prepared, question.region, self._now, self._given)
            derived = (*derived, environment.values)
            absent += environment.absent
            assumptions = environment.names
        context, foreign = _carried(question)
        absent += keys_of_other_resources(question.action, question.resource)
        assumptions += foreign
        resource = trust_or_resource_policy(account, prepared)
        side = resource_side(account, owner, prepared, question.context)
        request = Request(
            principal=_NOBODY,
            action=question.action,
            resource=question.resource,
            resource_account=resource_account,
            context=context,
            derived=derived,
            mode=question.mode,
            known_absent=absent,
            assumptions=assumptions,
        )
        policies = PoliciesInForce(
            session=self._session,
            resource=resource,
            scps=own.policies.scps,
            rcps=side.rcps,
            vpc_endpoint=side.vpc_endpoint,
            principal_in_management_account=own.policies.in_management_account,
            resource_in_management_account=side.in_management_account,
            restrict_public_buckets=side.restrict_public_buckets,
            lasting=True,
        )
        reads_tags = (
            _reads_principal_tags(account, (resource,))
            or any("principaltag" in policy.document.raw.lower() for policy in self._session)
            or _levels_read_tags(account, "scps", own.policies.scps)
            or _levels_read_tags(account, "rcps", side.rcps)
        )
        return _Shared(prepared, request, policies, reads_tags, question.layers_off)

    def _owner_known_here(self, principal: Principal, prepared: PreparedAction) -> str | None:
        """This account, when the ARN names no owner but the account is known to have the resource.

        A caller without an account is taken to ask about this account, which is all that is loaded.
        """
        if prepared.owner is not None:
            return None
        if principal.account is None:
            return self._account.id
        found = self._account.resource_policies.get(policy_carrier(prepared))
        if found is None or (found.state == "denied" and principal.account == self._account.id):
            # A bucket whose policy may not be read can be anybody's.
            return None
        return self._account.id


def _carried(question: Question) -> tuple[KeyValues, tuple[str, ...]]:
    """The given context without the keys that the check of this resource does not carry, and what is said of those.

    The context is given for a call, which is checked for each of its resources.
    """
    action, resource = question.action, question.resource
    dropped = {key for key in question.context if is_of_another_resource(action, resource, key)}
    if not dropped:
        return question.context, ()
    said = tuple(f"{key} is absent: AWS checks this resource without it" for key in sorted(dropped))
    return {key: values for key, values in question.context.items() if key not in dropped}, said


def make_principal_ready(account: Account, principal: Principal) -> None:
    """Work out what every question about a principal needs: what the account says of it, its policies compiled."""
    policies = _principal_facts(account, principal).policies
    policy_set(policies.identity, PolicyType.IDENTITY, DEFAULT_LANGUAGE_OPTIONS, lasting=True)
    policy_set(policies.boundaries, PolicyType.BOUNDARY, DEFAULT_LANGUAGE_OPTIONS, lasting=True)


_MOST_FACTS: Final = 32768


def _principal_facts(account: Account, principal: Principal) -> _PrincipalFacts:
    """The facts of a principal, kept for as long as the same object is asked about."""
    kept = account.memo.get("principal facts")
    if kept is None:
        kept = account.memo.setdefault("principal facts", {})
    found = kept.get(id(principal))
    if found is None or found.principal is not principal:
        if len(kept) >= _MOST_FACTS:
            kept.clear()
        # The facts hold the principal, so its id cannot be reused while it is a key here.
        found = kept[id(principal)] = _facts_of(account, principal)
    assert isinstance(found, _PrincipalFacts)
    return found


def _facts_of(account: Account, principal: Principal) -> _PrincipalFacts:
    policies = principal_policies(account, principal)
    entity = entity_behind(account, principal)
    tags_of = ""
    if entity is not None and entity.tags and principal.kind is not PrincipalKind.USER:
        tags_of = entity.name
    known = principal_context(account, principal)
    return _PrincipalFacts(
        principal,
        policies,
        known,
        _class_of(account, principal, known),
        partition_of(principal),
        tags_of,
        bool(tags_of) and _reads_principal_tags(account, (*policies.identity, *policies.boundaries)),
    )


def _class_of(account: Account, principal: Principal, known: KnownContext) -> _Class:
    """The same object for all callers of one class, so that it is found without comparing what makes the class."""
    key = ("class of callers", caller_class(principal, known.values, known.absent))
    found = account.memo.setdefault(key, _Class())
    assert isinstance(found, _Class)
    return found


def _levels_read_tags(account: Account, kind: str, levels: tuple[PolicyLevel, ...] | NotEvaluated) -> bool:
    """Whether some SCP or RCP reads principal tags; those of the account are looked through once."""
    if isinstance(levels, NotEvaluated) or not levels:
        return False
    key = ("levels read tags", kind)
    found = account.memo.get(key)
    if found is None or found[0] is not levels:
        reads = any(_reads_principal_tags(account, level.policies) for level in levels)
        found = account.memo[key] = (levels, reads)
    return bool(found[1])


def _reads_principal_tags(account: Account, policies: Iterable[PolicyInForce | NotEvaluated | None]) -> bool:
    """Whether a document speaks of principal tags, as a condition key or in a variable."""
    return any(isinstance(policy, NamedPolicy) and _speaks_of_tags(account, policy.document) for policy in policies)


def _speaks_of_tags(account: Account, document: PolicyDocument) -> bool:
    key = ("speaks of principal tags", id(document))
    found = account.memo.get(key)
    if found is None or found[0] is not document:
        # The document is kept beside the answer, so its id cannot be reused while it is a key here.
        found = account.memo[key] = (document, "principaltag" in document.raw.lower())
    return bool(found[1])


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
