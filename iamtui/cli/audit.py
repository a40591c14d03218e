"""`iamtui audit`: the hygiene of an account, with the reason and the fix of each finding."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from iamtui.cli.command import command, output_options
from iamtui.cli.listing import print_listing
from iamtui.cli.opening import (
    all_or_open,
    draft_option,
    open_workspace,
    unlisted_failures,
    with_account_facts,
    with_draft,
)
from iamtui.cli.output import Exit, note, progress_report, stdout
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.presentation.findings import findings, judged_findings, worst_first
from iamtui.text import counted
from iamtui.workspace.review.audit import (
    SUPPRESSIONS_FILE,
    AuditLimits,
    read_suppressions,
    suppression_of,
)
from iamtui.workspace.review.audit import audit as findings_of
from iamtui.workspace.review.overview_counts import by_severity
from iamtui.workspace.source.opening import load_last_accessed
from iamtui.workspace.source.unknown_facts import FindingSeverity, unasked_principals, unknown_facts

if TYPE_CHECKING:
    from iamtui.workspace.source.workspace import Workspace

_ORDER: Final = tuple(FindingSeverity)

_EPILOG: Final = f"""\
A suppression accepts findings and says why: --suppress role-unused:role/legacy-*="kept for the audit of 2026". They are
listed as suppressed, and --fail-on does not count them. {SUPPRESSIONS_FILE} holds those that stay:

\b
[[suppress]]
code = "role-unused"
pattern = "role/legacy-*"
reason = "kept for the audit of 2026"

Exit codes: 0; 1 with --fail-on; 3 if only a part of the account was read.
"""


@command("audit", epilog=_EPILOG)
@click.option(
    "--fail-on",
    type=click.Choice([*map(str, FindingSeverity)]),
    help="Exit 1 on a finding of this severity or a worse one.",
)
@click.option("--suppress", multiple=True, metavar="CODE[:PATTERN]=REASON", help="Accept findings.")
@click.option("--suppressions", metavar="FILE", help=f"Read suppressions here instead of {SUPPRESSIONS_FILE}.")
@output_options("text", "json", "jsonl", "csv", "markdown", "sarif")
@click.option(
    "--unused-days",
    type=click.IntRange(1, 3650),
    metavar="DAYS",
    help="After how long keys and passwords (45 days by default), users, roles and services (90) count as unused.",
)
@click.option("--last-accessed", is_flag=True, help="Ask AWS when each user and role last used each service.")
@draft_option
@source_options
def audit(
    fail_on: str | None,
    suppress: tuple[str, ...],
    suppressions: str | None,
    form: str,
    unused_days: int | None,
    last_accessed: bool,
    draft: str | None,
    source: SourceOptions,
) -> Exit:
    """Findings in an account: old and unused keys, passwords without MFA, broad policies, open trust.

    Each finding names the reason, the fix and, where it is one, the control of the CIS AWS Foundations Benchmark. Facts
    that could not be read are listed at the end, each with the permission that it needs; they never count as good.
    """
    accepted = [*map(suppression_of, suppress), *read_suppressions(suppressions)]
    workspace = with_draft(_with_facts(open_workspace(source, several=True), last_accessed=last_accessed), draft)
    limits = AuditLimits() if unused_days is None else AuditLimits(*[timedelta(unused_days)] * 2)
    found = worst_first(
        one
        for account in workspace.accounts
        for one in judged_findings(account.id, findings_of(workspace.at(account.id), limits=limits), accepted)
    )
    print_listing(stdout(), form, findings(workspace), found, failures=unlisted_failures(workspace))
    _say_not_checked(workspace)
    unknown = [fact for account in workspace.accounts for fact in unknown_facts(account)]
    figures = [*by_severity([each.finding for each in found if each.suppression is None], unknown)]
    hidden = sum(each.suppression is not None for each in found)
    note(", ".join(f"{one.words} {one.label}" for one in figures) + (f", {hidden} suppressed." if hidden else "."))
    worst = figures[: _ORDER.index(FindingSeverity(fail_on)) + 1] if fail_on else ()
    return Exit.NO if any(one.count for one in worst) else all_or_open(workspace)


def _with_facts(workspace: Workspace, *, last_accessed: bool) -> Workspace:
    """The workspace with what an audit needs besides, of each account."""
    first = workspace.account.id
    for account in workspace.accounts:
        workspace = with_account_facts(workspace.at(account.id))
        if last_accessed:
            workspace = _with_last_accessed(workspace)
    return workspace.at(first)


def _say_not_checked(workspace: Workspace) -> None:
    for account in workspace.accounts:
        of = f" of account {account.id}" if workspace.beside else ""
        for fact in unknown_facts(account):
            note(f"Not checked{of}: {fact.words}.")


def _with_last_accessed(workspace: Workspace) -> Workspace:
    loaded, missing = load_last_accessed(workspace, unasked_principals(workspace.account), progress_report())
    for (reason, permission), count in Counter((one.reason, one.permission) for one in missing.values()).items():
        whose = counted(count, "principal")
        note(f"The last use of services is not known of {whose}: {reason} ({permission}).")
    return loaded
