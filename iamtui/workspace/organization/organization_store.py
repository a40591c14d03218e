"""Organization store: snapshots of many accounts by day, in a folder or under a prefix of S3, written once.

    iamtui-organization.json                              says what this is, and its version
    managed-policies/SHA256.json.zst                      an AWS managed policy, for all accounts that have it
    date=2026-11-28/accounts.json                         the accounts that were to be read that day, and what refused
    date=2026-11-28/account=111122223333/snapshot.json.zst

A snapshot of the store names its AWS managed policies by their hash, in `aws_managed_policies`.
"""

from __future__ import annotations

import gc
import hashlib
import io
import json
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol, TypeVar

import msgspec
from msgspec import Meta, Struct

from iamtui.account.authorization_details import load_account
from iamtui.account.model import REST_OF_ACCOUNT, Account
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.aws.credential_process import Approve
from iamtui.credentials.secure_files import destination, locked, replace_file
from iamtui.input_files import MissingFile, open_input, packed_for, read_whole, size_words, unpacked
from iamtui.paths import home_expanded, make_private_folder
from iamtui.policy.document import DocumentPool
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.typed_json import prepared
from iamtui.workspace.source.opening import load_account_facts, load_last_accessed
from iamtui.workspace.source.organization import with_identity_center
from iamtui.workspace.source.snapshot_file import account_to_write
from iamtui.workspace.source.unknown_facts import unasked_principals
from iamtui.workspace.source.workspace import (
    LONGEST_NAME,
    ListedAccount,
    SourceChoice,
    SourceInfo,
    SourceKind,
    Workspace,
)

if TYPE_CHECKING:
    from iamtui.aws.connection import Connection
    from iamtui.aws.credential_process import Approve

VERSION: Final = 1
FORMAT: Final = "iamtui-organization.json"
ACCOUNTS: Final = "accounts.json"
_SNAPSHOT: Final = "snapshot.json.zst"
POLICIES: Final = "managed-policies"
LOST_POLICIES: Final = "some AWS managed policies of the store"
"""Gap of an account with policies that the store has lost."""
_ANEW: Final = "It is damaged, or was changed: write the day anew with `iamtui snapshot --org FOLDER`."
_DATE: Final = "date="
_ACCOUNT: Final = re.compile(r"account=([0-9]{12})")
_HALF_CHARACTER: Final = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
COUNTS: Final = ("AttachmentCount", "PermissionsBoundaryUsageCount")
"""Fields of an AWS managed policy that differ by account; the rest of it is the same in all."""

_S3: Final = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?", re.DOTALL)
_MOST_NAMES: Final = 60_000
"""Of one folder: AWS raises an organization to 10,000 accounts."""
_MOST_PAGES: Final = 1_000
"""Of a listing: S3 gives 1,000 entries to a page, or fewer."""
_MOST_POLICIES: Final = 5_000
_LARGEST_POLICY: Final = 2 * 1024 * 1024
_LARGEST_SNAPSHOT: Final = 160 * 1024 * 1024
_LARGEST_LIST: Final = 32 * 1024 * 1024
_LARGEST_FORMAT: Final = 4096
_MOST_KEPT: Final = 64 * 1024 * 1024
"""Bytes of AWS managed policies that a store keeps in memory while it is read: all of AWS's have 20 MB."""

_READERS: Final = 8
"""Threads that read the organization of accounts: from S3 each waits most of the time."""

T = TypeVar("T", bound=Struct)


class FormatFile(Struct, frozen=True, omit_defaults=False):
    """File that marks a folder as a store."""

    iamtui_organization: Annotated[int, Meta(ge=1)] = VERSION


class AccountsFile(Struct, frozen=True):
    """The accounts that were to be read on a day."""

    accounts: Annotated[list[ListedAccount], Meta(max_length=_MOST_NAMES)]
    version: Annotated[int, Meta(ge=1)] = VERSION


class ManagedPolicyReference(Struct, frozen=True, omit_defaults=True):
    """An AWS managed policy of an account, kept once in the store."""

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    AttachmentCount: int | None = None
    PermissionsBoundaryUsageCount: int | None = None


