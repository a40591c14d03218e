"""Each finding of the audit, once as it should come and once as it should not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from iamtui.account.model import (
    ROOT_ROW,
    AccessKey,
    Account,
    AttachedPolicy,
    CredentialReport,
    CredentialReportRow,
    Group,
    InlinePolicy,
    Known,
    LastAccessed,
    LoginProfile,
    ManagedPolicy,
    MfaDevice,
    Missing,
    PasswordPolicy,
    PolicyVersion,
    PublicAccessBlock,
    ResourcePolicy,
    Role,
    ServerCertificate,
    ServiceUse,
    User,
)
from iamtui.problem import Problem
from iamtui.sources.demo import load_demo_account
from iamtui.workspace.review.audit import CODES, AuditLimits, audit, suppression_of
from iamtui.workspace.source.unknown_facts import FindingSeverity, unknown_facts
from tests.support.sample_account import ADMIN_ARN, ID, allow, document, iam, sample_workspace, trust

NOW = datetime(2026, 11, 25, tzinfo=UTC)
OIDC = "token.actions.githubusercontent.com"
BUCKET = "arn:aws:s3:::b"
TOPIC = f"arn:aws:sns:eu-west-1:{ID}:t"


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


def versions(count: int) -> ManagedPolicy:
    policy = managed("p", allow("s3:Get*"))
    return replace(
        policy, versions=tuple(structs.replace(policy.versions[0], id=f"v{number}") for number in range(count))
    )


def root(**facts: Any) -> Known[CredentialReport]:
    return Known(
        CredentialReport(
            NOW, (CredentialReportRow(ROOT_ROW, iam("root"), **{"mfa_devices": (MfaDevice("", None),), **facts}),)
        )
    )


def report(**facts: Any) -> Known[CredentialReport]:
    row = CredentialReportRow("u", iam("user/u"), **{"mfa_devices": (MfaDevice("", None),), **facts})
    return Known(CredentialReport(NOW, (row,)))


def opened(**changes: Any) -> ResourcePolicy:
    everybody = {"Principal": "*"} | allow("s3:GetObject", f"{BUCKET}/*")
    return ResourcePolicy("present", document(everybody | changes))


def used(*services: ServiceUse) -> dict[str, Any]:
    return {"roles": (role(),), "last_accessed": {role().arn: LastAccessed(NOW, services)}}


def certificate(expires: datetime) -> dict[str, Any]:
    one = ServerCertificate("c", "/", iam("server-certificate/c"), "ASCA", ago(400), expires)
    return {"server_certificates": Known((one,))}


ROOT_WITH_KEY = root(access_keys=(key(4000, 3),))
REPORTED = user(access_keys=Missing("many"), mfa_devices=Missing("many"), login_profile=Missing("many"))
PASSWORD = {"login_profile": Known(LoginProfile(ago(400))), "mfa_devices": Known((MfaDevice("m", ago(1)),))}
SUBJECT = {"Condition": {"StringEquals": {f"{OIDC}:sub": "repo:o/r:ref:refs/heads/main"}}}
ORGANIZATION = {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}
OWN_ROLES = {"Condition": {"ArnLike": {"aws:PrincipalArn": iam("role/*")}}}
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
        (
            "user-unused",
            {"users": (user(access_keys=Known((key(300, 91),))),)},
            {"users": (user(access_keys=Known((key(300, 89),))),)},
        ),
        ("user-unused", {"users": (user(),)}, {"users": (user(access_keys=Missing("denied")),)}),
        ("user-unused", {"users": (user(),)}, {"users": (user(password_last_used=Missing("denied")),)}),
        (
            "console-without-mfa",
            {"users": (REPORTED,), "credential_report": report(mfa_devices=(), login_profile=LoginProfile(ago(1)))},
            {"users": (REPORTED,), "credential_report": report(login_profile=LoginProfile(ago(1)))},
        ),
        (
            "access-key-old",
            {"users": (REPORTED,), "credential_report": report(access_keys=(key(91, id_=""),))},
            {"users": (REPORTED,), "credential_report": report(access_keys=(key(89, id_=""),))},
        ),
        (
            "root-access-key",
            {"summary": Known({"AccountAccessKeysPresent": 1})},
            {"summary": Known({"AccountAccessKeysPresent": 0}), "credential_report": ROOT_WITH_KEY},
        ),
        ("root-access-key", {"credential_report": ROOT_WITH_KEY}, {"credential_report": root()}),
        (
            "root-without-mfa",
            {"summary": Known({"AccountMFAEnabled": 0}), "credential_report": root()},
            {"summary": Known({"AccountMFAEnabled": 1}), "credential_report": root(mfa_devices=())},
        ),
        ("root-without-mfa", {"credential_report": root(mfa_devices=())}, {}),
        (
            "root-used",
            {"credential_report": root(password_last_used=ago(89))},
            {"credential_report": root(password_last_used=ago(91))},
        ),
        ("root-used", {"credential_report": ROOT_WITH_KEY}, {"credential_report": root()}),
        (
            "password-policy-short",
            {"password_policy": Known(PasswordPolicy(13))},
            {"password_policy": Known(PasswordPolicy(14))},
        ),
        ("password-policy-short", {"password_policy": Known(None)}, {"password_policy": Missing("denied")}),
        (
            "password-policy-reuse",
            {"password_policy": Known(PasswordPolicy(14, reuse_prevention=23))},
            {"password_policy": Known(PasswordPolicy(14, reuse_prevention=24))},
        ),
        ("password-policy-reuse", {"password_policy": Known(None)}, {"password_policy": Missing("denied")}),
        ("certificate-expired", certificate(ago(1)), certificate(NOW + timedelta(1))),
        ("permission-unused", used(ServiceUse("s3", ago(91))), used(ServiceUse("s3", ago(89)))),
        ("permission-unused", used(ServiceUse("s3", None)), {"roles": (role(),)}),
        (
            "permission-unused",
            used(ServiceUse("s3", ago(1), actions={"DeleteBucket": None})),
            used(ServiceUse("s3", ago(1), actions={"DeleteBucket": ago(2)})),
        ),
        (
            "permission-unused",
            used(ServiceUse("s3", None)),
            used(ServiceUse("s3", None)) | {"roles": (replace(role(), created=ago(10)),)},
        ),
        (
            "quota-close",
            {"users": (user(),), "summary": Known({"UsersQuota": 1})},
            {"users": (user(),), "summary": Known({"UsersQuota": 2, "GroupsQuota": 0})},
        ),
        (
            "quota-close",
            {"users": (user(groups=tuple(map(str, range(9)))),)},
            {"users": (user(groups=tuple(map(str, range(8)))),)},
        ),
        ("quota-close", {"policies": (versions(5),)}, {"policies": (versions(4),)}),
        ("role-unused", {"roles": (role(last_used=Known(ago(91))),)}, {"roles": (role(last_used=Known(ago(89))),)}),
        ("role-unused", {"roles": (role(last_used=Known(None)),)}, {"roles": (role(last_used=Missing("not loaded")),)}),
        ("trust-everyone", {"roles": (role("*"),)}, {"roles": (role("*", condition=ORGANIZATION),)}),
        ("trust-everyone", {"roles": (role("*", condition=EXTERNAL),)}, {"roles": (role("*", condition=OWN_ROLES),)}),
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
            "resource-everyone",
            {"resource_policies": {BUCKET: opened()}, "public_access_blocks": {"b": PublicAccessBlock(False)}},
            {"resource_policies": {BUCKET: opened()}, "public_access_blocks": {"b": PublicAccessBlock(True)}},
        ),
        (
            "resource-everyone",
            {"resource_policies": {BUCKET: opened()}},
            {"resource_policies": {BUCKET: opened(Principal={"AWS": ID})}},
        ),
        (
            "resource-everyone",
            {"resource_policies": {TOPIC: opened(Action="sns:Publish", Resource=TOPIC)}},
            {
                "resource_policies": {
                    TOPIC: opened(Action="sns:Publish", Condition={"StringEquals": {"aws:SourceAccount": ID}})
                }
            },
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
    assert found.severity is FindingSeverity.MEDIUM


def test_what_is_missing_is_unknown_and_never_good() -> None:
    denied = {
        "access_keys": Missing("access denied", "iam:ListAccessKeys"),
        "mfa_devices": Missing("access denied", "iam:ListMFADevices"),
        "login_profile": Missing("access denied", "iam:GetLoginProfile"),
        "password_last_used": Missing("access denied", "iam:ListUsers"),
    }
    account = Account(
        ID,
        users=(user(**denied),),
        roles=(role(last_used=Missing("not loaded", "iam:GetRole")),),
        policies=(replace(managed("p"), attachment_count=Missing("not loaded", "iam:ListPolicies")),),
        summary=Missing("access denied", "iam:GetAccountSummary"),
        password_policy=Missing("access denied", "iam:GetAccountPasswordPolicy"),
        credential_report=Missing("access denied", "iam:GenerateCredentialReport"),
        server_certificates=Missing("access denied", "iam:ListServerCertificates"),
    )

    facts = {fact.permission: fact for fact in unknown_facts(account)}

    of_users = ("iam:ListAccessKeys", "iam:ListMFADevices", "iam:GetLoginProfile", "iam:ListUsers")
    for permission in (*of_users, "iam:GetRole", "iam:ListPolicies"):
        assert facts[permission].count == 1
    for permission in (
        "iam:GetAccountSummary",
        "iam:GetAccountPasswordPolicy",
        "iam:GenerateCredentialReport",
        "iam:ListServerCertificates",
    ):
        assert facts[permission].count == 0
        assert facts[permission].reason == "access denied"
    assert facts["iam:GenerateServiceLastAccessedDetails"].count == 2
    assert "(needs iam:GetAccountSummary)" in facts["iam:GetAccountSummary"].words
    assert list(audit(sample_workspace().with_account(account), NOW)) == []


def test_what_the_report_or_the_summary_knows_of_the_root_user_is_not_unknown() -> None:
    summary = Known({"AccountMFAEnabled": 1, "AccountAccessKeysPresent": 0})
    known = Account(ID, credential_report=root(), password_policy=Known(None), server_certificates=Known(()))
    assert unknown_facts(known) == ()
    by_summary = unknown_facts(replace(known, credential_report=Missing("denied"), summary=summary))
    assert [fact.what for fact in by_summary] == ["last use of the root user"]
    by_neither = unknown_facts(replace(known, credential_report=Missing("denied"), summary=Known({"Users": 1})))
    assert [fact.what for fact in by_neither] == ["last use of the root user", "access keys and MFA of the root user"]
    without_row = replace(known, credential_report=Known(CredentialReport(NOW, ())), summary=Missing("denied"))
    assert [fact.what for fact in unknown_facts(without_row)] == [fact.what for fact in by_neither]


def test_limits_say_from_when_on_something_is_unused() -> None:
    parts = {"users": (user(access_keys=Known((key(60, 20),))),), "roles": (role(last_used=Known(ago(20))),)}
    workspace = sample_workspace().with_account(Account(ID, **parts))
    month, week = (AuditLimits(timedelta(days), timedelta(days)) for days in (30, 7))
    codes = {"access-key-unused", "user-unused", "role-unused"}
    assert not codes & {finding.code for finding in audit(workspace, NOW, limits=month)}
    assert codes <= {finding.code for finding in audit(workspace, NOW, limits=week)}


def test_the_demo_has_an_example_of_every_finding_on_facts_of_the_account() -> None:
    workspace = sample_workspace().with_account(load_demo_account())
    shown = {finding.code for finding in audit(workspace)}
    for code in CODES:
        if code.startswith(("root-", "password-", "certificate-", "permission-", "quota-", "user-", "access-key-")):
            assert code in shown


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


def test_the_members_of_a_group_are_counted_once_for_all_its_statements_and_policies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: Counter[str] = Counter()
    members = Account.members

    def counted(account: Account, group: str) -> tuple[User, ...]:
        asked[group] += 1
        return members(account, group)

    monkeypatch.setattr(Account, "members", counted)
    everything = [allow("*") for _ in range(200)]
    strong = [managed(name, *everything) for name in ("one", "two")]
    attached = tuple(AttachedPolicy(policy.name, policy.arn) for policy in strong)
    group = Group("g", "/", iam("group/g"), "AGPAG", ago(9), (), attached)
    found = findings(users=(user(groups=("g",)),), groups=(group,), policies=tuple(strong))
    assert sum(finding.code == "full-access" for finding in found) == 400
    assert [finding.message for finding in found if finding.code == "administrators"]
    assert asked["g"] == 1
