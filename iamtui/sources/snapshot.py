"""Snapshots: an account from a file, offline."""

from __future__ import annotations

import codecs
import io
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

from iamtui.account.model import Account
from iamtui.account.snapshots.authorization_details import load_account
from iamtui.account.snapshots.reading import HOW_TO_MAKE_ONE, not_json
from iamtui.problem import Problem
from iamtui.sources.pipe import Pipe

LARGEST_BYTES: Final = 512 * 1024 * 1024
"""Largest file read, in bytes: an account at AWS's highest quotas prints 140 MB."""

_HEAD_BYTES: Final = 64 * 1024
_WHITE: Final = " \t\r\n\ufeff"


def _keep_waiting() -> None:
    pass


def read_snapshot(path: Path, waiting: Callable[[], None] = _keep_waiting) -> Account:
    """Read the account in a file.

    A file that is no JSON is refused after its first 64 kB.

    Args:
        path: the file, or a named pipe.
        waiting: called again and again while a pipe gives nothing; raises to stop.

    Raises:
        Problem: no such file, a directory, unreadable, empty, too large, not JSON, or JSON of another kind.
    """
    origin = f"The snapshot {path}"
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise Problem(f"{origin} is a directory.", "Name the JSON file in it.")
        if found.st_size > LARGEST_BYTES:
            raise Problem(
                f"{origin} has {found.st_size // 2**20:,} MB, more than the {LARGEST_BYTES // 2**20} MB that are read.",
                HOW_TO_MAKE_ONE,
            )
        with _opened(path, waiting, pipe=stat.S_ISFIFO(found.st_mode)) as file:
            head = file.read(_HEAD_BYTES)
            check_head(head, origin)
            # A pipe has no size, so the limit is kept while reading too.
            data = head + file.read(LARGEST_BYTES + 1 - len(head))
    except FileNotFoundError:
        raise Problem(f"{origin} does not exist.", "Check the path. " + HOW_TO_MAKE_ONE) from None
    except PermissionError:
        raise Problem(f"{origin} may not be read by this user.", "Change its permissions, or copy it.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the path is not valid"
        raise Problem(f"{origin} cannot be read: {reason}.", "Check the path.") from None
    if len(data) > LARGEST_BYTES:
        raise Problem(f"{origin} has more than the {LARGEST_BYTES // 2**20} MB that are read.", HOW_TO_MAKE_ONE)
    return load_account(data, origin=origin)


def _opened(path: Path, waiting: Callable[[], None], *, pipe: bool) -> IO[bytes]:
    return io.BufferedReader(Pipe(path, waiting)) if pipe else path.open("rb")


def check_head(head: bytes, origin: str) -> None:
    """Refuse a file by its first bytes when they cannot be the start of JSON text.

    Raises:
        Problem: empty, binary, or text that is no JSON; says where.
    """
    if not head:
        raise Problem(f"{origin} is empty.", HOW_TO_MAKE_ONE)
    text = _text(head, origin)
    stripped = text.lstrip(_WHITE)
    if not stripped:
        raise Problem(f"{origin} holds nothing but white space at its start.", HOW_TO_MAKE_ONE)
    if stripped[0] not in "{[":
        raise Problem(f"{origin} is not JSON: it starts with {stripped[:20]!r}.", HOW_TO_MAKE_ONE)
    try:
        json.JSONDecoder().raw_decode(stripped)
    except json.JSONDecodeError as error:
        # An error at the end, or a string that has not ended yet, only says that the head is a head.
        if error.pos < len(stripped) - 16 and not error.msg.startswith("Unterminated string"):
            raise not_json(error, origin) from None
    except (RecursionError, ValueError):
        raise Problem(f"{origin} is not an account: its start is nested too deeply.", HOW_TO_MAKE_ONE) from None


def _text(head: bytes, origin: str) -> str:
    """The head as text; a character that is cut at its end is left out."""
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    decoder = codecs.getincrementaldecoder("utf-16" if utf16 else "utf-8")()
    try:
        text = decoder.decode(head)
    except UnicodeDecodeError:
        text = "\0"
    # Less than one character after the mark of UTF-16 is none of its texts.
    if "\0" in text or (utf16 and not text.lstrip("\ufeff")):
        raise Problem(f"{origin} is not text, so it is no JSON.", HOW_TO_MAKE_ONE)
    return text
