"""Permission sets, assignments, groups and people of an account (IAM Identity Center and identity store APIs)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Annotated, Final, Literal, TypeVar

from msgspec import Meta, Struct

from iamtui.account.identity_center import (
    Assignee,
    Duration,
    Id,
    IdentityCenter,
    IdentityGroup,
    PermissionSet,
    Person,
    Words,
    region_of_path,
)
from iamtui.account.model import Account, Fact, Known, Missing
from iamtui.aws.answers import list_of, only
from iamtui.aws.connection import Connection
from iamtui.aws.operations import iam_action
from iamtui.sources.parallel import FactReader, Step, Tasks, no_step

T = TypeVar("T")

_AT_ONCE: Final = 4
"""Calls in flight: the two services take 20 a second from an account."""

_MOST_REGIONS: Final = 4
"""An organization has one instance, in one Region; it may have moved."""
_MOST_PEOPLE: Final = 2_000
"""Most people whose names are read, a call each."""

_SSO: Final = "sso-admin"
_STORE: Final = "identitystore"
_WHERE: Final = "it is in the management account of the organization, or in the delegated one"

_MOST_SETS: Final = 2_000
"""The quota of permission sets of an instance."""
_MOST_LISTED: Final = 200_000
"""How many assignments and memberships are read in all."""

_Arn = Annotated[str, Meta(max_length=1224)]


class _CenterInstance(Struct, rename="pascal"):
    instance_arn: _Arn
    identity_store_id: Id
    owner_account_id: Id = ""


class _PermissionSet(Struct, rename="pascal"):
    name: Words
    description: Words = ""
    session_duration: Duration = ""


class _Assignment(Struct, rename="pascal"):
    principal_type: Literal["USER", "GROUP"]
    principal_id: Id


class _Member(Struct, rename="pascal"):
    user_id: Annotated[str, Meta(min_length=1, max_length=128)]


class _Membership(Struct, rename="pascal"):
    member_id: _Member


class _Group(Struct, rename="pascal"):
    group_id: Id
    display_name: Words = ""


class _StoreUser(Struct, rename="pascal"):
    user_id: Id
    user_name: Words = ""
    display_name: Words = ""


def read_identity_center(connection: Connection, account: Account, step: Step = no_step) -> Fact[IdentityCenter]:
    """Read an account's assignments in IAM Identity Center, in the Region that the paths of its roles name.

    Missing where the credentials may not read it, which takes those of the management account or of a delegated
    administrator. What only a part of it takes is left out, and named in `unread`.
    """
    regions = dict.fromkeys(filter(None, (region_of_path(role.path) for role in account.roles)))
    if not regions:
        return Missing("the account has no role of IAM Identity Center")
    with Tasks(_AT_ONCE, step) as tasks:
        tasks.what = "IAM Identity Center"
        found: Fact[IdentityCenter] = Missing("no Region")
        for region in islice(regions, _MOST_REGIONS):
            found = _IdentityCenterReader(connection, account.id, region, tasks).read()
            if isinstance(found, Known):
                break
    return found


class _IdentityCenterReader:
    """One reading of the instance of a Region."""

    def __init__(self, connection: Connection, account_id: str, region: str, tasks: Tasks) -> None:
        self._connection = connection
        self._account_id = account_id
        self._region = region
        self._tasks = tasks
        self._facts = FactReader()
        self._unread: dict[str, None] = {}
        self._listed = 0

    def read(self) -> Fact[IdentityCenter]:
        form = list_of("Instances", _CenterInstance)
        ask = partial(self._connection.pages, _SSO, "ListInstances", form, in_region=self._region)
        instances = self._alone(_SSO, "ListInstances", lambda: [one for page in ask() for one in page.value])
        if isinstance(instances, Missing):
            return Missing(f"{instances.reason}: {_WHERE}", instances.permission)
        listed: Fact[tuple[str, ...]] = Missing(f"no instance is visible in {self._region}", "sso:ListInstances")
        for instance in instances.value:
            listed = self._alone(
                _SSO, "ListPermissionSetsProvisionedToAccount", partial(self._provisioned, instance.instance_arn)
            )
            if isinstance(listed, Known) and listed.value:
                return Known(self._read(instance, listed.value))
            if isinstance(listed, Known):
                # An instance of this account alone, which gives nobody its roles.
                listed = Missing(f"{instance.instance_arn} has no permission set in this account")
        assert isinstance(listed, Missing)
        return Missing(f"{listed.reason}: {_WHERE}", listed.permission)

    def _alone(self, service: str, operation: str, read: Callable[[], T]) -> Fact[T]:
        (found,) = self._each(service, operation, [read])
        return found

    def _each(self, service: str, operation: str, reads: Iterable[Callable[[], T]]) -> Sequence[Fact[T]]:
        """Results of several reads of one permission, some at a time."""
        permission = iam_action(service, operation)
        found = self._tasks.do_all(partial(self._facts.fact, permission, read) for read in reads)
        for one in found:
            if isinstance(one, Missing):
                self._unread[one.permission or permission] = None
        return found

    def _provisioned(self, instance: str) -> tuple[str, ...]:
        pages = self._connection.pages(
            _SSO, "ListPermissionSetsProvisionedToAccount", list_of("PermissionSets", _Arn), in_region=self._region,
            InstanceArn=instance, AccountId=self._account_id,
        )  # fmt: skip
        found = dict.fromkeys(arn for page in pages for arn in page.value)
        if len(found) > _MOST_SETS:
            what = f"it names more than {_MOST_SETS:,} permission sets"
            raise self._connection.unexpected(_SSO, "ListPermissionSetsProvisionedToAccount", what)
        return tuple(found)

    def _count(self, service: str, operation: str, entries: int) -> None:
        """Count what is listed, and end a listing where all of them together become too long."""
        self._listed += entries
        if self._listed > _MOST_LISTED:
            what = f"all listings together have more than {_MOST_LISTED:,} entries"
            raise self._connection.unexpected(service, operation, what)

    def _read(self, instance: _CenterInstance, arns: Sequence[str]) -> IdentityCenter:
        self._unread.clear()
        described = self._each(_SSO, "DescribePermissionSet", [partial(self._describe, instance, arn) for arn in arns])
        assigned = self._each(
            _SSO, "ListAccountAssignments", [partial(self._assignments, instance, arn) for arn in arns]
        )
        sets = tuple(
            PermissionSet(arn, one.value.name, one.value.description, one.value.session_duration, to.value_or(None))
            for arn, one, to in zip(arns, described, assigned, strict=True)
            if isinstance(one, Known)
        )
        groups, people = self._store(instance.identity_store_id, sets)
        return IdentityCenter(
            instance.instance_arn, instance.identity_store_id, instance.owner_account_id, sets, groups, people,
            tuple(self._unread),
        )  # fmt: skip

    def _store(self, store: str, sets: Sequence[PermissionSet]) -> tuple[tuple[IdentityGroup, ...], tuple[Person, ...]]:
        """The groups and the people that permission sets are assigned to, those in the groups too."""
        assignees = dict.fromkeys(one for each in sets for one in each.assignees or ())
        ids = [one.id for one in assignees if one.type == "GROUP"]
        ask = partial(self._connection.call, in_region=self._region, IdentityStoreId=store)
        described = self._each(
            _STORE, "DescribeGroup", [partial(ask, _STORE, "DescribeGroup", _Group, GroupId=one) for one in ids]
        )
        members = self._each(_STORE, "ListGroupMemberships", [partial(self._members, store, one) for one in ids])
        groups = tuple(
            IdentityGroup(group, one.value.display_name if isinstance(one, Known) else "", listed.value_or(None))
            for group, one, listed in zip(ids, described, members, strict=True)
        )
        wanted = dict.fromkeys(one.id for one in assignees if one.type == "USER")
        wanted |= dict.fromkeys(one for group in groups for one in group.members or ())
        asked = list(wanted)[:_MOST_PEOPLE]
        users = self._each(
            _STORE, "DescribeUser", [partial(ask, _STORE, "DescribeUser", _StoreUser, UserId=one) for one in asked]
        )
        return groups, tuple(
            Person(id_, one.value.user_name, one.value.display_name)
            for id_, one in zip(asked, users, strict=True)
            if isinstance(one, Known)
        )

    def _describe(self, instance: _CenterInstance, arn: str) -> _PermissionSet:
        return self._connection.call(
            _SSO, "DescribePermissionSet", only("PermissionSet", _PermissionSet), in_region=self._region,
            InstanceArn=instance.instance_arn, PermissionSetArn=arn,
        ).value  # fmt: skip

    def _assignments(self, instance: _CenterInstance, arn: str) -> tuple[Assignee, ...]:
        pages = self._connection.pages(
            _SSO, "ListAccountAssignments", list_of("AccountAssignments", _Assignment), in_region=self._region,
            InstanceArn=instance.instance_arn, AccountId=self._account_id, PermissionSetArn=arn,
        )  # fmt: skip
        found: list[Assignee] = []
        for page in pages:
            self._count(_SSO, "ListAccountAssignments", len(page.value))
            found += (Assignee(one.principal_type, one.principal_id) for one in page.value)
        return tuple(found)

    def _members(self, store: str, group: str) -> tuple[str, ...]:
        pages = self._connection.pages(
            _STORE, "ListGroupMemberships", list_of("GroupMemberships", _Membership), in_region=self._region,
            IdentityStoreId=store, GroupId=group,
        )  # fmt: skip
        found: dict[str, None] = {}
        for page in pages:
            self._count(_STORE, "ListGroupMemberships", len(page.value))
            found |= dict.fromkeys(one.member_id.user_id for one in page.value)
        return tuple(found)
