"""`iamtui diff` and `impact`: what two snapshots differ in, and what a draft or they do to an account."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

import click

from iamtui.account.model import REST_OF_ACCOUNT, Account
from iamtui.cli.command import command, output_options
from iamtui.cli.input import shown_name
from iamtui.cli.opening import open_workspace, read_drafted, say_findings, say_part
from iamtui.cli.output import Exit, Output, Span, Style, note, progress_report, stdout
from iamtui.cli.source_options import SourceOptions, check_snapshot_account, snapshot_account_option, source_options
from iamtui.engine.request import Principal
from iamtui.paths import home_expanded
from iamtui.presentation.reports import access_words, escalation_words, trust_words
from iamtui.presentation.styled_words import bar, needs_ascii
from iamtui.text import first_names, safe_text
from iamtui.workspace.change.account_diff import AccountDiff, diff_snapshots
from iamtui.workspace.change.draft_session import Effect
from iamtui.workspace.change.impact import Count, EscalationShift, Impact, TrustShift, family_of, impact_of
from iamtui.workspace.source.workspace import Progress

_MARKS: Final = {
    Effect.GAINED: ("[+] gained", Style.OPEN),
    Effect.LOST: ("[-] lost", Style.BAD),
    Effect.CHANGED: ("[~] changed", Style.QUIET),
}
_LABEL: Final = 32
_BAR: Final = 24
_MOST_BARS: Final = 10
_MOST_NAMED: Final = 4


@command("impact", epilog="Exit codes: 0; 1 with --fail-on; 2 an error; 3 if something was not read, or not compared.")
@click.argument("file", metavar="DRAFT")
@click.option(
    "--fail-on",
    type=click.Choice(("gained", "lost", "change")),
    help="Exit 1 if anything is gained, lost, or changed at all: access, trust, or a way to become administrator.",
)
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw without block characters.")
@output_options("text", "json")
@source_options
def impact(file: str, fail_on: str | None, ascii_only: bool, form: str, source: SourceOptions) -> Exit:
    """Impact of the draft DRAFT (- for standard input) on the whole account.

    Counts the actions that users, roles, and those whom resource policies name gain and lose, by principal and by
    service and access level, and lists them with their resources; then the roles whose trust opens or closes, and who
    can become administrator because of it, or no longer. `iamtui draft compare` asks one question of your own.
    """
    workspace = open_workspace(source)
    drafted = read_drafted(workspace, file)
    drafted.check()
    say_findings(drafted.findings)
    report = progress_report()
    found = impact_of(drafted, told=lambda pairs: report(Progress("pairs of action and resource compared", pairs)))
    account = drafted.after.account
    out = stdout()
    if form == "json":
        out.json(impact_json(found, complete=not workspace.account.unlisted), indent=2)
    else:
        print_impact(out, account, found, ascii_only=ascii_only)
    say_impact(found)
    return _ending(found, workspace.account, fails=fails(found.effects(), fail_on))


def _ending(found: Impact, *accounts: Account, fails: bool) -> Exit:
    """How a comparison ends: open where something of it is unknown, for that may be what --fail-on names."""
    if fails:
        return Exit.NO
    whole = not found.not_compared and not any(account.unlisted for account in accounts)
    return Exit.OK if whole else Exit.OPEN


def say_impact(found: Impact) -> None:
    """Say on stderr what was not compared, and how much there is in all."""
    for sentence in found.not_compared:
        note(f"{safe_text(sentence)}.")
    note(_summary(found))


def fails(effects: frozenset[Effect], fail_on: str | None) -> bool:
    """True if a change that --fail-on names has happened."""
    wanted = {"gained": {Effect.GAINED, Effect.CHANGED}, "lost": {Effect.LOST, Effect.CHANGED}, "change": {*Effect}}
    return fail_on is not None and bool(effects & wanted[fail_on])


def print_impact(out: Output, account: Account, found: Impact, *, ascii_only: bool) -> None:
    """Bars by principal and by service, then each change."""
    ascii_only = ascii_only or needs_ascii(os.environ, getattr(sys.stdout, "encoding", None))
    named = {_who(account, one): count for one, count in found.by_principal().items()}
    for title, counts in (("PRINCIPAL", named), ("ACTIONS", found.by_family())):
        _bars(out, title, counts, ascii_only=ascii_only)
    for shift in sorted(found.access, key=lambda one: [*_MARKS].index(one.effect)):
        words, style = _MARKS[shift.effect]
        out.line(
            Span(f"{words:<11}", style),
            f"  {access_words(shift)}",
        )
        whom = first_names((_who(account, one) for one in shift.principals), _MOST_NAMED)
        out.line("             ", Span(whom, Style.QUIET))
    for edge in sorted(found.trust, key=lambda one: one.edge.is_inside):
        words, style = _MARKS[edge.effect]
        role = _name(account, edge.edge.role.arn)
        out.line(Span(f"{words:<11}", style), f"  trust of {role} {trust_words(account, edge)}")
    for escalation in found.escalations:
        words, style = _MARKS[escalation.effect]
        out.line(
            Span(f"{words:<11}", style), f"  {_name(account, escalation.principal.arn)} {escalation_words(escalation)}"
        )


def _bars(out: Output, title: str, counts: Mapping[str, Count], *, ascii_only: bool) -> None:
    """A line for each of the first few: its name, how many actions, and a bar of what is gained and lost."""
    if not counts:
        return
    most = max(count.total for count in counts.values())
    out.line(Span(f"{title:<{_LABEL}}{'GAINED':>7}{'LOST':>7}{'CHANGED':>9}", Style.QUIET))
    for label, count in list(counts.items())[:_MOST_BARS]:
        figures = f"{count.gained:>7,}{count.lost:>7,}{count.changed:>9,}"
        pieces: list[Span | str] = []
        for effect, value in zip(_MARKS, count, strict=True):
            pieces.append(Span(bar(value, most, _BAR, ascii_only=ascii_only), _MARKS[effect][1]))
        shown = label if len(label) < _LABEL else f"...{label[len(label) - _LABEL + 4 :]}"
        out.line(f"{shown:<{_LABEL}}", Span(figures, Style.STRONG), "  ", *pieces)
    if len(counts) > _MOST_BARS:
        out.line(Span(f"and {len(counts) - _MOST_BARS:,} more", Style.QUIET))


def _name(account: Account, arn: str) -> str:
    return safe_text(account.short_name(arn)) or "anonymous"


def _who(account: Account, principal: Principal) -> str:
    """The name of a principal, or of those for whom it stands."""
    return "everyone" if principal.stands_for == "*" else _name(account, principal.stands_for or principal.arn)


def _summary(found: Impact) -> str:
    principals = found.by_principal().values()
    gaining, losing = sum(one.gained > 0 for one in principals), sum(one.lost > 0 for one in principals)
    otherwise = sum(one.changed > 0 for one in principals)
    trust = _by_effect(found.trust)
    escalations = _by_effect(found.escalations)
    return (
        f"{gaining:,} gain, {losing:,} lose, {otherwise:,} change otherwise; trust: {trust}; "
        f"ways to become administrator: {escalations}."
    )


def _by_effect(shifts: Iterable[TrustShift | EscalationShift]) -> str:
    effects = [shift.effect for shift in shifts]
    return f"{effects.count(Effect.GAINED)} opened, {effects.count(Effect.LOST)} closed"


def impact_json(found: Impact, *, complete: bool) -> dict[str, Any]:
    """Everything as one object.

    Args:
        complete: whether the whole account was read; where something was not compared, the object is not complete.
    """
    return {
        "principals": [
            {"principal": principal.stands_for or principal.arn or None, **count._asdict()}
            for principal, count in found.by_principal().items()
        ],
        "families": [{"family": family, **count._asdict()} for family, count in found.by_family().items()],
        "access": [
            {
                "effect": shift.effect.value,
                "actions": list(shift.actions),
                "families": sorted({family_of(action) for action in shift.actions}),
                "resource": shift.resource,
                "before": shift.before.value,
                "after": shift.after.value,
                "principals": [principal.stands_for or principal.arn or None for principal in shift.principals],
                "when": shift.when or None,
            }
            for shift in found.access
        ],
        "trust": [
            {
                "effect": shift.effect.value,
                "role": shift.edge.role.arn,
                "trusted": shift.edge.name,
                "action": shift.edge.action,
                "condition": shift.edge.condition or None,
                "when": shift.when or None,
            }
            for shift in found.trust
        ],
        "escalations": [
            {
                "effect": shift.effect.value,
                "principal": shift.principal.arn,
                "administrator": shift.escalation is None,
                "certain": shift.escalation is None or shift.escalation.certain,
                "path": [move.path.id for move in shift.escalation.moves] if shift.escalation is not None else [],
            }
            for shift in found.escalations
        ],
        "not_compared": list(found.not_compared),
        "complete": complete and not found.not_compared,
    }


_ENTITY_MARKS: Final = {
    "added": ("[+] added", Style.OPEN),
    "removed": ("[-] removed", Style.BAD),
    "changed": ("[~] changed", Style.QUIET),
    "made anew": ("[~] made anew", Style.OPEN),
}


@command("diff", epilog="Exit codes: 0; 1 with --fail-on; 2 an error; 3 if something was not read, or not compared.")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option(
    "--fail-on",
    type=click.Choice(("gained", "lost", "change")),
    help="Exit 1 if anything is gained, lost, or has changed at all: access, trust, a way to become administrator, who "
    "can sign in with a permission set, and with `change` also an entity.",
)
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw without block characters.")
@output_options("text", "json")
@snapshot_account_option
def diff(
    before: str, after: str, fail_on: str | None, ascii_only: bool, form: str, snapshot_account: str | None
) -> Exit:
    """Changes from the snapshot A to the snapshot B (one may be - for standard input) of the same account.

    Lists entities added, removed and changed, then the actions that users, roles, and those whom resource policies name
    gained and lost, the roles whose trust opened or closed, and who can become administrator, or no longer. Of who was
    added or removed, everything is gained or lost.
    """
    check_snapshot_account(snapshot_account)
    found = diff_snapshots(home_expanded(before), home_expanded(after), account=snapshot_account)
    accounts = (found.before.account, found.after.account)
    for name, account in zip((before, after), accounts, strict=True):
        say_part(account, shown_name(name))
        for gap in account.unlisted:
            if gap.what != REST_OF_ACCOUNT:
                note(f"Not in {shown_name(name)}: {gap.what}. Whether there are more is not known.")
    out = stdout()
    if form == "json":
        out.json(diff_json(found), indent=2)
    else:
        print_diff(out, found, ascii_only=ascii_only)
    say_impact(found.impact)
    counts = [sum(one.change == change for one in found.entities) for change in _ENTITY_MARKS]
    note(f"{counts[0]:,} added, {counts[1]:,} removed, {counts[2] + counts[3]:,} changed.")
    opened, closed = (sum(effect in one.effects for one in found.entities) for effect in (Effect.GAINED, Effect.LOST))
    if opened or closed:
        note(f"Permission sets that people of IAM Identity Center gained: {opened:,}; lost: {closed:,}.")
    return _ending(found.impact, *accounts, fails=diff_fails(found, fail_on))


def diff_fails(found: AccountDiff, fail_on: str | None) -> bool:
    """True if a change that --fail-on names has happened, which may be that an entity has changed."""
    return fails(found.effects(), fail_on) or (fail_on == "change" and bool(found.entities))


def diff_json(found: AccountDiff) -> dict[str, Any]:
    entities = [
        {"kind": one.kind, "name": one.name, "change": one.change, "details": list(one.details)}
        for one in found.entities
    ]
    return {"entities": entities, **impact_json(found.impact, complete=found.complete)}


def print_diff(out: Output, found: AccountDiff, *, ascii_only: bool) -> None:
    account = found.after.account
    for one in sorted(found.entities, key=lambda one: [*_ENTITY_MARKS].index(one.change)):
        words, style = _ENTITY_MARKS[one.change]
        name = account.short_name(one.name).removeprefix(f"{one.kind.replace(' ', '-')}/")
        out.line(Span(f"{words:<13}", style), f"  {one.kind} {safe_text(name)}")
        for detail in one.details:
            out.line("                 ", Span(safe_text(detail), Style.QUIET))
    if found.entities:
        out.blank()
    print_impact(out, account, found.impact, ascii_only=ascii_only)
