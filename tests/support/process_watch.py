"""Watching every process of the machine for texts among its arguments and in its environment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType


class ProcessWatch:
    """Looks at /proc again and again while it is open, as another user of the machine could (arguments), and as the
    same user can (environments).

    Args:
        texts: what is looked for.

    Attributes:
        in_arguments: programs among whose arguments one of the texts was found, by path.
        in_environments: likewise, in whose environment.
        looks: how often all processes were looked at.
    """

    def __init__(self, *texts: str) -> None:
        self.in_arguments: set[str] = set()
        self.in_environments: set[str] = set()
        self.looks = 0
        self._texts = {text.encode() for text in texts}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def add(self, *texts: str) -> None:
        """Look for more texts from now on."""
        self._texts |= {text.encode() for text in texts}

    def __enter__(self) -> ProcessWatch:
        self._thread.start()
        self.until(lambda: self.looks)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(60)

    def until(self, holds: Callable[[], object], seconds: float = 90) -> None:
        """Wait until something holds."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "it did not come to hold in time"
            self._stop.wait(0.005)

    def _watch(self) -> None:
        while not self._stop.is_set():
            texts = set(self._texts)
            for folder in Path("/proc").iterdir():
                if folder.name.isdigit():
                    self._look(folder, texts)
            self.looks += 1
            self._stop.wait(0.002)

    def _look(self, folder: Path, texts: set[bytes]) -> None:
        for name, found in (("cmdline", self.in_arguments), ("environ", self.in_environments)):
            try:
                data = (folder / name).read_bytes()
                if any(text in data for text in texts):
                    found.add(str((folder / "exe").readlink()))
            except OSError:
                continue
