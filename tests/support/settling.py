"""Waiting until an app under test has nothing left to do, however slow the machine is.

Textual's own `pause` takes a process that gets no processor time for one that is idle, so under load it may return
before a worker has even begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic, process_time
from typing import Any

from textual._context import active_app
from textual.app import App
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.screen import Screen
from textual.worker import WorkerCancelled, WorkerFailed, WorkerState

from iamtui.tui.terminal_app import TerminalApp

_MOST_SECONDS = 90
_QUIET_ROUNDS = 3
_BUSY_SHARE = 0.05
_LOOK_SECONDS = 0.02


async def handled(_least: float = 0, _most: float = 1) -> None:
    """Wait until what was sent to the running app is handled and drawn: in the place of Textual's `wait_for_idle`.

    That one sleeps until the process uses next to no processor time, a quarter of a second for each key. Workers are
    waited for while they work: one that waits for something else is the test's to let go on.
    """
    app: App[Any] = active_app.get()
    end = monotonic() + _MOST_SECONDS
    while monotonic() < end:
        await nothing_ready()
        if app._exit or not app.screen_stack or not (_drawn(app.screen) or await _worked(app, end)):
            return


async def nothing_ready() -> None:
    """Wait until every task waits for something that has not happened: no message is left that anybody handles."""
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    quiet = 0
    while quiet < _QUIET_ROUNDS:
        await asyncio.sleep(0)
        quiet = 0 if ready else quiet + 1


async def _worked(app: App[Any], end: float) -> bool:
    """Wait for the workers that are at work, until a moment of `monotonic`; returns whether there were any."""
    while tasks := [worker._task for worker in app.workers if not worker.is_finished and worker._task is not None]:
        assert monotonic() < end, "a worker did not come to rest"
        used = process_time()
        done, _ = await asyncio.wait(tasks, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if done:
            return True
        if process_time() - used < _LOOK_SECONDS * _BUSY_SHARE:
            return False
    return False


_wait_for_all = Pilot._wait_for_screen


async def screen_at_rest(pilot: Pilot[Any], timeout: float = 30.0) -> bool:
    """Wait until every widget of the screen has handled its messages: in the place of `Pilot._wait_for_screen`.

    That one sends each widget a message to find out, which for the main screen takes as long as all that a key does.
    """
    await nothing_ready()
    app = pilot.app
    if app.screen_stack and all(map(_waits, (app, *app.screen.walk_children(with_self=True)))):
        return True
    return await _wait_for_all(pilot, timeout)


async def handled_and_painted(_least: float = 0, _most: float = 1) -> None:
    """As `handled`, for a test that looks at what was painted."""
    await handled()
    while _paint_changes(active_app.get()):
        # What is painted may have something else laid out.
        await handled()


paint = Screen._compositor_refresh


def _paint_changes(app: App[Any]) -> bool:
    """Paint what changed since the last time; returns whether there was anything."""
    if app._exit or not app.screen_stack or not app.screen._compositor._dirty_regions:
        return False
    with app._context():
        paint(app.screen)
    return True


def painted_at_rest(screen: Screen[Any]) -> None:
    """In the place of `Screen._compositor_refresh`: note what changed, which is painted when all has come to rest.

    Nobody sees the frames between, which take a third of a test's time.
    """
    if screen is not screen.app.screen or screen.app.is_inline:
        paint(screen)
        return
    screen._dirty_widgets.clear()
    screen.app._update_mouse_over(screen)


def _waits(pump: MessagePump) -> bool:
    """Whether it waits for its next message, and is not in the middle of one."""
    comes = pump._message_queue.ready_event
    return not comes.is_set() and bool(comes._waiters)  # type: ignore[attr-defined]


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until no key waits, no worker runs, no widget of any screen has a message left, and all of it is drawn.

    Timers are not waited for, nor what they will start.
    """
    end = monotonic() + _MOST_SECONDS
    while monotonic() < end:
        await nothing_ready()
        if pilot.app._exception is not None:
            # It has crashed: nothing goes on, and its error is raised where the test leaves the app.
            return
        unfinished = [worker for worker in pilot.app.workers if not worker.is_finished]
        for worker in unfinished:
            if worker.state is WorkerState.PENDING:
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            # One that was cancelled or has failed has ended too; what the app makes of it is the test's to look at.
            with suppress(WorkerCancelled, WorkerFailed):
                await worker.wait()
        if unfinished or _drawn_all(pilot.app):
            continue
        if _has_keys(pilot.app):
            await asyncio.sleep(_LOOK_SECONDS)
            continue
        # Nor is anybody in the middle of a message, waiting for something.
        await pilot._wait_for_screen()
        await nothing_ready()
        # What was handled meanwhile may have begun a worker.
        if (
            all(worker.is_finished for worker in pilot.app.workers)
            and not any(pump.message_queue_size for pump in _pumps(pilot))
            and not _has_keys(pilot.app)
            and not _drawn_all(pilot.app)
            and not _paint_changes(pilot.app)
        ):
            return
    raise AssertionError("the app did not come to rest")


def _drawn_all(app: App[Any]) -> bool:
    """Draw the screens that can be seen, the lowest first: one above draws again what changed below it."""
    drawn = [_drawn(screen) for screen in (*app._background_screens, app.screen)]
    return any(drawn)


def _drawn(screen: Screen[Any]) -> bool:
    """Draw what waits for the next frame, and start what waits for that; returns whether there was anything."""
    if screen.app._exit or not screen.is_current:
        # Nothing draws any more what an app has left to draw that has ended, or a screen that nothing shows.
        return False
    if screen.app._resize_event is not None:
        # Resizes wait for others that may follow.
        screen.app._check_resize()
        return True
    # A screen below a dialog keeps the mark that it is to be drawn for as long as the dialog is there.
    marked = screen._repaint_required and screen is screen.app.screen
    if not (marked or screen._layout_required or screen._dirty_widgets or screen._callbacks):
        return False
    screen._on_timer_update()
    return True


def _has_keys(app: App[Any]) -> bool:
    """Whether a key waits for the way of the one before, which ends for a moment where that has closed a dialog."""
    return isinstance(app, TerminalApp) and not app._exit and app.key_order.is_waiting


def _pumps(pilot: Pilot[Any]) -> Iterator[MessagePump]:
    yield pilot.app
    for screen in pilot.app.screen_stack:
        yield from screen.walk_children(with_self=True)
