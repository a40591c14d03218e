"""Overlap of patterns: what two have in common, and which combinations some text matches, with one text for each.

All patterns are walked through at once, character by character, as automata are intersected: the patterns are put
together in one tree, in which equal beginnings are one path, and a state is the set of nodes that the text so far
can have reached. Only characters that occur in a pattern lead to different states, so that one character more, which
occurs in none, speaks for all others. Each state is visited once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from iamtui.policy.patterns import STARS, WITHOUT, Token, Wild

_MOST_PATTERNS: Final = 32
_MOST_STEPS: Final = 20_000
_ONES: Final = {without: wild for wild, without in WITHOUT.items() if wild not in STARS}
_STARS: Final = {without: wild for wild, without in WITHOUT.items() if wild in STARS}
_Pair = tuple[int, int]
_Edge = tuple[Token | None, _Pair]
_Back = tuple["_Back | None", Token]


def first_common(one: Sequence[Token], other: Sequence[Token]) -> tuple[Token, ...] | None:
    """Pattern of texts that two patterns share, with as few stars as possible; None if there is none."""
    end = (len(one), len(other))
    seen: set[_Pair] = {(0, 0)}
    waiting: list[tuple[_Pair, _Back | None]] = [((0, 0), None)]
    while waiting:
        (i, j), path = waiting.pop()
        # Where both spell out the same, there is one way on.
        while i < end[0] and j < end[1] and isinstance(one[i], str) and one[i] == other[j]:
            path = (path, one[i])
            i, j = i + 1, j + 1
        if (i, j) == end:
            return _unlinked(path)
        for token, reached in reversed(list(_edges(one, other, (i, j)))):
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
    waiting: list[tuple[_Pair, _Back | None]] = [((0, 0), None)] if (0, 0) in useful else []
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


def _edges(one: Sequence[Token], other: Sequence[Token], state: _Pair) -> Iterator[_Edge]:
    """Next steps that both patterns can take: the end of a star, or a token that both match."""
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


def _leading_to_the_end(one: Sequence[Token], other: Sequence[Token]) -> set[_Pair] | None:
    """The states from which both patterns can be matched to their ends; None where there are too many to look at."""
    before: dict[_Pair, list[_Pair]] = {(0, 0): []}
    waiting: list[_Pair] = [(0, 0)]
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
    useful: set[_Pair] = set()
    waiting = [end] if end in before else []
    while waiting:
        state = waiting.pop()
        if state not in useful:
            useful.add(state)
            waiting.extend(before[state])
    return useful


def _unlinked(path: _Back | None) -> tuple[Token, ...]:
    tokens: list[Token] = []
    while path is not None:
        path, token = path
        # One star more stands for nothing that its neighbour does not.
        if not (token in STARS and tokens and tokens[-1] == token):
            tokens.append(token)
    return tuple(reversed(tokens))


_FEWEST_STEPS: Final = 20_000
_STEPS_FOR_EACH_NODE: Final = 8
"""How many steps a walk may take: patterns that share little are walked through in a few for each of their tokens,
while there are some that take more than can ever be taken."""


MOST_TEXTS: Final = 128
"""How many texts a walk gives."""


_FIRST_UNUSED: Final = 0xE000
"""Where to look for a character that is in no pattern: what names of resources are made of is not there."""


class PatternTest(Struct, frozen=True):
    """One thing to tell texts apart by: whether some pattern matches.

    Args:
        patterns: as tokens.
        negated: whether it holds where none of them matches.
        must: whether it has to hold (True) or must not (False) for a text to be of interest; None: either.
        one_of: whether it is one of those of which at least one has to hold.
    """

    patterns: tuple[tuple[Token, ...], ...]
    negated: bool = False
    must: bool | None = None
    one_of: bool = False


class Texts(NamedTuple):
    """Texts that a search of the patterns found.

    Args:
        texts: one for each combination of the tests that may hold or not.
        complete: whether there is no other combination; else the walk was given up.
        steps: how many nodes were looked at.
    """

    texts: tuple[str, ...]
    complete: bool
    steps: int


class _Tree:
    """The patterns of all tests as one tree; tests are bits of a number.

    A node stands for the tokens from the root to it. A star is a node of its own that the text may stay at.
    """

    def __init__(self, tests: Sequence[PatternTest]) -> None:
        self.literals: list[dict[str, int]] = []
        self.wilds: list[dict[Wild, int]] = []
        self.token: list[Token | None] = []
        self.parent: list[int] = []
        self.ends: list[int] = []
        self._new(-1, None)
        for number, test in enumerate(tests):
            for pattern in test.patterns:
                self.ends[self._insert(pattern)] |= 1 << number
        size = len(self.ends)
        self.below = self.ends.copy()
        leaves = [1 if ends else 0 for ends in self.ends]
        for node in range(size - 1, 0, -1):
            self.below[self.parent[node]] |= self.below[node]
            leaves[self.parent[node]] += leaves[node]
        self.chain = list(range(size))
        """The uppermost node below which the same patterns are: along a chain all that a node leads to comes to the
        next star of it."""
        for node in range(1, size):
            if leaves[self.parent[node]] == leaves[node]:
                self.chain[node] = self.chain[self.parent[node]]
        reached = [self._with_stars(node) for node in range(size)]
        self.first = reached[0]
        self.is_star = [token is Wild.STAR for token in self.token]
        self.by_any = [self._by_wilds(node, reached, "") for node in range(size)]
        """The nodes that a node leads to by a character that is in no pattern."""
        told = {separator for token in self.token if isinstance(token, Wild) for separator in WITHOUT[token]}
        self.by_separator = {
            separator: [self._by_wilds(node, reached, separator) for node in range(size)] for separator in sorted(told)
        }
        """The nodes that wildcards lead to by a separator that some of them cannot match."""
        self.by_literal = [
            tuple((character, reached[child]) for character, child in children.items()) for children in self.literals
        ]

    def _new(self, parent: int, token: Token | None) -> int:
        self.literals.append({})
        self.wilds.append({})
        self.token.append(token)
        self.parent.append(parent)
        self.ends.append(0)
        return len(self.ends) - 1

    def _insert(self, pattern: tuple[Token, ...]) -> int:
        node = 0
        for token in pattern:
            before = self.token[node]
            if token in STARS and before in STARS and set(_without(before)) <= set(_without(token)):
                # One star more stands for nothing that the one before it does not.
                continue
            if isinstance(token, Wild):
                found = self.wilds[node].get(token)
                if found is None:
                    found = self.wilds[node][token] = self._new(node, token)
            else:
                found = self.literals[node].get(token)
                if found is None:
                    found = self.literals[node][token] = self._new(node, token)
            node = found
        return node

    def _with_stars(self, node: int) -> tuple[int, ...]:
        """A node and the following nodes that stars without any text lead to."""
        found = [node]
        for one in found:
            found.extend(child for token, child in self.wilds[one].items() if token in STARS)
        return tuple(found)

    def _by_wilds(self, node: int, reached: Sequence[tuple[int, ...]], separator: str) -> tuple[int, ...]:
        """The nodes that wildcards lead to by a separator, or by a character that is none ("")."""
        found: list[int] = []
        token = self.token[node]
        if token in STARS and not (separator and separator in _without(token)):
            found.extend(reached[node])
        for wild, child in self.wilds[node].items():
            if wild not in STARS and not (separator and separator in WITHOUT[wild]):
                found.extend(reached[child])
        return tuple(found)


def _without(token: Token | None) -> str:
    return WITHOUT[token] if isinstance(token, Wild) else ""


_Link = tuple["_Link | None", str]
_State = tuple[frozenset[int], int]


class _CombinationSearch:
    def __init__(self, tests: Sequence[PatternTest]) -> None:
        self._tree = _Tree(tests)
        self.steps = 0
        self.limit = _FEWEST_STEPS + _STEPS_FOR_EACH_NODE * len(self._tree.ends)
        self._negated = _bits(test.negated for test in tests)
        self._positive = _bits(not test.negated for test in tests)
        self._must = _bits(test.must is True for test in tests)
        self._must_not = _bits(test.must is False for test in tests)
        self._told = _bits(test.must is None for test in tests)
        self._one_of = _bits(test.one_of for test in tests)
        used = {token for token in self._tree.token if isinstance(token, str)}
        self._unused = next(chr(code) for code in range(_FIRST_UNUSED, 0x110000) if chr(code) not in used)
        self._seen: set[int] = set()

    def texts(self) -> Iterator[str]:
        """One text for each combination, as it is found; ends where no steps are left."""
        first = self._state(self._tree.first, 0)
        visited: set[_State] = {first}
        waiting: list[tuple[_State, _Link | None]] = [(first, None)]
        while waiting and self.steps <= self.limit:
            (nodes, hits), text = waiting.pop()
            if self._is_hopeless(nodes, hits):
                continue
            ended = hits
            for node in nodes:
                ended |= self._tree.ends[node]
            if self._is_of_interest(self._holding(ended, 0)):
                yield _spelled(text)
            found: list[tuple[_State, _Link | None]] = []
            for character, reached in self._onward(nodes):
                state = self._state(reached, hits)
                if state not in visited:
                    visited.add(state)
                    found.append((state, (text, character)))
            waiting.extend(reversed(found))

    def _holding(self, hits: int, undecided: int) -> int:
        """The tests that hold for certain, of those that some pattern hit and those that still may be."""
        return (hits & self._positive) | (self._negated & ~hits & ~undecided)

    def _is_of_interest(self, holding: int) -> bool:
        """True for a text that is wanted and has a new combination of tests, which is recorded."""
        told = holding & self._told
        if self._must & ~holding or self._must_not & holding or told in self._seen:
            return False
        if self._one_of and not self._one_of & holding:
            return False
        self._seen.add(told)
        return True

    def _is_hopeless(self, nodes: frozenset[int], hits: int) -> bool:
        """True if no text that continues from here is wanted."""
        undecided = 0
        for node in nodes:
            undecided |= self._tree.below[node]
        undecided &= ~hits
        holding = self._holding(hits, undecided)
        failing = (hits & self._negated) | (self._positive & ~hits & ~undecided)
        if self._must & failing or self._must_not & holding:
            return True
        if self._one_of and not self._one_of & ~failing:
            return True
        return not self._told & undecided and holding & self._told in self._seen

    def _state(self, reached: Iterable[int], hits: int) -> _State:
        """The nodes that still matter: not those that lead only to what is hit, or to a star that is reached."""
        is_star, chain, below = self._tree.is_star, self._tree.chain, self._tree.below
        nodes = frozenset(reached)
        stars = [node for node in nodes if is_star[node]]
        for star in stars:
            hits |= self._tree.ends[star]
        if len(nodes) > len(stars) > 0 or len(stars) > 1:
            deepest: dict[int, int] = {}
            for star in stars:
                deepest[chain[star]] = max(star, deepest.get(chain[star], -1))
            nodes = frozenset(node for node in nodes if node >= deepest.get(chain[node], -1))
        if hits:
            nodes = frozenset(node for node in nodes if below[node] & ~hits)
        return nodes, hits

    def _onward(self, nodes: frozenset[int]) -> Iterator[tuple[str, Iterable[int]]]:
        """The nodes that one character more leads to, for each that makes a difference; the unused one first."""
        tree = self._tree
        by_any: list[int] = []
        by_literal: dict[str, list[int]] = {separator: [] for separator in tree.by_separator}
        for node in sorted(nodes):
            by_any += tree.by_any[node]
            for separator, by_wilds in tree.by_separator.items():
                by_literal[separator] += by_wilds[node]
            for character, reached in tree.by_literal[node]:
                by_literal.setdefault(character, []).extend(reached)
        self.steps += len(nodes) + sum(map(len, by_literal.values())) + len(by_any) * len(by_literal)
        yield self._unused, by_any
        for character, found in by_literal.items():
            yield character, found if character in tree.by_separator else by_any + found


def _bits(flags: Iterable[bool]) -> int:
    return sum(1 << number for number, flag in enumerate(flags) if flag)


def _spelled(text: _Link | None) -> str:
    characters: list[str] = []
    while text is not None:
        text, character = text
        characters.append(character)
    return "".join(reversed(characters))


def texts_apart(tests: Sequence[PatternTest]) -> Texts:
    """A text for each combination of tests that hold and do not, among the texts that are of interest."""
    walk = _CombinationSearch(tests)
    found: list[str] = []
    for text in walk.texts():
        if len(found) == MOST_TEXTS:
            return Texts(tuple(found), False, walk.steps)
        found.append(text)
    return Texts(tuple(found), walk.steps <= walk.limit, walk.steps)
