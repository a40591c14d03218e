"""Actions and resources."""

from __future__ import annotations

from typing import Final

from tests.lint.finding_cases.documents import OBJECT, A, Case, allow, document, when

ACTIONS_AND_RESOURCES: Final[list[Case]] = [
    # actions
    ("unknown action", document(allow(Action="s3:GetObjct")), "identity", ["error:unknown-action"]),
    ("unknown service", document(allow(Action="s33:GetObject")), "identity", ["error:unknown-service"]),
    ("newer action", document(allow(Action="sts:GetScopedCredentials")), "identity", ["suggestion:newer-action"]),
    ("newer actions", document(allow(Action="signin:BatchRevoke*")), "identity", ["suggestion:newer-action"]),
    ("newer service", document(allow(Action="apiportal:*")), "identity", ["suggestion:newer-action"]),
    ("no action of a newer service", document(allow(Action="apiportal:Fly")), "identity", ["warning:unknown-action"]),
    (
        "resource of a newer service",
        document(allow(Action="apiportal:GetPortal", Resource="arn:aws:apiportal:eu-west-1:111122223333:portal/x")),
        "identity",
        ["suggestion:newer-action", "suggestion:newer-service"],
    ),
    (
        "guardrail without effect",
        document({"Effect": "Deny", "Action": "aws-mcp:*", "Resource": "*"}),
        "scp",
        ["warning:action-without-effect"],
    ),
    (
        "grant without effect",
        document(allow(Action="aws-mcp:InvokeMcp")),
        "identity",
        ["suggestion:action-without-effect"],
    ),
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
    (
        "pass role by wildcard",
        document(allow(Action="iam:*", Resource="*")),
        "identity",
        ["warning:pass-role-on-star", "warning:service-linked-role-on-star"],
    ),
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
        ["error:short-arn"],
    ),
    ("partition", document(allow(Resource="arn:amazon:s3:::b/*")), "identity", ["error:unknown-partition"]),
    (
        "partition wildcard",
        document(allow(Resource="arn:*:s3:::b/*")),
        "identity",
        ["suggestion:wildcard-in-arn-field"],
    ),
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
        document(allow(Action="sqs:SendMessage", Resource=[f"arn:aws:sqs:useast1:{A}:q", f"arn:aws:sqs:*:{A}:p"])),
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
]
