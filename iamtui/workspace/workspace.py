"""Workspace: an opened source, ready to be browsed and asked."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from iamtui.account.model import Account
from iamtui.credentials.session import NO_EXTRAS, AssumeExtras
from iamtui.problem import Problem

if TYPE_CHECKING:
    from iamtui.aws.connection import Connection
    from iamtui.aws.credential_process import Approve
    from iamtui.aws.profiles import Profile as Profile


class SourceKind(StrEnum):
    """Where the account came from."""

    LIVE = "live"
    SNAPSHOT = "snapshot"
    DEMO = "demo"


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What the status line and `info` say about the source.

    Args:
        kind: live, snapshot or demo.
        label: short name for people: "DEMO", the snapshot's file name, or the profile.
        region: the region in use ("us-east-1"), or "" when there is none.
        profile: the AWS profile, or "".
        endpoint_url: an endpoint that is not AWS, or "": shown as NOT AWS.
        taken_at: when the data was read, UTC, or None when unknown.
        file: the snapshot's path as it was given, or "".
    """

    kind: SourceKind
    label: str
    region: str = ""
    profile: str = ""
    endpoint_url: str = ""
    taken_at: datetime | None = None
    file: str = ""


@dataclass(frozen=True, slots=True)
class Workspace:
    """An account, where it came from, and (live and demo only) how to make calls.

    Args:
        account: the data. Loading more gives a new Workspace.
        source: where it came from.
        connection: for STS and on-demand reads; None for a snapshot.
        caller_extras: what the caller's own session was made with, where the caller is a session that was assumed
            here: its session policies limit what it may assume.
    """

    account: Account
    source: SourceInfo
    connection: Connection | None = None
    caller_extras: AssumeExtras = NO_EXTRAS

    def with_account(self, account: Account) -> Workspace:
        return replace(self, account=account)

    @property
    def can_call_aws(self) -> bool:
        """Whether STS and on-demand reads are possible."""
        return self.connection is not None


# Opening a source: which one is meant, and loading it with progress and cancel.


__all__ = [
    "OpeningCancelled",
    "Progress",
    "ProgressReport",
    "SourceChoice",
    "choice_from_environment",
    "list_profiles",
    "load_organization",
    "load_resource_policy",
    "load_user_details",
    "missing_caption",
    "open_source",
]


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """What the user asked to open.

    Args:
        kind: live, snapshot or demo.
        snapshot: the file, for a snapshot.
        profile, region, endpoint_url: for live; None where not given.
    """

    kind: SourceKind
    snapshot: Path | None = None
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None


class Progress(NamedTuple):
    """How far a load has come: a short phrase, how many things so far, and how many in all (None: unknown)."""

    step: str
    done: int = 0
    total: int | None = None


ProgressReport = Callable[[Progress], None]


def _no_report(_progress: Progress) -> None:
    pass


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
    """The profiles of the AWS config files, for the chooser; nothing is run or connected to.

    Raises:
        Problem: a config file cannot be parsed.
    """
    from iamtui.aws.session import available_profiles  # start-up

    return available_profiles()


def open_source(
    choice: SourceChoice,
    report: ProgressReport = _no_report,
    cancelled: Callable[[], bool] = lambda: False,
    approve: Approve | None = None,
) -> Workspace:
    """Load the account that `choice` names. Blocking: screens call it in a worker.

    Args:
        approve: asked before a credential_process is run; None: what was confirmed may run.

    Raises:
        Problem: the source cannot be read; the sentence says why and what to do.
        OpeningCancelled: `cancelled` returned True between two steps.
    """

    def step(what: str, done: int) -> None:
        if cancelled():
            raise OpeningCancelled
        report(Progress(what, done))

    if choice.kind is SourceKind.LIVE:
        workspace = _open_live(choice, step, approve)
    else:
        workspace = (_open_demo if choice.kind is SourceKind.DEMO else _open_snapshot)(choice, step)
    if len(workspace.account.users) + len(workspace.account.roles) > _MANY:
        # Without this every full collection walks the whole account: 40 ms at AWS's usual quotas.
        gc.collect()
        gc.freeze()
    if cancelled():
        raise OpeningCancelled
    return workspace


