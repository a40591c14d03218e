"""The role ARNs that somebody who wants to assume a role may mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from iamtui.account.model import Account, Group, Role, User
from iamtui.policy.document import PolicyDocument

_ROLE_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\x21-\x7e]+")
_OPEN: Final = re.compile(r"[*?]|\$\{")
_ASSUMING: Final = frozenset(("*", "sts:*", "sts:assume*", "sts:assumerole", "sts:assumerole*"))
"""The ways in which policies write an action that covers sts:AssumeRole, in lower case."""


def role_arns(account: Account, recent: Iterable[str] = ()) -> Mapping[str, str]:
    """Every role ARN known here, with a word on where from, the likeliest first.

    These are recent ones, what policies of the account let somebody assume (IAM User Guide: Grant a user permissions
    to switch roles), and the account's own roles.

    Args:
        recent: ARNs that were used before, newest first.
    """
    known = dict.fromkeys(recent, "recent")
    for arn in named_in_policies(account):
        if account.by_arn(arn) is None:
            known.setdefault(arn, "named in a policy")
    for role in account.roles:
        if not role.service_linked:
            known.setdefault(role.arn, "role")
    return known


def named_in_policies(account: Account) -> tuple[str, ...]:
    """The roles that statements of the account's identity policies allow to assume by their whole ARN, each once."""
    found = {
        resource
        for document in _identity_documents(account)
        if document.error is None
        for statement in document.policy.statements
        if statement.effect == "Allow" and any(action.lower() in _ASSUMING for action in statement.actions or ())
        for resource in statement.resources or ()
        if _ROLE_ARN.fullmatch(resource) and not _OPEN.search(resource)
    }
    return tuple(sorted(found))


def _identity_documents(account: Account) -> Iterator[PolicyDocument]:
    holders: tuple[User | Group | Role, ...] = (*account.users, *account.groups, *account.roles)
    for holder in holders:
        for inline in holder.inline_policies:
            yield inline.document
    for policy in account.policies:
        version = policy.default_version
        if version is not None:
            yield version.document
