"""QuestionEvaluator: from a question and a principal to a request, the policies in force and the decision."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Final, TypeAlias
from weakref import finalize

from iamtui.account.model import Account
from iamtui.catalog.actions import ENGINE_CATALOGUE
from iamtui.engine.api import concluded
from iamtui.engine.decision import Decision, Layer, Outcome
from iamtui.engine.decision_details import DecisionDetails
from iamtui.engine.evaluation import Evaluation
from iamtui.engine.evaluator import read_all_layers
from iamtui.engine.index import AccountIndex
from iamtui.engine.index_classes import PrincipalClasses
from iamtui.engine.index_reading import IndexReading, Outcomes, is_read_here
from iamtui.engine.policies import NamedPolicy, PoliciesInForce
from iamtui.engine.policy_set import forget_policies
from iamtui.engine.prepared_request import PreparedAction, PreparedRequest, prepare, resource_owner
from iamtui.engine.request import Mode, Principal, PrincipalKind, Request, forget_caller, partition_of
from iamtui.policy.document import PolicyDocument
from iamtui.policy.resource import ResourceKind, ResourceSet
from iamtui.policy.types import PolicyType
from iamtui.questions.account_index import account_index, known_index
from iamtui.questions.context import (
    KnownContext,
    assumed_environment,
    has_aliases,
    is_tagged,
    key_behind_alias,
    known_aliases,
    principal_context,
    region_asked,
    resource_context,
    without_alias,
)
from iamtui.questions.known_members import KnownMembers, may_be_known_by_name, policies_of_members, with_known_members
from iamtui.questions.policies_in_force import (
    PrincipalPolicies,
    entity_behind,
    policy_carrier,
    principal_policies,
    resource_side,
    trust_or_resource_policy,
)
from iamtui.questions.question import Question
from iamtui.questions.shared_question import ResourceContext, SharedQuestion, keys_with_policy, reads_principal_tags

# What the account says of one caller, whatever is asked: worked out once and kept.


@dataclass(frozen=True, slots=True)
class PrincipalFacts:
    """What the account says of one caller.

    Args:
        origin: its account, or None, and the partition of its ARN, or "".
        tags_of: the role whose tags it has, or "".
        reads_tags: whether its own policies read principal tags.
    """

    principal: Principal
    policies: PrincipalPolicies
    known: KnownContext
    origin: tuple[str | None, str]
    tags_of: str
    reads_tags: bool


_MOST_FACTS: Final = 32768


def principal_facts(account: Account, principal: Principal) -> PrincipalFacts:
    """The facts of a principal, kept for as long as the same object is asked about."""
    kept = account.memo.get("principal facts")
    if kept is None:
        kept = account.memo.setdefault("principal facts", {})
        # What the engine remembers of them would outlive the account: each draft makes one.
        finalize(account, _forget, kept).atexit = False
    found = kept.get(id(principal))
    if found is None or found.principal is not principal:
        if len(kept) >= _MOST_FACTS:
            kept.clear()
        # The facts hold the principal, so its id cannot be reused while it is a key here.
        found = kept[id(principal)] = _facts_of(account, principal)
    assert isinstance(found, PrincipalFacts)
    return found


def _forget(kept: dict[int, PrincipalFacts]) -> None:
    for facts in tuple(kept.values()):
        forget_caller(facts.principal)
        forget_policies(facts.policies.identity, PolicyType.IDENTITY)
        forget_policies(facts.policies.boundaries, PolicyType.BOUNDARY)


def _facts_of(account: Account, principal: Principal) -> PrincipalFacts:
    policies = principal_policies(account, principal)
    entity = entity_behind(account, principal)
    tags_of = ""
    if entity is not None and entity.tags and principal.kind is not PrincipalKind.USER:
        tags_of = entity.name
    known = principal_context(account, principal)
    return PrincipalFacts(
        principal,
        policies,
        known,
        (principal.account, partition_of(principal)),
        tags_of,
        bool(tags_of) and reads_principal_tags(account, (*policies.identity, *policies.boundaries)),
    )


__all__ = ["Question", "QuestionEvaluator"]

_MOST_SURROUNDINGS: Final = 256
_MOST_SINGLES: Final = 4096
_MOST_READ: Final = 64
_ASKED_ALONE: Final = 2
"""So many principals are asked about one by one before the index is read for everybody."""


_Found: TypeAlias = tuple[Outcome, bool, tuple[Layer, ...] | None]
"""An outcome, whether every layer is evaluated, and those that are not, where they are known."""


class _Everybody:
    """A question as it was read for everybody in an index.

    Args:
        outcomes: None where only the evaluator can tell any.
        of_class: what the evaluator said of one principal of a class.
    """

    def __init__(self, reading: IndexReading, outcomes: Outcomes | None) -> None:
        self._reading = reading
        self.outcomes = outcomes
        self.of_class: dict[Hashable, _Found] = {}

    @cached_property
    def classes(self) -> PrincipalClasses:
        """The principals by what the evaluator says of them."""
        return PrincipalClasses(self._reading)


class QuestionEvaluator:
    """Puts one question to any number of principals of an account; what they share is worked out once."""

    def __init__(
        self,
        account: Account,
        question: Question,
        now: datetime | None = None,
        *,
        of_a_set: bool = False,
    ) -> None:
        """Take a question.

        Args:
            now: the time of the request, UTC; None: the clock.
            of_a_set: whether it is about one resource of a set that was asked about.
        """
        self.account = self._account = account
        key = key_behind_alias(account, question.action, question.resource)
        self._question = question if key is None else replace(question, resource=key)
        self._alias = "" if key is None else question.resource.rsplit(":", 1)[-1]
        self._notes = (
            () if key is None else (f"{self._alias} stands for {key}: the question is answered about this key.",)
        )
        self._no_such_resource = without_alias(account, question.action, question.resource)
        self.aliases = known_aliases(account, question.action, question.resource) if "*" in question.resource else None
        self._now = datetime.now(UTC) if now is None else now
        self._second = int(self._now.timestamp())
        self._of_a_set = of_a_set
        self._singles: dict[str, QuestionEvaluator] = {}
        self._known: tuple[ResourceSet, frozenset[str]] | None = None
        self._by_account: dict[tuple[str | None, str], SharedQuestion] = {}
        self._asked = 0
        self._for_everybody: _Everybody | None = None

    def decide(self, principal: Principal, *, assumptions: tuple[str, ...] = (), read_whole: bool = False) -> Decision:
        """The decision for one principal.

        Args:
            assumptions: what whoever asks has taken for granted, to be said with the decision.
            read_whole: whether more than the outcome will be read of every decision, so that finding that first
                would be one way too many.
        """
        if not read_whole:
            decided = self._found_for_everybody(principal)
            if decided is not None:
                return Decision.concluded(
                    decided[0],
                    complete=decided[1],
                    not_evaluated=decided[2],
                    conclude=lambda: DecisionDetails(self._read_by(principal, assumptions), ENGINE_CATALOGUE),
                )
        return concluded(self._read_by(principal, assumptions))

    def outcomes(self) -> Outcomes | None:
        """The outcomes for everybody in the index of the account; None where it cannot tell any."""
        index = account_index(self._account)
        return self._everybody(index).outcomes if index.principals else None

    def _everybody(self, index: AccountIndex) -> _Everybody:
        if self._for_everybody is None:
            question = self._question
            kept: dict[Hashable, tuple[int, _Everybody]] = self._account.memo.setdefault("read for everybody", {})
            terms = (question.mode, question.resource_account, question.session_policies, question.layers_off)
            asked = (question.action, question.resource, question.region, self._alias, self._of_a_set)
            key = (*asked, terms, frozenset(question.context.items()))
            second, found = kept.get(key, (0, None))
            if found is None or (second != self._second and found.classes.reads_time):
                found = self._read_for_everybody(index)
                if not self._of_a_set:
                    if len(kept) >= _MOST_READ:
                        kept.clear()
                    kept[key] = (self._second, found)
            self._for_everybody = found
        return self._for_everybody

    def _read_for_everybody(self, index: AccountIndex) -> _Everybody:
        account = self._account
        principal = index.principals[0].principal
        shared = self._shared(principal, principal_facts(account, principal))
        members: tuple[NamedPolicy, ...] = ()
        known_one_by_one = 0
        if shared.has_known_members:
            members = policies_of_members(account, shared.prepared)
            for place, one in enumerate(index.principals):
                if may_be_known_by_name(account, shared.prepared, one.principal):
                    known_one_by_one |= 1 << place
        surrounded = shared.surrounded(members, known_one_by_one)
        reading = IndexReading(index, surrounded)
        outcomes = None
        if is_read_here(surrounded):
            outcomes = reading.outcomes(index.everyone)
            if members:
                outcomes = with_known_members(self, index, reading, outcomes, shared.owner)
        return _Everybody(reading, outcomes)

    def read_index(self, index: AccountIndex, who: int) -> tuple[Outcomes, IndexReading] | None:
        """The outcomes for some principals of an index, of a question about one resource; None where it cannot tell."""
        principal = index.principals[0].principal
        surrounded = self._shared(principal, principal_facts(self._account, principal)).surrounded((), 0)
        if not is_read_here(surrounded):
            return None
        reading = IndexReading(index, surrounded)
        return reading.outcomes(who), reading

    def _found_for_everybody(self, principal: Principal) -> _Found | None:
        """What was found for a principal, once several have asked."""
        self._asked += 1
        index = known_index(self._account)
        place = index.place_of(principal) if index is not None else None
        if index is None or place is None or (self._for_everybody is None and self._asked <= _ASKED_ALONE):
            return None
        everybody = self._everybody(index)
        if everybody.outcomes is not None:
            outcome = everybody.outcomes.of(place)
            if outcome is not None:
                return outcome, bool(everybody.outcomes.complete >> place & 1), everybody.outcomes.not_evaluated
        class_ = everybody.classes.of(place)
        if class_ is None:
            return None
        found = everybody.of_class.get(class_)
        if found is None:
            reading = self._read_by(principal, ())
            found = everybody.of_class[class_] = (reading.outcome, not reading.not_evaluated, None)
        return found

    def _read_by(self, principal: Principal, assumptions: tuple[str, ...]) -> Evaluation:
        own = principal_facts(self._account, principal)
        shared = self._shared(principal, own)
        request, policies = self._put_by(principal, own, shared, assumptions)
        return read_all_layers(request, policies, asked=shared.asked)

    def request_and_policies(self, principal: Principal) -> tuple[Request, PoliciesInForce]:
        own = principal_facts(self._account, principal)
        return self._put_by(principal, own, self._shared(principal, own), ())

    def _put_by(
        self, principal: Principal, own: PrincipalFacts, shared: SharedQuestion, assumptions: tuple[str, ...]
    ) -> tuple[Request, PoliciesInForce]:
        request = shared.request_by(principal, own.known, assumptions, tags_of=own.tags_of, reads_tags=own.reads_tags)
        policies = shared.policies_of(own.policies)
        if shared.prepared.resource.kind is ResourceKind.SET:
            policies = replace(policies, members=KnownMembers(self, principal))
        return request, policies

    def about(self, text: str) -> QuestionEvaluator:
        """The same question about one resource of the set that is asked about; what it knows is kept."""
        found = self._singles.get(text)
        if found is None:
            if len(self._singles) >= _MOST_SINGLES:
                self._singles.clear()
            question = replace(self._question, resource=text)
            # What is taken for granted of a set of keys is not of those behind a set of aliases.
            of_a_set = self.aliases is None
            found = self._singles[text] = QuestionEvaluator(self._account, question, self._now, of_a_set=of_a_set)
        return found

    def put_by(self, principal: Principal) -> tuple[Request, PoliciesInForce, PreparedRequest]:
        """What the evaluator needs to answer for one principal, and what has been worked out for others like it."""
        own = principal_facts(self._account, principal)
        shared = self._shared(principal, own)
        request, policies = self._put_by(principal, own, shared, ())
        return request, policies, shared.asked

    def outcome(self, principal: Principal) -> Outcome:
        """The outcome for one principal."""
        return self._read_by(principal, ()).outcome

    def known_in(self, prepared: PreparedAction) -> frozenset[str]:
        """The roles of the account, or the keys whose policy is loaded, that are in a set."""
        members = prepared.resource.members
        if self._known is None or self._known[0] is not members:
            arns = keys_with_policy(self._account) if prepared.key else (role.arn for role in self._account.roles)
            self._known = (members, frozenset(filter(members.has, arns)))
        return self._known[1]

    def _shared(self, principal: Principal, own: PrincipalFacts) -> SharedQuestion:
        found = self._by_account.get(own.origin)
        if found is None:
            found = self._by_account[own.origin] = self._for_account(principal, own)
        return found

    def _for_account(self, principal: Principal, own: PrincipalFacts) -> SharedQuestion:
        account = self._account
        question = self._question
        caller_account, partition = own.origin
        prepared = prepare(
            question.action,
            question.resource,
            None,
            partition,
            caller_account or "",
            ENGINE_CATALOGUE,
            question.resource_account or (self._account.id if caller_account is None else None),
            is_single=self._of_a_set,
        )
        carrier = policy_carrier(prepared)
        resource_account = question.resource_account or self._owner_known_here(principal, prepared, carrier)
        owner = resource_owner(resource_account, principal, prepared)
        return SharedQuestion(
            account,
            question,
            prepared,
            self._surroundings(prepared, owner),
            session=_session_policies(question) if question.session_policies else (),
            resource=trust_or_resource_policy(account, prepared, carrier),
            resource_account=resource_account,
            owner=owner,
            caller_account=caller_account,
            callers=own.policies,
            notes=self._notes,
            no_such_resource=self._no_such_resource,
            of_a_set=self._of_a_set,
        )

    def _surroundings(self, prepared: PreparedAction, owner: str | None) -> ResourceContext:
        question = self._question
        region = region_asked(prepared, question.region)
        by_itself = is_tagged(self._account, prepared) or has_aliases(self._account, prepared)
        if question.context or by_itself:
            return self._surroundings_of(prepared, owner, region)
        kept = self._account.memo.get("surroundings")
        if kept is None:
            kept = self._account.memo.setdefault("surroundings", {})
        key = (owner, region, question.mode is Mode.DISCOVER, self._second)
        found = kept.get(key)
        if found is None:
            if len(kept) >= _MOST_SURROUNDINGS:
                kept.clear()
            found = kept[key] = self._surroundings_of(prepared, owner, region)
        assert isinstance(found, ResourceContext)
        return found

    def _surroundings_of(self, prepared: PreparedAction, owner: str | None, region: str) -> ResourceContext:
        known = resource_context(self._account, prepared, owner)
        if self._alias:
            known = KnownContext({**known.values, "kms:requestalias": (self._alias,)}, known.absent)
        side = resource_side(self._account, owner, self._question.context)
        if self._question.mode is not Mode.DISCOVER:
            return ResourceContext((known.values,), known.absent, (), side)
        assumed = assumed_environment(region, self._second, frozenset(map(str.lower, self._question.context)))
        return ResourceContext((known.values, assumed.values), known.absent + assumed.absent, assumed.names, side)

    def _owner_known_here(self, principal: Principal, prepared: PreparedAction, carrier: str) -> str | None:
        """This account, when the ARN names no owner but the account is known to have the resource.

        A caller without an account is taken to ask about this account, which is all that is loaded.
        """
        if prepared.owner is not None:
            return None
        if principal.account is None:
            return self._account.id
        found = self._account.resource_policies.get(carrier)
        if found is None or (found.state == "denied" and principal.account == self._account.id):
            # A bucket whose policy may not be read can be anybody's.
            return None
        return self._account.id


def _session_policies(question: Question) -> tuple[NamedPolicy, ...]:
    """The session policies that the caller's session is made with, kept with the question that all callers share."""
    return tuple(
        NamedPolicy(f"session policy {i + 1}", PolicyDocument(text)) for i, text in enumerate(question.session_policies)
    )
