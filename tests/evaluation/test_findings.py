"""Findings: documents and the codes they must give, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.evaluation.findings import DocumentKind, Finding, Level, finding_to_json, findings, guess_kind
from iamtui.policy.document import PolicyDocument
from iamtui.sources.managed_policies import managed_policy_arns, managed_policy_document

A = "111111111111"
OIDC = f"arn:aws:iam::{A}:oidc-provider/token.actions.githubusercontent.com"
GITHUB = "token.actions.githubusercontent.com"
OBJECT = "arn:aws:s3:::b/*"


def document(*statements: dict[str, Any], version: str | None = "2012-10-17", **more: Any) -> dict[str, Any]:
    head: dict[str, Any] = {} if version is None else {"Version": version}
    return {**head, **more, "Statement": list(statements)}


def look(value: Any, kind: str = "identity", **options: Any) -> tuple[Finding, ...]:
    return findings(PolicyDocument.of(value), DocumentKind(kind), **options)


def codes(value: Any, kind: str = "identity", **options: Any) -> list[str]:
    return sorted({f"{finding.level.value}:{finding.code}" for finding in look(value, kind, **options)})


def allow(**more: Any) -> dict[str, Any]:
    """An unobjectionable Allow statement, changed; None removes an element."""
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": OBJECT, **more}
    return {key: value for key, value in statement.items() if value is not None}


def when(operator: str, key: str, value: Any, **more: Any) -> dict[str, Any]:
    return allow(Condition={operator: {key: value}}, **more)


def trust(**more: Any) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{A}:role/x"},
        "Action": "sts:AssumeRole",
        **more,
    }
    return {key: value for key, value in statement.items() if value is not None}


def github(
    subject: Any = "repo:acme/site:ref:refs/heads/main", audience: str | None = "sts.amazonaws.com"
) -> dict[str, Any]:
    condition: dict[str, Any] = {}
    if audience:
        condition["StringEquals"] = {f"{GITHUB}:aud": audience}
    if subject:
        condition["StringLike"] = {f"{GITHUB}:sub": subject}
    return trust(Principal={"Federated": OIDC}, Action="sts:AssumeRoleWithWebIdentity", Condition=condition)


CASES: list[tuple[str, Any, str, list[str]]] = [
    ("clean", document(allow()), "identity", []),
    ("single statement", {"Version": "2012-10-17", "Statement": allow()}, "identity", []),
    # documents
    ("bad version", document(allow(), version="2012-10-18"), "identity", ["error:unknown-version"]),
    ("no version", document(allow(), version=None), "identity", ["suggestion:old-version"]),
    (
        "variable without version",
        document(allow(Resource="arn:aws:s3:::b/${aws:username}/*"), version="2008-10-17"),
        "identity",
        ["warning:variables-need-version"],
    ),
    ("id in identity", document(allow(), Id="x"), "identity", ["error:id-not-allowed"]),
    ("id in resource", document(allow(Principal={"AWS": A}), Id="x"), "resource", []),
    ("unknown top element", document(allow(), Statment=[]), "identity", ["error:unknown-element"]),
    ("no statements", document(), "identity", ["error:no-statements"]),
    ("same sid", document(allow(Sid="a"), allow(Sid="a")), "identity", ["error:duplicate-sid"]),
    (
        "same sid on a resource",
        document(allow(Sid="a", Principal={"AWS": A}), allow(Sid="a", Principal={"AWS": A})),
        "resource",
        ["warning:duplicate-sid"],
    ),
    ("sid with blank", document(allow(Sid="a b")), "identity", ["error:sid-characters"]),
    ("sid with blank on a resource", document(allow(Sid="a b", Principal={"AWS": A})), "resource", []),
    (
        "character outside",
        document(allow(Resource="arn:aws:s3:::b/\u4e2d")),
        "identity",
        ["error:character-not-allowed"],
    ),
    # elements by type
    ("unknown element", document(allow(Resources="*")), "identity", ["error:unknown-element"]),
    ("principal in identity", document(allow(Principal="*")), "identity", ["error:principal-not-allowed"]),
    ("principal in scp", document(allow(Principal="*")), "scp", ["error:principal-not-allowed"]),
    ("principal in boundary", document(allow(NotPrincipal={"AWS": A})), "boundary", ["error:principal-not-allowed"]),
    ("principal missing", document(allow()), "resource", ["error:missing-principal"]),
    ("principal missing at endpoint", document(allow()), "vpc_endpoint", ["error:missing-principal"]),
    ("no resource", document(allow(Resource=None)), "identity", ["error:missing-resource"]),
    ("no resource on a resource", document(allow(Resource=None, Principal={"AWS": A})), "resource", []),
    ("resource in trust", document(trust(Resource="*")), "trust", ["error:resource-in-trust-policy"]),
    ("empty action", document(allow(Action=[])), "identity", ["error:empty-element"]),
    ("empty resource", document(allow(Resource=[])), "identity", ["error:empty-element"]),
    ("empty principal", document(allow(Principal={"AWS": []})), "resource", ["error:empty-principal"]),
    ("allow not action", document(allow(Action=None, NotAction="iam:*")), "identity", ["warning:allow-not-action"]),
    (
        "allow not resource",
        document(allow(Resource=None, NotResource=OBJECT)),
        "identity",
        ["warning:allow-not-resource"],
    ),
    ("deny not action", document(allow(Effect="Deny", Action=None, NotAction="iam:*", Resource="*")), "identity", []),
    ("scp full language", document(allow(Action=None, NotAction="iam:*", Resource="*")), "scp", []),
    (
        "deny not principal",
        document(allow(Effect="Deny", NotPrincipal={"AWS": f"arn:aws:iam::{A}:root"})),
        "resource",
        ["warning:not-principal"],
    ),
    ("allow not principal", document(allow(NotPrincipal={"AWS": A})), "resource", ["error:allow-not-principal"]),
    (
        "trust not principal",
        document(trust(Principal=None, NotPrincipal={"AWS": A})),
        "trust",
        ["error:not-principal-not-allowed"],
    ),
    # resource control policies
    ("rcp", document(allow(Effect="Deny", Principal="*", Action="s3:*", Resource="*")), "rcp", []),
    ("rcp of AWS", document({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}), "rcp", []),
    ("rcp allow", document(allow(Principal="*")), "rcp", ["error:rcp-allow"]),
    ("rcp star", document(allow(Effect="Deny", Principal="*", Action="*", Resource="*")), "rcp", ["error:rcp-action"]),
    (
        "rcp not action",
        document(allow(Effect="Deny", Principal="*", Action=None, NotAction="s3:*", Resource="*")),
        "rcp",
        ["error:rcp-not-action"],
    ),
    (
        "rcp principal",
        document(allow(Effect="Deny", Principal={"AWS": A}, Resource="*")),
        "rcp",
        ["error:rcp-principal"],
    ),
    (
        "rcp service",
        document(allow(Effect="Deny", Principal="*", Action="ec2:RunInstances", Resource="*")),
        "rcp",
        ["warning:rcp-service"],
    ),
    (
        "rcp version",
        document(allow(Effect="Deny", Principal="*", Action="s3:*", Resource="*"), version=None),
        "rcp",
        ["warning:rcp-version"],
    ),
    # actions
    ("unknown action", document(allow(Action="s3:GetObjct")), "identity", ["error:unknown-action"]),
    ("unknown service", document(allow(Action="s33:GetObject")), "identity", ["error:unknown-service"]),
    ("no service", document(allow(Action="GetObject")), "identity", ["error:action-format"]),
    ("no operation", document(allow(Action="s3:")), "identity", ["error:action-format"]),
    ("blank in action", document(allow(Action=" s3:GetObject")), "identity", ["error:action-format"]),
    ("comma in action", document(allow(Action="s3:GetObject,s3:PutObject")), "identity", ["error:action-format"]),
    ("wildcard in service", document(allow(Action="s*:GetObject")), "identity", ["error:action-format"]),
    ("variable in action", document(allow(Action="s3:${aws:username}")), "identity", ["error:action-format"]),
    ("wildcard without a match", document(allow(Action="s3:Fetch*")), "identity", ["warning:no-such-actions"]),
    ("all", document({"Effect": "Deny", "Action": "*", "Resource": "*"}), "identity", []),
    (
        "action twice",
        document(allow(Action=["s3:GetObject", "S3:getobject"])),
        "identity",
        ["suggestion:redundant-action"],
    ),
    (
        "action covered",
        document(allow(Action=["s3:GetObject", "s3:Get*"])),
        "identity",
        ["suggestion:redundant-action"],
    ),
    ("pass role", document(allow(Action="iam:PassRole", Resource="*")), "identity", ["warning:pass-role-on-star"]),
    ("pass role by wildcard", document(allow(Action="iam:*", Resource="*")), "identity", ["warning:pass-role-on-star"]),
    (
        "pass role to one service",
        document(when("StringEquals", "iam:PassedToService", "ec2.amazonaws.com", Action="iam:PassRole", Resource="*")),
        "identity",
        [],
    ),
    ("pass role named", document(allow(Action="iam:PassRole", Resource=f"arn:aws:iam::{A}:role/app")), "identity", []),
    # resources
    ("no arn", document(allow(Resource="b/*")), "identity", ["error:resource-format"]),
    ("nothing behind", document(allow(Resource=["arn:aws:s3:::", OBJECT])), "identity", ["error:resource-format"]),
    (
        "short arn",
        document(allow(Resource="arn:aws:s3")),
        "identity",
        ["error:short-arn", "warning:no-resource-for-action"],
    ),
    ("partition", document(allow(Resource="arn:amazon:s3:::b/*")), "identity", ["error:unknown-partition"]),
    ("partition wildcard", document(allow(Resource="arn:*:s3:::b/*")), "identity", ["warning:wildcard-in-arn-field"]),
    (
        "service in arn",
        document(allow(Resource=["arn:aws:s33:::b/*", OBJECT])),
        "identity",
        ["error:unknown-service"],
    ),
    (
        "bucket with region and account",
        document(allow(Resource=[f"arn:aws:s3:us-east-1:{A}:b/*", OBJECT])),
        "identity",
        ["error:account-not-allowed", "error:region-not-allowed"],
    ),
    (
        "access point has both",
        document(allow(Resource=f"arn:aws:s3:us-east-1:{A}:accesspoint/x/object/*")),
        "identity",
        [],
    ),
    (
        "region in iam",
        document(
            allow(Action="iam:GetUser", Resource=[f"arn:aws:iam:us-east-1:{A}:user/x", f"arn:aws:iam::{A}:user/x"])
        ),
        "identity",
        ["error:region-not-allowed"],
    ),
    (
        "no account in iam",
        document(allow(Action="iam:GetUser", Resource=["arn:aws:iam:::user/x", f"arn:aws:iam::{A}:user/x"])),
        "identity",
        ["warning:missing-account"],
    ),
    (
        "account shape",
        document(allow(Action="iam:GetUser", Resource=["arn:aws:iam::1234:user/x", f"arn:aws:iam::{A}:user/x"])),
        "identity",
        ["error:account-format"],
    ),
    (
        "region shape",
        document(allow(Action="sqs:SendMessage", Resource=[f"arn:aws:sqs:useast1:{A}:q", f"arn:aws:sqs:*:{A}:q"])),
        "identity",
        ["error:unknown-region"],
    ),
    (
        "variable in field",
        document(allow(Action="sqs:SendMessage", Resource="arn:aws:sqs:*:${aws:PrincipalAccount}:q")),
        "identity",
        ["error:variable-in-arn-field"],
    ),
    (
        "needs star",
        document(allow(Action="ec2:DescribeInstances", Resource=f"arn:aws:ec2:*:{A}:instance/*")),
        "identity",
        ["warning:needs-star"],
    ),
    (
        "buckets on the bucket arn",
        document(allow(Action="s3:ListAllMyBuckets", Resource="arn:aws:s3:::*")),
        "identity",
        [],
    ),
    (
        "object arn for a bucket action",
        document(allow(Action=["s3:ListBucket", "s3:GetObject"])),
        "identity",
        ["warning:no-resource-for-action"],
    ),
    (
        "both arns",
        document(allow(Action=["s3:ListBucket", "s3:GetObject"], Resource=["arn:aws:s3:::b", OBJECT])),
        "identity",
        [],
    ),
    ("variable in resource", document(allow(Resource="arn:aws:s3:::b/${aws:username}/*")), "identity", []),
    (
        "malformed variable",
        document(allow(Resource="arn:aws:s3:::b/${username}/*")),
        "identity",
        ["warning:malformed-variable"],
    ),
    (
        "unknown variable",
        document(allow(Resource="arn:aws:s3:::b/${aws:user}/*")),
        "identity",
        ["warning:unknown-variable"],
    ),
    (
        "multivalued variable",
        document(allow(Resource="arn:aws:s3:::b/${aws:TagKeys}/*")),
        "identity",
        ["warning:multivalued-variable"],
    ),
    ("default and escape", document(allow(Resource="arn:aws:s3:::b/${aws:username, 'x'}/${*}")), "identity", []),
    # conditions
    ("operator", document(when("StringEqual", "aws:username", "a")), "identity", ["error:unknown-operator"]),
    ("null if exists", document(when("NullIfExists", "aws:username", "true")), "identity", ["error:unknown-operator"]),
    ("operator case", document(when("stringEquals", "aws:username", "a")), "identity", ["error:operator-case"]),
    ("key without prefix", document(when("StringEquals", "username", "a")), "identity", ["error:key-format"]),
    ("unknown key", document(when("StringEquals", "aws:user", "a")), "identity", ["error:unknown-key"]),
    (
        "key twice",
        document(allow(Condition={"StringEquals": {"aws:username": "a", "aws:UserName": "b"}})),
        "identity",
        ["error:repeated-key"],
    ),
    (
        "two operators",
        document(allow(Condition={"StringEquals": {"aws:username": "a"}, "StringLike": {"aws:username": "b"}})),
        "identity",
        [],
    ),
    ("no values", document(when("StringEquals", "aws:username", [])), "identity", ["warning:no-values"]),
    (
        "number",
        document(when("NumericLessThan", "s3:max-keys", "ten", Action="s3:ListBucket", Resource="*")),
        "identity",
        ["error:value-type"],
    ),
    ("date", document(when("DateLessThan", "aws:CurrentTime", "tomorrow")), "identity", ["error:value-type"]),
    ("date fine", document(when("DateLessThan", "aws:CurrentTime", "2026-12-01T00:00:00Z")), "identity", []),
    ("epoch as number", document(when("NumericLessThan", "aws:EpochTime", 1767225600)), "identity", []),
    ("bool", document(when("Bool", "aws:SecureTransport", "yes")), "identity", ["error:value-type"]),
    ("bool fine", document(when("Bool", "aws:SecureTransport", True)), "identity", []),
    (
        "two bools",
        document(when("Bool", "aws:SecureTransport", ["true", "false"])),
        "identity",
        ["error:several-booleans"],
    ),
    ("no such operator, no key", document(allow(Condition={"Same": {}})), "identity", ["error:unknown-operator"]),
    ("null value", document(when("Null", "aws:TokenIssueTime", "no")), "identity", ["error:value-type"]),
    ("ip", document(when("IpAddress", "aws:SourceIp", "203.0.113.0/33")), "identity", ["error:value-type"]),
    ("ip fine", document(when("IpAddress", "aws:SourceIp", ["203.0.113.0/24", "2001:db8::/32"])), "identity", []),
    (
        "private ip",
        document(when("IpAddress", "aws:SourceIp", "10.1.0.0/16")),
        "identity",
        ["warning:private-source-ip"],
    ),
    ("arn value", document(when("ArnLike", "aws:SourceArn", "my-topic")), "identity", ["error:value-type"]),
    ("bare star as arn", document(when("ArnLike", "aws:SourceArn", "*")), "identity", []),
    ("type", document(when("NumericEquals", "aws:username", "1")), "identity", ["error:type-mismatch"]),
    (
        "bool as text",
        document(when("StringEquals", "aws:SecureTransport", "true")),
        "identity",
        ["warning:type-mismatch"],
    ),
    ("arn as text", document(when("StringEquals", "aws:PrincipalArn", f"arn:aws:iam::{A}:role/x")), "identity", []),
    (
        "set operator needed",
        document(when("StringEquals", "aws:TagKeys", "a", Action="s3:PutObjectTagging")),
        "identity",
        ["error:needs-set-operator"],
    ),
    (
        "set operator on one value",
        document(when("ForAnyValue:StringEquals", "aws:username", "a")),
        "identity",
        ["warning:set-operator-on-single-value"],
    ),
    ("any value", document(when("ForAnyValue:StringEquals", "aws:TagKeys", "a")), "identity", []),
    (
        "all values without guard",
        document(when("ForAllValues:StringEquals", "aws:TagKeys", "a")),
        "identity",
        ["warning:for-all-values-without-guard"],
    ),
    (
        "all values with guard",
        document(
            allow(Condition={"ForAllValues:StringEquals": {"aws:TagKeys": "a"}, "Null": {"aws:TagKeys": "false"}})
        ),
        "identity",
        [],
    ),
    (
        "all values in a deny",
        document(when("ForAllValues:StringEquals", "aws:TagKeys", "a", Effect="Deny")),
        "identity",
        [],
    ),
    (
        "wildcard in an identity key",
        document(when("StringLike", "aws:PrincipalOrgID", "o-*")),
        "identity",
        ["warning:wildcard-in-identity-key"],
    ),
    ("literal star", document(when("StringEquals", "aws:username", "a*")), "identity", ["warning:literal-wildcard"]),
    ("escaped star", document(when("StringEquals", "aws:username", "a${*}")), "identity", []),
    (
        "session arn",
        document(when("ArnLike", "aws:PrincipalArn", f"arn:aws:sts::{A}:assumed-role/x/*")),
        "identity",
        ["warning:principal-arn-is-role"],
    ),
    (
        "variable in date",
        document(when("DateLessThan", "aws:CurrentTime", "${aws:TokenIssueTime}")),
        "identity",
        ["error:value-type", "error:variable-not-supported"],
    ),
    (
        "variable in bool",
        document(when("Bool", "aws:SecureTransport", "${aws:ViaAWSService}")),
        "identity",
        ["warning:variable-in-bool"],
    ),
    (
        "variable in key",
        document(when("StringEquals", "aws:PrincipalTag/${aws:username}", "a")),
        "identity",
        ["error:variable-not-allowed"],
    ),
    (
        "key of another action",
        document(when("StringLike", "s3:prefix", "home/*")),
        "identity",
        ["warning:key-not-carried"],
    ),
    (
        "key of the action",
        document(when("StringLike", "s3:prefix", "home/*", Action="s3:ListBucket", Resource="*")),
        "identity",
        [],
    ),
    # principals
    ("principal type", document(allow(Principal={"Aws": A})), "resource", ["error:principal-type"]),
    (
        "bare principal",
        document(allow(Principal=f"arn:aws:iam::{A}:user/x")),
        "resource",
        ["error:bare-principal"],
    ),
    (
        "principal wildcard",
        document(allow(Principal={"AWS": f"arn:aws:iam::{A}:role/app-*"})),
        "resource",
        ["error:principal-wildcard"],
    ),
    ("group", document(allow(Principal={"AWS": f"arn:aws:iam::{A}:group/x"})), "resource", ["error:group-principal"]),
    ("principal shape", document(allow(Principal={"AWS": "alice"})), "resource", ["error:principal-format"]),
    ("short account", document(allow(Principal={"AWS": "1234"})), "resource", ["error:principal-format"]),
    ("account", document(allow(Principal={"AWS": [A, f"arn:aws:iam::{A}:root"]})), "resource", []),
    ("session", document(allow(Principal={"AWS": f"arn:aws:sts::{A}:assumed-role/x/s"})), "resource", []),
    (
        "deleted",
        document(allow(Principal={"AWS": "AIDAJQABLZS4A3QDU576Q"})),
        "resource",
        ["warning:deleted-principal"],
    ),
    (
        "variable in principal",
        document(allow(Principal={"AWS": "arn:aws:iam::${aws:PrincipalAccount}:root"})),
        "resource",
        ["error:variable-not-allowed"],
    ),
    (
        "service star",
        document(allow(Effect="Deny", Principal={"Service": "*"})),
        "resource",
        ["error:principal-wildcard"],
    ),
    (
        "service shape",
        document(allow(Effect="Deny", Principal={"Service": "ec2"})),
        "resource",
        ["error:service-principal-format"],
    ),
    (
        "service without source",
        document(allow(Principal={"Service": "cloudtrail.amazonaws.com"}, Action="s3:PutObject")),
        "resource",
        ["warning:service-without-source"],
    ),
    (
        "service with source",
        document(
            when(
                "StringEquals",
                "aws:SourceAccount",
                A,
                Principal={"Service": "cloudtrail.amazonaws.com"},
                Action="s3:PutObject",
            )
        ),
        "resource",
        [],
    ),
    (
        "federated on a resource",
        document(allow(Effect="Deny", Principal={"Federated": OIDC})),
        "resource",
        ["error:federated-not-allowed"],
    ),
    ("canonical", document(allow(Principal={"CanonicalUser": "ab" * 32})), "resource", []),
    ("canonical shape", document(allow(Principal={"CanonicalUser": "ab"})), "resource", ["error:principal-format"]),
    ("public", document(allow(Principal="*")), "resource", ["warning:public"]),
    ("public deny", document(allow(Effect="Deny", Principal="*")), "resource", []),
    ("organization only", document(when("StringEquals", "aws:PrincipalOrgID", "o-1", Principal="*")), "resource", []),
    ("endpoint default", document(allow(Principal="*", Action="*", Resource="*")), "vpc_endpoint", []),
    (
        "endpoint principal",
        document(allow(Principal={"AWS": A})),
        "vpc_endpoint",
        ["warning:endpoint-principal"],
    ),
    # trust policies
    ("trust", document(trust()), "trust", []),
    ("trust action", document(trust(Action="s3:GetObject")), "trust", ["error:trust-action"]),
    ("trust star action", document(trust(Action="*")), "trust", ["error:trust-action"]),
    ("trust ec2", document(trust(Principal={"Service": "ec2.amazonaws.com"})), "trust", []),
    (
        "trust scheduler",
        document(trust(Principal={"Service": "scheduler.amazonaws.com"})),
        "trust",
        ["suggestion:service-without-source"],
    ),
    ("trust anyone", document(trust(Principal={"AWS": "*"})), "trust", ["warning:trust-anyone"]),
    (
        "trust organization",
        document(trust(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
        "trust",
        [],
    ),
    (
        "third party",
        document(trust(Principal={"AWS": f"arn:aws:iam::{A}:root"})),
        "trust",
        ["suggestion:third-party-without-external-id"],
    ),
    (
        "third party with id",
        document(trust(Principal={"AWS": A}, Condition={"StringEquals": {"sts:ExternalId": "x"}})),
        "trust",
        [],
    ),
    (
        "canonical in trust",
        document(trust(Principal={"CanonicalUser": "ab" * 32})),
        "trust",
        ["error:canonical-user-not-allowed"],
    ),
    ("github", document(github()), "trust", []),
    ("github list", document(github(["repo:acme/*"])), "trust", []),
    ("github any", document(github("repo:*")), "trust", ["warning:github-any-repository"]),
    ("github star", document(github("*")), "trust", ["warning:github-any-repository"]),
    ("github owner prefix", document(github("repo:acme*")), "trust", ["warning:github-any-repository"]),
    ("github no subject", document(github(None)), "trust", ["warning:github-any-repository"]),
    ("github no audience", document(github(audience=None)), "trust", ["warning:oidc-without-audience"]),
    (
        "web identity by the wrong action",
        document(trust(Principal={"Federated": OIDC})),
        "trust",
        ["error:federated-action"],
    ),
    (
        "saml",
        document(
            trust(
                Principal={"Federated": f"arn:aws:iam::{A}:saml-provider/Corp"},
                Action=["sts:AssumeRoleWithSAML", "sts:TagSession"],
                Condition={"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
            )
        ),
        "trust",
        [],
    ),
    (
        "saml without audience",
        document(
            trust(Principal={"Federated": f"arn:aws:iam::{A}:saml-provider/Corp"}, Action="sts:AssumeRoleWithSAML")
        ),
        "trust",
        ["warning:saml-without-audience"],
    ),
    (
        "cognito",
        document(
            trust(
                Principal={"Federated": "cognito-identity.amazonaws.com"},
                Action="sts:AssumeRoleWithWebIdentity",
                Condition={
                    "StringEquals": {"cognito-identity.amazonaws.com:aud": "us-east-1:1"},
                    "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
                },
            )
        ),
        "trust",
        [],
    ),
    (
        "provider shape",
        document(trust(Principal={"Federated": "corp"}, Action="sts:AssumeRoleWithSAML")),
        "trust",
        ["error:federated-format", "error:federated-action"],
    ),
    (
        "only a ForAllValues guard",
        document(trust(Condition={"ForAllValues:StringEquals": {"sts:TransitiveTagKeys": "a"}})),
        "trust",
        ["warning:for-all-values-only-guard", "warning:for-all-values-without-guard"],
    ),
]


@pytest.mark.parametrize(("value", "kind", "expected"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_codes(value: Any, kind: str, expected: list[str]) -> None:
    assert codes(value, kind) == sorted(expected)


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_every_finding_is_one_printed_sentence_with_a_place(case: tuple[str, Any, str, list[str]]) -> None:
    document = PolicyDocument.of(case[1])
    lines = document.text.count("\n") + 1
    for finding in findings(document, DocumentKind(case[2])):
        assert finding.message.rstrip('?"').endswith((".", "POLICY", ":...")) or finding.message.endswith("?")
        assert "\n" not in finding.message
        assert finding.lines is not None, finding
        assert 1 <= finding.lines[0] <= finding.lines[1] <= lines
        json.dumps(finding_to_json(finding))


TEXT = """{ "Version": "2012-10-17",
  "Statement": [ { "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" },
    { "Effect": "Allow",
      "Action": ["s3:GetObject",
                 "s3:GetObjct"], "Resource": "*" } ] }
