"""The policies of one layer with the bits of all who have them, found by action and by resource."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain, compress, count
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from iamtui.engine.request import MissingPolicy, NamedPolicy, PolicyInForce
from iamtui.policy.context import CommonContext, RequestContext
from iamtui.policy.document import PolicyDocument
from iamtui.policy.resource import RequestResource, ResourceElements, ResourceKind
from iamtui.policy.statement import ActionName, CompiledPolicy, CompiledStatement, NamePatterns, compile_policy
from iamtui.policy.types import DEFAULT_LANGUAGE_OPTIONS, PolicyType


class Bits(NamedTuple):
    """For whom something holds, and for whom that depends on what is not known; for all others it does not hold."""

    yes: int = 0
    maybe: int = 0


NOBODY: Final = Bits()
_made: Final = tuple.__new__
"""Direct constructor of a NamedTuple, without the function call that its own takes for every statement."""


def both(one: Bits, other: Bits) -> Bits:
    yes = one.yes & other.yes
    return _made(Bits, (yes, (one.yes | one.maybe) & (other.yes | other.maybe) & ~yes))


def either(one: Bits, other: Bits) -> Bits:
    yes = one.yes | other.yes
    return _made(Bits, (yes, (one.maybe | other.maybe) & ~yes))


_MANY_BITS: Final = 64
_ZERO_AND_ONE: Final = bytes.maketrans(b"01", b"\0\1")


def places(bits: int) -> Iterator[int]:
    """The places of the bits that are set."""
    if bits.bit_count() > _MANY_BITS:
        # All at once, for each step of the other way handles as many bytes as there are.
        yield from compress(count(), f"{bits:b}"[::-1].encode().translate(_ZERO_AND_ONE))
        return
    while bits:
        last = bits & -bits
        yield last.bit_length() - 1
        bits ^= last


def bits_of(found: Iterable[int], size: int) -> int:
    """Some places as bits, out of so many: in one step, which is faster than bit by bit where there are thousands."""
    made = bytearray(size + 7 >> 3)
    for place in found:
        made[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(made, "little")


_MOST_ACTIONS: Final = 512
_MOST_RESOURCES: Final = 2048
_MOST_SORTED: Final = 32
_ASKED_ALONE: Final = 2
"""So often statements are tested against a resource before they are sorted by their entries."""
_FEW: Final = 8
"""So many statements are tried one by one."""


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
    """One statement of a held policy, compiled when it is first relevant to a question."""

    __slots__ = ("compiled", "held", "number", "truths")

    compiled: CompiledStatement

    def __init__(self, held: HeldPolicy, number: int) -> None:
        self.held = held
        self.number = number
        self.truths: dict[int, Bits] = {}  # of whom of its holders it holds, by the number of what was said of its keys

    if not TYPE_CHECKING:  # a type checker that saw this would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            """Compile the statement, once; after that it is an attribute like any other, which is found faster."""
            if name != "compiled":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            self.compiled = self.held.compiled.statement(self.number)
            return self.compiled


Varying: TypeAlias = tuple[tuple[HeldStatement, bool], ...]
"""Statements, of each whether its variables tell whether it is about a resource."""


class AboutResource:
    """The statements that may be about an action on a resource: one object for all resources with the same.

    Args:
        keys: the condition keys that they read.
        fixed: those of them that are about the resource whatever their variables stand for; itself where all are.
        others: the other Denies and Allows.
    """

    __slots__ = ("allows", "denies", "fixed", "keys", "others")

    def __init__(self, denies: Varying, allows: Varying, fixed: AboutResource | None) -> None:
        self.denies = denies
        self.allows = allows
        self.keys = frozenset().union(*(statement.compiled.keys for statement, _ in (*denies, *allows)))
        self.fixed = self if fixed is None else fixed
        self.others = tuple(one for one in denies if one[1]), tuple(one for one in allows if one[1])


Change: TypeAlias = tuple[int, tuple[PolicyInForce, ...], tuple[PolicyInForce, ...]]
"""The bit of a principal, and its policies before and after."""


class Holdings:
    """The policies of one layer, or of one level of it, found by service and action."""

    __slots__ = (
        "_about",
        "_about_resource",
        "_added",
        "_below",
        "_by_entry",
        "_by_names",
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
        # Of a service that was asked about: the statements by what they say of it, each with its place among them.
        self._by_names: dict[str, dict[NamePatterns, list[tuple[int, HeldStatement]]]] = {}
        self._of_any_service: list[HeldStatement] = []
        self._about: dict[str, tuple[HeldStatement, ...]] = {}
        self._about_resource: dict[tuple[str, RequestResource], AboutResource] = {}
        self._by_entry: dict[tuple[HeldStatement, ...], _ByEntry] = {}
        self._same_about: dict[tuple[Varying, Varying], AboutResource] = {}
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
            if known[1].holders & holders != holders:
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

    def with_changed(self, changes: Iterable[Change]) -> Holdings:
        """The same policies, of which some principals have others; ready to be given those that they have."""
        lost: dict[int, int] = {}
        touched: set[int] = set()
        incomplete = self.incomplete
        for bit, before, after in changes:
            had, has = (
                {id(policy.document) for policy in each if isinstance(policy, NamedPolicy)} for each in (before, after)
            )
            incomplete &= ~bit
            touched |= had ^ has
            for key in had - has:
                lost[key] = lost.get(key, 0) | bit
        made = self._with_own(touched, lost)
        made.incomplete = incomplete
        return made

    def with_more(self, policies: Sequence[PolicyInForce], holders: int) -> tuple[Holdings, list[HeldPolicy]]:
        """The same policies, of which some principals have these besides; and these."""
        made = self._with_own({id(policy.document) for policy in policies if isinstance(policy, NamedPolicy)}, {})
        return made, made.add(policies, holders)

    def _with_own(self, touched: Set[int], lost: Mapping[int, int]) -> Holdings:
        """The same policies, of which some can be given to others.

        Args:
            touched: the ids of the documents of those.
            lost: who does not have them any more.
        """
        made = Holdings(self._type)
        made.incomplete = self.incomplete
        if self._below is None:
            # One draft above another sorts for itself, so that no chain of them grows.
            made._below = self
        made._policies = dict(self._policies)
        for key in touched & self._policies.keys():
            # What others share is never changed.
            document, held = self._policies[key]
            made._replaced[held] = HeldPolicy(held.compiled, held.holders & ~lost.get(key, 0))
            made._policies[key] = (document, made._replaced[held])
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
        by_names = self._by_names.get(action.service)
        if by_names is None:
            by_names = {}
            for place, statement in enumerate(by_service.get(action.service, ())):
                names = statement.held.compiled.actions[statement.number].names_of(action.service)
                by_names.setdefault(names, []).append((place, statement))
            self._by_names[action.service] = by_names
        hits = [found for names, found in by_names.items() if names.match(action.name)]
        naming = [statement for _, statement in (hits[0] if len(hits) == 1 else sorted(chain.from_iterable(hits)))]
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
        """Compile all statements, one policy at each step, instead of each when it is first relevant."""
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
            found = self._same(*self._found_about(action, resource))
            self._about_resource[key] = found
        return found

    def _same(self, denies: Varying, allows: Varying) -> AboutResource:
        found = self._same_about.get((denies, allows))
        if found is None:
            fixed = None
            if any(varies for _, varies in (*denies, *allows)):
                fixed = self._same(*(tuple(one for one in those if not one[1]) for those in (denies, allows)))
            found = self._same_about[denies, allows] = AboutResource(denies, allows, fixed)
        return found

    def _found_about(self, action: ActionName, resource: RequestResource) -> tuple[Varying, Varying]:
        statements = self.about(action)
        if resource.kind is ResourceKind.NONE or len(statements) < _FEW:
            return _about_resource(statements, resource)
        # Many actions have the same statements about them.
        by_entry = self._by_entry.get(statements)
        if by_entry is None:
            if len(self._by_entry) >= _MOST_SORTED:
                self._by_entry.clear()
            by_entry = self._by_entry[statements] = _ByEntry(statements)
        return by_entry.about(resource)


class _ByEntry:
    """The statements about some actions, by the entries of their resources, once several resources were looked up."""

    __slots__ = ("_asked", "_denies", "_elements", "_statements", "_varying")

    def __init__(self, statements: tuple[HeldStatement, ...]) -> None:
        self._statements = statements
        self._asked = 0
        # The Denies first, of which there are so many.
        self._varying: Varying = ()
        self._denies = 0
        self._elements: ResourceElements | None = None

    def about(self, resource: RequestResource) -> tuple[Varying, Varying]:
        self._asked += 1
        if self._asked <= _ASKED_ALONE:
            return _about_resource(self._statements, resource)
        if self._elements is None:
            ordered = sorted(self._statements, key=lambda one: one.compiled.allows)
            self._varying = tuple((one, _varies(one.compiled)) for one in ordered)
            self._denies = sum(not one.compiled.allows for one in ordered)
            self._elements = ResourceElements(
                (one.compiled.resource, one.compiled.allows, varies) for one, varies in self._varying
            )
        found = self._elements.about(resource)
        allows_from = bisect_left(found, self._denies)
        denies, allows = (map(self._varying.__getitem__, those) for those in (found[:allows_from], found[allows_from:]))
        return tuple(denies), tuple(allows)


_NO_CONTEXT: Final = RequestContext(CommonContext({}))
"""For elements without variables, which look nothing up."""


def _varies(compiled: CompiledStatement) -> bool:
    """True if it takes more than the resource to tell whether a statement covers it."""
    matcher = compiled.resource.matcher
    return not compiled.any_resource and matcher is not None and matcher.is_open


def _about_resource(statements: Iterable[HeldStatement], resource: RequestResource) -> tuple[Varying, Varying]:
    denies: list[tuple[HeldStatement, bool]] = []
    allows: list[tuple[HeldStatement, bool]] = []
    for statement in statements:
        compiled = statement.compiled
        varies = _varies(compiled)
        if (
            compiled.any_resource
            or varies
            or compiled.matches_resource(resource, _NO_CONTEXT, DEFAULT_LANGUAGE_OPTIONS, everywhere=False) is True
        ):
            (allows if compiled.allows else denies).append((statement, varies))
    return tuple(denies), tuple(allows)
