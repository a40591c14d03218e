"""Drafts applied to accounts that know no AWS managed policies but their own."""

from __future__ import annotations

from iamtui.account.model import Account, ManagedPolicy
from iamtui.drafts import draft as drafts
from iamtui.drafts.draft import AppliedDraft, Draft
from iamtui.drafts.ledger import Managed


def _none_managed(_name: str) -> ManagedPolicy | None:
    return None


def apply_draft(account: Account, draft: Draft, managed: Managed = _none_managed) -> AppliedDraft:
    return drafts.apply_draft(account, draft, managed)


def account_after(account: Account, draft: Draft, managed: Managed = _none_managed) -> Account:
    """The account as the draft would make it; raises the first problem of an edit that does not fit."""
    laid = apply_draft(account, draft, managed)
    if laid.problems:
        raise laid.problems[0]
    return laid.account
