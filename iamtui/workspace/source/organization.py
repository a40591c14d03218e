"""Organization and Identity Center of an open account, read with another profile or role, or from a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from iamtui.account.model import Account, Fact, Known, Missing, Organization
from iamtui.aws.connection import Connection
from iamtui.aws.credential_process import Approve
from iamtui.aws.errors import AwsProblem
from iamtui.problem import Problem
from iamtui.sources.identity_center import read_identity_center
from iamtui.sources.organization import OrganizationAccount, read_accounts, read_organization_with, with_organization
from iamtui.sources.parallel import Step, no_step
from iamtui.sources.recorded_organization import OrganizationFile
from iamtui.workspace.source.profile_roles import as_role, open_profile
from iamtui.workspace.source.workspace import OrganizationSource, ProgressReport, SourceKind, Workspace, steps

_SESSION_NAME: Final = "iamtui-organization"
_SESSION_SECONDS: Final = 900
"""The shortest that AWS gives: the reading takes some seconds."""


def lacks_organization(account: Account) -> bool:
    """True where other credentials or a file may have unknown facts of an account's organization."""
    return isinstance(account.organization, Missing) or any(
        isinstance(one, Missing) for level in account.organization_levels for one in (level.scps, level.rcps)
    )


class OrganizationReading:
    """Reads what accounts lack of their organization as a source says. Blocking.

    Args:
        where: that source; its file is read at once.
        approve: asked before its profile runs a credential_process.

    Raises:
        Problem: the file cannot be read, or is of another kind.
    """

    def __init__(self, where: OrganizationSource, approve: Approve | None = None) -> None:
        self._where = where
        self._approve = approve
        self._file = OrganizationFile.read(where.file) if where.file else None

    def of(self, workspace: Workspace, step: Step = no_step) -> Workspace:
        """The workspace with its organization. Where that cannot be read, it stays Missing, with the reason.

        Raises:
            Problem: the file does not list the account, or there is no profile of the name that the user gave.
        """
        workspace = workspace.reading_organization(self._where)
        account, where = workspace.account, self._where
        if self._file is not None:
            return workspace.with_account(with_organization(account, Known(self._file.of(account))))
        if workspace.connection is None or not (where.profile or where.role) or not lacks_organization(account):
            return workspace
        try:
            found = _read(workspace, where, self._approve, step)
        except Problem as problem:
            if where.profile_named and isinstance(problem, AwsProblem) and problem.code == "ProfileNotFound":
                raise
            found = Missing(problem.sentence.rstrip("."))
        if isinstance(found, Missing) and not isinstance(account.organization, Missing):
            # A part of it is better than nothing.
            return workspace
        return workspace.with_account(with_organization(account, found))


def load_organization(workspace: Workspace, where: OrganizationSource) -> Workspace:
    """The workspace with its organization read as `where` says, which it keeps. Blocking.

    Raises:
        Problem: that cannot be read, or does not list the account.
    """
    if workspace.source.kind is SourceKind.DEMO:
        raise Problem("The demo account has an organization of its own.", "Open another account with g a.")
    if where.file:
        return OrganizationReading(where).of(workspace)
    found = _read(workspace, where)
    if isinstance(found, Missing):
        needs = f"It needs {found.permission}. " if found.permission else ""
        raise Problem(
            f"The organization was not read: {found.reason}.",
            f"{needs}Choose a profile of the management account or of a delegated administrator.",
        )
    return workspace.reading_organization(where).with_account(with_organization(workspace.account, found))


def _read(
    workspace: Workspace, where: OrganizationSource, approve: Approve | None = None, step: Step = no_step
) -> Fact[Organization | None]:
    if workspace.connection is None:
        raise Problem("A snapshot has no credentials to call AWS with.", "Give a file: --organization FILE.")
    with other_connection(workspace.connection, where, approve) as other:
        return read_organization_with(other, workspace.account, step)


@contextmanager
def other_connection(
    own: Connection, where: OrganizationSource, approve: Approve | None = None
) -> Iterator[Connection]:
    """A connection as `where` says, to the same endpoint as the account's own; closed in the end."""
    other = own
    try:
        if where.profile:
            other = open_profile(
                profile=where.profile,
                region=own.region or None,
                endpoint_url=own.endpoint_url or None,
                approve=approve,
            )
        if not where.role:
            yield other
            return
        with as_role(other, where.role, _SESSION_NAME, _SESSION_SECONDS) as acting:
            yield acting
    finally:
        if other is not own:
            other.close()


def with_identity_center(
    workspace: Workspace, approve: Approve | None = None, report: ProgressReport = lambda _progress: None
) -> Workspace:
    """The workspace with what IAM Identity Center says of the account that is looked at. Blocking; never fails.

    It is read with the account's own credentials, or else with those that read the organization. Where neither may,
    it stays Missing, with the reason.

    Args:
        approve: asked before the profile of the organization runs a credential_process.
    """
    if workspace.connection is None or not workspace.lacks_people:
        return workspace
    step = steps(report)
    account, where = workspace.account, workspace.source.organization
    found = read_identity_center(workspace.connection, account, step)
    if isinstance(found, Missing) and (where.profile or where.role):
        own = found
        try:
            with other_connection(workspace.connection, where, approve) as other:
                found = read_identity_center(other, account, step)
        except Problem as problem:
            found = Missing(f"{own.reason}; with other credentials: {problem.sentence.rstrip('.')}", own.permission)
    return workspace.with_account(replace(account, identity_center=found))


def with_people_again(was: Mapping[str, Workspace], workspace: Workspace, report: ProgressReport) -> Workspace:
    """The accounts with the people behind roles of IAM Identity Center, of those that had them before. Blocking.

    Args:
        was: the accounts before, by id.
    """
    for account in workspace.accounts:
        if account.id in was and isinstance(was[account.id].account.identity_center, Known):
            workspace = with_identity_center(workspace.at(account.id), report=report)
    return workspace


def organization_accounts(
    workspace: Workspace, approve: Approve | None = None, step: Step = no_step
) -> tuple[OrganizationAccount, ...]:
    """Every account of the organization, with its units, read with the workspace's own credentials or else as it says.

    Blocking.

    Args:
        approve: asked before the profile of `workspace.source.organization` runs a credential_process.

    Raises:
        Problem: neither may read it, or there is nothing to ask.
    """
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
    with other_connection(own, where, approve) as other:
        return read_accounts(other, step)
