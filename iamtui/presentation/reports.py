"""Lists of lines with a mark, a name and a text; effects of a draft in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from iamtui.account.model import Account
from iamtui.presentation.listing import At, ListColumn, Listing, Report, Target
from iamtui.presentation.styled_words import Row, Tone, Word, row_of, text_of
from iamtui.text import first_names, safe_text
from iamtui.workspace.review.overview import Figure

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
