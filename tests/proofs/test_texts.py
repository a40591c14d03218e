"""Texts that speak for all: held against every short text."""

from __future__ import annotations

import itertools
import random

import pytest

from iamtui.policy.patterns import Glob, Token, parse_pieces, tokens_of
from iamtui.proofs.texts import ANY_OTHER, Bounds, GroupKind, PatternGroup, Unproved, representative_strings

LETTERS = "ab:c"
SHORT = ["".join(letters) for size in range(5) for letters in itertools.product(LETTERS, repeat=size)]


def pattern(text: str) -> tuple[Token, ...]:
    return tokens_of(parse_pieces(text, variables=False))


def random_groups(chance: random.Random) -> list[PatternGroup]:
    def some() -> tuple[tuple[Token, ...], ...]:
        return tuple(
            pattern("".join(chance.choice("ab:*?*") for _ in range(chance.randint(0, 4))))
            for _ in range(chance.randint(1, 3))
        )

    kinds = [chance.choice(list(GroupKind)) for _ in range(chance.randint(1, 4))]
    return [PatternGroup(GroupKind.MUST, (pattern("*"),)), *(PatternGroup(kind, some()) for kind in kinds)]


def matched(groups: list[PatternGroup], text: str) -> list[bool]:
    return [any(Glob(tokens).matches(text) for tokens in group.patterns) for group in groups]


def speaks_for(groups: list[PatternGroup], one: list[bool], other: list[bool]) -> bool:
    """Whether a text that is matched as `one` says speaks for one that is matched as the other."""
    for group, a, b in zip(groups, one, other, strict=True):
        if (group.kind is GroupKind.TELLS and a is not b) or (group.kind is GroupKind.HELPS and b and not a):
            return False
        if group.kind is GroupKind.HURTS and a and not b:
            return False
    return True


@pytest.mark.parametrize("seed", range(40))
def test_every_short_text_has_one_no_longer_that_speaks_for_it(seed: int) -> None:
    groups = random_groups(random.Random(seed))
    found = list(representative_strings(groups, Bounds()))
    for text, by in found:
        assert list(by) == matched(groups, text.replace(ANY_OTHER, "c"))
    for text in SHORT:
        how = matched(groups, text)
        of_interest = all(
            holds if group.kind is GroupKind.MUST else not holds
            for group, holds in zip(groups, how, strict=True)
            if group.kind in (GroupKind.MUST, GroupKind.NEVER)
        )
        if of_interest:
            assert any(len(one) <= len(text) and speaks_for(groups, list(by), how) for one, by in found), text


def test_the_shortest_text_comes_first() -> None:
    groups = [PatternGroup(GroupKind.MUST, (pattern("a*b"),)), PatternGroup(GroupKind.MUST, (pattern("*c*"),))]
    assert next(iter(representative_strings(groups, Bounds())))[0] == "acb"


def test_nothing_is_found_where_no_text_matches() -> None:
    groups = [PatternGroup(GroupKind.MUST, (pattern("a*"),)), PatternGroup(GroupKind.NEVER, (pattern("*"),))]
    assert list(representative_strings(groups, Bounds())) == []


def test_many_denies_with_two_stars_are_pruned() -> None:
    """36 patterns with two stars each have 2^36 combinations, of which one says least."""
    denies = tuple(pattern(f"*x{n:02}*y{n:02}*") for n in range(36))
    groups = [PatternGroup(GroupKind.MUST, (pattern("*"),))]
    groups += [PatternGroup(GroupKind.HURTS, (one,)) for one in denies]
    assert [text for text, _ in representative_strings(groups, Bounds())] == [""]


def test_too_many_states_are_said_to_be_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iamtui.proofs.texts.MOST_STATES", 100)
    groups = [PatternGroup(GroupKind.MUST, (pattern("*"),))]
    groups += [PatternGroup(GroupKind.TELLS, (pattern(f"*{n}{n + 1}*"),)) for n in range(8)]
    with pytest.raises(Unproved, match="more than 100 states"):
        list(representative_strings(groups, Bounds()))


def test_a_character_that_stands_for_others_may_not_be_in_a_pattern() -> None:
    with pytest.raises(Unproved, match="private use"):
        list(representative_strings([PatternGroup(GroupKind.MUST, ((ANY_OTHER,),))], Bounds()))
