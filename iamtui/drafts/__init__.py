"""What-if drafts: edits as records, laid over an account, kept in a file and exported."""

from __future__ import annotations

from typing import Final

from iamtui.account.model import Account
from iamtui.drafts.edits import Draft
from iamtui.drafts.export_cli import cli_script
from iamtui.drafts.export_diff import document_diff
from iamtui.drafts.export_terraform import terraform_configuration
from iamtui.drafts.net_edits import check_edits, net_edits
from iamtui.problem import Problem

# What would make a draft's changes: AWS CLI commands, Terraform, a diff of the documents. Nothing here runs them.


__all__ = ["FORMS", "export"]

FORMS: Final = ("cli", "terraform", "diff")
"""The forms of an export: a POSIX shell script, a Terraform configuration, a unified diff."""


def export(draft: Draft, before: Account, after: Account, form: str, *, note: str = "") -> str:
    """Write what would bring an account from `before` to `after`.

    An edit that a later one undoes, or that changes nothing, is left out.

    Args:
        draft: the edits.
        before: the account they were made over.
        after: the account with them.
        form: "cli" (a POSIX shell script of AWS CLI commands), "terraform" (HCL) or "diff" (a unified diff of the
            canonical documents, for `patch -p1`).
        note: one sentence for the head of the text, such as that the account is a demo; raw text.

    Returns:
        The text, ending with a line break. A diff of nothing is "".

    Raises:
        Problem: an unknown form, or (not for "diff") a document that is not JSON, or two documents for one name.
    """
    edits = net_edits(draft, before, after)
    if form == "diff":
        return document_diff(edits, before, after)
    if form not in FORMS:
        raise Problem(f"There is no export of the form {form}.", f"Choose one of {', '.join(FORMS)}.")
    check_edits(edits)
    if form == "cli":
        return cli_script(edits, draft, before, note)
    return terraform_configuration(edits, draft, before, note)
