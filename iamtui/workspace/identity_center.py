"""The people behind roles of IAM Identity Center, as far as they are known, and in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from iamtui.account.identity_center import BehindRole, permission_set_name
from iamtui.account.model import Account, Fact, Known, Missing, Role
from iamtui.workspace.workspace import SourceKind, Workspace

DESCRIBES_SETS: Final = "sso:DescribePermissionSet"
"""What names a permission set."""

_MOST_NAMED: Final = 3
"""People who are named in a line."""

_LONGEST_NAME: Final = 100
"""Characters of a name in a line: it is said again for each role of the permission set."""


def lacks_people(workspace: Workspace) -> bool:
    """Whether the source can be asked who is behind the account's roles of IAM Identity Center."""
    account = workspace.account
    can_ask = workspace.connection is not None and workspace.source.kind is not SourceKind.DEMO
    return can_ask and isinstance(account.identity_center, Missing) and any(one.sso_reserved for one in account.roles)


def behind_role(account: Account, role: Role) -> Fact[BehindRole] | None:
    """Who can sign in to a role of IAM Identity Center; None for another role."""
    if not role.sso_reserved:
        return None
    center = account.identity_center
    if isinstance(center, Missing):
        return center
    found = center.value.behind(role.name)
    if found is None and DESCRIBES_SETS in center.value.unread:
        return Missing("not loaded", DESCRIBES_SETS)
    name = permission_set_name(role.name) or role.name
    return Known(found) if found is not None else Missing(f"{name} is not among the permission sets of the account")


def known_behind(workspace: Workspace, arn: str) -> BehindRole | None:
    """Who can sign in to a role of the accounts that are open, where that is known."""
    for account in workspace.accounts:
        role = account.by_arn(arn)
        if isinstance(role, Role):
            found = behind_role(account, role)
            return found.value if isinstance(found, Known) else None
    return None


def people_behind(workspace: Workspace, arn: str) -> str:
    """The first of those who can sign in to a role, by name, where that is known; else ""; raw text."""
    found = known_behind(workspace, arn)
    return people_words(found) if found is not None else ""


def people_words(behind: BehindRole, most: int = _MOST_NAMED) -> str:
    """Who can sign in, as many of them by name as `most`; raw text."""
    words = first_words([one.person.words for one in behind.people[:most]], len(behind.people))
    unknown = first_words(behind.unknown[:_MOST_NAMED], len(behind.unknown), " and ")
    return "; ".join(filter(None, (words, unknown and f"not known: {unknown}"))) or "nobody"


def first_words(first: Sequence[str], count: int, separator: str = ", ") -> str:
    """The first of `count` names in a line, each as far as there is room, and how many more there are; raw text."""
    left = count - len(first)
    names = (name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in first)
    return separator.join(names) + (f" and {left:,} more" if left > 0 else "")
