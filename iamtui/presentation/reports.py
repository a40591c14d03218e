"""Lists of what an account holds and of lines with a mark, a name and a text; effects of a draft in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from iamtui.account.model import Account, Entity, IdentityProvider, Missing, Role, User
from iamtui.presentation.listing import At, ListColumn, Listing, Report, Target
from iamtui.presentation.styled_words import Row, Tone, Word, row_of, text_of
from iamtui.text import first_names, safe_text
from iamtui.workspace.review.overview import Figure
from iamtui.workspace.source.inventory import AttachedControl, control_to_json, last_used, summary_to_json
from iamtui.workspace.source.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.workspace.change.impact import AccessShift, EscalationShift, TrustShift


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A line of a list.

    Args:
        mark: the first column.
        name, text: what it is about, and what is said of it; raw.
        details: what stands below the list while the cursor is here.
        inner: the parts that stand below it.
    """

    mark: Word
    name: str
    text: str = ""
    kind: str = ""
    details: tuple[Row, ...] = ()
    target: Target | None = None
    inner: tuple[ReportRow, ...] = ()


LINES: Final = Listing[ReportRow](
    "lists",
    (
        ListColumn("mark", lambda row: row.mark.text.strip(), lambda row: row.mark),
        ListColumn("name", lambda row: row.name, lambda row: Word(row.name, Tone.STRONG if row.target else Tone.PLAIN)),
        ListColumn("text", lambda row: row.text, lambda row: Word(row.text, Tone.QUIET)),
        ListColumn("group", lambda row: row.kind, at=At.DATA),
        ListColumn("arn", lambda row: row.target.arn if row.target is not None else "", at=At.DATA),
    ),
    kind=lambda row: row.kind,
    inner=lambda row: row.inner,
    details=lambda row: row.details,
    target=lambda row: row.target,
)


def lines_report(
    title: str,
    rows: Sequence[ReportRow] = (),
    kinds: Sequence[str] = (),
    notes: Sequence[str] = (),
    nothing: str = "",
    names: Sequence[str] = ("mark", "name", "details"),
) -> Report[ReportRow]:
    """A list of lines under a title.

    Args:
        title, notes: raw.
        names: of the columns of mark, name and text.
    """
    titled = [replace(column, id=name) for name, column in zip(names, LINES.columns, strict=False)]
    columns = (*titled, *LINES.columns[len(titled) :])
    listing = replace(LINES, columns=columns, title=title, kinds=tuple(kinds), nothing=nothing)
    return Report(listing, rows, [text_of(row_of(note, limit=None)) for note in notes if note])


def members_report(account: Account, figure: Figure, parts: Sequence[Figure] = ()) -> Report[ReportRow]:
    """Members that a number of the overview counts, each with the way to it in the tree.

    Args:
        parts: what the number is made up of; its list can be narrowed to each.
    """
    of = {member: part.label.rpartition(": ")[2] for part in parts for member in part.members}
    rows = [_member(account, member, of.get(member, "")) for member in figure.members]
    notes = (f"For {figure.unknown:,} more it is not known whether they belong here.",) if figure.unknown else ()
    label = figure.label[:1].upper() + figure.label[1:]
    found = {row.kind for row in rows}
    kinds = [name for name in dict.fromkeys(of.values()) if name in found]
    names = ("kind", "member", "details")
    return lines_report(label, rows, kinds, notes, f"{label}: none in this account.", names)


def _member(account: Account, member: str, kind: str) -> ReportRow:
    arn, _, rest = member.partition(" ")
    target = Target(arn) if account.by_arn(arn) is not None else None
    return ReportRow(Word(kind, Tone.QUIET), account.short_name(arn), rest, kind, target=target)


# What an account holds.


EntityRow: TypeAlias = tuple[Account, Entity]
ControlRow: TypeAlias = tuple[Account, AttachedControl]


