"""Principals, and trust policies."""

from __future__ import annotations

from typing import Final

from tests.lint.finding_cases.documents import OIDC, A, Case, allow, document, github, trust, when

PRINCIPALS: Final[list[Case]] = [
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
    ("github list", document(github(["repo:acme/*"])), "trust", ["suggestion:github-any-branch"]),
    ("github any", document(github("repo:*")), "trust", ["warning:github-any-repository"]),
    ("github star", document(github("*")), "trust", ["suggestion:star-as-value", "warning:github-any-repository"]),
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
        ["warning:for-all-values-only-guard", "warning:for-all-values-without-guard", "warning:key-without-action"],
    ),
]
