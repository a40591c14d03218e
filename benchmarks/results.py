"""What a measurement gives, and how it is taken: CPU time, medians, ratios within one run."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.generator import QUOTA, THOUSAND, TINY, Size
from iamtui.__main__ import ROUNDS


@dataclass(frozen=True, slots=True)
class Plan:
    """How much work the measurements do.

    Args:
        small: the smaller account.
        large: the larger account, which the figures are about.
        decisions: decisions in one repeat.
        repeats: repeats, of which the median counts.
        tree: nodes of the tree in which the cursor moves.
        cycles: how often a thing is done again whose growth is measured.
        against: another checkout, whose commands are run in turn with these.
    """

    small: Size = THOUSAND
    large: Size = QUOTA
    decisions: int = 4_000
    repeats: int = 7
    tree: int = 10_000
    cycles: int = 500
    against: Path | None = None


SMOKE: Final = Plan(small=TINY, large=TINY, decisions=20, repeats=1, tree=50, cycles=10)
"""Small enough for a test of whether the measurements run at all."""


@dataclass(frozen=True, slots=True)
class Result:
    """One measured figure.

    Args:
        work: what was measured.
        measured: the value, the median of the repeats where there are several.
        unit: "/s", "ms", "x" (a ratio) or "MB".
        goal: the value to reach; None when none is set.
        more_is_better: whether the goal is a floor ("/s") or a ceiling.
        note: what else is worth knowing.
    """

    work: str
    measured: float
    unit: str
    goal: float | None = None
    more_is_better: bool = False
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.goal is None:
            return None
        return self.measured >= self.goal if self.more_is_better else self.measured <= self.goal

    def as_json(self) -> dict[str, Any]:
        """The result with its verdict."""
        return {
            "work": self.work,
            "measured": round(self.measured, 3),
            "unit": self.unit,
            "goal": self.goal,
            "met": self.met,
            "note": self.note,
        }


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process that some work takes; garbage of earlier work is collected before."""
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def median_cpu_seconds(works: list[Callable[[], object]]) -> float:
    """The median of several pieces of work of one kind."""
    return median(cpu_seconds(work) for work in works)


@contextmanager
def garbage_as_in_the_program() -> Iterator[None]:
    """Look for garbage as often as the program does."""
    numbers = gc.get_threshold()
    gc.set_threshold(*ROUNDS)
    try:
        yield
    finally:
        gc.set_threshold(*numbers)
