"""What the detail pane says of an entity: its policies from every way, who holds it, and what is unknown. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

from iamtui.account.availability import Fact, Missing
from iamtui.account.model import Account, AttachedPolicy, Entity, Group, InlinePolicy, ManagedPolicy, Role, User
from iamtui.policy.document import PolicyDocument

T = TypeVar("T")

ADMINISTRATOR_POLICY: Final = "AdministratorAccess"


class PolicyWay(StrEnum):
    """How a policy comes to apply to its holder."""

    MANAGED = "managed"
    INLINE = "inline"
    GROUP = "group"
    GROUP_INLINE = "group inline"
    BOUNDARY = "boundary"


@dataclass(frozen=True, slots=True)
class HeldPolicy:
    """One policy of a user, group or role.

    Args:
        name: policy name.
        arn: of a managed policy, else "".
        group: the group it comes through, or "".
        document: the version in force, or None when it was not loaded.
        missing: why there is no document ("" when there is one).
    """

    way: PolicyWay
    name: str
    arn: str = ""
    group: str = ""
    document: PolicyDocument | None = None
    missing: str = ""


def held_policies(account: Account, holder: User | Group | Role) -> tuple[HeldPolicy, ...]:
    """Every policy that takes part when this holder acts: managed, inline, through groups, boundary."""
    held = _own(account, holder, PolicyWay.MANAGED, PolicyWay.INLINE, "")
    if isinstance(holder, User):
        for name in holder.groups:
            group = account.group(name)
            if group is None:
                missing = "the group was not loaded (iam:GetGroup)"
                held.append(HeldPolicy(PolicyWay.GROUP, "policies unknown", group=name, missing=missing))
            else:
                held.extend(_own(account, group, PolicyWay.GROUP, PolicyWay.GROUP_INLINE, name))
    if not isinstance(holder, Group) and holder.boundary_arn:
        attached = AttachedPolicy(holder.boundary_arn.rsplit("/", 1)[-1], holder.boundary_arn)
        held.append(_managed(account, attached, PolicyWay.BOUNDARY, ""))
    return tuple(held)


def _own(
    account: Account, holder: User | Group | Role, managed: PolicyWay, inline: PolicyWay, group: str
) -> list[HeldPolicy]:
    own = [_managed(account, attached, managed, group) for attached in holder.attached_policies]
    own.extend(_inline(policy, inline, group) for policy in holder.inline_policies)
    return own


def _managed(account: Account, attached: AttachedPolicy, way: PolicyWay, group: str) -> HeldPolicy:
    policy = account.policy(attached.arn)
    version = policy.default_version if policy is not None else None
    if version is None:
        return HeldPolicy(way, attached.name, attached.arn, group, None, "not loaded (iam:GetPolicyVersion)")
    return HeldPolicy(way, attached.name, attached.arn, group, version.document)


def _inline(policy: InlinePolicy, way: PolicyWay, group: str) -> HeldPolicy:
    return HeldPolicy(way, policy.name, "", group, policy.document)


def policy_count(account: Account, holder: User | Group | Role) -> int:
    """How many policies grant to a holder, boundary not counted."""
    count = len(holder.attached_policies) + len(holder.inline_policies)
    if isinstance(holder, User):
        for name in holder.groups:
            group = account.group(name)
            if group is not None:
                count += len(group.attached_policies) + len(group.inline_policies)
    return count


def administrator_through(account: Account, holder: User | Group | Role) -> str:
    """How AdministratorAccess is attached: "directly", "through group NAME", or "" when it is not.

    A flag for the eye, nothing more: a Deny, boundary or SCP may still stand in the way, and other policies
    may grant as much.
    """
    if _has_administrator(holder):
        return "directly"
    if isinstance(holder, User):
        for name in holder.groups:
            group = account.group(name)
            if group is not None and _has_administrator(group):
                return f"through group {name}"
    return ""


def _has_administrator(holder: User | Group | Role) -> bool:
    return any(
        attached.name == ADMINISTRATOR_POLICY and attached.arn.endswith(":aws:policy/AdministratorAccess")
        for attached in holder.attached_policies
    )


@dataclass(frozen=True, slots=True)
class LastUse:
    """When something was last used; `at_least` says that a later use may be hidden in what was not loaded."""

    moment: datetime | None
    at_least: bool = False


def last_used(entity: Entity) -> LastUse | Missing:
    """When a user (password or any access key) or role was last used; Missing where the source does not say."""
    if isinstance(entity, Role):
        return entity.last_used if isinstance(entity.last_used, Missing) else LastUse(entity.last_used.value)
    if not isinstance(entity, User):
        return Missing("IAM keeps no last use of this")
    moments: list[datetime] = []
    lacking: Missing | None = None
    if isinstance(entity.password_last_used, Missing):
        lacking = entity.password_last_used
    elif entity.password_last_used.value is not None:
        moments.append(entity.password_last_used.value)
    if isinstance(entity.access_keys, Missing):
        lacking = entity.access_keys
    else:
        moments.extend(key.last_used for key in entity.access_keys.value if key.last_used is not None)
    if lacking is not None and not moments:
        return lacking
    return LastUse(max(moments, default=None), at_least=lacking is not None)


def unknown(missing: Missing) -> str:
    """A missing fact in words: `unknown (not loaded; needs iam:ListRoles)`."""
    needs = f"; needs {missing.permission}" if missing.permission else ""
    return f"unknown ({missing.reason}{needs})"


def fact_text(fact: Fact[T], words: Callable[[T], str]) -> str:
    """A fact in words, or why it is unknown."""
    return unknown(fact) if isinstance(fact, Missing) else words(fact.value)


def attachments(account: Account, policy: ManagedPolicy) -> int | None:
    """How many holders a policy has: as the source counts, else as seen in the account."""
    if not isinstance(policy.attachment_count, Missing):
        return policy.attachment_count.value
    return len(account.holders(policy.arn))
