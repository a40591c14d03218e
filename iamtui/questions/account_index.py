"""The compiled index of an account's users and roles, which of them a draft can matter to, and classes of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import fields
from functools import cached_property
from itertools import chain, zip_longest
from typing import Final, NamedTuple, TypeVar

from msgspec import Struct

from iamtui.account.model import DRAFTED_FROM, Account, Group, Role, User
from iamtui.engine.decision import Layer, Outcome
from iamtui.engine.index.index_outcomes import IndexReading, Outcomes
from iamtui.engine.index.principal_index import IndexedPrincipal, PrincipalIndex
from iamtui.engine.policy_holders import NOBODY, Bits, HeldPolicy, HeldStatement, Holdings, bits_of, places
from iamtui.engine.request import NamedPolicy, PolicyInForce, Principal, PrincipalKind
from iamtui.policy.resource import Reach, ResourceKind
from iamtui.policy.statement import CompiledStatement, compile_policy
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType
from iamtui.questions.policies_in_force import principal_policies
from iamtui.questions.shared_question import principal_context


def principal_of(account: Account, entity: User | Role) -> Principal:
    """The Principal that asks when this user, or some session of this role, is meant; the same object each time.

    Whether a user comes with access keys or temporary credentials is left open, so that MFA and its kin stay
    conditions instead of being taken for absent.
    """
    known = _principals(account)
    found = known.get(entity.arn)
    if found is None:
        found = known[entity.arn] = _principal_of(account.id, entity)
    return found


def _principals(account: Account) -> dict[str, Principal]:
    known: dict[str, Principal] | None = account.memo.get("principals")
    return account.memo.setdefault("principals", {}) if known is None else known


def _principal_of(account: str, entity: User | Role) -> Principal:
    if isinstance(entity, User):
        return Principal(PrincipalKind.USER, entity.arn, account, unique_id=entity.id or None)
    return Principal(
        PrincipalKind.ROLE,
        entity.arn,
        account,
        role_arn=entity.arn,
        unique_id=entity.id or None,
        credentials="temporary",
        not_service_linked=entity.name.startswith("AWSServiceRoleFor") and not entity.service_linked,
    )


def account_index(account: Account) -> PrincipalIndex:
    """The index of an account, compiled on first use."""
    if known_index(account) is None:
        everyone = _everyone(account)
        account.memo["index"] = PrincipalIndex([_indexed(account, principal) for principal in everyone])
    found = known_index(account)
    assert found is not None
    return found


def known_index(account: Account) -> PrincipalIndex | None:
    """The index of an account if it is compiled, or quickly made from that of the account below a draft."""
    found: PrincipalIndex | None = account.memo.get("index")
    if found is None:
        base = account.memo.get(DRAFTED_FROM)
        if isinstance(base, Account) and known_index(base) is not None:
            found = account.memo["index"] = _changed_by_draft(account, base)
            account.memo.pop(DRAFTED_FROM, None)
    return found


def derive_index(
    account: Account, base: Account, policies: Sequence[PolicyInForce], who: int, *, without_boundaries: bool
) -> None:
    """Index of a changed account, made from that of the account before the change and kept with the changed one.

    Args:
        account: has the users and roles of `base`, some with more policies, or all without a permissions boundary.
        policies: the added ones.
        who: the places, as bits, of whom they were added to.
        without_boundaries: whether nobody has a permissions boundary in `account`.
    """
    account.memo["principals"] = _principals(base)
    account.memo["index"] = account_index(base).with_more(policies, who, without_boundaries=without_boundaries)


def make_index_ready(account: Account) -> Iterator[None]:
    """Compile the index of an account and all statements in it, step by step."""
    yield from _compile_index(account)
    index = account_index(account)
    yield from index.identity.make_ready()
    yield from index.boundary.make_ready()


def _everyone(account: Account) -> list[Principal]:
    entities: tuple[User | Role, ...] = (*account.users, *account.roles)
    return [principal_of(account, entity) for entity in entities]


def _compile_index(account: Account) -> Iterator[None]:
    """Compile the index of an account, one principal at each step; its policies before all of them are put together."""
    if known_index(account) is not None:
        return
    indexed: list[IndexedPrincipal] = []
    compiled: dict[PolicyType, set[int]] = {PolicyType.IDENTITY: set(), PolicyType.BOUNDARY: set()}
    for principal in _everyone(account):
        one = _indexed(account, principal)
        indexed.append(one)
        for policies, policy_type in ((one.identity, PolicyType.IDENTITY), (one.boundaries, PolicyType.BOUNDARY)):
            known = compiled[policy_type]
            for policy in [policy for policy in policies if id(policy) not in known]:
                known.add(id(policy))
                if isinstance(policy, NamedPolicy) and policy.document.error is None:
                    compile_policy(policy.document, policy_type, DEFAULT_LANGUAGE_OPTIONS)
        yield
    account.memo["index"] = PrincipalIndex(indexed)


def _changed_by_draft(account: Account, base: Account) -> PrincipalIndex | None:
    """The index of the account below a draft with what the draft changed; None where more than policies did."""
    index = known_index(base)
    if index is None or not index.principals or account.id != base.id:
        return None
    before: tuple[User | Role, ...] = (*base.users, *base.roles)
    after: tuple[User | Role, ...] = (*account.users, *account.roles)
    if [entity.arn for entity in before] != [entity.arn for entity in after]:
        return None
    reach = reach_of(base, account)
    changed: dict[int, IndexedPrincipal] = {}
    for place, (old, new) in enumerate(zip(before, after, strict=True)):
        if old is new and new.arn not in reach.entities:
            continue
        known = index.principals[place]
        if old is not new and _principal_of(account.id, new) != known.principal:
            return None
        one = _indexed(account, known.principal, known if old is new else None)
        if (one.values, one.absent) != (known.values, known.absent):
            return None
        changed[place] = one
    first = index.principals[0]
    one = _indexed(account, first.principal)
    if (one.values, one.absent) != (first.values, first.absent):
        return None
    # They are the same under the same names.
    account.memo["principals"] = _principals(base)
    if not reach.everyone and _differ_in_lists_alone(base, account):
        account.memo[_BELOW] = BelowDraft(read_for_everybody(base), bits_of(changed, len(after)))
    return index.with_changed(changed)


def _indexed(account: Account, principal: Principal, known: IndexedPrincipal | None = None) -> IndexedPrincipal:
    """A principal with what is in force for it.

    Args:
        known: the same, where nothing but its policies differs.
    """
    policies = principal_policies(account, principal)
    if known is not None:
        return IndexedPrincipal(principal, policies.identity, policies.boundaries, known.values, known.absent)
    context = principal_context(account, principal)
    return IndexedPrincipal(principal, policies.identity, policies.boundaries, context.values, context.absent)


_BELOW: Final = "below the draft"
_LISTED: Final = ("users", "groups", "roles", "policies")


class BelowDraft(NamedTuple):
    """Kept answers of the account below a draft, valid for everyone that the draft cannot affect.

    Args:
        read: by question; it goes on being filled.
        reached: whom the draft can matter to.
    """

    read: dict[Hashable, tuple[int, ReadForEverybody]]
    reached: int


def below_draft(account: Account) -> BelowDraft | None:
    """Kept answers of the account below a draft; None where there is none, or the draft can affect everybody."""
    found: BelowDraft | None = account.memo.get(_BELOW)
    return found


def read_for_everybody(account: Account) -> dict[Hashable, tuple[int, ReadForEverybody]]:
    """Kept answers for everybody in the index, by question, each with the second of its time."""
    kept: dict[Hashable, tuple[int, ReadForEverybody]] = account.memo.setdefault("read for everybody", {})
    return kept


def _differ_in_lists_alone(before: Account, after: Account) -> bool:
    """True if two accounts differ in nothing but their users, groups, roles and policies."""
    return all(
        getattr(before, one.name) is getattr(after, one.name) for one in fields(Account) if one.name not in _LISTED
    )


# Whom a draft can matter to: what lets answers be shared where a change provably cannot show.


class AffectedPrincipals(Struct, frozen=True):
    """Principals that the difference between two accounts can affect.

    Args:
        everyone: what decides for every caller differs: an organization's policy, a resource's policy, a role's
            trust policy, or which policies there are.
        entities: ARNs of the users and roles whose own record, groups, policies or boundary differ.
    """

    everyone: bool
    entities: frozenset[str]

    def reaches(self, entity_arn: str | None) -> bool:
        """True if the answer for the user or role of this ARN can differ; None is a caller of another kind."""
        return self.everyone or entity_arn is None or entity_arn in self.entities


def reach_of(before: Account, after: Account) -> AffectedPrincipals:
    """Compare two accounts of which one was made from the other, so that what is equal is the same object.

    What decides about a caller is its own record (tags, boundary, policies), those of its groups, the documents
    they attach, and what is the same for all: organization, resources, trust policies. Whoever shares all of
    these objects is answered alike.
    """
    documents = _changed_documents(before, after)
    attached = {holder.arn for arn in documents for holder in before.holders(arn)}
    # Who is another record is found by that, who is the same one by what it had before.
    groups = {group.name for group in _changed(before, before.groups, after.groups)}
    groups.update(group.name for group in after.groups if group.arn in attached)
    entities = {user.arn for user in _changed(before, before.users, after.users)}
    entities.update(role.arn for role in _changed(before, before.roles, after.roles))
    if groups:
        entities.update(user.arn for user in after.users if not groups.isdisjoint(user.groups))
    if documents:
        holders: tuple[User | Role, ...] = (*after.users, *after.roles)
        entities.update(one.arn for one in holders if one.arn in attached or one.boundary_arn in documents)
    return AffectedPrincipals(_differs_for_all(before, after), frozenset(entities))


def _differs_for_all(before: Account, after: Account) -> bool:
    return (
        before.organization is not after.organization
        or before.resource_policies is not after.resource_policies
        or before.public_access_blocks is not after.public_access_blocks
        or any(before.policy(policy.arn) is None for policy in after.policies[len(before.policies) :])
        or any(_trust(before, role) is not role.trust for role in _moved(before.roles, after.roles))
    )


_Holder = TypeVar("_Holder", User, Group, Role)


def _moved(before: Sequence[_Holder], after: Sequence[_Holder]) -> Iterator[_Holder]:
    """Those that are not the same object at the same place; most of an account is."""
    for old, new in zip_longest(before, after):
        if new is not None and old is not new:
            yield new


def _changed(account: Account, before: Sequence[_Holder], after: Sequence[_Holder]) -> list[_Holder]:
    """Those whose record is another one than in the account before."""
    return [holder for holder in _moved(before, after) if account.by_arn(holder.arn) is not holder]


def _changed_documents(before: Account, after: Account) -> frozenset[str]:
    """ARNs of the managed policies whose text in force differs."""
    if before.policies is after.policies:
        return frozenset()
    changed: set[str] = set()
    for policy in after.policies:
        was = before.policy(policy.arn)
        if was is not policy and (was is None or was.default_version is not policy.default_version):
            changed.add(policy.arn)
    return frozenset(changed)


def _trust(before: Account, role: Role) -> object:
    was = before.by_arn(role.arn)
    return was.trust if isinstance(was, Role) else None


# Classes of principals of whom the evaluator says the same about a question, so that one of each is asked.

_TIMES: Final = frozenset(("aws:currenttime", "aws:epochtime", "aws:tokenissuetime"))

_BESIDES: Final = ("aws:multifactorauthpresent", "aws:requestedregion")
"""The keys that rules of AWS and examples of a set read."""


class PrincipalClasses:
    """Classes of an index's principals whose answers to one question are equal.

    Those are the policies that speak of its action, and for whom conditions in statements about it hold.
    """

    def __init__(self, reading: IndexReading) -> None:
        self._reading = reading
        self._of_held: dict[HeldPolicy, tuple[Bits | str, ...] | None] = {}
        self._about: dict[HeldPolicy, list[HeldStatement]] = {}
        asked = reading.asked
        is_set = reading.prepared.resource.kind is ResourceKind.SET
        self._knows_members = is_set and bool(asked.members or asked.with_policies)
        self._reads_time: bool | None = None
        by_password_policy = reading.prepared.facts.of_own_password
        self._named = reading.index.everyone if by_password_policy else reading.asked.known_one_by_one
        told: dict[Bits | str, None] = dict.fromkeys(reading.contexts.varying(_BESIDES))
        for compiled in filter(self._may_be_about, self._binding_everybody()):
            statement = compiled.statement
            entries = (*(statement.principals or ()), *(statement.not_principals or ()))
            self._named |= reading.index.named_by(entries)
            told.update(dict.fromkeys(self._told_by(compiled)))
        self._common = tuple(told)
        for held_statement in chain(*(one.about(reading.prepared.action) for one in self._own)):
            self._about.setdefault(held_statement.held, []).append(held_statement)

    def of(self, place: int, *, with_names: bool = False) -> Hashable | None:
        """Key of the principals with the same outcome from the evaluator.

        None where it may follow from who that is.

        Args:
            with_names: whether what it depends on and which statements match follows from it too.
        """
        index = self._reading.index
        if (index.left | self._named) >> place & 1 or (with_names and self._knows_members):
            return None
        one = index.principals[place]
        principal = one.principal
        parts: list[Hashable] = [principal.kind, principal.credentials, index.bounded >> place & 1]
        parts += self._each(self._common, place)
        told_by, about = self._of_held, self._about
        for layer, policies in ((index.held, one.identity), (index.bounds, one.boundaries)):
            # Of those who are not left no policy is unknown, so that each is held.
            for held, policy in zip(layer[place], policies, strict=True):
                if held not in about:
                    continue
                found = told_by[held] if held in told_by else self._told_by_policy(held)
                if found is not None:
                    parts.append(held)
                    if with_names:
                        parts.append(policy.name)
                    if found:
                        parts += self._each(found, place)
            parts.append(None)
        return tuple(parts)

    @property
    def reads_time(self) -> bool:
        """True if a statement about the action reads the time of the request."""
        if self._reads_time is None:
            action = self._reading.prepared.action
            own = (one.compiled for each in self._own for one in each.about(action))
            every = chain(own, self._binding_everybody())
            self._reads_time = any(not _TIMES.isdisjoint(compiled.keys) for compiled in every)
        return self._reads_time

    @property
    def _own(self) -> tuple[Holdings, ...]:
        return self._reading.index.identity, self._reading.index.boundary

    def _binding_everybody(self) -> Iterator[CompiledStatement]:
        """The statements about the action in all policies that are nobody's own."""
        reading = self._reading
        asked, index = reading.asked, reading.index
        layers = [*index.levels(PolicyType.SCP, asked.scps).levels, *index.levels(PolicyType.RCP, asked.rcps).levels]
        of_resource = PolicyType.TRUST if reading.prepared.trust else PolicyType.RESOURCE
        given = [(policy, of_resource) for policy in (asked.resource, *asked.members)]
        given += [(policy, PolicyType.SESSION) for policy in asked.session]
        for policy, policy_type in given:
            if isinstance(policy, NamedPolicy) and policy.document.error is None:
                layers.append(index.of_resource(policy, policy_type))
        for holdings in layers:
            for statement in holdings.about(reading.prepared.action):
                yield statement.compiled

    def _told_by(self, compiled: CompiledStatement) -> Iterator[Bits | str]:
        """Principal-dependent conditions of a statement: for whom they hold, and keys that are read with others.

        Of a resource of a set more may be known than of the set, so what reads other keys too is not settled here.
        """
        contexts, matcher = self._reading.contexts, compiled.resource.matcher
        if matcher is not None:
            yield from contexts.varying(matcher.variable_keys)
        for condition in compiled.conditions:
            every = {key for key in (condition.key, *condition.variable_keys) if key}
            varying = contexts.varying(every)
            if len(varying) == len(every) and all(contexts.column(key)[1] for key in varying):
                everyone = self._reading.index.everyone
                holds = self._reading.holds(condition, everyone)
                if everyone not in (holds.yes, holds.maybe) and holds != NOBODY:
                    yield holds
            else:
                yield from varying

    def _told_by_policy(self, held: HeldPolicy) -> tuple[Bits | str, ...] | None:
        """Principal-dependent conditions of a principal's own policy; None where no statement covers the question."""
        every = (one.compiled for one in self._about[held])
        statements = tuple(filter(self._may_be_about, every))
        told = (one for compiled in statements for one in self._told_by(compiled))
        found = self._of_held[held] = tuple(dict.fromkeys(told)) if statements else None
        return found

    def _may_be_about(self, compiled: CompiledStatement) -> bool:
        """True if a statement about the action covers the resource, or some of the set, for some principal."""
        if compiled.any_resource or (compiled.resource.matcher and compiled.resource.matcher.variable_keys):
            return True
        resource, context = self._reading.prepared.resource, self._reading.contexts.anyone
        met = compiled.resource.applies(resource, context, DEFAULT_LANGUAGE_OPTIONS, reach=Reach.SHARES)
        return met is not False

    def _each(self, told: tuple[Bits | str, ...], place: int) -> Iterator[Hashable]:
        for one in told:
            if isinstance(one, Bits):
                yield (one.yes >> place & 1, one.maybe >> place & 1)
            else:
                yield self._reading.contexts.of_place(place).lookup(one)


