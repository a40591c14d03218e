"""Kleene logic: the simplified tree means what the plain connectives mean."""

from collections.abc import Callable
from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from iamtui.policy.context import (
    And,
    ConditionLeaf,
    Leaf,
    Node,
    Or,
    Source,
    Truth,
    all_of,
    any_of,
    leaves,
    negate,
    with_source,
)

LEAVES = [ConditionLeaf("Bool", f"k:{name}", ("true",)) for name in "abc"]

Plain = tuple[str, list["Plain"]] | tuple[str, int] | bool
"""A formula before simplification: ("and", parts), ("or", parts), ("not", [part]), ("leaf", index) or a constant."""

plain_formulas = st.recursive(
    st.booleans() | st.integers(0, 2).map(lambda i: ("leaf", i)),
    lambda inner: (
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, max_size=3))
        | st.tuples(st.just("not"), st.lists(inner, min_size=1, max_size=1))
    ),
    max_leaves=10,
)


def simplified(formula: object) -> Truth:
    if isinstance(formula, bool):
        return formula
    kind, body = formula  # type: ignore[misc]
    if kind == "leaf":
        return LEAVES[body]
    parts = [simplified(part) for part in body]
    return all_of(parts) if kind == "and" else any_of(parts) if kind == "or" else negate(parts[0])


def plain_value(formula: object, values: tuple[bool, ...]) -> bool:
    if isinstance(formula, bool):
        return formula
    kind, body = formula  # type: ignore[misc]
    if kind == "leaf":
        return values[body]
    parts = [plain_value(part, values) for part in body]
    return all(parts) if kind == "and" else any(parts) if kind == "or" else not parts[0]


def tree_value(truth: Truth, values: tuple[bool, ...]) -> bool:
    if isinstance(truth, bool):
        return truth
    if isinstance(truth, And):
        return all(tree_value(part, values) for part in truth.parts)
    if isinstance(truth, Or):
        return any(tree_value(part, values) for part in truth.parts)
    assert isinstance(truth, ConditionLeaf)
    index = next(i for i, leaf in enumerate(LEAVES) if leaf.key == truth.key)
    return values[index] is truth.holds


def check_shape(node: Node) -> None:
    if isinstance(node, (And, Or)):
        assert len(node.parts) >= 2
        assert len(set(node.parts)) == len(node.parts)
        for part in node.parts:
            assert not isinstance(part, (bool, type(node)))
            check_shape(part)


@given(plain_formulas)
def test_simplifying_keeps_the_meaning_and_the_shape(formula: object) -> None:
    truth = simplified(formula)
    for values in product((False, True), repeat=3):
        assert tree_value(truth, values) is plain_value(formula, values)
    if not isinstance(truth, bool):
        check_shape(truth)


def test_a_leaf_and_its_opposite_settle_each_other_wherever_they_come_from() -> None:
    here = with_source(LEAVES[0], Source("identity", "p", 0, "Allow"))
    there = with_source(negate(LEAVES[0]), Source("scp", "q", 1, "Deny"))
    assert all_of((here, there)) is False
    assert any_of((here, there)) is True


def test_sources_stay_with_their_leaves() -> None:
    source = Source("identity", "p", 0, "Allow")
    truth = with_source(all_of(LEAVES), source)
    assert [leaf.source for leaf in leaves(truth)] == [source] * 3


def built_again(truth: Truth, leaf_of: Callable[[Leaf], Leaf], *, opposite: bool = False) -> Truth:
    """A formula put together from other leaves, with nothing taken for granted."""
    if isinstance(truth, (And, Or)):
        parts = [built_again(part, leaf_of, opposite=opposite) for part in truth.parts]
        return all_of(parts) if isinstance(truth, And) is not opposite else any_of(parts)
    return truth if isinstance(truth, bool) else leaf_of(truth)


@given(plain_formulas, plain_formulas)
def test_what_is_simplified_already_is_not_simplified_otherwise(one: object, other: object) -> None:
    source = Source("identity", "p", 0, "Allow")
    truth = all_of((with_source(simplified(one), source), simplified(other)))
    assert all_of((truth, True)) == any_of((truth, False)) == truth
    if not isinstance(truth, bool):
        assert negate(truth) == built_again(
            truth, lambda leaf: structs.replace(leaf, holds=not leaf.holds), opposite=True
        )
        other_source = Source("scp", "q", 1, "Deny")
        named = built_again(truth, lambda leaf: structs.replace(leaf, source=leaf.source or other_source))
        assert with_source(truth, other_source) == named
