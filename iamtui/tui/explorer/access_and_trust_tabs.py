"""The Access and Trust tabs, and the list of one's own roles: what they show once it is found, in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from iamtui.account.model import Role, User
from iamtui.credentials.session import Clock, Session
from iamtui.engine.decision import Layer
from iamtui.engine.request import Principal
from iamtui.presentation.access import caller_roles_report, permissions_report, resources_report, service_table
from iamtui.presentation.listing import Report
from iamtui.presentation.styled_words import shades
from iamtui.presentation.trust import chain_words, edge_words, opening_words, outside_first, trustee_words
from iamtui.presentation.verdict import verdict_words
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.text import counted
from iamtui.tui.content import is_ascii
from iamtui.tui.explorer.listings import BLANK, ListingEntry, ListingRow, TabId, heading
from iamtui.workspace.ask.assumptions import assumed_of
from iamtui.workspace.ask.trust import by_principal, chains_from, every_edge, unread_trust, who_may_assume
from iamtui.workspace.ask.what_can import EffectiveAccess, what_can
from iamtui.workspace.assume.assume import acting_as
from iamtui.workspace.assume.caller_roles import roles_of_caller
from iamtui.workspace.source.principals import principal_for
from iamtui.workspace.source.workspace import Workspace


@dataclass(slots=True)
class FoundTab:
    """Contents of a tab.

    Args:
        rows: of the Access tab.
        lists: what Enter lists of a row, by its place: a title, and what makes the list.
        entries: what the Trust tab has besides the statements.
        enters: what else Enter does in a row, likewise.
    """

    rows: list[ListingRow] = field(default_factory=list)
    lists: dict[int, tuple[str, Callable[[], Report[Any]]]] = field(default_factory=dict)
    entries: list[ListingEntry] = field(default_factory=list)
    enters: dict[int, Callable[[], None]] = field(default_factory=dict)


class AccessSection(Protocol):
    """A section of the Access tab that keeps something of its own while the entities change."""

    def add(
        self, tab: FoundTab, workspace: Workspace, principal: Principal, found: EffectiveAccess
    ) -> Mapping[str, str]:
        """Add its rows for a principal, and return notes for services. Blocking."""


def found_tab(
    workspace: Workspace,
    entity: User | Role,
    tab: TabId,
    cancelled: Callable[[], bool],
    sections: Iterable[AccessSection] = (),
) -> FoundTab:
    """Contents of a tab for a user or role. Blocking.

    Args:
        sections: what stands first in the Access tab.

    Raises:
        Problem: it cannot be found.
    """
    if tab is TabId.TRUST and isinstance(entity, Role):
        return FoundTab(entries=_trusted(workspace, entity, cancelled))
    return _access(workspace, entity, cancelled, sections)


def _access(
    workspace: Workspace, entity: User | Role, cancelled: Callable[[], bool], sections: Iterable[AccessSection]
) -> FoundTab:
    principal = principal_for(workspace, entity)
    found = what_can(workspace, principal, cancelled=cancelled)
    ascii_only = is_ascii()
    title, services = service_table(found, ascii_only=ascii_only)
    tab = FoundTab()
    notes: dict[str, str] = {}
    for section in sections:
        notes |= section.add(tab, workspace, principal, found)
    count = counted(len(services), "service")
    tab.rows.append(heading(f"What it can use ({count})"))
    if services:
        some = "; ? on a condition" if any("?" in cells for _, cells in services) else ""
        tab.rows.append(ListingRow("", f"{shades(ascii_only=ascii_only)}{some}", "muted", heading=True))
    tab.rows.extend(_needed([entity]))
    titles = ListingRow("Service", title, "header", heading=True)
    tab.rows.append(titles if services else ListingRow("", "nothing", "muted"))
    width = max((len(cells) for _, cells in services), default=0)
    for service, cells in services:
        tab.lists[len(tab.rows)] = service.service, partial(permissions_report, workspace, found, (service,))
        tab.rows.append(ListingRow(service.service, cells.ljust(width), note=notes.get(service.service, "")))
    if services:
        everything = partial(permissions_report, workspace, found, [service for service, _ in services])
        tab.lists[len(tab.rows)] = "Actions", everything
        tab.rows.append(ListingRow("all", "every action, with its resources and conditions"))
        tab.lists[len(tab.rows)] = "Resources", partial(resources_report, workspace, found)
        tab.rows.append(ListingRow("resources", "what it can touch, with the actions"))
    for number, assumed in enumerate(assumed_of(workspace, Question(""), principal=principal)):
        tab.rows.append(ListingRow("" if number else "assumed", assumed, "muted", heading=True))
    try:
        chains = list(chains_from(principal, by_principal(every_edge(workspace, cancelled))))
    except Problem as problem:
        tab.rows.extend((BLANK, heading("Roles that it reaches"), ListingRow("[?]", problem.sentence, "faint")))
        return tab
    if cancelled():
        return tab
    tab.rows.extend((BLANK, heading(f"Roles that it reaches ({len(chains)})")))
    for chain in chains:
        mark, words = chain_words(workspace, chain)
        role = chain[-1].role
        tab.rows.append(ListingRow(mark, workspace.short_name(role.arn), target=role.arn, note=words))
    if not chains:
        tab.rows.append(ListingRow("", "none", "muted"))
    return tab


def _needed(holders: Iterable[User | Role]) -> list[ListingRow]:
    """A row for each permission without which policies of these were not read."""
    found = {one.permission: one.reason for holder in holders for one in holder.unread if one.part != "tags"}
    return [ListingRow("[?] needs", permission, "faint", note=reason) for permission, reason in found.items()]


def _trusted(workspace: Workspace, role: Role, cancelled: Callable[[], bool]) -> list[ListingEntry]:
    """Who may assume a role, each with the statement that lets it."""
    edges = outside_first(who_may_assume(workspace, role, cancelled))
    found = [ListingEntry(heading(f"Who may assume it, all policies considered ({len(edges)})"), role.trust)]
    for edge in edges:
        words = verdict_words(edge.decision)
        lines = next((ref.lines for ref in edge.decision.matched if ref.layer is Layer.RESOURCE), None)
        arn = edge.principal.arn
        target = arn if any(account.by_arn(arn) is not None for account in workspace.accounts) else ""
        warning = opening_words(edge)
        note = ", ".join(filter(None, (warning, edge_words(edge))))
        style = "warning" if warning else ""
        mark = f"{words.mark} {words.word.lower()}"
        row = ListingRow(mark, trustee_words(workspace, edge), style, target, note)
        found.append(ListingEntry(row, role.trust, lines=lines))
    unread = unread_trust(role)
    if unread:
        found.append(ListingEntry(ListingRow("[?]", "others: not known", "faint", note=unread), role.trust))
    elif not edges:
        found.append(ListingEntry(ListingRow("", "nobody", "muted"), role.trust))
    account = workspace.account
    unlisted = [why for kind in ("users", "roles") if (why := account.why_unlisted(kind)) is not None]
    rows = [ListingRow("[?] needs", why.permission or why.reason, "faint", note=why.reason) for why in unlisted]
    rows += _needed(account.principals)
    return [found[0], *(ListingEntry(row, role.trust) for row in rows), *found[1:]]


def assumable_roles(
    caller: Session | None, clock: Clock, workspace: Workspace, cancelled: Callable[[], bool]
) -> Report[Any]:
    """The roles that a session may assume; None: the workspace's own caller. Blocking.

    Raises:
        Problem: the session has ended, or is not who it should be.
    """
    with acting_as(workspace, caller, clock) as own:
        return caller_roles_report(own, roles_of_caller(own, cancelled))
