"""Administrators: statements and policies that allow everything, who holds one, and what a boundary holds back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from iamtui.account.model import Account, Group, Role, User
from iamtui.catalog.escalation_paths import ESCALATING_ACTIONS
from iamtui.policy.document import PolicyDocument, Statement
from iamtui.policy.statement import ActionElement, ActionName, action_name

_LEADING_ON: Final = tuple(map(action_name, ESCALATING_ACTIONS))
MOST_BOUNDARIES: Final = 64
"""Boundaries named in conditions that a new user or role is tried with."""


def allows_everything(statement: Statement) -> bool:
    whole = any(action in ("*", "*:*") for action in statement.actions or ())
    return whole and is_everywhere(statement)


def is_everywhere(statement: Statement) -> bool:
    return statement.resources is not None and "*" in statement.resources and not statement.conditions


def is_held_back(account: Account, holder: User | Role) -> bool:
    """True where the boundary of a user or role is known, and denies something."""
    document = account.document(holder.boundary_arn) if holder.boundary_arn is not None else None
    return document is not None and document.error is None and not allows_all(document)


def leads_on(document: PolicyDocument) -> bool:
    """True where a policy allows something that may lead to somebody else's permissions."""
    statements = (one for one in document.policy.statements if one.effect == "Allow")
    return any(is_about(one, *_LEADING_ON) for one in statements)


def is_about(statement: Statement, *actions: ActionName) -> bool:
    """True where a statement is about any of some actions."""
    negated = statement.not_actions is not None
    return any(map(ActionElement(statement.actions or statement.not_actions or (), negated=negated).matches, actions))


def denies_something(account: Account, group: Group) -> bool:
    """True where a policy of a group denies anything, or is unknown."""
    documents = [
        *(inline.document for inline in group.inline_policies),
        *(account.document(attached.arn) for attached in group.attached_policies),
    ]
    return bool(group.unread) or any(one is None or one.error is not None or denies(one) for one in documents)


def denies(document: PolicyDocument) -> bool:
    return any(one.effect != "Allow" for one in document.policy.statements)


def group_leads_on(account: Account, group: Group) -> bool:
    """True where a policy of a group allows something that may lead to somebody else's permissions."""
    return any(one.error is None and leads_on(one) for one in documents_of(account, group))


def named_boundaries(statements: Iterable[Statement]) -> tuple[str, ...] | None:
    """The permissions boundaries that the conditions of some statements name; None where they ask for none."""
    lines = [line for one in statements for line in one.conditions if line.key.lower() == "iam:permissionsboundary"]
    return tuple(dict.fromkeys(value for line in lines for value in line.values)) if lines else None


def boundaries_of_new(account: Account, named: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Boundaries that do not hold a new user or role back from all, that without one first.

    Args:
        named: those that conditions name.
    """
    found: list[tuple[str, ...]] = [(), (f"arn:{account.partition}:iam::aws:policy/AdministratorAccess",)]
    for value in named[:MOST_BOUNDARIES]:
        document = account.document(value)
        if document is None or document.error is not None or leads_on(document):
            found.append((value.replace("*", "x").replace("?", "x"),))
    return tuple(found)


def strong_holders(account: Account) -> frozenset[str]:
    """The ARNs of the users, groups and roles with a policy that allows everything, or in a group with one."""
    seen: dict[PolicyDocument, bool] = {}

    def strong(holder: User | Role | Group) -> bool:
        for document in documents_of(account, holder):
            if document not in seen:
                seen[document] = is_full_access(document)
            if seen[document]:
                return True
        return False

    groups = {group.name: group.arn for group in account.groups if strong(group)}
    own = {entity.arn for entity in account.principals if strong(entity)}
    return frozenset((*own, *groups.values(), *(user.arn for name in groups for user in account.members(name))))


def documents_of(account: Account, holder: User | Role | Group) -> Iterator[PolicyDocument]:
    yield from (inline.document for inline in holder.inline_policies)
    yield from filter(None, (account.document(attached.arn) for attached in holder.attached_policies))


def is_full_access(document: PolicyDocument) -> bool:
    return document.error is None and any(
        statement.effect == "Allow" and allows_everything(statement) for statement in document.policy.statements
    )


def allows_all(document: PolicyDocument) -> bool:
    """True where a policy allows everything and denies nothing."""
    return is_full_access(document) and not denies(document)
