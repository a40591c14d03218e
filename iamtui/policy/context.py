"""The context of a request: condition keys, what is known of their values, and three-valued truth over the rest.

A truth is True, False, or a formula over what is not known (Kleene logic). False wins in AND, true in OR; negation is
pushed to the leaves, so that every leaf can be read as a condition that has to hold, or has not to hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Final, Protocol, TypeAlias

from msgspec import Struct


class KeyState(Enum):
    """Partial knowledge of a key without a known value."""

    __hash__ = object.__hash__  # that of Enum is a call, for each of hundreds of thousands of keys

    UNKNOWN = "unknown"
    """It may be absent or have any value."""
    PRESENT = "present"
    """It is there, with an unknown value."""


class AtLeast(tuple[str, ...]):
    """Values of a key that may have others besides, and so never equal the same values alone."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return type(other) is AtLeast and tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((AtLeast, *self))


class OneOf(Struct, frozen=True):
    """Values of which a key has one; () among them: it may be absent."""

    values: tuple[tuple[str, ...], ...]

    @property
    def words(self) -> str:
        return "it is " + " or ".join(", ".join(one) or "absent" for one in self.values)


class Moment(Struct, frozen=True):
    """A second, since the epoch, that is not before one and not after another."""

    first: int
    last: int

    @property
    def values(self) -> tuple[tuple[str, ...], ...]:
        """The first and the last."""
        return tuple((f"{datetime.fromtimestamp(one, UTC).isoformat()[:19]}Z",) for one in (self.first, self.last))

    @property
    def words(self) -> str:
        (first,), (last,) = self.values
        return f"it is from {first} to {last}"


class Beginning(Struct, frozen=True):
    """A text that begins with another, and goes on with at least two characters, as the id of a role's session."""

    text: str

    @property
    def values(self) -> tuple[tuple[str, ...], ...]:
        """One of them."""
        return ((f"{self.text}--",),)

    @property
    def words(self) -> str:
        return f"it begins with {self.text}"


KnownInPart: TypeAlias = OneOf | Moment | Beginning
KeyValue: TypeAlias = tuple[str, ...] | KeyState | KnownInPart
"""The values of a key; () is absent."""

KeyValues: TypeAlias = Mapping[str, KeyValue]
"""Values by lower-case key; () is known to be absent."""


def known_values(keys: KeyValues) -> dict[str, tuple[str, ...]]:
    """The keys whose values, or whose absence, are known."""
    return {key: values for key, values in keys.items() if isinstance(values, tuple)}


ABSENT: Final[tuple[str, ...]] = ()


def as_read(value: KeyValue, *, discover: bool) -> KeyValue:
    """Value of a key as it is read: absent if nobody gave it and it may be so, except in discover mode."""
    return ABSENT if not discover and _may_be_absent(value) else value


def _may_be_absent(value: KeyValue) -> bool:
    return value is KeyState.UNKNOWN or (isinstance(value, OneOf) and ABSENT in value.values)


_NO_VALUES: Final[KeyValues] = {}


class KeyNames:
    """Names of keys in any letter case, with `*` for any text.

    Args:
        exact: those without a star, in lower case.
        families: the beginnings of those that only end with one, as `aws:PrincipalTag/*`.
        pattern: all others.
    """

    __slots__ = ("exact", "families", "pattern")

    def __init__(self, names: Iterable[str]) -> None:
        lowered = [name.lower() for name in names]
        self.exact = frozenset(name for name in lowered if "*" not in name)
        self.families = tuple(name[:-1] for name in lowered if name.find("*") == len(name) - 1 >= 0)
        others = [name.split("*") for name in lowered if 0 <= name.find("*") < len(name) - 1]
        self.pattern = re.compile("|".join(".*".join(map(re.escape, parts)) for parts in others)) if others else None

    def __contains__(self, key: str) -> bool:
        """True if a key, in lower case, equals one of the names or matches its star."""
        return (
            key in self.exact
            or key.startswith(self.families)
            or (self.pattern is not None and self.pattern.fullmatch(key) is not None)
        )


