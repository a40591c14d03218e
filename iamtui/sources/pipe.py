"""Named pipes as files: reading one must not wait for ever for somebody to write into it."""

from __future__ import annotations

import io
import os
import select
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from iamtui.problem import Problem

PATIENCE_SECONDS: Final = 5.0
"""How long nobody may have the pipe open for writing."""

_POLL_SECONDS: Final = 0.05


class Pipe(io.RawIOBase):
    """A named pipe, open for reading. It has no size, and waits as long as somebody has it open for writing.

    Args:
        path: the pipe.
        waiting: called again and again while there is nothing to read; raises to stop.

    Raises:
        OSError: it cannot be opened or read.
        Problem: while reading: nobody opens it for writing.
    """

    def __init__(self, path: Path, waiting: Callable[[], None]) -> None:
        super().__init__()
        self._path = path
        self._waiting = waiting
        self._written = False
        # Without O_NONBLOCK the opening itself waits for a writer.
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # what BufferedReader passes
        """Read what there is, waiting for at least one byte; 0 at the end."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                count = os.readv(self._descriptor, [buffer])
            except BlockingIOError:
                # Somebody has it open, and has not written yet.
                self._written = True
                self._waiting()
                select.select([self._descriptor], [], [], _POLL_SECONDS)
                continue
            if count or self._written:
                self._written = True
                return count
            self._waiting()
            if time.monotonic() > give_up:
                raise Problem(
                    f"The snapshot {self._path} is a pipe that nobody writes into.",
                    "Start what writes into it first, or name a file.",
                )
            time.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """Close it."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()
