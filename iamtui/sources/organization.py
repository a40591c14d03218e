"""Where an account stands in its organization, and the SCPs and RCPs of every level (AWS Organizations API)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from iamtui.account.availability import Fact, Gap, Known, Missing
from iamtui.account.model import Account
from iamtui.account.organization import ORGANIZATION_GAP, Organization, OrganizationLevel, OrganizationPolicy
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.policy.document import PolicyDocument
from iamtui.sources.reading import Step, failure, no_step

SCP: Final = "SERVICE_CONTROL_POLICY"
RCP: Final = "RESOURCE_CONTROL_POLICY"

_DEEPEST: Final = 10
"""Levels followed upwards; AWS allows five OUs below a root."""

_NOT_IN_FORCE: Final = PolicyDocument.of(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
_RCP_NOT_IN_FORCE: Final = PolicyDocument.of(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
)


@dataclass(frozen=True, slots=True)
class _Place:
    """A level before its policies are read."""

    id: str
    name: str
    type: str


def read_organization(connection: Connection, account_id: str, step: Step = no_step) -> Fact[Organization | None]:
    """The organization of an account, or Known(None) when it is in none.

    Missing, with the permission, when the way up to the root cannot be read: only the management account and
    delegated administrators may read it. When only the policies of one type cannot be read, those are Missing.
    """
    step("organization", 0)
    try:
        described = connection.call("organizations", "DescribeOrganization")["Organization"]
        places = _way_up(connection, account_id, step)
        enabled = _enabled_types(connection, places[0].id)
    except AwsProblem as problem:
        if problem.code == "AWSOrganizationsNotInUseException":
            return Known(None)
        return Missing(failure(problem), problem.permission or "organizations:DescribeOrganization")
    policies = _Policies(connection, enabled)
    levels: list[OrganizationLevel] = []
    for place in places:
        step("organization", len(levels))
        levels.append(
            OrganizationLevel(place.id, place.name, place.type, policies.of(place.id, SCP), policies.of(place.id, RCP))
        )
    return Known(
        Organization(
            id=str(described.get("Id", "")),
            management_account=str(described.get("MasterAccountId", "")),
            path=tuple(levels),
        )
    )


def with_organization(account: Account, found: Fact[Organization | None]) -> Account:
    """The same account with what was read of its organization, and with the gap when that is Missing."""
    gaps = tuple(gap for gap in account.gaps if gap.what != ORGANIZATION_GAP)
    if isinstance(found, Missing):
        gaps = (*gaps, Gap(ORGANIZATION_GAP, found.permission, found.reason))
    return replace(account, organization=found, gaps=gaps)


def _way_up(connection: Connection, account_id: str, step: Step) -> list[_Place]:
    """The levels from the root to the account."""
    account = connection.call("organizations", "DescribeAccount", AccountId=account_id)["Account"]
    places = [_Place(account_id, str(account.get("Name", "")), "ACCOUNT")]
    while places[0].type != "ROOT":
        if len(places) > _DEEPEST:
            raise AwsProblem("AWS Organizations gave more levels than there can be.", code="PaginationError")
        step("organization", len(places))
        parents = connection.call("organizations", "ListParents", ChildId=places[0].id).get("Parents") or []
        if not parents:
            raise AwsProblem(f"AWS Organizations gave no parent of {places[0].id}.", code="ParentNotFound")
        parent_id, kind = str(parents[0]["Id"]), str(parents[0]["Type"])
        name = "Root"
        if kind != "ROOT":
            unit = connection.call("organizations", "DescribeOrganizationalUnit", OrganizationalUnitId=parent_id)[
                "OrganizationalUnit"
            ]
            name = str(unit.get("Name", ""))
        places.insert(0, _Place(parent_id, name, kind))
    return places


def _enabled_types(connection: Connection, root_id: str) -> frozenset[str]:
    """The policy types in force; a type that is not enabled restricts nothing (Organizations User Guide)."""
    for page in connection.pages("organizations", "ListRoots"):
        for root in page.get("Roots") or ():
            if root.get("Id") == root_id:
                return frozenset(
                    str(one["Type"]) for one in root.get("PolicyTypes") or () if one.get("Status") == "ENABLED"
                )
    return frozenset()


class _Policies:
    """Reads the policies of levels, each document once."""

    def __init__(self, connection: Connection, enabled: frozenset[str]) -> None:
        self._connection = connection
        self._enabled = enabled
        self._documents: dict[str, PolicyDocument] = {}

    def of(self, target: str, kind: str) -> Fact[tuple[OrganizationPolicy, ...]]:
        """The policies of one type attached to one level."""
        if kind not in self._enabled:
            document = _NOT_IN_FORCE if kind == SCP else _RCP_NOT_IN_FORCE
            words = "SCPs" if kind == SCP else "RCPs"
            return Known((OrganizationPolicy("", f"{words} are not enabled in this organization", document),))
        try:
            return Known(
                tuple(
                    OrganizationPolicy(str(one.get("Arn", "")), str(one.get("Name", "")), self._document(one))
                    for page in self._connection.pages(
                        "organizations", "ListPoliciesForTarget", TargetId=target, Filter=kind
                    )
                    for one in page.get("Policies") or ()
                )
            )
        except AwsProblem as problem:
            return Missing(failure(problem), problem.permission or "organizations:ListPoliciesForTarget")

    def _document(self, summary: dict[str, Any]) -> PolicyDocument:
        policy_id = str(summary["Id"])
        if policy_id not in self._documents:
            answer = self._connection.call("organizations", "DescribePolicy", PolicyId=policy_id)
            self._documents[policy_id] = PolicyDocument(str(answer["Policy"].get("Content", "")))
        return self._documents[policy_id]
