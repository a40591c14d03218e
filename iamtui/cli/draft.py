"""`iamtui draft`: edit, fix, show, check, export and schema; comparing is in `draft_compare`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, get_type_hints

import click

from iamtui.account.model import Account
from iamtui.cli.command import command, output_options
from iamtui.cli.input import read_text
from iamtui.cli.main import CommandEntry, LazyGroup
from iamtui.cli.opening import finding_label, open_workspace, read_drafted, say_findings
from iamtui.cli.output import Exit, Output, Span, Style, note, stdout
from iamtui.cli.questions import Demands, QuestionOptions, load_resource_policies, matrix_of, question_options
from iamtui.cli.render import verdict_style
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.drafts.draft import EDIT_KINDS, Draft, Edit, draft_schema, edit_to_json
from iamtui.drafts.edits.base import (
    AccessKeyId,
    BoundedArn,
    Document,
    GroupArn,
    HolderArn,
    LevelId,
    NewRoleArn,
    OwnPolicyArn,
    PolicyArn,
    PolicyName,
    ResourceArn,
    RoleArn,
    UserArn,
    describe_edits,
)
from iamtui.drafts.ledger import DraftFinding
from iamtui.policy.document import MAX_CHARACTERS
from iamtui.presentation.verdict import verdict_words
from iamtui.problem import Problem
from iamtui.text import counted, safe_document, safe_text
from iamtui.workspace.change.draft_documents import holder_arn, level_id, policy_arn
from iamtui.workspace.change.draft_fixes import one_cell, with_fix
from iamtui.workspace.change.draft_session import (
    EXPORT_FORMS,
    GRAVE,
    DraftedAccount,
    apply,
    compare,
    export_drafted,
    open_draft_file,
    save_draft_file,
    with_edited_resources,
)
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import Workspace

# `iamtui draft`: what-if drafts without the screen.


ENTRIES: Final = {
    "edit": CommandEntry("iamtui.cli.draft", "edit", "Add an edit to a draft, or undo one; creates the file."),
    "fix": CommandEntry("iamtui.cli.draft", "fix", "Add the edits that would allow a denied question."),
    "show": CommandEntry("iamtui.cli.draft", "show", "List a draft's edits in words, with findings."),
    "check": CommandEntry("iamtui.cli.draft", "check", "Check whether a draft fits the account."),
    "compare": CommandEntry("iamtui.cli.draft_compare", "compare", "List whose answers a draft changes."),
    "export": CommandEntry("iamtui.cli.draft", "export", "Print a draft as AWS CLI commands, Terraform or a diff."),
    "schema": CommandEntry("iamtui.cli.draft", "schema", "Print the JSON Schema of a draft file."),
}


@click.group(cls=LazyGroup, entries=ENTRIES, invoke_without_command=False)
def draft() -> None:
    """Make and compare what-if edits of an account, without changing it.

    A draft is a JSON file of edits: policies attached, documents changed, groups joined, boundaries set. Other
    commands take it with --draft. iamtui never makes the changes: `iamtui draft export` prints the commands that
    would.
    """


def _of_kind(kind: str) -> Callable[[Account, str], str]:
    return lambda account, text: holder_arn(
        account, text if text.startswith("arn:") or "/" in text else f"{kind}/{text}"
    )


def _own_policy(account: Account, text: str) -> str:
    """The ARN of a policy to write: one of the account, or a new one of that name."""
    if text.startswith("arn:"):
        return text
    own = [policy.arn for policy in account.policies if policy.name == text and not policy.aws_managed]
    return own[0] if len(own) == 1 else f"arn:{account.partition}:iam::{account.id}:policy/{text.lstrip('/')}"


def _new_role(account: Account, text: str) -> str:
    """The ARN of a role to make, from its name, with a path or without."""
    if text.startswith("arn:"):
        return text
    return f"arn:{account.partition}:iam::{account.id}:role/{text.removeprefix('role/').lstrip('/')}"


_READERS: Final[dict[object, Callable[[Account, str], str]]] = {
    HolderArn: holder_arn,
    BoundedArn: holder_arn,
    PolicyArn: policy_arn,
    OwnPolicyArn: _own_policy,
    UserArn: _of_kind("user"),
    GroupArn: _of_kind("group"),
    RoleArn: _of_kind("role"),
    NewRoleArn: _new_role,
    AccessKeyId: lambda _account, text: text,
    LevelId: level_id,
    PolicyName: lambda _account, text: text,
    ResourceArn: lambda _account, text: text,
    Document: lambda _account, name: read_text(name, "policy document", most=4 * MAX_CHARACTERS),
}
"""Readers of a command line word, by the type of the field that it is for."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of edit as words.

    Args:
        edit: its record.
        given: the values of the first fields, which the name of the kind stands for.
    """

    edit: type[Edit]
    given: tuple[str, ...]

    @property
    def words(self) -> str:
        """Arguments of the edit: "HOLDER NAME DOCUMENT"."""
        form = self.edit
        needed = len(form.__struct_fields__) - len(form.__struct_defaults__)
        return " ".join(name.upper() for name in form.__struct_encode_fields__[len(self.given) : needed])

    def make(self, account: Account, words: tuple[str, ...]) -> Edit:
        types = get_type_hints(self.edit, include_extras=True)
        fields = self.edit.__struct_fields__[len(self.given) : len(self.given) + len(words)]
        read = (_READERS[types[field]](account, word) for field, word in zip(fields, words, strict=True))
        form: Callable[..., Edit] = self.edit
        return form(*self.given, *read)


EDITS: Final = {name: _Kind(edit, tuple(given)) for edit in EDIT_KINDS.values() for name, *given in edit.commands}

_TAKING_BACK: Final = {"undo": "", "drop": "NUMBER"}

_HELP: Final = "\n".join(
    (
        "\b",
        "KIND and what it takes:",
        *(f"  {name} {kind.words}" for name, kind in EDITS.items()),
        "  undo (removes the last edit)",
        "  drop NUMBER (removes one edit)",
    )
)


@command(
    epilog=_HELP + "\n\nHOLDER is an ARN, user/NAME, group/NAME, role/NAME or a name that only one of them has. POLICY "
    "is an ARN or a name, AWS's included. DOCUMENT is a file, or - for standard input. LEVEL is the id or the "
    "name of the root, an organizational unit or the account."
)
@click.argument("file")
@click.argument("kind", metavar="KIND")
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option("--name", help="The name of the draft.")
@source_options
def edit(file: str, kind: str, words: tuple[str, ...], name: str | None, source: SourceOptions) -> Exit:
    """Add an edit to the draft FILE, which is created if it does not exist.

    The edit must fit the account with the edits before it; otherwise the file stays as it is.
    """
    _check_words(kind, words)
    workspace = open_workspace(source)
    path = Path(file)
    before = _opened(workspace, path)
    draft = before or Draft(workspace.account.id)
    if name is not None:
        draft = draft.named(name)
    if kind in _TAKING_BACK:
        draft, said = _take_back(workspace, draft, kind, words)
    else:
        current = apply(workspace, draft)
        made = EDITS[kind].make(current.after.account, words)
        draft = draft.with_edit(made)
        workspace = with_edited_resources(workspace, draft)
        said = f"Edit {len(draft.edits)}: {draft.words_of(-1, workspace.account)}."
    _save(workspace, draft, before, path, source)
    note(said)
    return Exit.OK


def _check_words(kind: str, words: tuple[str, ...]) -> None:
    known = {**{name: entry.words for name, entry in EDITS.items()}, **_TAKING_BACK}
    if kind not in known:
        near = get_close_matches(kind, known, n=1, cutoff=0.5)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise Problem(f"Unknown kind of edit: {kind}.", f"{meant}Kinds: {', '.join(known)}.")
    wanted = known[kind].split()
    if len(words) != len(wanted):
        takes = " ".join(wanted) or "nothing more"
        raise Problem(
            f"{kind} takes {takes}, and {counted(len(words), 'word')} came.",
            f"Write: iamtui draft edit FILE {' '.join([kind, *wanted])}.",
        )


def _opened(workspace: Workspace, path: Path) -> Draft | None:
    """The draft in a file that will be written again, or None when there is no file."""
    # A link that leads nowhere is in the way, too.
    return open_draft_file(path, workspace.account.id, pipes=False) if os.path.lexists(path) else None


def _take_back(workspace: Workspace, draft: Draft, kind: str, words: tuple[str, ...]) -> tuple[Draft, str]:
    if not draft.edits:
        raise Problem("The draft has no edits to undo.")
    number = len(draft.edits)
    if kind == "drop":
        wanted = {str(one): one for one in range(1, len(draft.edits) + 1)}.get(words[0])
        if wanted is None:
            raise Problem(
                f"{words[0]} is not the number of an edit.", f"The draft has the edits 1 to {len(draft.edits)}."
            )
        number = wanted
    gone = draft.words_of(number - 1, workspace.account)
    return draft.without(number - 1), f"Taken back: edit {number}, {gone}."


def _save(workspace: Workspace, draft: Draft, before: Draft | None, path: Path, source: SourceOptions) -> None:
    """Save the draft when it fits, or at least no worse than before; says what is new about it."""
    drafted, was = apply(workspace, draft), apply(workspace, before or Draft(workspace.account.id))
    was_at_fault = {problem.words for problem in was.problems}
    for problem in drafted.problems:
        if problem.words not in was_at_fault:
            raise problem
        note(f"[x] {problem}")
    known = {_told(was, finding) for finding in was.findings}
    new = [finding for finding in drafted.findings if _told(drafted, finding) not in known]
    say_findings(new)
    earlier = len(drafted.findings) - len(new)
    if earlier:
        check = shlex.join(("iamtui", "draft", "check", str(path), *source.words))
        note(f"{earlier} earlier {'finding stays' if earlier == 1 else 'findings stay'}; all of them: {check}")
    save_draft_file(drafted.draft, path, seen=before)


def _told(drafted: DraftedAccount, finding: DraftFinding) -> tuple[object, ...]:
    """Identity of a finding without its edit's number, which changes when another edit is taken out."""
    return drafted.draft.edits[finding.edit - 1] if finding.edit else None, finding.kind, finding.sentence


