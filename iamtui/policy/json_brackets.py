"""The brackets of a JSON text, found without parsing it: how deep it nests, and where a value ends."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Final, NamedTuple

# Each match goes on to the next bracket, over whole texts at a time. Nothing is looked at twice: the runs are
# possessive, and a text that does not end takes all that follows.
_TO_NEXT_BRACKET: Final = re.compile(
    r'[^\[\]{}"]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^\[\]{}"]*+)*+([\[\]{}]|".*+|\Z)', re.DOTALL
)
_STEPS: Final = {"[": 1, "{": 1, "]": -1, "}": -1}


class Brackets(NamedTuple):
    """The brackets of a text that is, or is to be, JSON.

    Args:
        found: the brackets outside of JSON's texts, in order.
        text_left_open: whether a text does not end; its brackets are not among those found.
    """

    found: str
    text_left_open: bool

    @property
    def deepest(self) -> int:
        """How many brackets are open at once at the most."""
        return max(accumulate(map(_STEPS.__getitem__, self.found)), default=0)

    @property
    def left_open(self) -> int:
        """How many more open than close."""
        return sum(map(_STEPS.__getitem__, self.found))


def brackets_of(text: str) -> Brackets:
    """Find the brackets of a text, in one pass."""
    found = _TO_NEXT_BRACKET.findall(text)
    # Behind a text that does not end stands only the empty match at the end of all.
    left_open = any(one.startswith('"') for one in found[-2:-1])
    return Brackets("".join(found[:-2] if left_open else found), left_open)


def line_deeper_than(text: str, depth: int) -> int | None:
    """The line, 1-based, of the first bracket inside so many others; None when no bracket is."""
    now = 0
    for match in _TO_NEXT_BRACKET.finditer(text):
        now += _STEPS.get(match.group(1), 0)
        if now > depth:
            return text.count("\n", 0, match.end()) + 1
    return None
