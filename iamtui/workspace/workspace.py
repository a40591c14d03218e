"""Workspace: an opened source, ready to be browsed and asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from iamtui.account.model import Account
from iamtui.credentials.session import NO_EXTRAS, AssumeExtras, utc_now
from iamtui.text import ago

if TYPE_CHECKING:
    from iamtui.aws.connection import Connection
    from iamtui.aws.profiles import Profile as Profile
    from iamtui.sources.live import LiveReading


class SourceKind(StrEnum):
    """Where the account came from."""

    LIVE = "live"
    SNAPSHOT = "snapshot"
    DEMO = "demo"


class SourceInfo(Struct, frozen=True):
    """What the status line and `info` say about the source.

    Args:
        kind: live, snapshot or demo.
        label: short name for people: "DEMO", the snapshot's file name, or the profile.
        region: the region in use ("us-east-1"), or "" when there is none.
        profile: the AWS profile, or "".
        endpoint_url: an endpoint that is not AWS, or "": shown as NOT AWS.
        taken_at: when the data was read, UTC, or None when unknown.
        file: the snapshot's path as it was given, or "".
        snapshot_account: the account of a file that holds several, or "".
        cached: whether a live account is as it was read last, at `taken_at`, and not as it is.
    """

    kind: SourceKind
    label: str
    region: str = ""
    profile: str = ""
    endpoint_url: str = ""
    taken_at: datetime | None = None
    file: str = ""
    snapshot_account: str = ""
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Workspace:
    """An account, where it came from, and (live and demo only) how to make calls.

    Args:
        account: the data. Loading more gives a new Workspace.
        source: where it came from.
        connection: for STS and on-demand reads; None for a snapshot.
        caller_extras: what the caller's own session was made with, where the caller is a session that was assumed
            here: its session policies limit what it may assume.
        reading: what can go on reading the account where it broke off; None where nothing is lacking that may come.
        remark: a sentence about the cache that is worth saying when the account is opened, or "".
    """

    account: Account
    source: SourceInfo
    connection: Connection | None = None
    caller_extras: AssumeExtras = NO_EXTRAS
    reading: LiveReading | None = None
    remark: str = ""

    def with_account(self, account: Account) -> Workspace:
        return replace(self, account=account)

    @property
    def age(self) -> str:
        """How old the account is, where it is as it was read last and not as it is: "read 3h ago"; else ""."""
        source = self.source
        return f"read {ago(source.taken_at, utc_now())}" if source.cached and source.taken_at is not None else ""

    @property
    def can_call_aws(self) -> bool:
        """Whether STS and on-demand reads are possible."""
        return self.connection is not None


# Which source is meant, and how loading it goes on.


class CacheUse(StrEnum):
    """What the cache of accounts is for: what is read is kept there, and a screen shows it until it is read anew;
    or it answers in place of AWS; or it is neither read nor written."""

    KEEP = "keep"
    ANSWER = "answer"
    NOTHING = "nothing"


class SourceChoice(Struct, frozen=True):
    """What the user asked to open.

    Args:
        kind: live, snapshot or demo.
        snapshot: the file, for a snapshot.
        profile, region, endpoint_url: for live; None where not given.
        snapshot_account: which of the accounts in the file; None: there is one.
        cache: for live.
    """

    kind: SourceKind
    snapshot: Path | None = None
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    snapshot_account: str | None = None
    cache: CacheUse = CacheUse.KEEP


class Progress(NamedTuple):
    """How far a load has come.

    Args:
        step: what is being read, a short phrase.
        done: how many things so far.
        total: how many in all; None: unknown.
        waiting: what it waits for just now ("waiting for AWS: throttled, try 4"), or "".
        part: the account as far as it is read, when there is more of it to show.
    """

    step: str
    done: int = 0
    total: int | None = None
    waiting: str = ""
    part: Workspace | None = None

    @property
    def words(self) -> str:
        """The progress for people: "Users, groups, roles and policies 2,400, waiting for AWS: throttled, try 4 …"."""
        total = f" of {self.total:,}" if self.total is not None else ""
        count = f" {self.done:,}{total}" if self.done or self.total else ""
        waiting = f", {self.waiting}" if self.waiting else ""
        return f"{self.step[:1].upper()}{self.step[1:]}{count}{waiting} …"


ProgressReport = Callable[[Progress], None]


class OpeningCancelled(Exception):
    """The user cancelled the load."""


_CREDENTIAL_VARIABLES = (
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI",),
)
"""Variables that give credentials when all of a group are set (AWS SDKs and Tools Reference Guide)."""


def choice_from_environment(environ: Mapping[str, str]) -> SourceChoice | None:
    """The source that the environment names (keys, a token file, a container's endpoint, or a profile): live.

    None when it names none, so that the user is asked. Keys win over AWS_PROFILE, as in every AWS tool.
    """
    if any(all(environ.get(name) for name in group) for group in _CREDENTIAL_VARIABLES[:1]):
        return SourceChoice(SourceKind.LIVE)
    profile = environ.get("AWS_DEFAULT_PROFILE") or environ.get("AWS_PROFILE")
    if profile:
        return SourceChoice(SourceKind.LIVE, profile=profile)
    if any(all(environ.get(name) for name in group) for group in _CREDENTIAL_VARIABLES[1:]):
        return SourceChoice(SourceKind.LIVE)
    return None


def list_profiles() -> tuple[Profile, ...]:
    """The profiles of the AWS config files, for the chooser; nothing is run or connected to."""
    from iamtui.aws.session import available_profiles  # brings boto3: a tenth of a second

    return available_profiles()
