"""An account of thousands of small entities behind a server that pages as AWS does, and a proxy in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.iam_pager import IamPager
from tests.support.fault_proxy import FaultProxy
from tests.support.moto_server import patient

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


@pytest.fixture
def pager_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and a region in the environment."""
    patient(monkeypatch)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture(scope="session")
def large_account() -> Iterator[IamPager]:
    pager = IamPager(snapshot(5_000, 1_000))
    yield pager
    pager.stop()


@pytest.fixture
def large_proxy(large_account: IamPager, pager_keys: None) -> Iterator[FaultProxy]:
    proxy = FaultProxy(large_account)
    yield proxy
    proxy.stop()
