"""Calls of one load beside each other, in threads that nothing at the end of the program waits for; their progress."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from typing import Final, Protocol, TypeVar

from iamtui.account.model import Fact, Known, Missing
from iamtui.aws.errors import AwsProblem
from iamtui.aws.retries import Retries, retrying

T = TypeVar("T")


class Step(Protocol):
    """Told now and then what is being read, how many things came so far, and what is waited for; raises to cancel."""

    def __call__(self, what: str, done: int, waiting: str = "", /) -> None:
        """Tell it."""


def no_step(_what: str, _done: int, _waiting: str = "") -> None:
    """A Step that nobody listens to."""


ACCESS_DENIED: Final = "access denied"
"""Why a call gave nothing that the caller may not make."""


def failure(problem: AwsProblem) -> str:
    """Why a call gave nothing, as a short phrase for Missing and Gap."""
    if problem.denied:
        return ACCESS_DENIED
    return problem.sentence.rstrip(".")


_LOOK_SECONDS: Final = 0.1
"""Longest time between two calls of `step`, which shows the progress and may stop the load."""


_REFUSALS: Final = 5
"""Refusals of a permission, without a success, after which it is not tried again."""


class FactReader:
    """Reads facts, each by itself; what makes every call fail is found out once.

    Attributes:
        broken: the failure of a call that every other call would share, or None.
        may_pass: whether something is lacking that may come when it is asked for again.
    """

    def __init__(self) -> None:
        self.broken: AwsProblem | None = None
        self.may_pass = False
        self._given: set[str] = set()
        self._refused: dict[str, int] = {}

    def begin_again(self) -> None:
        """Forget the failures: what makes calls fail may have been mended."""
        self.broken, self.may_pass = None, False
        self._refused.clear()

    def fact(self, permission: str, read: Callable[[], T]) -> Fact[T]:
        """Result of `read`, or why it failed."""
        if self.broken is not None:
            return Missing(failure(self.broken), permission)
        if permission not in self._given and self._refused.get(permission, 0) >= _REFUSALS:
            return Missing(ACCESS_DENIED, permission)
        try:
            value = read()
        except AwsProblem as problem:
            if problem.fatal:
                self.broken = problem
            self.may_pass = self.may_pass or problem.may_pass or problem.fatal
            if problem.denied:
                self._refused[permission] = self._refused.get(permission, 0) + 1
            return Missing(failure(problem), problem.permission or permission)
        self._given.add(permission)
        return Known(value)


class Tasks:
    """Does tasks that call AWS in the order in which they are given, some at a time; a context.

    Leaving it, by an exception too, stops what is under way: nobody waits for a call that gets no answer.

    Args:
        at_once: calls in flight. botocore keeps ten connections to one service.
        step: told by `watch` what is being waited for; an exception from it stops everything.
    """

    def __init__(self, at_once: int, step: Step) -> None:
        self.retries = Retries()
        self.what = ""
        """Name of the part being read, and `done` how much of it came, for `step`; any thread may set them."""
        self.done = 0
        self.at_once = at_once
        self._step = step
        self._waiting: deque[tuple[Future[object], Callable[[], object]]] = deque()
        self._running = 0
        self._lock = threading.Lock()
        self._stopped = False

    def __enter__(self) -> Tasks:
        return self

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self._stopped = True
            self._waiting.clear()
        self.retries.stop()

    def add(self, task: Callable[[], T]) -> Future[T]:
        """Have a task done by the next thread that is free."""
        future: Future[T] = Future()
        with self._lock:
            self._waiting.append((future, task))  # type: ignore[arg-type]  # the two belong together
            starts = self._running < self.at_once
            self._running += starts
        if starts:
            threading.Thread(target=self._work, name="reading AWS", daemon=True).start()
        return future

    def _work(self) -> None:
        with retrying(self.retries):
            while True:
                with self._lock:
                    if not self._waiting or self._stopped:
                        self._running -= 1
                        return
                    future, task = self._waiting.popleft()
                try:
                    found = task()
                except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
                    future.set_exception(error)
                else:
                    future.set_result(found)

    def watch(self, *futures: Future[T]) -> list[T]:
        """Wait for tasks, telling `step` how far it is, and return what they gave.

        Raises:
            Exception: what `step` or the first of the tasks that failed raised.
        """
        self.tell()
        waiting: set[Future[T]] = set(futures)
        while waiting:
            _, waiting = wait(waiting, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
            self.tell()
        return [future.result() for future in futures]

    def do_all(self, jobs: Iterable[Callable[[], T]]) -> list[T]:
        """Do jobs, which `done` counts, and return what they gave; as `watch`."""

        def counted(job: Callable[[], T]) -> T:
            made = job()
            self.done += 1
            return made

        return self.watch(*[self.add(partial(counted, job)) for job in jobs])

    def tell(self) -> None:
        """Tell `step` how far it is."""
        self._step(self.what, self.done, self.retries.waiting)