class FoundOutcome(NamedTuple):
    """Known parts of a decision before it is read.

    Args:
        not_evaluated: the layers that were not, where that is known already.
        capped: of an implicit deny, whether it `is_capped`, where that is known already.
    """

    outcome: Outcome
    complete: bool
    not_evaluated: tuple[Layer, ...] | None = None
    capped: bool | None = None


class ReadForEverybody:
    """A question as it was read for everybody in an index.

    Args:
        outcomes: None where only the evaluator can tell any.
        known: what is known already, by place; None: what the outcomes say.
        of_class: what the evaluator said of one principal of a class.
    """

    def __init__(
        self, reading: IndexReading, outcomes: Outcomes | None, known: list[FoundOutcome | None] | None = None
    ) -> None:
        self._reading = reading
        self.index = reading.index
        self.outcomes = outcomes
        self.of_class: dict[Hashable, FoundOutcome] = {}
        self._known = known

    @property
    def found(self) -> list[FoundOutcome | None]:
        """Known outcome of each principal, by place; the evaluator's outcomes are added as they come."""
        if self._known is None:
            self._known = _spread(self.outcomes, len(self.index.principals))
        return self._known

    @cached_property
    def classes(self) -> PrincipalClasses:
        """The principals by what the evaluator says of them."""
        return PrincipalClasses(self._reading)

    def under_draft(self, reading: IndexReading, outcomes: Outcomes | None, reached: int) -> ReadForEverybody | None:
        """The same under a draft; None where that does not follow from it.

        Args:
            outcomes: of those whom the draft reaches.
        """
        before = self.outcomes
        if before is None or outcomes is None:
            return None if before is not outcomes else ReadForEverybody(reading, None)
        if (before.not_evaluated, before.capped is None) != (outcomes.not_evaluated, outcomes.capped is None):
            return None
        known = list(self.found)
        of_reached = _spread(outcomes, len(known))
        for place in places(reached):
            known[place] = of_reached[place]
        return ReadForEverybody(reading, _with_those(before, outcomes, reached), known)


