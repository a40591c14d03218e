"""Clipboard routes: each with what it can prove and how it takes the text back.

The text travels on stdin, never in argv, which every local user can read. Tools are looked for on a fixed
PATH, so that a fake `xclip` in a writable folder is not run, and their output goes nowhere: `xclip` stays
behind to serve the selection and would keep a pipe open for ever, and a message would write over the screen.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

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
