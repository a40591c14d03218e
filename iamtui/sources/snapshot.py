"""Snapshots: an account from a file, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from iamtui.account.authorization_details import load_account
from iamtui.account.model import Account
from iamtui.account.snapshot_reader import HOW_TO_MAKE_ONE
from iamtui.input_files import Told, open_input, open_standard_input, read_whole, tell_nobody, unpacked
from iamtui.policy.document import DocumentPool

STANDARD_INPUT: Final = Path("-")
"""The path that means standard input."""

LARGEST: Final = 256 * 1024 * 1024
"""Bytes of a snapshot that is not packed: an account at AWS's highest quotas has 140 MB."""


def read_snapshot(
    path: Path, told: Told = tell_nobody, pool: DocumentPool | None = None, account_id: str | None = None
) -> Account:
    """Read the account in a file, or that on standard input; packed (gzip, zstd) or not.

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
        data = read_whole(unpacked(stream, origin), origin, most=LARGEST)
    return load_account(data, origin=origin, pool=pool, account_id=account_id)