def _with_those(before: Outcomes, others: Outcomes, who: int) -> Outcomes:
    """The outcomes before, but for some principals the others."""

    def joined(one: int, other: int) -> int:
        return (one & ~who) | (other & who)

    return Outcomes(
        joined(before.allowed, others.allowed),
        joined(before.explicit_deny, others.explicit_deny),
        joined(before.implicit_deny, others.implicit_deny),
        joined(before.depends, others.depends),
        joined(before.left, others.left),
        joined(before.complete, others.complete),
        others.not_evaluated,
        None if before.capped is None or others.capped is None else joined(before.capped, others.capped),
    )


def _spread(outcomes: Outcomes | None, size: int) -> list[FoundOutcome | None]:
    """Outcomes by the places of the principals; None of those who are left."""
    found: list[FoundOutcome | None] = [None] * size
    if outcomes is None:
        return found
    decided = (
        (Outcome.ALLOWED, outcomes.allowed),
        (Outcome.EXPLICIT_DENY, outcomes.explicit_deny),
        (Outcome.IMPLICIT_DENY, outcomes.implicit_deny),
        (Outcome.DEPENDS, outcomes.depends),
    )
    capped = outcomes.capped
    for outcome, bits in decided:
        for complete, here in ((True, bits & outcomes.complete), (False, bits & ~outcomes.complete)):
            parts = ((None, here),) if capped is None else ((True, here & capped), (False, here & ~capped))
            for is_capped, those in parts:
                if those:
                    one = FoundOutcome(outcome, complete, outcomes.not_evaluated, is_capped)
                    for place in places(those):
                        found[place] = one
    return found
