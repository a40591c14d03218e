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
from textual.worker import WorkerCancelled, WorkerFailed, WorkerState

_MOST_ROUNDS = 500


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until no worker runs and no widget of any screen has a message left to handle.

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
        if unfinished:
            quiet = 0
        elif not any(pump.message_queue_size for pump in _pumps(pilot)):
            quiet += 1
            if quiet == 2:
                return
        else:
            quiet = 0
    raise AssertionError("the app did not come to rest")


def _pumps(pilot: Pilot[Any]) -> Iterator[MessagePump]:
    yield pilot.app
    for screen in pilot.app.screen_stack:
        yield from screen.walk_children(with_self=True)
