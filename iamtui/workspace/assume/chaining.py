"""Role chaining: going on as a session that was just assumed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from iamtui.account.availability import Known, Missing
from iamtui.credentials.formats import exportable
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.workspace.workspace import Workspace


def as_session(workspace: Workspace, session: Session, now: datetime | None = None) -> Workspace:
    """The same account, endpoint and region, with a session as the caller.

    Our own answers then are those for the session, which its session policies limit; where its account is another
    than the one that is loaded, what its own policies allow is unknown. What it assumes lasts one hour at most, which
    a plan says. `now` is the local time, UTC (default: the clock).

    Raises:
        Problem: the session has ended, is not who it should be, or there is no connection.
    """
    values = exportable(session, now)
    if workspace.connection is None:
        raise Problem("A snapshot comes without a connection to AWS.", "Open the account with --profile.")
    connection = workspace.connection.with_credentials(
        values.access_key_id, values.secret_access_key, values.session_token
    )
    arn = session.identity.arn if session.identity is not None else session_arn(session)
    account = replace(workspace.account, caller_arn=Known(arn))
    return replace(workspace, account=account, connection=connection, caller_extras=session.extras)


@contextmanager
def acting_as(workspace: Workspace, caller: Session | None, now: datetime | None = None) -> Iterator[Workspace]:
    """The workspace of a session, as `as_session` gives it; its connection is closed afterwards. None: its own caller.

    Raises:
        Problem: as `as_session`.
    """
    if caller is None:
        yield workspace
        return
    acting = as_session(workspace, caller, now)
    try:
        yield acting
    finally:
        if acting.connection is not None:
            acting.connection.close()


def session_arn(session: Session) -> str:
    """The ARN that STS gives the session of a role (IAM User Guide: IAM identifiers)."""
    partition, account = session.role_arn.split(":")[1], session.role_arn.split(":")[4]
    role = session.role_arn.rsplit("/", 1)[-1]
    return f"arn:{partition}:sts::{account}:assumed-role/{role}/{session.session_name}"


def is_session_of(workspace: Workspace, role_arn: str) -> bool:
    """Whether the workspace's own caller is a session of this role; False when either is unknown."""
    caller = workspace.account.caller_arn
    if isinstance(caller, Missing):
        return False
    mine, role = caller.value.split(":", 5), role_arn.split(":", 5)
    if len(mine) != 6 or len(role) != 6 or mine[4] != role[4] or not role[5].startswith("role/"):
        return False
    kind, _, rest = mine[5].partition("/")
    return kind == "assumed-role" and rest.partition("/")[0] == role[5].rsplit("/", 1)[-1]
