"""The states of an account that an escalation passes through, and the permissions of everybody in each of them."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto
from functools import cached_property
from typing import Final

from iamtui.account.model import Account, Group, InlinePolicy
from iamtui.catalog.escalation_paths import Gain
from iamtui.policy.document import PolicyDocument
from iamtui.workspace.administrators import denies_something, group_leads_on, strong_holders
from iamtui.workspace.escalation_names import PolicyNames
from iamtui.workspace.escalation_rights import Rights
from iamtui.workspace.escalation_steps import GIVEN, Entity
from iamtui.workspace.workspace import Workspace


class State(Enum):
    """A user or role as an escalation leaves it."""

    AS_IS = auto()
    GRANTED = auto()
    """With a policy that allows everything."""
    FREED = auto()
    """Without its boundary."""
    UNLIMITED = auto()
    """With that policy, without that boundary."""
    JOINED = auto()
    """In the groups that somebody can put it in, whose rights fall short of everything but lead on."""


AFTER: Final = {
    (State.AS_IS, Gain.ANYTHING): State.GRANTED,
    (State.AS_IS, Gain.FREEDOM): State.FREED,
    (State.AS_IS, Gain.GROUP): State.JOINED,
    (State.GRANTED, Gain.FREEDOM): State.UNLIMITED,
    (State.FREED, Gain.ANYTHING): State.UNLIMITED,
    (State.JOINED, Gain.ANYTHING): State.GRANTED,
    (State.JOINED, Gain.FREEDOM): State.FREED,
}


class AccountStates:
    """An account in each of these states.

    Args:
        strong: the ARNs of the users, groups and roles with a policy that allows everything.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.account = workspace.account
        self.names = PolicyNames(self.account, workspace.source.region)
        self.strong = strong_holders(self.account)
        self._rights: dict[State, Rights] = {}
        self._administrators: dict[tuple[State, str], bool] = {}

    def forget(self) -> None:
        """Free what was kept."""
        for rights in self._rights.values():
            rights.forget()

    def rights(self, state: State) -> Rights:
        found = self._rights.get(state)
        if found is None:
            found = self._rights[state] = Rights(
                self.workspace, self._changed(state), self.names, may_all=state in (State.GRANTED, State.UNLIMITED)
            )
        return found

    def _changed(self, state: State) -> Account:
        account = self.account
        if state is State.AS_IS:
            return account
        if state is State.JOINED:
            names = tuple(group.name for group in self.groups_leading_on)
            joined = (replace(user, groups=tuple(dict.fromkeys((*user.groups, *names)))) for user in account.users)
            return replace(account, users=tuple(joined))
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        given = InlinePolicy(GIVEN, PolicyDocument.of({"Version": "2012-10-17", "Statement": [everything]}))
        changes: dict[str, object] = {}

        def changed(entity: Entity) -> Entity:
            if state is not State.FREED:
                changes["inline_policies"] = (*entity.inline_policies, given)
            if state is not State.GRANTED:
                changes["boundary_arn"] = None
            return replace(entity, **changes)  # type: ignore[arg-type]

        users, roles = tuple(map(changed, account.users)), tuple(map(changed, account.roles))
        return replace(account, users=users, roles=roles)  # type: ignore[arg-type]

    def is_administrator(self, state: State, entity: Entity) -> bool:
        """Whether a user or role may do everything in a state."""
        key = (state, entity.arn)
        found = self._administrators.get(key)
        if found is None:
            gains = state in (State.GRANTED, State.UNLIMITED) or (state is State.FREED and entity.arn in self.strong)
            found = self._administrators[key] = gains and self.rights(state).is_administrator(entity)
        return found

    @cached_property
    def groups_without_deny(self) -> tuple[Group, ...]:
        return tuple(group for group in self.account.groups if not denies_something(self.account, group))

    @cached_property
    def groups_leading_on(self) -> tuple[Group, ...]:
        """The groups that allow what may lead on, but not everything, and deny nothing."""
        weak = (group for group in self.groups_without_deny if group.arn not in self.strong)
        return tuple(group for group in weak if group_leads_on(self.account, group))