class _References(Struct):
    aws_managed_policies: Annotated[list[ManagedPolicyReference], Meta(max_length=_MOST_POLICIES)] = msgspec.field(
        default_factory=list
    )


class _Level(Struct):
    id: str = ""
    type: str = ""


class _OfOrganization(Struct):
    id: str = ""
    path: list[_Level] = msgspec.field(default_factory=list)


class _Header(Struct):
    account_id: str | None = None


class _Organized(Struct):
    iamtui: _Header | None = None
    organization: _OfOrganization | None = None


def store_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the files of a store beside its snapshots, and of the key that it adds to these."""
    (_, definitions) = msgspec.json.schema_components((FormatFile, AccountsFile, ManagedPolicyReference))
    for form in definitions.values():
        form.pop("description", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "iamtui organization store",
        "description": f"FormatFile is {FORMAT}, AccountsFile is {ACCOUNTS} of a day, and aws_managed_policies of a "
        "snapshot is a list of ManagedPolicyReference.",
        "$defs": definitions,
    }


def check_date(text: str) -> str:
    """A day as it is written in a store.

    Raises:
        Problem: it is not one.
    """
    if _is_date(text):
        return text
    raise Problem(f"{safe_text(text, limit=40)} is not a date.", "Write it as 2026-11-28.")


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


# Where the files lie.


class StoreFiles(Protocol):
    """The files of a store, by names with slashes."""

    name: str

    def folders(self, name: str) -> Iterator[str]:
        """The folders directly in one, by their last names."""
        ...

    def has(self, name: str) -> bool:
        """True where there is such a file."""
        ...

    def read(self, name: str, most: int) -> bytes:
        """The bytes of a file, unpacked.

        Raises:
            MissingFile: there is none.
            Problem: it cannot be read, or has more bytes.
        """
        ...


class LocalFiles:
    """A store in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = str(folder)

    def folders(self, name: str) -> Iterator[str]:
        try:
            with os.scandir(self.folder / name) as entries:
                for number, entry in enumerate(entries):
                    if number >= _MOST_NAMES:
                        raise _many_names(self.name, name)
                    if entry.is_dir():
                        yield entry.name
        except OSError as error:
            where = safe_text(self.folder / name)
            raise Problem(f"The folder {where} cannot be read: {error.strerror}.", "Check the path.") from None

    def has(self, name: str) -> bool:
        return os.path.lexists(self.folder / name)

    def read(self, name: str, most: int) -> bytes:
        subject = f"The file {safe_text(self.folder / name)}"
        with open_input(self.folder / name, subject, pipes=False) as file:
            return read_whole(unpacked(file, subject), subject, most=most)


