"""QuestionEvaluator: from a question and a principal to a request, the policies in force and the decision."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Final

from iamtui.account.model import Account
from iamtui.engine.combined_layers import Evaluation, PoliciesOfSet
from iamtui.engine.decision import Decision, Layer, Outcome, ResourceScope, StatementRef
from iamtui.engine.evaluator import EvaluatedDecision, read_all_layers
from iamtui.engine.index.index_outcomes import IndexReading, Outcomes, exclusive, is_read_here
from iamtui.engine.index.principal_index import PrincipalIndex
from iamtui.engine.policy_holders import bits_of
from iamtui.engine.prepared_request import (
    EVERYONE,
    PreparedAction,
    PreparedRequest,
    may_belong_to_aws,
    prepare,
    resource_owner,
)
from iamtui.engine.request import (
    NamedPolicy,
    PoliciesInForce,
    Principal,
    Request,
)
from iamtui.policy.context import Node
from iamtui.policy.document import PolicyDocument
from iamtui.policy.resource import ResourceKind, ResourceSet
from iamtui.questions.account_index import (
    FoundOutcome,
    ReadForEverybody,
    account_index,
    below_draft,
    known_index,
    read_for_everybody,
)
from iamtui.questions.known_context import (
    KnownContext,
    environment_of,
    given_owner,
    has_keys_of_its_own,
    region_of,
    resource_context,
)
from iamtui.questions.policies_in_force import (
    is_in_one_container,
    known_aliases,
    policy_carrier,
    resource_answered_about,
    resource_side,
    trust_or_resource_policy,
    without_alias,
)
from iamtui.questions.question import Question
from iamtui.questions.shared_question import (
    PrincipalFacts,
    ResourceContext,
    SharedQuestion,
    known_members,
    known_owner,
    lets_everyone_in,
    may_be_known_by_name,
    members_with_policy,
    policies_of_members,
    principal_facts,
)


def with_known_members(
    asker: QuestionEvaluator, index: PrincipalIndex, reading: IndexReading, found: Outcomes, owner: str | None, who: int
) -> Outcomes:
    """The outcomes of a set whose members are known.

    Args:
        reading: of the set as a whole, each member of which is taken to let everybody in.
        found: what that came to.
        owner: the account that owns the resources, or None.
        who: for whom it was read.
    """
    account, prepared = asker.account, reading.prepared
    callers = index.principals[0].principal.account
    all_known = prepared.trust and owner == account.id
    who &= ~index.left & ~reading.settled & ~reading.unclear
    allowed = depends = denied = complete = left = 0
    allows: dict[object, int] = {}
    denies: dict[object, int] = {}
    is_inside = asker.has_known(prepared)
    for text, keys, own in members_with_policy(account, prepared):
        # Whom it may trust as itself counts where anything is granted: by their own policies, or as one of the account.
        here = index.named(own) & (-1 if callers in keys else reading.granted) if own else 0
        for key in keys:
            # What lets in the account leaves the rest to the caller's own policies.
            here |= reading.granted if key == callers else index.everyone if key == EVERYONE else index.named(key)
        here &= who & ~allowed
        if not here or not is_inside(text):
            continue
        single = asker.about(text).read_index(index, here)
        if single is None:
            left |= here
            continue
        outcomes, read = single
        allowed |= outcomes.allowed
        depends |= outcomes.depends
        denied |= outcomes.explicit_deny
        left |= outcomes.left
        complete |= outcomes.allowed & outcomes.complete
        for noted, into in ((read.waited_for(allows=True), allows), (read.waited_for(allows=False), denies)):
            for waited_for, bits in noted.items():
                into[waited_for] = into.get(waited_for, 0) | bits
    rest = who & ~allowed
    left = (left & rest) | reading.unclear | (depends & exclusive(allows, denies) & rest)
    if not all_known:
        # What is granted may be known keys alone, whose policies let nobody in.
        left |= rest & found.allowed
        rest &= ~left
        waiting = found.implicit_deny & rest & depends
        return Outcomes(
            allowed,
            found.explicit_deny,
            found.implicit_deny & (rest | reading.settled) & ~waiting,
            (found.depends & rest) | waiting,
            left | (found.left & ~allowed),
            complete | (waiting if reading.caps_complete else 0),
        )
    waiting = 0
    if prepared.trust and account.unlisted:
        # Roles that are not loaded may let in whomever a role could.
        waiting = rest & (found.allowed | found.depends)
        left = (left & ~waiting) | (rest & ~waiting & (found.left | depends))
    # Which of the Denies decides is said of those that grant anything.
    left |= rest & ~waiting & denied & ~depends
    rest &= ~left
    return Outcomes(
        allowed,
        found.explicit_deny,
        (found.implicit_deny & reading.settled) | (rest & ~depends & ~waiting),
        rest & (depends | waiting),
        left,
        index.everyone & ~waiting if reading.caps_complete else 0,
    )


__all__ = ["Question", "QuestionEvaluator"]
_MOST_SURROUNDINGS: Final = 256
_MOST_SINGLES: Final = 4096
_MOST_READ: Final = 64
_ASKED_ALONE: Final = 2
"""Most principals evaluated one by one before the index is read for everybody."""


class QuestionEvaluator:
    """Puts one question to any number of principals of an account; what they share is worked out once."""

    def __init__(
        self,
        account: Account,
        question: Question,
        now: datetime | None = None,
        *,
        others: Mapping[str, Account] = {},
        of_a_set: bool = False,
    ) -> None:
        """Take a question.

        Args:
            account: that of the callers, and of the resource where nothing says that it is another one's.
            now: the time of the request, UTC; None: the clock.
            others: what is known of other accounts, by id: of resources that they own, and of callers from there.
            of_a_set: whether it is about one resource of a set that was asked about.
        """
        self._account = account
        self._others = others
        account = self.account = known_owner(account, others, question) if others else account
        resource, note = resource_answered_about(account, question.action, question.resource)
        self._question = replace(question, resource=resource) if note else question
        self._alias = question.resource.rsplit(":", 1)[-1] if note and ":alias/" in question.resource else ""
        self._notes = (note,) if note else ()
        self._no_such_resource = without_alias(account, question.action, question.resource)
        self.aliases = known_aliases(account, question.action, question.resource) if "*" in question.resource else None
        self._now = datetime.now(UTC) if now is None else now
        self._second = int(self._now.timestamp())
        self._of_a_set = of_a_set
        self._singles: dict[str, QuestionEvaluator] = {}
        self._known: tuple[ResourceSet, Callable[[str], bool]] | None = None
        self._by_account: dict[tuple[str | None, str], SharedQuestion] = {}
        self._asked = 0
        self._for_everybody: ReadForEverybody | None = None
        self._of_class: dict[Hashable, Decision] = {}

    def decide(self, principal: Principal, *, assumptions: tuple[str, ...] = (), read_whole: bool = False) -> Decision:
        """The decision for one principal.

        Args:
            assumptions: what whoever asks has taken for granted, to be said with the decision.
            read_whole: whether more than the outcome will be read of every decision, so that finding that first
                would be one way too many.
        """
        if not read_whole:
            found = self._found_for_everybody(principal)
            if found is not None:
                return IndexedDecision(self, principal, found, assumptions)
        return EvaluatedDecision(self.read_by(principal, assumptions))

    def decide_as(self, principal: Principal, outcome: Outcome) -> Decision:
        """The decision for one principal of the index whose outcome was found from it."""
        reading = self.reading(account_index(self._account))
        assert reading is not None
        granted = outcome in (Outcome.ALLOWED, Outcome.DEPENDS)
        not_evaluated = reading.not_evaluated(of_a_grant=True) if granted else None
        return IndexedDecision(self, principal, FoundOutcome(outcome, reading.complete, not_evaluated), alone=True)

    def outcomes(self, who: int | None = None) -> Outcomes | None:
        """The outcomes for everybody, or some, in the index of the account; None where it cannot tell any."""
        index = account_index(self._account)
        if not index.principals:
            return None
        return self._everybody(index).outcomes if who is None else self._read_for(index, who)[1]

    def class_of(self, principal: Principal) -> Hashable | None:
        """Key of the users and roles with the same answer; None where the answer depends on the principal itself."""
        index = account_index(self._account)
        place = index.place_of(principal)
        return None if place is None else self._everybody(index).classes.of(place)

    def _everybody(self, index: PrincipalIndex) -> ReadForEverybody:
        if self._for_everybody is None:
            question, account = self._question, self._account
            policies = (question.session_policies, question.scope_downs)
            terms = (question.mode, question.resource_account, policies, question.layers_off)
            asked = (question.action, question.resource, question.region, self._alias, self._of_a_set)
            key = (*asked, terms, question.made_now, frozenset(question.context.items()))
            # What is said of a resource of another account is kept no longer than what is known of that one.
            lasts = self.account is account
            kept = read_for_everybody(account)
            found = self._still_holding(kept, key) if lasts else None
            if found is None:
                below = below_draft(account) if lasts else None
                before = self._still_holding(below.read, key) if below is not None else None
                if below is not None and before is not None:
                    found = before.under_draft(*self._read_for(index, below.reached), below.reached)
                if found is None:
                    found = ReadForEverybody(*self._read_for(index, index.everyone))
                if lasts and not self._of_a_set:
                    if len(kept) >= _MOST_READ:
                        kept.clear()
                    kept[key] = (self._second, found)
            self._for_everybody = found
        return self._for_everybody

    def _still_holding(
        self, kept: Mapping[Hashable, tuple[int, ReadForEverybody]], key: Hashable
    ) -> ReadForEverybody | None:
        """Kept answers for everybody, if they hold at the time of this question."""
        second, found = kept.get(key, (0, None))
        return None if found is None or (second != self._second and found.classes.reads_time) else found

    def _read_for(self, index: PrincipalIndex, who: int) -> tuple[IndexReading, Outcomes | None]:
        """The reading over an index, and the outcomes for some principals; None where only the evaluator can tell."""
        account = self.account
        principal = index.principals[0].principal
        shared = self._shared(principal, self._facts_of(principal))
        members: tuple[NamedPolicy, ...] = ()
        known_one_by_one = 0
        if shared.has_known_members:
            members = policies_of_members(account, shared.prepared)
            known_one_by_one = self._known_by_name(index, shared)
        surrounded = shared.surrounded(members, known_one_by_one)
        reading = IndexReading(index, surrounded)
        # Roles that are not loaded may let anybody in, which is read where some are loaded.
        is_unlisted = shared.has_known_members and shared.prepared.trust and account.unlisted and not members
        if is_unlisted or not is_read_here(surrounded):
            return reading, None
        outcomes = reading.outcomes(who, shared.asked)
        return reading, with_known_members(self, index, reading, outcomes, shared.owner, who) if members else outcomes

    def reading(self, index: PrincipalIndex) -> IndexReading | None:
        """The reading of the question over an index; None where it cannot tell.

        Each known key or role of a set is taken to let everybody in (`whom_members_let_in`).
        """
        principal = index.principals[0].principal
        surrounded = self._shared(principal, self._facts_of(principal)).surrounded((), 0)
        return IndexReading(index, surrounded) if is_read_here(surrounded) else None

    def whom_members_let_in(self, index: PrincipalIndex) -> int | None:
        """Principals that a known key or role of the set may admit by itself; None where no such member is known."""
        principal = index.principals[0].principal
        shared = self._shared(principal, self._facts_of(principal))
        if not shared.has_known_members:
            return None
        return index.everyone if lets_everyone_in(self.account, shared.prepared) else self._known_by_name(index, shared)

    def _known_by_name(self, index: PrincipalIndex, shared: SharedQuestion) -> int:
        """Principals that the policies of known resources of the set may name."""
        key = (shared.prepared.key, "whom policies of known resources may name")
        kept = self.account.memo.get(key)
        if kept is None or kept[0] is not index:
            asked = enumerate(one.principal for one in index.principals)
            named = (place for place, who in asked if may_be_known_by_name(self.account, shared.prepared, who))
            kept = self.account.memo[key] = (index, bits_of(named, len(index.principals)))
        return int(kept[1])

    def read_index(self, index: PrincipalIndex, who: int) -> tuple[Outcomes, IndexReading] | None:
        """The outcomes for some principals of an index, of a question about one resource; None where it cannot tell."""
        reading = self.reading(index)
        return None if reading is None else (reading.outcomes(who), reading)

    def _found_for_everybody(self, principal: Principal) -> FoundOutcome | None:
        """The index's outcome for a principal, from the third principal on."""
        everybody = self._for_everybody
        if everybody is None:
            self._asked += 1
            index = known_index(self._account)
            if index is None or self._asked <= _ASKED_ALONE or index.place_of(principal) is None:
                return None
            everybody = self._everybody(index)
        place = everybody.index.place_of(principal)
        if place is None:
            return None
        found = everybody.found[place]
        if found is None:
            class_ = everybody.classes.of(place)
            if class_ is None:
                return None
            found = everybody.of_class.get(class_)
            if found is None:
                reading = self.read_by(principal, ())
                found = everybody.of_class[class_] = FoundOutcome(reading.outcome, not reading.not_evaluated)
            everybody.found[place] = found
        return found

    def alike(self, principal: Principal) -> Decision | None:
        """The decision for one of those of whom the evaluator says the same; None: it may say it of no other."""
        index = account_index(self._account)
        place = index.place_of(principal)
        class_ = None if place is None else self._everybody(index).classes.of(place, with_names=True)
        if class_ is None:
            return None
        found = self._of_class.get(class_)
        if found is None:
            found = self._of_class[class_] = EvaluatedDecision(self.read_by(principal, ()))
        return found

    def read_by(self, principal: Principal, assumptions: tuple[str, ...]) -> Evaluation:
        own = self._facts_of(principal)
        shared = self._shared(principal, own)
        request, policies = self._put_by(own, shared, assumptions)
        context = shared.context_of(own)
        return read_all_layers(request, policies, asked=shared.asked, context=context, facts=own.caller)

    def request_and_policies(self, principal: Principal) -> tuple[Request, PoliciesInForce]:
        own = self._facts_of(principal)
        return self._put_by(own, self._shared(principal, own), ())

    def _put_by(
        self, own: PrincipalFacts, shared: SharedQuestion, assumptions: tuple[str, ...]
    ) -> tuple[Request, PoliciesInForce]:
        request, policies = shared.put_by(own, assumptions)
        who = own.principal
        if shared.prepared.resource.kind is ResourceKind.SET and not is_in_one_container(shared.prepared):
            members = known_members(
                self.account, self._question, shared.prepared, self.aliases, lambda text: self.about(text).put_by(who)
            )
            policies = PoliciesOfSet.of(policies, members)
        return request, policies

    def about(self, text: str) -> QuestionEvaluator:
        """The same question about one resource of the set, with its own cache."""
        found = self._singles.get(text)
        if found is None:
            if len(self._singles) >= _MOST_SINGLES:
                self._singles.clear()
            question = replace(self._question, resource=text)
            # What is taken for granted of a set of keys is not of those behind a set of aliases.
            of_a_set = self.aliases is None
            found = self._singles[text] = QuestionEvaluator(
                self._account, question, self._now, others=self._others, of_a_set=of_a_set
            )
        return found

    def put_by(self, principal: Principal) -> tuple[Request, PoliciesInForce, PreparedRequest]:
        """The evaluator's input for one principal, and the preparation shared with others like it."""
        own = self._facts_of(principal)
        shared = self._shared(principal, own)
        request, policies = self._put_by(own, shared, ())
        return request, policies, shared.asked

    def outcome(self, principal: Principal) -> Outcome:
        return self.read_by(principal, ()).outcome

    def has_known(self, prepared: PreparedAction) -> Callable[[str], bool]:
        """Predicate of the account's roles, and keys with a loaded policy, that are in a set."""
        members = prepared.resource.members
        if self._known is None or self._known[0] is not members:
            self._known = (members, lru_cache(maxsize=_MOST_SINGLES)(members.has))
        return self._known[1]

    def _facts_of(self, principal: Principal) -> PrincipalFacts:
        return principal_facts(self._others.get(principal.account or "", self._account), principal)

    def _shared(self, principal: Principal, own: PrincipalFacts) -> SharedQuestion:
        found = self._by_account.get(own.origin)
        if found is None:
            found = self._by_account[own.origin] = self._for_account(principal, own)
        return found

    def _for_account(self, principal: Principal, own: PrincipalFacts) -> SharedQuestion:
        account = self.account
        question = self._question
        caller_account, partition = own.origin
        named_owner = question.resource_account or given_owner(question)
        prepared = prepare(
            question.action,
            question.resource,
            None,
            partition,
            caller_account or "",
            named_owner or (self.account.id if caller_account is None else None),
            context=question.context,
            is_single=self._of_a_set,
        )
        carrier = policy_carrier(prepared)
        resource_account = named_owner or self._owner_known_here(principal, prepared, carrier)
        owner = resource_owner(resource_account, principal, prepared)
        return SharedQuestion(
            account,
            question,
            prepared,
            self._surroundings(prepared, owner),
            session=_given("session policy", question.session_policies),
            scope_downs=_given("scope-down policy", question.scope_downs),
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
        region = region_of(prepared, question)
        if question.context or has_keys_of_its_own(self.account, prepared):
            return self._surroundings_of(prepared, owner, region)
        kept = self.account.memo.get("surroundings")
        if kept is None:
            kept = self.account.memo.setdefault("surroundings", {})
        key = (owner, region, question.mode, question.made_now, self._second)
        found = kept.get(key)
        if found is None:
            if len(kept) >= _MOST_SURROUNDINGS:
                kept.clear()
            found = kept[key] = self._surroundings_of(prepared, owner, region)
        assert isinstance(found, ResourceContext)
        return found

    def _surroundings_of(self, prepared: PreparedAction, owner: str | None, region: str) -> ResourceContext:
        is_named = self._question.resource_account is not None
        is_open = not is_named and may_belong_to_aws(prepared)
        known = resource_context(self.account, prepared, None if is_open else owner)
        if self._alias:
            known = KnownContext({**known.values, "kms:requestalias": (self._alias,)}, known.absent)
        side = resource_side(self.account, owner, self._question.context)
        assumed = environment_of(self._question, region, self._second, through_endpoint=bool(side.vpc_endpoint))
        return ResourceContext((known.values, assumed.values), known.absent + assumed.absent, assumed.names, side, {})

    def _owner_known_here(self, principal: Principal, prepared: PreparedAction, carrier: str) -> str | None:
        """This account, when the ARN names no owner but the account is known to have the resource.

        A caller without an account is taken to ask about this account.
        """
        if prepared.owner is not None:
            return None
        if principal.account is None:
            return self.account.id
        found = self.account.resource_policies.get(carrier)
        if found is None or (found.state == "denied" and principal.account == self.account.id):
            # A bucket whose policy may not be read can be anybody's.
            return None
        return self.account.id


class IndexedDecision(EvaluatedDecision):
    """Decision whose outcome was found from the index, and whose parts are read by the evaluator when needed.

    Args:
        alone: whether no part is taken from the decision for another principal of whom the evaluator says the same.
    """

    _evaluator: QuestionEvaluator
    _principal: Principal
    _found: FoundOutcome
    _assumptions: tuple[str, ...]

    def __init__(
        self,
        evaluator: QuestionEvaluator,
        principal: Principal,
        found: FoundOutcome,
        assumptions: tuple[str, ...] = (),
        *,
        alone: bool = False,
    ) -> None:
        vars(self).update(
            outcome=found.outcome,
            complete=found.complete,
            _evaluator=evaluator,
            _principal=principal,
            _found=found,
            _assumptions=assumptions,
        )
        if alone or assumptions:
            vars(self)["_alike"] = None

    @cached_property
    def _reading(self) -> Evaluation:
        return self._evaluator.read_by(self._principal, self._assumptions)

    @cached_property
    def _alike(self) -> Decision | None:
        return self._evaluator.alike(self._principal)

    @property
    def principal(self) -> Principal:
        return self._principal

    @property
    def is_capped(self) -> bool:
        return super().is_capped if self._found.capped is None else self._found.capped

    @property
    def not_evaluated(self) -> tuple[Layer, ...]:
        known = None if self.complete else self._found.not_evaluated
        return super().not_evaluated if known is None else known

    @property
    def allowed_parts(self) -> tuple[str, ...]:
        return super().allowed_parts if self._alike is None else self._alike.allowed_parts

    # These parts are the same for all of a class; others name the principal, or what is its own.

    @cached_property
    def matched(self) -> tuple[StatementRef, ...]:
        return super().matched if self._alike is None else self._alike.matched

    @cached_property
    def depends_on(self) -> Node | None:
        return super().depends_on if self._alike is None else self._alike.depends_on

    @cached_property
    def resource_scope(self) -> ResourceScope:
        return super().resource_scope if self._alike is None else self._alike.resource_scope

    @cached_property
    def allowed_resources(self) -> tuple[str, ...]:
        return super().allowed_resources if self._alike is None else self._alike.allowed_resources

    @cached_property
    def denied_resources(self) -> tuple[str, ...]:
        return super().denied_resources if self._alike is None else self._alike.denied_resources


def _given(what: str, texts: tuple[str, ...]) -> tuple[NamedPolicy, ...]:
    """Policies of the caller's session that are given with the question, which all callers share."""
    return tuple(NamedPolicy(f"{what} {i + 1}", PolicyDocument(text)) for i, text in enumerate(texts))
