"""Snapshots: an account from a file, offline."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Final

from iamtui.account.authorization_details import load_account
from iamtui.account.model import Account
from iamtui.account.snapshot_reader import HOW_TO_MAKE_ONE, PortionCheck, SnapshotProblem, not_json
from iamtui.input_files import (
    ONE_DOCUMENT,
    Told,
    open_input,
    open_standard_input,
    read_whole,
    tell_nobody,
    unpacked,
)
from iamtui.policy.document import DocumentPool
from iamtui.problem import Problem

STANDARD_INPUT: Final = Path("-")
"""The path that means standard input."""

_HEAD_BYTES: Final = 64 * 1024
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WHITE: Final = " \t\r\n\ufeff"


def read_snapshot(
    path: Path, told: Told = tell_nobody, pool: DocumentPool | None = None, account_id: str | None = None
) -> Account:
    """Read the account in a file, or that on standard input; packed (gzip, zstd) or not.

    A file that is not JSON is refused after its first 64 kB, one that is not text where that shows.

    Raises:
        Problem: no such file, a directory, unreadable, empty, too large, not JSON, or JSON of another kind.
    """
    if path == STANDARD_INPUT:
        origin = "The snapshot on standard input"
        opened = open_standard_input(origin, told=told)
    else:
        origin = f"The snapshot {path}"
        opened = open_input(path, origin, told=told, missing=f"Check the path. {HOW_TO_MAKE_ONE}")
    with opened as stream:
        file = unpacked(stream, origin)
        head = file.read(_HEAD_BYTES)
        check_head(head, origin)

        values = PortionCheck(origin, head)

        def check(portion: bytes) -> None:
            values.add(portion)
            if b"\0" in portion and not head.startswith(_UTF_16):
                raise _no_text(origin)

        data = read_whole(file, origin, most=ONE_DOCUMENT, beginning=head, check=check)
    return load_account(data, origin=origin, pool=pool, account_id=account_id, counted=values)


def check_head(head: bytes, origin: str) -> None:
    """Refuse a file by its first bytes when they cannot be the start of JSON text.

    Raises:
        Problem: empty, binary, or text that is not JSON; says where.
    """
    if not head:
        raise SnapshotProblem(f"{origin} is empty.")
    text = _text(head, origin)
    stripped = text.lstrip(_WHITE)
    if not stripped:
        raise SnapshotProblem(f"{origin} holds nothing but white space at its start.")
    if stripped[0] not in "{[":
        raise SnapshotProblem(f"{origin} is not JSON: it starts with {stripped[:20]!r}.")
    try:
        json.JSONDecoder().raw_decode(stripped)
    except json.JSONDecodeError as error:
        # An error at the end, or a string that has not ended yet, only says that the head is a head.
        if error.pos < len(stripped) - 16 and not error.msg.startswith("Unterminated string"):
            raise not_json(error, origin) from None
    except RecursionError:
        raise SnapshotProblem(f"{origin} is not an account: its start is nested too deeply.") from None
    except ValueError:
        raise SnapshotProblem(f"{origin} is not an account: a number at its start has too many digits.") from None


def _text(head: bytes, origin: str) -> str:
    """The head as text; a character that is cut at its end is left out."""
    utf16 = head.startswith(_UTF_16)
    decoder = codecs.getincrementaldecoder("utf-16" if utf16 else "utf-8")()
    try:
        text = decoder.decode(head)
    except UnicodeDecodeError:
        text = "\0"
    # Less than one character after the mark of UTF-16 is none of its texts.
    if "\0" in text or (utf16 and not text.lstrip("\ufeff")):
        raise _no_text(origin)
    return text


def _no_text(origin: str) -> Problem:
    return SnapshotProblem(f"{origin} is not text, so it is not JSON.")
