"""Clipboard: the order in which routes are tried, what is known about a copy, and taking the text back.

The order: a command of the user's own; the desktop of this machine (not over SSH, where it would be the
wrong machine's, unless asked for); tmux; OSC 52 through the terminal. A secret goes through the terminal's stream,
which recorders of the session keep, only where the user has allowed it.
"""

from __future__ import annotations

import atexit
import base64
import hashlib
import hmac
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Final, NamedTuple, TypeAlias

from msgspec import Struct

from iamtui.problem import Problem
from iamtui.secret import Secret

LIMIT_SECONDS: Final = 2.0
"""How long a clipboard tool may take."""

FIXED_PATH: Final = ":".join(
    (
        *("/usr/local/bin", "/usr/bin", "/bin", "/run/current-system/sw/bin"),
        *(("/opt/homebrew/bin", "/opt/local/bin") if sys.platform == "darwin" else ()),
        *("/mnt/c/Windows/System32", "/mnt/c/Windows/System32/WindowsPowerShell/v1.0"),
    )
)
"""Where clipboard tools are looked for, whatever PATH says."""

CHILD_VARIABLES: Final = (
    *("HOME", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "TMPDIR"),
    *("DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "WSL_INTEROP", "TMUX", "TMUX_PANE", "TMUX_TMPDIR"),
)
"""The environment that clipboard tools get, besides PATH."""

BLANK: Final = Secret(" ")
"""Text that overwrites a clipboard that cannot be emptied."""

TMUX_BUFFER: Final = "iamtui"
SCREEN_CHUNK: Final = 256
"""Longest payload in one DCS of GNU screen, which drops longer ones."""


class CopyResult(NamedTuple):
    """Result of copying.

    Args:
        verified: whether the tool confirms that it holds the text.
        sentence: what to tell the user; claims no more than is known.
        terminal_write: what the caller must write to the terminal, unchanged (ASCII); None for nothing.
    """

    verified: bool
    sentence: str
    terminal_write: Secret | None = None


class ClearState(StrEnum):
    """Outcome of clearing a copied text."""

    CLEARED = "cleared"
    """Gone, and read back to prove it."""
    SENT = "sent"
    """Overwritten by a way that confirms nothing."""
    LEFT = "left"
    """The clipboard does not hold the text any more; what it holds was left alone."""
    FAILED = "failed"
    """May still be there."""


class ClearResult(NamedTuple):
    """Result of clearing; `terminal_write` as in CopyResult."""

    state: ClearState
    sentence: str
    terminal_write: Secret | None = None


def fingerprint_of(text: bytes) -> str:
    """SHA-256 of a text in hex, with the line ends that clipboards change made equal."""
    return hashlib.sha256(text.replace(b"\r\n", b"\n")).hexdigest()


def encoded(text: Secret) -> bytes:
    """The text as clipboards take it: UTF-8, with what cannot be encoded replaced."""
    return text.reveal().encode("utf-8", "replace")


class CommandRoute:
    """A command of the user's own, with the text on stdin; found on the user's PATH, as it is the user's."""

    def __init__(self, command: str, environ: Mapping[str, str]) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise Problem(
                f"The clipboard command cannot be read: {error}.",
                "Correct IAMTUI_CLIPBOARD_CMD; it is one command line.",
            ) from None
        if not self._words:
            raise Problem("The clipboard command is empty.", "Correct or unset IAMTUI_CLIPBOARD_CMD.")
        self._environ = environ
        self.name = f"command:{command}"

    def copy(self, text: Secret) -> CopyResult:
        """Run the command; what it does with the text cannot be known."""
        tool = self._words[0]
        code = _run(self._words, text, self._environ)
        if code != 0:
            raise Problem(
                f"The clipboard command {tool} {_how_it_ended(code)}, so nothing was copied.",
                "Correct or unset IAMTUI_CLIPBOARD_CMD; the command must read the text on stdin and end.",
            )
        return CopyResult(False, f"given to your clipboard command {tool}")

    def clear(self, fingerprint: str) -> ClearResult:
        """Give the command one space: its clipboard cannot be read, so nothing can be compared or proved."""
        del fingerprint
        code = _run(self._words, BLANK, self._environ)
        if code != 0:
            return ClearResult(
                ClearState.FAILED,
                f"the clipboard command {self._words[0]} {_how_it_ended(code)}; the clipboard may still hold the text",
            )
        return ClearResult(ClearState.SENT, f"overwritten through {self._words[0]}, unverified")


class LocalRoute:
    """The clipboard of this machine's desktop, through pyperclip in a child process (`clipboard_child`)."""

    def __init__(self, tool: str, environ: Mapping[str, str], *, secret: bool = False) -> None:
        self._tool = tool
        self._environ = environ
        self._secret = secret
        self.name = f"local:{tool}"

    def copy(self, text: Secret) -> CopyResult | None:
        """Copy, and prove it by reading back; None when either fails."""
        code = self._child("copy-secret" if self._secret else "copy", text)
        return CopyResult(True, "copied") if code == ChildCode.DONE else None

    def clear(self, fingerprint: str) -> ClearResult:
        """Empty the clipboard if it still holds the text."""
        code = self._child("clear", Secret(fingerprint))
        if code == ChildCode.DONE:
            return ClearResult(ClearState.CLEARED, f"clipboard cleared ({self._tool})")
        if code == ChildCode.OTHER_TEXT:
            return ClearResult(ClearState.LEFT, "the clipboard does not hold the text any more and was left alone")
        return ClearResult(
            ClearState.FAILED, f"the clipboard could not be cleared ({self._tool}) and may still hold the text"
        )

    def _child(self, action: str, stdin: Secret) -> int | None:
        # -P: the working directory must not supply modules. The package is found wherever this one was.
        environ = _tool_environment(self._environ) | {"PYTHONPATH": str(Path(__file__).parents[2])}
        words = [sys.executable, "-P", "-m", "iamtui.credentials.clipboard_child", action, self._tool]
        return _run(words, stdin, environ)


class TmuxRoute:
    """A named tmux buffer.

    Args:
        sends_on: whether tmux also sends it on to the terminal outside, by OSC 52.
        secret: whether it is one.
    """

    def __init__(self, environ: Mapping[str, str], *, sends_on: bool, secret: bool) -> None:
        self._environ = _tool_environment(environ)
        self._sends_on = sends_on
        self._secret = secret
        self.name = f"tmux:{environ.get('TMUX', '')}"

    def copy(self, text: Secret) -> CopyResult | None:
        """Load the buffer; what the terminal does with it is not known."""
        if self._load(text) != 0:
            return None
        inside = f"copied inside tmux only: tmux paste-buffer -b {TMUX_BUFFER}, or prefix ="
        return CopyResult(True, _through_terminal(self._secret) if self._sends_on else inside)

    def clear(self, fingerprint: str) -> ClearResult:
        """Delete the buffer, and overwrite what was sent on with one space, since tmux passes no empty text on."""
        held = self._tmux("show-buffer", "-b", TMUX_BUFFER)
        if held is None or not hmac.compare_digest(fingerprint_of(held), fingerprint):
            return ClearResult(
                ClearState.LEFT, f"the tmux buffer {TMUX_BUFFER} does not hold the text any more; nothing was changed"
            )
        overwritten = not self._sends_on or self._load(BLANK) == 0
        if self._tmux("delete-buffer", "-b", TMUX_BUFFER) is None or not overwritten:
            return ClearResult(ClearState.FAILED, "tmux did not clear its buffer, which may still hold the text")
        outside = "; the terminal's clipboard was overwritten, not confirmed there" if self._sends_on else ""
        return ClearResult(ClearState.CLEARED, f"tmux buffer {TMUX_BUFFER} deleted{outside}")

    def _load(self, text: Secret) -> int | None:
        send_on = ("-w",) if self._sends_on else ()
        return _run(["tmux", "load-buffer", "-b", TMUX_BUFFER, *send_on, "-"], text, self._environ)

    def _tmux(self, *words: str) -> bytes | None:
        """Output of a tmux command; None when it fails."""
        try:
            return subprocess.run(  # noqa: S603 - our own command lines
                [shutil.which("tmux", path=FIXED_PATH) or "tmux", *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environ,
                timeout=LIMIT_SECONDS,
                check=True,
            ).stdout
        except (OSError, subprocess.SubprocessError):
            return None


class TerminalRoute:
    """OSC 52 through the terminal, which neither confirms nor can be read."""

    def __init__(self, environ: Mapping[str, str], *, secret: bool = False) -> None:
        self._in_screen = bool(environ.get("STY"))
        self._secret = secret
        self.name = "terminal"

    def copy(self, text: Secret) -> CopyResult:
        """Give the caller what to write."""
        sequence = osc52(text, in_screen=self._in_screen)
        return CopyResult(False, _through_terminal(self._secret), sequence)

    def clear(self, fingerprint: str) -> ClearResult:
        """Give the caller what overwrites the clipboard once, with one space."""
        del fingerprint
        sentence = "the terminal was asked to overwrite its clipboard, unverified"
        return ClearResult(ClearState.SENT, sentence, osc52(BLANK, in_screen=self._in_screen))


def _through_terminal(secret: bool) -> str:
    recorded = "; a recorder of this session has it too" if secret else ""
    return f"copied through the terminal{recorded}"


def osc52(text: Secret, *, in_screen: bool = False) -> Secret:
    """The escape sequence that asks a terminal to put the text on the clipboard (xterm: Manipulate Selection Data).

    Args:
        in_screen: GNU screen is in between: it swallows the plain sequence and drops long ones, so the
            sequence is cut and each piece wrapped in a DCS of its own, which screen passes on.

    Returns:
        ASCII text to be written to the terminal as it is.
    """
    sequence = f"\x1b]52;c;{base64.b64encode(encoded(text)).decode('ascii')}\x07"
    if in_screen:
        starts = range(0, len(sequence), SCREEN_CHUNK)
        sequence = "".join(f"\x1bP{sequence[start : start + SCREEN_CHUNK]}\x1b\\" for start in starts)
    return Secret(sequence)


ClipboardRoute: TypeAlias = CommandRoute | LocalRoute | TmuxRoute | TerminalRoute
"""One way to a clipboard: copies a text (None when it does not work here), and takes it back by its fingerprint."""


class ChildCode:
    """Exit codes of `python -m iamtui.credentials.clipboard_child`."""

    DONE = 0
    OTHER_TEXT = 3
    NOT_PROVED = 4
    UNUSABLE = 5


def local_tools(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The local clipboard tools to try, by pyperclip's names, best first.

    pyperclip's own choice is not used: it can fall to klipper, which takes the text in argv.
    """
    if sys.platform == "darwin":
        return ("pbcopy",)
    if _is_wsl():
        return ("wsl",)
    tools = []
    if environ.get("WAYLAND_DISPLAY") and _exists("wl-copy") and _exists("wl-paste"):
        tools.append("wl-clipboard")
    if environ.get("DISPLAY"):
        tools.extend(tool for tool in ("xclip", "xsel") if _exists(tool))
    return tuple(tools)


def tmux_is_reachable(environ: Mapping[str, str]) -> bool:
    """True if this process runs inside tmux and the tmux command exists."""
    return bool(environ.get("TMUX")) and _exists("tmux")


def _is_wsl() -> bool:
    try:
        return "microsoft" in Path("/proc/version").read_text(encoding="utf-8", errors="replace").lower()
    except OSError:
        return False


def _exists(tool: str) -> bool:
    return shutil.which(tool, path=FIXED_PATH) is not None


def _tool_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": FIXED_PATH} | {name: environ[name] for name in CHILD_VARIABLES if name in environ}


def _run(words: Sequence[str], stdin: Secret, environ: Mapping[str, str]) -> int | None:
    """Run a command with `stdin`, and with its output thrown away.

    It gets a process group of its own: whatever it leaves behind to serve the clipboard must outlive a
    hang-up of the terminal, and go when the command is stopped at the time limit.

    Returns:
        Its exit code; None when it could not be started or took too long.
    """
    program = shutil.which(words[0], path=environ.get("PATH", FIXED_PATH))
    if program is None:
        return None
    try:
        process = subprocess.Popen(  # noqa: S603 - our own command lines, or the one the user configured
            [program, *words[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
            start_new_session=True,
        )
    except OSError:
        return None
    try:
        process.communicate(encoded(stdin), LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()
        process.wait()
        return None
    return process.returncode


def _how_it_ended(code: int | None) -> str:
    return "could not be run or did not end within two seconds" if code is None else f"failed (exit code {code})"


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
        clear_after_seconds: when the lease ends (`config.ClipboardConfig.seconds`); 0 for never.
        secret: whether the text is one: it stays out of the terminal's stream, and clipboard managers are asked to
            keep no copy, where the tool can say so.
        secrets_through_terminal: whether a secret may go through the terminal's stream all the same.
    """

    command: str = ""
    local_over_ssh: bool = False
    terminal: bool = True
    clear_after_seconds: int = 30
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
