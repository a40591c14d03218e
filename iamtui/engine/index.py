"""A compiled account: its users and roles as bits of integers, its policies with the bits of all who have them.

A question is read once for everybody: each statement about it is tested once, or once for each value of the condition
keys that tell principals apart, and what it comes to holds for all who have the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from iamtui.engine.bits import Bits, bits_of, places
from iamtui.engine.request import (
    FIXED_KEYS,
    MissingPolicy,
    NamedPolicy,
    NotEvaluated,
    PolicyInForce,
    PolicyLevel,
    Principal,
    PrincipalKind,
    caller_facts,
)
from iamtui.policy.context import ABSENT, CommonContext, KeyNames, KeyState, KeyValue, KeyValues, RequestContext
from iamtui.policy.document import PolicyDocument, PrincipalEntry
from iamtui.policy.resource import RequestResource
from iamtui.policy.statement import ActionName, Caller, CompiledPolicy, CompiledStatement, compile_policy
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType

_MOST_ACTIONS: Final = 512
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
    """Who has which value that stands in a text, or is not one text, and one of the other values."""
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


class HeldPolicy:
    """One document, compiled, with the bits of all who have it."""

    __slots__ = ("compiled", "holders", "statements")

    def __init__(self, compiled: CompiledPolicy, holders: int = 0) -> None:
        self.compiled = compiled
        self.holders = holders
        self.statements = tuple(HeldStatement(self, number) for number in range(len(compiled.actions)))

    def about(self, action: ActionName) -> Iterator[HeldStatement]:
        """The statements whose Action or NotAction matches."""
        compiled = self.compiled
        for number in compiled.by_service.get(action.service, ()):
            if compiled.actions[number].names_of(action.service).match(action.name):
                yield self.statements[number]
        for number in compiled.of_any_service:
            if compiled.actions[number].matches(action):
                yield self.statements[number]


class HeldStatement:
    """One statement of a held policy, compiled when it is first about what is asked."""

    __slots__ = ("compiled", "held", "number", "truths")

    compiled: CompiledStatement

    def __init__(self, held: HeldPolicy, number: int) -> None:
        self.held = held
        self.number = number
        self.truths: dict[object, Bits] = {}  # of whom of its holders it holds, by what was said of its keys

    if not TYPE_CHECKING:  # a type checker that saw this would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            """Compile the statement, once; after that it is an attribute like any other, which is found faster."""
            if name != "compiled":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            self.compiled = self.held.compiled.statement(self.number)
            return self.compiled


_Varying: TypeAlias = tuple[tuple[HeldStatement, bool], ...]
"""Statements, of each whether its variables tell whether it is about a resource."""


class AboutResource:
    """The statements that may be about an action on a resource: one object for all resources with the same.

    Args:
        keys: the condition keys that they read.
        varies: whether some are about the resource by their variables.
    """

    __slots__ = ("allows", "denies", "keys", "varies")

    def __init__(self, denies: _Varying, allows: _Varying) -> None:
        self.denies = denies
        self.allows = allows
        self.keys = frozenset().union(*(statement.compiled.keys for statement, _ in (*denies, *allows)))
        self.varies = any(varies for _, varies in (*denies, *allows))


class Holdings:
    """The policies of one layer, or of one level of it, found by service and action."""

    __slots__ = (
        "_about",
        "_about_resource",
        "_added",
        "_below",
        "_by_service",
        "_of_any_service",
        "_policies",
        "_replaced",
        "_same_about",
        "_type",
        "incomplete",
    )

    def __init__(self, policy_type: PolicyType) -> None:
        self._type = policy_type
        self._policies: dict[int, tuple[PolicyDocument, HeldPolicy]] = {}
        self._by_service: dict[str, list[HeldStatement]] | None = None
        self._of_any_service: list[HeldStatement] = []
        self._about: dict[str, tuple[HeldStatement, ...]] = {}
        self._about_resource: dict[tuple[str, RequestResource], AboutResource] = {}
        self._same_about: dict[tuple[_Varying, _Varying], AboutResource] = {}
        # Of those below a draft, whose statements are sorted already: what stands for which policy, and what is new.
        self._below: Holdings | None = None
        self._replaced: dict[HeldPolicy, HeldPolicy] = {}
        self._added: list[HeldPolicy] = []
        self.incomplete = 0
        """Who has a policy whose document is not known or cannot be read."""

    def add(self, policies: Iterable[PolicyInForce], holders: int) -> list[HeldPolicy]:
        """Take in that some have these policies; all are taken in before the first question."""
        found: list[HeldPolicy] = []
        for policy in policies:
            if isinstance(policy, MissingPolicy):
                self.incomplete |= holders
                continue
            document = policy.document
            known = self._policies.get(id(document))
            if known is None:
                if document.error is not None:
                    self.incomplete |= holders
                    continue
                held = HeldPolicy(compile_policy(document, self._type, DEFAULT_LANGUAGE_OPTIONS))
                # The document is kept beside, so that its id cannot be reused while it is a key here.
                known = self._policies[id(document)] = (document, held)
                if self._below is not None:
                    self._added.append(held)
            known[1].holders |= holders
            found.append(known[1])
        return found

    def add_for_each(self, policies: Sequence[tuple[PolicyInForce, ...]]) -> list[tuple[HeldPolicy, ...]]:
        """Take in the policies of one principal after the other, by their places; no other has been taken in before."""
        known: dict[int, tuple[HeldPolicy | None, list[int]]] = {}
        held_by: list[tuple[HeldPolicy, ...]] = []
        for place, each in enumerate(policies):
            found: list[HeldPolicy] = []
            for policy in each:
                # Most are the same objects for all who have them, which are kept in what is given.
                one = known.get(id(policy))
                if one is None:
                    one = known[id(policy)] = next(iter(self.add((policy,), 0)), None), []
                held, having = one
                having.append(place)
                if held is not None:
                    found.append(held)
            held_by.append(tuple(found))
        for held, having in known.values():
            bits = bits_of(having, len(policies))
            if held is None:
                self.incomplete |= bits
            else:
                held.holders |= bits
        return held_by

    def without(self, holders: int, policies: Iterable[PolicyInForce]) -> Holdings:
        """The same policies, held by all but some; ready to be given some of the policies that are named here."""
        given = {id(policy.document) for policy in policies if isinstance(policy, NamedPolicy)}
        made = Holdings(self._type)
        made.incomplete = self.incomplete & ~holders
        if self._below is None:
            # One draft above another sorts for itself, so that no chain of them grows.
            made._below = self
        for key, (document, held) in self._policies.items():
            if held.holders & holders or key in given:
                # What others share is never changed.
                made._replaced[held] = HeldPolicy(held.compiled, held.holders & ~holders)
                held = made._replaced[held]
            made._policies[key] = (document, held)
        return made

    @property
    def policies(self) -> tuple[HeldPolicy, ...]:
        return tuple(held for _, held in self._policies.values())

    def about(self, action: ActionName) -> tuple[HeldStatement, ...]:
        """The statements whose Action or NotAction matches."""
        found = self._about.get(action.full)
        if found is None:
            if len(self._about) >= _MOST_ACTIONS:
                self._about.clear()
            found = self._about[action.full] = tuple(
                self._matching(action) if self._below is None else self._matching_below(self._below, action)
            )
        return found

    def _matching(self, action: ActionName) -> list[HeldStatement]:
        by_service = self._by_service if self._by_service is not None else self._sorted()
        name, service = action.name, action.service
        naming = [
            statement
            for statement in by_service.get(service, ())
            if statement.held.compiled.actions[statement.number].names_of(service).match(name)
        ]
        naming += [
            statement
            for statement in self._of_any_service
            if statement.held.compiled.actions[statement.number].matches(action)
        ]
        return naming

    def _matching_below(self, below: Holdings, action: ActionName) -> Iterator[HeldStatement]:
        """As the policies below a draft were sorted, with what the draft put in their place or added."""
        for statement in below.about(action):
            held = self._replaced.get(statement.held)
            yield statement if held is None else held.statements[statement.number]
        for held in self._added:
            yield from held.about(action)

    def _sorted(self) -> dict[str, list[HeldStatement]]:
        by_service: dict[str, list[HeldStatement]] = {}
        of_any_service: list[HeldStatement] = []
        for _, held in self._policies.values():
            statements = held.statements
            for service, numbers in held.compiled.by_service.items():
                by_service.setdefault(service, []).extend(statements[number] for number in numbers)
            of_any_service += [statements[number] for number in held.compiled.of_any_service]
        self._of_any_service = of_any_service
        # Last, so that another thread that asks meanwhile sorts for itself instead of finding half of it.
        self._by_service = by_service
        return by_service

    def make_ready(self) -> Iterator[None]:
        """Compile all statements, one policy at each step; else each is when it is first about what is asked."""
        for _, held in tuple(self._policies.values()):
            for statement in held.statements:
                statement.compiled  # noqa: B018 - compiled when it is read
            yield

    def about_resource(self, action: ActionName, resource: RequestResource) -> AboutResource:
        """Those of `about` that may be about a resource too."""
        key = (action.full, resource)
        found = self._about_resource.get(key)
        if found is None:
            if len(self._about_resource) >= _MOST_RESOURCES:
                self._about_resource.clear()
                self._same_about.clear()
            made = _about_resource(self.about(action), resource)
            found = self._same_about.get(made)
            if found is None:
                found = self._same_about[made] = AboutResource(*made)
            self._about_resource[key] = found
        return found


_NO_CONTEXT: Final = RequestContext(CommonContext({}))
"""For elements without variables, which look nothing up."""


def _about_resource(statements: Iterable[HeldStatement], resource: RequestResource) -> tuple[_Varying, _Varying]:
    denies: list[tuple[HeldStatement, bool]] = []
    allows: list[tuple[HeldStatement, bool]] = []
    for statement in statements:
        compiled = statement.compiled
        matcher = compiled.resource.matcher
        varies = not compiled.any_resource and matcher is not None and bool(matcher.variable_keys)
        if (
            compiled.any_resource
            or varies
            or compiled.matches_resource(resource, _NO_CONTEXT, DEFAULT_LANGUAGE_OPTIONS, everywhere=False) is True
        ):
            (allows if compiled.allows else denies).append((statement, varies))
    return tuple(denies), tuple(allows)


class KeyFacts(NamedTuple):
    """What is known of one condition key whatever is asked.

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


