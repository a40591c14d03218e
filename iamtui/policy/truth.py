"""Three-valued logic: a truth is True, False, or a formula over what is not known (Kleene).

False wins in AND, true in OR; negation is pushed to the leaves, so that every leaf can be read as a
condition that has to hold, or has not to hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Source:
    """Where a leaf comes from: layer, policy name or ARN, statement index, effect."""

    layer: str
    policy: str
    statement: int
    effect: str


@dataclass(frozen=True, slots=True)
class ConditionLeaf:
    """A condition line, or a Resource entry with a variable, that is undetermined.

    Args:
        op: condition operator, or "Resource"/"NotResource".
        key: condition key; for a resource leaf the variable's key, or "" for the question whether any resource of a set
            is allowed, where that takes too long to find out.
        values: policy values; for a resource leaf the entries.
        holds: False when it must not hold (it comes from a Deny).
        literal: whether `${...}` in the values is plain text (a document of version 2008-10-17).
        whole: for a resource leaf of a question about a set: whether an entry must cover all of the set, which is
            another condition than sharing a resource with it.
    """

    op: str
    key: str
    values: tuple[str, ...]
    holds: bool = True
    literal: bool = False
    source: Source | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class SessionLeaf:
    """The session name of a caller given as a role ARN must be, or must not be, this one."""

    name: str
    holds: bool = True
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class MissingLeaf:
    """What a document that is not known does: it allows the request (effect Allow), or denies it (Deny).

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


@dataclass(frozen=True, slots=True)
class And:
    """All parts must hold; at least two, none constant, none an And, no duplicates."""

    parts: tuple[Or | Leaf, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One part must hold; at least two, none constant, none an Or, no duplicates."""

    parts: tuple[And | Leaf, ...]


Node: TypeAlias = And | Or | Leaf
Truth: TypeAlias = bool | And | Or | ConditionLeaf | SessionLeaf | MissingLeaf


def all_of(truths: Iterable[Truth]) -> Truth:
    """Kleene AND of any number of truths; True when there are none."""
    parts: dict[Node, None] = {}
    for truth in truths:
        if isinstance(truth, bool):
            if truth:
                continue
            return False
        if isinstance(truth, And):
            parts.update(dict.fromkeys(truth.parts))
        else:
            parts[truth] = None
    if not parts:
        return True
    kept = _absorb(tuple(parts), Or)
    if _contradict(kept):
        return False
    return kept[0] if len(kept) == 1 else And(kept)  # type: ignore[arg-type]


def any_of(truths: Iterable[Truth]) -> Truth:
    """Kleene OR of any number of truths; False when there are none."""
    parts: dict[Node, None] = {}
    for truth in truths:
        if isinstance(truth, bool):
            if truth:
                return True
            continue
        if isinstance(truth, Or):
            parts.update(dict.fromkeys(truth.parts))
        else:
            parts[truth] = None
    if not parts:
        return False
    kept = _absorb(tuple(parts), And)
    if _contradict(kept):
        return True
    return kept[0] if len(kept) == 1 else Or(kept)  # type: ignore[arg-type]


def negate(truth: Truth) -> Truth:
    """Kleene NOT, pushed to the leaves."""
    if isinstance(truth, bool):
        return not truth
    if isinstance(truth, And):
        return any_of(negate(part) for part in truth.parts)
    if isinstance(truth, Or):
        return all_of(negate(part) for part in truth.parts)
    return _changed(truth, not truth.holds, truth.source)


def with_source(truth: Truth, source: Source) -> Truth:
    """The same truth with `source` on every leaf that has none."""
    if isinstance(truth, bool):
        return truth
    if isinstance(truth, And):
        return all_of(with_source(part, source) for part in truth.parts)
    if isinstance(truth, Or):
        return any_of(with_source(part, source) for part in truth.parts)
    return truth if truth.source is not None else _changed(truth, truth.holds, source)


def _changed(leaf: Leaf, holds: bool, source: Source | None) -> Leaf:
    """A copy of a leaf; spelled out because this is done for every undetermined statement."""
    if isinstance(leaf, ConditionLeaf):
        return ConditionLeaf(leaf.op, leaf.key, leaf.values, holds, leaf.literal, source, leaf.whole)
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
    """What makes two leaves the same condition, wherever they come from; hashed faster than the leaf itself."""
    if isinstance(node, ConditionLeaf):
        return (node.op, node.key, node.values, node.holds, node.literal, node.whole)
    return node if isinstance(node, (And, Or)) or node.source is None else _changed(node, node.holds, None)


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
    """Whether a leaf stands beside its own negation."""
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
