"""A clock that neither a suspended machine nor a changed wall clock leads astray.

The ends of sessions are told by AWS's clock. The difference to ours is measured once, when the role is assumed; it
holds for as long as our clock only runs. So time is counted from one reading of the wall clock by a counter that
nobody sets.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Gives the local time as an aware UTC datetime."""

JUMP: Final = timedelta(seconds=5)
"""How far the wall clock must be off what was counted to have jumped rather than drifted."""


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts seconds and is set by nobody.

    Args:
        read: the seconds since some moment.
        counts_sleep: whether it goes on while the machine is suspended.
    """

    read: Callable[[], float]
    counts_sleep: bool


def system_counter() -> Counter:
    """The best counter of this system: CLOCK_BOOTTIME on Linux, CLOCK_MONOTONIC on macOS, which count sleep too."""
    boottime: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    if boottime is not None:
        identifier = boottime
        return Counter(lambda: time.clock_gettime(identifier), counts_sleep=True)
    if hasattr(time, "CLOCK_UPTIME_RAW"):
        # macOS: its CLOCK_MONOTONIC counts sleep, unlike time.monotonic, which is CLOCK_UPTIME_RAW there.
        return Counter(lambda: time.clock_gettime(time.CLOCK_MONOTONIC), counts_sleep=True)
    return Counter(time.monotonic, counts_sleep=False)


def _wall() -> datetime:
    return datetime.now(UTC)


class SteadyClock:
    """The local time, counted from one reading of the wall clock. Thread-safe.

    Where the counter stands still while the machine sleeps, a wall clock that is ahead of it is believed: whether
    it slept or was set forward cannot be told apart, and a session that is said to end too early does no harm. A
    wall clock that was set back is never believed.
    """

    def __init__(self, wall: Callable[[], datetime] = _wall, counter: Counter | None = None) -> None:
        self._wall = wall
        self._counter = counter or system_counter()
        self._lock = threading.Lock()
        self._now = wall()
        self._counted = self._counter.read()
        self._wall_then = self._now

    def __call__(self) -> datetime:
        """The time, UTC; never earlier than what was told before."""
        with self._lock:
            counted = self._counter.read()
            passed = timedelta(seconds=max(counted - self._counted, 0.0))
            if not self._counter.counts_sleep:
                wall = self._wall()
                by_wall = wall - self._wall_then
                self._wall_then = wall
                if by_wall - passed > JUMP:
                    passed = by_wall
            self._counted = counted
            self._now += passed
            return self._now

    @property
    def off(self) -> timedelta:
        """How far the wall clock has moved from what was counted: near zero unless somebody set it."""
        return self._wall() - self()


_CLOCK: Final = SteadyClock()


def utc_now() -> datetime:
    """The local time, as an aware UTC datetime; see SteadyClock."""
    return _CLOCK()


def clock_off() -> timedelta:
    """How far this machine's wall clock has been set from what was counted since the start; see SteadyClock.off."""
    return _CLOCK.off
