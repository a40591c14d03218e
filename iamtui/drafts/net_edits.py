"""What is left of a draft's edits when each subject is taken once: the last edit of it, unless it changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from iamtui.account.model import Account
from iamtui.drafts.edits import Draft, Edit
from iamtui.drafts.edits.base import Standing, brought_document
from iamtui.problem import Problem
from iamtui.text import safe_text


def net_edits(draft: Draft, before: Account, after: Account) -> tuple[Edit, ...]:
    """The edits that together have the draft's effect on `before`, one for each subject, in the order of the draft.

    AWS managed policies that were given by name have their ARNs, as `after` has them.
    """
    last: dict[tuple[str, ...], Edit] = {}
    for edit in draft.edits:
        edit = edit.resolved(after)
        last.pop(edit.subject, None)
        last[edit.subject] = edit
    standing = Standing(before)
    return tuple(edit for edit in last.values() if not edit.changes_nothing(standing))


def check_edits(edits: Sequence[Edit]) -> None:
    """Refuse what AWS could not take, and what a script could not carry.

    Raises:
        Problem: a document that cannot be read, two documents for one SCP or RCP, an AWS managed policy edited, or a
            name or ARN with control or invisible characters, which AWS allows in none.
    """
    for edit in edits:
        _check_names(edit)
        document = brought_document(edit)
        if document is not None and document.error is not None:
            raise Problem(
                f"{edit.document_title} cannot be exported: {safe_text(document.error.sentence, limit=300)}",
                "Repair the document in the draft, or remove the edit, and export again.",
            )
        edit.check_exportable(edits)


def _check_names(edit: Edit) -> None:
    for name, value in structs.asdict(edit).items():
        if name != "document" and safe_text(value, limit=None) != value:
            raise Problem(
                f"{safe_text(value, limit=256)} cannot be exported: it holds control or invisible characters, which no "
                "name or ARN has.",
                "Remove the edit and make it again.",
            )
