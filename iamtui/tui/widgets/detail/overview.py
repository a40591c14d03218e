"""The Overview tab: the facts of each kind of entity, in rows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from iamtui.account.availability import Fact, Missing
from iamtui.account.model import (
    AccessKey,
    Account,
    Entity,
    Group,
    IdentityProvider,
    InstanceProfile,
    LoginProfile,
    ManagedPolicy,
    MfaDevice,
    Role,
    Tags,
    User,
)
from iamtui.tui import clock
from iamtui.tui.holdings import administrator_through, fact_text, policy_count, unknown
from iamtui.tui.widgets.detail.rows import BLANK, Row, heading


def overview(account: Account, entity: Entity) -> list[Row]:
    """Everything about an entity that has no tab of its own."""
    if isinstance(entity, User):
        return _user(account, entity)
    if isinstance(entity, Group):
        return _group(account, entity)
    if isinstance(entity, Role):
        return _role(account, entity)
    if isinstance(entity, ManagedPolicy):
        return _policy(account, entity)
    if isinstance(entity, InstanceProfile):
        return _instance_profile(account, entity)
    return _provider(entity)


def moment_row(label: str, moment: datetime | None, none: str = "unknown") -> Row:
    """A time with its age, or the word for no time."""
    if moment is None:
        return Row(label, none, "muted")
    return Row(label, clock.stamp(moment), note=clock.ago(moment))


def _moment_fact(label: str, fact: Fact[datetime | None], none: str) -> Row:
    return _unknown_row(label, fact) if isinstance(fact, Missing) else moment_row(label, fact.value, none)


def _unknown_row(label: str, missing: Missing) -> Row:
    return Row(label, unknown(missing), "faint")


def _identity(entity: User | Group | Role | ManagedPolicy | InstanceProfile) -> list[Row]:
    return [
        Row("ARN", entity.arn),
        Row("Unique id", entity.id or "unknown", "" if entity.id else "faint"),
        Row("Path", entity.path, "muted" if entity.path == "/" else ""),
        moment_row("Created", entity.created),
    ]


def _permissions(account: Account, holder: User | Group | Role) -> list[Row]:
    count = policy_count(account, holder)
    rows = [Row("Policies", f"{count} in force" if count else "none: it may do nothing by itself")]
    through = administrator_through(account, holder)
    if through:
        rows.append(Row("Administrator", "ADMIN", "warning", note=f"AdministratorAccess attached {through}"))
    if not isinstance(holder, Group):
        arn = holder.boundary_arn
        rows.append(
            Row("Boundary", arn.rsplit("/", 1)[-1], target=arn if account.policy(arn) else "", note=arn)
            if arn
            else Row("Boundary", "none", "muted")
        )
    return rows


def _user(account: Account, user: User) -> list[Row]:
    rows = _identity(user)
    rows += [BLANK, heading("Permissions"), *_permissions(account, user)]
    rows += _listed("Groups", [(name, group.arn if (group := account.group(name)) else "") for name in user.groups])
    rows += [BLANK, heading("Sign-in")]
    rows.append(_login(user.login_profile))
    rows.append(_moment_fact("Password used", user.password_last_used, "never"))
    rows += _mfa(user.mfa_devices)
    rows += _keys(user.access_keys)
    return rows + _tags(user.tags)


def _login(fact: Fact[LoginProfile | None]) -> Row:
    if isinstance(fact, Missing):
        return _unknown_row("Console", fact)
    if fact.value is None:
        return Row("Console", "no password", "muted")
    reset = "must be changed at next sign-in" if fact.value.reset_required else ""
    since = f"set {clock.ago(fact.value.created)}" if fact.value.created else ""
    return Row("Console", "password", note="; ".join(part for part in (since, reset) if part))


def _mfa(fact: Fact[tuple[MfaDevice, ...]]) -> list[Row]:
    if isinstance(fact, Missing):
        return [_unknown_row("MFA", fact)]
    if not fact.value:
        return [Row("MFA", "no device", "warning")]
    return [
        Row("MFA" if not index else "", device.serial, note=clock.ago(device.enabled) if device.enabled else "")
        for index, device in enumerate(fact.value)
    ]


def _keys(fact: Fact[tuple[AccessKey, ...]]) -> list[Row]:
    if isinstance(fact, Missing):
        return [_unknown_row("Access keys", fact)]
    if not fact.value:
        return [Row("Access keys", "none", "muted")]
    rows = []
    for index, key in enumerate(fact.value):
        created = f"created {clock.ago(key.created)}" if key.created else ""
        where = " ".join(part for part in (key.last_service, key.last_region) if part)
        used = f"used {clock.ago(key.last_used)}{f' ({where})' if where else ''}" if key.last_used else "never used"
        note = ", ".join(part for part in (key.status.lower(), created, used) if part)
        rows.append(Row("Access keys" if not index else "", key.id, note=note))
    return rows


def _group(account: Account, group: Group) -> list[Row]:
    members = len(account.members(group.name))
    rows = _identity(group)
    rows += [BLANK, heading("Permissions"), *_permissions(account, group)]
    rows.append(Row("Members", f"{members} user{'' if members == 1 else 's'}" if members else "nobody"))
    return rows


def _role(account: Account, role: Role) -> list[Row]:
    rows = [*_description(role.description), *_identity(role)]
    if isinstance(role.last_used, Missing):
        rows.append(_unknown_row("Last used", role.last_used))
    else:
        used = moment_row("Last used", role.last_used.value, "never, as far as IAM tracks")
        where = f", {role.last_used_region}" if role.last_used_region else ""
        rows.append(Row(used.label, used.value, used.style, note=used.note + where))
    rows.append(Row("Longest session", fact_text(role.max_session_seconds, _duration)))
    owner = "AWS: service-linked role" if role.service_linked else "IAM Identity Center" if role.sso_reserved else ""
    if owner:
        rows.append(Row("Owned by", owner))
    rows += [BLANK, heading("Permissions"), *_permissions(account, role)]
    profiles = [(profile.name, profile.arn) for profile in account.instance_profiles if role.name in profile.roles]
    rows += _listed("Instance profile", profiles) if profiles else []
    return rows + _tags(role.tags)


def _description(fact: Fact[str]) -> list[Row]:
    if isinstance(fact, Missing):
        return [_unknown_row("Description", fact)]
    return [Row("Description", fact.value)] if fact.value else []


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes = rest // 60
    return f"{hours}h {minutes}m" if minutes else f"{hours}h"


def _policy(account: Account, policy: ManagedPolicy) -> list[Row]:
    rows = [*_description(policy.description), *_identity(policy)]
    if policy.updated is not None:
        rows.append(moment_row("Updated", policy.updated))
    version = policy.default_version
    rows.append(Row("Default version", version.id) if version else Row("Default version", "not loaded", "faint"))
    others = [other.id for other in policy.versions if not other.is_default]
    if others:
        rows.append(Row("Other versions", ", ".join(others), "muted"))
    seen = len(account.holders(policy.arn))
    rows += [
        BLANK,
        heading("Use"),
        Row("Attached to", fact_text(policy.attachment_count, str), note=f"{seen} seen in this account"),
        Row("Boundary for", fact_text(policy.boundary_count, str)),
    ]
    return rows + _tags(policy.tags)


def _instance_profile(account: Account, profile: InstanceProfile) -> list[Row]:
    roles = [(name, role.arn if (role := account.role(name)) else "") for name in profile.roles]
    return [*_identity(profile), BLANK, heading("Role"), *_listed("Role", roles), *_tags(profile.tags)]


def _provider(provider: IdentityProvider) -> list[Row]:
    rows = [Row("ARN", provider.arn), Row("Type", provider.type), moment_row("Created", provider.created)]
    return rows + _listed("Audiences", [(audience, "") for audience in provider.audiences])


def _listed(label: str, items: Sequence[tuple[str, str]]) -> list[Row]:
    if not items:
        return [Row(label, "none", "muted")]
    return [Row(label if not index else "", name, target=target) for index, (name, target) in enumerate(items)]


def _tags(tags: Tags) -> list[Row]:
    if not tags:
        return [BLANK, heading("Tags"), Row("", "none", "muted")]
    return [BLANK, heading("Tags"), *(Row(key, value) for key, value in tags)]
