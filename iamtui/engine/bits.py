"""Principals, or actions, as the bits of integers, by their places in a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple


class Bits(NamedTuple):
    """For whom something holds, and for whom that depends on what is not known; for all others it does not hold."""

    yes: int = 0
    maybe: int = 0


NOBODY: Final = Bits()
_made: Final = tuple.__new__
"""What the constructor of a NamedTuple calls, which is itself called for every statement."""


def both(one: Bits, other: Bits) -> Bits:
    yes = one.yes & other.yes
    return _made(Bits, (yes, (one.yes | one.maybe) & (other.yes | other.maybe) & ~yes))


def either(one: Bits, other: Bits) -> Bits:
    yes = one.yes | other.yes
    return _made(Bits, (yes, (one.maybe | other.maybe) & ~yes))


def places(bits: int) -> Iterator[int]:
    """The places of the bits that are set."""
    while bits:
        last = bits & -bits
        yield last.bit_length() - 1
        bits ^= last


def bits_of(found: Iterable[int], size: int) -> int:
    """Some places as bits, out of so many: in one step, which is faster than bit by bit where there are thousands."""
    made = bytearray(size + 7 >> 3)
    for place in found:
        made[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(made, "little")
