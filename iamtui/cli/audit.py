"""`iamtui audit`: the hygiene of an account, with the reason and the fix of each finding."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from iamtui.cli.command import command, output_options
from iamtui.cli.exits import Exit
from iamtui.cli.opening import (
    all_or_open,
    draft_option,
    open_workspace,
    unlisted_failures,
    with_account_facts,
    with_draft,
)
from iamtui.cli.output import Output, Span, Style, note, print_rows, progress_report, stdout
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.lint.sarif import SarifResult, sarif_log
from iamtui.presentation.findings import FINDINGS, JudgedFinding
from iamtui.presentation.overview import SEVERITY_WORDS
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
    from collections.abc import Sequence

    from iamtui.workspace.source.workspace import Workspace

_ORDER: Final = tuple(FindingSeverity)
_STYLES: Final = {FindingSeverity.HIGH: Style.BAD, FindingSeverity.MEDIUM: Style.OPEN, FindingSeverity.LOW: Style.QUIET}
_SARIF_LEVELS: Final = {FindingSeverity.HIGH: "error", FindingSeverity.MEDIUM: "warning", FindingSeverity.LOW: "note"}

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
    ids = [account.id for account in workspace.accounts]
    limits = AuditLimits() if unused_days is None else AuditLimits(*[timedelta(unused_days)] * 2)
    found = [
        JudgedFinding(account, finding, next((one for one in accepted if one.covers(finding)), None))
        for account in ids
        for finding in findings_of(workspace.at(account), limits=limits)
    ]
    found.sort(key=lambda each: (_ORDER.index(each.finding.severity), each.finding.code))
    _print(stdout(), workspace, found, form)
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


def _print(out: Output, workspace: Workspace, found: Sequence[JudgedFinding], form: str) -> None:
    if form == "sarif":
        out.json(_sarif(workspace, found), indent=2)
        return

    def cells(each: JudgedFinding) -> tuple[str | None, ...]:
        return (*([each.account] if workspace.beside else ()), *FINDINGS.data(each).values())

    def data(each: JudgedFinding) -> dict[str, Any]:
        own = {"account": each.account} if workspace.beside else {}
        return own | FINDINGS.data(each) | {"complete": not workspace.at(each.account).account.unlisted}

    columns = ("account", *FINDINGS.names) if workspace.beside else FINDINGS.names
    print_rows(out, form, found, data=data, text=partial(_print_finding, out, workspace), columns=columns, cells=cells)


def _sarif(workspace: Workspace, found: Sequence[JudgedFinding]) -> dict[str, Any]:
    return sarif_log(
        [
            SarifResult(
                rule=each.finding.code,
                level=_SARIF_LEVELS[each.finding.severity],
                message=f"{each.finding.message} {each.finding.fix}",
                file=f"aws-account-{each.account}",
                element=each.finding.subject,
                reason=None if each.suppression is None else each.suppression.reason,
                properties=(("cis", each.finding.control),) if each.finding.control else (),
            )
            for each in found
        ],
        failures=unlisted_failures(workspace),
    )


def _print_finding(out: Output, workspace: Workspace, each: JudgedFinding) -> None:
    finding = each.finding
    subject = workspace.short_name(finding.subject)
    beside = f"[{finding.code}]" + (f" CIS {finding.control}" if finding.control else "")
    if each.suppression is None:
        mark = Span(f"{SEVERITY_WORDS[finding.severity].text:<10}", _STYLES[finding.severity])
    else:
        mark = Span("[~] suppressed", Style.QUIET)
        beside += f" because: {each.suppression.reason}"
    out.line(mark, " ", Span(subject, Style.STRONG), f"  {finding.message} {finding.fix} ", Span(beside, Style.QUIET))
