"""Starting a program in a pseudo-terminal and taking the time until some text stands on its screen."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROWS, COLUMNS = 40, 120
_CHECKOUT = Path(__file__).resolve().parents[1]
_NOT_INHERITED = ("AWS_", "TEXTUAL", "PYTHON", "NO_COLOR", "COLUMNS", "LINES")


@dataclass(frozen=True, slots=True)
class Reached:
    """When a text was on screen.

    Args:
        wall: seconds since the start.
        cpu: CPU seconds that the program had used, all its threads; NaN where the system does not tell.
    """

    wall: float
    cpu: float


def start_until(arguments: Sequence[str], texts: Sequence[str], limit: float = 30.0) -> list[Reached]:
    """Run `python ARGUMENTS` at 120x40 until each of the texts was written, one after the other, then end it.

    Raises:
        TimeoutError: a text was not written within `limit` seconds; says what was.
    """
    with tempfile.TemporaryDirectory() as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "HOME": home, "XDG_CONFIG_HOME": home}
        environment |= {"XDG_DATA_HOME": home, "XDG_STATE_HOME": home, "AWS_EC2_METADATA_DISABLED": "true"}
        start = time.perf_counter()
        child, terminal = pty.fork()
        if child == 0:
            with contextlib.suppress(OSError):
                # `-m benchmarks.NAME` is found from the checkout only.
                os.chdir(_CHECKOUT)
                os.execve(sys.executable, [sys.executable, *arguments], environment)
            os._exit(127)
        try:
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            return _wait_for(texts, child, terminal, start, limit)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(terminal)


def _wait_for(texts: Sequence[str], child: int, terminal: int, start: float, limit: float) -> list[Reached]:
    written = b""
    reached: list[Reached] = []
    while len(reached) < len(texts):
        ready, _, _ = select.select([terminal], [], [], max(0.0, start + limit - time.perf_counter()))
        try:
            chunk = os.read(terminal, 65536) if ready else b""
        except OSError:
            chunk = b""
        if not chunk:
            raise TimeoutError(f"{texts[len(reached)]!r} was not written; the end was {written[-500:]!r}")
        written += chunk
        while len(reached) < len(texts) and texts[len(reached)].encode() in written:
            reached.append(Reached(time.perf_counter() - start, _cpu_seconds(child)))
    return reached


def _cpu_seconds(process: int) -> float:
    """The CPU seconds of all threads of a process (Linux: /proc); NaN elsewhere."""
    nanoseconds = 0
    try:
        for task in Path(f"/proc/{process}/task").iterdir():
            nanoseconds += int((task / "schedstat").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return float("nan")
    return nanoseconds / 1e9
