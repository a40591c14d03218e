"""Workspace: an opened source, ready to be browsed and asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from iamtui.account.model import Account
from iamtui.credentials.session_extras import NO_EXTRAS, AssumeExtras

if TYPE_CHECKING:
    # Only for the annotation: importing the aws room would load boto3 before the first frame.
    from iamtui.aws.connection import Connection


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
        """The same workspace over a newer account."""
        return replace(self, account=account)

    @property
    def can_call_aws(self) -> bool:
        """Whether STS and on-demand reads are possible."""
        return self.connection is not None
