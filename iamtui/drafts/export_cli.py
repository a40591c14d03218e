"""A draft as a POSIX shell script of AWS CLI commands, in an order that works.

Documents go to the CLI's standard input as here-documents (`file:///dev/stdin`), so that no text of a policy is read
by the shell. Names and options are those of the AWS CLI Command Reference.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from iamtui.account.model import Account, Missing
from iamtui.drafts.edits import Draft, Edit
from iamtui.drafts.words import organization_account
from iamtui.text import safe_text


def header(what: str, draft: Draft, before: Account, note: str) -> Iterator[str]:
    """The first lines of an export, safe to stand in a comment."""
    alias = "" if isinstance(before.alias, Missing) or not before.alias.value else f" ({before.alias.value})"
    name = f"the draft {draft.name}" if draft.name else "a draft without a name"
    yield safe_text(f"{what} for account {before.id}{alias},")
    yield safe_text(f"written by iamtui from {name}.")
    if note:
        yield safe_text(note)


@dataclass(slots=True)
class _Section:
    """Calls that need credentials of one account."""

    account: str
    what: str
    lines: list[str] = field(default_factory=list)


def cli_script(edits: Sequence[Edit], draft: Draft, before: Account, note: str) -> str:
    """The script, ending with a line break. It stops at the first call that fails, and in a wrong account."""
    own = _Section(before.id, "the account itself")
    above = _Section(organization_account(before), "its organization (the management account's credentials)")
    for edit in sorted(edits, key=lambda edit: edit.cli_phase):
        section = above if edit.of_organization else own
        for lines in edit.aws_cli(edits, before):
            section.lines += [*lines, ""]
    sections = [section for section in (own, above) if section.lines]
    head = [
        "#!/bin/sh",
        *(f"# {row}" for row in header("AWS CLI commands", draft, before, note)),
        "# iamtui never runs them: read them, then run them with the account's credentials.",
        "set -eu",
        "",
    ]
    if not sections:
        return "\n".join([*head[:-2], "# The draft changes nothing in this account."]) + "\n"
    rows = [*head, *_guarded(sections)]
    while rows and not rows[-1]:
        rows.pop()
    return "\n".join(rows) + "\n"


def _guarded(sections: Sequence[_Section]) -> Iterator[str]:
    yield "caller=$(aws sts get-caller-identity --query Account --output text)"
    if len({section.account for section in sections}) == 1:
        account = sections[0].account
        if account:
            yield f'if [ "$caller" != {shlex.quote(account)} ]; then'
            yield f'    echo "These commands are for account {account}, not for $caller." >&2'
            yield "    exit 1"
            yield "fi"
        yield ""
        for section in sections:
            yield from section.lines
        return
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
    yield f'    echo "These commands are for account {accounts}, not for $caller." >&2'
    yield "    exit 1"
    yield "fi"
