"""The small worlds that generated requests live in: small, so that things really match."""

from __future__ import annotations

from typing import Any

A = "111111111111"
B = "222222222222"
OIDC = f"arn:aws:iam::{A}:oidc-provider/token.actions.githubusercontent.com"
CANONICAL = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"

ALICE = f"arn:aws:iam::{A}:user/alice"
CALLERS: list[dict[str, Any]] = [
    {"principal": ALICE, "credentials": "long_term"},
    {"principal": ALICE, "credentials": "temporary"},
    {"principal": f"arn:aws:iam::{A}:user/team/amy", "credentials": "long_term"},
    {"principal": f"arn:aws:sts::{A}:assumed-role/app/s1"},
    {"principal": f"arn:aws:sts::{A}:assumed-role/app/s2"},
    {"principal": f"arn:aws:sts::{A}:assumed-role/deep/s1"},
    {"principal": f"arn:aws:iam::{A}:role/app"},
    {"principal": f"arn:aws:iam::{A}:role/a/b/deep"},
    {"principal": f"arn:aws:sts::{A}:federated-user/fed1", "issuer": ALICE},
    {"principal": f"arn:aws:sts::{A}:federated-user/fed1"},
    {"principal": f"arn:aws:iam::{A}:root", "credentials": "long_term"},
    {"principal": f"arn:aws:iam::{B}:root", "credentials": "long_term"},
    {"principal": f"arn:aws:iam::{B}:user/xavier", "credentials": "long_term"},
    {"principal": f"arn:aws:sts::{B}:assumed-role/ext/s9"},
    {"principal": f"arn:aws:iam::{A}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"},
    {"principal": f"arn:aws:sts::{A}:assumed-role/AWSServiceRoleForX/s1"},
    {"principal": "cloudtrail.amazonaws.com"},
    {"principal": "lambda.amazonaws.com"},
    {"principal": {"type": "Anonymous"}},
    {"principal": CANONICAL},
]
OUTSIDERS: list[dict[str, Any]] = [
    {"principal": f"arn:aws:iam::{B}:root", "credentials": "long_term"},
    {"principal": f"arn:aws:iam::{B}:user/xavier", "credentials": "long_term"},
    {"principal": f"arn:aws:sts::{B}:assumed-role/ext/s9"},
    {"principal": {"type": "Anonymous"}},
]
PROVIDER_CALLERS: list[dict[str, Any]] = [
    {"principal": {"type": "Federated", "provider": OIDC}},
    {"principal": OIDC},
    {"principal": "accounts.google.com"},
]