class S3Files:
    """A store under a prefix of a bucket: it is listed and read, and never written.

    Args:
        prefix: with a slash at its end, or "".
    """

    def __init__(self, connection: Connection, bucket: str, prefix: str) -> None:
        self._connection = connection
        self._bucket = bucket
        self._prefix = prefix
        self.name = f"s3://{bucket}/{prefix}".rstrip("/")

    def folders(self, name: str) -> Iterator[str]:
        where = f"{self._prefix}{name}/" if name else self._prefix
        marker: dict[str, str] = {}
        count = 0
        for _ in range(_MOST_PAGES):
            # Not `pages`: the answer names its next page as no other listing does.
            page = self._connection.call(
                "s3", "ListObjectsV2", _Listing, Bucket=self._bucket, Prefix=where, Delimiter="/", **marker
            )
            for one in page.CommonPrefixes:
                count += 1
                if count > _MOST_NAMES:
                    raise _many_names(self.name, name)
                yield one.Prefix.removeprefix(where).rstrip("/")
            if not page.IsTruncated:
                return
            if not page.NextContinuationToken or page.NextContinuationToken == marker.get("ContinuationToken"):
                raise self._connection.unexpected("s3", "ListObjectsV2", "it does not say where the listing goes on")
            marker = {"ContinuationToken": page.NextContinuationToken}
        raise self._connection.unexpected("s3", "ListObjectsV2", f"it has more than {_MOST_PAGES:,} pages")

    def has(self, name: str) -> bool:
        key = f"{self._prefix}{name}"
        page = self._connection.call("s3", "ListObjectsV2", _Listing, Bucket=self._bucket, Prefix=key, MaxKeys=1)
        return any(one.Key == key for one in page.Contents)

    def read(self, name: str, most: int) -> bytes:
        subject = f"The object {safe_text(self.name)}/{safe_text(name)}"
        key = f"{self._prefix}{name}"
        try:
            answer = self._connection.call("s3", "GetObject", dict, Bucket=self._bucket, Key=key)
        except Problem as problem:
            if getattr(problem, "code", "") in ("NoSuchKey", "404"):
                raise MissingFile(f"{subject} does not exist.", "Check the address.") from None
            raise
        try:
            body = answer["Body"].read()
        except Exception as error:  # noqa: BLE001 - botocore's own, where the length or a checksum is another
            raise self._connection.unexpected("s3", "GetObject", safe_text(error)) from None
        return read_whole(unpacked(io.BytesIO(body), subject), subject, most=most)


class _Prefix(Struct):
    Prefix: str


class _Key(Struct):
    Key: str


class _Listing(Struct):
    CommonPrefixes: list[_Prefix] = msgspec.field(default_factory=list)
    Contents: list[_Key] = msgspec.field(default_factory=list)
    IsTruncated: bool = False
    NextContinuationToken: str = ""


def _many_names(store: str, name: str) -> Problem:
    return Problem(f"{safe_text(store)}/{safe_text(name)} has more than {_MOST_NAMES:,} entries.", "Is it the store?")


def is_s3(url: str) -> bool:
    return url.startswith("s3:")


def s3_place(url: str) -> tuple[str, str]:
    """The bucket and the prefix, with a slash at its end where it is not empty.

    Raises:
        Problem: it is no address of S3.
    """
    found = _S3.fullmatch(url)
    if found is None:
        raise Problem(f"{safe_text(url)} is not an address of S3.", "Write it as s3://bucket/prefix.")
    prefix = (found["prefix"] or "").strip("/")
    return found["bucket"], f"{prefix}/" if prefix else ""


# Reading.


class StoreDay(Struct, frozen=True):
    """Accounts of a store on a day.

    Args:
        ids: the accounts whose snapshots are there.
        lacking: those that were to be read, too, and why they were not.
        is_listed: whether the accounts that were to be read are known.
    """

    date: str
    ids: tuple[str, ...]
    lacking: tuple[ListedAccount, ...]
    is_listed: bool = True

    def may_have(self, account: str) -> bool:
        """True where a missing account may be one of those that were not read."""
        return any(one.account in ("", account) for one in self.lacking)


