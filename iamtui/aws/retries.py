"""Retries of a load's calls, in place of botocore's: what may pass is tried again, at one pace for all its threads."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final, TypeVar

from iamtui.aws.errors import AwsProblem

T = TypeVar("T")

TRIES: Final = 20
"""How often a call is tried where no setting says otherwise; mostly the seconds end it before."""

_WHILE_NOTHING_CAME: Final = 5
"""Tries of an operation that never had an answer: an emulator may not know it. Where it had one, the fault passes."""

_LONGEST_THROTTLED: Final = 300.0
_LONGEST_FAILING: Final = 60.0
"""Seconds after the first try of a call within which another begins."""

_LONGEST_PAUSE: Final = 20.0
STOPPED: Final = "Stopped"
"""The code of the AwsProblem of a call that was not made, or not tried again, because its load was stopped."""


def pause(event: threading.Event, seconds: float) -> bool:
    """Wait, but no longer than until the event; whether that came. Tests replace it."""
    return event.wait(seconds)


class Retries:
    """Shared state of the calls of one load: throttling by AWS, operations that were answered, whether to stop.

    Thread-safe. Where AWS throttles one call, all of them wait, the longer the more often, and less again with each
    answer.

    Attributes:
        waiting: what is waited for just now ("waiting for AWS: throttled, try 4"), or "".
    """

    def __init__(self) -> None:
        self.waiting = ""
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._answered: set[str] = set()
        self._strain = 0
        self._not_before = 0.0

    def stop(self) -> None:
        """Let no further call begin, and end the pauses of those that wait."""
        self._stopped.set()

    def call(self, operation: str, most_tries: int | None, make: Callable[[], T]) -> T:
        """Call `make` and return its result, retrying while its AwsProblem may be temporary.

        Args:
            most_tries: how often at most; None: as often as seems sensible.

        Raises:
            AwsProblem: the last one, or that of a stopped load.
        """
        started = time.monotonic()
        for number in count(1):
            left = self._not_before - time.monotonic()
            if left > 0:
                pause(self._stopped, left)
            if self._stopped.is_set():
                raise _stopped()
            try:
                answer = make()
            except AwsProblem as problem:
                if not self._has_another_try(problem, operation, number, most_tries, time.monotonic() - started):
                    raise
                seconds = _seconds_of(number)
                if problem.throttled:
                    with self._lock:
                        self._strain = min(self._strain + 1, 6)
                        seconds = max(seconds, _seconds_of(self._strain))
                        self._not_before = max(self._not_before, time.monotonic() + seconds)
                self._wait(seconds, _why(problem), number + 1)
            else:
                with self._lock:
                    self._answered.add(operation)
                    self._strain = max(self._strain - 1, 0)
                return answer
        raise AssertionError

    def _has_another_try(
        self, problem: AwsProblem, operation: str, number: int, most_tries: int | None, seconds: float
    ) -> bool:
        tries = TRIES if most_tries is None else most_tries
        longest = _LONGEST_THROTTLED if problem.throttled else _LONGEST_FAILING
        with self._lock:
            has_answered = operation in self._answered
        if not has_answered and not problem.throttled:
            tries = min(tries, _WHILE_NOTHING_CAME)
        return problem.may_pass and number < tries and seconds < longest

    def _wait(self, seconds: float, why: str, next_try: int) -> None:
        """Wait before the next try of a call, and say so.

        Raises:
            AwsProblem: the load was stopped.
        """
        words = f"waiting for AWS: {why}, try {next_try}"
        self.waiting = words
        try:
            stopped = pause(self._stopped, seconds)
        finally:
            if self.waiting == words:
                self.waiting = ""
        if stopped:
            raise _stopped()


def _stopped() -> AwsProblem:
    return AwsProblem("The reading was stopped.", code=STOPPED)


def _seconds_of(number: int) -> float:
    """How long to pause after some failures in a row: not all who were throttled together should come back together."""
    return min(2.0 ** (number - 2), _LONGEST_PAUSE) * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret


def _why(problem: AwsProblem) -> str:
    if problem.throttled:
        return "throttled"
    if problem.unreachable:
        return "not reached"
    return "no whole answer" if problem.unreadable or problem.fatal else "it failed inside"


class _Calls(threading.local):
    """Retries of the calls that a thread makes."""

    retries: Retries | None = None


_CALLS: Final = _Calls()


@contextmanager
def retrying(retries: Retries) -> Iterator[None]:
    """Have the calling thread's calls made by these retries."""
    before, _CALLS.retries = _CALLS.retries, retries
    try:
        yield
    finally:
        _CALLS.retries = before


def current_retries() -> Retries | None:
    return _CALLS.retries
