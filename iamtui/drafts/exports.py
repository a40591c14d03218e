"""Exports of a draft: AWS CLI commands, Terraform, a diff of the documents. Nothing here runs them.

The script and the configuration give each edit its turn; what an edit is in them, its own class says.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Final

from iamtui.account.identity_center import permission_set_name
from iamtui.account.model import Account, Group, Role
from iamtui.drafts.aws_values import ACCOUNT_ID, NAME, POLICY_ARN, InvalidValue, organization_account
from iamtui.drafts.draft import Draft, Edit
from iamtui.drafts.edits.base import (
    AccountAfterEdits,
    TerraformBlocks,
    brought_document,
    comment,
    describe_edit,
    folder,
    holder_of,
)
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.text import safe_text

FORMS: Final = ("cli", "terraform", "diff")
"""The forms of an export: a POSIX shell script, a Terraform configuration, a unified diff."""


def export(draft: Draft, before: Account, after: Account, form: str, *, note: str = "") -> str:
    """Write what would bring an account from `before` to `after`.

    An edit that a later one undoes, or that changes nothing, is left out.

    Args:
        form: "cli" (a POSIX shell script of AWS CLI commands), "terraform" (HCL) or "diff" (a unified diff of the
            canonical documents, for `patch -p1`).
        note: one sentence for the head of the text, such as that the account is a demo; raw text.

    Returns:
        The text, ending with a line break. A diff of nothing is "".

    Raises:
        Problem: an unknown form, or (not for "diff") a document that is not JSON, or two documents for one name.
    """
    # The edits that together have the draft's effect on `before`, one for each subject, in the order of the draft.
    # AWS managed policies that were given by name have their ARNs, as `after` has them.
    last: dict[tuple[str, ...], Edit] = {}
    for edit in draft.edits:
        edit = edit.resolved(after)
        last.pop(edit.subject, None)
        last[edit.subject] = edit
    current = AccountAfterEdits(before)
    deleted = {edit.deletes for edit in last.values() if edit.deletes}
    # What else is said of a user or role that goes, goes with it.
    left = (edit for edit in last.values() if edit.deletes or edit.subject[1] not in deleted)
    edits = tuple(edit for edit in left if not edit.changes_nothing(current))
    if form == "diff":
        return _document_diff(edits, before, after)
    if form not in FORMS:
        raise Problem(f"There is no export of the form {form}.", f"Choose one of {', '.join(FORMS)}.")
    _check_edits(edits)
    if form == "cli":
        return _cli_script(edits, draft, before, note)
    return _terraform_configuration(edits, draft, before, note)


# What is left of the edits when each subject is taken once: the last edit of it, unless it changes nothing.


def _check_edits(edits: Sequence[Edit]) -> None:
    """Refuse what AWS could not take.

    Raises:
        Problem: a document that cannot be read, two documents for one SCP or RCP, or an AWS managed policy edited.
    """
    for edit in edits:
        document = brought_document(edit)
        if document is not None and document.error is not None:
            raise Problem(
                f"{edit.document_title} cannot be exported: {safe_text(document.error.sentence, limit=300)}",
                "Repair the document in the draft, or remove the edit, and export again.",
            )
        edit.check_exportable(edits)


@contextmanager
def _naming(edit: Edit, before: Account) -> Iterator[None]:
    """Name the edit in the error about a value that AWS does not have."""
    try:
        yield
    except InvalidValue as error:
        raise Problem(
            f'"{safe_text(describe_edit(edit, before), limit=256)}" cannot be exported: {error.sentence}.',
            "Correct it in the draft, or in the file that the account was read from.",
        ) from None


# A POSIX shell script. Names and options are those of the AWS CLI Command Reference.


def _header(what: str, draft: Draft, before: Account, note: str) -> Iterator[str]:
    """First lines of an export, safe within a comment."""
    alias = f" ({known})" if (known := before.alias.value_or("")) else ""
    name = f"the draft {draft.name}" if draft.name else "a draft without a name"
    yield safe_text(f"{what} for account {before.id}{alias},")
    yield safe_text(f"written by iamtui from {name}.")
    if note:
        yield safe_text(note)
    for arn in dict.fromkeys(edit.subject[1] for edit in draft.edits):
        role = before.by_arn(arn)
        if isinstance(role, Role) and role.sso_reserved:
            of_set = permission_set_name(role.name)
            yield safe_text(f"AWS refuses to change {role.name} here: change its permission set {of_set}".rstrip())
            yield "in IAM Identity Center, and provision it again."


@dataclass(slots=True)
class _ScriptSection:
    """Calls that need credentials of one account."""

    account: str
    what: str
    lines: list[str] = field(default_factory=list)


def _cli_script(edits: Sequence[Edit], draft: Draft, before: Account, note: str) -> str:
    """The script, ending with a line break. It stops at the first call that fails, and in a wrong account."""
    for account in (before.id, organization_account(before)):
        if account:
            ACCOUNT_ID.checked(account)
    own = _ScriptSection(before.id, "the account itself")
    above = _ScriptSection(organization_account(before), "its organization (the management account's credentials)")
    for edit in sorted(edits, key=lambda edit: edit.cli_phase):
        section = above if edit.of_organization else own
        with _naming(edit, before):
            for lines in edit.aws_cli(edits, before):
                section.lines += [*lines, ""]
    sections = [section for section in (own, above) if section.lines]
    head = [*script_head(_header("AWS CLI commands", draft, before, note))]
    if not sections:
        return "\n".join([*head[:-2], "# The draft changes nothing in this account."]) + "\n"
    rows = [*head, *_guarded(sections)]
    while rows and not rows[-1]:
        rows.pop()
    return "\n".join(rows) + "\n"


def script_head(remarks: Iterable[str]) -> Iterator[str]:
    """The first lines of a script of AWS CLI commands, which then stops at the first call that fails.

    Args:
        remarks: safe to stand in a comment.
    """
    yield "#!/bin/sh"
    yield from (f"# {remark}" for remark in remarks)
    yield "# iamtui never runs them: read them, then run them with the account's credentials."
    yield "set -eu"
    yield ""


def account_check(account: str) -> Iterator[str]:
    """The lines that stop a script run with credentials of another account; "" is an account whose id is not known."""
    yield _CALLER
    if account:
        yield f'if [ "$caller" != {shlex.quote(account)} ]; then'
        yield _refusal(account)
        yield "    exit 1"
        yield "fi"
    yield ""


_CALLER: Final = "caller=$(aws sts get-caller-identity --query Account --output text)"


def _guarded(sections: Sequence[_ScriptSection]) -> Iterator[str]:
    if len({section.account for section in sections}) == 1:
        yield from account_check(sections[0].account)
        for section in sections:
            yield from section.lines
        return
    yield _CALLER
    yield "# Two accounts take part: run the script once with the credentials of each."
    yield "ran=0"
    yield ""
    for section in sections:
        yield f"# Calls to {section.what}."
        yield f'if [ "$caller" = {shlex.quote(section.account)} ]; then' if section.account else "if :; then"
        yield "ran=1"
        yield ""
        yield from section.lines
        yield "fi"
        yield ""
    yield 'if [ "$ran" = 0 ]; then'
    accounts = " or ".join(section.account for section in sections if section.account)
    yield _refusal(accounts)
    yield "    exit 1"
    yield "fi"


def _refusal(accounts: str) -> str:
    """The line that tells whom the script is for. Accounts are text from a file, so none of it is left to the shell."""
    return f'    echo {shlex.quote(f"These commands are for account {accounts}, not for")} "$caller." >&2'


# A Terraform configuration: resources, and import blocks for what exists already.


def _terraform_configuration(edits: Sequence[Edit], draft: Draft, before: Account, note: str) -> str:
    """The configuration, ending with a line break."""
    blocks = TerraformBlocks()
    in_turn = sorted(edits, key=lambda edit: edit.terraform_phase)
    parts: list[str] = []
    for edit in in_turn:
        with _naming(edit, before):
            parts += edit.terraform(blocks, edits, before)
    head = [comment(row) for row in _header("Terraform", draft, before, note)]
    head += [
        "# iamtui applies nothing. Import blocks (Terraform 1.5) bring what exists",
        "# already under its control: leave out what your configuration manages",
        "# elsewhere, and read `terraform plan` before you apply.",
    ]
    if not parts:
        parts = ["# The draft changes nothing in this account."]
    return "\n\n".join(["\n".join(head), *parts]) + "\n"


# A unified diff of canonical documents and of small listings of what is attached where.


def _document_diff(edits: Sequence[Edit], before: Account, after: Account) -> str:
    """The diff, for `patch -p1` in a folder of documents named alike; "" when nothing changes."""
    files: dict[str, tuple[str | None, str | None]] = {}
    current = AccountAfterEdits(before)
    for edit in edits:
        if edit.diff_path:
            files[edit.diff_path] = (_text(edit.taken_away(current)), _text(brought_document(edit)))
        else:
            holder = edit.subject[1]
            with _naming(edit, before):
                files[f"{folder(holder)}/attached.txt"] = (_listing(before, holder), _listing(after, holder))
    return "".join(part for path in sorted(files) for part in _diff(path, *files[path]))


def _diff(path: str, old: str | None, new: str | None) -> Iterator[str]:
    before = [] if old is None else _lines(old)
    after = [] if new is None else _lines(new)
    from_file = "/dev/null" if old is None else f"a/{path}"
    to_file = "/dev/null" if new is None else f"b/{path}"
    yield from unified_diff(before, after, from_file, to_file)


def _lines(text: str) -> list[str]:
    r"""Lines ended by a line feed alone, with control and invisible characters as JSON's \uXXXX."""
    return [f"{line if line.isascii() and line.isprintable() else _escaped(line)}\n" for line in text.split("\n")]


def _escaped(line: str) -> str:
    return "".join(
        character if safe_text(character) == character or character == "\t" else json.dumps(character)[1:-1]
        for character in line
    )


def _text(document: PolicyDocument | None) -> str | None:
    return document.text if document is not None else None


def _listing(account: Account, arn: str) -> str | None:
    """Attachments of a user, group or role, a line each."""
    holder = holder_of(account, arn)
    if holder is None:
        return None
    rows = [
        f"policy {POLICY_ARN.checked(policy.arn)}"
        for policy in sorted(holder.attached_policies, key=lambda policy: policy.arn)
    ]
    if not isinstance(holder, Group):
        if holder.boundary_arn:
            rows.append(f"boundary {POLICY_ARN.checked(holder.boundary_arn)}")
        groups = () if isinstance(holder, Role) else holder.groups
        rows += [f"group {NAME.checked(name)}" for name in sorted(groups)]
    return "\n".join(rows) if rows else None
