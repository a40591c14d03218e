"""Trust: who may assume roles, and the chains of roles that a principal reaches, in words and as lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from iamtui.account.model import Role
from iamtui.engine.decision import Outcome
from iamtui.presentation.listing import At, Edge, ListColumn, Listing, Report, StatementPlace, Target
from iamtui.presentation.styled_words import Row, Tone, Word, row_of
from iamtui.presentation.verdict import as_far_as_loaded, verdict_words
from iamtui.workspace.ask.trust import Chain, Opening, TrustEdge, Trustee, TrustReader, unread_trust
from iamtui.workspace.source.workspace import Workspace

_OUTSIDE: Final = "outside"
_INSIDE: Final = "inside"
_SERVICES: Final = "services"


@dataclass(frozen=True, slots=True)
class TrustRow:
    """A principal that may assume a role.

    Args:
        edge: None where whom else a trust policy names is not known, or where the words say what is so instead.
        words: a sentence in the place of a principal, raw.
    """

    role: Role
    edge: TrustEdge | None = None
    words: str = ""

    @property
    def kind(self) -> str:
        if self.edge is None or self.edge.is_outside:
            return _OUTSIDE
        return _INSIDE if self.edge.is_inside else _SERVICES


def _details(workspace: Workspace, row: TrustRow) -> list[Row]:
    if row.edge is None:
        return [row_of(f"Whom else its trust policy names is not known: {unread_trust(row.role)}.", limit=None)]
    edge = row.edge
    words = verdict_words(edge.decision)
    return [
        row_of(
            Word(f"{words.mark} {words.word}", words.tone, bold=True),
            f"  {trustee_words(workspace, edge)} → {workspace.short_name(row.role.arn)}",
            limit=None,
        ),
        row_of(edge_words(edge) or "without a condition", Word(f"  {opening_words(edge)}", Tone.DENIED), limit=None),
        row_of(Word("Enter shows the trust policy.", Tone.QUIET)),
    ]


def trust_report(workspace: Workspace, cancelled: Callable[[], bool]) -> Report[TrustRow]:
    """Who may assume the roles of the account that is looked at, of each role from outside first."""
    reader = TrustReader(workspace)
    rows: list[TrustRow] = []
    for role in workspace.account.roles:
        if cancelled():
            break
        rows += [TrustRow(role)] if unread_trust(role) else []
        rows += (TrustRow(role, edge) for edge in outside_first(reader.edges(role, cancelled)))
    return Report(trust_edges(workspace), rows)


def trust_edges(workspace: Workspace) -> Listing[TrustRow]:
    """The list of principals that may assume roles, by role."""

    def mark(row: TrustRow) -> Word:
        if row.edge is None:
            return Word("[?]", Tone.DEPENDS) if unread_trust(row.role) and not row.words else Word("")
        words = verdict_words(row.edge.decision)
        return Word(words.mark, words.tone)

    def principal(row: TrustRow) -> str:
        if row.edge is None:
            return row.words or f"others  not known: {unread_trust(row.role)}"
        return trustee_words(workspace, row.edge)

    def condition(row: TrustRow) -> str | None:
        return unread_trust(row.role) if row.edge is None else row.edge.condition or None

    return Listing(
        "trust",
        (
            ListColumn(
                "decision", lambda row: (row.edge.decision.outcome if row.edge else Outcome.DEPENDS).value, mark
            ),
            ListColumn(
                "role",
                lambda row: row.role.arn,
                lambda row: Word(workspace.short_name(row.role.arn), Tone.STRONG),
                at=At.SCREEN | At.DATA,
            ),
            ListColumn("principal", lambda row: row.edge.name if row.edge else None, principal),
            ListColumn("kind", lambda row: row.edge.trustee.value if row.edge else "unknown", at=At.DATA),
            ListColumn("action", lambda row: row.edge.action if row.edge else "sts:AssumeRole", at=At.DATA),
            ListColumn("condition", condition, lambda row: edge_words(row.edge) if row.edge else ""),
            ListColumn("complete", lambda row: row.edge is not None and row.edge.decision.complete, at=At.DATA),
            ListColumn(
                "open_to",
                lambda row: row.edge.opening if row.edge else None,
                lambda row: Word(opening_words(row.edge) if row.edge else "", Tone.DENIED),
            ),
            ListColumn(
                "without_external_id", lambda row: row.edge is not None and row.edge.lacks_external_id, at=At.DATA
            ),
        ),
        title="Trust",
        nothing="No role can be assumed by anybody that is known.",
        kinds=(_OUTSIDE, _INSIDE, _SERVICES),
        kind=lambda row: row.kind,
        group=lambda row: workspace.short_name(row.role.arn),
        details=lambda row: _details(workspace, row),
        target=lambda row: Target(row.role.arn, StatementPlace(trust=True)),
        edge=lambda row: trust_arrow(workspace, row.edge) if row.edge is not None else None,
    )


def trust_arrow(workspace: Workspace, edge: TrustEdge) -> Edge:
    """From the principal to the role, dashed where a condition remains."""
    whom = trustee_words(workspace, edge)
    return Edge(whom, workspace.short_name(edge.role.arn), edge.condition, bool(edge.condition))


def chains(workspace: Workspace, start: str) -> Listing[Chain]:
    """The list of roles that a principal, by its ARN, reaches through others."""

    def mark(chain: Chain) -> Word:
        shown = next((edge for edge in chain if edge.decision.outcome is not Outcome.ALLOWED), chain[-1])
        return Word("[+]" if _is_certain(chain) else "[?]", verdict_words(shown.decision).tone)

    def conditions(chain: Chain) -> str:
        of = " (for {})" if len(chain) > 1 else ""
        found = [f"{edge.condition}{of.format(edge.role.name)}" for edge in chain if edge.condition]
        return "; ".join(found)

    def record(chain: Chain) -> dict[str, Any]:
        edges = trust_edges(workspace)
        steps = [edges.record(TrustRow(edge.role, edge)) for edge in chain]
        return {"principal": start, "role": chain[-1].role.arn, "steps": steps}

    return Listing(
        "trust",
        (
            ListColumn("principal", lambda _chain: start, at=At.DATA),
            ListColumn("decision", lambda chain: "allowed" if _is_certain(chain) else "depends", mark),
            ListColumn(
                "role",
                lambda chain: chain[-1].role.arn,
                lambda chain: " -> ".join(workspace.short_name(edge.role.arn) for edge in chain),
            ),
            ListColumn("through", lambda chain: [edge.role.arn for edge in chain[:-1]], at=At.DATA),
            ListColumn("condition", conditions, lambda chain: f"if {found}" if (found := conditions(chain)) else ""),
        ),
        data=record,
        edge=lambda chain: trust_arrow(workspace, chain[-1]),
    )


def _is_certain(chain: Chain) -> bool:
    return all(edge.decision.outcome is Outcome.ALLOWED for edge in chain)


def trustee_words(workspace: Workspace, edge: TrustEdge) -> str:
    """Who may assume a role, raw."""
    if edge.trustee is Trustee.EVERYONE:
        some = "" if edge.name == "*" else f" whose ARN matches {edge.name}"
        return f"everyone: users and roles of every account{some}"
    name = workspace.short_name(edge.name)
    return f"account {name}" if edge.trustee is Trustee.OTHER_ACCOUNT and edge.name == edge.principal.account else name


def opening_words(edge: TrustEdge) -> str:
    """A warning that the role is open to more than it names; "" where it is not."""
    if edge.lacks_external_id:
        return "[!] without an external ID"
    return "[!] every identity of the provider" if edge.opening is Opening.EVERY_IDENTITY else ""


def outside_first(edges: Iterable[TrustEdge]) -> list[TrustEdge]:
    """Everyone first, then other accounts: not to be cut off behind the account's own and services."""
    return sorted(edges, key=lambda edge: 0 if edge.trustee is Trustee.EVERYONE else 1 if edge.is_outside else 2)


def edge_words(edge: TrustEdge) -> str:
    """By which call, and on what condition; raw, "" where there is nothing to say."""
    parts = [
        f"by {edge.action.removeprefix('sts:')}" if edge.action != "sts:AssumeRole" else "",
        f"if {edge.condition}" if edge.condition else "",
        as_far_as_loaded(edge.decision),
        "where its own account allows it" if edge.is_outside else "",
    ]
    return ", ".join(filter(None, parts))


def chain_words(workspace: Workspace, chain: Chain) -> tuple[str, str]:
    """The mark of a chain, and by which roles it goes and on which conditions; the second is raw."""
    through = " → ".join(workspace.short_name(edge.role.arn) for edge in chain[:-1])
    conditions = [edge.condition for edge in chain if edge.condition]
    loaded = next(filter(None, (as_far_as_loaded(edge.decision) for edge in chain)), "")
    parts = [f"through {through}" if through else "", f"if {'; '.join(conditions)}" if conditions else "", loaded]
    return "[+]" if _is_certain(chain) else "[?]", ", ".join(filter(None, parts))
