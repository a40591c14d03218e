"""What the exports have in common: their heads, and which account's credentials a call needs."""

from __future__ import annotations

from collections.abc import Iterator

from iamtui.account.availability import Missing
from iamtui.account.drafts.draft import Draft
from iamtui.account.model import Account
from iamtui.text import safe_text


def header(what: str, draft: Draft, before: Account, note: str) -> Iterator[str]:
    """The first lines of an export, safe to stand in a comment."""
    alias = "" if isinstance(before.alias, Missing) or not before.alias.value else f" ({before.alias.value})"
    name = f"the draft {draft.name}" if draft.name else "a draft without a name"
    yield safe_text(f"{what} for account {before.id}{alias},")
    yield safe_text(f"written by iamtui from {name}.")
    if note:
        yield safe_text(note)


def organization_account(account: Account) -> str:
    """The id of the organization's management account, or "" when it is not known."""
    fact = account.organization
    return "" if isinstance(fact, Missing) or fact.value is None else fact.value.management_account