class OrganizationStore:
    """A store that is read.

    Raises:
        Problem: it is no store, or one of a newer iamtui.
    """

    def __init__(self, files: StoreFiles) -> None:
        self._files = files
        self._policies: dict[str, bytes] = {}
        self._size_of_policies = 0
        self._lock = Lock()
        check_format(files)

    @property
    def name(self) -> str:
        return self._files.name

    def dates(self) -> tuple[str, ...]:
        """The days, the first one first."""
        named = (name.removeprefix(_DATE) for name in self._files.folders("") if name.startswith(_DATE))
        return tuple(sorted({day for day in named if _is_date(day)}))

    def day(self, wanted: str | None = None) -> StoreDay:
        """A day, or the last one.

        Raises:
            Problem: there is no such day, or nothing of it.
        """
        dates = self.dates()
        if not dates:
            raise Problem(f"The store {safe_text(self.name)} is empty.", "Fill it: `iamtui snapshot --org FOLDER`.")
        if wanted is not None and check_date(wanted) not in dates:
            raise self._nothing_of(wanted, dates)
        day = wanted or dates[-1]
        named = sorted({match[1] for match in map(_ACCOUNT.fullmatch, self._files.folders(f"{_DATE}{day}")) if match})
        listed = read_list(self._files, f"{_DATE}{day}/{ACCOUNTS}")
        there = frozenset(named)
        lacking = tuple(
            msgspec.structs.replace(one, problem=one.problem or "It was not read: the run was cut off.")
            for one in listed or ()
            if one.account not in there
        )
        if not (named or lacking):
            # A writer that was ended made the folder, and no more.
            raise self._nothing_of(day, [one for one in dates if one != day])
        return StoreDay(day, tuple(named), lacking, listed is not None)

    def _nothing_of(self, day: str, others: Sequence[str]) -> Problem:
        near = f"Its last days: {', '.join(others[-3:])}." if others else "Fill it: `iamtui snapshot --org FOLDER`."
        return Problem(f"The store {safe_text(self.name)} has nothing of {day}.", near)

    def organizations(self, day: StoreDay) -> Iterator[tuple[str, str]]:
        """The id of the organization of each account; "" where it is in none, or that cannot be read."""
        with ThreadPoolExecutor(_READERS, "reading organizations") as readers:
            yield from zip(day.ids, readers.map(partial(self._organization, day.date), day.ids), strict=True)

    def _organization(self, day: str, account: str) -> str:
        try:
            data = self._files.read(snapshot_name(day, account), _LARGEST_SNAPSHOT)
            whole = _HALF_CHARACTER.sub(rb"\\ufffd", data)
            shape = _decoded(whole, _Organized, f"The snapshot of account {account} of {day}")
            found, header = shape.organization, shape.iamtui
        except Problem:
            # It is named where the account itself is asked.
            return ""
        if found is None:
            return ""
        # A file of another account, which is not used where it is asked, says nothing about this one.
        own = {level.id for level in found.path if level.type == "ACCOUNT"}
        own |= {header.account_id} if header is not None and header.account_id else set()
        return found.id if own == {account} else ""

    def pages(self, day: str, account: str) -> bytes:
        """The snapshot of an account as JSON, with the AWS managed policies that it names.

        A policy that is not there, or is damaged, is named as missing: what rests on it is open, and nothing else.

        Raises:
            Problem: it is damaged.
        """
        data = self._files.read(snapshot_name(day, account), _LARGEST_SNAPSHOT)
        # msgspec takes no half of a character in any text, and an account may have one.
        whole = _HALF_CHARACTER.sub(rb"\\ufffd", data)
        named = _decoded(whole, _References, f"The snapshot of account {account} of {day}").aws_managed_policies
        if not named:
            return data
        policies = []
        lost = b""
        size = len(data)
        for one in named:
            try:
                policy = self._policy(one.sha256)
                counts = msgspec.json.encode({key: value for key in COUNTS if (value := getattr(one, key)) is not None})
                policies.append(policy if counts == b"{}" else policy[:-1] + b"," + counts[1:])
            except Problem as problem:
                gap = {"what": LOST_POLICIES, "error": f"{problem.sentence} {_ANEW}"}
                lost = b',"missing":[%b]' % msgspec.json.encode(gap)
                continue
            size += len(policies[-1])
            if size > _LARGEST_SNAPSHOT:
                raise Problem(
                    f"The snapshot of account {account} of {day} has more than the {size_words(_LARGEST_SNAPSHOT)} "
                    "that are read, with the AWS managed policies that it names.",
                    _ANEW,
                )
        return b'[%b,{"Policies":[%b]%b}]' % (data, b",".join(policies), lost)

    def _policy(self, digest: str) -> bytes:
        with self._lock:
            found = self._policies.get(digest)
        if found is None:
            found = self._files.read(f"{POLICIES}/{digest}.json.zst", _LARGEST_POLICY)
            if hashlib.sha256(found).hexdigest() != digest:
                raise Problem(
                    f"The AWS managed policy {digest} of the store is not what its name says.",
                    _ANEW,
                )
            with self._lock:
                if self._size_of_policies + len(found) > _MOST_KEPT:
                    self._policies.clear()
                    self._size_of_policies = 0
                self._policies[digest] = found
                self._size_of_policies += len(found)
        return found