Q = f"arn:aws:sqs:us-east-1:{A}:q"
KEY = f"arn:aws:kms:us-east-1:{A}:key/k1"
TARGET_ROLE = f"arn:aws:iam::{A}:role/tgt"
QUESTIONS: list[tuple[list[str], list[str]]] = [
    (
        ["s3:GetObject", "s3:PutObject", "S3:getobject"],
        [
            "arn:aws:s3:::b1/k",
            "arn:aws:s3:::b1/alice/logs/x",
            "arn:aws:s3:::b2/k",
            "arn:aws:s3:::b1/*",
            "arn:aws:s3:::b*",
            "arn:aws:s3:::*/logs/*",
            "arn:aws:s3:*:*:b1/k",
            "arn:aws:s3:::b1/what?",
            "*",
        ],
    ),
    (
        ["s3:ListBucket", "s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"],
        ["arn:aws:s3:::b1", "arn:aws:s3:::b2", "arn:aws:s3:::b*"],
    ),
    (["s3:ListAllMyBuckets", "ec2:DescribeInstances", "kms:ListKeys"], ["*"]),
    (["ec2:DescribeInstances"], [f"arn:aws:ec2:us-east-1:{A}:instance/i-1"]),
    (
        ["sqs:SendMessage", "SQS:SendMessage"],
        [
            Q,
            f"arn:aws:sqs:us-east-1:{B}:q",
            "arn:aws-cn:sqs:cn-north-1:111111111111:q",
            f"arn:aws:sqs:*:{A}:q",
            "arn:aws:sqs:us-east-1:*",
            "arn:aws:sqs:us-*t-1:111111111111:q*",
        ],
    ),
    (
        ["kms:Decrypt", "kms:Decrypt", "kms:RetireGrant"],
        [KEY, KEY, f"arn:aws:kms:us-east-1:{A}:key/*", f"arn:aws:kms:us-east-1:{A}:key*", f"arn:aws:kms:*:{A}:*", "*"],
    ),
    (["kms:Decrypt"], [f"arn:aws:kms:us-east-1:{A}:alias/x"]),
    (
        ["kms:CreateAlias", "kms:DeleteAlias"],
        [f"arn:aws:kms:us-east-1:{A}:alias/x", f"arn:aws:kms:us-east-1:{A}:alias/aws/s3", KEY],
    ),
    (
        ["sts:AssumeRole", "sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity", "STS:assumerole"],
        [
            TARGET_ROLE,
            TARGET_ROLE,
            f"arn:aws:iam::{A}:role/app",
            f"arn:aws:iam::{A}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
            f"arn:aws:iam::{A}:role/*",
            "*",
        ],
    ),
    (["sts:TagSession"], [f"arn:aws:sts::{A}:federated-user/fed1"]),
    (["sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"], [TARGET_ROLE]),
    (["sts:GetCallerIdentity", "sts:GetSessionToken"], ["*"]),
    (
        ["iam:PassRole", "iam:GetRole", "iam:PutRolePolicy", "iam:SimulatePrincipalPolicy"],
        [
            f"arn:aws:iam::{A}:role/app",
            f"arn:aws:iam::{A}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_x_0123456789abcdef",
        ],
    ),
    (
        ["iam:CreatePolicyVersion", "iam:GetPolicy"],
        ["arn:aws:iam::aws:policy/ReadOnlyAccess", f"arn:aws:iam::{A}:policy/p", "arn:aws:iam::aws:policy/*"],
    ),
    (["iam:CreateAccessKey"], [ALICE, f"arn:aws:iam::{A}:user/team/amy"]),
    (["sns:Publish"], [f"arn:aws:sns:us-east-1:{A}:t"]),
    (
        ["lambda:InvokeFunction"],
        [f"arn:aws:lambda:us-east-1:{A}:function:f", f"arn:aws:lambda:us-east-1:{A}:function:f:PROD"],
    ),
]

KEYS: dict[str, list[str]] = {
    "aws:SourceIp": ["203.0.113.9", "198.51.100.1", "2001:db8::1", "abc"],
    "aws:SourceVpc": ["vpc-1", "vpc-2"],
    "aws:PrincipalOrgID": ["o-1", "o-2"],
    "aws:PrincipalTag/t": ["red", "blue", "b1", "alice", "a*", "", "arn:aws:sns:us-east-1:111111111111:t", "true"],
    "aws:ResourceTag/t": ["red", "Red", "blue", "\u00df", "\u03a3\u03a3"],
    "aws:TagKeys": ["red", "env", "a*", ""],
    "aws:CalledVia": ["dynamodb.amazonaws.com", "cloudformation.amazonaws.com"],
    "aws:MultiFactorAuthPresent": ["true", "false", "asdf", "True"],
    "aws:SecureTransport": ["true", "false"],
    "aws:CurrentTime": ["2026-01-01T00:00:00Z", "1767225600", "1767225600000", "2026", "2026-02-30", "x"],
    "s3:max-keys": ["10", "10.0", "9", "-5", "1e3"],
    "s3:prefix": ["", "home/alice", "h*", "h", "home/"],
    "aws:SourceArn": ["arn:aws:sns:us-east-1:111111111111:t", "arn:aws:s3:::b1", "a", "arn:aws:iam::1:x:y/z"],
    "sts:ExternalId": ["abc", "ABC"],
    "x:binary": ["cmVk", "YmFkIQ==", "no base64"],
    "aws:username": ["alice", "amy", "bob"],
    "aws:PrincipalArn": [ALICE, f"arn:aws:iam::{A}:role/app", f"arn:aws:iam::{A}:role/a/b/deep"],
    "aws:PrincipalAccount": [A, B, "anonymous"],
    "aws:PrincipalType": ["User", "AssumedRole", "Account", "FederatedUser", "Anonymous"],
    "aws:PrincipalIsAWSService": ["true", "false"],
    "aws:PrincipalServiceName": ["cloudtrail.amazonaws.com", "lambda.amazonaws.com"],
}
RULE_KEYS: dict[str, list[str]] = {
    "sts:TaskPolicyArn": [
        "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy",
        "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials",
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
    ],
    "aws:AssumedRoot": ["true", "false"],
    "kms:RequestAlias": ["alias/x", "alias/y"],
    "kms:ResourceAliases": ["alias/x", "alias/y"],
    "lambda:InvokedViaFunctionUrl": ["true", "false"],
    "lambda:FunctionUrlAuthType": ["NONE", "AWS_IAM"],
}
"""Keys that only some actions have."""

