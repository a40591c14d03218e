"""Two states of an account with the same users and roles in the same order, so that everybody is asked in both."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from iamtui.account.model import Account, InlinePolicy, Role, User
from iamtui.policy.document import PolicyDocument
from iamtui.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class AlignedStates:
    """Two states in which whoever is in one of them only stands in the other as somebody who may do nothing.

    Args:
        only_before, only_after: who really is in one of them only, by ARN.
    """

    before: Workspace
    after: Workspace
    only_before: Mapping[str, User | Role]
    only_after: Mapping[str, User | Role]

    @property
    def strangers(self) -> tuple[User | Role, ...]:
        """Who is in one of them only."""
        return (*self.only_before.values(), *self.only_after.values())


def aligned(before: Workspace, after: Workspace, left_out: Collection[str] = ()) -> AlignedStates:
    """Two states; where the same users and roles are in both, these themselves.

    Args:
        left_out: the ARNs of those who shall be in neither.
    """
    old, new = before.account, after.account
    if not left_out and old.users is new.users and old.roles is new.roles:
        return AlignedStates(before, after, {}, {})
    only_before, only_after = _only_in(old, new, left_out), _only_in(new, old, left_out)
    there: tuple[User | Role, ...] = (*old.users, *old.roles)
    order = [*(one for one in there if one.arn not in left_out), *only_after.values()]
    here: tuple[User | Role, ...] = (*new.users, *new.roles)
    if not left_out and not only_before and not only_after and [one.arn for one in here] == [one.arn for one in there]:
        return AlignedStates(before, after, {}, {})
    first, second = (one.with_account(_aligned(one.account, order)) for one in (before, after))
    return AlignedStates(first, second, only_before, only_after)


def _only_in(account: Account, other: Account, left_out: Collection[str]) -> dict[str, User | Role]:
    everyone: tuple[User | Role, ...] = (*account.users, *account.roles)
    return {
        entity.arn: entity
        for entity in everyone
        if entity.arn not in left_out and not isinstance(other.by_arn(entity.arn), type(entity))
    }


def _aligned(account: Account, order: list[User | Role]) -> Account:
    def found(entity: User | Role) -> User | Role:
        here = account.by_arn(entity.arn)
        return here if isinstance(here, type(entity)) else _nobody(account, entity)

    everyone = [found(entity) for entity in order]
    users = tuple(entity for entity in everyone if isinstance(entity, User))
    roles = tuple(entity for entity in everyone if isinstance(entity, Role))
    return replace(account, users=users, roles=roles)


_EMPTY: Final = PolicyDocument.of({"Version": "2012-10-17", "Statement": []})
_NOTHING: Final = PolicyDocument.of(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
)


def _nobody(account: Account, entity: User | Role) -> User | Role:
    """Somebody who may do nothing, whom no policy of a resource lets in, under a name that no other has."""
    taken = account.user(entity.name) if isinstance(entity, User) else account.role(entity.name)
    name, path, arn = entity.name if taken is None else entity.arn, entity.path, entity.arn
    if isinstance(entity, User):
        return User(name, path, arn, "", None, inline_policies=(InlinePolicy("no such user", _NOTHING),))
    return Role(name, path, arn, "", None, _EMPTY, inline_policies=(InlinePolicy("no such role", _NOTHING),))