def _decoded(data: bytes, form: type[T], subject: str) -> T:
    try:
        return msgspec.json.decode(data, type=prepared(form))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(f"{subject} cannot be read: {safe_text(error)}.", "It is damaged: fetch it again.") from None


def check_format(files: StoreFiles) -> None:
    try:
        data = files.read(FORMAT, _LARGEST_FORMAT)
    except MissingFile:
        raise Problem(
            f"{safe_text(files.name)} is not a store of an organization: it has no {FORMAT}.",
            "Make one: `iamtui snapshot --org FOLDER`.",
        ) from None
    found = _decoded(data, FormatFile, f"The file {FORMAT} of {safe_text(files.name)}")
    if found.iamtui_organization > VERSION:
        raise Problem(
            f"The store {safe_text(files.name)} is of version {found.iamtui_organization}, and version {VERSION} is "
            "read here.",
            "Use a newer iamtui.",
        )


def read_list(files: StoreFiles, name: str) -> Sequence[ListedAccount] | None:
    try:
        data = files.read(name, _LARGEST_LIST)
    except MissingFile:
        return None
    return _decoded(data, AccountsFile, f"The file {safe_text(name)} of {safe_text(files.name)}").accounts


_MOST_UNCOLLECTED: Final = 8 * 1024 * 1024
"""Bytes of pages of accounts after which garbage is collected: an account is a circle of objects."""
_UNCOLLECTED: Final = [0]


def fresh_account(pages: bytes, day: str, account: str) -> Account:
    """As `account_in`, once the accounts before it, which nobody holds any more, are freed."""
    _UNCOLLECTED[0] += len(pages)
    if _UNCOLLECTED[0] > _MOST_UNCOLLECTED:
        gc.collect()
        _UNCOLLECTED[0] = 0
    return account_in(pages, day, account, DocumentPool())


def account_in(pages: bytes, day: str, account: str, pool: DocumentPool | None = None) -> Account:
    """The account of a snapshot of a store, from `OrganizationStore.pages`.

    Raises:
        Problem: it cannot be read, or is another account than its folder says.
    """
    origin = f"The snapshot of account {account} of {day}"
    try:
        found = load_account(pages, origin=origin, pool=pool)
    except Problem as problem:
        raise Problem(problem.sentence, _ANEW) from None
    if found.id != account:
        raise Problem(
            f"{origin} is of account {safe_text(found.id or '(unknown)', limit=40)}, and is not used.",
            "Was a file moved? Write the store anew.",
        )
    return found


def workspace_of(account: Account) -> Workspace:
    """Workspace of an account of a store."""
    source = SourceInfo(
        SourceKind.SNAPSHOT,
        account.id,
        account.region,
        endpoint_url=account.not_aws if "://" in account.not_aws else "",
        taken_at=account.taken_at,
    )
    return Workspace(account, source)


def snapshot_name(day: str, account: str) -> str:
    """The file of an account, in its store."""
    return f"date={day}/account={account}/{_SNAPSHOT}"


def open_store(url: str, choice: SourceChoice | None = None, approve: Approve | None = None) -> OrganizationStore:
    """A store in a folder, or one in S3 with the credentials of a choice. Blocking.

    Raises:
        Problem: it is no store, cannot be read, or is of a newer iamtui.
    """
    if not is_s3(url):
        return OrganizationStore(LocalFiles(home_expanded(url)))
    bucket, prefix = s3_place(url)

    from iamtui.workspace.source.opening import connect  # brings the ways to AWS, which a folder needs not

    connection = connect(choice or SourceChoice(SourceKind.LIVE), approve).connection
    assert connection is not None
    return OrganizationStore(S3Files(connection, bucket, prefix))


# Writer of an organization store: snapshots of accounts, each once.


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
        # Make a folder a store, unless it is one.
        files = self._files
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
