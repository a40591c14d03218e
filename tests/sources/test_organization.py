from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from iamtui.account.model import Account, Known, Missing, Organization, OrganizationPolicy
from iamtui.aws.connection import Connection
from iamtui.problem import Problem
from iamtui.sources import organization
from iamtui.sources.organization import (
    RCP,
    SCP,
    OrganizationUnit,
    read_accounts,
    read_organization,
    read_organization_with,
)
from iamtui.sources.recorded_organization import RememberedAnswers
from tests.support.company import DENY_ALL, Company
from tests.support.fault_proxy import Answer, Call, FaultProxy, Reset, json_error
from tests.support.live_account import load_live
from tests.support.moto_server import ACCOUNT, MotoServer


def connect(url: str) -> Connection:
    return Connection.open(profile=None, region=None, endpoint_url=url)


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


def test_what_accounts_share_is_asked_for_once(moto: MotoServer, fault_proxy: FaultProxy) -> None:
    company = Company(moto)
    company.enable("SERVICE_CONTROL_POLICY")
    company.attach("SERVICE_CONTROL_POLICY", "deny", company.unit)
    made = company.api.create_account(Email="b@example.com", AccountName="second")["CreateAccountStatus"]["AccountId"]
    company.api.move_account(AccountId=made, SourceParentId=company.root, DestinationParentId=company.unit)
    answers = RememberedAnswers(connect(fault_proxy.url))
    found = [read_organization_with(answers, Account(id_)) for id_ in (company.member, made)]
    alone = [read_organization_with(connect(moto.url), Account(id_)) for id_ in (company.member, made)]
    assert found == alone
    asked = [call.operation for call in fault_proxy.calls]
    assert (asked.count("DescribeAccount"), asked.count("DescribeOrganization"), asked.count("ListRoots")) == (2, 1, 1)
    assert asked.count("DescribePolicy") == len({*_policies(found)})


def _policies(found: list[Any]) -> Iterator[str]:
    for one in found:
        for level in one.value.path:
            yield from (policy.arn for policy in level.scps.value)


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


def test_every_account_with_its_units(moto: MotoServer) -> None:
    company = Company(moto)
    deep = company.api.create_organizational_unit(ParentId=company.unit, Name="Payments")["OrganizationalUnit"]["Id"]
    other = company.api.create_account(Email="b@example.com", AccountName="pay")["CreateAccountStatus"]["AccountId"]
    company.api.move_account(AccountId=other, SourceParentId=company.root, DestinationParentId=deep)

    found = {one.id: one for one in read_accounts(connect(moto.url))}

    root, unit = OrganizationUnit(company.root, "Root"), OrganizationUnit(company.unit, "Prod [red]")
    assert found[ACCOUNT].path == (root,)
    assert found[company.member].path == (root, unit)
    assert (found[other].name, found[other].path) == ("pay", (root, unit, OrganizationUnit(deep, "Payments")))
    assert {one.state for one in found.values()} == {"ACTIVE"}
    assert len(found) == 3


def test_units_that_go_round_in_a_circle_are_no_tree(moto: MotoServer, fault_proxy: FaultProxy) -> None:
    company = Company(moto)
    units = json.dumps({"OrganizationalUnits": [{"Id": company.unit, "Name": "again"}]}).encode()
    fault_proxy.on("ListOrganizationalUnitsForParent", Answer(200, units, "application/x-amz-json-1.1"))

    with pytest.raises(Problem, match="do not make a tree"):
        read_accounts(connect(fault_proxy.url))


@pytest.mark.parametrize("what", ["accounts", "units"])
def test_an_organization_has_an_end(
    moto: MotoServer, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    Company(moto)
    monkeypatch.setattr(organization, f"_MOST_{what.upper()}", 20)
    ids = count(100_000_000_000)

    def ever_new(call: Call) -> Answer | None:
        new = [str(next(ids)) for _ in range(5)]
        answers = {
            "ListAccountsForParent": {"Accounts": [{"Id": one, "Name": "a", "State": "ACTIVE"} for one in new]},
            "ListOrganizationalUnitsForParent": {
                "OrganizationalUnits": [{"Id": f"ou-abcd-{one}", "Name": "u"} for one in new]
            },
        }
        if call.operation not in answers:
            return None
        return Answer(200, json.dumps(answers[call.operation]).encode(), "application/x-amz-json-1.1")

    fault_proxy.rules.append(ever_new)

    with pytest.raises(Problem, match=f"more than .*{what}"):
        read_accounts(connect(fault_proxy.url))


def test_an_answer_about_another_account_is_not_taken(moto: MotoServer, fault_proxy: FaultProxy) -> None:
    company = Company(moto)
    other = json.dumps({"Account": {"Id": ACCOUNT, "Name": "management"}}).encode()
    fault_proxy.on("DescribeAccount", Answer(200, other, "application/x-amz-json-1.1"))

    found = read_organization(connect(fault_proxy.url), company.member)

    assert isinstance(found, Missing)
    assert f"it is about the account {ACCOUNT}" in found.reason


def test_a_name_that_no_level_or_policy_of_aws_has_is_refused(moto: MotoServer, fault_proxy: FaultProxy) -> None:
    """It is said with each answer, and a snapshot could not hold it."""
    company = Company(moto)
    account = json.dumps({"Account": {"Id": company.member, "Name": "n" * 600}}).encode()
    fault_proxy.on("DescribeAccount", Answer(200, account, "application/x-amz-json-1.1"))

    found = read_organization(connect(fault_proxy.url), company.member)

    assert isinstance(found, Missing)
    assert "DescribeAccount" in found.reason

    accounts = json.dumps({"Accounts": [{"Id": company.member, "Name": "n" * 600, "State": "ACTIVE"}]}).encode()
    fault_proxy.on("ListAccountsForParent", Answer(200, accounts, "application/x-amz-json-1.1"))
    with pytest.raises(Problem, match="ListAccountsForParent"):
        read_accounts(connect(fault_proxy.url))


def test_the_longest_name_of_an_scp_that_a_snapshot_holds_is_the_longest_that_is_read(
    moto: MotoServer, fault_proxy: FaultProxy
) -> None:
    company = Company(moto)
    company.enable(SCP)
    policies = json.dumps(
        {"Policies": [{"Id": "p-1", "Arn": "arn:aws:organizations::1:p", "Name": "n" * 513}]}
    ).encode()
    fault_proxy.on("ListPoliciesForTarget", Answer(200, policies, "application/x-amz-json-1.1"))

    for level in levels(read_organization(connect(fault_proxy.url), company.member)):
        assert isinstance(level.scps, Missing)
