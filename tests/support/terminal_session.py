"""A program on a terminal of its own that a test talks with: types keys, waits for words, keeps every byte."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[=>78]|\([0B])")

LIMIT_SECONDS = 90.0

REST_SECONDS = 0.25
"""A screen that writes nothing for so long waits for the next key: what it was asked to leave is left."""


class TerminalSession:
    """Runs a program until it ends, or is killed where the block is left.

    Args:
        program: what is run.
        environ: its whole environment.
        folder: its working folder.
    """

    def __init__(
        self, program: Sequence[str], environ: Mapping[str, str], folder: Path, *, columns: int = 120, lines: int = 40
    ) -> None:
        self.output = b""
        self._written = time.monotonic()
        self._controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process = subprocess.Popen(
            [*program],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=dict(environ),
            cwd=folder,
            start_new_session=True,
        )
        os.close(terminal)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> TerminalSession:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(60)
        self._reader.join(60)
        os.close(self._controller)

    @property
    def at(self) -> int:
        """How many bytes it has written: a place to look from."""
        return len(self.output)

    def text(self, since: int = 0) -> str:
        """What it wrote from a place on, without control sequences and with every run of blanks as one."""
        return " ".join(_SEQUENCE.sub(" ", self.output[since:].decode("utf-8", "replace")).split())

    def type(self, keys: bytes) -> int:
        """Press keys when the screen has come to rest; returns the place before them."""
        self.rest()
        before = self.at
        os.write(self._controller, keys)
        self._written = time.monotonic()
        return before

    def resize(self, columns: int, lines: int) -> None:
        """Give the window another size and say so, as a terminal does."""
        fcntl.ioctl(self._controller, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    def rest(self) -> None:
        """Wait until the screen has come to rest after what was typed."""
        self.until_holds(lambda: time.monotonic() - self._written > REST_SECONDS, "rest")

    def until(self, words: str, since: int = 0) -> None:
        """Wait until it has written words from a place on."""
        self.until_holds(lambda: words in self.text(since), repr(words), since)

    def until_holds(self, holds: Callable[[], object], what: str, since: int = 0) -> None:
        """Wait until something holds."""
        end = time.monotonic() + LIMIT_SECONDS
        while not holds():
            assert time.monotonic() < end, f"not in time: {what}; the end is {self.text(since)[:6000]}"
            time.sleep(0.02)

    def wait(self) -> int:
        """Wait for its end; returns the exit code."""
        code = self.process.wait(LIMIT_SECONDS)
        self._reader.join(60)
        return code

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._controller, 65536)
            except OSError:
                return
            if not chunk:
                return
            self.output += chunk
            self._written = time.monotonic()
