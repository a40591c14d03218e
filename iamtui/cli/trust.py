"""`iamtui trust`: who may assume each role, and what a principal reaches through chains of roles."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import click

from iamtui.account.model import Role
from iamtui.cli.command import command, output_options
from iamtui.cli.listing import print_listing
from iamtui.cli.opening import all_or_open, draft_option, open_workspace, with_draft
from iamtui.cli.output import Exit, Output, ProgressLine, note, progress_report, stdout
from iamtui.cli.questions import say_assumed
from iamtui.cli.render import short_name
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.presentation.trust import TrustRow, chains, outside_first, trust_edges
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.text import counted, first_names, safe_text
from iamtui.workspace.ask.trust import ASSUMING, TrustEdge, TrustReader, by_principal, chains_from, unread_trust
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import Progress, Workspace

_MOST_LISTED: Final = 12
"""Principals listed of each role when all roles are."""


@command("trust")
@click.argument("role", required=False)
@click.option("--from", "start", metavar="PRINCIPAL", help="The roles that a principal reaches, through others too.")
@output_options("text", "json", "jsonl", "csv", "markdown", "dot", "mermaid")
@draft_option
@source_options
def trust(role: str | None, start: str | None, form: str, draft: str | None, source: SourceOptions) -> Exit:
    """Who may assume ROLE, or each role, as AWS decides: trust policy, own policies, boundaries, SCPs and RCPs.

    Lists users, roles, services, identity providers and other accounts, each with its condition. Another account that
    comes in without an external ID is marked. With --from: the roles that one principal reaches through chains of
    roles, the shortest chains first.
    """
    if role is not None and start is not None:
        raise click.UsageError("Give ROLE or --from PRINCIPAL, not both.")
    workspace = with_draft(open_workspace(source, several=True), draft)
    out = stdout()
    if start is not None:
        _print_chains(out, workspace, start, form)
        say_assumed(workspace, Question(""), tuple(ASSUMING))
        return all_or_open(workspace)
    roles = _every_role(workspace) if role is None else [_role_named(workspace, role)]
    unread = [one for _, one in roles if unread_trust(one)]
    most = _MOST_LISTED if role is None and form == "text" else None
    print_listing(out, form, trust_edges(workspace), _rows(roles, most, for_people=form == "text"))
    say_assumed(workspace, Question(""), tuple(ASSUMING))
    if unread:
        names = first_names([short_name(workspace, one.arn) for one in unread], _MOST_LISTED)
        note(f"Who else may assume roles is not known where trust policies are not loaded or cannot be read: {names}.")
    return Exit.OPEN if unread else all_or_open(workspace)


def _every_role(workspace: Workspace) -> list[tuple[TrustReader, Role]]:
    """The roles of all accounts that are open, each with what reads its account."""
    found: list[tuple[TrustReader, Role]] = []
    for account in workspace.accounts:
        reader = TrustReader(workspace.at(account.id))
        found += ((reader, role) for role in account.roles)
    return found


def _read(roles: Sequence[tuple[TrustReader, Role]]) -> Iterator[TrustEdge]:
    for reader, role in _each(roles):
        edges = tuple(reader.edges(role))
        _clear_progress()
        yield from edges


def _each(roles: Sequence[tuple[TrustReader, Role]]) -> Iterator[tuple[TrustReader, Role]]:
    """The roles, one after the other; on a terminal a line tells how many are read."""
    report = progress_report()
    for number, role in enumerate(roles):
        report(Progress("Roles and who may assume them", number, len(roles)))
        yield role
    ProgressLine.clear()


def _clear_progress() -> None:
    """Clear the line that tells of progress where what is found is printed to the same terminal."""
    if sys.stdout is not None and sys.stdout.isatty():
        ProgressLine.clear()


def _role_named(workspace: Workspace, name: str) -> tuple[TrustReader, Role]:
    """A role by ARN, unique id or name."""
    in_full = name.startswith(("arn:", "role/", "user/", "AROA"))
    principal = resolve_principal(workspace, name if in_full else f"role/{name}")
    workspace = workspace.at(principal.account)
    role = workspace.account.by_arn(principal.role_arn or principal.arn)
    if not isinstance(role, Role):
        raise Problem(f"{safe_text(name)} is not a role.", "See `iamtui list roles`.")
    return TrustReader(workspace), role


def _rows(roles: Sequence[tuple[TrustReader, Role]], most: int | None, *, for_people: bool) -> Iterator[TrustRow]:
    """Those who may assume roles, from outside first; for people also a row where there is nobody, or are more."""
    for reader, role in _each(roles):
        outside = tuple(reader.edges(role, inside=False))
        inside = reader.inside(role)
        more = len(inside) + len(outside) - most if most is not None else 0
        edges = outside_first((*islice(inside, most), *outside))[:most]
        unread = unread_trust(role)
        _clear_progress()
        if unread:
            yield TrustRow(role)
        yield from (TrustRow(role, edge) for edge in edges)
        if for_people and not edges and not unread:
            yield TrustRow(role, words="nobody may assume it")
        if more > 0:
            yield TrustRow(role, words=f"and {more} more: iamtui trust {role.name}")


def _print_chains(out: Output, workspace: Workspace, start: str, form: str) -> None:
    principal = resolve_principal(workspace, start)
    edges = by_principal(_read(_every_role(workspace)))
    found = tuple(chains_from(principal, edges))
    print_listing(out, form, chains(workspace, principal.arn), found)
    direct = sum(len(chain) == 1 for chain in found)
    note(f"{short_name(workspace, principal.arn)} reaches {counted(len(found), 'role')}, {direct:,} of them directly.")
