"""Writer of an organization store: snapshots of accounts, each once."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec

from iamtui.account.model import REST_OF_ACCOUNT, Account
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.aws.credential_process import Approve
from iamtui.credentials.secure_files import destination, locked, replace_file
from iamtui.input_files import packed_for
from iamtui.paths import home_expanded, make_private_folder
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.workspace.organization.organization_store import (
    ACCOUNTS,
    COUNTS,
    FORMAT,
    POLICIES,
    AccountsFile,
    FormatFile,
    LocalFiles,
    OrganizationStore,
    check_date,
    check_format,
    is_s3,
    read_list,
    snapshot_name,
)
from iamtui.workspace.source.opening import load_account_facts, load_last_accessed
from iamtui.workspace.source.organization import with_identity_center
from iamtui.workspace.source.snapshot_file import account_to_write
from iamtui.workspace.source.unknown_facts import unasked_principals
from iamtui.workspace.source.workspace import LONGEST_NAME, ListedAccount, SourceKind, Workspace

_AWS_POLICY: Final = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/")


def with_all_facts(workspace: Workspace, approve: Approve, *, last_accessed: bool) -> Workspace:
    """The workspace with what a snapshot has beside what the account was opened with, as far as it can be read.

    Args:
        approve: asked before the profile that reads the people of IAM Identity Center runs a command.
        last_accessed: whether to ask when each principal last used each service.
    """
    workspace = with_identity_center(load_account_facts(workspace), approve)
    if last_accessed and workspace.can_call_aws:
        workspace, _ = load_last_accessed(workspace, unasked_principals(workspace.account))
    return workspace


class StoreWriter:
    """Writes accounts into a store in a folder, each once: what is there stays. Any thread may write.

    Args:
        day: to go on with, which has to be there; None: today. Accounts of files are of the day of their taking.
        more: reads what a snapshot has beside what the account was opened with.

    Raises:
        Problem: the folder cannot be used, or holds something else.
    """

    def __init__(
        self, folder: str, day: str | None = None, more: Callable[[Workspace], Workspace] = lambda workspace: workspace
    ) -> None:
        if is_s3(folder):
            raise Problem(
                "A store in S3 is only read here.",
                f"Write it to a folder, then upload that: aws s3 sync FOLDER {shlex.quote(safe_text(folder))}",
            )
        self.folder = Path(destination(home_expanded(folder)))
        self.day = datetime.now(UTC).date().isoformat() if day is None else check_date(day)
        self._more = more
        self._files = LocalFiles(self.folder)
        self._lock = Lock()
        self._policies: set[str] = set()
        self.written: list[str] = []
        self.there: list[str] = []
        _begin(self._files)
        if day is not None:
            OrganizationStore(self._files).day(day)

    @property
    def upload(self) -> str:
        """The command that copies the store to S3, which is never run here."""
        return f"aws s3 sync {shlex.quote(str(self.folder))} s3://BUCKET/PREFIX --exclude '*/.*'"

    def expect(self, accounts: Iterable[ListedAccount]) -> None:
        """Note the accounts that are about to be read, before they are: a run may be cut off."""
        self._list([*accounts])

    def refused(self, accounts: Iterable[ListedAccount]) -> None:
        """Note why accounts could not be read; the next run tries them again."""
        self._list([*accounts])

    def has(self, account: str) -> bool:
        """True where an account is there already, of this day; it is counted as such."""
        found = self._files.has(snapshot_name(self.day, account))
        if found:
            with self._lock:
                self.there.append(account)
        return found

    def take(self, workspace: Workspace) -> Workspace:
        """Write an account, unless it is there, and return what stays of it in memory: next to nothing.

        Raises:
            Problem: it is not known whose it is, it was read in part, or it cannot be written.
        """
        taken_at = workspace.source.taken_at if workspace.source.kind is SourceKind.SNAPSHOT else None
        day = taken_at.astimezone(UTC).date().isoformat() if taken_at is not None else self.day
        rest = next((gap for gap in workspace.account.gaps if gap.what == REST_OF_ACCOUNT), None)
        if rest is not None:
            raise Problem(f"Only a part of it could be read: {rest.error}.", "Run the command again.")
        account = workspace.account.id
        if not account:
            raise Problem(f"{workspace.source.label} does not say whose account it is.", "Take another snapshot of it.")
        name = snapshot_name(day, account)
        if self._files.has(name):
            with self._lock:
                self.there.append(account)
        elif self._write(name, account_to_write(self._more(workspace))):
            with self._lock:
                self.written.append(account)
        return Workspace(Account(id=account), workspace.source)

    def _write(self, name: str, account: Account) -> bool:
        """Write a snapshot, after the policies that it names; whether it is new."""
        snapshot = snapshot_of(account)
        own, references = [], []
        for policy in snapshot["Policies"]:
            if not _AWS_POLICY.match(policy["Arn"]):
                own.append(policy)
                continue
            counts = {key: policy.pop(key) for key in COUNTS if key in policy}
            data = json.dumps(policy, sort_keys=True).encode()
            digest = hashlib.sha256(data).hexdigest()
            references.append({"sha256": digest, **counts})
            self._write_policy(digest, data)
        snapshot |= {"Policies": own, "aws_managed_policies": references}
        return self._put(name, json.dumps(snapshot, indent=1).encode() + b"\n")

    def _write_policy(self, digest: str, data: bytes) -> None:
        with self._lock:
            known = digest in self._policies
            self._policies.add(digest)
        name = f"{POLICIES}/{digest}.json.zst"
        if not known and not self._files.has(name):
            self._put(name, data)

    def _put(self, name: str, data: bytes) -> bool:
        path = self.folder / name
        try:
            make_private_folder(path.parent)
            replace_file(path, packed_for(path.name, data), new=True)
        except FileExistsError:
            return False
        except OSError as error:
            raise _unwritable(path, error) from None
        return True

    def _list(self, accounts: Sequence[ListedAccount]) -> None:
        """Put accounts into the list of the day, in place of those of the same name or id."""
        # An organization may give any name, and a problem may quote it.
        accounts = [
            ListedAccount(safe_text(one.name, limit=LONGEST_NAME), one.account, safe_text(one.problem))
            for one in accounts
        ]
        name = f"date={self.day}/{ACCOUNTS}"
        path = self.folder / name
        with locked(path):
            told = {*(one.name for one in accounts), *(one.account for one in accounts if one.account)}
            others = [one for one in read_list(self._files, name) or () if told.isdisjoint((one.name, one.account))]
            data = msgspec.json.format(msgspec.json.encode(AccountsFile([*others, *accounts])), indent=1)
            try:
                replace_file(path, data + b"\n")
            except OSError as error:
                raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> Problem:
    return Problem(f"{safe_text(path)} cannot be written: {error.strerror}.", "Check the folder, or choose another.")


def _begin(files: LocalFiles) -> None:
    """Make a folder a store, unless it is one.

    Raises:
        Problem: it cannot be made, or holds something else.
    """
    try:
        make_private_folder(files.folder)
        is_empty = not any(files.folder.iterdir())
    except OSError as error:
        raise _unwritable(files.folder, error) from None
    if is_empty:
        try:
            replace_file(files.folder / FORMAT, msgspec.json.encode(FormatFile()) + b"\n", new=True)
        except FileExistsError:
            pass
        except OSError as error:
            raise _unwritable(files.folder, error) from None
    check_format(files)
