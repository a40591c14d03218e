"""Accounts whose GetAccountAuthorizationDetails is denied: read by List and Get calls, and never taken for less."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from benchmarks import generator
from benchmarks.iam_pager import IamPager
from iamtui.account.authorization_details import load_account
from iamtui.account.model import Account, Known, Missing, User
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.aws.connection import Connection
from iamtui.aws.errors import AwsProblem
from iamtui.engine.decision import Outcome
from iamtui.questions.question import Question
from iamtui.sources.live import LiveReading
from iamtui.workspace.ask.questions import BulkEvaluator, ask
from iamtui.workspace.source.inventory import record_to_json
from iamtui.workspace.source.principals import principal_for, resolve_principal
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.fault_proxy import Answer, Call, Fault, FaultProxy, error
from tests.support.large_account import arn, snapshot
from tests.support.live_account import load_live
from tests.support.slow import one_quick

DETAILS = "GetAccountAuthorizationDetails"
ONE_BY_ONE = (
    "ListUsers", "ListGroups", "ListRoles", "ListPolicies", "GetUser", "GetGroup", "GetRole", "GetPolicyVersion",
    "ListUserPolicies", "ListGroupPolicies", "ListRolePolicies", "GetUserPolicy", "GetGroupPolicy", "GetRolePolicy",
    "ListAttachedUserPolicies", "ListAttachedGroupPolicies", "ListAttachedRolePolicies",
)  # fmt: skip


def statement(effect: str, action: str, **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": "*", **more}]}


def story() -> dict[str, Any]:
    """A user and a role who may do everything, but for what one part of them each forbids."""
    found = snapshot(1, 1)
    user, role, group = found["UserDetailList"][0], found["RoleDetailList"][0], found["GroupDetailList"][0]
    policies = found["Policies"]
    forbids = {
        "inline": statement("Deny", "s3:GetObject"),
        "attached": statement("Deny", "sqs:SendMessage"),
        "group inline": statement("Deny", "sns:Publish"),
        "group attached": statement("Deny", "kms:Decrypt"),
        "tags": statement("Deny", "ec2:RunInstances", Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}}),
    }
    everything = {"PolicyName": "all", "PolicyDocument": statement("Allow", "*")}
    bound = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]}

    def managed(name: str, document: dict[str, Any]) -> dict[str, str]:
        made = json.loads(json.dumps(policies[0]))
        made |= {"PolicyName": name, "Arn": arn(f"policy/{name}")}
        made["PolicyVersionList"][0]["Document"] = document
        policies.append(made)
        return {"PolicyName": name, "PolicyArn": made["Arn"]}

    own = [{"PolicyName": name.replace(" ", "-"), "PolicyDocument": forbids[name]} for name in ("inline", "tags")]
    attached = [managed("attached", forbids["attached"])]
    boundary = {"PermissionsBoundaryArn": managed("bound", bound)["PolicyArn"]}
    user |= {"UserPolicyList": [everything, *own], "AttachedManagedPolicies": attached, "PermissionsBoundary": boundary}
    role |= {"RolePolicyList": [everything, *own], "AttachedManagedPolicies": attached, "PermissionsBoundary": boundary}
    user["Tags"] = role["Tags"] = [{"Key": "team", "Value": "red"}]
    group["GroupPolicyList"] = [{"PolicyName": "own", "PolicyDocument": forbids["group inline"]}]
    group["AttachedManagedPolicies"] = [managed("of-group", forbids["group attached"])]
    return found


QUESTIONS = (
    "s3:GetObject", "sqs:SendMessage", "sns:Publish", "kms:Decrypt", "ec2:RunInstances", "iam:CreateUser",
    "dynamodb:GetItem",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _keys(pager_keys: None, quick_retries: None) -> None:
    pass


@pytest.fixture
def pager() -> Iterator[IamPager]:
    served = IamPager(story(), [DETAILS])
    yield served
    served.stop()


def connect(url: str) -> Connection:
    return Connection.open(profile=None, region=None, endpoint_url=url)


def workspace(account: Account) -> Workspace:
    return Workspace(account, SourceInfo(SourceKind.LIVE, "live"))


def outcomes(account: Account) -> dict[tuple[str, str], Outcome]:
    opened = workspace(account)
    there = [name for name in (arn("user/u0"), arn("role/r0")) if account.by_arn(name) is not None]
    return {
        (name, action): ask(opened, resolve_principal(opened, name), Question(action, "*")).outcome
        for name in there
        for action in QUESTIONS
    }


def holders(account: Account) -> list[Any]:
    return [*account.users, *account.groups, *account.roles]


def ordered(holder: Any) -> Any:
    """The members of a group come group by group."""
    return replace(holder, groups=tuple(sorted(holder.groups))) if isinstance(holder, User) else holder


def without_old_versions(account: Account) -> list[Any]:
    in_force = [
        replace(policy, versions=tuple(one for one in policy.versions if one.is_default)) for policy in account.policies
    ]
    return sorted(in_force, key=lambda policy: policy.arn)


def test_what_is_read_one_by_one_is_what_the_listing_says(pager: IamPager) -> None:
    pager.denied.clear()
    whole = load_live(connect(pager.url))
    pager.denied.add(DETAILS)
    told: list[str] = []

    account = load_live(connect(pager.url), lambda what, _done, _waiting="": told.append(what))

    assert holders(account) == holders(whole)
    for one, other in zip(without_old_versions(account), without_old_versions(whole), strict=True):
        assert (one.versions, one.attachment_count) == (other.versions, other.attachment_count)
    assert account.gaps == ()
    assert outcomes(account) == outcomes(whole)
    assert Outcome.ALLOWED in outcomes(whole).values()
    assert "3 users, groups and roles one by one:" in told


@pytest.mark.slow
def test_a_generated_account_comes_whole_too() -> None:
    pager = IamPager(json.loads(generator.snapshot_bytes(generator.TINY)))
    try:
        whole = load_live(connect(pager.url))
        pager.denied.add(DETAILS)
        account = load_live(connect(pager.url))
    finally:
        pager.stop()
    assert [ordered(holder) for holder in holders(account)] == [ordered(holder) for holder in holders(whole)]
    by_arn = {policy.arn: policy.default_version for policy in account.policies}
    assert by_arn == {policy.arn: policy.default_version for policy in whole.policies}


@one_quick("operation", ONE_BY_ONE)
def test_what_is_denied_there_too_never_makes_an_answer_allowed(pager: IamPager, operation: str) -> None:
    whole = outcomes(load_live(connect(pager.url)))
    pager.denied.add(operation)

    account = load_live(connect(pager.url))

    for asked, outcome in outcomes(account).items():
        assert outcome in (whole[asked], Outcome.DEPENDS), asked
    listed = {gap.permission for gap in account.gaps}
    if operation not in ("GetGroup", "ListPolicies"):
        assert f"iam:{operation}" in listed
    snapshot_again = load_account(json.dumps(snapshot_of(account)).encode())
    assert outcomes(snapshot_again) == outcomes(account)
    assert [holder.unread for holder in holders(snapshot_again)] == [holder.unread for holder in holders(account)]


@one_quick("operation", ONE_BY_ONE)
def test_who_can_agrees_with_can_about_what_is_unread(pager: IamPager, operation: str) -> None:
    pager.denied.add(operation)
    account = load_live(connect(pager.url))
    opened = workspace(account)
    for action in QUESTIONS:
        together = BulkEvaluator(opened, Question(action, "*"))
        everyone = (*account.users, *account.roles)
        allowed = {one.arn: together.ask(principal_for(opened, one)).outcome for one in everyone}
        for name, outcome in allowed.items():
            if name in (arn("user/u0"), arn("role/r0")):
                assert outcome is outcomes(account)[name, action]


@pytest.mark.parametrize("wrong", ["whose", "which", "no name"])
@pytest.mark.parametrize(
    ("operation", "parameter"),
    [("GetUserPolicy", "UserName"), ("GetGroupPolicy", "GroupName"), ("GetRolePolicy", "RoleName")],
)
def test_an_inline_policy_of_another_than_was_asked_for_is_unread(
    pager: IamPager, monkeypatch: pytest.MonkeyPatch, operation: str, parameter: str, wrong: str
) -> None:
    everything = quote(json.dumps(statement("Allow", "*")))
    answer = f"<PolicyDocument>{everything}</PolicyDocument>"

    def answered(parameters: Mapping[str, str]) -> str:
        policy, holder = parameters["PolicyName"], parameters[parameter]
        policy, holder = (policy, f"{holder}x") if wrong == "whose" else (f"{policy}x", holder)
        named = "" if wrong == "no name" else f"<{parameter}>{holder}</{parameter}>"
        policy = parameters["PolicyName"] if wrong == "no name" else policy
        return f"<PolicyName>{policy}</PolicyName>{answer}{named}"

    monkeypatch.setattr(pager, f"_{operation}", answered)
    account = load_live(connect(pager.url))
    holder = {"UserName": account.users, "GroupName": account.groups, "RoleName": account.roles}[parameter][0]
    assert holder.inline_policies == ()
    assert [(one.part, one.permission) for one in holder.unread] == [("inline policies", f"iam:{operation}")]
    assert "the answer was not about its policy" in holder.unread[0].reason


def test_groups_of_a_user_come_from_the_user_where_members_are_denied(pager: IamPager) -> None:
    pager.denied.add("GetGroup")
    account = load_live(connect(pager.url))
    assert account.users[0].groups == ("g",)
    assert account.users[0].unread == ()

    pager.denied.add("ListGroupsForUser")
    account = load_live(connect(pager.url))
    assert account.users[0].groups == ()
    assert [(one.part, one.permission) for one in account.users[0].unread] == [("groups", "iam:ListGroupsForUser")]
    assert Outcome.ALLOWED not in [outcome for (who, _), outcome in outcomes(account).items() if "user" in who]


def test_policies_are_read_by_their_arn_where_they_may_not_be_listed(pager: IamPager) -> None:
    pager.denied.add("ListPolicies")
    account = load_live(connect(pager.url))
    assert {policy.name for policy in account.policies} == {"attached", "bound", "of-group"}
    assert [gap.what for gap in account.gaps] == ["all policies"]


def test_where_no_list_may_be_read_there_is_no_account_but_a_sentence(pager: IamPager) -> None:
    pager.denied |= {"ListUsers", "ListGroups", "ListRoles", "ListPolicies"}
    with pytest.raises(AwsProblem) as raised:
        load_live(connect(pager.url))
    assert raised.value.permission == f"iam:{DETAILS}"
    assert "--snapshot" in raised.value.next_step


def test_a_list_that_never_ends_is_said_where_all_others_are_denied(pager: IamPager) -> None:
    pager.denied |= {"ListGroups", "ListRoles", "ListPolicies"}
    proxy = FaultProxy(pager)

    def rule(call: Call) -> Fault | None:
        page = len(proxy.calls)
        body = f"<Users/><IsTruncated>true</IsTruncated><Marker>{page}</Marker>"
        answer = Answer(200, f"<R><ListUsersResult>{body}</ListUsersResult></R>".encode())
        return answer if call.operation == "ListUsers" else None

    proxy.rules.append(rule)
    try:
        with pytest.raises(AwsProblem) as raised:
            load_live(connect(proxy.url))
    finally:
        proxy.stop()
    assert "iam:GetAccountAuthorizationDetails" in raised.value.sentence
    assert "Users, groups, roles and policies cannot be listed either: " in raised.value.sentence
    assert "answered iam:ListUsers with" in raised.value.sentence
    assert raised.value.sentence.endswith("the listing was given up.")


def test_when_credentials_expire_in_the_middle_the_rest_is_unread_and_read_later(pager: IamPager) -> None:
    proxy = FaultProxy(pager)
    seen: list[str] = []

    def rule(call: Call) -> Fault | None:
        seen.append(call.operation)
        return error(403, "ExpiredToken") if "ListAttachedGroupPolicies" in seen and call.service == "iam" else None

    proxy.rules.append(rule)
    reading = LiveReading()
    try:
        part = reading.read(connect(proxy.url))
        assert reading.may_go_on
        assert any(holder.unread for holder in holders(part))
        proxy.rules.clear()
        proxy.calls.clear()
        account = reading.read(connect(proxy.url))
    finally:
        proxy.stop()
    assert all(holder.unread == () for holder in holders(account))
    assert Outcome.ALLOWED in outcomes(account).values()
    assert "ListGroups" not in proxy.operations(), "what came is not read again"
    assert not reading.may_go_on


@pytest.mark.slow
def test_an_account_that_has_unread_parts_is_not_opened_by_an_earlier_version(pager: IamPager) -> None:
    assert snapshot_of(load_live(connect(pager.url)))["iamtui"]["version"] == 1
    pager.denied.add("GetUser")
    account = load_live(connect(pager.url))
    assert snapshot_of(account)["iamtui"]["version"] == 2
    assert isinstance(account.roles[0].last_used, Known)
    pager.denied.add("GetRole")
    assert isinstance(load_live(connect(pager.url)).roles[0].last_used, Missing)


def test_show_says_what_is_unread(pager: IamPager) -> None:
    pager.denied |= {"GetUser", "ListUserPolicies", "GetGroup", "ListGroupsForUser"}
    account = load_live(connect(pager.url))

    record = record_to_json(account, account.users[0])

    assert record["boundary_arn"] is record["inline_policies"] is record["groups"] is None
    assert {entry["what"]: entry["permission"] for entry in record["missing"]}["boundary_arn"] == "iam:GetUser"
    assert [entry["part"] for entry in record["unread"]] == [
        "groups", "permissions boundary", "tags", "inline policies",
    ]  # fmt: skip
