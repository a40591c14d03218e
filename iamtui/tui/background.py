"""Work in threads beside the screen: compiling policies, and handing results and failures to the widget."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Event
from time import monotonic, sleep
from typing import Any, Final, TypeVar
from weakref import ref

from textual.app import App
from textual.dom import DOMNode
from textual.widget import Widget
from textual.worker import Worker, active_worker, get_current_worker

from iamtui.account.model import Account
from iamtui.problem import Problem
from iamtui.tui.content import Severity, plain
from iamtui.tui.textual_internals import forget_handled_messages
from iamtui.tui.widgets.status import Notice
from iamtui.workspace.source.workspace import Workspace

STARTED_SECONDS: Final = 1.0
"""How long after the first frame the start is taken to be over."""


# Getting an account's policies ready to be asked about, in a thread, without the screen noticing.


_TURN_SECONDS: Final = 0.002
"""How long the thread works before it lets the screen have a turn, and how long it then waits."""

_COMPILED: Final = "everybody's policies are compiled"


def compile_all(workspace: Workspace, cancelled: Callable[[], bool]) -> None:
    """Compile the policies of every user and role, so that the first question need not wait; stops when cancelled.

    It has time: it works no more than half of it, and what is asked meanwhile is answered as ever.
    """
    from iamtui.workspace.ask.questions import make_ready

    if workspace.account.memo.get(_COMPILED):
        return
    turn = monotonic()
    for _ in make_ready(workspace):
        if cancelled():
            return
        if monotonic() - turn >= _TURN_SECONDS:
            sleep(_TURN_SECONDS)
            turn = monotonic()
    workspace.account.memo[_COMPILED] = True


def giving_turns(worker: Worker[Any]) -> Callable[[], bool]:
    """Cancellation check of a worker that also lets the screen run, if called often enough.

    The interpreter's lock is let go only now and then by itself, and the screen needs it.
    """
    turn = monotonic()

    def cancelled() -> bool:
        nonlocal turn
        if monotonic() - turn >= _TURN_SECONDS:
            sleep(0)
            turn = monotonic()
        return worker.is_cancelled

    return cancelled


_WAY_SECONDS: Final = 0.3
_LOOK_SECONDS: Final = 0.02
_touched_at = float("-inf")


def note_input() -> None:
    """Note that the user does something: what nobody waits for gives way."""
    global _touched_at  # noqa: PLW0603 - threads of any widget give way
    _touched_at = monotonic()


def yield_to_user(cancelled: Callable[[], bool]) -> Callable[[], bool]:
    """Cancellation check for unrequested work: pauses while the user is active, and a moment longer."""

    def cancelled_or_waiting() -> bool:
        while not cancelled() and monotonic() - _touched_at < _WAY_SECONDS:
            sleep(_LOOK_SECONDS)
        return cancelled()

    return cancelled_or_waiting


# Work in threads beside the screen: how its results and its failures come back to the widget that wants them.


T = TypeVar("T")

_DRAWN_SECONDS: Final = 0.3
"""How long it is waited at most for what is to be drawn; where the screen ends, nothing is."""


class Work:
    """A piece of work, as the thread that does it sees it."""

    def __init__(self, widget: Widget, worker: Worker[None]) -> None:
        self._widget = widget
        self._worker = worker
        self.cancelled = giving_turns(worker)
        """Cancellation check, which also lets the screen run if called often enough."""

    def tell(self, callback: Callable[..., object], *args: object) -> None:
        """Call the widget in the screen's thread, unless the work has been cancelled by then."""
        self._widget.call_later(self._tell, callback, args)

    def let_draw(self) -> None:
        """Wait until the screen has drawn what is pending, such as a result just handed to it.

        Work that nobody waits for would take the processor from it.
        """
        drawn = Event()
        self._widget.call_later(self._widget.call_after_refresh, drawn.set)
        drawn.wait(_DRAWN_SECONDS)

    def _tell(self, callback: Callable[..., object], args: tuple[object, ...]) -> None:
        if not self._worker.is_cancelled:
            callback(*args)


