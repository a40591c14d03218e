"""What random accounts and the questions about them are made of: little, so that things really match."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

A: Final = "111111111111"
B: Final = "222222222222"
NOON: Final = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
EPOCH: Final = int(NOON.timestamp())

USERS: Final = (("alice", "/"), ("amy", "/team/"), ("app", "/"))
ROLES: Final = (
    ("app", "/"),
    ("deep", "/a/b/"),
    ("target", "/"),
    ("AWSServiceRoleForX", "/aws-service-role/x.amazonaws.com/"),
)
BOUNDARY: Final = f"arn:aws:iam::{A}:policy/boundary"
OTHER_BOUNDARY: Final = f"arn:aws:iam::{A}:policy/other-boundary"
MANAGED: Final = f"arn:aws:iam::{A}:policy/managed"
GONE: Final = f"arn:aws:iam::{A}:policy/gone"
KEY: Final = f"arn:aws:kms:eu-west-1:{A}:key/k1"
QUEUE: Final = f"arn:aws:sqs:eu-west-1:{A}:q"

RESOURCES: Final[dict[str, tuple[str, ...]]] = {
    "s3": ("arn:aws:s3:::b1/k", "arn:aws:s3:::b1/alice/x", "arn:aws:s3:::b2", "arn:aws:s3:::b1/*", "*"),
    "sqs": (QUEUE, f"arn:aws:sqs:us-east-1:{A}:q", f"arn:aws:sqs:eu-west-1:{B}:q", f"arn:aws:sqs:*:{A}:q*", "*"),
    "ec2": (
        f"arn:aws:ec2:eu-west-1:{A}:instance/i-1",
        f"arn:aws:ec2:us-east-1:{A}:instance/*",
        "arn:aws:ec2:eu-west-1::image/ami-1",
        f"arn:aws:ec2:eu-west-1:{A}:subnet/s-1",
        "*",
    ),
    "kms": (
        KEY,
        f"arn:aws:kms:eu-west-1:{A}:key/k2",
        f"arn:aws:kms:eu-west-1:{A}:key/*",
        f"arn:aws:kms:eu-west-1:{A}:alias/a",
        f"arn:aws:kms:eu-west-1:{B}:key/k1",
    ),
    "iam": (
        f"arn:aws:iam::{A}:user/alice",
        f"arn:aws:iam::{A}:user/team/amy",
        f"arn:aws:iam::{A}:role/app",
        f"arn:aws:iam::{A}:role/nobody",
        f"arn:aws:iam::{A}:role/*",
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "*",
    ),
    "sts": (
        f"arn:aws:iam::{A}:role/app",
        f"arn:aws:iam::{A}:role/a/b/deep",
        f"arn:aws:iam::{A}:role/target",
        f"arn:aws:iam::{A}:role/nobody",
        f"arn:aws:iam::{B}:role/target",
        f"arn:aws:iam::{A}:role/*",
        "*",
    ),
    "dynamodb": (f"arn:aws:dynamodb:eu-west-1:{A}:table/t", f"arn:aws:dynamodb:eu-west-1:{A}:table/t/index/i"),
    "custom": (f"arn:aws:custom:eu-west-1:{A}:thing/1", "*"),
}
ACTIONS: Final[dict[str, tuple[str, ...]]] = {
    "s3": ("s3:GetObject", "S3:PUTOBJECT", "s3:ListAllMyBuckets", "s3:ListBucket"),
    "sqs": ("sqs:SendMessage", "sqs:ListQueues"),
    "ec2": ("ec2:RunInstances", "ec2:DescribeInstances", "ec2:TerminateInstances", "EC2:startinstances"),
    "kms": ("kms:Decrypt", "kms:ListKeys", "kms:RetireGrant", "kms:CreateAlias"),
    "iam": ("iam:PassRole", "iam:TagUser", "iam:ListUsers", "iam:CreatePolicyVersion", "iam:DeleteRole"),
    "sts": (
        "sts:AssumeRole",
        "sts:AssumeRole",
        "sts:TagSession",
        "sts:SetSourceIdentity",
        "sts:AssumeRoleWithSAML",
        "sts:GetCallerIdentity",
        "sts:GetSessionToken",
    ),
    "dynamodb": ("dynamodb:GetItem",),
    "custom": ("custom:Do", "custom:"),
}
SERVICES: Final = tuple(ACTIONS)

TEXT: Final = ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase")
ARNS: Final = ("ArnLike", "ArnNotLike", "ArnEquals", "StringLike", "StringNotLike")
DATES: Final = ("DateLessThan", "DateGreaterThanEquals", "DateEquals", "DateNotEquals")
SECONDS: Final = tuple(
    text
    for second in range(-1, 3)
    for text in ((NOON + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ"), str(EPOCH + second))
)
TEAMS: Final = ("red", "blue", "r*", "${aws:PrincipalTag/team}", "${aws:username}", "${aws:ResourceTag/team}")
NAMES: Final = ("alice", "a*", "app", "${aws:PrincipalTag/team}", "${aws:username}")
OWN_ARNS: Final = (
    f"arn:aws:iam::{A}:user/alice",
    f"arn:aws:iam::{A}:user/*",
    f"arn:aws:iam::{A}:role/app",
    f"arn:aws:iam::{A}:role/*",
    "arn:aws:iam::*:role/a/b/*",
    "arn:aws:iam::*:user/${aws:username}",
    "arn:aws:iam::${aws:PrincipalAccount}:*",
    f"arn:aws:iam::{A}:*/${{aws:PrincipalTag/team}}",
    "*",
    "no-arn",
)
KEYS: Final[tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]] = (
    ("aws:PrincipalArn", ARNS, OWN_ARNS),
    ("aws:PrincipalArn", ARNS, OWN_ARNS),
    ("aws:username", TEXT, NAMES),
    ("aws:userid", TEXT, ("AIDAALICE", "AROAAPP:*", "AIDA*", "${aws:userid}")),
    ("aws:PrincipalTag/team", TEXT, TEAMS),
    ("aws:PrincipalTag/Team", TEXT, TEAMS),
    ("aws:PrincipalAccount", TEXT, (A, B, "1*", "${aws:ResourceAccount}")),
    ("aws:PrincipalType", TEXT, ("User", "AssumedRole", "Account")),
    ("aws:PrincipalIsAWSService", ("Bool",), ("true", "false")),
    ("aws:PrincipalServiceName", TEXT, ("x.amazonaws.com",)),
    ("aws:PrincipalOrgID", TEXT, ("o-1", "o-2", "${aws:ResourceOrgID}")),
    ("aws:PrincipalOrgPaths", ("ForAnyValue:StringLike", "ForAllValues:StringLike"), ("o-1/*", "o-2/*")),
    ("aws:ResourceOrgID", TEXT, ("o-1", "o-2", "${aws:PrincipalOrgID}")),
    ("aws:ResourceAccount", TEXT, (A, B, "${aws:PrincipalAccount}")),
    ("aws:ResourceTag/team", TEXT, TEAMS),
    ("iam:ResourceTag/team", TEXT, TEAMS),
    ("aws:RequestTag/team", TEXT, TEAMS),
    ("aws:TagKeys", ("ForAnyValue:StringEquals", "ForAllValues:StringEquals"), ("team", "owner")),
    ("aws:RequestedRegion", TEXT, ("eu-west-1", "us-east-1", "eu-*")),
    ("aws:CurrentTime", DATES, SECONDS),
    ("aws:EpochTime", (*DATES, "NumericLessThan"), SECONDS),
    ("aws:SecureTransport", ("Bool",), ("true", "false")),
    ("aws:ViaAWSService", ("Bool",), ("true", "false")),
    ("aws:CalledVia", ("ForAnyValue:StringEquals", "ForAllValues:StringEquals"), ("x.amazonaws.com",)),
    ("aws:MultiFactorAuthPresent", ("Bool",), ("true", "false")),
    ("aws:SourceIp", ("IpAddress", "NotIpAddress"), ("203.0.113.0/24", "198.51.100.7")),
    ("aws:SourceArn", ARNS, ("arn:aws:s3:::b1",)),
    ("aws:SourceIdentity", TEXT, ("alice",)),
    ("sts:ExternalId", TEXT, ("x1", "x2")),
    ("ec2:InstanceType", TEXT, ("t3.micro", "t3.*")),
    ("ec2:Region", TEXT, ("eu-west-1",)),
    ("kms:ViaService", TEXT, ("s3.eu-west-1.amazonaws.com",)),
    ("noprefix", TEXT, ("x",)),
)
ABOUT_CALLERS: Final = 9
"""So many keys at the beginning are about the caller."""
GIVEN: Final[tuple[dict[str, tuple[str, ...]], ...]] = (
    *({},) * 14,
    {"aws:SourceIp": ("203.0.113.9",)},
    {"AWS:multifactorAUTHpresent": ("true",)},
    {"aws:MultiFactorAuthPresent": ()},
    {"aws:PrincipalArn": (f"arn:aws:iam::{A}:role/app",)},
    {"aws:USERNAME": ("alice",), "aws:PrincipalTag/team": ("blue",)},
    {"aws:PrincipalTag/team": ()},
    {"aws:CurrentTime": (SECONDS[0],), "aws:EpochTime": (SECONDS[1],)},
    {"ec2:InstanceType": ("t3.micro",), "aws:RequestTag/team": ("red",), "aws:TagKeys": ("team", "owner")},
    {"sts:ExternalId": ("x1",)},
    {"aws:RequestedRegion": ("us-east-1",), "aws:ViaAWSService": ("true",)},
    {"aws:SourceVpce": ("vpce-1",)},
    {"aws:ResourceTag/team": ("red",), "aws:ResourceAccount": (B,)},
)