_MANY = 1000
_Step = Callable[[str, int], None]


def _open_demo(_choice: SourceChoice, step: _Step) -> Workspace:
    from iamtui.sources.demo import demo_connection, load_demo_account  # start-up

    step("the demo account", 0)
    account = load_demo_account()
    connection = demo_connection()
    source = SourceInfo(SourceKind.DEMO, "DEMO", region=connection.region, taken_at=account.taken_at)
    return Workspace(account, source, connection)


def _open_snapshot(choice: SourceChoice, step: _Step) -> Workspace:
    from iamtui.sources.snapshot import read_snapshot  # start-up

    if choice.snapshot is None:
        raise Problem("No snapshot was named.", "Give its path: --snapshot FILE.")
    reading = f"reading {choice.snapshot.name}"
    step(reading, 0)
    account = read_snapshot(choice.snapshot, lambda _size: step(reading, 0))
    region = choice.region or ""
    return Workspace(
        account,
        SourceInfo(
            SourceKind.SNAPSHOT,
            choice.snapshot.name,
            region=region,
            taken_at=account.taken_at,
            file=str(choice.snapshot),
        ),
    )


def _open_live(choice: SourceChoice, step: _Step, approve: Approve | None) -> Workspace:
    from iamtui.aws.connection import Connection  # start-up
    from iamtui.sources.live import load_live  # likewise
    from iamtui.workspace.credential_commands import refuse_unconfirmed  # likewise

    step("finding credentials", 0)
    connection = Connection.open(
        profile=choice.profile,
        region=choice.region,
        endpoint_url=choice.endpoint_url,
        approve=approve or refuse_unconfirmed,
    )
    account = load_live(connection, step)
    source = SourceInfo(
        SourceKind.LIVE,
        connection.profile or "default credentials",
        region=connection.region,
        profile=connection.profile,
        endpoint_url=connection.endpoint_url,
        taken_at=account.taken_at,
    )
    return Workspace(account, source, connection)


def load_user_details(workspace: Workspace, user_name: str) -> Workspace:
    """The same workspace with one user's access keys, MFA devices and console password. Blocking.

    Raises:
        Problem: the source cannot be asked, or the calls fail.
    """
    from iamtui.sources import live as user_details  # start-up

    account = user_details.load_user_details(_connection(workspace), workspace.account, user_name)
    return workspace.with_account(account)


def load_resource_policy(workspace: Workspace, resource_arn: str) -> Workspace:
    """The same workspace with the policy that decides about a resource: of an object, its bucket's. Blocking.

    Raises:
        Problem: the source cannot be asked, the service has no known call, or the calls fail.
    """
    from iamtui.questions.policies_in_force import resource_policy_arn  # start-up
    from iamtui.sources import resource_policy_loader as resource_policies  # start-up

    carrier = resource_policy_arn(resource_arn)
    account = resource_policies.load_resource_policy(_connection(workspace), workspace.account, carrier)
    return workspace.with_account(account)


def load_organization(workspace: Workspace) -> Workspace:
    """The same workspace with the organization, its SCPs and RCPs, asked for again. Blocking.

    Raises:
        Problem: the source cannot be asked.
    """
    from iamtui.sources.organization import read_organization, with_organization  # start-up

    account = workspace.account
    return workspace.with_account(with_organization(account, read_organization(_connection(workspace), account.id)))


def _connection(workspace: Workspace) -> Connection:
    if workspace.connection is None:
        raise Problem(
            "A snapshot cannot be asked for more than it holds.",
            "Open the account itself with --profile, or take a newer snapshot.",
        )
    return workspace.connection


_NAMED = 3


def missing_caption(account: Account) -> str:
    """What the source lacks, in a few words for a status line: "not loaded: A, B, C and 2 more"; "" when nothing."""
    names = [gap.what for gap in account.gaps]
    if not names:
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"not loaded: {', '.join(names[:_NAMED])}{more}"
