"""Contents of the detail pane's tabs for an entity. Pure; loaded with the first account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from textual.content import Content

from iamtui.account.identity_center import permission_set_name
from iamtui.account.model import (
    AccessKey,
    Account,
    Entity,
    Fact,
    Group,
    IdentityProvider,
    InstanceProfile,
    Known,
    LoginProfile,
    ManagedPolicy,
    MfaDevice,
    Missing,
    Role,
    Tags,
    Unread,
    User,
)
from iamtui.policy.document import PolicyDocument, render
from iamtui.text import counted
from iamtui.tui import clock
from iamtui.tui.content import line
from iamtui.tui.drafts.changes import changed_lines, marked_policies, marked_trust
from iamtui.tui.explorer.listings import (
    BLANK,
    EntityTab,
    ListingEntry,
    ListingRow,
    TabId,
    access_rows,
    heading,
    policy_entries,
    unknown_row,
)
from iamtui.tui.explorer.organization_view import organization_entries, organization_rows, organization_tabs
from iamtui.tui.main.inventory import Branch, administrator_through, fact_text, kind_word, policy_count
from iamtui.workspace.source.inventory import behind_role, first_words, why_unread

# The Overview tab: the facts of each kind of entity, in rows. Pure.


def overview(account: Account, entity: Entity) -> list[ListingRow]:
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


def moment_row(label: str, moment: datetime | None, none: str = "unknown") -> ListingRow:
    """A time with its age, or the word for no time."""
    if moment is None:
        return ListingRow(label, none, "muted")
    return ListingRow(label, clock.stamp(moment), note=clock.ago(moment))


def _identity(entity: User | Group | Role | ManagedPolicy | InstanceProfile) -> list[ListingRow]:
    return [
        ListingRow("ARN", entity.arn),
        ListingRow("Unique id", entity.id or "unknown", "" if entity.id else "faint"),
        ListingRow("Path", entity.path, "muted" if entity.path == "/" else ""),
        moment_row("Created", entity.created),
    ]


def _permissions(account: Account, holder: User | Group | Role) -> list[ListingRow]:
    count = policy_count(account, holder)
    unread = {one.part: Missing(one.reason, one.permission) for one in holder.unread}
    lacking = [part for part in ("groups", "inline policies", "attached policies") if part in unread]
    words = f"{count} in force" if count or lacking else "none: it may do nothing by itself"
    rows = [ListingRow("Policies", words, note=f"without {' and '.join(lacking)}" if lacking else "")]
    rows += [unknown_row(part.capitalize(), unread[part]) for part in lacking]
    through = administrator_through(account, holder)
    if through:
        rows.append(ListingRow("Administrator", "ADMIN", "warning", note=f"AdministratorAccess attached {through}"))
    if "permissions boundary" in unread:
        rows.append(unknown_row("Boundary", unread["permissions boundary"]))
    elif not isinstance(holder, Group):
        arn = holder.boundary_arn
        rows.append(
            ListingRow("Boundary", arn.rsplit("/", 1)[-1], target=arn if account.policy(arn) else "", note=arn)
            if arn
            else ListingRow("Boundary", "none", "muted")
        )
    return rows


def _user(account: Account, user: User) -> list[ListingRow]:
    rows = _identity(user)
    rows += [BLANK, heading("Permissions"), *_permissions(account, user)]
    groups = [(name, group.arn if (group := account.group(name)) else "") for name in user.groups]
    # Where they were not read, the permissions say so.
    rows += _listed("Groups", groups) if groups or not why_unread(user, "groups") else []
    rows += [BLANK, heading("Sign-in")]
    rows.append(_login(user.login_profile))
    used = user.password_last_used
    label = "Password used"
    rows.append(unknown_row(label, used) if isinstance(used, Missing) else moment_row(label, used.value, "never"))
    rows += _mfa(user.mfa_devices)
    rows += _keys(user.access_keys)
    return rows + _tags(user.tags, why_unread(user, "tags"))


def _login(fact: Fact[LoginProfile | None]) -> ListingRow:
    if isinstance(fact, Missing):
        return unknown_row("Console", fact)
    if fact.value is None:
        return ListingRow("Console", "no password", "muted")
    reset = "must be changed at next sign-in" if fact.value.reset_required else ""
    since = f"set {clock.ago(fact.value.created)}" if fact.value.created else ""
    return ListingRow("Console", "password", note="; ".join(part for part in (since, reset) if part))


def _mfa(fact: Fact[tuple[MfaDevice, ...]]) -> list[ListingRow]:
    if isinstance(fact, Missing):
        return [unknown_row("MFA", fact)]
    if not fact.value:
        return [ListingRow("MFA", "no device", "warning")]
    return [
        ListingRow("MFA" if not index else "", device.serial, note=clock.ago(device.enabled) if device.enabled else "")
        for index, device in enumerate(fact.value)
    ]


def _keys(fact: Fact[tuple[AccessKey, ...]]) -> list[ListingRow]:
    if isinstance(fact, Missing):
        return [unknown_row("Access keys", fact)]
    if not fact.value:
        return [ListingRow("Access keys", "none", "muted")]
    rows = []
    for index, key in enumerate(fact.value):
        created = f"created {clock.ago(key.created)}" if key.created else ""
        where = " ".join(part for part in (key.last_service, key.last_region) if part)
        used = f"used {clock.ago(key.last_used)}{f' ({where})' if where else ''}" if key.last_used else "never used"
        note = ", ".join(part for part in (key.status.lower(), created, used) if part)
        rows.append(ListingRow("Access keys" if not index else "", key.id, note=note))
    return rows


def _group(account: Account, group: Group) -> list[ListingRow]:
    members = len(account.members(group.name))
    rows = _identity(group)
    rows += [BLANK, heading("Permissions"), *_permissions(account, group)]
    rows.append(ListingRow("Members", counted(members, "user") if members else "nobody"))
    return rows


def _role(account: Account, role: Role) -> list[ListingRow]:
    rows = [*_description(role.description), *_identity(role)]
    if isinstance(role.last_used, Missing):
        rows.append(unknown_row("Last used", role.last_used))
    else:
        used = moment_row("Last used", role.last_used.value, "never, as far as IAM tracks")
        where = f", {role.last_used_region}" if role.last_used_region else ""
        rows.append(ListingRow(used.label, used.value, used.style, note=used.note + where))
    rows.append(ListingRow("Longest session", fact_text(role.max_session_seconds, _duration)))
    owner = "AWS: service-linked role" if role.service_linked else "IAM Identity Center" if role.sso_reserved else ""
    if owner:
        rows.append(ListingRow("Owned by", owner))
    rows += _sign_ins(account, role)
    rows += [BLANK, heading("Permissions"), *_permissions(account, role)]
    profiles = [(profile.name, profile.arn) for profile in account.instance_profiles if role.name in profile.roles]
    rows += _listed("Instance profile", profiles) if profiles else []
    return rows + _tags(role.tags, why_unread(role, "tags"))


_MOST_PEOPLE: Final = 50
"""People behind a role who are listed by name."""

_MOST_GROUPS: Final = 10
"""Groups of each that are."""


def _sign_ins(account: Account, role: Role) -> list[ListingRow]:
    """The permission set of a role of IAM Identity Center, and who can sign in to it."""
    behind = behind_role(account, role)
    if behind is None:
        return []
    name = permission_set_name(role.name)
    rows = [ListingRow("Permission set", name, note="edited and provisioned there, not in the account")] if name else []
    if isinstance(behind, Missing):
        return [*rows, unknown_row("People", behind)]
    people, unknown = behind.value.people, behind.value.unknown
    shown = [
        (one.person.words, f"by {first_words(one.groups[:_MOST_GROUPS], len(one.groups))}" if one.groups else "")
        for one in people[:_MOST_PEOPLE]
    ]
    if len(people) > _MOST_PEOPLE:
        shown.append((f"and {len(people) - _MOST_PEOPLE:,} more", "iamtui show lists them"))
    if not people and not unknown:
        shown.append(("nobody", ""))
    rows += [ListingRow("" if at else "People", words, note=note) for at, (words, note) in enumerate(shown)]
    rows += [ListingRow("Not known", phrase, "faint") for phrase in unknown[:_MOST_PEOPLE]]
    more = len(unknown) - _MOST_PEOPLE
    return [*rows, ListingRow("Not known", f"and {more:,} more", "faint")] if more > 0 else rows


def _description(fact: Fact[str]) -> list[ListingRow]:
    if isinstance(fact, Missing):
        return [unknown_row("Description", fact)]
    return [ListingRow("Description", fact.value)] if fact.value else []


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes = rest // 60
    return f"{hours}h {minutes}m" if minutes else f"{hours}h"


def _policy(account: Account, policy: ManagedPolicy) -> list[ListingRow]:
    rows = [*_description(policy.description), *_identity(policy)]
    if policy.updated is not None:
        rows.append(moment_row("Updated", policy.updated))
    version = policy.default_version
    rows.append(
        ListingRow("Default version", version.id) if version else ListingRow("Default version", "not loaded", "faint")
    )
    others = [other.id for other in policy.versions if not other.is_default]
    if others:
        rows.append(ListingRow("Other versions", ", ".join(others), "muted"))
    seen = len(account.holders(policy.arn))
    rows += [
        BLANK,
        heading("Use"),
        ListingRow("Attached to", fact_text(policy.attachment_count, str), note=f"{seen} seen in this account"),
        ListingRow("Boundary for", fact_text(policy.boundary_count, str)),
    ]
    return rows + _tags(policy.tags)


def _instance_profile(account: Account, profile: InstanceProfile) -> list[ListingRow]:
    roles = [(name, role.arn if (role := account.role(name)) else "") for name in profile.roles]
    return [*_identity(profile), BLANK, heading("Role"), *_listed("Role", roles), *_tags(profile.tags)]


def _provider(provider: IdentityProvider) -> list[ListingRow]:
    rows = [ListingRow("ARN", provider.arn), ListingRow("Type", provider.type), moment_row("Created", provider.created)]
    return rows + _listed("Audiences", [(audience, "") for audience in provider.audiences])


def _listed(label: str, items: Sequence[tuple[str, str]]) -> list[ListingRow]:
    if not items:
        return [ListingRow(label, "none", "muted")]
    return [ListingRow(label if not index else "", name, target=target) for index, (name, target) in enumerate(items)]


def _tags(tags: Tags, unread: Missing | None = None) -> list[ListingRow]:
    rows = [ListingRow(key, value) for key, value in tags]
    if not rows:
        rows = [ListingRow("", "none", "muted") if unread is None else unknown_row("", unread)]
    return [BLANK, heading("Tags"), *rows]


# The JSON tab: the whole record of an entity, with AWS's names for what it holds. Pure.


_NAMES: Final = {
    "arn": "Arn",
    "created": "CreateDate",
    "updated": "UpdateDate",
    "groups": "GroupList",
    "inline_policies": "InlinePolicies",
    "attached_policies": "AttachedManagedPolicies",
    "boundary_arn": "PermissionsBoundary",
    "trust": "AssumeRolePolicyDocument",
    "max_session_seconds": "MaxSessionDuration",
    "last_used": "LastUsedDate",
    "last_used_region": "LastUsedRegion",
    "last_service": "LastUsedService",
    "last_region": "LastUsedRegion",
    "versions": "PolicyVersionList",
    "is_default": "IsDefaultVersion",
    "boundary_count": "PermissionsBoundaryUsageCount",
    "password_last_used": "PasswordLastUsed",
    "mfa_devices": "MFADevices",
}


def record_text(entity: Entity) -> str:
    """The record of an entity as canonical JSON; facts that were not loaded are under "Missing"."""
    missing: dict[str, str] = {}
    value = _json(entity, missing)
    if missing:
        value["Missing"] = missing
    return render(value)


def _json(value: Any, missing: dict[str, str]) -> Any:
    if isinstance(value, PolicyDocument):
        return value.text if value.error is not None else value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Known):
        return _json(value.value, missing)
    if isinstance(value, tuple):
        return [_json(item, missing) for item in value]
    if isinstance(value, Struct):
        names = value.__struct_fields__
    elif is_dataclass(value):
        names = tuple(field.name for field in fields(value))
    else:
        return value
    result: dict[str, Any] = {}
    for own_name in names:
        name = _NAMES.get(own_name, "".join(word.capitalize() for word in own_name.split("_")))
        content = getattr(value, own_name)
        if own_name == "unread":
            for part in content:
                _note_unread(part, result, missing)
        elif own_name == "tags":
            result[name] = [{"Key": key, "Value": text} for key, text in content]
        elif isinstance(content, Missing):
            missing[name] = _why(content)
        elif content is not None:
            result[name] = _json(content, missing)
    return result


_PARTS: Final = {
    "groups": "GroupList",
    "inline policies": "InlinePolicies",
    "attached policies": "AttachedManagedPolicies",
    "permissions boundary": "PermissionsBoundary",
    "tags": "Tags",
}


def _note_unread(part: Unread, result: dict[str, Any], missing: dict[str, str]) -> None:
    """Say that a part was not read, and not that there is nothing in it."""
    name = _PARTS[part.part]
    missing[name] = _why(part)
    if not result.get(name):
        result.pop(name, None)


def _why(lacking: Missing | Unread) -> str:
    return f"{lacking.reason}{f' (needs {lacking.permission})' if lacking.permission else ''}"


_EMPTY_POLICIES: Final = {
    User: "No policy applies to this user: without one, every request is denied.",
    Group: "This group has no policy: its members get nothing from it.",
    Role: "No policy applies to this role: without one, every request is denied.",
}


def facts(account: Account, entity: Entity | Branch, tab: TabId) -> Sequence[ListingRow]:
    if isinstance(entity, Branch):
        return organization_rows(account, entity)
    if tab is TabId.OVERVIEW:
        return overview(account, entity)
    if isinstance(entity, User | Role):
        return [ListingRow("", "Looking …", "muted")]
    return access_rows(account, entity) or [ListingRow("", "nothing to show", "muted")]


def entries(
    before: Account | None, account: Account, entity: Entity | Branch, tab: TabId
) -> tuple[Sequence[ListingEntry], str]:
    """The entries of the Policies or the Trust tab, and what to say when there are none.

    Args:
        before: the account without the draft that is open, or None; what differs is marked.
    """
    if isinstance(entity, Branch):
        return organization_entries(account, entity), ""
    if tab is TabId.TRUST and isinstance(entity, Role):
        return marked_trust(before, account, entity), ""
    return marked_policies(before, account, entity), _EMPTY_POLICIES.get(type(entity), "No version is loaded.")


def record(before: Account | None, entity: Entity) -> tuple[str, frozenset[int]]:
    """The JSON of an entity, and which of its lines the draft changes."""
    was = before.by_arn(entity.arn) if before is not None else None
    text = record_text(entity)
    # What the draft creates is new as a whole: marking every line would say nothing.
    old = "" if was is None or was is entity else record_text(was)
    return text, changed_lines(old, text) if old else frozenset()


def tabs_of(account: Account, entity: Entity | Branch) -> tuple[EntityTab, ...]:
    if isinstance(entity, Branch):
        return organization_tabs(account, entity)
    tabs = [EntityTab(TabId.OVERVIEW, "Overview")]
    if isinstance(entity, ManagedPolicy):
        tabs.append(EntityTab(TabId.POLICIES, "Document"))
    elif isinstance(entity, (User, Group, Role)):
        tabs.append(EntityTab(TabId.POLICIES, "Policies", len(policy_entries(account, entity))))
    if isinstance(entity, Role):
        tabs.append(EntityTab(TabId.TRUST, "Trust"))
    if isinstance(entity, ManagedPolicy):
        used = len(account.holders(entity.arn)) + len(account.bounded_by(entity.arn))
        tabs.append(EntityTab(TabId.ACCESS, "Access", used))
    elif isinstance(entity, Group):
        tabs.append(EntityTab(TabId.ACCESS, "Members", len(account.members(entity.name))))
    elif isinstance(entity, IdentityProvider):
        tabs.append(EntityTab(TabId.ACCESS, "Access"))
    tabs.append(EntityTab(TabId.JSON, "JSON"))
    if isinstance(entity, User | Role):
        tabs.append(EntityTab(TabId.ACCESS, "Access"))
    return tuple(tabs)


def title_of_entity(account: Account, entity: Entity) -> Content:
    title = line((entity.name, "bold $foreground"), (f"  {kind_word(entity)}", "$muted"))
    if isinstance(entity, (User, Group, Role)) and administrator_through(account, entity):
        return line(title, ("  ADMIN", "bold $verdict-depends"))
    return title
