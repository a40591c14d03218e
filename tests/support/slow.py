"""Which cases of a test are slow: `make test` has one of each, `make test-slow` the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

SIZES = {"narrow": (80, 24), "medium": (120, 40), "wide": (200, 60)}
"""Columns and lines of the windows that pictures are taken of."""


def all_but(quick: object, cases: Iterable[Any]) -> list[Any]:
    """The cases of a parametrized test, all but one marked as slow."""
    return [case if case == quick else pytest.param(case, marks=pytest.mark.slow) for case in cases]


EACH_SIZE = all_but("medium", SIZES)
NARROW_AND_MEDIUM = all_but("medium", ("narrow", "medium"))


def blocks(end: int, size: int, *, slow: int | None = None) -> list[Any]:
    """The first seed of each block of seeds; all but the first block are slow, and those from `slow` on long."""
    often, seldom = range(0, slow or end, size), range(slow or end, end, size)
    return [*all_but(0, often), *(pytest.param(first, marks=[pytest.mark.slow, pytest.mark.long]) for first in seldom)]


def few_slow(seeds: Sequence[int], count: int) -> list[Any]:
    """The seeds of a slow test; all but the first few are left to `make test-long`."""
    return [*seeds[:count], *(pytest.param(seed, marks=pytest.mark.long) for seed in seeds[count:])]


def one_quick(names: str | tuple[str, ...], cases: Iterable[Any], **how: Any) -> pytest.MarkDecorator:
    """As `pytest.mark.parametrize`, with all cases but the first marked as slow."""
    first, *others = cases
    several = len(names.split(",") if isinstance(names, str) else names) > 1
    slow = [pytest.param(*(other if several else (other,)), marks=pytest.mark.slow) for other in others]
    return pytest.mark.parametrize(names, [first, *slow], **how)


def crossed(row: str, rows: Iterable[Any], column: str, columns: Mapping[str, Any]) -> pytest.MarkDecorator:
    """Each row with each column, which are parameters of a test; of each row and each column a quarter is quick."""
    cases = [
        pytest.param(one, other, id=f"{':'.join(one)}-{name}", marks=[pytest.mark.slow] if (down + across) % 4 else [])
        for down, one in enumerate(rows)
        for across, (name, other) in enumerate(columns.items())
    ]
    return pytest.mark.parametrize((row, column), cases)
