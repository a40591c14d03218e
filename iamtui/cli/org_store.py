"""`iamtui snapshot --org` and `iamtui org diff`: a day of an organization store, written, and two compared."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import click
from msgspec import Struct

from iamtui.cli.diff import diff_fails, diff_json, fails, print_diff
from iamtui.cli.exits import Exit
from iamtui.cli.opening import (
    approval,
    command_choice,
    organization_approval,
    unnamed_approval,
)
from iamtui.cli.org import StoreOptions, store_options
from iamtui.cli.output import Output, Span, Style, note, progress_report, stderr, stdout
from iamtui.cli.source_options import SourceOptions
from iamtui.problem import Problem
from iamtui.text import counted, first_names, safe_text
from iamtui.workspace.change.account_diff import AccountDiff, SameDocuments
from iamtui.workspace.change.account_diff import diff as diff_accounts
from iamtui.workspace.change.draft_session import Effect
from iamtui.workspace.organization.organization_run import over_accounts
from iamtui.workspace.organization.organization_store import LOST_POLICIES, StoreDay, account_in, workspace_of
from iamtui.workspace.organization.store_writer import StoreWriter, with_all_facts
from iamtui.workspace.source.open_accounts import take_accounts
from iamtui.workspace.source.workspace import Progress

_MOST_NAMED: Final = 4


def write_store(folder: str, date: str | None, source: SourceOptions, *, last_accessed: bool) -> Exit:
    choice = command_choice(source, several=True)
    more = partial(with_all_facts, approve=unnamed_approval, last_accessed=last_accessed)
    writer = StoreWriter(folder, date, more)
    approve, approve_other = approval(source), organization_approval(source)
    refused = take_accounts(choice, writer, progress_report(), approve, approve_other)
    for one in refused:
        note(f"{one.words} It is tried again the next time.")
    stdout().line(
        f"Wrote {counted(len(writer.written), 'account')} to {writer.folder}; {len(writer.there):,} there already, "
        f"{len(refused):,} could not be read."
    )
    # One line, so that a name with spaces in it is copied whole.
    stderr().line(f"To upload it: {writer.upload}", whole=True)
    if not (writer.written or writer.there):
        raise Problem("None of the accounts could be read.", "The messages above give the reason for each.")
    return Exit.OPEN if refused else Exit.OK


@click.command("diff", epilog="Exit codes: 0; 1 with --fail-on; 2 an error; 3 in part.")
@click.argument("before", metavar="DATE")
@click.argument("after", metavar="DATE")
@store_options
@click.option(
    "--fail-on",
    type=click.Choice(("gained", "lost", "change")),
    help="Exit 1 if anything is gained, lost, or has changed at all in any account.",
)
@click.option("--summary", is_flag=True, help="Only count the changes of each account.")
@click.option("--json", "as_json", is_flag=True, help="Print one account as JSON per line, as they come.")
def org_diff(
    before: str,
    after: str,
    stored: StoreOptions,
    fail_on: str | None,
    summary: bool,
    as_json: bool,
) -> Exit:
    """Changes in each account from one day of a store to another, as `iamtui diff` compares two snapshots.

    Accounts that are there on one of the days alone are named. With --fail-on, all of a new account is gained, and all
    of one that is gone is lost.
    """
    store = stored.open()
    first, second = store.day(before), store.day(after)
    before_too = frozenset(stored.picked(first))
    ids = [id_ for id_ in stored.picked(second) if id_ in before_too]
    report = progress_report()
    out = stdout()
    doing = stored.workers_for(len(ids))
    click.get_current_context().call_on_close(doing.close)
    found = over_accounts(
        ids,
        lambda account: (account, store.pages(first.date, account), store.pages(second.date, account)),
        partial(diff_account, (first.date, second.date), fail_on, summary),
        doing,
        lambda done: report(Progress("accounts", done, len(ids))),
    )
    changed = failed = answered = 0
    part = bool(first.lacking or second.lacking)
    for one in found:
        if one.found is None:
            part = True
            note(f"Not compared: account {one.account}: {one.problem}")
            continue
        answered += 1
        changed += one.found.changed
        failed += one.found.fails
        part = part or not one.found.details["complete"]
        if as_json:
            out.json({"account": one.account, **one.found.details})
        elif one.found.changed:
            out.line(Span(f"{one.account}", Style.STRONG), f"  {one.found.lines[0]}" if summary else "")
            for line in one.found.lines if not summary else ():
                out.line(f"  {line}")
        out.flush()
    part = part or not answered
    for day, other, effect in ((first, second, Effect.LOST), (second, first, Effect.GAINED)):
        alone = [] if stored.accounts else sorted(set(day.ids) - set(other.ids))
        _say_alone(out, day, alone, as_json=as_json)
        # One that was not read on the other day may have been as it is.
        failed += bool(alone) and fails(frozenset((effect,)), fail_on) and not all(map(other.may_have, alone))
    note(f"{counted(answered, 'account')} compared, {changed:,} changed.")
    return Exit.NO if failed else Exit.OPEN if part else Exit.OK


def _say_alone(out: Output, day: StoreDay, alone: Sequence[str], *, as_json: bool) -> None:
    """Name the accounts that are there on one of the days alone, and those that were not read on it."""
    for account in alone if as_json else ():
        out.json({"account": account, "only_on": day.date})
    if alone:
        note(f"Only on {day.date}: {first_names(alone, _MOST_NAMED)}.")
    for refused in day.lacking:
        note(f"Not read on {day.date}: {safe_text(refused.name)}: {refused.problem}")


class AccountChange(Struct, frozen=True):
    """Changes of one account.

    Args:
        changed: whether anything is.
        fails: whether what --fail-on names has happened.
        lines: as `iamtui diff` prints it, or its counts; safe to show.
        details: as it prints it as JSON, or its counts.
    """

    changed: bool
    fails: bool
    lines: tuple[str, ...]
    details: dict[str, Any]


def diff_account(
    days: tuple[str, str], fail_on: str | None, summary: bool, data: tuple[str, bytes, bytes]
) -> AccountChange:
    """Compare an account on two days.

    Args:
        summary: whether only counts are told.
        data: its id, and its pages of both days.

    Raises:
        Problem: it cannot be read.
    """
    account, *pages = data
    pool = SameDocuments()
    before, after = (workspace_of(account_in(data, day, account, pool)) for data, day in zip(pages, days, strict=True))
    found = diff_accounts(before, after)
    changed = bool(found.entities or found.effects())
    lost = any(gap.what == LOST_POLICIES for side in (before, after) for gap in side.account.gaps)
    if summary:
        counts, words = _counts(found)
        details = {"complete": found.complete and not lost, **counts}
        return AccountChange(changed, diff_fails(found, fail_on), (words,), details)
    text = io.StringIO()
    print_diff(Output(text), found, ascii_only=True)
    lines = [*text.getvalue().splitlines(), *(f"Not compared: {one}" for one in found.impact.not_compared)]
    details = diff_json(found)
    details["complete"] = details["complete"] and not lost
    return AccountChange(changed, diff_fails(found, fail_on), tuple(lines), details)


def _counts(found: AccountDiff) -> tuple[dict[str, Any], str]:
    """How much of each kind has changed, and the same in words."""
    impact = found.impact
    counted_kinds = {
        "entities": Counter(one.change for one in found.entities),
        "access": Counter(one.effect.value for one in impact.access),
        "trust": Counter(one.effect.value for one in impact.trust),
        "escalations": Counter(one.effect.value for one in impact.escalations),
    }
    words = [
        f"{kind}: {', '.join(f'{count:,} {effect}' for effect, count in sorted(counts.items()))}"
        for kind, counts in counted_kinds.items()
        if counts
    ]
    words += [f"{len(impact.not_compared):,} not compared"] if impact.not_compared else []
    found_counts = {kind: dict(counts) for kind, counts in counted_kinds.items()}
    return {**found_counts, "not_compared": len(impact.not_compared)}, "; ".join(words)
