"""Work over the accounts of a store: one at a time for each worker, in this process or in several, in their order.

What a worker returns has to be small: accounts stay where they are read. An account that cannot be read, that ends its
worker, or at which iamtui itself fails is said, and the others go on.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from threading import Lock
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from iamtui.problem import Problem

D = TypeVar("D")
T = TypeVar("T")

_AHEAD: Final = 2
"""Accounts for each worker that are read, asked about or answered and not taken yet: what bounds the memory."""
_READERS: Final = 8
"""Threads that read from S3; each waits most of the time."""
_WORTH_A_WORKER: Final = 8
"""Accounts for which a process of its own is worth starting, which takes as long as some."""
_MOST_WORKERS: Final = 256


class Done(NamedTuple, Generic[T]):
    """What came of an account: an answer, or why there is none."""

    account: str
    found: T | None
    problem: Problem | None


class Failed(NamedTuple):
    """A Problem on its way from another process."""

    sentence: str
    next_step: str


class Workers(Protocol):
    """What does tasks beside each other."""

    at_once: int

    def submit(self, task: Callable[[D], T], data: D, account: str) -> Callable[[], T | Failed]:
        """Begin a task; what is returned waits for its end.

        Raises, from there:
            Problem: whoever did it came to an end.
        """
        ...

    def close(self) -> None:
        """End all of them."""
        ...


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers_for(accounts: int, wanted: int | None) -> Workers:
    """Processes of this machine, as many as are wanted, or as are worth it; one is this process itself."""
    most = min(cores(), _MOST_WORKERS) if wanted is None else wanted
    count = max(1, min(most, -(-accounts // _WORTH_A_WORKER)) if wanted is None else most)
    return Processes(count) if count > 1 else Here()


def over_accounts(
    accounts: Sequence[str],
    read: Callable[[str], D],
    task: Callable[[D], T],
    workers: Workers,
    told: Callable[[int], None] = lambda _done: None,
) -> Iterator[Done[T]]:
    """What a task makes of each of the accounts, in their order.

    Args:
        read: what the task is given of an account; called in threads of this process.
        task: a function that other processes can import; its answer is small.
        workers: whoever made them closes them.
        told: called with how many are done; may raise, to stop.
    """
    ahead = _AHEAD * workers.at_once
    waiting = iter(accounts)
    begun: deque[tuple[str, Future[Callable[[], T | Failed]]]] = deque()
    readers = ThreadPoolExecutor(min(_READERS, ahead), "reading a store")

    def begin(account: str) -> Callable[[], T | Failed]:
        return workers.submit(task, read(account), account)

    try:
        for done in range(len(accounts)):
            while len(begun) < ahead and (account := next(waiting, None)) is not None:
                begun.append((account, readers.submit(begin, account)))
            told(done)
            account, future = begun.popleft()
            yield _done(account, future)
        told(len(accounts))
    finally:
        for _, future in begun:
            future.cancel()
        readers.shutdown(wait=False, cancel_futures=True)


def _done(account: str, future: Future[Callable[[], T | Failed]]) -> Done[T]:
    try:
        found = future.result()()
    except Problem as problem:
        return Done(account, None, problem)
    if isinstance(found, Failed):
        return Done(account, None, Problem(*found))
    return Done(account, found, None)


def attempt(task: Callable[[D], T], data: D) -> T | Failed:
    """What a task makes of an account, or why it makes nothing of it."""
    try:
        return task(data)
    except Problem as problem:
        return Failed(problem.sentence, problem.next_step)
    except (Exception, RecursionError) as error:  # noqa: BLE001 - one account of thousands ends no run
        return Failed(f"An error in iamtui itself ({type(error).__name__}).", "Ask this account alone: --account ID.")


class Here:
    """This process does one account after the other."""

    at_once = 1

    def submit(self, task: Callable[[D], T], data: D, account: str) -> Callable[[], T | Failed]:  # noqa: ARG002
        """Do it when its answer is asked for."""
        return partial(attempt, task, data)

    def close(self) -> None:
        """Nothing is left."""


class Processes:
    """Processes of this machine.

    Where one of them comes to an end, those accounts that were with any are asked again, each alone: the one that ends
    its process again is given up.
    """

    def __init__(self, count: int) -> None:
        self.at_once = count
        self._lock = Lock()
        self._pool = self._start(count)

    @staticmethod
    def _start(count: int) -> ProcessPoolExecutor:
        # Not by fork: threads read beside it.
        return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_leave_interrupts)

    def submit(self, task: Callable[[D], T], data: D, account: str) -> Callable[[], T | Failed]:
        """Give it to the next process that is free."""
        with self._lock:
            try:
                future = self._pool.submit(attempt, task, data)
            except BrokenProcessPool:
                self._pool = self._start(self.at_once)
                future = self._pool.submit(attempt, task, data)
        return partial(self._result, future, task, data, account)

    def _result(self, future: Future[T | Failed], task: Callable[[D], T], data: D, account: str) -> T | Failed:
        try:
            return future.result()
        except BrokenProcessPool:
            return self._alone(task, data, account)

    def _alone(self, task: Callable[[D], T], data: D, account: str) -> T | Failed:
        pool = self._start(1)
        try:
            return pool.submit(attempt, task, data).result()
        except BrokenProcessPool:
            raise Problem(
                f"The process that read account {account} came to an end.",
                "Is there enough memory? Use fewer --workers.",
            ) from None
        finally:
            _end(pool)

    def close(self) -> None:
        """End them, whatever they do."""
        _end(self._pool)


def _end(pool: ProcessPoolExecutor) -> None:
    """End the processes of a pool, and wait until they have: what they share is left behind otherwise."""
    processes: dict[int, Any] = dict(getattr(pool, "_processes", None) or {})
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes.values():
        process.terminate()
    pool.shutdown(wait=True)


def _leave_interrupts() -> None:
    """Ctrl+c is for the process that started the others, which ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
