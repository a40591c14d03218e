"""`iamtui trust`: who may assume each role, and what a principal reaches through chains of roles."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any, Final

import click

from iamtui.account.model import Role
from iamtui.cli.command import command, output_options
from iamtui.cli.exits import Exit
from iamtui.cli.opening import all_or_open, draft_option, open_workspace, with_draft
from iamtui.cli.output import (
    Edge,
    Output,
    ProgressLine,
    Span,
    Style,
    note,
    print_graph,
    print_rows,
    progress_report,
    stdout,
)
from iamtui.cli.question_options import say_assumed
from iamtui.cli.render import short_name, verdict_style
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.engine.decision import Outcome
from iamtui.presentation.access import edge_words, opening_words, outside_first, trustee_words
from iamtui.presentation.verdict import verdict_words
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.text import counted, first_names, safe_text
from iamtui.workspace.ask.trust import ASSUMING, Chain, TrustEdge, TrustReader, by_principal, chains_from, unread_trust
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import Progress, Workspace

_EDGE_COLUMNS: Final = (
    "role", "principal", "kind", "action", "decision", "complete", "condition", "open_to", "without_external_id",
)  # fmt: skip
_GRAPHS: Final = ("dot", "mermaid")
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
    if form in _GRAPHS:
        _print_graph(out, workspace, _read(roles), form)
    elif form == "text":
        for reader, one in _each(roles):
            _print_role(out, workspace, one, reader, most=_MOST_LISTED if role is None else None)
    else:
        records = chain(map(_edge_json, _read(roles)), map(_others_json, unread))
        print_rows(out, form, records, data=dict, text=lambda _: None, columns=_EDGE_COLUMNS)
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


def _edge_json(edge: TrustEdge) -> dict[str, Any]:
    return {
        "role": edge.role.arn,
        "principal": edge.name,
        "kind": edge.trustee.value,
        "action": edge.action,
        "decision": edge.decision.outcome.value,
        "complete": edge.decision.complete,
        "condition": edge.condition or None,
        "open_to": edge.opening,
        "without_external_id": edge.lacks_external_id,
    }


def _chain_json(principal: str, chain: Chain) -> dict[str, Any]:
    return {"principal": principal, "role": chain[-1].role.arn, "steps": [*map(_edge_json, chain)]}


def _others_json(role: Role) -> dict[str, Any]:
    """In the place of those whom a trust policy would name besides users and roles, where it is not known."""
    return {
        "role": role.arn,
        "principal": None,
        "kind": "unknown",
        "action": "sts:AssumeRole",
        "decision": Outcome.DEPENDS.value,
        "complete": False,
        "condition": unread_trust(role),
        "open_to": None,
        "without_external_id": False,
    }


def _print_role(out: Output, workspace: Workspace, role: Role, reader: TrustReader, *, most: int | None) -> None:
    outside = tuple(reader.edges(role, inside=False))
    inside = reader.inside(role)
    count = len(inside) + len(outside)
    edges = outside_first((*islice(inside, most), *outside))[:most]
    unread = unread_trust(role)
    _clear_progress()
    nobody = "" if edges or unread else "  nobody may assume it"
    out.line(Span(short_name(workspace, role.arn), Style.STRONG), nobody)
    if unread:
        out.line("  ", Span("[?]", Style.OPEN), f" others  not known: {unread}")
    for edge in edges:
        words = verdict_words(edge.decision)
        warning = f"  {opening_words(edge)}".rstrip()
        out.line(
            "  ",
            Span(f"{words.mark}", verdict_style(edge.decision)),
            f" {_trustee(workspace, edge)}",
            f"  {safe_text(edge_words(edge), limit=None)}".rstrip(),
            Span(warning, Style.BAD),
        )
    if count > len(edges):
        out.line(f"  and {count - len(edges)} more: iamtui trust {role.name}")


def _trustee(workspace: Workspace, edge: TrustEdge) -> str:
    return safe_text(trustee_words(workspace, edge))


def _print_chains(out: Output, workspace: Workspace, start: str, form: str) -> None:
    principal = resolve_principal(workspace, start)
    edges = by_principal(_read(_every_role(workspace)))
    chains = tuple(chains_from(principal, edges))
    if form in _GRAPHS:
        _print_graph(out, workspace, (chain[-1] for chain in chains), form)
    else:
        print_rows(
            out,
            form,
            chains,
            data=partial(_chain_json, principal.arn),
            text=partial(_print_chain, out, workspace),
            columns=("principal", "role", "through"),
            cells=lambda one: (principal.arn, one[-1].role.arn, " ".join(edge.role.arn for edge in one[:-1])),
        )
    direct = sum(len(chain) == 1 for chain in chains)
    note(f"{short_name(workspace, principal.arn)} reaches {counted(len(chains), 'role')}, {direct:,} of them directly.")


def _print_chain(out: Output, workspace: Workspace, chain: Chain) -> None:
    certain = all(edge.decision.outcome is Outcome.ALLOWED for edge in chain)
    path = " -> ".join(short_name(workspace, edge.role.arn) for edge in chain)
    names = len(chain) > 1
    conditions = [f"{edge.condition}{f' (for {edge.role.name})' if names else ''}" for edge in chain if edge.condition]
    shown = next((edge for edge in chain if edge.decision.outcome is not Outcome.ALLOWED), chain[-1])
    mark = Span("[+]" if certain else "[?]", verdict_style(shown.decision))
    out.line(mark, f" {path}", f"  if {'; '.join(conditions)}" if conditions else "")


def _print_graph(out: Output, workspace: Workspace, edges: Iterable[TrustEdge], form: str) -> None:
    """From the principal to the role, dashed where a condition remains."""
    found = (
        Edge(_trustee(workspace, edge), short_name(workspace, edge.role.arn), edge.condition, bool(edge.condition))
        for edge in edges
    )
    print_graph(out, "trust", found, form)
