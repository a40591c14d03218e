"""Waiting until an app under test has nothing left to do, however slow the machine is.

Textual's own `pause` takes a process that gets no processor time for one that is idle, so under load it may return
before a worker has even begun.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.screen import Screen
from textual.worker import WorkerCancelled, WorkerFailed, WorkerState

_MOST_ROUNDS = 500


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until no worker runs, no widget of any screen has a message left to handle, and all of it is drawn.

    Timers are not waited for, nor what they will start.
    """
    quiet = 0
    for _ in range(_MOST_ROUNDS):
        # Every message that is queued now is handled afterwards; what it posts is for the next round.
        await pilot._wait_for_screen()
        unfinished = [worker for worker in pilot.app.workers if not worker.is_finished]
        for worker in unfinished:
            if worker.state is WorkerState.PENDING:
                continue
            # One that was cancelled or has failed has ended too; what the app makes of it is the test's to look at.
            with suppress(WorkerCancelled, WorkerFailed):
                await worker.wait()
        if unfinished or any(pump.message_queue_size for pump in _pumps(pilot)) or _drawn(pilot.app.screen):
            quiet = 0
        else:
            quiet += 1
            if quiet == 2:
                return
    raise AssertionError("the app did not come to rest")


def _drawn(screen: Screen[Any]) -> bool:
    """Draw what waits for the next frame, and start what waits for that; returns whether there was anything."""
    if screen.app._exit or not screen.is_current:
        # Nothing draws any more what an app has left to draw that has ended, or a screen under another one.
        return False
    if not (screen._layout_required or screen._repaint_required or screen._dirty_widgets or screen._callbacks):
        return False
    screen._on_timer_update()
    return True


def _pumps(pilot: Pilot[Any]) -> Iterator[MessagePump]:
    yield pilot.app
    for screen in pilot.app.screen_stack:
        yield from screen.walk_children(with_self=True)
