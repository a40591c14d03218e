"""Snapshots of an opened account as files: written whole or not at all, for the user alone, packed by name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from iamtui.account.model import DEMO, Account
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.credentials.secure_files import AlreadyThere, refuse_diversion, replace_file
from iamtui.input_files import packed_for
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.workspace.workspace import SourceKind, Workspace


def account_to_write(workspace: Workspace) -> Account:
    """The account with what its source adds to it, which a snapshot answers from."""
    source, account = workspace.source, workspace.account
    not_aws = DEMO if source.kind is SourceKind.DEMO else source.endpoint_url or account.not_aws
    return replace(account, region=source.region or account.region, not_aws=not_aws)


def snapshot_bytes(account: Account) -> bytes:
    return json.dumps(snapshot_of(account), indent=1).encode() + b"\n"


def write_snapshot(account: Account, path: Path, *, overwrite: bool = False) -> int:
    """Write an account to a file: gzip for .gz, zstd for .zst, else as JSON. Blocking.

    Returns:
        The size of the file.

    Raises:
        AlreadyThere: there is a file, and `overwrite` was not said.
        Problem: it cannot be written, or a link of somebody else stands there; what was there is as it was.
    """
    refuse_diversion(path)
    if path.is_dir():
        raise Problem(f"{safe_text(path)} is a folder.", "Name a file in it.")
    if path.exists() and not overwrite:
        raise AlreadyThere(f"{safe_text(path)} is there already.", "Replace it, or choose another name.")
    data = packed_for(path.name, snapshot_bytes(account))
    try:
        replace_file(path, data)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "the path is not valid"
        raise Problem(f"{safe_text(path)} cannot be written: {reason}.", "Choose another place.") from None
    return len(data)
