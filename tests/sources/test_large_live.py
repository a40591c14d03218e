"""Large accounts behind a server that pages as AWS does, and calls that fail at random."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.iam_pager import IamPager
from iamtui.aws.connection import Connection
from iamtui.sources.live import load_live
from tests.support.fault_proxy import Answer, Call, Fault, FaultProxy, Reset, Truncate, error

ACCOUNT = "111122223333"
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}


def arn(rest: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{rest}"


def snapshot(users: int, roles: int) -> dict[str, Any]:
    """An account of many small entities, with what AWS tells of each."""
    when = "2026-01-02T03:04:05+00:00"
    return {
        "iamtui": {"version": 1, "account_id": ACCOUNT},
        "UserDetailList": [
            {
                "Path": "/", "UserName": f"u{number}", "UserId": f"AIDA{number}", "Arn": arn(f"user/u{number}"),
                "CreateDate": when, "GroupList": ["g"],
                "UserPolicyList": [{"PolicyName": "own 100%", "PolicyDocument": ALLOW}],
                "AttachedManagedPolicies": [{"PolicyName": "p", "PolicyArn": arn("policy/p")}],
                "Tags": [{"Key": "team", "Value": "a & b"}],
                "PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn("policy/p")},
            }
            for number in range(users)
        ],
        "GroupDetailList": [
            {
                "Path": "/", "GroupName": "g", "GroupId": "AGPA", "Arn": arn("group/g"), "CreateDate": when,
                "GroupPolicyList": [{"PolicyName": "group's", "PolicyDocument": ALLOW}], "AttachedManagedPolicies": [],
            }
        ],
        "RoleDetailList": [
            {
                "Path": "/", "RoleName": f"r{number}", "RoleId": f"AROA{number}", "Arn": arn(f"role/r{number}"),
                "CreateDate": when, "AssumeRolePolicyDocument": TRUST, "InstanceProfileList": [],
                "RolePolicyList": [{"PolicyName": "own", "PolicyDocument": ALLOW}],
                "AttachedManagedPolicies": [{"PolicyName": "p", "PolicyArn": arn("policy/p")}],
                "Tags": [], "RoleLastUsed": {},
            }
            for number in range(roles)
        ],
        "Policies": [
            {
                "PolicyName": "p", "PolicyId": "ANPA", "Arn": arn("policy/p"), "Path": "/", "DefaultVersionId": "v2",
                "AttachmentCount": users + roles, "PermissionsBoundaryUsageCount": users, "CreateDate": when,
                "UpdateDate": when,
                "PolicyVersionList": [
                    {"VersionId": "v2", "IsDefaultVersion": True, "CreateDate": when, "Document": ALLOW},
                    {"VersionId": "v1", "IsDefaultVersion": False, "CreateDate": when, "Document": TRUST},
                ],
            }
        ],
    }  # fmt: skip


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture(scope="module")
def large() -> Iterator[IamPager]:
    pager = IamPager(snapshot(5_000, 1_000))
    yield pager
    pager.stop()


@pytest.fixture
def flaky(large: IamPager) -> Iterator[FaultProxy]:
    proxy = FaultProxy(large)
    yield proxy
    proxy.stop()


def connect(url: str) -> Connection:
    return Connection.open(profile=None, region=None, endpoint_url=url)


FAULTS: tuple[Fault, ...] = (
    error(400, "Throttling", "Rate exceeded"),
    error(503, "ServiceUnavailable"),
    error(500, "InternalFailure"),
    Answer(502, b"<html>Bad gateway</html>", "text/html"),
    Reset(),
    Truncate(200),
)


def test_pages_are_those_of_aws(large: IamPager) -> None:
    large.asked.clear()

    account = load_live(connect(large.url))

    assert (len(account.users), len(account.roles), len(account.policies)) == (5_000, 1_000, 1)
    assert large.asked.count("GetAccountAuthorizationDetails") == 31
    assert account.users[0].inline_policies[0].document.policy.statements[0].actions == ("s3:Get*",)
    assert account.users[0].tags == (("team", "a & b"),)
    assert account.gaps == ()


@pytest.mark.parametrize("attempts", ["", "3", "8"])
def test_with_three_in_ten_calls_failing_everything_comes(
    flaky: FaultProxy, quick_retries: None, monkeypatch: pytest.MonkeyPatch, attempts: str
) -> None:
    if attempts:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", attempts)
    drawn = random.Random(16)
    failed: list[Call] = []

    def rule(call: Call) -> Fault | None:
        if drawn.random() >= 0.3:
            return None
        failed.append(call)
        return drawn.choice(FAULTS)

    flaky.rules.append(rule)

    account = load_live(connect(flaky.url))

    assert (len(account.users), len(account.roles), len(account.policies)) == (5_000, 1_000, 1)
    assert account.gaps == ()
    assert 0.2 < len(failed) / len(flaky.calls) < 0.4


def test_one_try_is_one_try(flaky: FaultProxy, quick_retries: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    flaky.on("ListAccountAliases", error(400, "Throttling"))

    account = load_live(connect(flaky.url))

    assert [gap.what for gap in account.gaps] == ["the account alias"]
    assert flaky.operations().count("ListAccountAliases") == 1


def test_what_is_waited_for_is_told(flaky: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    flaky.on("GetAccountAuthorizationDetails", error(400, "Throttling"), times=4)
    monkeypatch.setattr("iamtui.aws.retries.pause", lambda stopped, _seconds: stopped.wait(0.3))
    told: list[str] = []

    load_live(connect(flaky.url), lambda _what, _done, waiting="": told.append(waiting))

    assert [words for words in dict.fromkeys(told) if words] == [
        f"waiting for AWS: throttled, try {number}" for number in (2, 3, 4, 5)
    ]
