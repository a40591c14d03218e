"""`iamtui draft show`, `check`, `export` and `schema`: what is in a draft."""

from __future__ import annotations

import sys
from typing import Any, Final

import click

from iamtui.account.drafts.application import describe_edit
from iamtui.account.drafts.file import draft_schema, edit_to_json
from iamtui.cli.draft_option import finding_label, read_drafted
from iamtui.cli.exits import Exit
from iamtui.cli.output import Output, Span, Style, note, stdout
from iamtui.cli.source import SourceOptions, open_workspace, source_options
from iamtui.text import safe_document
from iamtui.workspace.drafts.drafting import EXPORT_FORMS, GRAVE, Drafted, export_drafted

_KINDS: Final = {
    "error": "[x]", "nothing allowed": "[!]", "quota": "[!]", "refused": "[!]", "warning": "[!]", "shared": "[!]",
    "denies less": "[!]", "unknown": "[?]", "no effect": "[-]",
}  # fmt: skip


@click.command()
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
@source_options
def show(file: str, as_json: bool, source: SourceOptions) -> Exit:
    """Show the edits of the draft FILE (- for standard input) in words, and what is wrong with them."""
    drafted = read_drafted(open_workspace(source), file)
    out = stdout()
    if as_json:
        out.json(_to_json(drafted), indent=2)
        return Exit.OK
    _print_draft(out, drafted)
    return Exit.OK


@click.command(epilog="Exit codes: 0 it fits, 1 it does not or --fail-on-findings found something, 2 an error.")
@click.argument("file")
@click.option("--fail-on-findings", is_flag=True, help="Exit 1 also on findings, such as a quota that is exceeded.")
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
@source_options
def check(file: str, fail_on_findings: bool, as_json: bool, source: SourceOptions) -> Exit:
    """Whether the draft FILE (- for standard input) fits the account."""
    drafted = read_drafted(open_workspace(source), file)
    out = stdout()
    if as_json:
        out.json(_to_json(drafted), indent=2)
    else:
        for problem in drafted.problems:
            out.paragraph(str(problem), indent=4, first=(Span("[x]", Style.BAD),))
        _print_findings(out, drafted, 0)
        words = "does not fit" if drafted.problems else "fits"
        note(f"The draft {words} account {drafted.base.account.id}: {_counts(drafted)}.")
    if drafted.problems or (fail_on_findings and drafted.findings):
        return Exit.NO
    return Exit.OK


def _counts(drafted: Drafted) -> str:
    def some(count: int, what: str) -> str:
        return f"{count} {what}{'' if count == 1 else 's'}"

    parts = [some(len(drafted.draft.edits), "edit"), some(len(drafted.findings), "finding")]
    if drafted.problems:
        parts.insert(1, f"{len(drafted.problems)} of them at fault")
    return ", ".join(parts)


def _to_json(drafted: Drafted) -> dict[str, Any]:
    account, edits = drafted.base.account, drafted.draft.edits
    return {
        "account_id": drafted.draft.account_id,
        "name": drafted.draft.name,
        "fits": not drafted.problems,
        "edits": [
            {"number": number, "words": describe_edit(edit, account, edits[: number - 1]), **edit_to_json(edit)}
            for number, edit in enumerate(edits, 1)
        ],
        "problems": [
            {"edit": problem.number, "reason": problem.reason, "next_step": problem.next_step}
            for problem in drafted.problems
        ],
        "findings": [
            {"edit": finding.edit, "kind": finding.kind, "sentence": finding.sentence} for finding in drafted.findings
        ],
    }


def _print_draft(out: Output, drafted: Drafted) -> None:
    draft, account = drafted.draft, drafted.base.account
    out.line(Span(draft.name or "draft without a name", Style.STRONG), f"  for account {draft.account_id}")
    if not draft.edits:
        out.line("  no edits yet: `iamtui draft edit` adds one")
    digits = len(str(len(draft.edits)))
    at_fault = {problem.number: problem for problem in drafted.problems}
    for number, edit in enumerate(draft.edits, 1):
        words = describe_edit(edit, account, draft.edits[: number - 1])
        out.paragraph(words, indent=digits + 4, first=(f"  {number:>{digits}}",))
        if number in at_fault:
            problem = at_fault[number]
            sentence = f"does not fit: {problem.reason}. {problem.next_step}"
            out.paragraph(sentence, indent=digits + 8, first=(" " * (digits + 4), Span("[x]", Style.BAD)))
        _print_findings(out, drafted, number, digits + 4)
    _print_findings(out, drafted, 0, 2, whole=True)


def _print_findings(out: Output, drafted: Drafted, number: int, indent: int = 0, *, whole: bool = False) -> None:
    """The findings about one edit; with number 0 all of them with their edit, or those about the whole."""
    for finding in drafted.findings:
        if finding.edit != number and (number or whole):
            continue
        label = "" if number or whole else finding_label(finding.edit)
        mark = Span(_KINDS.get(finding.kind, "[?]"), Style.OPEN)
        out.paragraph(f"{label}{finding.sentence}", indent=indent + 4, first=(" " * indent, mark))


@click.command()
@click.argument("file")
@click.option(
    "--format", "form", type=click.Choice(EXPORT_FORMS), default="cli", show_default=True, help="What to print."
)
@source_options
def export(file: str, form: str, source: SourceOptions) -> Exit:
    """Print what would make the changes of the draft FILE (- for standard input).

    AWS CLI commands, Terraform, or a unified diff of the policy documents. Nothing is run: read it first.
    """
    drafted = read_drafted(open_workspace(source), file)
    text = export_drafted(drafted, form)
    for finding in drafted.findings:
        if finding.kind in GRAVE:
            note(f"{finding_label(finding.edit)}{finding.sentence}")
    out = stdout()
    # A terminal acts on control characters; a file or another program gets the text as it is.
    out.raw(safe_document(text) if sys.stdout.isatty() else text)
    if not text:
        note("No policy document differs, so the diff is empty.")
    return Exit.OK


@click.command()
def schema() -> Exit:
    """Print the JSON Schema of a draft's file."""
    stdout().json(draft_schema(), indent=2)
    return Exit.OK
