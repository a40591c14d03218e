"""`iamtui lint`: findings in policy documents, with their lines."""

from __future__ import annotations

from typing import Any, Final

import click

from iamtui.cli.exits import Exit
from iamtui.cli.output import Output, Span, Style, note, stdout, with_short_arguments
from iamtui.cli.text_files import read_text
from iamtui.evaluation.findings import DocumentKind, Finding, finding_to_json, findings, guess_kind
from iamtui.policy.arn import is_account_id
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem

_KINDS: Final = ("identity", "boundary", "session", "resource", "trust", "scp", "rcp", "vpc_endpoint")
_LEVELS: Final = ("error", "warning", "suggestion")
_STYLES: Final = {"error": Style.BAD, "warning": Style.OPEN, "suggestion": Style.QUIET}
_MARKS: Final = {"error": "[x]", "warning": "[!]", "suggestion": "[-]"}

_UNREADABLE: Final = frozenset(("not-json", "unreadable"))
"""Codes of findings that say that the text is no policy document at all."""

_LARGEST: Final = 1024 * 1024


@click.command(epilog="Exit codes: 0; 1 with --fail-on; 2 when a file cannot be read as a policy document.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--kind", type=click.Choice(_KINDS), help="What the documents are used as; else it is told from them.")
@click.option("--account", metavar="ACCOUNT", help="The account they belong to, so that it is no third party.")
@click.option("--fail-on", type=click.Choice(_LEVELS), help="Exit 1 on a finding of this level or a worse one.")
@click.option("--json", "as_json", is_flag=True, help="Print an array with an object for each file.")
def lint(files: tuple[str, ...], kind: str | None, account: str | None, fail_on: str | None, as_json: bool) -> Exit:
    """What AWS would refuse or warn about in the policy documents FILE (- for standard input)."""
    if account is not None and not is_account_id(account):
        raise Problem(f"--account {account} is no account.", "An account is 12 digits.")
    out = stdout()
    reports: list[dict[str, Any]] = []
    found: list[Finding] = []
    read = unreadable = 0
    for name in files:
        try:
            of_kind, findings = _examine(name, kind, account)
        except Problem as problem:
            unreadable += 1
            note(f"iamtui: {with_short_arguments(str(problem), files)}")
            reports.append({"file": name, "kind": None, "findings": [], "error": problem.sentence})
            continue
        read += 1
        unreadable += any(finding.code in _UNREADABLE for finding in findings)
        found += findings
        if as_json:
            reports.append(_report(name, of_kind, findings))
        else:
            for finding in findings:
                _print_finding(out, name, finding)
    if as_json:
        out.json(reports, indent=2)
    if read:
        note(_summary(found, read))
    if unreadable:
        of_all = f"{unreadable} of {len(files)} {'file' if len(files) == 1 else 'files'}"
        note(f"iamtui: {of_all} cannot be read as a policy document.")
        return Exit.ERROR
    worst_allowed = _LEVELS.index(fail_on) if fail_on is not None else -1
    return Exit.NO if any(finding.level.rank <= worst_allowed for finding in found) else Exit.OK


def _examine(name: str, kind: str | None, account: str | None) -> tuple[DocumentKind, tuple[Finding, ...]]:
    text = read_text(name, "policy document", most=_LARGEST)
    if not text.strip():
        raise Problem(f"The policy document {name} is empty.", "Expected a JSON object with a Statement.")
    document = PolicyDocument(text)
    of_kind = DocumentKind(kind) if kind is not None else guess_kind(document)
    return of_kind, findings(document, of_kind, account=account)


def _report(name: str, kind: DocumentKind, findings: tuple[Finding, ...]) -> dict[str, Any]:
    return {"file": name, "kind": kind.value, "findings": [finding_to_json(finding) for finding in findings]}


def _print_finding(out: Output, name: str, finding: Finding) -> None:
    level = finding.level.value
    shown = "<stdin>" if name == "-" else name
    line = finding.source_line if finding.source_line is not None else 1
    out.line(
        f"{shown}:{line}: ",
        Span(f"{_MARKS[level]} {level}", _STYLES[level]),
        f" {finding.message} ",
        Span(f"[{finding.code}]{_beside(finding)}", Style.QUIET),
    )


def _beside(finding: Finding) -> str:
    """AWS's code of the finding, and how often it was made."""
    code = f" {finding.aws_code}" if finding.aws_code else ""
    return f"{code} ({finding.count} times)" if finding.count > 1 else code


def _summary(found: list[Finding], files: int) -> str:
    counts = [(level, sum(finding.level.value == level for finding in found)) for level in _LEVELS]
    words = ", ".join(f"{count} {level}{'' if count == 1 else 's'}" for level, count in counts if count)
    return f"{files} {'file' if files == 1 else 'files'}: {words or 'no findings'}."
