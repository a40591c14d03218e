"""Texts that speak for all texts: patterns as automata side by side, searched breadth first, the shortest text first.

A set of patterns is one automaton whose state is the bits of one integer (`Glob.machine`). Texts that lead to the same
state are answered alike for ever. Where a match of some patterns can only help and that of others only hurt, a text is
dropped as soon as another, no longer one, has matched at least as much of what helps and at most as much of what hurts
(antichain pruning). The characters tried are those that some pattern can read next, and one that occurs in none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Final

from iamtui.policy.patterns import Glob, Machine, Token

ANY_OTHER: Final = "\ue000"
"""A character for all that occur in no pattern."""

STEPS: Final = 5_000_000
"""How much work a question may take: some seconds, of a machine with nothing else to do.

Counted is what is looked at, so that the answer is the same on a busy machine.
"""
MOST_STATES: Final = 20_000
_STATES_AT_ONCE: Final = 64
_STEPS_OF_STATE: Final = 20
_MOST_BITS: Final = 200_000
"""Tokens of all patterns of one search."""


class Unproved(Exception):
    """A question that cannot be settled; `reason` says why, as a phrase."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class Bounds:
    """How much work a proof may take.

    Args:
        steps: of one question.
        stopped: whether nobody wants it any more; asked often.
        whole: what this is a part of, which it ends with at the latest.
    """

    steps: float = STEPS
    stopped: Callable[[], bool] = lambda: False
    whole: Bounds | None = None
    _spent: float = field(default=0, init=False)

    def spend(self, steps: int) -> None:
        """Count work, before it is done.

        Raises:
            Unproved: it is too much, or nobody wants it any more.
        """
        self._spent += steps
        if self._spent > self.steps:
            raise Unproved(f"it takes more than {self.steps:,} steps")
        if self.whole is not None:
            self.whole.spend(steps)
        elif self.stopped():
            raise Unproved("it was stopped")

    def part(self, steps: float) -> Bounds:
        return Bounds(steps, self.stopped, self)


class GroupKind(Enum):
    """Effect of a match with some pattern of a group."""

    MUST = "must"
    """A text that matches none of them is of no interest."""
    NEVER = "never"
    """A text that matches one of them is of no interest."""
    HELPS = "helps"
    HURTS = "hurts"
    TELLS = "tells"
    """Texts that match and those that do not are answered differently, either way."""


@dataclass(frozen=True)
class PatternGroup:
    """Patterns of which it only matters whether one of them matches."""

    kind: GroupKind
    patterns: tuple[tuple[Token, ...], ...]

    @property
    def turned(self) -> PatternGroup:
        """The same where what helps hurts, and the other way round."""
        kind = {GroupKind.HELPS: GroupKind.HURTS, GroupKind.HURTS: GroupKind.HELPS}.get(self.kind, self.kind)
        return PatternGroup(kind, self.patterns)


@dataclass(frozen=True)
class _Span:
    """The bits of one group in the state of all.

    Args:
        ends: the bits that say that a pattern has been matched.
        forever: those of them that no further character takes away.
    """

    kind: GroupKind
    bits: int
    ends: int
    forever: int


@lru_cache(maxsize=4_096)
def _machine(tokens: tuple[Token, ...]) -> Machine:
    return Glob(tokens).machine


class _Automaton:
    """The patterns of all groups side by side: each has bits of its own in one number."""

    def __init__(self, groups: Sequence[PatternGroup]) -> None:
        self.first = 0
        self.spans: list[_Span] = []
        self._settled: list[tuple[int, int]] = []
        self._any = self._loops = 0
        self._accepts: dict[str, int] = {}
        self._separators = {":": 0, "/": 0}
        literals: set[str] = set()
        offset = 0
        for group in groups:
            bits = ends = forever = 0
            for tokens in dict.fromkeys(group.patterns):
                machine = _machine(tokens)
                size = machine.final.bit_length()
                if offset + size > _MOST_BITS:
                    raise Unproved("the patterns are too long together")
                literals.update(token for token in tokens if isinstance(token, str))
                for character in {*machine.accepts, *self._accepts}:
                    # What a pattern does not name is to it like any other character.
                    before = self._accepts.get(character, self._any)
                    self._accepts[character] = before | machine.accepts.get(character, machine.any) << offset
                self._any |= machine.any << offset
                self._loops |= machine.other_loops << offset
                for separator in self._separators:
                    self._separators[separator] |= machine.loops[separator] << offset
                stays = machine.other_loops & machine.loops[":"] & machine.loops["/"] & machine.final
                bits |= ((1 << size) - 1) << offset
                ends |= machine.final << offset
                forever |= stays << offset
                self.first |= 1 << offset
                offset += size
            self.spans.append(_Span(group.kind, bits, ends, forever))
            if forever:
                self._settled.append((forever, bits))
        if ANY_OTHER in literals:
            raise Unproved("a pattern has a character of the private use area")
        self._literals = sorted(literals)

    def step(self, state: int, character: str) -> int:
        loops = self._separators.get(character, self._loops)
        return self.closure(((state & self._accepts.get(character, self._any)) << 1) | (state & loops))

    def closure(self, state: int) -> int:
        """The state in which a group that matches whatever follows has all its bits, so that such states are one."""
        for forever, bits in self._settled:
            if state & forever:
                state |= bits
        return state

    def onward(self, state: int) -> Iterator[str]:
        """The characters that lead to different states."""
        yield ANY_OTHER
        for character in self._literals:
            moved = self._accepts[character] ^ self._any
            if state & moved or (character in self._separators and state):
                yield character
        for separator in self._separators:
            if separator not in self._literals and state & (self._loops ^ self._separators[separator]):
                yield separator


