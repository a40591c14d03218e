"""Organization of an open account, read with another profile or role, or from a file; the accounts of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from iamtui.account.model import Account, Fact, Known, Missing, Organization
from iamtui.credentials.assume_role import AssumeRoleInput, ask_for_credentials
from iamtui.credentials.session import utc_now
from iamtui.problem import Problem
from iamtui.workspace.credential_commands import refuse_unconfirmed
from iamtui.workspace.workspace import OrganizationSource, SourceKind, Workspace

if TYPE_CHECKING:
    from iamtui.aws.connection import Connection
    from iamtui.aws.credential_process import Approve
    from iamtui.sources.organization import OrganizationAccount as OrganizationAccount  # for the doors
    from iamtui.sources.parallel import Step

_SESSION_NAME: Final = "iamtui-organization"
_SESSION_SECONDS: Final = 900
"""The shortest that AWS gives: the reading takes some seconds."""


def _no_step(_what: str, _done: int, _waiting: str = "", /) -> None:
    """Nobody is told how far it has come."""


def lacks_organization(account: Account) -> bool:
    """Whether something of an account's organization is not known that other credentials or a file may tell."""
    fact = account.organization
    levels = () if isinstance(fact, Missing) or fact.value is None else fact.value.path
    return isinstance(fact, Missing) or any(
        isinstance(one, Missing) for each in levels for one in (each.scps, each.rcps)
    )


def with_organization_read(workspace: Workspace, approve: Approve | None = None, step: Step = _no_step) -> Workspace:
    """The workspace with what its own credentials could not read of its organization, read as its source says.

    Blocking. Where that fails, the organization stays Missing, with the reason.

    Args:
        approve: asked before the profile runs a credential_process.

    Raises:
        Problem: there is no profile of the name that the user gave.
    """
    from iamtui.aws.errors import AwsProblem

    where, account = workspace.source.organization, workspace.account
    if workspace.connection is None or not (where.profile or where.role) or not lacks_organization(account):
        return workspace
    try:
        found = _read(workspace, where, approve, step)
    except Problem as problem:
        if where.profile_named and isinstance(problem, AwsProblem) and problem.code == "ProfileNotFound":
            raise
        found = Missing(problem.sentence.rstrip("."))
    if isinstance(found, Missing) and not isinstance(account.organization, Missing):
        # A part of it is better than nothing.
        return workspace
    return _with(workspace, found)


def load_organization(
    workspace: Workspace, where: OrganizationSource, approve: Approve | None = None, step: Step = _no_step
) -> Workspace:
    """The workspace with its organization read as `where` says, which it keeps. Blocking.

    Raises:
        Problem: that cannot be read, or does not list the account.
    """
    from iamtui.sources.organization_file import OrganizationFile

    if workspace.source.kind is SourceKind.DEMO:
        raise Problem("The demo account has an organization of its own.", "Open another account with P.")
    if where.file:
        found: Fact[Organization | None] = Known(OrganizationFile.read(where.file).of(workspace.account))
    else:
        found = _read(workspace, where, approve, step)
    if isinstance(found, Missing):
        needs = f"It needs {found.permission}. " if found.permission else ""
        raise Problem(
            f"The organization was not read: {found.reason}.",
            f"{needs}Choose a profile of the management account or of a delegated administrator.",
        )
    return _with(workspace.reading_organization(where), found)


def _with(workspace: Workspace, found: Fact[Organization | None]) -> Workspace:
    from iamtui.sources.organization import with_organization

    return workspace.with_account(with_organization(workspace.account, found))


def _read(
    workspace: Workspace, where: OrganizationSource, approve: Approve | None, step: Step
) -> Fact[Organization | None]:
    from iamtui.sources.organization import read_organization_with

    if workspace.connection is None:
        raise Problem("A snapshot has no credentials to call AWS with.", "Give a file: --organization FILE.")
    with _other_connection(workspace.connection, where, approve) as other:
        return read_organization_with(other, workspace.account, step)


@contextmanager
def _other_connection(
    own: Connection, where: OrganizationSource, approve: Approve | None = None
) -> Iterator[Connection]:
    """A connection as `where` says, to the same endpoint as the account's own; closed in the end."""
    from iamtui.aws.connection import Connection

    other = own
    try:
        if where.profile:
            other = Connection.open(
                profile=where.profile,
                region=own.region or None,
                endpoint_url=own.endpoint_url or None,
                approve=approve or refuse_unconfirmed,
            )
        if not where.role:
            yield other
            return
        entered = AssumeRoleInput(where.role, _SESSION_NAME, _SESSION_SECONDS)
        given = ask_for_credentials(
            lambda: other.call("sts", "AssumeRole", **entered.parameters()), "sts:AssumeRole", utc_now
        )
        with other.with_credentials(given.access_key_id, given.secret_access_key, given.session_token) as as_role:
            yield as_role
    finally:
        if other is not own:
            other.close()


def organization_accounts(
    workspace: Workspace, approve: Approve | None = None, step: Step = _no_step
) -> tuple[OrganizationAccount, ...]:
    """Every account of the organization, with its units, read with the workspace's own credentials or else as it says.

    Blocking.

    Args:
        approve: asked before the profile of `workspace.source.organization` runs a credential_process.

    Raises:
        Problem: neither may read it, or there is nothing to ask.
    """
    from iamtui.aws.errors import AwsProblem
    from iamtui.sources.organization import read_accounts

    own, where = workspace.connection, workspace.source.organization
    if own is None:
        raise Problem("A snapshot has no credentials to call AWS with.", "Use --profile.")
    try:
        return read_accounts(own, step)
    except AwsProblem as problem:
        if not (where.profile or where.role):
            raise Problem(
                f"The accounts of the organization cannot be listed: {problem.sentence}",
                "Name a profile of the management account or of a delegated administrator: --organization-profile.",
            ) from None
    with _other_connection(own, where, approve) as other:
        return read_accounts(other, step)
