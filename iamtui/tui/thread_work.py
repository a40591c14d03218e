"""Work in threads beside the screen: how its results and its failures come back to the widget that wants them."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any, Final, TypeVar

from textual.widget import Widget
from textual.worker import Worker, get_current_worker

from iamtui.problem import Problem

T = TypeVar("T")

_TURN_SECONDS: Final = 0.002
"""How long a thread works before it lets the screen have a turn."""


class Work:
    """A piece of work, as the thread that does it sees it."""

    def __init__(self, widget: Widget, worker: Worker[None]) -> None:
        self._widget = widget
        self._worker = worker
        self._turn = monotonic()

    def cancelled(self) -> bool:
        """Whether nobody wants it any more; asked often enough, the screen gets its turns meanwhile.

        The interpreter's lock is let go only now and then by itself, and the screen needs it.
        """
        if monotonic() - self._turn >= _TURN_SECONDS:
            sleep(0)
            self._turn = monotonic()
        return self._worker.is_cancelled

    def tell(self, callback: Callable[..., object], *args: object) -> None:
        """Call the widget in the screen's thread, unless the work has been cancelled by then."""
        self._widget.call_later(self._tell, callback, args)

    def _tell(self, callback: Callable[..., object], args: tuple[object, ...]) -> None:
        if not self._worker.is_cancelled:
            callback(*args)


def in_thread(
    widget: Widget,
    work: Callable[[Work], None],
    failed: Callable[[Problem], object],
    *,
    name: str,
    group: str = "default",
    next_step: str = "",
) -> None:
    """Do a widget's work in a thread that ends with the widget, in place of what its group is at.

    Args:
        failed: is told of a problem, also of one that nobody foresaw.
        name: what is being done, for the sentence about an unforeseen error, such as `asking AWS`.
        next_step: what to do after such an error.
    """

    def run() -> None:
        task = Work(widget, get_current_worker())
        try:
            work(task)
        except Problem as problem:
            task.tell(failed, problem)
        except Exception as error:  # noqa: BLE001 - any error becomes a sentence, without its words
            task.tell(failed, Problem(failure_words(error, name), next_step))

    widget.run_worker(run, name, group=group, exclusive=True, exit_on_error=False, thread=True)


def get_in_thread(
    widget: Widget,
    get: Callable[[], T],
    done: Callable[[T], object],
    failed: Callable[[Problem], object],
    *,
    name: str,
    group: str = "default",
) -> None:
    """Get one thing in a thread, as `in_thread` does, and hand it to the widget."""
    in_thread(widget, lambda work: work.tell(done, get()), failed, name=name, group=group)


def worker_failure(worker: Worker[Any]) -> str:
    """A worker that failed in one sentence."""
    if isinstance(worker.error, Problem):
        return str(worker.error)
    named = worker.name if worker.name and worker.name.isprintable() and "<" not in worker.name else ""
    return failure_words(worker.error, named)


def failure_words(error: BaseException | None, doing: str) -> str:
    """An error that nobody foresaw in a sentence: its kind, but not its words, which may hold data."""
    return f"{type(error).__name__}, an error in iamtui{f' while {doing}' if doing else ''}."
