"""Clipboard: the order in which routes are tried, what is known about a copy, and taking the text back.

The order: a command of the user's own; the desktop of this machine (not over SSH, where it would be the
wrong machine's, unless asked for); tmux; OSC 52 through the terminal. A secret goes through the terminal's stream,
which recorders of the session keep, only where the user has allowed it.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from types import FrameType
from typing import Any, Final

from msgspec import Struct

from iamtui.credentials.clipboard_routes import (
    ClearResult,
    ClearState,
    ClipboardRoute,
    CommandRoute,
    CopyResult,
    LocalRoute,
    TerminalRoute,
    TmuxRoute,
    encoded,
    fingerprint_of,
    local_tools,
    tmux_is_reachable,
)
from iamtui.problem import Problem
from iamtui.secret import Secret

CLEAR_AFTER_SECONDS: Final = 30
PATIENCE_SECONDS: Final = 10.0
"""How long the end of the process waits for a copy that is being made; the routes have limits of their own."""

GRACE_SECONDS: Final = 3.0
"""How long a process that is to end by a signal may take to notice it."""

COMMAND_VARIABLE: Final = "IAMTUI_CLIPBOARD_CMD"

_NO_CLIPBOARD: Final = frozenset(("", "dumb", "linux", "unknown"))
"""Values of TERM whose terminals have no clipboard to send to."""


class ClipboardOptions(Struct, frozen=True):
    """How to copy.

    Args:
        command: a command line that takes the text on stdin and is used instead of everything else, or "".
        local_over_ssh: use the local desktop's clipboard even over SSH (a forwarded display).
        terminal: whether the caller can write to a terminal (OSC 52).
        clear_after_seconds: when the lease ends; 0 for never.
        secret: whether the text is one: it stays out of the terminal's stream, and clipboard managers are asked to
            keep no copy, where the tool can say so.
        secrets_through_terminal: whether a secret may go through the terminal's stream all the same.
    """

    command: str = ""
    local_over_ssh: bool = False
    terminal: bool = True
    clear_after_seconds: int = CLEAR_AFTER_SECONDS
    secret: bool = True
    secrets_through_terminal: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> ClipboardOptions:
        """The defaults, with the command that IAMTUI_CLIPBOARD_CMD names."""
        return cls(command=environ.get(COMMAND_VARIABLE, ""))


class OnlyThroughTerminal(Problem):
    """A secret was not copied, because only the terminal's stream leads to a clipboard."""


