"""Draft of SCPs and RCPs for all accounts of an organization: attached at a root, unit or account, or taken away."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from iamtui.account.model import Account, Missing
from iamtui.drafts.draft import Draft
from iamtui.drafts.draft_file import MARK
from iamtui.drafts.edits.organization import DetachOrganizationPolicy, PutOrganizationPolicy
from iamtui.drafts.words import RCP, SCP
from iamtui.policy.document import DocumentError, PolicyDocument, load_json
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.workspace.draft_session import parse_draft

_LARGEST = 1024 * 1024
_NAME = "the draft"


class OrganizationDraft(Struct, frozen=True):
    """Edits of SCPs and RCPs, or one document and where it would be attached.

    Args:
        edits: at levels that they name by their ids.
        document: the text of an SCP or RCP; "" where there are edits.
        kind: which of them it is.
        level: the id or name of a root, unit or account that it would be attached to; "" is each root.
    """

    edits: tuple[PutOrganizationPolicy | DetachOrganizationPolicy, ...] = ()
    document: str = ""
    kind: str = SCP
    level: str = ""

    def for_account(self, account: Account) -> Draft | str:
        """The draft of one account, or why there is none, a sentence; "" where its policies stay as they are."""
        if isinstance(account.organization, Missing):
            return "What the draft does is not known: its place in the organization is not loaded"
        path = account.organization_levels
        if self.document:
            named = [level for level in path if self.level in (level.id, level.name)] if self.level else path[:1]
            return _draft(account, [PutOrganizationPolicy(self.kind, one.id, _NAME, self.document) for one in named])
        ids = {level.id for level in path}
        return _draft(account, [edit for edit in self.edits if edit.level_id in ids])


def _draft(account: Account, edits: Sequence[PutOrganizationPolicy | DetachOrganizationPolicy]) -> Draft | str:
    return Draft(account.id, _NAME, tuple(edits)) if edits else ""


def read_organization_draft(text: str, shown: str, level: str = "") -> OrganizationDraft:
    """The draft in a text: a draft of iamtui, or the document of an SCP or RCP.

    Args:
        shown: what a sentence calls the file.
        level: where a document would be attached.

    Raises:
        Problem: it is neither, or has edits of anything but SCPs and RCPs.
    """
    try:
        value = load_json(text, max_characters=_LARGEST)
    except DocumentError as error:
        raise Problem(f"The draft {safe_text(shown)} cannot be read: {error}", "Correct the file.") from None
    if isinstance(value, dict) and MARK in value:
        if level:
            raise Problem("--at applies only to a document: a draft says itself where.", "Leave it out.")
        draft = parse_draft(text, shown)
        edits = [one for one in draft.edits if isinstance(one, PutOrganizationPolicy | DetachOrganizationPolicy)]
        if len(edits) < len(draft.edits):
            raise Problem(
                f"The draft {safe_text(shown)} has edits of one account, and not of SCPs and RCPs alone.",
                "Ask them of that account: `iamtui impact`.",
            )
        if not edits:
            raise Problem(f"The draft {safe_text(shown)} is empty.", "Add an edit: `iamtui draft edit`.")
        return OrganizationDraft(tuple(edits))
    document = PolicyDocument(text)
    if document.error is not None:
        raise Problem(f"The policy document {safe_text(shown)} cannot be read: {document.error}", "See `iamtui lint`.")
    names = any(one.principals is not None or one.not_principals is not None for one in document.policy.statements)
    return OrganizationDraft(document=text, kind=RCP if names else SCP, level=level)
