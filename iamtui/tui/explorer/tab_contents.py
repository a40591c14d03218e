"""Contents of the detail pane's tabs for an entity; what Access and Trust show is found in a thread.

Loaded with the first account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, Protocol

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
from iamtui.credentials.session import Clock, Session
from iamtui.engine.decision import Layer
from iamtui.engine.request import Principal
from iamtui.policy.document import PolicyDocument, render
from iamtui.presentation.access import caller_roles_report, permissions_report, resources_report, service_table
from iamtui.presentation.listing import Report
from iamtui.presentation.styled_words import shades
from iamtui.presentation.trust import chain_words, edge_words, opening_words, outside_first, trustee_words
from iamtui.presentation.verdict import verdict_words
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.text import counted
from iamtui.tui import clock
from iamtui.tui.content import is_ascii, line
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
from iamtui.workspace.ask.assumptions import assumed_of
from iamtui.workspace.ask.trust import by_principal, chains_from, every_edge, unread_trust, who_may_assume
from iamtui.workspace.ask.what_can import EffectiveAccess, what_can
from iamtui.workspace.assume.assume import acting_as
from iamtui.workspace.assume.caller_roles import roles_of_caller
from iamtui.workspace.source.inventory import behind_role, first_words, why_unread
from iamtui.workspace.source.principals import principal_for
from iamtui.workspace.source.workspace import Workspace

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


@dataclass(slots=True)
class FoundTab:
    """Contents of a tab.

    Args:
        rows: of the Access tab.
        lists: what Enter lists of a row, by its place: a title, and what makes the list.
        entries: what the Trust tab has besides the statements.
        enters: what else Enter does in a row, likewise.
    """

    rows: list[ListingRow] = field(default_factory=list)
    lists: dict[int, tuple[str, Callable[[], Report[Any]]]] = field(default_factory=dict)
    entries: list[ListingEntry] = field(default_factory=list)
    enters: dict[int, Callable[[], None]] = field(default_factory=dict)


class AccessSection(Protocol):
    """A section of the Access tab that keeps something of its own while the entities change."""

    def add(
        self, tab: FoundTab, workspace: Workspace, principal: Principal, found: EffectiveAccess
    ) -> Mapping[str, str]:
        """Add its rows for a principal, and return notes for services. Blocking."""


def found_tab(
    workspace: Workspace,
    entity: User | Role,
    tab: TabId,
    cancelled: Callable[[], bool],
    sections: Iterable[AccessSection] = (),
) -> FoundTab:
    """Contents of a tab for a user or role. Blocking.

    Args:
        sections: what stands first in the Access tab.

    Raises:
        Problem: it cannot be found.
    """
    if tab is TabId.TRUST and isinstance(entity, Role):
        return FoundTab(entries=_trusted(workspace, entity, cancelled))
    return _access(workspace, entity, cancelled, sections)


def _access(
    workspace: Workspace, entity: User | Role, cancelled: Callable[[], bool], sections: Iterable[AccessSection]
) -> FoundTab:
    principal = principal_for(workspace, entity)
    found = what_can(workspace, principal, cancelled=cancelled)
    ascii_only = is_ascii()
    title, services = service_table(found, ascii_only=ascii_only)
    tab = FoundTab()
    notes: dict[str, str] = {}
    for section in sections:
        notes |= section.add(tab, workspace, principal, found)
    count = counted(len(services), "service")
    tab.rows.append(heading(f"What it can use ({count})"))
    if services:
        some = "; ? on a condition" if any("?" in cells for _, cells in services) else ""
        tab.rows.append(ListingRow("", f"{shades(ascii_only=ascii_only)}{some}", "muted", heading=True))
    tab.rows.extend(_needed([entity]))
    titles = ListingRow("Service", title, "header", heading=True)
    tab.rows.append(titles if services else ListingRow("", "nothing", "muted"))
    width = max((len(cells) for _, cells in services), default=0)
    for service, cells in services:
        tab.lists[len(tab.rows)] = service.service, partial(permissions_report, workspace, found, (service,))
        tab.rows.append(ListingRow(service.service, cells.ljust(width), note=notes.get(service.service, "")))
    if services:
        everything = partial(permissions_report, workspace, found, [service for service, _ in services])
        tab.lists[len(tab.rows)] = "Actions", everything
        tab.rows.append(ListingRow("all", "every action, with its resources and conditions"))
        tab.lists[len(tab.rows)] = "Resources", partial(resources_report, workspace, found)
        tab.rows.append(ListingRow("resources", "what it can touch, with the actions"))
    for number, assumed in enumerate(assumed_of(workspace, Question(""), principal=principal)):
        tab.rows.append(ListingRow("" if number else "assumed", assumed, "muted", heading=True))
    try:
        chains = list(chains_from(principal, by_principal(every_edge(workspace, cancelled))))
    except Problem as problem:
        tab.rows.extend((BLANK, heading("Roles that it reaches"), ListingRow("[?]", problem.sentence, "faint")))
        return tab
    if cancelled():
        return tab
    tab.rows.extend((BLANK, heading(f"Roles that it reaches ({len(chains)})")))
    for chain in chains:
        mark, words = chain_words(workspace, chain)
        role = chain[-1].role
        tab.rows.append(ListingRow(mark, workspace.short_name(role.arn), target=role.arn, note=words))
    if not chains:
        tab.rows.append(ListingRow("", "none", "muted"))
    return tab


def _needed(holders: Iterable[User | Role]) -> list[ListingRow]:
    """A row for each permission without which policies of these were not read."""
    found = {one.permission: one.reason for holder in holders for one in holder.unread if one.part != "tags"}
    return [ListingRow("[?] needs", permission, "faint", note=reason) for permission, reason in found.items()]


def _trusted(workspace: Workspace, role: Role, cancelled: Callable[[], bool]) -> list[ListingEntry]:
    """Who may assume a role, each with the statement that lets it."""
    edges = outside_first(who_may_assume(workspace, role, cancelled))
    found = [ListingEntry(heading(f"Who may assume it, all policies considered ({len(edges)})"), role.trust)]
    for edge in edges:
        words = verdict_words(edge.decision)
        lines = next((ref.lines for ref in edge.decision.matched if ref.layer is Layer.RESOURCE), None)
        arn = edge.principal.arn
        target = arn if any(account.by_arn(arn) is not None for account in workspace.accounts) else ""
        warning = opening_words(edge)
        note = ", ".join(filter(None, (warning, edge_words(edge))))
        style = "warning" if warning else ""
        mark = f"{words.mark} {words.word.lower()}"
        row = ListingRow(mark, trustee_words(workspace, edge), style, target, note)
        found.append(ListingEntry(row, role.trust, lines=lines))
    unread = unread_trust(role)
    if unread:
        found.append(ListingEntry(ListingRow("[?]", "others: not known", "faint", note=unread), role.trust))
    elif not edges:
        found.append(ListingEntry(ListingRow("", "nobody", "muted"), role.trust))
    account = workspace.account
    unlisted = [why for kind in ("users", "roles") if (why := account.why_unlisted(kind)) is not None]
    rows = [ListingRow("[?] needs", why.permission or why.reason, "faint", note=why.reason) for why in unlisted]
    rows += _needed(account.principals)
    return [found[0], *(ListingEntry(row, role.trust) for row in rows), *found[1:]]


def assumable_roles(
    caller: Session | None, clock: Clock, workspace: Workspace, cancelled: Callable[[], bool]
) -> Report[Any]:
    """The roles that a session may assume; None: the workspace's own caller. Blocking.

    Raises:
        Problem: the session has ended, or is not who it should be.
    """
    with acting_as(workspace, caller, clock) as own:
        return caller_roles_report(own, roles_of_caller(own, cancelled))
