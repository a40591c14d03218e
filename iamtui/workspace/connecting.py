"""Opening a source without reading its inventory, for what needs only the connection."""

from __future__ import annotations

from dataclasses import replace

from iamtui.account.availability import Known, Missing
from iamtui.account.model import Account
from iamtui.aws.connection import Connection
from iamtui.aws.credential_process import Approve
from iamtui.aws.errors import AwsProblem
from iamtui.problem import Problem
from iamtui.workspace.credential_commands import refuse_unconfirmed
from iamtui.workspace.opening import SourceChoice, open_source
from iamtui.workspace.workspace import SourceInfo, SourceKind, Workspace


def login_command(problem: Problem) -> str:
    """The command that the user runs to sign in again, where that is what a problem needs; else ""."""
    return problem.login_command if isinstance(problem, AwsProblem) else ""


def reconnected(workspace: Workspace) -> Workspace:
    """The same workspace with its credentials looked for again, after the user has signed in. Blocking.

    Raises:
        Problem: there still are none, or the profile would run another command for them, which was not confirmed.
    """
    if workspace.connection is None:
        return workspace
    return replace(workspace, connection=workspace.connection.reopened())


def connect(choice: SourceChoice, approve: Approve = refuse_unconfirmed) -> Workspace:
    """A workspace that can call AWS and knows who is calling, but nothing of the account's inventory.

    The demo is opened whole: it costs nothing, and its answers rest on it. Blocking.

    Args:
        approve: asked before a credential_process is run.

    Raises:
        Problem: the source is a snapshot, which nothing can be asked of, or no credentials can be found.
    """
    if choice.kind is SourceKind.SNAPSHOT:
        raise Problem("A snapshot has no credentials to call AWS with.", "Use --profile, or --demo to try it out.")
    if choice.kind is SourceKind.DEMO:
        return open_source(choice)
    connection = Connection.open(
        profile=choice.profile, region=choice.region, endpoint_url=choice.endpoint_url, approve=approve
    )
    caller = connection.caller()
    gone = Missing("not loaded: the role was given by its ARN")
    account = Account(id=caller.account, caller_arn=Known(caller.arn), alias=gone, organization=gone, providers=gone)
    source = SourceInfo(
        SourceKind.LIVE,
        connection.profile or "default credentials",
        region=connection.region,
        profile=connection.profile,
        endpoint_url=connection.endpoint_url,
    )
    return Workspace(account, source, connection)
