"""Work in threads beside the screen, and keeping the garbage collector from pausing it while they make what stays.

A round through all that a large account's answers are made of takes a fifth of a second, holds the interpreter's
lock meanwhile, and finds next to nothing: the catalogue, compiled policies and parsed documents are kept.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from time import monotonic, sleep
from typing import Any, Final, TypeVar

from textual.app import App
from textual.widget import Widget
from textual.worker import Worker, get_current_worker

from iamtui.account.model import Account
from iamtui.problem import Problem
from iamtui.tui import lazy
from iamtui.tui.content import Severity, plain
from iamtui.tui.textual_internals import forget_drawn_widgets
from iamtui.tui.widgets.status import Notice
from iamtui.workspace.workspace import Workspace

_MANY: Final = 20_000
"""Objects from which on what was made is left out of later rounds; fewer are soon looked through."""

_TOO_MANY: Final = 12_000
"""Objects that stayed, from which on they are left out: so many, and what a closed screen leaves, take 10 ms."""

_ROUNDS: Final = 20_000, 10, 1_000
"""How many objects, and rounds through those of less age, make a round worth it. One key makes seven thousand objects
that nearly all go by themselves; Python's own numbers have it look through them a dozen times meanwhile, and now and
then through everything, which takes longer than a frame."""

_PAUSES: Final = 5
"""After how many pauses what has stayed since is looked through as well."""

_lock = Lock()
_makers = 0
_stays = False
"""Whether something of what is being made now is made to stay."""
_is_on = False
"""Whether the collector is on while nobody is making anything."""
_touched_at = float("-inf")
"""When the user did something last."""
_is_left_out = False
"""Whether something was left out of the rounds, and may have become garbage, since everything was looked through."""


@contextmanager
def making(*, stays: bool = False) -> Iterator[None]:
    """Look for no garbage while this lasts.

    For work in threads; several may be at it. It changes nothing where the collector is off anyway.

    Args:
        stays: whether what is made is kept: much of it is then left out of the collector's rounds. So is all else that
            is there at that moment, and what of that becomes garbage waits for `look_through_all`.
    """
    global _makers, _is_on, _stays, _is_left_out  # noqa: PLW0603 - the collector is the process's own
    with _lock:
        if not _makers:
            _is_on = gc.isenabled()
            gc.disable()
        _makers += 1
        _stays = _stays or stays
    try:
        yield
    finally:
        with _lock:
            _makers -= 1
            if not _makers and _is_on:
                if _stays and gc.get_count()[0] > _MANY:
                    gc.freeze()
                    _is_left_out = True
                gc.enable()
            if not _makers:
                _stays = False


def begin_rounds() -> None:
    """Look for garbage from now on, at its own times, but not in what the start made: that stays.

    While something is being made, such as the policies of a large account that are compiled, from its end on.
    """
    global _is_on  # noqa: PLW0603 - as above
    with _lock:
        gc.freeze()
        gc.set_threshold(*_ROUNDS)
        if _makers:
            _is_on = True
        else:
            gc.enable()


def look_through_new() -> None:
    """Look through what was made since the last round, before that is so much that it takes half a frame.

    For a moment in which nothing is being drawn.
    """
    if gc.isenabled() and gc.get_threshold() == _ROUNDS:
        gc.collect(1 if gc.get_count()[1] >= _PAUSES else 0)


def look_through_closed() -> None:
    """Look for what a closed screen has left: its parts refer to each other, so nothing else takes them away.

    Everything is looked through that was made since the start, or since much was left out. What has stayed is left out
    in its turn once it is much, such as what the first dialog of a kind has loaded.
    """
    global _is_left_out  # noqa: PLW0603 - as above
    if gc.isenabled() and gc.get_threshold() == _ROUNDS:
        gc.collect()
        if len(gc.get_objects(generation=2)) > _TOO_MANY:
            gc.freeze()
            _is_left_out = True


def look_through_all(*, at_once: bool = False) -> None:
    """Look through everything, also what was left out before, and leave out what is there. For when nobody is waiting:
    it takes as long as a key may, and for a large account several times as long.

    Args:
        at_once: also where the collector keeps times of its own: a secret was drawn, and what drew it is garbage now.
    """
    global _is_left_out  # noqa: PLW0603 - as above
    if gc.isenabled() and gc.get_threshold() == _ROUNDS:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        _is_left_out = False
    elif at_once:
        gc.collect()


LULL_SECONDS: Final = 20.0
"""How long nobody has done anything when garbage is looked for in everything; how often that is thought of."""

_LULL_OF_AN_OBJECT: Final = 0.0002
"""How much longer for each object: to look through all of a large account takes a second, in which no key is read."""

PAUSE_SECONDS: Final = 0.15
"""How long after a key, when what it changed is on screen, garbage is looked for in what was made meanwhile."""

STARTED_SECONDS: Final = 1.0
"""How long after the first frame the start is taken to be over."""


class GarbageRounds:
    """Looks for an app's garbage when nobody waits: in the pause behind a key, and while nobody does anything."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._touched_at = monotonic()
        self._pauses = False
        self._has_closed = False

    def begin(self) -> None:
        """Begin when the start is over, unless something else looks for garbage."""
        if not gc.isenabled():
            self._app.set_timer(STARTED_SECONDS, begin_rounds)
            self._app.set_interval(LULL_SECONDS, self._use_lull)

    def touch(self, *, closed: bool = False) -> None:
        """The user did something; `closed`: a screen goes."""
        global _touched_at  # noqa: PLW0603 - threads of any widget give way
        self._touched_at = _touched_at = monotonic()
        self._has_closed = self._has_closed or closed
        if not self._pauses:
            self._pauses = True
            self._app.set_timer(PAUSE_SECONDS, self._use_pause)

    def _use_pause(self) -> None:
        self._pauses = False
        if self._has_closed and len(self._app.screen_stack) == 1:
            self._has_closed = False
            forget_drawn_widgets()
            look_through_closed()
        else:
            look_through_new()

    def _use_lull(self) -> None:
        """Where something was left out that may be garbage by now: all else is looked through in the pauses.

        Not before a dialog is closed, which would be left out with all that is there.
        """
        lull = monotonic() - self._touched_at
        if not _is_left_out or lull < LULL_SECONDS or len(self._app.screen_stack) > 1:
            return
        if lull >= gc.get_freeze_count() * _LULL_OF_AN_OBJECT:
            look_through_all()


