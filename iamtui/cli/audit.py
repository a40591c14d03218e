"""`iamtui audit`: the hygiene of an account, with the reason and the fix of each finding."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from iamtui.cli.draft import draft_option, with_draft
from iamtui.cli.exits import Exit
from iamtui.cli.opening import open_workspace
from iamtui.cli.output import Output, Span, Style, note, stdout
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.lint.sarif import SarifResult, sarif_log
from iamtui.problem import Problem
from iamtui.workspace.audit import AuditFinding, Severity, Suppression, suppression_of, unknown_facts
from iamtui.workspace.audit import audit as findings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iamtui.workspace.workspace import Workspace

_ORDER: Final = tuple(Severity)
_MARKS: Final = {Severity.HIGH: "[x]", Severity.MEDIUM: "[!]", Severity.LOW: "[-]"}
_STYLES: Final = {Severity.HIGH: Style.BAD, Severity.MEDIUM: Style.OPEN, Severity.LOW: Style.QUIET}
_SARIF_LEVELS: Final = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
_COLUMNS: Final = ("severity", "code", "subject", "message", "fix", "cis", "suppressed")

_EPILOG: Final = """\
A suppression accepts findings and says why: --suppress role-unused:role/legacy-*="kept for the audit of 2026". They are
listed as suppressed, and --fail-on does not count them.

Exit codes: 0; 1 with --fail-on.
"""


@dataclass(frozen=True, slots=True)
class _Found:
    finding: AuditFinding
    suppression: Suppression | None


@click.command("audit", epilog=_EPILOG)
@click.option(
    "--fail-on", type=click.Choice([*map(str, Severity)]), help="Exit 1 on a finding of this severity or a worse one."
)
@click.option("--suppress", multiple=True, metavar="CODE[:PATTERN]=REASON", help="Accept findings.")
@click.option("--json", "as_json", is_flag=True, help="Print one finding as JSON per line.")
@click.option("--format", "form", type=click.Choice(("text", "csv", "sarif")), default="text", help="For other tools.")
@draft_option
@source_options
def audit(
    fail_on: str | None, suppress: tuple[str, ...], as_json: bool, form: str, draft: str | None, source: SourceOptions
) -> Exit:
    """What an account should not have: old and unused keys, passwords without MFA, broad policies, open trust.

    Each finding names the reason, the fix and, where it is one, the control of the CIS AWS Foundations Benchmark. What
    the source does not hold is said at the end; it is never taken for good.
    """
    if as_json and form != "text":
        raise Problem(f"--json and --format {form} exclude each other.", "Give one of them.")
    accepted = [suppression_of(text) for text in suppress]
    workspace = with_draft(open_workspace(source), draft)
    found = [
        _Found(finding, next((one for one in accepted if one.covers(finding)), None))
        for finding in findings_of(workspace)
    ]
    found.sort(key=lambda each: (_ORDER.index(each.finding.severity), each.finding.code))
    _print(stdout(), workspace, found, "json" if as_json else form)
    for fact in unknown_facts(workspace.account):
        of = f" ({fact.count})" if fact.count else ""
        note(f"Not looked at: {fact.what}{of}, not loaded ({fact.permission}).")
    counted = Counter(each.finding.severity for each in found if each.suppression is None)
    hidden = sum(each.suppression is not None for each in found)
    note(", ".join(f"{counted[level]} {level}" for level in _ORDER) + (f", {hidden} suppressed." if hidden else "."))
    worst = _ORDER[: _ORDER.index(Severity(fail_on)) + 1] if fail_on else ()
    return Exit.NO if any(counted[level] for level in worst) else Exit.OK


def _print(out: Output, workspace: Workspace, found: Sequence[_Found], form: str) -> None:
    if form == "json":
        for each in found:
            out.json(_to_json(each))
    elif form == "csv":
        out.csv_row(_COLUMNS)
        for each in found:
            out.csv_row(_to_json(each).values())
    elif form == "sarif":
        out.json(_sarif(workspace, found), indent=2)
    else:
        for each in found:
            _print_finding(out, workspace, each)


def _to_json(each: _Found) -> dict[str, Any]:
    finding = each.finding
    return {
        "severity": finding.severity.value,
        "code": finding.code,
        "subject": finding.subject,
        "message": finding.message,
        "fix": finding.fix,
        "cis": finding.control or None,
        "suppressed": None if each.suppression is None else each.suppression.reason,
    }


def _sarif(workspace: Workspace, found: Sequence[_Found]) -> dict[str, Any]:
    return sarif_log(
        [
            SarifResult(
                rule=each.finding.code,
                level=_SARIF_LEVELS[each.finding.severity],
                message=f"{each.finding.message} {each.finding.fix}",
                file=f"aws-account-{workspace.account.id}",
                element=each.finding.subject,
                reason=None if each.suppression is None else each.suppression.reason,
                properties=(("cis", each.finding.control),) if each.finding.control else (),
            )
            for each in found
        ]
    )


def _print_finding(out: Output, workspace: Workspace, each: _Found) -> None:
    finding = each.finding
    subject = workspace.account.short_name(finding.subject)
    beside = f"[{finding.code}]" + (f" CIS {finding.control}" if finding.control else "")
    if each.suppression is None:
        mark = Span(f"{_MARKS[finding.severity]} {finding.severity:<6}", _STYLES[finding.severity])
    else:
        mark = Span("[~] suppressed", Style.QUIET)
        beside += f" because: {each.suppression.reason}"
    out.line(mark, " ", Span(subject, Style.STRONG), f"  {finding.message} {finding.fix} ", Span(beside, Style.QUIET))
