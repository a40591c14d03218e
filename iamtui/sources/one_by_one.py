"""Users, groups, roles and policies by their List and Get calls, where GetAccountAuthorizationDetails is denied.

What comes has the form of that listing. Each part of an entity that cannot be read is noted as unread, with its
permission: it may allow and forbid anything.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from iamtui.account.authorization_details import account_from_pages
from iamtui.account.model import (
    NOT_LOADED,
    UNLISTED,
    Account,
    Entity,
    Fact,
    Group,
    Known,
    ManagedPolicy,
    Missing,
    Role,
    User,
)
from iamtui.account.snapshot_format import SnapshotShape, TagShape
from iamtui.aws.answers import list_of, only
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.problem import Problem
from iamtui.sources.parallel import ACCESS_DENIED, FactReader, Tasks
from iamtui.text import counted
from iamtui.typed_json import prepared

Held: TypeAlias = User | Group | Role
T = TypeVar("T")
Json = dict[str, Any]

_FEW: Final = 1000
"""The largest page AWS gives."""

_AT_ONCE: Final = 8
"""Calls in flight: each is short, and there are thousands."""


_PAGES: Final = msgspec.json.Decoder(prepared(SnapshotShape))


def read_again(connection: Connection, account: Account, entity: Held | ManagedPolicy) -> Account:
    """The account with one of its entities as that is now, and the managed policies that it names.

    Raises:
        Problem: a part of it cannot be read; nothing of it is taken then.
    """
    found = OneByOne().read_again(connection, entity, account)
    if found is None:
        return _with(account, entity, None)
    header = {"version": 1, "account_id": account.id, "partition": account.partition}
    page = page_of(found | {"iamtui": header})
    now = account_from_pages([page], origin=origin_of(connection), absent=NOT_LOADED.reason)
    entities: tuple[Held | ManagedPolicy, ...] = (*now.policies, *now.groups, *now.users, *now.roles)
    for read in entities:
        # One that was made anew under another path has another ARN.
        is_same = type(read) is type(entity) and read.name == entity.name and not isinstance(read, ManagedPolicy)
        account = _with(account, entity if is_same else account.by_arn(read.arn) or read, read)
    return account


def _with(account: Account, was: Entity, now: Entity | None) -> Account:
    """The account with an entity in the place of what it was; None: it is not there any more."""
    kind = _KINDS[type(was)].name
    if isinstance(was, ManagedPolicy) and isinstance(now, ManagedPolicy) and (not was.id or was.id == now.id):
        # Only the version in force is read again.
        in_force = now.versions[0].id
        older = (msgspec.structs.replace(one, is_default=False) for one in was.versions if one.id != in_force)
        now = replace(was, **{name: getattr(now, name) for name in _READ_OF_POLICIES}, versions=(*now.versions, *older))
    entities = [now if one.arn == was.arn else one for one in getattr(account, kind)]
    if now is not None and account.by_arn(was.arn) is None:
        entities.append(now)
    changed: dict[str, Any] = {kind: tuple(one for one in entities if one is not None)}
    return replace(account, **changed)


_READ_OF_POLICIES: Final = ("attachment_count", "boundary_count", "updated")


def page_of(answer: dict[str, Any]) -> SnapshotShape:
    """An answer of boto3, through the same decoder as a file."""
    wanted = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
    return _PAGES.decode(msgspec.json.encode(wanted))


def origin_of(connection: Connection) -> str:
    return f"The account at {connection.endpoint_url}" if connection.endpoint_url else "The account"


class _Listed(Struct, rename="pascal", kw_only=True):
    """Members that users, groups, roles and policies of lists have in common."""

    arn: str
    path: str = "/"
    create_date: datetime | None = None


class _ListedUser(_Listed, rename="pascal", kw_only=True):
    user_name: str
    user_id: str = ""


class _ListedGroup(_Listed, rename="pascal", kw_only=True):
    group_name: str
    group_id: str = ""


class _ListedRole(_Listed, rename="pascal", kw_only=True):
    role_name: str
    role_id: str = ""
    assume_role_policy_document: str | None = None


class _ListedPolicy(_Listed, rename="pascal", kw_only=True):
    default_version_id: str
    policy_name: str | None = None
    policy_id: str = ""
    attachment_count: int | None = None
    permissions_boundary_usage_count: int | None = None
    description: str | None = None
    update_date: datetime | None = None


class _WholeUser(_ListedUser, rename="pascal"):
    password_last_used: datetime | None = None


class _WholeRole(_ListedRole, rename="pascal"):
    description: str | None = None
    max_session_duration: int | None = None


class _Version(Struct, rename="pascal"):
    document: str
    version_id: str
    create_date: datetime | None = None


class _Boundary(Struct, rename="pascal"):
    permissions_boundary_arn: str


class _LastUsed(Struct, rename="pascal"):
    last_used_date: datetime | None = None
    region: str | None = None


class _Details(Struct, rename="pascal"):
    """Members that listings leave out. `arn` identifies the entity."""

    arn: str
    permissions_boundary: _Boundary | None = None
    tags: list[TagShape] = []
    role_last_used: _LastUsed | None = None


class _Inline(Struct, rename="pascal"):
    policy_name: str
    policy_document: str
    user_name: str | None = None
    group_name: str | None = None
    role_name: str | None = None

    def is_of(self, holder: Mapping[str, str], policy: str) -> bool:
        """True if it is the answer about this policy of this user, group or role.

        Args:
            holder: the parameter that named it.
        """
        found = {"UserName": self.user_name, "GroupName": self.group_name, "RoleName": self.role_name}
        return self.policy_name == policy and {key: name for key, name in found.items() if name} == holder


class _Attachment(Struct, rename="pascal"):
    policy_arn: str
    policy_name: str | None = None


class _EntityKind(NamedTuple):
    """How one kind of entity is read with its policies, and what those are called in the listing of all."""

    name: str
    get: str
    form: type[_Listed]
    parameter: str
    list_inline: str = ""
    get_inline: str = ""
    list_attached: str = ""
    inline_key: str = ""


_KINDS: Final[dict[type, _EntityKind]] = {
    User: _EntityKind(
        "users", "User", _WholeUser, "UserName",
        "ListUserPolicies", "GetUserPolicy", "ListAttachedUserPolicies", "UserPolicyList",
    ),
    Group: _EntityKind(
        "groups", "Group", _ListedGroup, "GroupName",
        "ListGroupPolicies", "GetGroupPolicy", "ListAttachedGroupPolicies", "GroupPolicyList",
    ),
    Role: _EntityKind(
        "roles", "Role", _WholeRole, "RoleName",
        "ListRolePolicies", "GetRolePolicy", "ListAttachedRolePolicies", "RolePolicyList",
    ),
    ManagedPolicy: _EntityKind("policies", "Policy", _ListedPolicy, "PolicyArn"),
}  # fmt: skip


class OneByOne(FactReader):
    """The entities of an account, as far as they are read: a call that succeeded is not repeated.

    Attributes:
        why_nothing: why a list could not be read that was not denied, where `read` gives nothing; or "".
    """

    def __init__(self) -> None:
        super().__init__()
        self.why_nothing = ""
        self._came: dict[Hashable, Known[Any]] = {}
        self._lock = threading.Lock()
        self._lacking: Counter[tuple[str, str, str, str]] = Counter()
        self._unread: dict[str, list[Json]] = {}

    def read(self, connection: Connection, tasks: Tasks) -> Json | None:
        """Read what is lacking, and return all in the form of GetAccountAuthorizationDetails, and of a snapshot.

        None where no list of entities may be read.
        """
        self.begin_again()
        self._lacking.clear()
        self._unread.clear()
        tasks.at_once = _AT_ONCE
        tasks.what, tasks.done = "lists of users, groups, roles and policies", 0
        users_read = tasks.add(lambda: self._all(connection, "ListUsers", "Users", _ListedUser))
        groups_read = tasks.add(lambda: self._all(connection, "ListGroups", "Groups", _ListedGroup))
        roles_read = tasks.add(lambda: self._all(connection, "ListRoles", "Roles", _ListedRole))
        policies_read = tasks.add(lambda: self._all(connection, "ListPolicies", "Policies", _ListedPolicy))
        tasks.watch(users_read), tasks.watch(groups_read), tasks.watch(roles_read), tasks.watch(policies_read)
        users, groups, roles = users_read.result(), groups_read.result(), roles_read.result()
        policies = policies_read.result()
        lists = {"users": users, "groups": groups, "roles": roles, "policies": policies}
        failed = [listed.reason for listed in lists.values() if isinstance(listed, Missing)]
        if len(failed) == len(lists):
            self.why_nothing = next((reason for reason in failed if reason != ACCESS_DENIED), "")
            return None
        everybody = len(users.value_or(())) + len(groups.value_or(())) + len(roles.value_or(()))
        tasks.what = f"{counted(everybody, 'user, group or role', 'users, groups and roles')} one by one:"
        memberships = self._memberships(connection, tasks, groups)
        found: Json = {
            "GroupDetailList": tasks.do_all(partial(self._group, connection, one) for one in groups.value_or(())),
            "RoleDetailList": tasks.do_all(partial(self._role, connection, one) for one in roles.value_or(())),
            "UserDetailList": tasks.do_all(
                partial(self._user, connection, one, memberships) for one in users.value_or(())
            ),
        }
        known = {one.arn: one for one in policies.value_or(())}
        arns = sorted({*(arn for arn in known if ":iam::aws:" not in arn), *_named(found)})
        tasks.what, tasks.done = f"{counted(len(arns), 'policy', 'policies')} one by one:", 0
        read = tasks.do_all(partial(self._policy, connection, arn, known.get(arn)) for arn in arns)
        found["Policies"] = [policy for policy in read if policy is not None]
        found["unread"] = dict(self._unread)
        found["missing"] = [
            {"what": UNLISTED[kind], "permission": listed.permission, "error": listed.reason}
            for kind, listed in lists.items()
            if isinstance(listed, Missing)
        ]
        found["missing"] += [
            {
                "what": f"{part} of {count:,} {kind if count > 1 else kind.removesuffix('s')}",
                "permission": permission,
                "error": reason,
            }
            for (part, kind, permission, reason), count in self._lacking.items()
        ]
        return found

    def read_again(self, connection: Connection, entity: Held | ManagedPolicy, account: Account) -> Json | None:
        """An entity and the managed policies that it names, and of a user the groups that the account lacks.

        None where it is not there any more.

        Raises:
            Problem: a part of it cannot be read.
        """
        found: Json = {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": []}
        try:
            one = _ask_again(connection, entity)
        except AwsProblem as problem:
            if problem.code == "NoSuchEntity":
                return None
            raise
        policies: dict[str, _ListedPolicy] = {}
        if isinstance(one, _WholeUser):
            user = self._user(connection, one, None)
            found |= {"UserDetailList": [user], "user_details": {one.user_name: _as_json(one)}}
            for name in user["GroupList"]:
                if account.group(name) is None:
                    group = connection.call("iam", "GetGroup", only("Group", _ListedGroup), GroupName=name).value
                    found["GroupDetailList"].append(self._group(connection, group))
        elif isinstance(one, _WholeRole):
            role = self._role(connection, one)
            found |= {"RoleDetailList": [role], "role_details": {one.role_name: _as_json(one)}}
        elif isinstance(one, _ListedGroup):
            found["GroupDetailList"] = [self._group(connection, one)]
        elif isinstance(one, _ListedPolicy):
            policies[one.arn] = one
        for arn in sorted({*policies, *_named(found)}):
            policy = self._policy(connection, arn, policies.get(arn))
            if policy is None or "PolicyVersionList" not in policy:
                raise _not_alone(entity, f"the document of {arn}", "iam:GetPolicy and iam:GetPolicyVersion")
            found["Policies"].append(policy)
        for part in (part for parts in self._unread.values() for part in parts):
            raise _not_alone(entity, part["part"], part["permission"])
        return found

    def _once(self, operation: str, read: Callable[[], T], *about: str) -> Fact[T]:
        """Result of a call, which is repeated until it succeeds; or the reason why it failed.

        Args:
            about: the values of its parameters.
        """
        came = self._came.get((operation, *about))
        if came is not None:
            return came
        fact = self.fact(f"iam:{operation}", read)
        if isinstance(fact, Known):
            self._came[operation, *about] = fact
        return fact

    def _answer(self, connection: Connection, operation: str, key: str, form: type[T], **about: str) -> Fact[T]:
        """A part of the answer of a call."""
        read = lambda: connection.call("iam", operation, only(key, form), **about).value  # noqa: E731
        return self._once(operation, read, *about.values())

    def _all(self, connection: Connection, operation: str, key: str, form: type[T], **about: str) -> Fact[list[T]]:
        """The entries of all pages of a list."""

        def read() -> list[T]:
            pages = connection.pages("iam", operation, list_of(key, form), MaxItems=_FEW, **about)
            return [value for page in pages for value in page.value]

        return self._once(operation, read, *about.values())

    def _memberships(
        self, connection: Connection, tasks: Tasks, groups: Fact[list[_ListedGroup]]
    ) -> dict[str, list[str]] | None:
        """The groups of each user, by the members of each group; None where those of one group are not known."""
        if isinstance(groups, Missing):
            return None
        reading = [
            tasks.add(partial(self._all, connection, "GetGroup", "Users", _ListedUser, GroupName=group.group_name))
            for group in groups.value
        ]
        found: dict[str, list[str]] = {}
        for group, members in zip(groups.value, tasks.watch(*reading), strict=True):
            if isinstance(members, Missing):
                return None
            for user in members.value:
                found.setdefault(user.user_name, []).append(group.group_name)
        return found

    # One entity, in the form of GetAccountAuthorizationDetails.

    def _user(self, connection: Connection, listed: _ListedUser, memberships: dict[str, list[str]] | None) -> Json:
        name = listed.user_name
        user = _as_json(listed)
        if memberships is not None:
            user["GroupList"] = memberships.get(name, [])
        else:
            groups = self._all(connection, "ListGroupsForUser", "Groups", _ListedGroup, UserName=name)
            user["GroupList"] = [group.group_name for group in groups.value_or(())]
            self._note_missing(listed.arn, "groups", "users", groups)
        details = self._answer(connection, "GetUser", "User", _Details, UserName=name)
        return (
            user | self._details(listed.arn, "users", details) | self._own(connection, _KINDS[User], name, listed.arn)
        )

    def _group(self, connection: Connection, listed: _ListedGroup) -> Json:
        return _as_json(listed) | self._own(connection, _KINDS[Group], listed.group_name, listed.arn)

    def _role(self, connection: Connection, listed: _ListedRole) -> Json:
        name = listed.role_name
        details = self._answer(connection, "GetRole", "Role", _Details, RoleName=name)
        role = _as_json(listed) | self._details(listed.arn, "roles", details)
        if isinstance(details, Known):
            role["RoleLastUsed"] = _as_json(details.value.role_last_used or _LastUsed())
        return role | self._own(connection, _KINDS[Role], name, listed.arn)

    def _details(self, arn: str, kind: str, fact: Fact[_Details]) -> Json:
        """The boundary and the tags of a user or role."""
        if isinstance(fact, Known) and fact.value.arn != arn:
            fact = Missing(f"the answer was about {fact.value.arn}")
        self._note_missing(arn, "permissions boundary", kind, fact)
        self._note_missing(arn, "tags", kind, fact)
        if isinstance(fact, Missing):
            return {}
        found: Json = {"Tags": msgspec.to_builtins(fact.value.tags)}
        if fact.value.permissions_boundary is not None:
            found["PermissionsBoundary"] = _as_json(fact.value.permissions_boundary)
        return found

    def _own(self, connection: Connection, kind: _EntityKind, name: str, arn: str) -> Json:
        """The inline and the attached policies of an entity."""
        whose = {kind.parameter: name}
        listed = self._all(connection, kind.list_inline, "PolicyNames", str, **whose)
        self._note_missing(arn, "inline policies", kind.name, listed)
        policies: list[Json] = []
        for policy in listed.value_or(()):
            about = {"PolicyName": policy, **whose}
            ask = partial(connection.call, "iam", kind.get_inline, _Inline, **about)
            document: Fact[_Inline] = self._once(kind.get_inline, ask, *about.values())
            if isinstance(document, Known) and not document.value.is_of(whose, policy):
                document = Missing(f"the answer was not about its policy {policy}", f"iam:{kind.get_inline}")
            self._note_missing(arn, "inline policies", kind.name, document)
            if isinstance(document, Known):
                policies.append({"PolicyName": policy, "PolicyDocument": document.value.policy_document})
        attached = self._all(connection, kind.list_attached, "AttachedPolicies", _Attachment, **whose)
        self._note_missing(arn, "attached policies", kind.name, attached)
        return {kind.inline_key: policies, "AttachedManagedPolicies": [*map(_as_json, attached.value_or(()))]}

    def _policy(self, connection: Connection, arn: str, listed: _ListedPolicy | None) -> Json | None:
        """A managed policy with the version in force; None where nothing of it can be read."""
        if listed is None:
            found = self._answer(connection, "GetPolicy", "Policy", _ListedPolicy, PolicyArn=arn)
            if isinstance(found, Missing):
                return None
            listed = found.value
        version_id = listed.default_version_id
        policy = _as_json(listed)
        about = {"PolicyArn": arn, "VersionId": version_id}
        version = self._answer(connection, "GetPolicyVersion", "PolicyVersion", _Version, **about)
        if isinstance(version, Known) and (listed.arn, version.value.version_id) == (arn, version_id):
            policy["PolicyVersionList"] = [_as_json(version.value) | {"IsDefaultVersion": True}]
        return policy

    def _note_missing(self, arn: str, part: str, kind: str, fact: Fact[Any]) -> None:
        if isinstance(fact, Known):
            return
        with self._lock:
            parts = self._unread.setdefault(arn, [])
            if all(one["part"] != part for one in parts):
                parts.append({"part": part, "permission": fact.permission, "reason": fact.reason})
                self._lacking[part, kind, fact.permission, fact.reason] += 1


def _ask_again(connection: Connection, entity: Held | ManagedPolicy) -> _Listed:
    """Read an entity itself again."""
    kind = _KINDS[type(entity)]
    name = entity.arn if isinstance(entity, ManagedPolicy) else entity.name
    one = connection.call("iam", f"Get{kind.get}", only(kind.get, kind.form), **{kind.parameter: name}).value
    if name not in (one.arn, _as_json(one).get(kind.parameter)):
        raise connection.unexpected("iam", f"Get{kind.get}", f"it is not about {entity.name}")
    return one


def _not_alone(entity: Held | ManagedPolicy, what: str, permission: str) -> Problem:
    return Problem(
        f"{entity.name} stays as it was: {what} could not be read again (needs {permission}).",
        "Read the whole account again with R.",
    )


def _as_json(record: Struct) -> Json:
    """A record as AWS names its fields, without those that it lacks."""
    return {key: value for key, value in msgspec.to_builtins(record).items() if value is not None}


def _named(found: Json) -> Iterator[str]:
    """The managed policies that are attached to entities, or are boundaries."""
    for key in ("UserDetailList", "GroupDetailList", "RoleDetailList"):
        for entity in found[key]:
            yield from (one["PolicyArn"] for one in entity["AttachedManagedPolicies"])
            if "PermissionsBoundary" in entity:
                yield entity["PermissionsBoundary"]["PermissionsBoundaryArn"]
