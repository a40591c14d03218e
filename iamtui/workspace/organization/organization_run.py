"""Work over the accounts of a store, in their order: one at a time for each worker, here, in processes, or in Ray.

What a worker returns has to be small: accounts stay where they are read. An account that cannot be read, that ends its
worker, or at which iamtui itself fails is said, and the others go on.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import count, cycle, islice
from multiprocessing import get_context, parent_process
from threading import Lock, Thread
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from iamtui import __version__
from iamtui.problem import Problem
from iamtui.text import safe_text

D = TypeVar("D")
T = TypeVar("T")

_AHEAD: Final = 2
"""Accounts for each worker that are read and not taken yet, which bounds the memory."""
_READERS: Final = 8
"""Threads that read from S3; each waits most of the time."""
_WORTH_A_WORKER: Final = 8
"""Accounts for which a process of its own is worth starting, which takes as long as some."""
_MOST_WORKERS: Final = 256
_MOST_ACTORS: Final = 1_000
_TRIES: Final = 3
"""How often a task is done again whose node went."""


class Done(NamedTuple, Generic[T]):
    """Result of an account: an answer, or why there is none."""

    account: str
    found: T | None
    problem: Problem | None


class Failed(NamedTuple):
    """A Problem on its way from another process."""

    sentence: str
    next_step: str


class Workers(Protocol):
    """Executor of parallel tasks."""

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
    number = max(1, min(most, -(-accounts // _WORTH_A_WORKER)) if wanted is None else most)
    return Processes(number) if number > 1 else Here()


def over_accounts(
    accounts: Sequence[str],
    read: Callable[[str], D],
    task: Callable[[D], T],
    workers: Workers,
    told: Callable[[int], None] = lambda _done: None,
) -> Iterator[Done[T]]:
    """Results of a task for each of the accounts, in their order.

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
    """Result of a task for an account, or its failure."""
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
        """Run the task when its answer is fetched."""
        return partial(attempt, task, data)

    def close(self) -> None:
        """Nothing is left."""


class Processes:
    """Processes of this machine.

    Where one of them comes to an end, those accounts that were with any are asked again, each alone: the one that ends
    its process again is given up.
    """

    def __init__(self, number: int) -> None:
        self.at_once = number
        self._lock = Lock()
        self._pool = self._start(number)

    @staticmethod
    def _start(number: int) -> ProcessPoolExecutor:
        # Not by fork: threads read beside it.
        with _starting():
            return ProcessPoolExecutor(
                number, mp_context=get_context("spawn"), initializer=_begin_worker, initargs=(gc.get_threshold(),)
            )

    def submit(self, task: Callable[[D], T], data: D, account: str) -> Callable[[], T | Failed]:
        """Give it to the next process that is free."""
        with self._lock:
            try:
                future = _submitted(self._pool, task, data)
            except BrokenProcessPool:
                self._pool = self._start(self.at_once)
                future = _submitted(self._pool, task, data)
        return partial(self._result, future, task, data, account)

    def _result(self, future: Future[T | Failed], task: Callable[[D], T], data: D, account: str) -> T | Failed:
        try:
            return future.result()
        except BrokenProcessPool:
            return self._alone(task, data, account)

    def _alone(self, task: Callable[[D], T], data: D, account: str) -> T | Failed:
        pool = self._start(1)
        try:
            return _submitted(pool, task, data).result()
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


def _submitted(pool: ProcessPoolExecutor, task: Callable[[D], T], data: D) -> Future[T | Failed]:
    """Give a task to a pool, which may start processes for it."""
    with _starting():
        return pool.submit(attempt, task, data)


@contextmanager
def _starting() -> Iterator[None]:
    """While processes may be started, of a pool or the one with which multiprocessing tidies up after them.

    Ctrl+c is for the process that starts the others and ends them: they have it blocked from their first moment on.
    They begin with `python -c`, which would first look for modules in the folder one stands in.
    """
    with _ONE_AT_A_TIME:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
        path = os.environ.get("PYTHONSAFEPATH")
        os.environ["PYTHONSAFEPATH"] = "1"
        try:
            yield
        finally:
            os.environ.pop("PYTHONSAFEPATH")
            if path is not None:
                os.environ["PYTHONSAFEPATH"] = path
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


_ONE_AT_A_TIME: Final = Lock()


def _begin_worker(rounds: tuple[int, int, int]) -> None:
    """Have a process end with the one that started it, also where that is ended without a chance to say so.

    Args:
        rounds: how often that one looks for garbage, so that this one does so as rarely.
    """
    gc.set_threshold(*rounds)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


