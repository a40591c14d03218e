"""Opening a source without reading its inventory, for what needs only the connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from iamtui.account.model import Account, Known, Missing
from iamtui.aws.connection import Connection
from iamtui.aws.credential_process import Approve
from iamtui.aws.errors import AwsProblem
from iamtui.policy.arn import parse_arn
from iamtui.problem import Problem
from iamtui.questions.policies_in_force import resource_policy_arn
from iamtui.resource_policy_services import WITH_RESOURCE_POLICIES
from iamtui.workspace.credential_commands import refuse_unconfirmed
from iamtui.workspace.workspace import (
    SourceChoice,
    SourceInfo,
    SourceKind,
    Workspace,
    load_resource_policy,
    open_source,
)


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


# Loading the policies of the resources that are asked about, before the question is answered.


def unloaded_carriers(account: Account, resources: Iterable[str]) -> Iterator[str]:
    """The ARNs whose policies would decide about these resources and have not been asked for, each once.

    An alias of a KMS key that is not known stands for itself.
    """
    seen: set[str] = set()
    for resource in resources:
        carrier = resource_policy_arn(resource)
        carrier = account.kms_aliases.get(carrier, carrier)
        arn = parse_arn(carrier)
        if arn is None or arn.service not in WITH_RESOURCE_POLICIES or "*" in carrier or "?" in carrier:
            continue
        if carrier not in seen and carrier not in account.resource_policies:
            seen.add(carrier)
            yield carrier


def with_resource_policies(workspace: Workspace, resources: Iterable[str]) -> tuple[Workspace, dict[str, Problem]]:
    """Load what is not loaded of the policies that decide about some resources. Blocking.

    Returns:
        The workspace with what could be loaded, and why the rest could not, by ARN. A snapshot is returned as
        it is: it cannot be asked for more.
    """
    failed: dict[str, Problem] = {}
    if workspace.can_call_aws:
        for carrier in unloaded_carriers(workspace.account, resources):
            try:
                workspace = load_resource_policy(workspace, carrier)
            except Problem as problem:
                failed[carrier] = problem
    return workspace, failed
