"""Workspace: an opened source, ready for browsing and questions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, Protocol

from msgspec import Meta, Struct, structs

from iamtui.account.model import Account, Missing
from iamtui.credentials.session import NO_EXTRAS, AssumeExtras, utc_now
from iamtui.problem import Problem
from iamtui.text import ago

if TYPE_CHECKING:
    from iamtui.aws.connection import Connection
    from iamtui.aws.profiles import Profile as Profile
    from iamtui.sources.live import LiveReading
    from iamtui.sources.parallel import Step


class SourceKind(StrEnum):
    """Where the account came from."""

    LIVE = "live"
    SNAPSHOT = "snapshot"
    DEMO = "demo"


class OrganizationSource(Struct, frozen=True):
    """Where the organization is read from that an account's own credentials may not read.

    Args:
        profile: an AWS profile of the management account or of a delegated administrator, or "".
        role: the ARN of a role there, which that profile assumes, or else the account's own credentials; or "".
        file: a file that says it, in place of AWS; or "".
        profile_named: whether the user named the profile for this run, and not the config.
    """

    profile: str = ""
    role: str = ""
    file: str = ""
    profile_named: bool = False


NO_ORGANIZATION_SOURCE: Final = OrganizationSource()


class SourceInfo(Struct, frozen=True):
    """Description of the source for the status line and `info`.

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
        organization: where else its organization is read from.
        acting_as: the role whose session, assumed here, the account is browsed as, or "".
        session_key: the key of that session, or "".
        read_through: the ARN of the role that the profile assumes to read the account, which is another one's, or "".
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
    organization: OrganizationSource = NO_ORGANIZATION_SOURCE
    acting_as: str = ""
    session_key: str = ""
    read_through: str = ""


class NotOpened(NamedTuple):
    """An account that was to be opened beside others and could not be.

    Args:
        name: what it was to be opened by: a profile, or its id.
        problem: why it could not be.
    """

    name: str
    problem: Problem

    @property
    def words(self) -> str:
        """One sentence, safe to show where the problem is."""
        return f"{self.name} could not be opened: {self.problem}"


_DEMO_TRAIL: Final = Path(__file__).parents[2] / "sources" / "demo_data" / "puffin-parcel-trail.json.gz"


@dataclass(frozen=True)
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
        beside: the other accounts that are open, none twice; nothing is open beside these.
        not_opened: those that were to be, too.
    """

    account: Account
    source: SourceInfo
    connection: Connection | None = None
    caller_extras: AssumeExtras = NO_EXTRAS
    reading: LiveReading | None = None
    remark: str = ""
    beside: tuple[Workspace, ...] = ()
    not_opened: tuple[NotOpened, ...] = ()

    def with_account(self, account: Account) -> Workspace:
        return replace(self, account=account)

    def reading_organization(self, where: OrganizationSource) -> Workspace:
        """The same workspace, whose organization is read there from now on, too."""
        return replace(self, source=structs.replace(self.source, organization=where))

    @cached_property
    def others(self) -> Mapping[str, Account]:
        """The other accounts that are open, by id."""
        return {one.account.id: one.account for one in self.beside}

    @property
    def accounts(self) -> tuple[Account, ...]:
        """All accounts that are open, this one first."""
        return (self.account, *self.others.values())

    def at(self, account: str | None) -> Workspace:
        """The same accounts with another of them as the one that is looked at; unchanged when that is not open."""
        if not self.beside:
            return self
        place = next((place for place, one in enumerate(self.beside) if one.account.id == account), None)
        if place is None:
            return self
        rest = (*self.beside[:place], replace(self, beside=(), not_opened=()), *self.beside[place + 1 :])
        return replace(self.beside[place], beside=rest, not_opened=self.not_opened)

    def short_name(self, arn: str) -> str:
        """An IAM ARN without what all of its account begin with; with its account in front where several are open."""
        account = self.at(arn.split(":", 5)[4]).account if self.beside and arn.count(":") > 4 else self.account
        short = account.short_name(arn)
        return f"{account.id} {short}" if self.beside and short != arn else short

    @property
    def own_age(self) -> str:
        """How old the account is, where it is as it was read last and not as it is: "read 3h ago"; else ""."""
        source = self.source
        return f"read {ago(source.taken_at, utc_now())}" if source.cached and source.taken_at is not None else ""

    @property
    def age(self) -> str:
        """The same of all accounts that are open: answers rest on those beside it, too."""
        oldest = min(
            (one for one in self.beside if one.own_age), key=lambda one: str(one.source.taken_at), default=None
        )
        return self.own_age or (f"others {oldest.own_age}" if oldest is not None else "")

    @property
    def own_trail(self) -> str:
        """Path of the CloudTrail events that come with the demo; "" for other accounts."""
        return str(_DEMO_TRAIL) if self.source.kind is SourceKind.DEMO else ""

    @property
    def can_call_aws(self) -> bool:
        """True where STS and on-demand reads are possible."""
        return self.connection is not None

    @property
    def lacks_people(self) -> bool:
        """True where the source may know the people behind the account's roles of IAM Identity Center."""
        can_ask = self.can_call_aws and self.source.kind is not SourceKind.DEMO
        lacking = isinstance(self.account.identity_center, Missing)
        return can_ask and lacking and any(one.sso_reserved for one in self.account.roles)


