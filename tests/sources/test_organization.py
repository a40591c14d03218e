from __future__ import annotations

import json
from typing import Any

import pytest

from iamtui.account.model import Known, Missing, Organization, OrganizationPolicy
from iamtui.aws.connection import Connection
from iamtui.sources.live import load_live
from iamtui.sources.organization import RCP, SCP, read_organization
from tests.support.fault_proxy import Answer, FaultProxy, Reset, json_error
from tests.support.moto_server import ACCOUNT, MotoServer, policy

DENY_ALL = policy({"Effect": "Deny", "Action": "*", "Resource": "*"})


def connect(url: str) -> Connection:
    return Connection.open(profile=None, region=None, endpoint_url=url)


class Company:
    """An organization in moto: root, one OU, and a member account in it."""

    def __init__(self, moto: MotoServer) -> None:
        self.api: Any = moto.client("organizations")
        self.id = self.api.create_organization(FeatureSet="ALL")["Organization"]["Id"]
        self.root = self.api.list_roots()["Roots"][0]["Id"]
        unit = self.api.create_organizational_unit(ParentId=self.root, Name="Prod [red]")
        self.unit = unit["OrganizationalUnit"]["Id"]
        status = self.api.create_account(Email="a@example.com", AccountName="member")["CreateAccountStatus"]
        self.member = status["AccountId"]
        self.api.move_account(AccountId=self.member, SourceParentId=self.root, DestinationParentId=self.unit)

    def enable(self, kind: str) -> None:
        self.api.enable_policy_type(RootId=self.root, PolicyType=kind)

    def attach(self, kind: str, name: str, target: str) -> str:
        made = self.api.create_policy(Content=DENY_ALL, Description="d", Name=name, Type=kind)["Policy"]
        self.api.attach_policy(PolicyId=made["PolicySummary"]["Id"], TargetId=target)
        return str(made["PolicySummary"]["Arn"])


def levels(found: object) -> tuple[Any, ...]:
    assert isinstance(found, Known)
    assert isinstance(found.value, Organization)
    return found.value.path


def names(fact: object) -> list[str]:
    assert isinstance(fact, Known)
    policies: tuple[OrganizationPolicy, ...] = fact.value
    return [one.name for one in policies]


def test_no_organization(moto: MotoServer) -> None:
    assert read_organization(connect(moto.url), ACCOUNT) == Known(None)


def test_the_whole_path_with_its_policies(moto: MotoServer) -> None:
    company = Company(moto)
    company.enable(SCP)
    arn = company.attach(SCP, "no-leaving", company.unit)

    found = read_organization(connect(moto.url), company.member)

    root, unit, account = levels(found)
    assert isinstance(found, Known)
    assert found.value is not None
    assert (found.value.id, found.value.management_account) == (company.id, ACCOUNT)
    assert found.value.org_path == f"{company.id}/{company.root}/{company.unit}/"
    assert [(one.id, one.name, one.type) for one in (root, unit, account)] == [
        (company.root, "Root", "ROOT"),
        (company.unit, "Prod [red]", "ORGANIZATIONAL_UNIT"),
        (company.member, "member", "ACCOUNT"),
    ]
    assert names(root.scps) == ["FullAWSAccess"]
    assert "no-leaving" in names(unit.scps)
    (attached,) = (one for one in unit.scps.value if one.name == "no-leaving")
    assert attached.arn == arn
    assert attached.document.value == json.loads(DENY_ALL)


def test_a_type_that_is_not_enabled_restricts_nothing_and_says_so(moto: MotoServer) -> None:
    company = Company(moto)

    for level in levels(read_organization(connect(moto.url), company.member)):
        assert names(level.scps) == ["SCPs are not enabled in this organization"]
        assert names(level.rcps) == ["RCPs are not enabled in this organization"]
        for fact in (level.scps, level.rcps):
            statement = fact.value[0].document.policy.statements[0]
            assert (statement.effect, statement.actions, statement.resources) == ("Allow", ("*",), ("*",))


def test_rcps(moto: MotoServer) -> None:
    company = Company(moto)
    company.enable(RCP)
    company.attach(RCP, "perimeter", company.root)

    root = levels(read_organization(connect(moto.url), company.member))[0]

    assert "perimeter" in names(root.rcps)
    assert names(root.scps) == ["SCPs are not enabled in this organization"]


@pytest.mark.parametrize(
    "operation", ["DescribeOrganization", "DescribeAccount", "ListParents", "DescribeOrganizationalUnit", "ListRoots"]
)
def test_a_path_that_cannot_be_read_is_missing_with_its_permission(
    moto: MotoServer, fault_proxy: FaultProxy, operation: str
) -> None:
    company = Company(moto)
    fault_proxy.on(operation, json_error(400, "AccessDeniedException", "You don't have permissions"))

    assert read_organization(connect(fault_proxy.url), company.member) == Missing(
        "access denied", f"organizations:{operation}"
    )


@pytest.mark.parametrize("operation", ["ListPoliciesForTarget", "DescribePolicy"])
def test_policies_that_cannot_be_read_are_missing_never_none(
    moto: MotoServer, fault_proxy: FaultProxy, operation: str
) -> None:
    company = Company(moto)
    company.enable(SCP)
    fault_proxy.on(operation, json_error(400, "AccessDeniedException"))

    for level in levels(read_organization(connect(fault_proxy.url), company.member)):
        assert level.scps == Missing("access denied", f"organizations:{operation}")


def test_each_document_is_read_once(moto: MotoServer, fault_proxy: FaultProxy) -> None:
    company = Company(moto)
    company.enable(SCP)

    read_organization(connect(fault_proxy.url), company.member)

    assert fault_proxy.operations().count("DescribePolicy") == 1


def test_the_delegated_administrators_for_iam(moto: MotoServer, fault_proxy: FaultProxy) -> None:
    def delegates() -> object:
        found = read_organization(connect(fault_proxy.url), ACCOUNT)
        assert isinstance(found, Known)
        assert found.value is not None
        return found.value.delegated_administrators

    Company(moto)
    answer = json.dumps({"DelegatedAdministrators": [{"Id": "888888888888", "Name": "security"}]}).encode()
    fault_proxy.on("ListDelegatedAdministrators", Answer(200, answer, "application/x-amz-json-1.1"), times=1)
    assert delegates() == {"iam.amazonaws.com": ("888888888888",)}
    fault_proxy.on("ListDelegatedAdministrators", json_error(400, "AccessDeniedException"))
    assert delegates() is None


def test_a_network_that_fails_is_missing_too(moto: MotoServer, fault_proxy: FaultProxy, quick_retries: None) -> None:
    fault_proxy.on("DescribeOrganization", Reset())

    found = read_organization(connect(fault_proxy.url), ACCOUNT)

    assert isinstance(found, Missing)
    assert "was cut" in found.reason


def test_the_load_of_an_account_brings_its_organization(moto: MotoServer) -> None:
    company = Company(moto)

    account = load_live(connect(moto.url))

    assert [level.id for level in levels(account.organization)] == [company.root, ACCOUNT]
    assert account.gaps == ()
