"""Whether the terminal is still there, and giving it back to the shell that job control stops this process for."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Final

LOOK_SECONDS: Final = 2.0
"""How often the screen looks whether its terminal is still there."""

_STOP_SECONDS: Final = 0.05
"""How long it takes at most until a signal that stops the process has done so."""


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


class JobControl:
    """Stops the process for its shell (SIGTSTP, `ctrl+z`), and tells when it is continued (SIGCONT, `fg`).

    Textual's own handlers stop with SIGSTOP, which also freezes a process that no shell can continue, leave a program
    that started this one (`uvx`, `make`) waiting in the foreground, and take a SIGCONT after somebody else's SIGSTOP
    for one after their own.

    Args:
        stop: called for SIGTSTP.
        continued: called for a SIGCONT that follows no `stop_here`.

    Both are called inside signal handlers, in the main thread.
    """

    def __init__(self, stop: Callable[[], object], continued: Callable[[], object]) -> None:
        self._stop = stop
        self._continued = continued
        self._is_stopping = False
        self._continuations = 0

    def install(self) -> None:
        """Take the signals, in the main thread."""
        signal.signal(signal.SIGTSTP, lambda *_: self._stop())
        signal.signal(signal.SIGCONT, self._note_continuation)

    def stop_here(self) -> bool:
        """Stop this process and those that were started with it, as a terminal does for its key, until `fg`.

        Returns:
            False when there is no shell that could continue them: the system then stops nobody.
        """
        was_stopped, self._is_stopping = False, True
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        try:
            while True:
                before = self._continuations
                os.kill(0, signal.SIGTSTP)
                # Another thread may be the one that the system stops the process by.
                time.sleep(_STOP_SECONDS)
                if self._continuations == before:
                    return was_stopped
                was_stopped = True
                # After `bg` it runs without the terminal, and could only wait for it.
                if _has_terminal():
                    return True
        finally:
            signal.signal(signal.SIGTSTP, handler)
            self._is_stopping = False

    def _note_continuation(self, *_: object) -> None:
        self._continuations += 1
        if not self._is_stopping:
            self._continued()


def stop_at_once() -> None:
    """Stop this process alone, while another program has the terminal."""
    os.kill(os.getpid(), signal.SIGSTOP)


def _has_terminal() -> bool:
    try:
        return sys.__stdin__ is None or os.tcgetpgrp(sys.__stdin__.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return True
