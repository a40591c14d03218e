"""Whether the terminal is still there."""

from __future__ import annotations

import os
import select
import signal
import sys
from typing import Final

LOOK_SECONDS: Final = 2.0
"""How often the screen looks whether its terminal is still there."""


def terminal_is_gone() -> bool:
    """Whether the terminal on standard input has hung up: nothing reads it any more."""
    if sys.__stdin__ is None or not hasattr(select, "poll"):
        return False
    try:
        watched = select.poll()
        watched.register(sys.__stdin__.fileno(), 0)
        return any(event & select.POLLHUP for _, event in watched.poll(0))
    except (OSError, ValueError):
        return False


def hang_up() -> None:
    """Do what the system does when a terminal goes: SIGHUP, whose handlers clear the clipboard and end the process.

    A process without a controlling terminal gets no such signal, and Textual would read the end of its input for
    ever. Where SIGHUP is ignored (`nohup`), SIGTERM does the same: without its terminal a screen cannot go on.
    """
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    os.kill(os.getpid(), signal.SIGTERM if ignored else signal.SIGHUP)