@command(epilog="Exit codes: what `can` would say with the draft: 0 allowed, 1 still denied, 3 it depends; 2 an error.")
@click.argument("file")
@click.argument("principal")
@click.argument("actions", nargs=-1, required=True, metavar="ACTION...")
@question_options
@source_options
def fix(file: str, principal: str, actions: tuple[str, ...], asked: QuestionOptions, source: SourceOptions) -> Exit:
    """Add edits to the draft FILE that would allow PRINCIPAL to do ACTION, as far as edits can.

    The edits allow PRINCIPAL this request, and nobody anything else; they need not be the right change. A Deny that
    applies to others too stays and gets PRINCIPAL as an exception, where that is possible; a Deny that applies to
    nobody else is removed. The other entries of such a Deny still apply to PRINCIPAL; where an entry covers more than
    the request, iamtui says so. If the answer stays denied, nothing that limits others is changed. Other permissions
    that the call needs are allowed too. Review the draft with `iamtui draft show`, and see whom else it affects with
    `iamtui draft compare`.
    """
    made = matrix_of(actions, asked)
    workspace = open_workspace(source)
    who = resolve_principal(workspace, principal)
    workspace = load_resource_policies(workspace, made)
    path = Path(file)
    before = _opened(workspace, path)
    draft = before or Draft(workspace.account.id)
    out = stdout()
    for question in made.questions():
        count = len(draft.edits)
        suggested = with_fix(workspace, draft, who, one_cell(made, question))
        draft = suggested.draft
        for index in range(count, len(draft.edits)):
            out.line(f"{index + 1}  {draft.words_of(index, workspace.account)}")
        for caution in suggested.cautions:
            note(caution)
        if suggested.left:
            note(f"{safe_text(question.action)} stays denied:")
        for reason in suggested.left:
            note(f"  {reason}")
    if draft != (before or Draft(workspace.account.id)):
        _save(workspace, draft, before, path, source)
    comparison = compare(apply(workspace, draft), made, who)
    assert comparison is not None
    decision = comparison.after.worst.deciding
    held_by = f"with {file}" if draft.edits else "no edit drafted"
    out.line(Span(str(verdict_words(decision)), verdict_style(decision)), f"  {held_by}")
    return Demands().code(decision)