_key_names = lru_cache(maxsize=4096)(KeyNames)


@lru_cache(maxsize=1024)
def _lower_names(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


class ToldContext(Protocol):
    """Condition keys of a request, in the shape that CommonContext takes."""

    @property
    def context(self) -> Mapping[str, tuple[str, ...]]: ...
    @property
    def derived(self) -> tuple[KeyValues, ...]: ...
    @property
    def any_value(self) -> tuple[str, ...]: ...
    @property
    def known_absent(self) -> tuple[str, ...]: ...


class CommonContext:
    """Part of the context that many requests share, whoever makes them.

    Args:
        given: values the user gave, by lower-case name; an empty tuple is a known absence.
        given_absent: the names with a star among those, or None.
        derived: what follows from account and environment.
        any_value: lower-case names of keys that are present with an unknown value.
        absent: the keys that are known to be absent.
        discover: whether all other keys are unknown (else absent).
    """

    __slots__ = ("absent", "any_value", "derived", "discover", "given", "given_absent")

    def __init__(
        self,
        given: Mapping[str, tuple[str, ...]],
        *,
        derived: tuple[KeyValues, ...] = (),
        any_value: tuple[str, ...] = (),
        known_absent: tuple[str, ...] = (),
        discover: bool = False,
    ) -> None:
        """Take what is known.

        Args:
            given: names in any letter case.
            derived: strongest first, by lower-case name.
            any_value, known_absent: names in any letter case; a `*` in those of absent keys stands for any text.
        """
        self.given: Mapping[str, tuple[str, ...]] = {name.lower(): values for name, values in given.items()}
        starred = tuple(name for name, values in self.given.items() if not values and "*" in name)
        self.given_absent = _key_names(starred) if starred else None
        self.derived = derived[0] if len(derived) == 1 else _merged(derived)
        self.any_value = _lower_names(any_value) if any_value else _NONE
        self.absent = _key_names(known_absent)
        self.discover = discover

    @classmethod
    def of(cls, request: ToldContext, *, discover: bool) -> CommonContext:
        """The context of a request, without what follows from the caller alone."""
        return cls(
            request.context,
            derived=request.derived,
            any_value=request.any_value,
            known_absent=request.known_absent,
            discover=discover,
        )


_NONE: Final[frozenset[str]] = frozenset()


def _merged(strongest_first: tuple[KeyValues, ...]) -> KeyValues:
    merged: dict[str, KeyValue] = {}
    for values in reversed(strongest_first):
        merged.update(values)
    return merged


class RequestContext:
    """Looks up condition keys without regard to letter case (IAM User Guide: Condition element).

    Args:
        common: what other requests have in common with this one.
        own: what is known of the caller besides, by lower-case name; what is given goes before it.
        fixed: what follows from the caller alone, unless something else says otherwise.
    """

    __slots__ = ("_common", "_fixed", "_own")

    def __init__(self, common: CommonContext, *, own: KeyValues = _NO_VALUES, fixed: KeyValues = _NO_VALUES) -> None:
        self._common = common
        self._own = own
        self._fixed = fixed

    def lookup(self, key: str) -> KeyValue:
        """The value or KeyState of a key in lower case."""
        common = self._common
        if common.given:
            given = common.given.get(key)
            if given is not None:
                return given
            if common.given_absent is not None and key in common.given_absent:
                return ABSENT
        found = self._own.get(key)
        if found is None:
            found = common.derived.get(key)
        if found is not None:
            return found if type(found) is tuple else as_read(found, discover=common.discover)
        if common.any_value and key in common.any_value:
            return KeyState.PRESENT
        absent = common.absent
        # As `in` has it, spelled out because this is asked for every key that nobody gave.
        if key in absent.exact or key.startswith(absent.families) or (absent.pattern is not None and key in absent):
            return ABSENT
        found = self._fixed.get(key)
        if found is not None:
            return found
        return KeyState.UNKNOWN if common.discover else ABSENT

    def nobody_said(self, key: str) -> bool:
        """True if neither a value nor an absence was given or derived for a lower-case key."""
        common = self._common
        if common.given_absent is not None and key in common.given_absent:
            return False
        derived = self._own.get(key, common.derived.get(key))
        if derived is not None and key not in common.given:
            return _may_be_absent(derived)
        return not any(key in keys for keys in (common.given, common.any_value, common.absent, self._fixed))


# Three-valued truth.


class Source(Struct, frozen=True):
    """Where a leaf comes from: layer, policy name or ARN, statement index, effect."""

    layer: str
    policy: str
    statement: int
    effect: str


class ConditionLeaf(Struct, frozen=True, cache_hash=True):
    """A condition line, or a Resource entry with a variable, that is undetermined.

    Args:
        op: condition operator, or "Resource"/"NotResource".
        key: condition key; for a resource leaf the variable's key, or "" where it takes too long to find out whether
            any resource of a set is allowed, or to put in all variables.
        values: policy values; for a resource leaf the entries.
        holds: False when it must not hold (it comes from a Deny).
        literal: whether `${...}` in the values is plain text (a document of version 2008-10-17).
        whole: for a resource leaf of a question about a set: whether an entry must cover all of the set, which is
            another condition than sharing a resource with it.
        unknown_operator: whether AWS has no such operator, so that no value of the key settles it.
    """

    op: str
    key: str
    values: tuple[str, ...]
    holds: bool = True
    literal: bool = False
    source: Source | None = None
    whole: bool = False
    unknown_operator: bool = False

    @property
    def of_resource(self) -> bool:
        """True for a Resource or NotResource entry, False for a condition line."""
        return self.op in ("Resource", "NotResource") and not self.unknown_operator


class SessionLeaf(Struct, frozen=True):
    """The session name of a caller given as a role ARN must be, or must not be, this one."""

    name: str
    holds: bool = True
    source: Source | None = None


class MissingLeaf(Struct, frozen=True):
    """Effect of an unknown document: it allows the request (effect Allow), or denies it (Deny).

    With the effect Apart: that AWS does not ask for several resources in one call, of which its documentation is open.

    Args:
        permission: the IAM action that would let it be read, or "".
        unreadable: whether it is there and cannot be understood; else it was not loaded.
    """

    document: str
    permission: str
    holds: bool = True
    effect: str = "Allow"
    source: Source | None = None
    unreadable: bool = False


Leaf: TypeAlias = ConditionLeaf | SessionLeaf | MissingLeaf


class And(Struct, frozen=True, cache_hash=True):
    """All parts must hold; at least two, none constant, none an And, no duplicates."""

    parts: tuple[Or | Leaf, ...]


class Or(Struct, frozen=True, cache_hash=True):
    """One part must hold; at least two, none constant, none an Or, no duplicates."""

    parts: tuple[And | Leaf, ...]


Node: TypeAlias = And | Or | Leaf
Truth: TypeAlias = bool | And | Or | ConditionLeaf | SessionLeaf | MissingLeaf


def all_of(truths: Iterable[Truth]) -> Truth:
    """Kleene AND of any number of truths; True when there are none."""
    found: list[Node] = []
    for truth in truths:
        if not isinstance(truth, bool):
            found.append(truth)
        elif not truth:
            return False
    if len(found) < 2:
        return found[0] if found else True
    parts: dict[Node, None] = {}
    for node in found:
        if isinstance(node, And):
            parts.update(dict.fromkeys(node.parts))
        else:
            parts[node] = None
    kept = _absorb(tuple(parts), Or)
    if _contradict(kept):
        return False
    return kept[0] if len(kept) == 1 else And(kept)  # type: ignore[arg-type]


def any_of(truths: Iterable[Truth]) -> Truth:
    """Kleene OR of any number of truths; False when there are none."""
    found: list[Node] = []
    for truth in truths:
        if not isinstance(truth, bool):
            found.append(truth)
        elif truth:
            return True
    if len(found) < 2:
        return found[0] if found else False
    parts: dict[Node, None] = {}
    for node in found:
        if isinstance(node, Or):
            parts.update(dict.fromkeys(node.parts))
        else:
            parts[node] = None
    kept = _absorb(tuple(parts), And)
    if _contradict(kept):
        return True
    return kept[0] if len(kept) == 1 else Or(kept)  # type: ignore[arg-type]


def negate(truth: Truth) -> Truth:
    """Kleene NOT, pushed to the leaves."""
    if isinstance(truth, bool):
        return not truth
    if isinstance(truth, (And, Or)):
        negated = tuple(map(negate, truth.parts))
        if _of_leaves(truth):
            # Leaves that are different, and none the opposite of another, stay so.
            return Or(negated) if isinstance(truth, And) else And(negated)  # type: ignore[arg-type]
        return any_of(negated) if isinstance(truth, And) else all_of(negated)
    return _changed(truth, not truth.holds, truth.source)


def with_source(truth: Truth, source: Source) -> Truth:
    """The same truth with `source` on every leaf that has none."""
    if isinstance(truth, bool):
        return truth
    if isinstance(truth, (And, Or)):
        parts = (with_source(part, source) for part in truth.parts)
        if _of_leaves(truth):
            return type(truth)(tuple(parts))  # type: ignore[arg-type]
        return all_of(parts) if isinstance(truth, And) else any_of(parts)
    return truth if truth.source is not None else _changed(truth, truth.holds, source)


def _of_leaves(node: And | Or) -> bool:
    """True if no part of the node is a formula."""
    return not any(isinstance(part, (And, Or)) for part in node.parts)


def _changed(leaf: Leaf, holds: bool, source: Source | None) -> Leaf:
    """A copy of a leaf; spelled out because this is done for every undetermined statement."""
    if isinstance(leaf, ConditionLeaf):
        return ConditionLeaf(
            leaf.op, leaf.key, leaf.values, holds, leaf.literal, source, leaf.whole, leaf.unknown_operator
        )
    if isinstance(leaf, SessionLeaf):
        return SessionLeaf(leaf.name, holds, source)
    return MissingLeaf(leaf.document, leaf.permission, holds, leaf.effect, source, leaf.unreadable)


def leaves(truth: Truth) -> list[Leaf]:
    """The leaves of a truth from left to right; none for a constant."""
    if isinstance(truth, bool):
        return []
    if isinstance(truth, (And, Or)):
        return [leaf for part in truth.parts for leaf in leaves(part)]
    return [truth]


def _identity(node: Node) -> object:
    """Key that is equal for two leaves of the same condition, from any statement; faster to hash than a leaf."""
    if isinstance(node, ConditionLeaf):
        return (node.op, node.key, node.values, node.holds, node.literal, node.whole, node.unknown_operator)
    return node if isinstance(node, (And, Or)) or node.source is None else _changed(node, node.holds, None)


def meaning(node: Node) -> object:
    """Key that is equal for two formulas of the same condition, from any statements and in any order."""
    return (type(node), frozenset(map(meaning, node.parts))) if isinstance(node, (And, Or)) else _identity(node)


def _absorb(parts: tuple[Node, ...], inner: type[And] | type[Or]) -> tuple[Node, ...]:
    """Drop repeated leaves, and drop inner nodes that a leaf beside them makes redundant (a AND (a OR b) is a)."""
    if len(parts) == 1:
        return parts
    kept: dict[object, Node] = {}
    for part in parts:
        kept.setdefault(_identity(part), part)
    return tuple(
        part
        for part in kept.values()
        if not (isinstance(part, inner) and any(_identity(sub) in kept for sub in part.parts))
    )


def _contradict(parts: tuple[Node, ...]) -> bool:
    """True if the parts contain a leaf and its negation."""
    if len(parts) < 2:
        return False
    held: list[Leaf] = []
    others: list[Leaf] = []
    for part in parts:
        if not isinstance(part, (And, Or)):
            (held if part.holds else others).append(part)
    if not held or not others:
        return False
    identities = {_identity(leaf) for leaf in held}
    return any(_identity(_changed(leaf, True, leaf.source)) in identities for leaf in others)
