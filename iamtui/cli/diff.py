"""`iamtui diff`: what two snapshots of an account differ in, and what everybody gained and lost."""

from __future__ import annotations

from typing import Final

import click

from iamtui.account.model import REST_OF_ACCOUNT
from iamtui.cli.exits import Exit
from iamtui.cli.impact import fails, impact_json, print_impact, say_impact
from iamtui.cli.named_files import shown_name
from iamtui.cli.opening import say_part, whole_or_open
from iamtui.cli.output import Output, Span, Style, note, stdout
from iamtui.cli.source_options import check_snapshot_account, snapshot_account_option
from iamtui.paths import home_expanded
from iamtui.text import safe_text
from iamtui.workspace.account_diff import AccountDiff, EntityChange, diff_snapshots

_MARKS: Final = {
    "added": ("[+] added", Style.OPEN),
    "removed": ("[-] removed", Style.BAD),
    "changed": ("[~] changed", Style.QUIET),
    "made anew": ("[~] made anew", Style.OPEN),
}


@click.command("diff", epilog="Exit codes: 0; 1 with --fail-on; 2 an error; 3 if only a part of A or B was read.")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option(
    "--fail-on",
    type=click.Choice(("gained", "lost", "change")),
    help="Exit 1 if anything is gained, lost, or has changed at all: access, trust, a way to become administrator, and "
    "with `change` also an entity.",
)
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw without block characters.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one object.")
@snapshot_account_option
def diff(
    before: str, after: str, fail_on: str | None, ascii_only: bool, as_json: bool, snapshot_account: str | None
) -> Exit:
    """What has changed from the snapshot A to the snapshot B (one may be - for standard input) of the same account.

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
    if as_json:
        entities = [_change_json(one) for one in found.entities]
        out.json({"entities": entities, **impact_json(found.impact, complete=found.complete)}, indent=2)
    else:
        _print(out, found, ascii_only=ascii_only)
    say_impact(found.impact)
    counts = [sum(one.change == change for one in found.entities) for change in _MARKS]
    note(f"{counts[0]:,} added, {counts[1]:,} removed, {counts[2] + counts[3]:,} changed.")
    failed = fails(found.impact, fail_on) or (fail_on == "change" and bool(found.entities))
    return Exit.NO if failed else whole_or_open(accounts[0], whole_or_open(accounts[1]))


def _print(out: Output, found: AccountDiff, *, ascii_only: bool) -> None:
    account = found.after.account
    for one in sorted(found.entities, key=lambda one: [*_MARKS].index(one.change)):
        words, style = _MARKS[one.change]
        name = account.short_name(one.name).removeprefix(f"{one.kind.replace(' ', '-')}/")
        out.line(Span(f"{words:<13}", style), f"  {one.kind} {safe_text(name)}")
        for detail in one.details:
            out.line("                 ", Span(safe_text(detail), Style.QUIET))
    if found.entities:
        out.blank()
    print_impact(out, account, found.impact, ascii_only=ascii_only)


def _change_json(one: EntityChange) -> dict[str, object]:
    return {"kind": one.kind, "name": one.name, "change": one.change, "details": list(one.details)}