FROM_CALLER = (
    "aws:username",
    "aws:PrincipalArn",
    "aws:PrincipalAccount",
    "aws:PrincipalType",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalServiceName",
)
MULTIVALUED = ("aws:TagKeys", "aws:CalledVia", "kms:ResourceAliases")
OPERATORS_FOR: dict[str, list[str]] = {
    "aws:SourceIp": ["IpAddress", "NotIpAddress"],
    "aws:MultiFactorAuthPresent": ["Bool"],
    "aws:SecureTransport": ["Bool"],
    "aws:AssumedRoot": ["Bool"],
    "aws:PrincipalIsAWSService": ["Bool", "StringEquals"],
    "lambda:InvokedViaFunctionUrl": ["Bool", "Bool", "StringEquals"],
    "aws:CurrentTime": [
        "DateEquals",
        "DateNotEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
    ],
    "s3:max-keys": [
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
    ],
    "aws:SourceArn": ["ArnLike", "ArnEquals", "ArnNotLike", "ArnNotEquals", "StringLike"],
    "aws:PrincipalArn": ["ArnLike", "ArnEquals", "ArnNotLike", "ArnNotEquals", "StringLike"],
    "x:binary": ["BinaryEquals"],
}
STRING_OPERATORS = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
]
EXTRA_VALUES: dict[str, list[Any]] = {
    "aws:SourceIp": ["203.0.113.0/24", "203.0.113.7/24", "2001:DB8::/32", "203.0.113.0/255.255.255.0", "0.0.0.0/1"],
    "aws:CurrentTime": [
        "2026-01-01",
        "2026-01",
        "2026-01-01T01:00:00+01:00",
        "2026-01-01T00:00Z",
        "2025-12-31T23:59:59.5Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00",
        "1767225600.5",
        2026,
    ],
    "s3:max-keys": [10, 9.5, "+10", " 10", "010"],
    "aws:MultiFactorAuthPresent": [True, False, "TRUE", "yes", "${aws:SecureTransport}"],
    "aws:SecureTransport": [True, False],
    "lambda:InvokedViaFunctionUrl": [True, False],
    "kms:RequestAlias": ["alias/*", "alias/x", "alias/z*"],
    "kms:ResourceAliases": ["alias/*", "alias/x", "alias/z*"],
    "aws:SourceArn": [
        "arn:aws:sns:*:*:t",
        "arn:aws:s3:::*",
        "*",
        "arn:aws:*",
        "arn:aws:iam::*:*",
        "${aws:PrincipalTag/t}",
    ],
    "aws:PrincipalArn": [f"arn:aws:iam::{A}:role/*", "arn:aws:iam::*:user/al?ce", f"arn:aws:iam::{A}:root", "*"],
    "x:binary": ["cmVk", "red"],
}
TEXT_EXTRAS: list[str] = [
    "*",
    "${*}",
    "r*",
    "?ed",
    "a${*}",
    "a*",
    "h${?}",
    "home/*",
    "SS",
    "\u03c3\u03c3",
    "${aws:username}",
    "home/${aws:username}",
    "${aws:PrincipalTag/t}",
    "${aws:PrincipalTag/t, 'red'}",
    "${AWS:principaltag/T,'blue'}*",
    "${aws:TagKeys, 'red'}",
    "${s3:prefix}",
    "${}",
    "${aws:username",
    "${nothing:here}",
]