"""


def test_lines_of_the_canonical_text_and_of_the_text_as_given() -> None:
    document = PolicyDocument(TEXT)
    [finding] = findings(document, DocumentKind.IDENTITY)
    assert finding.path == "$.Statement[1].Action[1]"
    assert finding.statement == 1
    assert finding.lines is not None
    assert "GetObjct" in document.text.split("\n")[finding.lines[0] - 1]
    assert finding.source_line == 5
    assert 'Did you mean "s3:GetObject"?' in finding.message


@pytest.mark.parametrize(
    ("text", "code", "path", "line"),
    [
        ("", "not-json", "$", 1),
        ('{\n"Statement": }', "not-json", "$", 2),
        ('{"Statement":\n[{"Effect": "Allow",\n"Action": 5}]}', "unreadable", "$.Statement[0].Action", 3),
        ('{\n"Version": "2012-10-17"}', "unreadable", "$", 1),
        ('{"Statement": [\n{"Action": "*"}]}', "unreadable", "$.Statement[0].Effect", None),
        ("[]", "unreadable", "$", 1),
    ],
)
def test_an_unreadable_document_is_one_error(text: str, code: str, path: str, line: int | None) -> None:
    [finding] = findings(PolicyDocument(text), DocumentKind.IDENTITY)
    assert (finding.level, finding.code, finding.path, finding.source_line) == (Level.ERROR, code, path, line)


def test_the_worst_comes_first() -> None:
    found = look(document(allow(Action=["s3:GetObject", "s3:GetObject", "s3:Nope"]), Sid=[], version=None))
    ranks = [finding.level.rank for finding in found]
    assert ranks == sorted(ranks)
    assert ranks[0] == 0


def test_the_own_account_is_no_third_party() -> None:
    value = document(trust(Principal={"AWS": A}))
    assert codes(value, "trust", account=A) == []
    assert codes(value, "trust", account="222222222222") == ["warning:third-party-without-external-id"]


def padded(size: int) -> dict[str, Any]:
    """A document whose size without white space is `size`."""
    value = document(allow())
    rest = size - len(json.dumps(value, separators=(",", ":")))
    return document(allow(Resource=OBJECT + "x" * rest))


@pytest.mark.parametrize(
    ("kind", "size", "expected"),
    [
        ("identity", 6_144, []),
        ("identity", 6_145, ["warning:large"]),
        ("identity", 10_241, ["error:too-large"]),
        ("boundary", 6_145, ["error:too-large"]),
        ("session", 2_049, ["warning:large"]),
        ("scp", 10_241, ["warning:large"]),
        ("scp", 9_000, []),
    ],
)
def test_sizes(kind: str, size: int, expected: list[str]) -> None:
    assert codes(padded(size), kind) == expected


@pytest.mark.parametrize(
    ("kind", "service", "size", "expected"),
    [
        ("resource", "s3", 20 * 1024 + 1, ["error:too-large"]),
        ("resource", "kms", 20 * 1024 + 1, []),
        ("resource", "kms", 32 * 1024 + 1, ["error:too-large"]),
        ("vpc_endpoint", "s3", 20_481, ["error:too-large"]),
    ],
)
def test_sizes_of_policies_on_resources(kind: str, service: str, size: int, expected: list[str]) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": f"{service}:*", "Resource": "*", "Sid": "s" * size}
    assert codes(document(statement), kind) == expected


def test_white_space_counts_for_organizations_only() -> None:
    value = document(allow(Effect="Deny", Principal="*", Action="s3:*", Resource="*"))
    text = json.dumps(value) + " " * 6_000
    assert [f.code for f in findings(PolicyDocument(text), DocumentKind.RCP)] == ["large"]
    assert [
        f.code for f in findings(PolicyDocument(json.dumps(document(allow())) + " " * 7_000), DocumentKind.SESSION)
    ] == []


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (document(allow()), DocumentKind.IDENTITY),
        (document(trust()), DocumentKind.TRUST),
        (document(allow(Principal="*")), DocumentKind.RESOURCE),
        (document(trust(Resource="*")), DocumentKind.RESOURCE),
        ("no json", DocumentKind.IDENTITY),
    ],
)
def test_guess_kind(value: Any, kind: DocumentKind) -> None:
    assert guess_kind(PolicyDocument.of(value)) is kind


STRUCTURAL = {
    "unknown-version", "unknown-element", "no-statements", "duplicate-sid", "sid-characters", "id-not-allowed",
    "principal-not-allowed", "missing-resource", "empty-element", "action-format", "unknown-partition", "short-arn",
    "account-format", "unknown-region", "region-not-allowed", "unknown-operator", "operator-case", "key-format",
    "repeated-key", "value-type", "several-booleans", "not-json", "unreadable", "variable-not-supported",
}  # fmt: skip


def test_policies_of_aws_itself_have_no_structural_error() -> None:
    for arn in managed_policy_arns()[::7]:
        policy = managed_policy_document(arn)
        assert policy is not None
        found = {finding.code for finding in findings(policy, DocumentKind.IDENTITY) if finding.level is Level.ERROR}
        assert not found & STRUCTURAL, arn


words = st.sampled_from(
    ["*", "s3:*", "s3:GetObject", "", "a b", "${aws:username}", "${", "arn:aws:s3:::b/*", "arn:aws", "arn:a:b:c:d:e",
     A, "aws:SourceIp", "true", "10.0.0.0/8", "StringEquals", "ForAllValues:Bool", "AWS", "Service", "\ud800", "\x00"]
) | st.text(max_size=6)  # fmt: skip
names = st.sampled_from(
    ["Version", "Id", "Statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource",
     "NotResource", "Condition", "AWS", "Federated", "StringLike", "Bool", "aws:TagKeys"]
) | words  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
texts = words | st.lists(words, max_size=3)
conditions = st.dictionaries(
    words, st.dictionaries(words, texts | st.booleans() | st.integers(), max_size=2), max_size=2
)
statements = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"])},
    optional={
        "Sid": words,
        "Principal": words | st.dictionaries(words, texts, max_size=2),
        "Action": texts,
        "Resource": texts,
        "NotResource": texts,
        "Condition": conditions,
        "Other": anything,
    },
)
policies = st.fixed_dictionaries(
    {"Statement": statements | st.lists(statements, max_size=3)},
    optional={"Version": words, "Id": words, "X": anything},
)
kinds = st.sampled_from(DocumentKind)


@given(anything | policies, kinds)
def test_any_json_gives_findings_and_never_raises(value: Any, kind: DocumentKind) -> None:
    for finding in findings(PolicyDocument(json.dumps(value)), kind):
        assert finding.path.startswith("$")


@given(st.text(max_size=40), kinds)
def test_any_text_gives_findings_and_never_raises(text: str, kind: DocumentKind) -> None:
    document = PolicyDocument(text)
    found = findings(document, kind)
    assert document.error is None or len(found) == 1
