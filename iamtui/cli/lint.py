"""`iamtui lint`: findings in policy documents, with their lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from iamtui.cli.command import command, output_options
from iamtui.cli.input import read_text
from iamtui.cli.output import Exit, JsonRecords, Output, Span, Style, note, stdout, with_short_arguments
from iamtui.lint.check_document import (
    DocumentKind,
    Suppression,
    finding_to_json,
    findings,
    guess_kind,
    read_suppressions,
    suppression_of_option,
)
from iamtui.lint.sarif import SarifResult, sarif_log
from iamtui.lint.subject import Finding
from iamtui.paths import is_there
from iamtui.policy.document import PolicyDocument
from iamtui.policy.patterns import is_account_id
from iamtui.problem import Problem
from iamtui.text import counted, safe_text

_KINDS: Final = ("identity", "boundary", "session", "resource", "trust", "scp", "rcp", "vpc_endpoint")
_LEVELS: Final = ("error", "warning", "suggestion")
_STYLES: Final = {"error": Style.BAD, "warning": Style.OPEN, "suggestion": Style.QUIET}
_MARKS: Final = {"error": "[x]", "warning": "[!]", "suggestion": "[-]"}
_SARIF_LEVELS: Final = {"error": "error", "warning": "warning", "suggestion": "note"}
_COMMANDS: Final = {"error": "error", "warning": "warning", "suggestion": "notice"}
_REFERENCE: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"

_UNREADABLE: Final = frozenset(("not-json", "unreadable"))
"""Codes of findings that say that the text is not a policy document at all. They cannot be suppressed."""

_LARGEST: Final = 1024 * 1024
_SUPPRESSIONS: Final = ".iamtui-lint.toml"

_EPILOG: Final = """\
A suppression accepts findings and says why. They are listed as suppressed, and --fail-on does not count them.
.iamtui-lint.toml, in the current directory, holds them; file (* also matches /) and sid are optional:

\b
  [[suppress]]
  code = "service-without-source"
  file = "policies/*.json"
  sid = "AllowLogs"
  reason = "One account only; see SEC-17"

Exit codes: 0; 1 with --fail-on; 2 when a file cannot be read as a policy document.
"""


@dataclass(frozen=True, slots=True)
class _JudgedLint:
    """A finding, and the suppression that covers it."""

    finding: Finding
    suppression: Suppression | None


@dataclass(frozen=True, slots=True)
class _FileReport:
    """Findings in one file, or why it could not be read."""

    name: str
    kind: DocumentKind | None = None
    found: tuple[_JudgedLint, ...] = ()
    problem: str | None = None

    @property
    def is_unreadable(self) -> bool:
        return self.problem is not None or any(each.finding.code in _UNREADABLE for each in self.found)


@command(epilog=_EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--kind", type=click.Choice(_KINDS), help="The type of the documents. Default: detected for each.")
@click.option("--account", metavar="ACCOUNT", help="Owner account ID; not reported as a third party.")
@click.option("--fail-on", type=click.Choice(_LEVELS), help="Exit 1 on a finding of this level or worse.")
@click.option("--suppress", multiple=True, metavar="CODE=REASON", help="Accept findings of this code, ours or AWS's.")
@click.option("--suppressions", metavar="FILE", help=f"Read suppressions here instead of {_SUPPRESSIONS}.")
@output_options("text", "json", "jsonl", "sarif", "github")
def lint(
    files: tuple[str, ...],
    kind: str | None,
    account: str | None,
    fail_on: str | None,
    suppress: tuple[str, ...],
    suppressions: str | None,
    form: str,
) -> Exit:
    """Find what AWS would refuse or warn about in the policy documents FILE (- for standard input)."""
    if account is not None and not is_account_id(account):
        raise Problem(f"--account {account} is not an account ID.", "An account ID has 12 digits.")
    accepted = _suppressions(suppress, suppressions)
    out = stdout()
    records = JsonRecords(out, lines=form == "jsonl") if form in ("json", "jsonl") else None
    reports = []
    for name in files:
        report = _examine(name, kind, account, accepted)
        reports.append(report)
        if records is not None:
            records.add(_to_json(report))
        elif form != "sarif":
            _print(out, report) if form == "text" else _annotate(out, report)
            out.flush()
    if records is not None:
        records.end()
    elif form == "sarif":
        out.json(_sarif(reports), indent=2)
    _say_unused(accepted, reports)
    return _ending(reports, fail_on)


def _suppressions(options: Sequence[str], file: str | None) -> tuple[Suppression, ...]:
    given = tuple(suppression_of_option(text) for text in options)
    name = file if file is not None else _SUPPRESSIONS
    if file is None and not is_there(Path(name)):
        return given
    return (*given, *read_suppressions(read_text(name, "suppression file", most=_LARGEST), name))


def _examine(name: str, kind: str | None, account: str | None, accepted: Sequence[Suppression]) -> _FileReport:
    try:
        document = _read(name)
    except Problem as problem:
        note(f"iamtui: {with_short_arguments(str(problem), (name,))}")
        return _FileReport(name, problem=problem.sentence)
    of_kind = DocumentKind(kind) if kind is not None else guess_kind(document)
    found = []
    made = findings(document, of_kind, account=account)
    # Of a document with errors no statement has its id: it fails, whatever is suppressed in it.
    is_read = not any(finding.code in _UNREADABLE for finding in made)
    for finding in made:
        sid = document.written.statements[finding.statement].sid if is_read and finding.statement is not None else None
        covering = (one for one in accepted if finding.code not in _UNREADABLE and one.covers(finding, name, sid))
        found.append(_JudgedLint(finding, next(covering, None)))
    return _FileReport(name, of_kind, tuple(found))


def _read(name: str) -> PolicyDocument:
    text = read_text(name, "policy document", most=_LARGEST)
    if not text.strip():
        raise Problem(f"The policy document {name} is empty.", "Expected a JSON object with a Statement.")
    return PolicyDocument(text)


def _to_json(report: _FileReport) -> dict[str, Any]:
    listed = [
        {
            **finding_to_json(each.finding),
            "suppressed": None if each.suppression is None else each.suppression.reason,
        }
        for each in report.found
    ]
    told = {"file": report.name, "kind": report.kind.value if report.kind else None, "findings": listed}
    return told if report.problem is None else {**told, "error": report.problem}


def _sarif(reports: Sequence[_FileReport]) -> dict[str, Any]:
    results = [
        SarifResult(
            rule=each.finding.code,
            level=_SARIF_LEVELS[each.finding.level.value],
            message=each.finding.message,
            file=report.name,
            line=each.finding.source_line,
            element=each.finding.path,
            count=each.finding.count,
            reason=None if each.suppression is None else each.suppression.reason,
            properties=(("awsCode", each.finding.aws_code),) if each.finding.aws_code else (),
        )
        for report in reports
        for each in report.found
    ]
    failures = [(report.name, report.problem) for report in reports if report.problem is not None]
    return sarif_log(results, help_uri=_REFERENCE, failures=failures)


def _print(out: Output, report: _FileReport) -> None:
    # Two colons first would be a command to GitHub's runner, which has the same text in its log.
    name = f"./{report.name}" if report.name.lstrip().startswith("::") else report.name
    shown = "<stdin>" if name == "-" else name
    for each in report.found:
        finding = each.finding
        level = finding.level.value
        line = finding.source_line if finding.source_line is not None else 1
        beside = f"[{finding.code}]{_beside(finding)}"
        if each.suppression is None:
            mark = Span(f"{_MARKS[level]} {level}", _STYLES[level])
        else:
            mark = Span(f"[~] suppressed {level}", Style.QUIET)
            beside += f" because: {each.suppression.reason}"
        out.line(f"{shown}:{line}: ", mark, f" {finding.message} ", Span(beside, Style.QUIET))


def _annotate(out: Output, report: _FileReport) -> None:
    """Print the findings that nobody accepted as commands to GitHub's runner, which shows them beside the lines."""
    found = [each.finding for each in report.found if each.suppression is None]
    told = [(_COMMANDS[one.level.value], one.source_line or 1, one.code, one.message) for one in found]
    if report.problem is not None:
        told.append(("error", 1, "unreadable", report.problem))
    for level, line, title, message in told:
        out.line(f"::{level} file={_property(report.name)},line={line},title={title}::{_data(message)}", whole=True)