# Which source is meant, and how loading it goes on.


class CacheUse(StrEnum):
    """Use of the cache of accounts: keep new readings there, answer in place of AWS, or neither read nor write it."""

    KEEP = "keep"
    ANSWER = "answer"
    NOTHING = "nothing"


class SourceChoice(Struct, frozen=True):
    """The source to open.

    Args:
        kind: live, snapshot or demo.
        snapshot: the file, for a snapshot.
        profile, region, endpoint_url: for live; None where not given.
        snapshot_account: which of the accounts in the file; None: there is one.
        beside: the other accounts that are opened with it; nothing is opened beside these.
        org_role: the role whose session opens each account of the organization, its name with its path, or "".
        org_unit: the id or name of the root or OU whose accounts are meant alone, or "".
        cache: for live.
        organization: where else the organization is read from.
        session_key: the held session whose account is opened, with its credentials; "": the profile's own caller.
        asks: whether it only says how whatever account the user then chooses is opened.
    """

    kind: SourceKind
    snapshot: Path | None = None
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    snapshot_account: str | None = None
    cache: CacheUse = CacheUse.KEEP
    organization: OrganizationSource = NO_ORGANIZATION_SOURCE
    org_role: str = ""
    org_unit: str = ""
    beside: tuple[SourceChoice, ...] = ()
    session_key: str = ""
    asks: bool = False

    @property
    def is_of_several(self) -> bool:
        """True where several accounts are opened beside each other."""
        return bool(self.beside or self.org_role)


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


LONGEST_NAME: Final = 1000
"""Of an account, as it is listed."""


class ListedAccount(Struct, frozen=True, omit_defaults=True):
    """An account that is to be read, of many.

    Args:
        name: what it was to be read by: its id and name, or a profile.
        account: its id, where that is known.
        problem: why it was not read, when it was last tried; "" where nothing refused.
    """

    name: Annotated[str, Meta(max_length=LONGEST_NAME)]
    account: Annotated[str, Meta(pattern="^([0-9]{12})?$")] = ""
    problem: Annotated[str, Meta(max_length=20_000)] = ""


class AccountTaker(Protocol):
    """Takes accounts as soon as they are read, from any thread, so that none of them is kept."""

    def expect(self, accounts: Iterable[ListedAccount]) -> None:
        """Note the accounts that are about to be read, before they are: a run may be cut off."""

    def refused(self, accounts: Iterable[ListedAccount]) -> None:
        """Note why accounts could not be read; the next run tries them again."""

    def has(self, account: str) -> bool:
        """True where an account was taken before."""

    def take(self, workspace: Workspace) -> Workspace:
        """Take an account, and return what stays of it in memory: next to nothing.

        Raises:
            Problem: it cannot be taken.
        """


ProgressReport = Callable[[Progress], None]


class OpeningCancelled(Exception):
    """The user cancelled the load."""


def steps(report: ProgressReport, cancelled: Callable[[], bool] = lambda: False) -> Step:
    """Hands on how far a source is, until the user cancels it."""

    def step(what: str, done: int, waiting: str = "", /) -> None:
        if cancelled():
            raise OpeningCancelled
        report(Progress(what, done, waiting=waiting))

    return step


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