# `iamtui draft show`, `check`, `export` and `schema`: what is in a draft.


_KINDS: Final = {
    "error": "[x]", "nothing allowed": "[!]", "quota": "[!]", "refused": "[!]", "warning": "[!]", "shared": "[!]",
    "denies less": "[!]", "unknown": "[?]", "no effect": "[-]",
}  # fmt: skip


@command()
@click.argument("file")
@output_options("text", "json")
@source_options
def show(file: str, form: str, source: SourceOptions) -> Exit:
    """Show the edits of the draft FILE (- for standard input) in words, and what is wrong with them."""
    drafted = read_drafted(open_workspace(source), file)
    out = stdout()
    if form == "json":
        out.json(_to_json(drafted), indent=2)
        return Exit.OK
    _print_draft(out, drafted)
    return Exit.OK


@command(epilog="Exit codes: 0 it fits, 1 it does not or --fail-on-findings found something, 2 an error.")
@click.argument("file")
@click.option("--fail-on-findings", is_flag=True, help="Also exit 1 on findings, such as an exceeded quota.")
@output_options("text", "json")
@source_options
def check(file: str, fail_on_findings: bool, form: str, source: SourceOptions) -> Exit:
    """Check that the draft FILE (- for standard input) fits the account."""
    drafted = read_drafted(open_workspace(source), file)
    out = stdout()
    if form == "json":
        out.json(_to_json(drafted), indent=2)
    else:
        for problem in drafted.problems:
            out.paragraph(str(problem), indent=4, first=(Span("[x]", Style.BAD),))
        _print_findings(out, drafted.findings, numbered=True)
        words = "does not fit" if drafted.problems else "fits"
        note(f"The draft {words} account {drafted.base.account.id}: {_counts(drafted)}.")
    if drafted.problems or (fail_on_findings and drafted.findings):
        return Exit.NO
    return Exit.OK


