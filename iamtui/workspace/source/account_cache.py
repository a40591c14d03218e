"""Cache of live accounts as they were read last, a file for each account, caller and endpoint, for the user alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Struct

from iamtui import __version__, paths
from iamtui.account.authorization_details import load_account
from iamtui.account.model import NOT_LOADED, Account, Known
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.credentials.secure_files import check_private, replace_file
from iamtui.input_files import LARGEST_RATIO, ONE_UNPACKED, open_input, packed_for, read_whole, unpacked
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.typed_json import prepared

_VERSION: Final = 1
_MOST_FILES: Final = 16
_LARGEST_FILE: Final = 32 * 1024 * 1024
"""Accounts that are kept, and the bytes of one, packed: one at AWS's highest quotas takes 10 MB."""

_CLOCKS_DIFFER: Final = timedelta(minutes=5)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""No clock shows an earlier time, and some of those cannot be shown in every zone."""

_OURS: Final = re.compile(r"[0-9a-f]{32}\.account|\.[0-9a-f]{32}\.account\.[0-9a-f]{16}")
"""Names of our files: an account, and one that was not written to its end."""

_MADE_UP_NAME: Final = re.compile(r"(:assumed-role/[^/]+)/botocore-session-[0-9]+\Z")
"""The session of a profile with a role: botocore makes up another name each time, if the profile gives none."""


class _Header(Struct, frozen=True):
    """The first line of a file: who wrote it, and whose account it is as seen by whom, where, and when."""

    cache: int
    iamtui: str
    account: str
    caller: str
    endpoint: str
    read_at: Annotated[datetime, msgspec.Meta(tz=True)]


_HEADERS: Final = msgspec.json.Decoder(prepared(_Header))


def kept_account(account_id: str, caller_arn: str, endpoint_url: str) -> Account | None:
    """The cached account, as this caller read it last; None where there is none.

    Args:
        account_id, caller_arn: as sts:GetCallerIdentity has just said them: a name in a config file may lead to
            another account today than yesterday.
        endpoint_url: what answers in the place of AWS, or "".

    Raises:
        Problem: there is a file that is not used; says why.
    """
    path = _path(account_id, caller_arn, endpoint_url)
    try:
        status = path.lstat()
    except OSError:
        return None
    origin = safe_text(path)
    exposed = paths.exposure(path.parent)
    if exposed is not None:
        raise _unused(f"{safe_text(exposed.path)} {exposed.reason}")
    try:
        check_private(path, status, "")
        with open_input(path, origin, pipes=False) as file:
            data = read_whole(unpacked(file, origin), origin, most=ONE_UNPACKED)
        line, _, snapshot = data.partition(b"\n")
        header = _HEADERS.decode(line)
        if (header.cache, header.iamtui) != (_VERSION, __version__):
            raise _unused("another version of iamtui wrote it")
        if header.read_at < _EPOCH:
            raise _unused("it is damaged")
        account = load_account(snapshot, origin=origin, absent=NOT_LOADED.reason)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise _unused("it is damaged") from None
    except Problem as problem:
        raise problem if isinstance(problem, _Unused) else _unused(problem.sentence) from None
    named = (header.account, account.id, header.endpoint, _who(header.caller))
    if named != (account_id, account_id, endpoint_url, _who(caller_arn)):
        raise _unused("it is of another account")
    if header.read_at > datetime.now(UTC) + _CLOCKS_DIFFER:
        raise _unused("it was read in the future")
    return replace(account, caller_arn=Known(caller_arn), taken_at=header.read_at)


_LARGEST_NAMED: Final = 512 * 1024
_LONGEST_HEADER: Final = 8192


def last_kept_account(endpoint_url: str) -> Account | None:
    """The account that was read last from an endpoint, for names to complete to, and never for answers: AWS is not
    asked whose credentials these are. None where nothing is kept, or what is kept is too large to be read at once.
    """
    try:
        for path in _newest_first():
            if path.lstat().st_size > _LARGEST_NAMED:
                continue
            with open_input(path, safe_text(path), pipes=False) as file:
                header = _HEADERS.decode(unpacked(file, safe_text(path)).readline(_LONGEST_HEADER))
            if header.endpoint == endpoint_url:
                return kept_account(header.account, header.caller, header.endpoint)
    except (OSError, Problem, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return None


def keep_account(account: Account, endpoint_url: str) -> bool:
    """Keep an account in place of what was kept of it, and let go of those that were not read for longest. Blocking.

    An account of which a part could not be read is not kept: it would take the place of one that is whole.

    Returns:
        Whether it is kept. Where it cannot be written that is of no consequence.
    """
    caller = account.caller_arn
    if not isinstance(caller, Known) or account.taken_at is None or not is_whole(account):
        return False
    header = _Header(_VERSION, __version__, account.id, caller.value, endpoint_url, account.taken_at)
    data = b"\n".join((msgspec.json.encode(header), _json(account)))
    packed = packed_for(".zst", data)
    if len(data) >= LARGEST_RATIO * len(packed):
        # It would be taken for a bomb.
        packed = data
    path = _path(account.id, caller.value, endpoint_url)
    try:
        paths.make_private_folder(path.parent)
        if len(packed) > _LARGEST_FILE or len(data) > ONE_UNPACKED or paths.exposure(path.parent) is not None:
            return False
        replace_file(path, packed)
        for old in _newest_first()[_MOST_FILES:]:
            old.unlink(missing_ok=True)
    except (OSError, Problem):
        return False
    return True


def clear_accounts() -> int:
    """Remove every account from the cache; returns how many there were. Blocking.

    Raises:
        Problem: one cannot be removed, or the folder cannot be looked into.
    """
    count = 0
    try:
        found = _newest_first()
    except OSError as error:
        folder = safe_text(paths.accounts_folder())
        raise Problem(f"{folder} cannot be looked into: {error.strerror}.", "Check it; nothing was removed.") from None
    for path in found:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise Problem(f"{safe_text(path)} cannot be removed: {error.strerror}.", "Remove it yourself.") from None
        count += not path.name.startswith(".")
    return count


def _path(account_id: str, caller_arn: str, endpoint_url: str) -> Path:
    return paths.accounts_folder() / f"{cache_key(account_id, caller_arn, endpoint_url)}.account"


def cache_key(account_id: str, caller_arn: str, endpoint_url: str) -> str:
    """A digest that tells accounts apart, as they are seen by different callers at different endpoints."""
    # A snapshot may name a caller that is no text.
    named = [text.encode(errors="backslashreplace").decode() for text in (account_id, _who(caller_arn), endpoint_url)]
    key = msgspec.json.encode(named)
    return hashlib.sha256(key).hexdigest()[:32]


def _who(caller_arn: str) -> str:
    return _MADE_UP_NAME.sub(r"\1", caller_arn)


def is_whole(account: Account) -> bool:
    """True where every user, group, role and policy was read completely."""
    return not account.unlisted and not any(holder.unread for holder in account.identities)


def _json(account: Account) -> bytes:
    """The account as a snapshot in one line, encoded entry by entry, so that a screen can go on meanwhile."""
    parts = [b"{"]
    for key, value in snapshot_of(account).items():
        parts += (b"," if len(parts) > 1 else b"", msgspec.json.encode(key), b":")
        if isinstance(value, list):
            # A `map` would be gone through without letting the screen have the interpreter's lock.
            parts += (b"[", b",".join([msgspec.json.encode(entry) for entry in value]), b"]")
        else:
            parts.append(msgspec.json.encode(value))
    return b"".join((*parts, b"}"))


def _newest_first() -> list[Path]:
    """Our files in the folder.

    Raises:
        OSError: it cannot be looked into.
    """

    def files() -> Iterator[tuple[float, Path]]:
        with suppress(FileNotFoundError):
            for path in paths.accounts_folder().iterdir():
                with suppress(OSError):
                    if _OURS.fullmatch(path.name):
                        yield path.lstat().st_mtime, path

    return [path for _, path in sorted(files(), reverse=True)]


class _Unused(Problem):
    """A file of the cache is not used."""


def _unused(why: str) -> _Unused:
    return _Unused(f"The account in the cache is not used: {why.rstrip('.')}.", "`iamtui cache clear` removes it.")