# Getting an account's policies ready to be asked about, in a thread, without the screen noticing.


_TURN_SECONDS: Final = 0.002
"""How long the thread works before it lets the screen have a turn, and how long it then waits."""

_COMPILED: Final = "everybody's policies are compiled"


def compile_all(workspace: Workspace, cancelled: Callable[[], bool]) -> None:
    """Compile the policies of every user and role, so that the first question need not wait; stops when cancelled.

    It has time: it works no more than half of it, and what is asked meanwhile is answered as ever.
    """
    if workspace.account.memo.get(_COMPILED):
        return
    with few_pauses(workspace.account):
        turn = monotonic()
        for _ in lazy.questions.make_ready(workspace):
            if cancelled():
                return
            if monotonic() - turn >= _TURN_SECONDS:
                sleep(_TURN_SECONDS)
                turn = monotonic()


def giving_turns(worker: Worker[Any]) -> Callable[[], bool]:
    """Whether a worker was cancelled; asked often enough, the screen gets its turns meanwhile.

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


def giving_way(cancelled: Callable[[], bool]) -> Callable[[], bool]:
    """The same for work that nobody asked for: it stands still while the user does something, and a moment longer."""

    def cancelled_or_waiting() -> bool:
        while not cancelled() and monotonic() - _touched_at < _WAY_SECONDS:
            sleep(_LOOK_SECONDS)
        return cancelled()

    return cancelled_or_waiting


@contextmanager
def few_pauses(account: Account) -> Iterator[None]:
    """Keep the garbage collector from pausing the screen while the account's policies are compiled, or all are asked.

    What is compiled is kept for as long as the account is, so looking through it for garbage, which takes half a
    second for six thousand principals, finds none; afterwards it is left out of the collector's rounds.
    """
    with making(stays=not account.memo.get(_COMPILED)):
        yield
        account.memo[_COMPILED] = True


# An account that was read anew since: freed all at once, it would keep the interpreter's lock for several frames.


_LARGE: Final = 256
"""Entries from which on a table is freed entry by entry."""

_LONGEST_HELD: Final = 60.0
"""Seconds for which parts of an account are held that something else still holds, such as work that was cancelled, or
answers that refer to it: those the collector takes away in the next lull."""


def free_in_pieces(workspace: Workspace | None) -> None:
    """Free accounts that nothing refers to any more, or soon nothing will, piece by piece in a thread."""
    for one in (workspace, *workspace.beside) if workspace is not None else ():
        Thread(target=_free, args=([one.account],), name="freeing an account", daemon=True).start()


def _free(accounts: list[Account]) -> None:
    global _is_left_out  # noqa: PLW0603 - as above
    account, gone = accounts.pop(), Event()
    weakref.finalize(account, gone.set).atexit = False
    pieces = pieces_of(account)
    del account
    if not gone.wait(_LONGEST_HELD):
        _is_left_out = True
    while pieces:
        pieces.pop()


def pieces_of(account: Account) -> list[object]:
    """What an account and all that was derived from it consist of, in pieces of which each is freed in no time once
    the account is gone and those behind it are."""
    tables = [value for name, value in list(vars(account).items()) if name != "memo"]
    entries: list[object] = []
    others: list[object] = []
    for key, derived in list(account.memo.items()):
        others.append(key)
        tables.extend(list(getattr(derived, "__dict__", {}).values()) or (derived,))
    for table in tables:
        if not isinstance(table, dict | tuple | list) or len(table) < _LARGE:
            others.append(table)
        else:
            entries.extend(table.items() if isinstance(table, dict) else table)
    # Some of the others still refer to a whole table.
    return [*entries, *others]


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
        """Whether nobody wants it any more; asked often enough, the screen gets its turns meanwhile."""

    def tell(self, callback: Callable[..., object], *args: object) -> None:
        """Call the widget in the screen's thread, unless the work has been cancelled by then."""
        self._widget.call_later(self._tell, callback, args)

    def let_draw(self) -> None:
        """Wait until the screen has drawn what there was to draw, such as what it was told: work that nobody waits for
        would take the processor from it."""
        drawn = Event()
        self._widget.call_later(self._widget.call_after_refresh, drawn.set)
        drawn.wait(_DRAWN_SECONDS)

    def _tell(self, callback: Callable[..., object], args: tuple[object, ...]) -> None:
        if not self._worker.is_cancelled:
            callback(*args)


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
        task = Work(widget, get_current_worker())
        try:
            work(task)
        except Problem as problem:
            task.tell(refuse, problem)
        except Exception as error:  # noqa: BLE001 - any error becomes a sentence, without its words
            task.tell(refuse, Problem(failure_words(error, name), next_step))

    widget.run_worker(run, name, group=group, exclusive=True, exit_on_error=False, thread=True)


def compile_once_drawn(workspace: Workspace, work: Work) -> None:
    """Compile everybody's policies behind the numbers of the overview, which begin to be counted at the same time."""
    work.let_draw()
    compile_all(workspace, work.cancelled)


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