class Levels(NamedTuple):
    """SCPs, RCPs, level by level; `complete` says whether all of them are loaded."""

    levels: tuple[Holdings, ...]
    complete: bool


def _kind_of(one: IndexedPrincipal) -> tuple[PrincipalKind, bool, str | None]:
    return one.principal.kind, bool(one.boundaries), one.principal.credentials


def _by_value(principals: Iterable[IndexedPrincipal]) -> dict[str, dict[KeyValue, list[int]]]:
    """Who has which value of the condition keys that the account knows, by their places."""
    found: dict[str, dict[KeyValue, list[int]]] = {}
    for place, one in enumerate(principals):
        for key, value in one.values.items():
            found.setdefault(key, {}).setdefault(value, []).append(place)
    return found


class AccountIndex:
    """The users and roles of an account, and who of them has which policies.

    Args:
        everyone: all of them.
        left: those of whom only the evaluator can tell: service-linked roles, and those with a policy that is not
            known or cannot be read.
        bounded: those with a permissions boundary.
    """

    def __init__(self, principals: Sequence[IndexedPrincipal]) -> None:
        """Take users, and roles given by their ARN; all are of one account and partition."""
        self.principals = tuple(principals)
        self.everyone = (1 << len(self.principals)) - 1
        self.identity = Holdings(PolicyType.IDENTITY)
        self.boundary = Holdings(PolicyType.BOUNDARY)
        self.bounded = 0
        self._named: dict[str, list[int]] = {}
        self._absent: dict[tuple[str, ...], int] = {}
        self._keys: dict[str, KeyFacts] = {}
        self._values: dict[tuple[str, bool], Mapping[KeyValue, int]] = {}
        self._stacks: dict[tuple[int, PolicyType], tuple[tuple[PolicyLevel, ...], Levels]] = {}
        self._conditions: dict[object, Bits] = {}
        self.said: dict[object, Any] = {}
        self._standing: dict[tuple[str, str, bool], tuple[list[tuple[KeyValue, int]], KeyValue | None]] = {}
        self._of_resources: dict[tuple[int, PolicyType], tuple[PolicyDocument, Holdings]] = {}
        self._places = {id(one.principal): place for place, one in enumerate(self.principals)}
        self._unfit = 0
        self._own: dict[str, dict[KeyValue, list[int]]] | None = None
        for place, one in enumerate(self.principals):
            self._name(place, one)
        self.held = self.identity.add_for_each([one.identity for one in self.principals])
        self.bounds = self.boundary.add_for_each([one.boundaries for one in self.principals])
        kinds: dict[tuple[PrincipalKind, bool, str | None], list[int]] = {}
        for place, one in enumerate(self.principals):
            kinds.setdefault(_kind_of(one), []).append(place)
        self.kinds = {kind: bits_of(having, len(self.principals)) for kind, having in kinds.items()}
        for (_, has_boundary, _), bits in self.kinds.items():
            self.bounded |= bits if has_boundary else 0
        self.left = self._unfit | self.identity.incomplete | self.boundary.incomplete

    def with_changed(self, changed: Mapping[int, IndexedPrincipal]) -> AccountIndex:
        """The index of an account in which some principals, by their places, have other policies and nothing else.

        What was found out about keys and conditions holds there too.
        """
        made = copy(self)
        principals = list(self.principals)
        bits = 0
        for place, one in changed.items():
            principals[place] = one
            bits |= 1 << place
        made.principals = tuple(principals)
        made.identity = self.identity.without(bits, (policy for one in changed.values() for policy in one.identity))
        made.boundary = self.boundary.without(bits, (policy for one in changed.values() for policy in one.boundaries))
        made.held, made.bounds = list(self.held), list(self.bounds)
        made.bounded = self.bounded & ~bits
        made.kinds = {kind: having & ~bits for kind, having in self.kinds.items() if having & ~bits}
        for place, one in changed.items():
            made._hold(place, one)  # noqa: SLF001 - of the same class
        made.left = self._unfit | made.identity.incomplete | made.boundary.incomplete
        return made

    def _hold(self, place: int, one: IndexedPrincipal) -> None:
        bit = 1 << place
        self.held[place] = tuple(self.identity.add(one.identity, bit))
        self.bounds[place] = tuple(self.boundary.add(one.boundaries, bit))
        if one.boundaries:
            self.bounded |= bit
        kind = _kind_of(one)
        self.kinds[kind] = self.kinds.get(kind, 0) | bit

    def _name(self, place: int, one: IndexedPrincipal) -> None:
        bit = 1 << place
        principal = one.principal
        is_role = principal.kind is PrincipalKind.ROLE and principal.role_arn == principal.arn
        if (
            not (is_role or principal.kind is PrincipalKind.USER)
            or caller_facts(principal, lasting=True).service_linked
        ):
            self._unfit |= bit
        for name in {principal.arn, principal.unique_id, principal.arn.rsplit("/", 1)[-1]}:
            if name:
                self._named.setdefault(name, []).append(place)
        self._absent[one.absent] = self._absent.get(one.absent, 0) | bit

    def place_of(self, principal: Principal) -> int | None:
        """The place of a principal, or None where it is not among them."""
        known = self._places.get(id(principal))
        if known is not None:
            # The index holds the principal, so its id is not that of another.
            return known
        for place in self._named.get(principal.arn, ()):
            found = self.principals[place].principal
            if found is principal or found == principal:
                return place
        return None

    def named(self, name: str) -> int:
        """Who has an ARN, an id, or a name without its path."""
        return sum(1 << place for place in self._named.get(name, ()))

    def key_facts(self, key: str) -> KeyFacts:
        """What is known of a condition key in lower case."""
        found = self._keys.get(key)
        if found is None:
            if len(self._keys) >= _MOST_KEYS:
                self._keys.clear()
            found = self._keys[key] = self._facts_of(key)
        return found

    def _facts_of(self, key: str) -> KeyFacts:
        size = len(self.principals)
        if self._own is None:
            self._own = _by_value(self.principals)
        own = {values: bits_of(having, size) for values, having in self._own.get(key, {}).items()}
        owners = absent = 0
        for bits in own.values():
            owners |= bits
        fixed: dict[tuple[str, ...], list[int]] = {}
        for place in range(size if key in FIXED_KEYS else 0):
            fixed.setdefault(self.fixed_keys(place)[key], []).append(place)
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
            made = with_value(facts.own, ABSENT, rest & facts.absent)
            rest &= ~facts.absent
            for values, bits in facts.fixed.items():
                _add(made, values, rest & bits)
            _add(made, KeyState.UNKNOWN if discover else ABSENT, rest & ~facts.fixers)
            if len(self._values) >= _MOST_KEYS:
                self._values.clear()
            found = self._values[key, discover] = made
        return found

    def caller(self, place: int, *, discover: bool) -> Caller:
        """A principal as principal elements see it."""
        one = self.principals[place]
        facts = caller_facts(one.principal, lasting=True)
        return facts.caller(session_may_vary=discover, has_boundary=bool(one.boundaries))

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
        """Whom entries name one by one."""
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
        """Who has which value of a key that stands in a text, and one of the other values."""
        found = self._standing.get((key, text, discover))
        if found is None:
            if len(self._standing) >= _MOST_TEXTS:
                self._standing.clear()
            found = self._standing[key, text, discover] = standing_in(self.values_of(key, discover=discover), text)
        return found

    def keep_said(self, key: object, said: object) -> None:
        """Keep what a layer says in `said`, by what it follows from."""
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
