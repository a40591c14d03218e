"""Writer of snapshots: an account as a file, redacted where it is to be shared."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from random import SystemRandom

from iamtui.account.model import DEMO, Account
from iamtui.account.redaction import redact
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.catalog.actions import catalogue
from iamtui.catalog.arn_forms import parts_between_names
from iamtui.catalog.condition_keys import condition_key
from iamtui.catalog.service_data import is_service, service_names
from iamtui.credentials.secure_files import AlreadyThere, destination, refuse_special, replace_file
from iamtui.input_files import packed_for
from iamtui.paths import is_folder
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.workspace.source.workspace import SourceKind, Workspace


def account_to_write(workspace: Workspace) -> Account:
    """The account with what its source adds to it, which a snapshot answers from."""
    source, account = workspace.source, workspace.account
    not_aws = DEMO if source.kind is SourceKind.DEMO else source.endpoint_url or account.not_aws
    return replace(account, region=source.region or account.region, not_aws=not_aws)


def snapshot_bytes(account: Account) -> bytes:
    """The account as the JSON of a snapshot."""
    return json.dumps(snapshot_of(account), indent=1).encode() + b"\n"


def redacted_bytes(account: Account) -> tuple[bytes, tuple[str, ...]]:
    """The account as the JSON of a redacted snapshot, and the policies that are left out of it, each with why."""
    made = redact(snapshot_of(account), types_of_resources(), is_name_of_aws, SystemRandom())
    return json.dumps(made.snapshot, indent=1).encode() + b"\n", made.left_out


@lru_cache(maxsize=65_536)
def is_name_of_aws(name: str) -> bool:
    """True where the catalogue has a service, an action, a pattern of actions or a condition key of that name."""
    known = is_service(name) or condition_key(name) is not None
    return known or (":" in name and (catalogue().knows(name) or bool(catalogue().expand(name))))


def types_of_resources() -> Mapping[str, Collection[str]]:
    """By service, what the ARNs of its resource types have beside names, such as "table" or the method of a call."""
    types = {service: parts_between_names(service) - {""} for service in service_names()}
    types["execute-api"] |= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ANY"}
    return types


def write_snapshot(data: bytes, path: Path, *, overwrite: bool = False) -> int:
    """Write a snapshot to a file: gzip for .gz, zstd for .zst, else as it is. Blocking.

    Returns:
        The size of the file.

    Raises:
        AlreadyThere: there is a file, and `overwrite` was not said.
        Problem: it cannot be written, or a link of somebody else, a folder, pipe, device or socket stands there; what
            was there is as it was.
    """
    shown = safe_text(path)
    packed = packed_for(path.name, data)
    # After the packing, which takes a while. Where a link leads to, so that the link itself stays.
    target = destination(path, new=not overwrite)
    if is_folder(target):
        raise Problem(f"{shown} is a folder.", "Name a file in it.")
    refuse_special(target)
    try:
        replace_file(target, packed, new=not overwrite)
    except FileExistsError:
        raise AlreadyThere(f"{shown} is there already.", "Replace it, or choose another name.") from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "the path is not valid"
        raise Problem(f"{shown} cannot be written: {reason}.", "Choose another place.") from None
    return len(packed)