class RayWorkers:
    """Actors of a Ray cluster, as many as are wanted, or one for each of its processors.

    Ray starts them again elsewhere where a node goes, and tries their tasks again.

    Args:
        address: of the cluster; "auto" is the one of this machine, and "local" starts one for this run.

    Raises:
        Problem: Ray is not installed, the cluster cannot be reached, or has another iamtui.
    """

    def __init__(self, address: str, wanted: int | None = None) -> None:
        # Ray would tell its makers about the cluster that it starts.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            ray: Any = importlib.import_module("ray")  # an extra, and a second of the start
        except ImportError:
            raise Problem("Ray is not installed.", "From a checkout: pipx install --force '.[ray]'") from None
        self._ray = ray
        # What becomes of workers would stand between our rows: Ray writes it to stdout, also without `log_to_driver`.
        ray._private.worker.print_to_stdstream = _print_nothing  # noqa: SLF001 - there is no other way
        try:
            ray.init(address, namespace="iamtui", log_to_driver=False, logging_level=logging.CRITICAL)
        except Exception as error:  # noqa: BLE001 - Ray raises anything
            raise Problem(
                f"The Ray cluster {safe_text(address)} cannot be reached: {safe_text(error, limit=300)}.",
                "Start one with `ray start --head`, and give its address, or auto.",
            ) from None
        try:
            self.at_once = min(wanted or max(1, int(ray.cluster_resources().get("CPU", 1))), _MOST_ACTORS)
            kind = ray.remote(max_restarts=-1, max_task_retries=_TRIES)(_Actor)
            self._actors: list[Any] = [
                kind.options(scheduling_strategy=place).remote(gc.get_threshold())
                for place in islice(cycle(_places(ray)), self.at_once)
            ]
            found = {*ray.get([actor.version.remote() for actor in self._actors])}
        except Exception as error:  # noqa: BLE001 - as above
            ray.shutdown()
            raise Problem(
                f"iamtui cannot be started on the Ray cluster: {safe_text(error, limit=300)}.",
                f"Install iamtui {__version__} on each of its nodes.",
            ) from None
        if found != {__version__}:
            ray.shutdown()
            raise Problem(
                f"The Ray cluster has iamtui {', '.join(sorted(found))}, and this is {__version__}.",
                "Install the same version everywhere.",
            )
        self._places = count()

    def submit(self, task: Callable[[D], T], data: D, account: str) -> Callable[[], T | Failed]:
        """Give it to the next actor."""
        actor = self._actors[next(self._places) % len(self._actors)]
        return partial(self._result, actor.do.remote(task, data), task, data, account)

    def _result(self, reference: Any, task: Callable[[D], T], data: D, account: str) -> T | Failed:
        try:
            found: T | Failed = self._ray.get(reference)
            return found
        except self._ray.exceptions.RayError:
            return self._alone(task, data, account)

    def _alone(self, task: Callable[[D], T], data: D, account: str) -> T | Failed:
        """Do it in an actor of its own: it may not be the account that ends them."""
        actor = self._ray.remote(max_restarts=0)(_Actor).remote(gc.get_threshold())
        try:
            found: T | Failed = self._ray.get(actor.do.remote(task, data))
            return found
        except self._ray.exceptions.RayError as error:
            raise Problem(
                f"The worker that read account {account} came to an end: {type(error).__name__}.",
                "Do the nodes have enough memory?",
            ) from None
        finally:
            self._ray.kill(actor)

    def close(self) -> None:
        """End the actors and leave the cluster."""
        self._ray.shutdown()


def _print_nothing(*_given: object, **_named: object) -> None:
    """In place of a printer."""


def _places(ray: Any) -> list[Any]:
    """A place for each processor of the cluster, which Ray prefers: its own SPREAD may leave a node without work."""
    strategies = importlib.import_module("ray.util.scheduling_strategies")
    return [
        strategies.NodeAffinitySchedulingStrategy(node["NodeID"], soft=True)
        for node in ray.nodes()
        if node["Alive"]
        for _ in range(int(node["Resources"].get("CPU", 0)))
    ] or ["SPREAD"]


class _Actor:
    """Does tasks in a process of the cluster."""

    def __init__(self, rounds: tuple[int, int, int]) -> None:
        gc.set_threshold(*rounds)

    def version(self) -> str:
        return __version__

    def do(self, task: Callable[[D], T], data: D) -> T | Failed:
        return attempt(task, data)
