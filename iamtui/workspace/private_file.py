"""Files of the data folder: written whole or not at all, readable by their owner only, one writer at a time."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from iamtui.problem import Problem
from iamtui.text import safe_text

_LOCK_SECONDS: Final = 2.0


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the folder of the file, so that of two programs one writes after the other has.

    Raises:
        Problem: the folder cannot be made, or another program holds it too long.
    """
    folder = path.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise Problem(f"The folder {safe_text(folder)} cannot be used: {error.strerror}.", "Check it.") from None
    try:
        deadline = time.monotonic() + _LOCK_SECONDS
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
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def replace_file(path: Path, data: bytes, *, keep_mode: bool = False) -> None:
    """Write a file; it is complete or as it was before, and only its owner may read it.

    Args:
        keep_mode: leave an existing file as readable as it is (one of a repository).

    Raises:
        OSError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if keep_mode and path.exists():
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
