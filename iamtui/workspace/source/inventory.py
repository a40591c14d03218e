"""The inventory of an account: its entities by kind, found by name, and as JSON."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

from iamtui.account.identity_center import BehindRole, SignsIn, permission_set_name
from iamtui.account.model import (
    Account,
    Entity,
    Fact,
    Group,
    IdentityProvider,
    InstanceProfile,
    Known,
    ManagedPolicy,
    Missing,
    OrganizationLevel,
    OrganizationPolicy,
    Role,
    UnreadPart,
    User,
)
from iamtui.catalog.tables import unique_id_kind
from iamtui.policy.document import PolicyDocument
from iamtui.policy.types import PolicyType
from iamtui.problem import Problem
from iamtui.text import any_of, safe_text
from iamtui.workspace.source.workspace import Workspace

Json: TypeAlias = dict[str, Any]

KINDS: Final = ("users", "groups", "roles", "policies", "instance-profiles", "providers")
"""Kinds that `list` takes."""

_SINGULAR: Final[dict[type, str]] = {
    User: "user",
    Group: "group",
    Role: "role",
    ManagedPolicy: "policy",
    InstanceProfile: "instance-profile",
    IdentityProvider: "provider",
}

_MOST_SUGGESTIONS: Final = 5


def kind_of(entity: Entity) -> str:
    """The kind of an entity, in the singular, as names are written: "user" of user/NAME."""
    return _SINGULAR[type(entity)]


def entities_of(account: Account, kind: str) -> Fact[Sequence[Entity]]:
    """The entities of one of KINDS, by name; Missing when the source has no such list."""
    lists: dict[str, Sequence[Entity]] = {
        "users": account.users,
        "groups": account.groups,
        "roles": account.roles,
        "policies": account.policies,
        "instance-profiles": account.instance_profiles,
    }
    if kind == "providers":
        if isinstance(account.providers, Missing):
            return account.providers
        lists[kind] = account.providers.value
    return Known(sorted(lists[kind], key=lambda entity: (entity.name.lower(), entity.name)))


def full_name(entity: Entity) -> str:
    """The name that tells an entity from all others of the account: `role/NAME`."""
    return f"{kind_of(entity)}/{entity.name}"


def find_entity(account: Account, text: str, only: str = "") -> Entity:
    """The entity that a text names: an ARN, a unique id, `KIND/NAME` (path optional) or a name only one has.

    Args:
        only: the one kind, in the singular, that is looked at; "" for all.

    Raises:
        Problem: nothing or several have it; names the nearest.
    """
    text = text.strip()
    if not text:
        raise Problem("Nothing is named.", "Give an ARN, KIND/NAME or a name.")
    exact = account.by_arn(text) or (account.by_id(text) if unique_id_kind(text) else None)
    if exact is not None and only in ("", kind_of(exact)):
        return exact
    pool = [entity for entity in account.entities() if only in ("", kind_of(entity))]
    found = _named(pool, text)
    if len(found) == 1:
        return found[0]
    if not found:
        raise _unknown(pool, text, only)
    names = tuple(full_name(entity) for entity in found)
    if len(set(names)) < len(names):
        names = tuple(entity.arn for entity in found)
    raise Problem(f"{safe_text(text)} names {len(found)} things.", f"Say {_or(names)}.")


def find_in_accounts(workspace: Workspace, text: str) -> tuple[Workspace, Entity]:
    """The entity that a text names in the accounts that are open, and the workspace that looks at its account.

    Raises:
        Problem: as `find_entity`, or things of several accounts have it.
    """
    found: list[tuple[Workspace, Entity]] = []
    problem = None
    for account in workspace.accounts:
        try:
            found.append((workspace.at(account.id), find_entity(account, text)))
        except Problem as lacking:
            problem = problem or lacking
    if problem is not None and not found:
        raise problem
    arns = tuple(dict.fromkeys(entity.arn for _, entity in found))
    if len(arns) > 1:
        raise Problem(f"{safe_text(text)} names things of {len(arns)} accounts.", f"Say {_or(arns)}.")
    return found[0]


def _named(pool: Sequence[Entity], text: str) -> list[Entity]:
    kind, slash, rest = text.partition("/")
    if slash and kind in _SINGULAR.values():
        return [entity for entity in pool if kind_of(entity) == kind and rest in (entity.name, _with_path(entity))]
    return [] if text.startswith("arn:") else [entity for entity in pool if entity.name == text]


def _with_path(entity: Entity) -> str:
    path = "" if isinstance(entity, IdentityProvider) else entity.path
    return f"{path}{entity.name}".lstrip("/")


def _or(names: Sequence[str]) -> str:
    return any_of([safe_text(name) for name in names[:_MOST_SUGGESTIONS]])


def _unknown(pool: Sequence[Entity], text: str, only: str) -> Problem:
    wanted = text.rsplit("/", 1)[-1].lower()
    names: dict[str, list[str]] = {}
    for entity in pool:
        names.setdefault(entity.name.lower(), []).append(full_name(entity))
    close = difflib.get_close_matches(wanted, names, n=_MOST_SUGGESTIONS, cutoff=0.5)
    close += [name for name in names if wanted in name and name not in close]
    nearest = tuple(dict.fromkeys(full for name in close for full in names[name]))[:_MOST_SUGGESTIONS]
    shown = ", ".join(safe_text(name) for name in nearest)
    hint = f"Nearest: {shown}." if nearest else f"See `iamtui list {only or 'user'}s`."
    what = f"No {only} of this account" if only else "Nothing in this account"
    return Problem(f"{what} is named {safe_text(text)}.", hint)


def documents_in(account: Account) -> Iterator[tuple[str, PolicyType, PolicyDocument]]:
    """The policies of an account in force but for trust policies: what to call each, its type, and the document."""
    for policy in account.policies:
        if policy.document is not None:
            yield policy.name, PolicyType.IDENTITY, policy.document
    for holder in account.identities:
        for inline in holder.inline_policies:
            yield f"{inline.name} of {account.short_name(holder.arn)}", PolicyType.IDENTITY, inline.document
    for level in account.organization_levels:
        for policy_type, fact in ((PolicyType.SCP, level.scps), (PolicyType.RCP, level.rcps)):
            for one in fact.value_or(()):
                yield one.name or one.arn, policy_type, one.document
    for arn, of_resource in account.resource_policies.items():
        if of_resource.document is not None:
            yield arn, PolicyType.RESOURCE, of_resource.document


# The SCPs and RCPs of every level above the account.


ORGANIZATION: Final = "organization"
"""Kind of organization policies in `list`, beside KINDS."""


class AttachedControl(NamedTuple):
    """An SCP or RCP where it is attached.

    Args:
        kind: "scp" or "rcp".
        policy: Missing for those of a level that could not be read.
    """

    kind: str
    level: OrganizationLevel
    policy: OrganizationPolicy | Missing


def organization_controls(account: Account) -> Fact[tuple[AttachedControl, ...]]:
    """The SCPs and RCPs of the levels from the root to the account; none where it is in no organization."""
    if isinstance(account.organization, Missing):
        return account.organization
    found: list[AttachedControl] = []
    for level in account.organization.value.path if account.organization.value is not None else ():
        for kind, fact in (("scp", level.scps), ("rcp", level.rcps)):
            policies = (fact,) if isinstance(fact, Missing) else fact.value
            found += (AttachedControl(kind, level, one) for one in policies)
    return Known(tuple(found))


def find_controls(account: Account, text: str) -> list[AttachedControl]:
    """Every place where the SCP or RCP is attached that a text names: its ARN, `scp/NAME` or `rcp/NAME`."""
    controls = organization_controls(account)
    return [
        one
        for one in controls.value_or(())
        if isinstance(one.policy, OrganizationPolicy)
        and text
        and text in (one.policy.arn, f"{one.kind}/{one.policy.name}")
    ]


def control_to_json(control: AttachedControl) -> Json:
    """One line of `list organization -o json`: an SCP or RCP at one level, or why those of it are not known."""
    policy, level = control.policy, control.level
    record: Json = {
        "kind": control.kind,
        "name": None if isinstance(policy, Missing) else policy.name,
        "arn": None if isinstance(policy, Missing) else policy.arn or None,
        "attached_to": {"id": level.id, "name": level.name, "type": level.type},
    }
    if isinstance(policy, Missing):
        record["missing"] = [_missing(f"{control.kind}s", policy)]
    return record


def control_record_to_json(places: Sequence[AttachedControl]) -> Json:
    """Everything known about an SCP or RCP: where it is attached, and its document."""
    records = [control_to_json(one) for one in places]
    policy = places[0].policy
    document = {} if isinstance(policy, Missing) else _document(policy.document)
    return {**records[0], "attached_to": [one["attached_to"] for one in records], **document}


def last_used(entity: Entity) -> tuple[datetime | None, tuple[Json, ...]]:
    """When an entity was last used, as far as known, and what is missing to know it for sure.

    A user's last use is the latest of its password's and its access keys'.
    """
    if isinstance(entity, Role):
        if isinstance(entity.last_used, Missing):
            return None, (_missing("last_used", entity.last_used),)
        return entity.last_used.value, ()
    if not isinstance(entity, User):
        return None, ()
    missing: list[Json] = []
    moments: list[datetime] = []
    if isinstance(entity.password_last_used, Missing):
        missing.append(_missing("password_last_used", entity.password_last_used))
    elif entity.password_last_used.value is not None:
        moments.append(entity.password_last_used.value)
    if isinstance(entity.access_keys, Missing):
        missing.append(_missing("access_keys", entity.access_keys))
    else:
        moments += [key.last_used for key in entity.access_keys.value if key.last_used is not None]
    return max(moments, default=None), tuple(missing)


def _missing(what: str, fact: Missing) -> Json:
    return {"what": what, "reason": fact.reason, "permission": fact.permission or None}


def summary_to_json(entity: Entity) -> Json:
    """One line of `list -o json`. `last_used` is a lower bound where `missing` says that more is not known."""
    used, missing = last_used(entity)
    tags = None if isinstance(entity, (Group, IdentityProvider)) else dict(entity.tags)
    if not tags and isinstance(entity, (User, Role)) and (unread := why_unread(entity, "tags")) is not None:
        tags, missing = None, (*missing, _missing("tags", unread))
    summary: Json = {
        "kind": kind_of(entity),
        "name": entity.name,
        "arn": entity.arn,
        "id": None if isinstance(entity, IdentityProvider) else entity.id or None,
        "path": None if isinstance(entity, IdentityProvider) else entity.path,
        "created": _time(entity.created),
        "last_used": _time(used),
        "tags": tags,
    }
    if missing:
        summary["missing"] = list(missing)
    return summary


def record_to_json(account: Account, entity: Entity) -> Json:
    """Everything known about an entity; null and an entry of `missing` where the source lacks a fact."""
    record = summary_to_json(entity)
    missing: list[Json] = record.pop("missing", [])
    for name, value in _details(account, entity):
        if isinstance(value, Missing):
            record[name] = None
            if all(entry["what"] != name for entry in missing):
                missing.append(_missing(name, value))
        else:
            record[name] = value
    if missing:
        record["missing"] = missing
    return record


def _details(account: Account, entity: Entity) -> Iterator[tuple[str, Any]]:
    if isinstance(entity, (User, Group, Role)):
        yield from _holder_details(entity)
    accessed = account.last_accessed.get(entity.arn)
    if accessed is not None:
        uses = [
            {
                "service": use.service,
                "last_used": _time(use.last_used),
                "region": use.region or None,
                "actions": {action: _time(used) for action, used in use.actions.items()},
            }
            for use in accessed.services
        ]
        yield "services_last_used", uses
    if isinstance(entity, User):
        yield from _user_details(entity)
    elif isinstance(entity, Group):
        yield "members", [user.name for user in account.members(entity.name)]
    elif isinstance(entity, Role):
        yield "trust_policy", _document(entity.trust) if entity.trust.raw else Missing("not loaded", "iam:GetRole")
        yield "description", _of(entity.description)
        yield "max_session_seconds", _of(entity.max_session_seconds)
        yield "last_used_region", entity.last_used_region or None
        yield "service_linked", entity.service_linked
        behind = behind_role(account, entity)
        if behind is not None:
            yield from _sign_in_details(entity, behind)
        yield "instance_profiles", [p.name for p in account.instance_profiles if entity.name in p.roles]
    elif isinstance(entity, ManagedPolicy):
        yield from _policy_details(account, entity)
    elif isinstance(entity, InstanceProfile):
        yield "roles", list(entity.roles)
    else:
        yield "type", entity.type
        yield "audiences", list(entity.audiences)


def _holder_details(entity: User | Group | Role) -> Iterator[tuple[str, Any]]:
    inline = [{"name": p.name, **_document(p.document)} for p in entity.inline_policies]
    yield "inline_policies", inline or why_unread(entity, "inline policies") or []
    attached = [{"name": p.name, "arn": p.arn} for p in entity.attached_policies]
    yield "attached_policies", attached or why_unread(entity, "attached policies") or []
    if entity.unread:
        yield "unread", [{"part": one.part, "permission": one.permission or None} for one in entity.unread]
    if isinstance(entity, (User, Role)):
        yield "boundary_arn", entity.boundary_arn or why_unread(entity, "permissions boundary")


def why_unread(entity: User | Group | Role, part: UnreadPart) -> Missing | None:
    """Why a part of an entity could not be read, if so."""
    return next((Missing(one.reason, one.permission) for one in entity.unread if one.part == part), None)


def _user_details(user: User) -> Iterator[tuple[str, Any]]:
    yield "groups", list(user.groups) or why_unread(user, "groups") or []
    yield "password_last_used", _of(user.password_last_used, _time)
    yield (
        "access_keys",
        _of(
            user.access_keys,
            lambda keys: [
                {
                    "id": key.id,
                    "status": key.status,
                    "created": _time(key.created),
                    "last_used": _time(key.last_used),
                    "last_service": key.last_service or None,
                    "last_region": key.last_region or None,
                }
                for key in keys
            ],
        ),
    )
    yield (
        "mfa_devices",
        _of(user.mfa_devices, lambda devices: [{"serial": d.serial, "enabled": _time(d.enabled)} for d in devices]),
    )
    yield (
        "login_profile",
        _of(
            user.login_profile,
            lambda profile: (
                profile and {"created": _time(profile.created), "password_reset_required": profile.reset_required}
            ),
        ),
    )


def _sign_in_details(role: Role, behind: Fact[BehindRole]) -> Iterator[tuple[str, Any]]:
    if isinstance(behind, Missing):
        yield "permission_set", {"name": permission_set_name(role.name) or None}
        yield "people", behind
        return
    one = behind.value.permission_set
    duration = one.session_duration or None
    yield (
        "permission_set",
        {"name": one.name, "arn": one.arn, "description": one.description or None, "session_duration": duration},
    )
    yield from sign_in_json(behind.value, _MOST_SAID).items()


_MOST_SAID: Final = 16_000_000
"""Characters of the people of one role: 200,000 people may each be in groups with names of 1,024 characters."""


_FIELDS_OF_PERSON: Final = 50
"""Characters of the names of the fields of one person."""


def sign_in_json(behind: BehindRole, most: int) -> Json:
    """Who can sign in to a role, as many of them as `most` characters name; `people_more` counts the others."""
    left = most
    unknown: list[str] = []
    for phrase in behind.unknown:
        left -= len(phrase)
        unknown.append(phrase if left >= 0 else "more groups, which are not named here")
        if left < 0:
            break
    people: list[Json] = []
    for one in behind.people:
        person = one.person
        left -= _FIELDS_OF_PERSON + sum(map(len, (person.id, person.user_name, person.display_name, *one.groups)))
        if left < 0:
            break
        people.append(_person(one))
    more = len(behind.people) - len(people)
    return {
        "people": people,
        **({"people_more": more} if more else {}),
        **({"people_not_known": unknown} if unknown else {}),
    }


def _person(one: SignsIn) -> Json:
    """Somebody who can sign in to a role."""
    person = one.person
    return {
        "name": person.display_name or None,
        "user_name": person.user_name or None,
        "id": person.id,
        "groups": list(one.groups),
    }


def _policy_details(account: Account, policy: ManagedPolicy) -> Iterator[tuple[str, Any]]:
    yield "aws_managed", policy.aws_managed
    yield "description", _of(policy.description)
    yield "updated", _time(policy.updated)
    yield "attachment_count", _of(policy.attachment_count)
    yield "boundary_count", _of(policy.boundary_count)
    yield "attached_to", [holder.arn for holder in account.holders(policy.arn)]
    yield "boundary_of", [holder.arn for holder in account.bounded_by(policy.arn)]
    versions = [
        {"id": v.id, "default": v.is_default, "created": _time(v.created), **_document(v.document)}
        for v in policy.versions
    ]
    yield "versions", versions or Missing("not loaded", "iam:GetPolicyVersion")


def _document(document: PolicyDocument) -> Json:
    """A document as JSON; one that cannot be read as the text it is, with the reason."""
    error = document.error
    if error is not None:
        return {"document": None, "unreadable": str(error), "text": document.raw}
    return {"document": document.value}


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat().replace("+00:00", "Z")


def _of(fact: Fact[Any], convert: Callable[[Any], Any] = lambda value: value) -> Any:
    return fact if isinstance(fact, Missing) else convert(fact.value)


DESCRIBES_SETS: Final = "sso:DescribePermissionSet"
"""Permission that names of permission sets need."""

_MOST_NAMED: Final = 3
"""People who are named in a line."""

_LONGEST_NAME: Final = 100
"""Most characters of a name in a line, which repeats for each role of the permission set."""


def behind_role(account: Account, role: Role) -> Fact[BehindRole] | None:
    """Who can sign in to a role of IAM Identity Center; None for another role."""
    if not role.sso_reserved:
        return None
    center = account.identity_center
    if isinstance(center, Missing):
        return center
    found = center.value.behind(role.name)
    if found is None and DESCRIBES_SETS in center.value.unread:
        return Missing("not loaded", DESCRIBES_SETS)
    name = permission_set_name(role.name) or role.name
    return Known(found) if found is not None else Missing(f"{name} is not among the permission sets of the account")


def known_behind(workspace: Workspace, arn: str) -> BehindRole | None:
    """Who can sign in to a role of the accounts that are open, where that is known."""
    for account in workspace.accounts:
        role = account.by_arn(arn)
        if isinstance(role, Role):
            found = behind_role(account, role)
            return found.value if isinstance(found, Known) else None
    return None


def people_behind(workspace: Workspace, arn: str) -> str:
    """The first of those who can sign in to a role, by name, where that is known; else ""; raw text."""
    found = known_behind(workspace, arn)
    return people_words(found) if found is not None else ""


def people_words(behind: BehindRole, most: int = _MOST_NAMED) -> str:
    """Who can sign in, as many of them by name as `most`; raw text."""
    words = first_words([one.person.words for one in behind.people[:most]], len(behind.people))
    unknown = first_words(behind.unknown[:_MOST_NAMED], len(behind.unknown), " and ")
    return "; ".join(filter(None, (words, unknown and f"not known: {unknown}"))) or "nobody"


def first_words(first: Sequence[str], count: int, separator: str = ", ") -> str:
    """The first of `count` names in a line, each as far as there is room, and how many more there are; raw text."""
    left = count - len(first)
    names = (name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in first)
    return separator.join(names) + (f" and {left:,} more" if left > 0 else "")
