"""What two patterns have in common, held against texts."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from iamtui.engine.policy_holders import places
from iamtui.policy.pattern_overlap import first_common, in_common
from iamtui.policy.patterns import STARS, WITHOUT, Glob, Machine, Token, Wild, request_tokens

TEXTS = ["".join(letters) for length in range(5) for letters in itertools.product("ab:/", repeat=length)]
ANY = (Wild.ONE, Wild.STAR, Wild.NAME_ONE, Wild.NAME_STAR)


def patterns(*wilds: Wild) -> st.SearchStrategy[tuple[Token, ...]]:
    return st.lists(st.sampled_from(["a", "b", ":", "/", *ANY, *wilds]), max_size=5).map(tuple)


# FIELD and PART kinds are never beside each other: names of one service leave out the same separators.
PAIRS = st.one_of(
    st.tuples(patterns(*wilds), patterns(*wilds))
    for wilds in ((Wild.FIELD_ONE, Wild.FIELD_STAR), (Wild.PART_ONE, Wild.PART_STAR))
)


def matches(tokens: tuple[Token, ...], text: str) -> bool:
    """By trying every way, one token after the other."""
    if not tokens:
        return not text
    token, rest = tokens[0], tokens[1:]
    if isinstance(token, str):
        return text[:1] == token and matches(rest, text[1:])
    fits = bool(text) and text[0] not in WITHOUT[token]
    if token in STARS:
        return matches(rest, text) or (fits and matches(tokens, text[1:]))
    return fits and matches(rest, text[1:])


@settings(deadline=None)
@given(PAIRS)
def test_patterns_in_common_match_what_both_match(pair: tuple[tuple[Token, ...], tuple[Token, ...]]) -> None:
    one, other = pair
    both = {text for text in TEXTS if matches(one, text) and matches(other, text)}
    found = in_common(one, other)
    # A few pairs of many stars would take too many patterns.
    assume(found is not None)
    assert found is not None
    globs = [Glob(tokens) for tokens in found]
    assert {text for text in TEXTS if any(glob.matches(text) for glob in globs)} == both
    first = first_common(one, other)
    assert (first is None) is (not found)
    if first is not None:
        common = Glob(first)
        assert {text for text in TEXTS if common.matches(text)} <= both


@settings(deadline=None)
@given(PAIRS)
@example((("a", "a", Wild.STAR, Wild.NAME_STAR, Wild.FIELD_STAR), (Wild.FIELD_STAR, "a", Wild.STAR, "a", Wild.STAR)))
def test_sharing_and_covering_with_all_kinds_of_wildcards(pair: tuple[tuple[Token, ...], tuple[Token, ...]]) -> None:
    one, other = pair
    own = {text for text in TEXTS if matches(one, text)}
    asked = {text for text in TEXTS if matches(other, text)}
    glob = Glob(one)
    assert {text for text in TEXTS if glob.matches(text)} == own
    assert glob.shares(other) is (first_common(one, other) is not None)
    if own & asked:
        assert glob.shares(other)
    if glob.covers(other):
        assert asked <= own


@settings(deadline=None)
@given(st.lists(patterns(Wild.FIELD_ONE, Wild.FIELD_STAR), max_size=4), patterns(Wild.FIELD_ONE, Wild.FIELD_STAR))
def test_patterns_that_are_read_at_once_share_what_each_does(
    several: list[tuple[Token, ...]], asked: tuple[Token, ...]
) -> None:
    machine = Machine(*several)
    met = machine.read(asked, machine.first, machine.run_by_some, machine.step_by_some)
    finals = [1 << place for place in places(machine.final)]
    assert [bool(met & final) for final in finals] == [Glob(tokens).shares(asked) for tokens in several]


@pytest.mark.parametrize(
    ("entry", "asked", "covers"),
    [
        ((Wild.STAR, Wild.ONE), (Wild.ONE, Wild.STAR), True),
        ((Wild.ONE, Wild.ONE, Wild.STAR), (Wild.ONE, Wild.STAR), False),
        ((Wild.STAR,), (Wild.NAME_ONE, Wild.NAME_STAR), True),
        ((Wild.FIELD_STAR,), (Wild.PART_STAR,), False),
        ((Wild.FIELD_STAR,), (Wild.NAME_STAR,), True),
        (("a", Wild.STAR), ("a", Wild.STAR, "a"), True),
    ],
)
def test_covering(entry: tuple[Token, ...], asked: tuple[Token, ...], covers: bool) -> None:
    assert Glob(entry).covers(asked) is covers


def test_patterns_that_overlap_in_too_many_ways_are_left_alone() -> None:
    assert in_common(request_tokens("*" + "a*" * 30), (Wild.STAR, *"a" * 30, Wild.STAR)) is None
    assert first_common(request_tokens("*" + "a*" * 30), (Wild.STAR, *"a" * 30, Wild.STAR)) is not None