def run_worker_in_thread(
    owner: DOMNode, work: Callable[[], object], name: str = "", *, group: str = "default", exclusive: bool = False
) -> None:
    """Run a worker in a thread, which then keeps nothing of it: no account, no session.

    A thread waits for its next work in the context of the last one, and Textual puts the worker into it.
    """

    def run() -> None:
        try:
            work()
        finally:
            active_worker.set(_NOBODY)

    owner.run_worker(run, name, group=group, exclusive=exclusive, exit_on_error=False, thread=True)


def in_thread(
    widget: Widget,
    work: Callable[[Work], None],
    failed: Callable[[Problem], object] | None = None,
    *,
    name: str,
    group: str = "default",
    next_step: str = "",
) -> None:
    """Do a widget's work in a thread that ends with the widget, in place of what its group is at.

    Args:
        failed: is told of a problem, also of one that nobody foresaw; None: it is posted as a Notice.
        name: what is being done, for the sentence about an unforeseen error, such as `asking AWS`.
        next_step: what to do after such an error.
    """

    def say(problem: Problem) -> None:
        widget.post_message(Notice(plain(problem), Severity.ERROR))

    refuse = failed or say

    def run() -> None:
        worker = get_current_worker()
        task = Work(widget, worker)
        try:
            work(task)
        except Problem as problem:
            task.tell(refuse, problem)
        except Exception as error:  # noqa: BLE001 - any error becomes a sentence, without its words
            task.tell(refuse, Problem(failure_words(error, name), next_step))

    run_worker_in_thread(widget, run, name, group=group, exclusive=True)


def compile_once_drawn(widget: Widget, workspace: Workspace) -> None:
    """Compile everybody's policies once the account is on screen, so that the first question need not wait."""

    def compile_behind(work: Work) -> None:
        work.let_draw()
        compile_all(workspace, work.cancelled)

    in_thread(widget, compile_behind, name="getting the policies ready", group="engine")


_NOBODY: Final[Any] = None

_REST_SECONDS: Final = 2.0
"""How long nobody has touched a key, and how long after an account was replaced, before garbage is looked for."""


_HANDLED_SECONDS: Final = 0.1


def free_replaced_account(app: App[None], account: Account) -> None:
    """Free the account that was on screen, without what was derived from it: evaluators hold the account that has them.

    Closed screens that showed it are a circle, too. If any is there, the collector looks for it once all is at rest,
    since it holds up the screen for long where the account is large.
    """
    account.memo.clear()
    replaced = ref(account)

    def free(rest: float) -> None:
        if replaced() is None or not app.is_running:
            return
        if monotonic() - _touched_at < _REST_SECONDS or any(worker.is_running for worker in app.workers):
            app.set_timer(rest, partial(free, rest))
            return
        forget_handled_messages(app)
        app.set_timer(_HANDLED_SECONDS, partial(collect, rest))

    def collect(rest: float) -> None:
        gc.collect()
        return_memory()
        # Something may hold it yet, such as a mark to compare with: it is looked for again, ever more seldom.
        app.set_timer(2 * rest, partial(free, 2 * rest))

    app.set_timer(_REST_SECONDS, partial(free, _REST_SECONDS))


def return_memory() -> None:
    """Give back to the system what was freed: where several threads have used memory glibc keeps it otherwise."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def get_in_thread(
    widget: Widget,
    get: Callable[[], T],
    done: Callable[[T], object],
    failed: Callable[[Problem], object] | None = None,
    *,
    name: str,
    group: str = "default",
) -> None:
    """Get one thing in a thread, as `in_thread` does, and hand it to the widget; its Problem too is for `failed`."""

    def hand_over(found: T) -> None:
        try:
            done(found)
        except Problem as problem:
            if failed is None:
                raise
            failed(problem)

    in_thread(widget, lambda work: work.tell(hand_over, get()), failed, name=name, group=group)


def worker_failure(worker: Worker[Any]) -> str:
    """A worker that failed in one sentence."""
    if isinstance(worker.error, Problem):
        return str(worker.error)
    named = worker.name if worker.name and worker.name.isprintable() and "<" not in worker.name else ""
    return failure_words(worker.error, named)


def failure_words(error: BaseException | None, doing: str) -> str:
    """An error that nobody foresaw in a sentence: its kind, but not its words, which may hold data."""
    return f"{type(error).__name__}, an error in iamtui{f' while {doing}' if doing else ''}."
