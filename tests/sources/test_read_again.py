"""One entity of an account, read again by itself: as the whole account says it, or not taken at all."""

from __future__ import annotations

from typing import Any

import pytest

from iamtui.account.model import Account, Group, ManagedPolicy, Role, User
from iamtui.account.snapshot_writer import snapshot_of
from iamtui.aws.connection import Connection
from iamtui.problem import Problem
from iamtui.sources.one_by_one import read_again
from tests.sources.test_live import fill
from tests.support.fault_proxy import Answer, FaultProxy, error
from tests.support.live_account import load_live
from tests.support.moto_server import ACCOUNT, MotoServer, allow, policy, trust
from tests.support.slow import one_quick

NAMES = ["user/staff/user-0", "group/devs", "role/ci/deploy", "policy/teams/reader", "policy/bound"]


def connect(url: str) -> Connection:
    return Connection.open(profile=None, region=None, endpoint_url=url)


def entity(account: Account, name: str) -> User | Group | Role | ManagedPolicy:
    found = account.by_arn(f"arn:aws:iam::{ACCOUNT}:{name}")
    assert isinstance(found, User | Group | Role | ManagedPolicy)
    return found


def said(account: Account) -> dict[str, Any]:
    """The account, less when it was read and in which order."""
    snapshot = snapshot_of(account)
    snapshot["iamtui"].pop("taken_at")
    for key in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"):
        snapshot[key].sort(key=lambda one: one["Arn"])
        for one in snapshot[key]:
            one.get("AttachedManagedPolicies", []).sort(key=lambda attached: attached["PolicyArn"])
    return snapshot


@pytest.mark.parametrize("name", NAMES)
def test_what_has_not_changed_stays_as_it_was(moto: MotoServer, name: str) -> None:
    fill(moto)
    before = load_live(connect(moto.url))
    after = read_again(connect(moto.url), before, entity(before, name))
    assert said(after) == said(before)
    assert after.taken_at == before.taken_at


def change(moto: MotoServer, name: str) -> None:
    iam = moto.client("iam")
    match name.rpartition("/")[2]:
        case "user-0":
            new = iam.create_policy(PolicyName="new", PolicyDocument=policy(allow("ec2:*")))["Policy"]["Arn"]
            iam.attach_user_policy(UserName="user-0", PolicyArn=new)
            iam.delete_user_policy(UserName="user-0", PolicyName="odd")
            iam.create_group(GroupName="ops")
            iam.put_group_policy(GroupName="ops", PolicyName="never", PolicyDocument=policy(allow("ses:*")))
            iam.add_user_to_group(UserName="user-0", GroupName="ops")
            iam.tag_user(UserName="user-0", Tags=[{"Key": "team", "Value": "red"}])
        case "devs":
            iam.put_group_policy(GroupName="devs", PolicyName="more", PolicyDocument=policy(allow("sns:*")))
        case "deploy":
            iam.update_assume_role_policy(RoleName="deploy", PolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
            iam.delete_role_permissions_boundary(RoleName="deploy")
            iam.update_role(RoleName="deploy", Description="ships more", MaxSessionDuration=3600)
        case "reader" | "bound":
            arn = f"arn:aws:iam::{ACCOUNT}:{name}"
            iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(allow("sqs:*")), SetAsDefault=True)


@pytest.mark.parametrize("name", NAMES)
def test_what_has_changed_is_as_the_whole_account_says_it(moto: MotoServer, name: str) -> None:
    fill(moto)
    before = load_live(connect(moto.url))
    change(moto, name)
    after, whole = read_again(connect(moto.url), before, entity(before, name)), load_live(connect(moto.url))
    assert said(whole) != said(before)
    # How often policies are attached is a fact of those; moto leaves their ids out of the whole account.
    for account in (found := said(after)), (expected := said(whole)):
        for one in account["Policies"]:
            for key in ("AttachmentCount", "PermissionsBoundaryUsageCount", "PolicyId"):
                one.pop(key, None)
            one["Description"] = one.get("Description", "")
            one["PolicyVersionList"].sort(key=lambda version: version["VersionId"])
    assert found == expected


@pytest.mark.parametrize("name", ["user/alone", "group/alone", "role/alone", "policy/alone"])
def test_what_is_gone_goes(moto: MotoServer, name: str) -> None:
    iam = moto.client("iam")
    iam.create_user(UserName="alone")
    iam.create_group(GroupName="alone")
    iam.create_role(RoleName="alone", AssumeRolePolicyDocument=trust())
    arn = iam.create_policy(PolicyName="alone", PolicyDocument=policy(allow("s3:*")))["Policy"]["Arn"]
    before = load_live(connect(moto.url))
    one = entity(before, name)
    kind = name.partition("/")[0]
    getattr(iam, f"delete_{kind}")(**({"PolicyArn": arn} if kind == "policy" else {f"{kind.title()}Name": "alone"}))
    after = read_again(connect(moto.url), before, one)
    assert after.by_arn(one.arn) is None
    assert len(list(after.entities())) == len(list(before.entities())) - 1


def test_one_that_was_made_anew_elsewhere_takes_its_place(moto: MotoServer) -> None:
    iam = moto.client("iam")
    iam.create_user(UserName="dora")
    before = load_live(connect(moto.url))
    iam.delete_user(UserName="dora")
    iam.create_user(UserName="dora", Path="/staff/")
    after = read_again(connect(moto.url), before, entity(before, "user/dora"))
    assert [user.arn for user in after.users] == [f"arn:aws:iam::{ACCOUNT}:user/staff/dora"]


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    "operation",
    [
        "GetUser", "ListUserPolicies", "GetUserPolicy", "ListAttachedUserPolicies", "ListGroupsForUser", "GetPolicy",
        "GetPolicyVersion",
    ],
)  # fmt: skip
@one_quick(("status", "code"), [(403, "AccessDenied"), (500, "InternalFailure")])
def test_what_cannot_be_read_whole_is_not_taken(
    moto: MotoServer, fault_proxy: FaultProxy, operation: str, status: int, code: str
) -> None:
    fill(moto)
    before = load_live(connect(moto.url))
    fault_proxy.on(operation, error(status, code))
    with pytest.raises(Problem) as caught:
        read_again(connect(fault_proxy.url), before, entity(before, "user/staff/user-0"))
    assert "\n" not in str(caught.value)


def test_an_answer_about_another_is_not_taken(moto: MotoServer, fault_proxy: FaultProxy) -> None:
    fill(moto, users=2)
    before = load_live(connect(moto.url))
    other = moto.client("iam").get_user(UserName="user-1")["User"]
    answer = (
        '<GetUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetUserResult><User>'
        f"<Path>/staff/</Path><UserName>user-1</UserName><UserId>{other['UserId']}</UserId><Arn>{other['Arn']}</Arn>"
        "<CreateDate>2026-01-01T00:00:00Z</CreateDate></User></GetUserResult></GetUserResponse>"
    )
    fault_proxy.on("GetUser", Answer(200, answer.encode(), "text/xml"))
    with pytest.raises(Problem, match="not about user-0"):
        read_again(connect(fault_proxy.url), before, entity(before, "user/staff/user-0"))
