"""Intersection of patterns: which of a set's resources an entry is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from iamtui.policy.patterns import STARS, WITHOUT, Token, Wild

_MOST_PATTERNS: Final = 32
_MOST_STEPS: Final = 20_000

_ONES: Final = {without: wild for wild, without in WITHOUT.items() if wild not in STARS}
_STARS: Final = {without: wild for wild, without in WITHOUT.items() if wild in STARS}

_State = tuple[int, int]
_Edge = tuple[Token | None, _State]
_Link = tuple["_Link | None", Token]


def first_common(one: Sequence[Token], other: Sequence[Token]) -> tuple[Token, ...] | None:
    """A pattern for some of the texts that two patterns match, whose stars stand for as little as can be; or None."""
    end = (len(one), len(other))
    seen: set[_State] = {(0, 0)}
    waiting: list[tuple[_State, _Link | None]] = [((0, 0), None)]
    while waiting:
        state, path = waiting.pop()
        if state == end:
            return _unlinked(path)
        for token, reached in reversed(list(_edges(one, other, state))):
            if reached not in seen:
                seen.add(reached)
                waiting.append((reached, path if token is None else (path, token)))
    return None


def in_common(one: Sequence[Token], other: Sequence[Token]) -> tuple[tuple[Token, ...], ...] | None:
    """Patterns of which one or more match what both patterns match; None where it takes too many."""
    if len(one) == 1 and one[0] is Wild.STAR:
        return (tuple(other),)
    useful = _leading_to_the_end(one, other)
    if useful is None:
        return None
    end = (len(one), len(other))
    found: dict[tuple[Token, ...], None] = {}
    waiting: list[tuple[_State, _Link | None]] = [((0, 0), None)] if (0, 0) in useful else []
    for _ in range(_MOST_STEPS):
        if not waiting:
            return tuple(found)
        state, path = waiting.pop()
        if state == end:
            found[_unlinked(path)] = None
            if len(found) > _MOST_PATTERNS:
                return None
        for token, reached in _edges(one, other, state):
            if reached in useful:
                waiting.append((reached, path if token is None else (path, token)))
    return None


def _edges(one: Sequence[Token], other: Sequence[Token], state: _State) -> Iterator[_Edge]:
    """What both patterns may go on with: a token that both match, or the end of a star; the latter first."""
    i, j = state
    a = one[i] if i < len(one) else None
    b = other[j] if j < len(other) else None
    a_star, b_star = a in STARS, b in STARS
    if a_star and b_star:
        token = _STARS[_joined(a, b)]
        yield token, (i + 1, j)
        yield token, (i, j + 1)
        return
    if a_star:
        yield None, (i + 1, j)
    if b_star:
        yield None, (i, j + 1)
    if a is None or b is None:
        return
    token_of_both = _of_both(a, b)
    if token_of_both is not None:
        yield token_of_both, (i if a_star else i + 1, j if b_star else j + 1)


def _of_both(a: Token, b: Token) -> Token | None:
    """One character that both tokens match, of which at most one is a star."""
    if isinstance(a, str):
        return a if a == b or (isinstance(b, Wild) and a not in WITHOUT[b]) else None
    if isinstance(b, str):
        return b if b not in WITHOUT[a] else None
    return _ONES[_joined(a, b)]


def _joined(a: Token | None, b: Token | None) -> str:
    without = {separator for token in (a, b) if isinstance(token, Wild) for separator in WITHOUT[token]}
    return "".join(sorted(without, reverse=True))


def _leading_to_the_end(one: Sequence[Token], other: Sequence[Token]) -> set[_State] | None:
    """The states from which both patterns can be matched to their ends; None where there are too many to look at."""
    before: dict[_State, list[_State]] = {(0, 0): []}
    waiting: list[_State] = [(0, 0)]
    while waiting:
        if len(before) > _MOST_STEPS:
            return None
        state = waiting.pop()
        for _, reached in _edges(one, other, state):
            if reached not in before:
                before[reached] = []
                waiting.append(reached)
            before[reached].append(state)
    end = (len(one), len(other))
    useful: set[_State] = set()
    waiting = [end] if end in before else []
    while waiting:
        state = waiting.pop()
        if state not in useful:
            useful.add(state)
            waiting.extend(before[state])
    return useful


def _unlinked(path: _Link | None) -> tuple[Token, ...]:
    tokens: list[Token] = []
    while path is not None:
        path, token = path
        # One star more stands for nothing that its neighbour does not.
        if not (token in STARS and tokens and tokens[-1] == token):
            tokens.append(token)
    return tuple(reversed(tokens))
