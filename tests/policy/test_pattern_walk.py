"""Texts for each combination of patterns, found by walking through all patterns at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamtui.policy.pattern_overlap import MOST_TEXTS, PatternTest, texts_apart
from iamtui.policy.patterns import Glob, Token, arn_tokens, parse_pieces, tokens_of

FRONT = "arn:aws:s3:::"


def tokens(pattern: str) -> tuple[Token, ...]:
    return arn_tokens(tokens_of(parse_pieces(pattern, variables=False)))


def one(*patterns: str, **more: Any) -> PatternTest:
    return PatternTest(tuple(map(tokens, patterns)), **more)


def matched(texts: Iterable[str], tests: tuple[PatternTest, ...]) -> list[tuple[bool, ...]]:
    """Which tests hold for each text, by the matcher that decides about single resources."""
    globs = [(list(map(Glob, test.patterns)), test.negated) for test in tests]
    return [tuple(any(glob.matches(text) for glob in each) is not negated for each, negated in globs) for text in texts]


PATTERNS = st.text(alphabet="aab:?*", max_size=5)
TESTS = st.builds(
    lambda patterns, negated, must: one(*patterns, negated=negated, must=must),
    st.lists(PATTERNS, max_size=3),
    st.booleans(),
    st.sampled_from((None, None, True, False)),
)
SHORT = ["".join(text) for length in range(5) for text in itertools.product("ab:x", repeat=length)]


@given(st.lists(TESTS, min_size=1, max_size=4).map(tuple))
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_every_combination_that_a_short_text_shows_is_found(tests: tuple[PatternTest, ...]) -> None:
    found = texts_apart(tests)
    assert found.complete
    combinations = matched(found.texts, tests)
    assert len(set(combinations)) == len(combinations)
    wanted = {
        combination
        for combination in matched(SHORT, tests)
        if all(test.must in (None, holds) for test, holds in zip(tests, combination, strict=True))
    }
    assert wanted <= set(combinations)
    assert all(
        test.must in (None, holds)
        for combination in combinations
        for test, holds in zip(tests, combination, strict=True)
    )


def test_one_of_those_that_have_to_hold_holds() -> None:
    tests = (one("a*", one_of=True), one("*b", one_of=True), one("?"))
    found = texts_apart(tests)
    assert found.complete
    assert {combination[:2] for combination in matched(found.texts, tests)} == {
        (True, False),
        (False, True),
        (True, True),
    }


def test_a_single_text_that_is_left_is_found() -> None:
    others = (one(f"{FRONT}b?*", must=False), one(f"{FRONT}b*", negated=True, must=False))
    tests = (one(f"{FRONT}*", must=True), *others)
    assert texts_apart(tests).texts == (f"{FRONT}b",)
    assert texts_apart((*tests, one(f"{FRONT}b", must=False))).texts == ()


def test_a_character_that_a_pattern_has_is_not_taken_for_one_that_none_has() -> None:
    odd = "\ue000"
    found = texts_apart((one("*", must=True), one(f"*{odd}*", must=False), one("?", must=True)))
    assert found.complete
    assert odd not in found.texts[0]


@pytest.mark.parametrize("count", [50, 400])
@pytest.mark.parametrize(
    "name", ["bucket-{}/*", "*{}*/x", "a?{}", "{}" + "a*" * 20], ids=["begins", "contains", "one-more", "many-stars"]
)
def test_patterns_that_share_little_take_a_few_steps_for_each_of_their_characters(name: str, count: int) -> None:
    entries = [FRONT + name.format(number * 7919 % 10007) for number in range(count)]
    tests = (one(f"{FRONT}*", must=True), one(*entries, must=False), one(*entries, negated=True, must=False))
    found = texts_apart(tests)
    assert found.texts == ()
    size = sum(map(len, entries))
    assert found.steps <= 20_000 + 8 * size
    if "*{}*" not in name:
        assert found.complete
        assert found.steps <= 4 * size


@pytest.mark.parametrize("stars", [100, 2000])
def test_stars_in_a_row_take_a_few_steps_for_each(stars: int) -> None:
    pattern = FRONT + "a*" * stars
    found = texts_apart((one(f"{FRONT}*", must=True), one(pattern), one(pattern[:-1])))
    assert found.complete
    assert len(found.texts) == 3
    assert found.steps <= 20 * len(pattern)


def test_a_walk_that_would_not_end_in_time_is_given_up() -> None:
    contains = [one(f"{FRONT}*{chr(97 + number)}*") for number in range(20)]
    many = texts_apart((one(f"{FRONT}*", must=True), *contains))
    assert not many.complete
    assert len(many.texts) == MOST_TEXTS
    # To tell which texts have an `a` so far from their end, one would have to remember all of them.
    far = [FRONT + "*a" + "?" * 40, FRONT + "*b" + "?" * 41]
    deep = texts_apart((one(f"{FRONT}*", must=True), one(*far, must=True), one(*far, negated=True, must=True)))
    assert not deep.complete
    assert deep.texts == ()
    assert deep.steps <= 30_000


@pytest.mark.parametrize("stars", [2, 50, 5_000])
def test_stars_in_a_row_within_a_field_are_one(stars: int) -> None:
    many, single = (
        texts_apart((one(f"arn:aws:s3:{'*' * count}a:::x"), one(f"{FRONT}b/*", must=True))) for count in (stars, 1)
    )
    assert many == single
