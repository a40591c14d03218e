"""Crash report of an unforeseen exception: one sentence, and a log without values of variables."""

from __future__ import annotations

import os
import stat
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from iamtui.paths import log_file, make_private_folder
from iamtui.secret import redacted
from iamtui.text import safe_text

LARGEST_LOG: Final = 1024 * 1024
"""Bytes after which the log starts again."""


def record(error: BaseException) -> Path | None:
    """Append an exception to the log: its type, its message without anything like a secret, and its frames.

    Returns:
        The log file, or None when it could not be written.
    """
    path = log_file()
    lines = [f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {type(error).__name__}: {_redacted(str(error))}"]
    lines += [
        f"  {safe_text(frame.filename)}:{frame.lineno} in {safe_text(frame.name)}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    try:
        make_private_folder(path.parent)
        start_again = path.exists() and path.stat().st_size > LARGEST_LOG
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_TRUNC if start_again else os.O_APPEND)
        # A pipe that nobody reads from would be waited for.
        flags |= os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", errors="backslashreplace") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            os.fchmod(file.fileno(), 0o600)
            file.write("\n".join(lines) + "\n")
    except OSError:
        return None
    return path


def _redacted(text: str) -> str:
    return safe_text(redacted(text), limit=500)
