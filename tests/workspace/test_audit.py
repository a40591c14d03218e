"""Each finding of the audit, once as it should come and once as it should not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iamtui.account.model import (
    AccessKey,
    Account,
    AttachedPolicy,
    Group,
    InlinePolicy,
    Known,
    LoginProfile,
    ManagedPolicy,
    MfaDevice,
    Missing,
    PolicyVersion,
    Role,
    User,
)
from iamtui.problem import Problem
from iamtui.workspace.audit import CODES, Severity, audit, suppression_of, unknown_facts
from tests.support.sample_account import ADMIN_ARN, ID, allow, document, iam, sample_workspace, trust

NOW = datetime(2026, 11, 25, tzinfo=UTC)
OIDC = "token.actions.githubusercontent.com"


def ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def user(**facts: Any) -> User:
    given = {
        "access_keys": Known(()),
        "mfa_devices": Known(()),
        "login_profile": Known(None),
        "password_last_used": Known(None),
        **facts,
    }
    return User("u", "/", iam("user/u"), "AIDAU", ago(500), **given)


def key(age: int, used: int | None = 1, status: str = "Active", id_: str = "AKIA1") -> AccessKey:
    return AccessKey(id_, status, ago(age), None if used is None else ago(used))


def role(trusted: Any = None, action: str = "sts:AssumeRole", **facts: Any) -> Role:
    own = trust(trusted or {"Service": "ec2.amazonaws.com"}, action, **facts.pop("condition", {}))
    return Role("r", "/", iam("role/r"), "AROAR", ago(500), own, **{"last_used": Known(ago(1)), **facts})


def managed(name: str, *statements: dict[str, Any], attached: int = 1, arn: str = "") -> ManagedPolicy:
    version = PolicyVersion("v1", document(*statements), is_default=True)
    return ManagedPolicy(name, "/", arn or iam(f"policy/{name}"), "ANPA", ago(9), (version,), Known(attached), Known(0))


def codes(**parts: Any) -> list[str]:
    return [finding.code for finding in findings(**parts)]


def findings(**parts: Any) -> list[Any]:
    workspace = sample_workspace().with_account(Account(ID, **{"organization": Known(None), **parts}))
    return list(audit(workspace, NOW))


def holding(policy: ManagedPolicy) -> dict[str, Any]:
    group = Group("g", "/", iam("group/g"), "AGPAG", ago(9), (), (AttachedPolicy(policy.name, policy.arn),))
    return {"policies": (policy,), "groups": (group,), "users": (user(groups=("g",)),)}


PASSWORD = {"login_profile": Known(LoginProfile(ago(400))), "mfa_devices": Known((MfaDevice("m", ago(1)),))}
SUBJECT = {"Condition": {"StringEquals": {f"{OIDC}:sub": "repo:o/r:ref:refs/heads/main"}}}
EXTERNAL = {"Condition": {"StringEquals": {"sts:ExternalId": "x"}}}
PROVIDER = {"Federated": iam(f"oidc-provider/{OIDC}")}
WEB = "sts:AssumeRoleWithWebIdentity"


@pytest.mark.parametrize(
    ("code", "bad", "good"),
    [
        (
            "access-key-old",
            {"users": (user(access_keys=Known((key(91),))),)},
            {"users": (user(access_keys=Known((key(89),))),)},
        ),
        (
            "access-key-old",
            {"users": (user(access_keys=Known((key(91),))),)},
            {"users": (user(access_keys=Known((key(91, status="Inactive"),))),)},
        ),
        (
            "access-key-unused",
            {"users": (user(access_keys=Known((key(80, 46),))),)},
            {"users": (user(access_keys=Known((key(80, 44),))),)},
        ),
        (
            "access-key-unused",
            {"users": (user(access_keys=Known((key(60, None),))),)},
            {"users": (user(access_keys=Known((key(5, None),))),)},
        ),
        (
            "two-access-keys",
            {"users": (user(access_keys=Known((key(1), key(2)))),)},
            {"users": (user(access_keys=Known((key(1), key(2, status="Inactive")))),)},
        ),
        (
            "service-account",
            {"users": (user(access_keys=Known((key(1),))),)},
            {"users": (user(access_keys=Known((key(1),)), **PASSWORD),)},
        ),
        (
            "console-without-mfa",
            {"users": (user(login_profile=Known(LoginProfile(ago(1)))),)},
            {"users": (user(**PASSWORD),)},
        ),
        (
            "console-without-mfa",
            {"users": (user(login_profile=Known(LoginProfile(ago(1)))),)},
            {"users": (user(login_profile=Known(LoginProfile(ago(1))), mfa_devices=Missing("denied")),)},
        ),
        (
            "password-unused",
            {"users": (user(**PASSWORD),)},
            {"users": (user(**PASSWORD | {"password_last_used": Known(ago(3))}),)},
        ),
        (
            "policy-on-user",
            {"users": (user(inline_policies=(InlinePolicy("p", document(allow("s3:Get*"))),)),)},
            {"users": (user(),)},
        ),
        ("role-unused", {"roles": (role(last_used=Known(ago(91))),)}, {"roles": (role(last_used=Known(ago(89))),)}),
        ("role-unused", {"roles": (role(last_used=Known(None)),)}, {"roles": (role(last_used=Missing("not loaded")),)}),
        ("trust-everyone", {"roles": (role("*"),)}, {"roles": (role("*", condition=EXTERNAL),)}),
        (
            "trust-without-external-id",
            {"roles": (role({"AWS": "999999999999"}),)},
            {"roles": (role({"AWS": "999999999999"}, condition=EXTERNAL),)},
        ),
        (
            "oidc-without-subject",
            {"roles": (role(PROVIDER, WEB),)},
            {"roles": (role(PROVIDER, WEB, condition=SUBJECT),)},
        ),
        (
            "inline-policy",
            {"roles": (role(inline_policies=(InlinePolicy("p", document(allow("s3:Get*"))),)),)},
            {"roles": (role(),)},
        ),
        ("full-access", holding(managed("all", allow("*"))), holding(managed("all", allow("*"), arn=ADMIN_ARN))),
        ("full-access", holding(managed("all", allow("*"))), holding(managed("all", allow("*", "arn:aws:s3:::b")))),
        ("administrators", holding(managed("all", allow("*"), arn=ADMIN_ARN)), holding(managed("s3", allow("s3:*")))),
        (
            "allow-not-action",
            holding(managed("n", {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})),
            holding(managed("n", {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"})),
        ),
        (
            "pass-role-on-all",
            holding(managed("p", allow("iam:Pass*"))),
            holding(managed("p", allow("iam:PassRole", iam("role/x")))),
        ),
        (
            "policy-unattached",
            {"policies": (managed("p", allow("s3:Get*"), attached=0),)},
            {"policies": (managed("p", allow("s3:Get*")),)},
        ),
        (
            "quota-close",
            {"roles": (role(attached_policies=tuple(AttachedPolicy(str(n), iam(f"policy/{n}")) for n in range(9))),)},
            {"roles": (role(),)},
        ),
    ],
)
def test_a_finding_comes_where_it_should_and_only_there(code: str, bad: dict[str, Any], good: dict[str, Any]) -> None:
    assert code in codes(**bad)
    assert code not in codes(**good)


def test_every_code_is_tried_above() -> None:
    tried = test_a_finding_comes_where_it_should_and_only_there.pytestmark[0].args[1]
    assert {row[0] for row in tried} == set(CODES)


def test_a_trust_in_everyone_under_a_condition_is_less_bad() -> None:
    everyone = role("*", condition={"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}})
    (found,) = (one for one in findings(roles=(everyone,)) if one.code == "trust-everyone")
    assert found.severity is Severity.MEDIUM


def test_what_is_missing_is_unknown_and_never_good() -> None:
    without = user(access_keys=Missing("denied"), mfa_devices=Missing("denied"), login_profile=Missing("denied"))
    account = Account(ID, users=(without,), roles=(role(last_used=Missing("x")),))
    facts = {fact.permission: fact.count for fact in unknown_facts(account)}
    for permission in ("iam:ListAccessKeys", "iam:ListMFADevices", "iam:GetLoginProfile", "iam:GetRole"):
        assert facts[permission] == 1
    assert facts["iam:GetAccountSummary"] == 0


def test_a_suppression_covers_a_code_and_a_pattern_of_names() -> None:
    (found,) = findings(roles=(role(last_used=Known(ago(200))),))
    assert suppression_of("role-unused=kept").covers(found)
    assert suppression_of("role-unused:role/*=kept").covers(found)
    assert not suppression_of("role-unused:role/x*=kept").covers(found)
    assert not suppression_of("inline-policy=kept").covers(found)


@pytest.mark.parametrize("text", ["role-unused", "role-unused=", "nothing=because", "=because"])
def test_a_suppression_needs_a_code_and_a_reason(text: str) -> None:
    with pytest.raises(Problem):
        suppression_of(text)
