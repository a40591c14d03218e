"""A compiled account: its users and roles as bits of integers, its policies with the bits of all who have them.

A question is read once for everybody: each statement about it is tested once, or once for each value of the condition
keys that tell principals apart, and what it comes to holds for all who have the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from itertools import count
from typing import Any, Final, NamedTuple, TypeVar

from iamtui.engine.policy_holders import Bits, HeldPolicy, Holdings, bits_of, places
from iamtui.engine.policy_sets import caller_facts
from iamtui.engine.request import (
    FIXED_KEYS,
    NamedPolicy,
    NotEvaluated,
    PolicyInForce,
    PolicyLevel,
    Principal,
    PrincipalKind,
    caller_fixed_keys,
    is_service_linked,
)
from iamtui.policy.context import ABSENT, KeyNames, KeyState, KeyValue, KeyValues, as_read
from iamtui.policy.document import PolicyDocument, PrincipalEntry
from iamtui.policy.statement import Caller
from iamtui.policy.types import PolicyType

_MOST_RESOURCES: Final = 2048
_MOST_KEYS: Final = 256
_MOST_CONDITIONS: Final = 2048
_MOST_STACKS: Final = 16
_MOST_TEXTS: Final = 256
_MOST_SAID: Final = 512


def with_value(groups: dict[KeyValue, int], value: KeyValue, bits: int) -> dict[KeyValue, int]:
    made = dict(groups)
    _add(made, value, bits)
    return made


def standing_in(groups: Mapping[KeyValue, int], text: str) -> tuple[list[tuple[KeyValue, int]], KeyValue | None]:
    """Principals by value, for values that occur in a text or are not one text, and one of the other values."""
    inside: list[tuple[KeyValue, int]] = []
    example: KeyValue | None = None
    for value, bits in groups.items():
        if type(value) is tuple and len(value) == 1 and value[0] not in text:
            example = value
        else:
            inside.append((value, bits))
    return inside, example


def _add(groups: dict[KeyValue, int], value: KeyValue, bits: int) -> None:
    if bits:
        groups[value] = groups.get(value, 0) | bits


class IndexedPrincipal(NamedTuple):
    """A user or role with what is in force for it whatever it asks.

    Args:
        values: the condition keys that the account knows of it, by lower-case name.
        absent: keys, and families of keys, that it is known not to have.
    """

    principal: Principal
    identity: tuple[PolicyInForce, ...]
    boundaries: tuple[PolicyInForce, ...]
    values: KeyValues
    absent: tuple[str, ...]


class KeyFacts(NamedTuple):
    """Facts of one condition key that hold for every question.

    Args:
        own: by value, who has it by what the account says; `owners` are all of them.
        absent: who is known not to have the key.
        fixed: by value, of whom it follows from who they are; `fixers` are all of them.
    """

    own: dict[KeyValue, int]
    owners: int
    absent: int
    fixed: dict[tuple[str, ...], int]
    fixers: int

    def own_as_read(self, *, discover: bool) -> dict[KeyValue, int]:
        made: dict[KeyValue, int] = {}
        for value, bits in self.own.items():
            _add(made, as_read(value, discover=discover), bits)
        return made


class Levels(NamedTuple):
    """SCPs, RCPs, level by level; `complete` says whether all of them are loaded."""

    levels: tuple[Holdings, ...]
    complete: bool


def _kind_of(one: IndexedPrincipal) -> tuple[PrincipalKind, bool, str | None]:
    return one.principal.kind, bool(one.boundaries), one.principal.credentials


def _is_fit(principal: Principal) -> bool:
    """True if a principal can be read here: a user, or a role given by its ARN that no service owns."""
    if principal.kind is PrincipalKind.USER:
        return True
    is_role = principal.kind is PrincipalKind.ROLE and principal.role_arn == principal.arn
    return is_role and not is_service_linked(principal)


def _by_value(principals: Iterable[IndexedPrincipal]) -> dict[str, dict[KeyValue, list[int]]]:
    """Who has which value of the condition keys that the account knows, by their places."""
    found: dict[str, dict[KeyValue, list[int]]] = {}
    for place, one in enumerate(principals):
        for key, value in one.values.items():
            found.setdefault(key, {}).setdefault(value, []).append(place)
    return found


_Of = TypeVar("_Of")


class _PatchedValues(Sequence[_Of]):
    """Values by principal, some of them replaced when they are read, since a copy would be large."""

    def __init__(self, base: Sequence[_Of], who: int, change: Callable[[_Of], _Of]) -> None:
        self._base = base
        self._who = who
        self._change = change

    def __len__(self) -> int:
        return len(self._base)

    def __getitem__(self, place: Any) -> Any:
        one = self._base[place]
        return self._change(one) if self._who >> place & 1 else one


class PrincipalIndex:
    """The users and roles of an account, and who of them has which policies.

    Args:
        everyone: all of them.
        left: those of whom only the evaluator can tell: service-linked roles, and those with a policy that is not
            known or cannot be read.
        bounded: those with a permissions boundary.
    """

    def __init__(self, principals: Sequence[IndexedPrincipal]) -> None:
        """Take users, and roles given by their ARN; all are of one account and partition."""
        self.principals: Sequence[IndexedPrincipal] = tuple(principals)
        self.everyone = (1 << len(self.principals)) - 1
        self.identity = Holdings(PolicyType.IDENTITY)
        self.boundary = Holdings(PolicyType.BOUNDARY)
        self.bounded = 0
        # Filled at once when they are first read, for all indexes that were made from this one.
        self._named: dict[str, list[int]] = {}
        self._own: dict[str, dict[KeyValue, list[int]]] = {}
        self._keys: dict[str, KeyFacts] = {}
        self._values: dict[tuple[str, bool], Mapping[KeyValue, int]] = {}
        self._stacks: dict[tuple[int, PolicyType], tuple[tuple[PolicyLevel, ...], Levels]] = {}
        self._conditions: dict[object, Bits] = {}
        self.said: dict[object, Any] = {}
        self._numbers: dict[tuple[object, ...], int] = {}
        self._counting = count()
        self._standing: dict[tuple[str, str, bool], tuple[list[tuple[KeyValue, int]], KeyValue | None]] = {}
        self._of_resources: dict[tuple[int, PolicyType], tuple[PolicyDocument, Holdings]] = {}
        self._places = {id(one.principal): place for place, one in enumerate(self.principals)}
        self._unfit = 0
        absent: dict[tuple[str, ...], list[int]] = {}
        for place, one in enumerate(self.principals):
            absent.setdefault(one.absent, []).append(place)
            if not _is_fit(one.principal):
                self._unfit |= 1 << place
        self._absent = {names: bits_of(having, len(self.principals)) for names, having in absent.items()}
        self.held: Sequence[tuple[HeldPolicy, ...]] = self.identity.add_for_each(
            [one.identity for one in self.principals]
        )
        self.bounds: Sequence[tuple[HeldPolicy, ...]] = self.boundary.add_for_each(
            [one.boundaries for one in self.principals]
        )
        kinds: dict[tuple[PrincipalKind, bool, str | None], list[int]] = {}
        for place, one in enumerate(self.principals):
            kinds.setdefault(_kind_of(one), []).append(place)
        self.kinds = {kind: bits_of(having, len(self.principals)) for kind, having in kinds.items()}
        for (_, has_boundary, _), bits in self.kinds.items():
            self.bounded |= bits if has_boundary else 0
        self.left = self._unfit | self.identity.incomplete | self.boundary.incomplete

    def with_changed(self, changed: Mapping[int, IndexedPrincipal]) -> PrincipalIndex:
        """The index of an account in which some principals, by their places, have other policies and nothing else.

        What was found out about keys and conditions holds there too.
        """
        made = copy(self)
        before = self.principals
        principals = list(before)
        for place, one in changed.items():
            principals[place] = one
        made.principals = tuple(principals)
        bits = bits_of(changed, len(principals))
        made.identity = self.identity.with_changed(
            (1 << place, before[place].identity, one.identity) for place, one in changed.items()
        )
        made.boundary = self.boundary.with_changed(
            (1 << place, before[place].boundaries, one.boundaries) for place, one in changed.items()
        )
        held, bounds = made.held, made.bounds = list(self.held), list(self.bounds)
        made.bounded = self.bounded & ~bits
        made.kinds = {kind: having & ~bits for kind, having in self.kinds.items() if having & ~bits}
        for place, one in changed.items():
            held[place] = tuple(made.identity.add(one.identity, 1 << place))
            bounds[place] = tuple(made.boundary.add(one.boundaries, 1 << place))
            made.bounded |= 1 << place if one.boundaries else 0
            made.kinds[_kind_of(one)] = made.kinds.get(_kind_of(one), 0) | 1 << place
        made.left = self._unfit | made.identity.incomplete | made.boundary.incomplete
        return made

    def with_more(self, policies: Sequence[PolicyInForce], who: int, *, without_boundaries: bool) -> PrincipalIndex:
        """The index of an account in which some principals have more policies and, if so, nobody a boundary."""
        made = copy(self)
        made.identity, added = self.identity.with_more(policies, who)
        more = tuple(policies)
        made.held = _PatchedValues(self.held, who, lambda held: (*held, *added))
        made.principals = _PatchedValues(
            self.principals, who, lambda one: one._replace(identity=(*one.identity, *more))
        )
        if without_boundaries:
            made.boundary, made.bounded = Holdings(PolicyType.BOUNDARY), 0
            made.bounds = [()] * len(self.principals)
            made.principals = _PatchedValues(made.principals, self.bounded, lambda one: one._replace(boundaries=()))
            made.kinds = {}
            for (kind, _, credentials), having in self.kinds.items():
                made.kinds[kind, False, credentials] = made.kinds.get((kind, False, credentials), 0) | having
        made.left = self._unfit | made.identity.incomplete | made.boundary.incomplete
        return made

    def place_of(self, principal: Principal) -> int | None:
        """The place of a principal, or None where it is not among them."""
        known = self._places.get(id(principal))
        if known is not None:
            # The index holds the principal, so its id is not that of another.
            return known
        for place in self._by_name().get(principal.arn, ()):
            found = self.principals[place].principal
            if found is principal or found == principal:
                return place
        return None

    def named(self, name: str) -> int:
        """Who has an ARN, an id, or a name without its path."""
        return sum(1 << place for place in self._by_name().get(name, ()))

    def _by_name(self) -> dict[str, list[int]]:
        """The places of those who have a name, found when a statement or a question first names one of them."""
        if not self._named:
            named: dict[str, list[int]] = {}
            for place, one in enumerate(self.principals):
                principal = one.principal
                for name in {principal.arn, principal.unique_id, principal.arn.rsplit("/", 1)[-1]}:
                    if name:
                        named.setdefault(name, []).append(place)
            self._named.update(named)
        return self._named

    def key_facts(self, key: str) -> KeyFacts:
        """The KeyFacts of a condition key in lower case."""
        found = self._keys.get(key)
        if found is None:
            if len(self._keys) >= _MOST_KEYS:
                self._keys.clear()
            found = self._keys[key] = self._facts_of(key)
        return found

    def _facts_of(self, key: str) -> KeyFacts:
        size = len(self.principals)
        if not self._own:
            self._own.update(_by_value(self.principals))
        own = {values: bits_of(having, size) for values, having in self._own.get(key, {}).items()}
        owners = absent = 0
        for bits in own.values():
            owners |= bits
        fixed: dict[tuple[str, ...], list[int]] = {}
        for place, one in enumerate(self.principals if key in FIXED_KEYS else ()):
            fixed.setdefault(caller_fixed_keys(one.principal)[key], []).append(place)
        for names, bits in self._absent.items():
            if key in KeyNames(names):
                absent |= bits
        having_fixed = {values: bits_of(having, size) for values, having in fixed.items()}
        return KeyFacts(own, owners, absent, having_fixed, self.everyone if fixed else 0)

    def values_of(self, key: str, *, discover: bool) -> Mapping[KeyValue, int]:
        """Who has which value of a condition key of which the question says nothing."""
        found = self._values.get((key, discover))
        if found is None:
            facts = self.key_facts(key)
            rest = self.everyone & ~facts.owners
            made = with_value(facts.own_as_read(discover=discover), ABSENT, rest & facts.absent)
            rest &= ~facts.absent
            for values, bits in facts.fixed.items():
                _add(made, values, rest & bits)
            _add(made, KeyState.UNKNOWN if discover else ABSENT, rest & ~facts.fixers)
            if len(self._values) >= _MOST_KEYS:
                self._values.clear()
            found = self._values[key, discover] = made
        return found

    def caller(self, place: int) -> Caller:
        """A principal as principal elements see it."""
        one = self.principals[place]
        facts = caller_facts(one.principal, lasting=True)
        return facts.caller(session_may_vary=True, has_boundary=bool(one.boundaries))

    def told_apart(self, entries: Iterable[PrincipalEntry]) -> Iterator[int]:
        """Groups of principals for each of which these entries come to the same.

        Entries compare with whole names alone, so all whom none of them names are alike.
        """
        named = 0
        for entry in entries:
            value = entry.value
            named |= self.named(value)
            if ":assumed-role/" in value:
                named |= self.named(value.split("/")[1])
        for place in places(named):
            yield 1 << place
        for bits in self.kinds.values():
            if bits & ~named:
                yield bits & ~named

    def named_by(self, entries: Iterable[PrincipalEntry]) -> int:
        """Principals that entries name one by one."""
        found = 0
        for bits in self.told_apart(entries):
            if not bits & (bits - 1):
                found |= bits
        return found

    def fixed_keys(self, place: int) -> KeyValues:
        """The condition keys that follow from a principal alone."""
        return caller_facts(self.principals[place].principal, lasting=True).keys

    def of_resource(self, policy: NamedPolicy, policy_type: PolicyType) -> Holdings:
        """The policy of a resource, which speaks to everyone."""
        key = (id(policy.document), policy_type)
        found = self._of_resources.get(key)
        if found is None:
            if len(self._of_resources) >= _MOST_RESOURCES:
                self._of_resources.clear()
            holdings = Holdings(policy_type)
            holdings.add((policy,), self.everyone)
            # The document is kept beside, so that its id cannot be reused while it is a key here.
            found = self._of_resources[key] = (policy.document, holdings)
        return found[1]

    def levels(self, policy_type: PolicyType, given: tuple[PolicyLevel, ...] | NotEvaluated) -> Levels:
        """SCPs or RCPs, which bind everyone."""
        if isinstance(given, NotEvaluated):
            return Levels((), complete=False)
        found = self._stacks.get((id(given), policy_type))
        if found is None or found[0] is not given:
            if len(self._stacks) >= _MOST_STACKS:
                self._stacks.clear()
            made: list[Holdings] = []
            for level in given:
                if level.not_loaded is None:
                    holdings = Holdings(policy_type)
                    holdings.add(level.policies, self.everyone)
                    made.append(holdings)
            # The levels are kept beside, so that their id cannot be reused while it is a key here.
            found = self._stacks[id(given), policy_type] = (given, Levels(tuple(made), len(made) == len(given)))
        return found[1]

    def standing_in(self, key: str, text: str, *, discover: bool) -> tuple[list[tuple[KeyValue, int]], KeyValue | None]:
        """Principals by value of a key, for values that occur in a text, and one of the other values."""
        found = self._standing.get((key, text, discover))
        if found is None:
            if len(self._standing) >= _MOST_TEXTS:
                self._standing.clear()
            found = self._standing[key, text, discover] = standing_in(self.values_of(key, discover=discover), text)
        return found

    def number_of(self, said: tuple[object, ...]) -> int:
        """A number for what a question says of some keys, by which that is found faster; no two ever have the same."""
        found = self._numbers.get(said)
        if found is None:
            if len(self._numbers) >= _MOST_SAID:
                self._numbers.clear()
            found = self._numbers[said] = next(self._counting)
        return found

    def keep_said(self, key: object, said: object) -> None:
        """Keep the effects of a layer for later questions."""
        if len(self.said) >= _MOST_SAID:
            self.said.clear()
        self.said[key] = said

    def condition(self, key: object, find: Callable[[], Bits]) -> Bits:
        """For whom a condition holds that reads nothing of the question, kept by what it is and what else it reads."""
        found = self._conditions.get(key)
        if found is None:
            if len(self._conditions) >= _MOST_CONDITIONS:
                self._conditions.clear()
            found = self._conditions[key] = find()
        return found
