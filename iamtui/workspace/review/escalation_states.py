"""The states of an account that an escalation passes through, and the permissions of everybody in each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import Enum, auto
from functools import cached_property
from typing import Final, TypeAlias, TypeVar

from iamtui.account.model import Account, Group, InlinePolicy, Known, ManagedPolicy, Role, User
from iamtui.catalog.escalation_paths import EscalationPath, Gain, On
from iamtui.engine.request import NamedPolicy, PolicyInForce
from iamtui.policy.document import PolicyDocument
from iamtui.questions.account_index import derive_index
from iamtui.questions.policies_in_force import identity_policies
from iamtui.workspace.review.escalation_rights import PolicyNames, Rights
from iamtui.workspace.review.escalation_steps import (
    GIVEN,
    Entity,
    denies_something,
    group_leads_on,
    is_full_access,
    strong_holders,
)
from iamtui.workspace.source.workspace import Workspace


class State(Enum):
    """A user or role as an escalation leaves it."""

    __hash__ = object.__hash__  # that of Enum is a call, for each of a million keys
    AS_IS = auto()
    GRANTED = auto()
    """With a policy that allows everything."""
    FREED = auto()
    """Without its boundary."""
    UNLIMITED = auto()
    """With that policy, without that boundary."""
    JOINED = auto()
    """In the groups that somebody can put it in, whose rights fall short of everything but lead on."""
    JOINED_FREED = auto()
    """In those groups, without its boundary."""


AFTER: Final = {
    (State.AS_IS, Gain.ANYTHING): State.GRANTED,
    (State.AS_IS, Gain.FREEDOM): State.FREED,
    (State.AS_IS, Gain.GROUP): State.JOINED,
    (State.GRANTED, Gain.FREEDOM): State.UNLIMITED,
    (State.FREED, Gain.ANYTHING): State.UNLIMITED,
    (State.JOINED, Gain.ANYTHING): State.GRANTED,
    (State.JOINED, Gain.FREEDOM): State.FREED,
}

_Entity = TypeVar("_Entity", User, Role)
_FREE: Final = (State.FREED, State.UNLIMITED, State.JOINED_FREED)

_EVERYTHING: Final = PolicyDocument.of(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


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

    def forget(self) -> None:
        """Free what was kept."""
        for rights in self._rights.values():
            rights.forget()

    def rights(self, state: State) -> Rights:
        found = self._rights.get(state)
        if found is None:
            strong = None if state in (State.GRANTED, State.UNLIMITED) else self.strong
            base = None if state is State.AS_IS else self.rights(State.AS_IS)
            found = self._rights[state] = Rights(self.workspace, self._changed(state), self.names, strong, base)
        return found

    def _changed(self, state: State) -> Account:
        """The account in a state, with its index made from that of the account as it is."""
        account = self.account
        if state is State.AS_IS:
            return account

        def without_boundary(entity: _Entity) -> _Entity:
            unread = tuple(one for one in entity.unread if one.part != "permissions boundary")
            return replace(entity, boundary_arn=None, unread=unread)

        users, roles = account.users, account.roles
        policies: list[PolicyInForce] = []
        if state in (State.JOINED, State.JOINED_FREED):
            names = tuple(group.name for group in self.groups_leading_on)
            # Of most users they are the same, and many.
            groups = {every: tuple(dict.fromkeys((*every, *names))) for every in {user.groups for user in users}}
            users = tuple(replace(user, groups=groups[user.groups]) for user in users)
            for group in self.groups_leading_on:
                policies += identity_policies(account, group)
            who = (1 << len(users)) - 1
            if state is State.JOINED_FREED:
                users, roles = tuple(map(without_boundary, users)), tuple(map(without_boundary, roles))
        else:
            changes: dict[str, object] = {}
            who = 0
            if state is not State.FREED:
                who = (1 << len(users) + len(roles)) - 1
                policies.append(NamedPolicy(GIVEN, _EVERYTHING))
            free = state is not State.GRANTED

            def changed(entity: _Entity) -> _Entity:
                if who:
                    changes["inline_policies"] = (*entity.inline_policies, InlinePolicy(GIVEN, _EVERYTHING))
                made = replace(entity, **changes)  # type: ignore[arg-type]
                return without_boundary(made) if free else made

            users, roles = tuple(map(changed, users)), tuple(map(changed, roles))
        made = replace(account, users=users, roles=roles)
        derive_index(made, account, policies, who, without_boundaries=state in _FREE)
        return made

    def is_administrator(self, state: State, entity: Entity) -> bool:
        """True if a user or role may do everything in a state."""
        rights = self.rights(state)
        return bool(rights.administrators & rights.bit(entity.arn))

    @cached_property
    def groups_without_deny(self) -> tuple[Group, ...]:
        return tuple(group for group in self.account.groups if not denies_something(self.account, group))

    @cached_property
    def groups_leading_on(self) -> tuple[Group, ...]:
        """The groups that allow what may lead on, but not everything, and deny nothing."""
        weak = (group for group in self.groups_without_deny if group.arn not in self.strong)
        return tuple(group for group in weak if group_leads_on(self.account, group))


# Targets of a path in an account.


_MOST_VERSIONS: Final = 5
"""IAM User Guide: IAM and AWS STS quotas, versions of a managed policy."""
_MOST_KEYS: Final = 2
_PROFILE: Final = "an instance profile with the role"

Targets: TypeAlias = dict[On, str]


def targets_of(states: AccountStates, subject: Entity, path: EscalationPath) -> Iterator[Targets]:
    """Resources of a user's or role's own that a change can be about."""
    account = states.account
    on = path.steps[-1][1]
    if on is On.SELF:
        if ("User" in path.steps[0][0]) is isinstance(subject, User) and not is_untouchable(subject):
            yield {On.SELF: subject.arn}
    elif on is On.OWN_POLICY:
        for policy in own_policies(account, subject):
            if _is_written(policy, path):
                yield {on: policy.arn}
    elif on is On.OLDER_VERSION:
        for policy in filter(_allowed_everything, own_policies(account, subject)):
            yield {on: policy.arn}
    elif on in (On.BOUNDARY, On.OLDER_BOUNDARY):
        boundary = account.policy(subject.boundary_arn or "")
        if boundary is None or boundary.aws_managed:
            return
        if _is_written(boundary, path) if on is On.BOUNDARY else _allowed_everything(boundary):
            yield {on: boundary.arn}
    elif isinstance(subject, User):
        yield from _groups_of(states, subject, path)


def _groups_of(states: AccountStates, user: User, path: EscalationPath) -> Iterator[Targets]:
    """The groups that a change of a user can be about."""
    if On.OWN_GROUP in {on for _, on in path.steps}:
        groups = filter(None, map(states.account.group, user.groups))
        yield from ({On.OWN_GROUP: group.arn} for group in groups)
    elif path.gain is Gain.GROUP:
        if any(group.name not in user.groups for group in states.groups_leading_on):
            yield {}
    else:
        yield from (targets for name, targets in groups_to_join(states, path) if name not in user.groups)


def puts_into_group(path: EscalationPath) -> bool:
    """True if a change puts a user into one group, whoever that is."""
    return path.gain is Gain.ANYTHING and any(action == "iam:AddUserToGroup" for action, _ in path.steps)


def groups_to_join(states: AccountStates, path: EscalationPath) -> Iterator[tuple[str, Targets]]:
    """The groups that whoever is not in them can be put into by a change, by name."""
    account = states.account
    kinds = {on for _, on in path.steps}
    if On.NEW_GROUP in kinds:
        yield from (("", {On.NEW_GROUP: arn}) for arn in states.names.groups)
    elif On.STRONG_GROUP in kinds:
        groups = (group for group in account.groups if group.arn in states.strong)
        yield from ((group.name, {On.STRONG_GROUP: group.arn}) for group in groups)
    elif On.OTHER_GROUP in kinds:
        for group in states.groups_without_deny:
            if On.GROUP_POLICY in kinds:
                for policy in policies_of(account, group):
                    if _is_written(policy, path):
                        yield group.name, {On.OTHER_GROUP: group.arn, On.GROUP_POLICY: policy.arn}
            else:
                yield group.name, {On.OTHER_GROUP: group.arn}


def _is_written(policy: ManagedPolicy, path: EscalationPath) -> bool:
    """True if a path can write a version of a policy: it deletes one first if, and only if, there is no room."""
    deletes = any(action == "iam:DeletePolicyVersion" for action, _ in path.steps)
    return deletes is (len(policy.versions) >= _MOST_VERSIONS)


def _allowed_everything(policy: ManagedPolicy) -> bool:
    """True if an older version of a policy allows everything."""
    return any(not one.is_default and is_full_access(one.document) for one in policy.versions)


def what_is_needed(account: Account, path: EscalationPath, target: Entity) -> str | None:
    """Needs of a path besides its permissions, to gain those of a target; None: it cannot work."""
    if isinstance(target, User):
        return _needed_of_user(path, target)
    if is_untouchable(target) and path.id == "iam-012":
        return None
    has_profile = path.makes or any(target.name in one.roles for one in account.instance_profiles)
    if path.service == "ec2.amazonaws.com" and not has_profile:
        if account.why_unlisted("instance profiles") is None:
            return None
        return "; ".join(filter(None, (_PROFILE, path.existing)))
    return path.existing


def _needed_of_user(path: EscalationPath, user: User) -> str | None:
    keys = len(user.access_keys.value_or(()))
    if path.id == "iam-002":
        return None if keys >= _MOST_KEYS else "" if isinstance(user.access_keys, Known) else "fewer than two keys"
    if path.id == "iam-003":
        return "" if keys >= _MOST_KEYS or not isinstance(user.access_keys, Known) else None
    if not isinstance(user.login_profile, Known):
        return "a console password" if path.id == "iam-006" else "no console password"
    has_password = user.login_profile.value is not None
    if path.id == "iam-006" and has_password:
        return "" if user.mfa_devices == Known(()) else "the user's MFA device, or none"
    return "" if path.id == "iam-004" and not has_password else None


def is_untouchable(entity: Entity) -> bool:
    """True if only AWS can edit it (IAM User Guide: service-linked roles; Identity Center: reserved roles)."""
    return isinstance(entity, Role) and (entity.service_linked or entity.sso_reserved)


def own_policies(account: Account, holder: Entity) -> Iterator[ManagedPolicy]:
    """The customer managed policies of a principal, those of its groups too."""
    yield from policies_of(account, holder)
    if isinstance(holder, User):
        for name in holder.groups:
            group = account.group(name)
            if group is not None:
                yield from policies_of(account, group)


def policies_of(account: Account, holder: Entity | Group) -> Iterator[ManagedPolicy]:
    """The customer managed policies that one holder has."""
    for attached in holder.attached_policies:
        policy = account.policy(attached.arn)
        if policy is not None and not policy.aws_managed:
            yield policy