def copy(
    text: Secret,
    options: ClipboardOptions | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ClipboardLease:
    """Copy a text by the first way that works. Blocking, for some seconds at worst.

    Returns:
        The lease; its `result` says what is known, and what the caller must still write to the terminal.

    Raises:
        Problem: no way leads to a clipboard from here, or the user's own command does not work.
    """
    options = options or ClipboardOptions.from_environment(environ)
    for route in routes_in_order(options, environ):
        result = route.copy(text)
        if result is not None:
            now = clock()
            seconds = options.clear_after_seconds
            end = now + timedelta(seconds=seconds) if seconds > 0 else None
            return ClipboardLease(route, fingerprint_of(encoded(text)), result, end)
    if options.secret and not options.secrets_through_terminal and _takes_copies(options, environ):
        raise OnlyThroughTerminal(
            "Not copied: the only way is through the terminal, where a recorder of this session would keep the secret.",
            "Get it by a command or into a file, or allow it: clipboard.secrets_through_terminal = true in the config.",
        )
    raise Problem(
        "No clipboard can be reached from here: no desktop, no tmux, and no terminal that takes one.",
        f"Set {COMMAND_VARIABLE} to a command that reads the text on stdin, or write the text to a file.",
    )


def routes_in_order(options: ClipboardOptions, environ: Mapping[str, str]) -> list[ClipboardRoute]:
    if options.command:
        return [CommandRoute(options.command, environ)]
    routes: list[ClipboardRoute] = []
    over_ssh = bool(environ.get("SSH_TTY") or environ.get("SSH_CONNECTION"))
    if options.local_over_ssh or not over_ssh:
        routes.extend(LocalRoute(tool, environ, secret=options.secret) for tool in local_tools(environ))
    through_terminal = options.secrets_through_terminal or not options.secret
    if tmux_is_reachable(environ):
        routes.append(TmuxRoute(environ, sends_on=through_terminal, secret=options.secret))
    if through_terminal and _takes_copies(options, environ):
        routes.append(TerminalRoute(environ, secret=options.secret))
    return routes


def _takes_copies(options: ClipboardOptions, environ: Mapping[str, str]) -> bool:
    return options.terminal and environ.get("TERM", "") not in _NO_CLIPBOARD


class ClipboardLease:
    """A copied text and the right to take it back. Holds a fingerprint of the text, not the text.

    Attributes:
        result: what is known about the copy.
        expires_at: when to clear, local UTC; None for never. Whoever shows the countdown calls `clear`.
        place: where the text is; another that is copied there replaces it.
    """

    def __init__(
        self, route: ClipboardRoute, text_fingerprint: str, result: CopyResult, expires_at: datetime | None
    ) -> None:
        self.result = result
        self.expires_at = expires_at
        self.place = route.name
        self._route = route
        self._fingerprint = text_fingerprint
        self._cleared: ClearResult | None = None
        self._lock = threading.RLock()

    @property
    def cleared(self) -> bool:
        return self._cleared is not None

    def time_left(self, now: datetime) -> timedelta | None:
        """How long until the text should be cleared (zero: now); None for never, or when it already is."""
        if self.expires_at is None or self.cleared:
            return None
        return max(self.expires_at - now, timedelta())

    def clear(self) -> ClearResult:
        """Take the text back if it is still there; a second call only repeats the first one's answer.

        A clear that failed can be tried again. The caller writes `terminal_write` to the terminal. Blocking.
        """
        with self._lock:
            if self._cleared is not None:
                return ClearResult(self._cleared.state, self._cleared.sentence)
            result = self._route.clear(self._fingerprint)
            if result.state is not ClearState.FAILED:
                self._cleared = result
            return result


class ClearOnExit:
    """Clears what is on the clipboard when the process exits or is ended by SIGTERM or SIGHUP.

    With `then`, also by SIGINT or SIGQUIT, which a terminal that is in raw mode sends nobody; without it, SIGINT stays
    the interruption that it is.

    Args:
        write: writes to the terminal, for OSC 52; must work until the very end.
        then: what is done after clearing and before the signal ends the process (to leave the screen in order, say);
            None: nothing, and clearing is done at once. Otherwise a thread does both: what the signal interrupted
            may hold a lock that they need.
    """

    SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)

    def __init__(
        self, write: Callable[[str], object] = lambda _text: None, then: Callable[[int], object] | None = None
    ) -> None:
        self._write = write
        self._then = then
        self._lease: ClipboardLease | None = None
        self._before: dict[int, Any] = {}
        self._busy = threading.RLock()
        self._done: set[int] = set()

    @property
    def lease(self) -> ClipboardLease | None:
        """The text that we put on the clipboard and have not cleared, or None."""
        return self._lease if self._lease is not None and not self._lease.cleared else None

    def copy(self, make: Callable[[], ClipboardLease]) -> ClipboardLease:
        """Copy by calling `make`, write its escape sequence to the terminal, and hold the lease.

        An end of the process that comes in between waits for it: the text is on the clipboard before we know so.
        """
        with self._busy, self._signals_wait():
            lease = make()
            if lease.result.terminal_write is not None:
                self._write(lease.result.terminal_write.reveal())
                # The sequence holds the text, and is needed no more.
                lease.result = lease.result._replace(terminal_write=None)
            self.hold(lease)
        return lease

    @contextmanager
    def _signals_wait(self) -> Iterator[None]:
        """Where the thread that copies is the one that signals interrupt: hold the first of them back."""
        if self._then is not None or threading.current_thread() is not threading.main_thread():
            yield
            return
        came: list[int] = []
        before = {number: signal.getsignal(number) for number in (*self.SIGNALS, signal.SIGINT)}
        before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
        for number in before:
            signal.signal(number, lambda number, _frame: came.append(number))
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)
            if came:
                os.kill(os.getpid(), came[0])

    def hold(self, lease: ClipboardLease) -> None:
        """Take over a lease; what was copied before is cleared unless this copy replaced it.

        A lease without an end (clearing is off, or the text is no secret) is not cleared later either.
        """
        before = self.lease
        if before is not None and before.place != lease.place:
            self.clear()
        self._lease = lease if lease.expires_at is not None else None

    def clear(self) -> ClearResult | None:
        """Clear now; None when there is nothing to clear.

        Waits for a copy that is being made, but not for ever: a signal must end the process.
        """
        got = self._busy.acquire(timeout=PATIENCE_SECONDS)
        try:
            result = self.lease.clear() if self.lease is not None else None
            if result is not None and result.terminal_write is not None:
                self._write(result.terminal_write.reveal())
            return result
        except OSError:  # after a hang-up there is no terminal left to write to
            return ClearResult(ClearState.FAILED, "the terminal is gone; its clipboard may still hold the text")
        finally:
            if got:
                self._busy.release()

    def install(self) -> None:
        """Start watching for the end of the process. Call it in the main thread.

        A signal that is ignored (nohup) stays ignored.
        """
        atexit.register(self.clear)
        for number in self.SIGNALS if self._then is None else (*self.SIGNALS, signal.SIGINT, signal.SIGQUIT):
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, self._on_signal)

    def uninstall(self) -> None:
        """Stop watching; what is on the clipboard stays."""
        atexit.unregister(self.clear)
        for number, before in self._before.items():
            signal.signal(number, before if before is not None else signal.SIG_DFL)
        self._before.clear()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._then is not None:
            if number in self._done:
                end_by(number)
            else:
                threading.Thread(target=self._end, args=(number, self._then), daemon=True).start()
            return
        self.clear()
        before = self._before.get(number)
        if callable(before):
            before(number, frame)
            return
        end_by(number)

    def _end(self, number: int, then: Callable[[int], object]) -> None:
        """In a thread of its own; the handler, in the main thread, then lets the signal end the process."""
        for step in (self.clear, partial(then, number)):
            with suppress(Exception):
                step()
        self._done.add(number)
        os.kill(os.getpid(), number)
        # The main thread may be inside a call that nothing interrupts.
        time.sleep(GRACE_SECONDS)
        os._exit(128 + number)


def end_by(number: int) -> None:
    """End this process by a signal, as if it had no handler: whoever waits for it sees by which."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