def _counts(drafted: DraftedAccount) -> str:
    parts = [counted(len(drafted.draft.edits), "edit"), counted(len(drafted.findings), "finding")]
    if drafted.problems:
        parts.insert(1, f"{len(drafted.problems)} of them at fault")
    return ", ".join(parts)


def _to_json(drafted: DraftedAccount) -> dict[str, Any]:
    account, edits = drafted.base.account, drafted.draft.edits
    return {
        "account_id": drafted.draft.account_id,
        "name": drafted.draft.name,
        "fits": not drafted.problems,
        "edits": [
            {"number": number, "words": words, **edit_to_json(edit)}
            for number, (edit, words) in enumerate(zip(edits, describe_edits(edits, account), strict=True), 1)
        ],
        "problems": [
            {"edit": problem.number, "reason": problem.reason, "next_step": problem.next_step}
            for problem in drafted.problems
        ],
        "findings": [
            {"edit": finding.edit, "kind": finding.kind, "sentence": finding.sentence} for finding in drafted.findings
        ],
    }


def _print_draft(out: Output, drafted: DraftedAccount) -> None:
    draft, account = drafted.draft, drafted.base.account
    out.line(Span(draft.name or "draft without a name", Style.STRONG), f"  for account {draft.account_id}")
    if not draft.edits:
        out.line("  no edits yet: `iamtui draft edit` adds one")
    digits = len(str(len(draft.edits)))
    at_fault = {problem.number: problem for problem in drafted.problems}
    findings: dict[int, list[DraftFinding]] = {}
    for finding in drafted.findings:
        findings.setdefault(finding.edit, []).append(finding)
    for number, words in enumerate(describe_edits(draft.edits, account), 1):
        out.paragraph(words, indent=digits + 4, first=(f"  {number:>{digits}}",))
        if number in at_fault:
            problem = at_fault[number]
            sentence = f"does not fit: {problem.reason}. {problem.next_step}"
            out.paragraph(sentence, indent=digits + 8, first=(" " * (digits + 4), Span("[x]", Style.BAD)))
        _print_findings(out, findings.get(number, ()), digits + 4)
    _print_findings(out, findings.get(0, ()), 2)


def _print_findings(out: Output, findings: Iterable[DraftFinding], indent: int = 0, *, numbered: bool = False) -> None:
    for finding in findings:
        label = finding_label(finding.edit) if numbered else ""
        mark = Span(_KINDS.get(finding.kind, "[?]"), Style.OPEN)
        out.paragraph(f"{label}{finding.sentence}", indent=indent + 4, first=(" " * indent, mark))


@command()
@click.argument("file")
@output_options(*EXPORT_FORMS)
@source_options
def export(file: str, form: str, source: SourceOptions) -> Exit:
    """Print the AWS CLI commands, Terraform or diff that would make the changes of the draft FILE (- for standard
    input).

    Nothing is run: read it first.
    """
    drafted = read_drafted(open_workspace(source), file)
    text = export_drafted(drafted, form)
    say_findings(finding for finding in drafted.findings if finding.kind in GRAVE)
    out = stdout()
    # A terminal acts on control characters; a file or another program gets the text as it is.
    out.raw(safe_document(text) if sys.stdout.isatty() else text)
    if not text:
        note("No policy document differs, so the diff is empty.")
    return Exit.OK


@command()
def schema() -> Exit:
    """Print the JSON Schema of a draft's file."""
    stdout().json(draft_schema(), indent=2)
    return Exit.OK
