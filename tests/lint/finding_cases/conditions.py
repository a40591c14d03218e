"""Conditions: operators, keys and values."""

from __future__ import annotations

from typing import Final

from tests.lint.finding_cases.documents import A, Case, allow, document, when

CONDITIONS: Final[list[Case]] = [
    # conditions
    ("operator", document(when("StringEqual", "aws:username", "a")), "identity", ["error:unknown-operator"]),
    ("null if exists", document(when("NullIfExists", "aws:username", "true")), "identity", ["error:unknown-operator"]),
    ("operator case", document(when("stringEquals", "aws:username", "a")), "identity", ["error:operator-case"]),
    ("key without prefix", document(when("StringEquals", "username", "a")), "identity", ["error:key-format"]),
    ("origin identity", document(when("StringEquals", "aws:OriginIdentity/Subject", "a")), "identity", []),
    (
        "scope of a token",
        document(when("ForAllValues:StringEquals", "sts:IdentityTokenScope", "a")),
        "identity",
        ["warning:for-all-values-without-guard"],
    ),
    (
        "key of a newer service",
        document(when("StringEquals", "apiportal:Stage", "a")),
        "identity",
        ["suggestion:newer-service"],
    ),
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
        ["error:private-source-ip"],
    ),
    ("arn value", document(when("ArnLike", "aws:SourceArn", "my-topic")), "identity", ["error:value-type"]),
    ("bare star as arn", document(when("ArnLike", "aws:SourceArn", "*")), "identity", ["suggestion:star-as-value"]),
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
        ["suggestion:set-operator-on-single-value"],
    ),
    ("any value", document(when("ForAnyValue:StringEquals", "aws:TagKeys", "a")), "identity", []),
    (
        "all values without guard",
        document(when("ForAllValues:StringEquals", "aws:TagKeys", "a")),
        "identity",
        ["suggestion:for-all-values-without-guard"],
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
]
