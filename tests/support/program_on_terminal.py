"""The real program on a terminal of its own: keys typed into it, and every byte it writes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

LIMIT_SECONDS = 90.0
"""A program that has not ended by then is killed, and the test fails."""

QUIET_SECONDS = 0.12
"""A screen that writes nothing for so long waits for the next key."""

PROGRAM = (sys.executable, "-m", "iamtui")


@dataclass(frozen=True)
class Run:
    """What the program wrote to the terminal, and its exit code."""

    output: bytes
    code: int

    @property
    def text(self) -> str:
        """What it wrote; undecodable bytes replaced."""
        return self.output.decode("utf-8", "replace")


def run_on_terminal(
    words: Sequence[str | bytes],
    *,
    home: Path,
    program: Sequence[str] = PROGRAM,
    keys: Sequence[bytes] = (),
    after: bytes = b"",
    columns: int = 120,
    lines: int = 40,
    environ: Mapping[str, str] | None = None,
) -> Run:
    """Run the program with a terminal as stdin, stdout and stderr until it ends.

    Args:
        words: the words after the program's name.
        home: its home folder; config, data, state and cache lie in it.
        program: what is run.
        keys: typed one after the other, each when the screen has come to rest.
        after: what the screen must show before the first key.
        environ: more variables.
    """
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    process = subprocess.Popen(
        [*program, *words],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**environment(home), "TERM": "xterm-256color", **(environ or {})},
        start_new_session=True,
    )
    os.close(terminal)
    output, waiting = b"", list(keys)
    deadline = time.monotonic() + LIMIT_SECONDS
    try:
        while time.monotonic() < deadline:
            if select.select([controller], [], [], QUIET_SECONDS)[0]:
                chunk = _read(controller)
                if not chunk:
                    break
                output += chunk
            elif process.poll() is not None:
                break
            elif waiting and after in output:
                os.write(controller, waiting.pop(0))
    finally:
        os.close(controller)
        if process.poll() is None and time.monotonic() >= deadline:
            process.kill()
    return Run(output, process.wait(60))


def environment(home: Path) -> dict[str, str]:
    """The environment of a program with its own home."""
    places = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    return {**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT), **places}


def _read(controller: int) -> bytes:
    """What the terminal has; nothing when its other end is closed."""
    try:
        return os.read(controller, 65536)
    except OSError:
        return b""


def in_a_terminal(*words: str, typed: bytes = b"") -> tuple[int, str]:
    """Run iamtui with a controlling terminal; returns the exit code and all that the terminal showed.

    Args:
        typed: typed when an MFA code is asked for.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(sys.executable, [*PROGRAM, *words], {**os.environ, "NO_COLOR": "1"})
    shown = b""
    while True:
        try:
            block = os.read(terminal, 65536)
        except OSError:
            break
        if not block:
            break
        shown += block
        if typed and b"MFA code of" in shown:
            os.write(terminal, typed)
            typed = b""
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode(errors="replace")


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\]22;default\x07|\]22;pointer\x07|\]22;text\x07|[=>78]|\([0B])")
_HOSTILE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def hostile_in_lines(text: str) -> set[str]:
    """The characters that a command may not write to a terminal: all controls but colours and line ends."""
    return _hostile(_COLOUR.sub("", text).replace("\r\n", ""))


def hostile_in_screen(text: str) -> set[str]:
    """The same for a full screen, which also moves the cursor, sets modes and the shape of the pointer."""
    return _hostile(_SEQUENCE.sub("", text).replace("\r", "").replace("\n", ""))


def _hostile(text: str) -> set[str]:
    return {character for character in text if unicodedata.category(character) in _HOSTILE_CATEGORIES}
