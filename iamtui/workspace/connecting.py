"""Opening a source without reading its inventory, for what needs only the connection."""

from __future__ import annotations

import os
from dataclasses import replace

from iamtui.account.availability import Known, Missing
from iamtui.account.model import Account
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.problem import Problem
from iamtui.workspace.credential_commands import refuse_changed_command
from iamtui.workspace.opening import SourceChoice, choice_from_environment, open_source
from iamtui.workspace.workspace import SourceInfo, SourceKind, Workspace


def login_command(problem: Problem) -> str:
    """The command that the user runs to sign in again, where that is what a problem needs; else ""."""
    return problem.login_command if isinstance(problem, AwsProblem) else ""


def reconnected(workspace: Workspace) -> Workspace:
    """The same workspace with its credentials looked for again, after the user has signed in. Blocking.

    Raises:
        Problem: there still are none, or the profile would run another command than before for them.
    """
    if workspace.connection is None:
        return workspace
    if workspace.connection.profile and not workspace.connection.has_own_keys:
        refuse_changed_command(workspace.connection.profile)
    return replace(workspace, connection=workspace.connection.reopened())


def connect(choice: SourceChoice) -> Workspace:
    """A workspace that can call AWS and knows who is calling, but nothing of the account's inventory.

    The demo is opened whole: it costs nothing, and its answers rest on it. Blocking.

    Raises:
        Problem: the source is a snapshot, which nothing can be asked of, or no credentials can be found.
    """
    if choice.kind is SourceKind.SNAPSHOT:
        raise Problem("A snapshot has no credentials to call AWS with.", "Use --profile, or --demo to try it out.")
    if choice.kind is SourceKind.DEMO:
        return open_source(choice)
    if choice.profile is not None or choice_from_environment(os.environ) is None:
        refuse_changed_command(choice.profile)
    connection = Connection.open(profile=choice.profile, region=choice.region, endpoint_url=choice.endpoint_url)
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