def _data(text: str) -> str:
    """A text as the message of a runner's command, which it cannot end."""
    return safe_text(text.replace("%", "%25"), limit=None)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _beside(finding: Finding) -> str:
    """AWS's code of the finding, and how many entries it is about."""
    code = f" {finding.aws_code}" if finding.aws_code else ""
    return f"{code} ({finding.count} entries)" if finding.count > 1 else code


def _say_unused(accepted: Sequence[Suppression], reports: Sequence[_FileReport]) -> None:
    """Suppressions that could have covered something in these files, and covered nothing."""
    used = {each.suppression for report in reports for each in report.found}
    for one in accepted:
        if one not in used and any(not report.is_unreadable and one.is_about(report.name) for report in reports):
            about = "" if one.code in one.origin else f" ({one.code})"
            note(f"{one.origin[:1].upper()}{one.origin[1:]}{about} suppresses nothing; remove it.")


def _ending(reports: Sequence[_FileReport], fail_on: str | None) -> Exit:
    read = [report for report in reports if report.problem is None]
    if read:
        note(_summary([each for report in read for each in report.found], len(read)))
    unreadable = sum(report.is_unreadable for report in reports)
    if unreadable:
        of_all = f"{unreadable} of {counted(len(reports), 'file')}"
        note(f"iamtui: {of_all} cannot be read as a policy document.")
        return Exit.ERROR
    worst_allowed = _LEVELS.index(fail_on) if fail_on is not None else -1
    open_ones = [each.finding for report in reports for each in report.found if each.suppression is None]
    return Exit.NO if any(finding.level.rank <= worst_allowed for finding in open_ones) else Exit.OK


def _summary(found: Sequence[_JudgedLint], files: int) -> str:
    levels = [each.finding.level.value for each in found if each.suppression is None]
    counts = [(level, levels.count(level)) for level in _LEVELS]
    words = ", ".join(counted(count, level) for level, count in counts if count)
    suppressed = len(found) - len(levels)
    tail = f"; {suppressed} suppressed" if suppressed else ""
    return f"{counted(files, 'file')}: {words or 'no findings'}{tail}."
