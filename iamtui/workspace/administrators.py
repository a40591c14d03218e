"""Administrators: statements and policies that allow everything, who holds one, and what a boundary holds back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from iamtui.account.model import Account, Group, Role, User
from iamtui.catalog.escalation_paths import ESCALATION_PATHS
from iamtui.policy.document import PolicyDocument, Statement
from iamtui.policy.statement import ActionElement, action_name

_LEADING_ON: Final = tuple(map(action_name, {action: None for path in ESCALATION_PATHS for action, _ in path.steps}))
_MOST_BOUNDARIES: Final = 64


def allows_everything(statement: Statement) -> bool:
    whole = any(action in ("*", "*:*") for action in statement.actions or ())
    return whole and is_everywhere(statement)


def is_everywhere(statement: Statement) -> bool:
    return statement.resources is not None and "*" in statement.resources and not statement.conditions


def left_by_boundary(account: Account, holder: User | Role) -> str | None:
    """What a user or role that may do everything needs besides in spite of its boundary; None: it is held back."""
    document = account.document(holder.boundary_arn) if holder.boundary_arn is not None else None
    if document is None or document.error is not None or is_full_access(document):
        return ""
    return None if _holds_back(document) else "a way on within its permissions boundary"


def _holds_back(boundary: PolicyDocument) -> bool:
    """Whether nothing within a boundary leads to somebody else's permissions."""
    for one in boundary.policy.statements:
        about = ActionElement(one.actions or one.not_actions or (), negated=one.not_actions is not None)
        if one.effect == "Allow" and any(map(about.matches, _LEADING_ON)):
            return False
    return True


def boundaries_of_new(account: Account, statements: Iterable[Statement]) -> tuple[tuple[str, ...], ...]:
    """Boundaries that hold a new user or role back from nothing, that without one first; () where none matters.

    Args:
        statements: in the conditions of which they may matter.
    """
    lines = [line for one in statements for line in one.conditions if line.key.lower() == "iam:permissionsboundary"]
    named = dict.fromkeys(value for line in lines for value in line.values)
    if not lines or len(named) > _MOST_BOUNDARIES:
        return ()
    found: list[tuple[str, ...]] = [(), (f"arn:{account.partition}:iam::aws:policy/AdministratorAccess",)]
    for value in named:
        document = account.document(value)
        if document is None or document.error is not None or not _holds_back(document):
            found.append((value.replace("*", "x").replace("?", "x"),))
    return tuple(found)


def strong_holders(account: Account) -> frozenset[str]:
    """The ARNs of the users, groups and roles with a policy that allows everything, or in a group with one."""
    seen: dict[PolicyDocument, bool] = {}

    def strong(holder: User | Role | Group) -> bool:
        for document in _documents_of(account, holder):
            if document not in seen:
                seen[document] = is_full_access(document)
            if seen[document]:
                return True
        return False

    groups = {group.name: group.arn for group in account.groups if strong(group)}
    own = {entity.arn for entity in account.principals if strong(entity)}
    return frozenset((*own, *groups.values(), *(user.arn for name in groups for user in account.members(name))))


def _documents_of(account: Account, holder: User | Role | Group) -> Iterator[PolicyDocument]:
    yield from (inline.document for inline in holder.inline_policies)
    yield from filter(None, (account.document(attached.arn) for attached in holder.attached_policies))


def is_full_access(document: PolicyDocument) -> bool:
    return document.error is None and any(
        statement.effect == "Allow" and allows_everything(statement) for statement in document.policy.statements
    )
