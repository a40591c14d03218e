"""An account of one user, alice, and one role, Deployer, with the canned STS behind it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from iamtui.account.model import Account, Fact, InlinePolicy, Known, MfaDevice, Role, User
from iamtui.credentials.assume_role import AssumeRoleInput
from iamtui.policy.document import PolicyDocument
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.sts_answers import CannedSts, sts_error

ID = "123456789012"
ALICE = f"arn:aws:iam::{ID}:user/team/alice"
ROLE = f"arn:aws:iam::{ID}:role/deploy/Deployer"
FOREIGN = "arn:aws:iam::999999999999:role/Partner"
SERIAL = f"arn:aws:iam::{ID}:mfa/alice"
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
ENTERED = AssumeRoleInput(ROLE, "alice", 3600)
DENIED = sts_error("AccessDenied", f"User: {ALICE} is not authorized to perform: sts:AssumeRole on resource: {ROLE}")


def document(*statements: dict[str, Any]) -> PolicyDocument:
    return PolicyDocument.of({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal: Any = None, **more: Any) -> PolicyDocument:
    who = {"AWS": ALICE} if principal is None else principal
    return document({"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole", **more})


MFA = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
EXTERNAL = {"Condition": {"StringEquals": {"sts:ExternalId": "partner-1"}}}
ROOT = {"AWS": f"arn:aws:iam::{ID}:root"}
KNOWN_ALICE = Known(ALICE)
TWO_HOURS = Known(7200)
ONE_DEVICE = Known((MfaDevice(SERIAL, CREATED),))
MAY_ASSUME = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})


def workspace(
    trusts: PolicyDocument,
    *,
    sts: CannedSts | None = None,
    kind: SourceKind = SourceKind.LIVE,
    caller: Fact[str] = KNOWN_ALICE,
    may: PolicyDocument | None = MAY_ASSUME,
    longest: Fact[int] = TWO_HOURS,
    devices: Fact[tuple[MfaDevice, ...]] = ONE_DEVICE,
    connected: bool = True,
) -> Workspace:
    alice = User(
        "alice",
        "/team/",
        ALICE,
        "AIDAALICE00000000000",
        CREATED,
        inline_policies=(InlinePolicy("may-assume", may),) if may is not None else (),
        mfa_devices=devices,
    )
    role = Role("Deployer", "/deploy/", ROLE, "AROADEPLOYER00000000", CREATED, trusts, max_session_seconds=longest)
    account = Account(ID, caller_arn=caller, users=(alice,), roles=(role,), organization=Known(None))
    connection = (sts or CannedSts()).connection() if connected else None
    return Workspace(account, SourceInfo(kind, "test", region="eu-west-1"), connection)
