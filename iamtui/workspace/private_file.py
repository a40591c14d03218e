"""Files of the data folder: written whole or not at all, readable by their owner only, one writer at a time."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from iamtui.credentials.folder_lock import hold_folder
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
    with ExitStack() as held:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            held.enter_context(hold_folder(folder, _LOCK_SECONDS))
        except OSError as error:
            raise Problem(f"The folder {safe_text(folder)} cannot be used: {error.strerror}.", "Check it.") from None
        yield


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