def entities(workspace: Workspace, kind: str) -> Listing[EntityRow]:
    """The list of one of KINDS, of all accounts that are open."""

    def summary(id_: str, at: At = At.DATA) -> ListColumn[EntityRow]:
        return ListColumn(id_, lambda row: summary_to_json(row[1])[id_], at=at)

    times = [ListColumn[EntityRow]("created", summary("created").value, lambda row: _day(row[1].created))]
    if kind in ("users", "roles"):
        times.append(ListColumn("last_used", summary("last_used").value, lambda row: _last_used(row[1])))
    own = [summary("path", At.EVERYWHERE), summary("id")]
    if kind == "providers":
        own = [ListColumn("type", lambda row: row[1].type if isinstance(row[1], IdentityProvider) else None)]
    # Where a fact is missing, a last use is the least that it is, and none is not "never".
    missing = ListColumn[EntityRow](
        "missing", lambda row: [one["what"] for one in summary_to_json(row[1]).get("missing", ())], at=At.DATA
    )
    several = len(workspace.accounts) > 1

    def record(row: EntityRow) -> dict[str, Any]:
        return ({"account": row[0].id} if several else {}) | summary_to_json(row[1])

    columns = (*_account(workspace), summary("name", At.EVERYWHERE), *times, *own, summary("arn"), missing)
    return Listing(kind, columns, heads=True, data=record)


def controls(workspace: Workspace) -> Listing[ControlRow]:
    """The list of SCPs and RCPs above the accounts that are open."""
    several = len(workspace.accounts) > 1

    def name(row: ControlRow) -> str:
        policy = row[1].policy
        return f"unknown: {policy.reason}" if isinstance(policy, Missing) else policy.name or policy.arn

    def record(row: ControlRow) -> dict[str, Any]:
        return ({"account": row[0].id} if several else {}) | control_to_json(row[1])

    return Listing(
        "organization",
        (
            *_account(workspace),
            ListColumn("attached_to", lambda row: row[1].level.name or row[1].level.id),
            ListColumn("kind", lambda row: row[1].kind.upper()),
            ListColumn("name", name),
            ListColumn("level", lambda row: row[1].level.id),
        ),
        heads=True,
        data=record,
    )


def _account(workspace: Workspace) -> list[ListColumn[Any]]:
    """The column of the account, where several are open."""
    return [ListColumn("account", lambda row: row[0].id)] if len(workspace.accounts) > 1 else []


def _last_used(entity: Entity) -> str:
    used, missing = last_used(entity) if isinstance(entity, (User, Role)) else (None, ())
    if used is None:
        return "unknown" if missing else "never"
    return f"{'>= ' if missing else ''}{_day(used)}"


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment is not None else "unknown"


# Effects of a draft on access, trust and ways to become administrator, in words.


_TRUST: Final = {"gained": "opens to", "lost": "closes to", "changed": "changes for"}


_MOST_NAMED: Final = 4


def access_words(shift: AccessShift, actions: Sequence[str] = ()) -> str:
    """Which actions are gained, lost or changed, on what and on what condition; safe to show.

    Args:
        actions: those of them that are meant; empty: all.
    """
    before, after = shift.before.value, shift.after.value
    if before == after:
        outcomes = ", on other resources or conditions than before"
    else:
        outcomes = ", on a condition" if "depends" in (before, after) else ""
    named = first_names(actions or shift.actions, _MOST_NAMED)
    return f"{named} on {safe_text(shift.resource)}{outcomes}{when_words(shift)}"


def trust_words(account: Account, shift: TrustShift) -> str:
    """To whom the trust of a role opens, or closes, and on what condition; safe to show."""
    edge = shift.edge
    trusted = "everyone" if edge.name == "*" else safe_text(account.short_name(edge.name)) or "anonymous"
    what = "" if edge.action.startswith("sts:AssumeRole") else f" for {edge.action}"
    condition = f" if {edge.condition}" if edge.condition else ""
    return f"{_TRUST[shift.effect.value]} {trusted}{what}{condition}{when_words(shift)}"


def when_words(shift: AccessShift | TrustShift) -> str:
    """Of which calls it is so, where not of those of now."""
    return f", when {safe_text(shift.when)}" if shift.when else ""


def escalation_words(shift: EscalationShift) -> str:
    again = "is" if shift.effect.value == "gained" else "is no longer"
    if shift.escalation is None:
        return f"{again} an administrator"
    can = "can" if shift.effect.value == "gained" else "can no longer"
    sure = "" if shift.escalation.certain else ", under conditions"
    steps = ", then ".join(move.path.title for move in shift.escalation.moves)
    return f"{can} become administrator{sure}: {steps}"