def representative_strings(groups: Sequence[PatternGroup], bounds: Bounds) -> Iterator[tuple[str, tuple[bool, ...]]]:
    """Texts that speak for all that match, the shortest first, each with the groups that match it.

    For every text of interest there is one among these that matches every TELLS group alike, all HELPS groups that it
    matches (and perhaps more), and only HURTS groups that it matches.

    Raises:
        Unproved: there are too many.
    """
    automaton = _Automaton(groups)
    roles = [span.kind for span in automaton.spans]
    helps = _bits_of(automaton, GroupKind.HELPS)
    hurts = _bits_of(automaton, GroupKind.HURTS) | _bits_of(automaton, GroupKind.NEVER)
    must = _bits_of(automaton, GroupKind.MUST)
    alike = _bits_of(automaton, GroupKind.TELLS)
    lost = [span.bits for span in automaton.spans if span.kind is GroupKind.MUST]
    ends = [span.ends for span in automaton.spans]
    barred = sum(span.forever for span in automaton.spans if span.kind is GroupKind.NEVER)
    # Of states with the same TELLS bits: what has been seen, each with no other that makes it needless.
    seen: dict[int, list[tuple[int, int]]] = {}
    given: dict[tuple[bool, ...], list[tuple[tuple[bool, ...], tuple[bool, ...]]]] = {}
    first = automaton.closure(automaton.first)
    waiting: deque[tuple[int, str]] = deque([(first, "")])
    states = 0
    while waiting:
        state, text = waiting.popleft()
        states += 1
        if states > MOST_STATES:
            raise Unproved(f"the patterns lead to more than {MOST_STATES} states")
        if states % _STATES_AT_ONCE == 0:
            bounds.spend(_STATES_AT_ONCE * (_STEPS_OF_STATE + len(ends)))
        matched = tuple([state & bits != 0 for bits in ends])
        if _is_of_interest(matched, roles) and _says_more(matched, roles, given):
            yield text, matched
        for character in automaton.onward(state):
            reached = automaton.step(state, character)
            if reached & barred or 0 in [reached & bits for bits in lost]:
                continue
            # A text that may still come to other ends is not made needless by one that may not.
            good, bad = reached & (helps | must), reached & hurts
            if _is_new(seen.setdefault(reached & alike, []), good, bad):
                waiting.append((reached, text + character))


def _is_new(before: list[tuple[int, int]], good: int, bad: int) -> bool:
    """Add a state unless another one makes it needless, in the place of worse ones."""
    # No any(): a generator costs more than all that it tests here.
    for more, less in before:
        if not good & ~more and not less & ~bad:
            return False
    before[:] = [(more, less) for more, less in before if more & ~good or bad & ~less]
    before.append((good, bad))
    return True


def _bits_of(automaton: _Automaton, kind: GroupKind) -> int:
    return sum(span.bits for span in automaton.spans if span.kind is kind)


def _is_of_interest(matched: tuple[bool, ...], roles: Sequence[GroupKind]) -> bool:
    for holds, role in zip(matched, roles, strict=True):
        if (role is GroupKind.MUST and not holds) or (role is GroupKind.NEVER and holds):
            return False
    return True


def _says_more(
    matched: tuple[bool, ...],
    roles: Sequence[GroupKind],
    given: dict[tuple[bool, ...], list[tuple[tuple[bool, ...], tuple[bool, ...]]]],
) -> bool:
    """Add a match unless another text already represents it; False where one does."""
    both = list(zip(matched, roles, strict=True))
    good = tuple(holds for holds, role in both if role is GroupKind.HELPS)
    bad = tuple(holds for holds, role in both if role is GroupKind.HURTS)
    before = given.setdefault(tuple(holds for holds, role in both if role is GroupKind.TELLS), [])
    for more, less in before:
        if all(b or not a for a, b in zip(good, more, strict=True)) and all(
            a or not b for a, b in zip(bad, less, strict=True)
        ):
            return False
    before.append((good, bad))
    return True
