"""One writer at a time in a folder, of all programs that ask here."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from iamtui.credentials.private_file import refuse_diversion
from iamtui.paths import make_private_folder
from iamtui.problem import Problem
from iamtui.text import safe_text

_LOOK_SECONDS: Final = 0.02

_WAIT_SECONDS: Final = 2.0


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the folder of a file, made if need be, so that of two programs one writes after the other has. Blocking.

    Raises:
        Problem: the folder cannot be made, others made a link on the way to it, or another program holds it too long.
    """
    refuse_diversion(path)
    folder = path.parent
    with ExitStack() as held:
        try:
            make_private_folder(folder)
            held.enter_context(hold_folder(folder, _WAIT_SECONDS))
        except OSError as error:
            raise Problem(f"The folder {safe_text(folder)} cannot be used: {error.strerror}.", "Check it.") from None
        yield


@contextmanager
def hold_folder(folder: Path, seconds: float) -> Iterator[None]:
    """Hold a lock on a folder, which leaves no lock file behind and ends with the process. Blocking.

    Args:
        folder: an existing folder.
        seconds: how long to wait for another program.

    Raises:
        OSError: the folder cannot be opened.
        Problem: another program holds it too long.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Problem(
                        f"Another program is writing in {safe_text(folder)} and does not finish.",
                        "Try again in a moment.",
                    ) from None
                time.sleep(_LOOK_SECONDS)
        yield
    finally:
        os.close(descriptor)
