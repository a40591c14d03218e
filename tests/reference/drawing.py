"""Drawing: the choices that everything generated is made of."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

Json = dict[str, Any]


class Draws:
    """Chooses by a `random.Random`: the same one makes the same choices on every Python."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def chance(self, percent: int) -> bool:
        """True this often."""
        return self.random.randrange(100) < percent

    def pick(self, options: Sequence[Any]) -> Any:
        """One of the options."""
        return options[self.random.randrange(len(options))]

    def maybe_list(self, values: list[Any]) -> Any:
        """A list of one may be written without brackets."""
        return values[0] if len(values) == 1 and self.chance(60) else values
