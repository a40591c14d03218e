"""Organization of an account: its accounts and units, the SCPs and RCPs of every level (AWS Organizations API)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal, Protocol, TypeVar

from msgspec import Meta, Struct

from iamtui.account.model import (
    IAM_SERVICE,
    LEVEL_ID,
    ORGANIZATION_GAP,
    Account,
    Fact,
    Gap,
    Known,
    Missing,
    Organization,
    OrganizationLevel,
    OrganizationPolicy,
)
from iamtui.account.snapshot_format import ArnText, Name
from iamtui.aws.answers import list_of, only
from iamtui.aws.caller import CallerIdentity
from iamtui.aws.errors import AwsProblem
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.sources.parallel import Step, Tasks, failure, no_step

T = TypeVar("T")

SCP: Final = "SERVICE_CONTROL_POLICY"
RCP: Final = "RESOURCE_CONTROL_POLICY"

_DEEPEST: Final = 10
"""Levels followed upwards; AWS allows five OUs below a root."""

_MOST_ACCOUNTS: Final = 50_000
_MOST_UNITS: Final = 10_000
"""Of an organization, so that no endpoint names ever new ones. AWS's quotas are 2,000 OUs, and some 10,000 accounts."""

_NO_TREE: Final = "the units do not make a tree"

_NOT_IN_FORCE: Final = PolicyDocument.of(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
_RCP_NOT_IN_FORCE: Final = PolicyDocument.of(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
)


class _Organization(Struct, rename="pascal"):
    id: Name
    master_account_id: Annotated[str, Meta(pattern="^([0-9]{12})?$")] = ""


class _Named(Struct, rename="pascal", kw_only=True):
    name: Name = ""


class _Account(_Named, rename="pascal", kw_only=True):
    id: Annotated[str, Meta(pattern=r"^[0-9]{12}\Z")]
    state: Name = ""
    status: Name = ""


class _Unit(_Named, rename="pascal", kw_only=True):
    id: Annotated[str, Meta(pattern=rf"^({LEVEL_ID})\Z")]


class _Parent(Struct, rename="pascal"):
    id: Annotated[str, Meta(pattern=rf"^({LEVEL_ID})\Z")]
    type: Literal["ROOT", "ORGANIZATIONAL_UNIT"]


class _ParentsAnswer(Struct, rename="pascal"):
    parents: Annotated[list[_Parent], Meta(min_length=1)]


class _PolicyType(Struct, rename="pascal"):
    type: str
    status: str


class _Root(Struct, rename="pascal"):
    id: Annotated[str, Meta(pattern=rf"^({LEVEL_ID})\Z")]
    policy_types: list[_PolicyType]
    name: Name = ""


class _PolicySummary(Struct, rename="pascal"):
    id: Name
    arn: ArnText = ""
    name: Name = ""


class _Content(Struct, rename="pascal"):
    content: str


class _Delegate(Struct, rename="pascal"):
    id: str


class OrganizationAnswers(Protocol):
    """Source of Organizations answers, with methods of a Connection: that itself, or a file of recorded answers."""

    def call(self, service: str, operation: str, into: type[T], /, **parameters: Any) -> T: ...

    def pages(self, service: str, operation: str, into: type[T], /, **parameters: Any) -> Iterator[T]: ...

    def unexpected(self, service: str, operation: str, what: str, /) -> Problem: ...


class AnswersToCaller(OrganizationAnswers, Protocol):
    """The same, with who asks: a Connection, or what remembers its answers."""

    def caller(self) -> CallerIdentity: ...


NOT_RECORDED: Final = "NotRecorded"
"""The code of the AwsProblem of a call whose answer is not in the file."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A level before its policies are read."""

    id: str
    name: str
    type: str


def read_organization(connection: OrganizationAnswers, account_id: str) -> Fact[Organization | None]:
    """The organization of an account, or Known(None) when the caller is in none.

    Missing, with the permission, when the way up to the root cannot be read: only the management account and
    delegated administrators may read it. When only the policies of one type cannot be read, those are Missing.
    """
    try:
        described = connection.call("organizations", "DescribeOrganization", only("Organization", _Organization)).value
        places = _way_up(connection, account_id)
        enabled = _enabled_types(connection, places[0].id)
    except AwsProblem as problem:
        if problem.code == "AWSOrganizationsNotInUseException":
            return Known(None)
        if problem.code == "AccountNotFoundException":
            return Missing(f"the organization that these credentials may read does not list the account {account_id}")
        return Missing(failure(problem), problem.permission or "organizations:DescribeOrganization")
    policies = _Policies(connection, enabled)
    levels = [
        OrganizationLevel(place.id, place.name, place.type, policies.of(place.id, SCP), policies.of(place.id, RCP))
        for place in places
    ]
    return Known(
        Organization(
            id=described.id,
            management_account=described.master_account_id,
            path=tuple(levels),
            delegated_administrators=_delegated_administrators(connection),
        )
    )


@dataclass(frozen=True, slots=True)
class OrganizationUnit:
    """A root or an OU, which contains accounts."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class OrganizationAccount:
    """An account of an organization.

    Args:
        state: as Organizations says it: "ACTIVE", "SUSPENDED", "PENDING_CLOSURE", ...
        path: the root and the OUs that it is in, the root first.
    """

    id: str
    name: str
    state: str
    path: tuple[OrganizationUnit, ...]


def read_accounts(connection: OrganizationAnswers, step: Step = no_step) -> tuple[OrganizationAccount, ...]:
    """Every account of the caller's organization, those of a root or OU before those of the OUs in it.

    Raises:
        AwsProblem: it cannot be read: only the management account and delegated administrators may.
    """
    found: dict[str, OrganizationAccount] = {}
    seen: set[str] = set()
    pages = connection.pages("organizations", "ListRoots", list_of("Roots", _Root))
    roots = [root for page in pages for root in page.value]
    waiting: list[tuple[OrganizationUnit, ...]] = [
        (OrganizationUnit(root.id, root.name or "Root"),) for root in reversed(roots)
    ]
    while waiting:
        path = waiting.pop()
        parent = path[-1].id
        if parent in seen or len(path) > _DEEPEST:
            raise connection.unexpected("organizations", "ListOrganizationalUnitsForParent", _NO_TREE)
        seen.add(parent)
        step("accounts of the organization", len(found))
        form = list_of("Accounts", _Account)
        for accounts in connection.pages("organizations", "ListAccountsForParent", form, ParentId=parent):
            for one in accounts.value:
                if one.id in found:
                    raise connection.unexpected("organizations", "ListAccountsForParent", _NO_TREE)
                found[one.id] = OrganizationAccount(one.id, one.name, one.state or one.status, path)
        form_of_units = list_of("OrganizationalUnits", _Unit)
        pages_of_units = connection.pages(
            "organizations", "ListOrganizationalUnitsForParent", form_of_units, ParentId=parent
        )
        units = [(*path, OrganizationUnit(unit.id, unit.name)) for page in pages_of_units for unit in page.value]
        waiting += reversed(units)
        if len(found) > _MOST_ACCOUNTS or len(seen) + len(waiting) > _MOST_UNITS:
            many = f"it has more than {_MOST_ACCOUNTS:,} accounts or {_MOST_UNITS:,} units"
            raise connection.unexpected("organizations", "ListAccountsForParent", many)
    return tuple(found.values())


def _delegated_administrators(connection: OrganizationAnswers) -> dict[str, tuple[str, ...]] | None:
    """The accounts that administer IAM for the organization, or None where that cannot be read."""
    try:
        form = list_of("DelegatedAdministrators", _Delegate)
        pages = connection.pages("organizations", "ListDelegatedAdministrators", form, ServicePrincipal=IAM_SERVICE)
        return {IAM_SERVICE: tuple(one.id for page in pages for one in page.value)}
    except AwsProblem:
        return None


def read_organization_with(
    connection: AnswersToCaller, account: Account, step: Step = no_step
) -> Fact[Organization | None]:
    """The organization of an account, read with other credentials than the account's own.

    It has to list the account, in the same partition: what it says of others is not taken.
    """
    with Tasks(1, step) as tasks:
        tasks.what = "organization"
        (found,) = tasks.watch(tasks.add(lambda: _read_with(connection, account)))
    return found


def _read_with(connection: AnswersToCaller, account: Account) -> Fact[Organization | None]:
    try:
        caller = connection.caller()
    except AwsProblem as problem:
        return Missing(failure(problem), "sts:GetCallerIdentity")
    if caller.partition != account.partition:
        return Missing(f"the credentials are of the partition {caller.partition}, and the account of another one")
    found = read_organization(connection, account.id)
    if found == Known(None):
        return Missing(f"the account {caller.account}, whose credentials were used, is in no organization")
    return found


def with_organization(account: Account, found: Fact[Organization | None]) -> Account:
    """The same account with what was read of its organization, and with the gap when that is Missing."""
    gaps = tuple(gap for gap in account.gaps if gap.what != ORGANIZATION_GAP)
    if isinstance(found, Missing):
        gaps = (*gaps, Gap(ORGANIZATION_GAP, found.permission, found.reason))
    return replace(account, organization=found, gaps=gaps)


def _way_up(connection: OrganizationAnswers, account_id: str) -> list[_Place]:
    account = connection.call("organizations", "DescribeAccount", only("Account", _Account), AccountId=account_id).value
    if account.id != account_id:
        raise connection.unexpected("organizations", "DescribeAccount", f"it is about the account {account.id}")
    places = [_Place(account_id, account.name, "ACCOUNT")]
    while places[0].type != "ROOT":
        if len(places) > _DEEPEST:
            raise AwsProblem("AWS Organizations gave more levels than there can be.", code="PaginationError")
        parent = connection.call("organizations", "ListParents", _ParentsAnswer, ChildId=places[0].id).parents[0]
        name = "Root"
        if parent.type != "ROOT":
            form = only("OrganizationalUnit", _Named)
            unit = connection.call(
                "organizations", "DescribeOrganizationalUnit", form, OrganizationalUnitId=parent.id
            ).value
            name = unit.name
        places.insert(0, _Place(parent.id, name, parent.type))
    return places


def _enabled_types(connection: OrganizationAnswers, root_id: str) -> frozenset[str] | None:
    """The policy types in force; a type that is not enabled restricts nothing (Organizations User Guide).

    None where a file does not say it.
    """
    try:
        for page in connection.pages("organizations", "ListRoots", list_of("Roots", _Root)):
            for root in page.value:
                if root.id == root_id:
                    return frozenset(one.type for one in root.policy_types if one.status == "ENABLED")
    except AwsProblem as problem:
        if problem.code == NOT_RECORDED:
            return None
        raise
    raise connection.unexpected("organizations", "ListRoots", f"the account's root {root_id} is not among the roots")


class _Policies:
    """Reads the policies of levels, each document once."""

    def __init__(self, connection: OrganizationAnswers, enabled: frozenset[str] | None) -> None:
        self._connection = connection
        self._enabled = enabled
        self._documents: dict[str, PolicyDocument] = {}

    def of(self, target: str, kind: str) -> Fact[tuple[OrganizationPolicy, ...]]:
        """The policies of one type attached to one level."""
        if self._enabled is not None and kind not in self._enabled:
            document = _NOT_IN_FORCE if kind == SCP else _RCP_NOT_IN_FORCE
            words = "SCPs" if kind == SCP else "RCPs"
            return Known((OrganizationPolicy("", f"{words} are not enabled in this organization", document),))
        try:
            form = list_of("Policies", _PolicySummary)
            pages = self._connection.pages("organizations", "ListPoliciesForTarget", form, TargetId=target, Filter=kind)
            found = tuple(
                OrganizationPolicy(one.arn, one.name, self._document(one.id)) for page in pages for one in page.value
            )
            if not found and self._enabled is None:
                return Missing(f"no {kind} is listed, and without list-roots it is not known whether they are enabled")
            return Known(found)
        except AwsProblem as problem:
            return Missing(failure(problem), problem.permission or "organizations:ListPoliciesForTarget")

    def _document(self, policy_id: str) -> PolicyDocument:
        if policy_id not in self._documents:
            form = only("Policy", _Content)
            answer = self._connection.call("organizations", "DescribePolicy", form, PolicyId=policy_id)
            self._documents[policy_id] = PolicyDocument(answer.value.content)
        return self._documents[policy_id]
