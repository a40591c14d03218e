"""Documents that look like a mistake and are none: what AWS's own policies and examples do."""

from __future__ import annotations

from typing import Final

from tests.lint.finding_cases.documents import OBJECT, A, Case, allow, document, github, trust, when

LIST = {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b"}
DENY = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}

NO_ALARMS: Final[list[Case]] = [
    (
        "deny root users",
        document(
            when("StringLike", "aws:PrincipalArn", "arn:aws:iam::*:root", Effect="Deny", Action="*", Resource="*")
        ),
        "scp",
        ["suggestion:string-like-on-arn"],
    ),
    (
        "deny all but some roles",
        document(
            when(
                "StringNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/ops", Effect="Deny", Action="*", Resource="*"
            )
        ),
        "scp",
        ["warning:string-like-on-arn"],
    ),
    (
        "default policy of a topic",
        document(
            when(
                "StringEquals",
                "AWS:SourceOwner",
                A,
                Principal={"AWS": "*"},
                Action="SNS:Publish",
                Resource=f"arn:aws:sns:us-east-1:{A}:t",
            )
        ),
        "resource",
        ["suggestion:deprecated-key"],
    ),
    (
        "short form of API Gateway",
        document(allow(Effect="Deny", Principal="*", Action="execute-api:Invoke", Resource="execute-api:/*/POST/*")),
        "resource",
        [],
    ),
    (
        "version stage",
        document(
            when(
                "ForAnyValue:StringEquals",
                "secretsmanager:VersionStage",
                "AWSCURRENT",
                Principal={"AWS": A},
                Action="secretsmanager:GetSecretValue",
                Resource="*",
            )
        ),
        "resource",
        ["suggestion:set-operator-on-single-value"],
    ),
    (
        "list of what a job needs",
        document(allow(Action=["s3:GetObject", "s3:ListAllMyBuckets"])),
        "identity",
        ["suggestion:needs-star"],
    ),
    (
        "what a job needs, on a star elsewhere",
        document(
            allow(Action=["s3:GetObject", "s3:ListAllMyBuckets"]), allow(Action="s3:ListAllMyBuckets", Resource="*")
        ),
        "identity",
        [],
    ),
    (
        "tag of a certificate",
        document(
            trust(
                Principal={"Service": "rolesanywhere.amazonaws.com"},
                Action=["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
                Condition={"StringEquals": {"aws:PrincipalTag/x509Subject/CN": "scanner", "aws:SourceAccount": A}},
            )
        ),
        "trust",
        [],
    ),
    (
        "cluster",
        document(
            trust(
                Principal={"Federated": f"arn:aws:iam::{A}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"},
                Action="sts:AssumeRoleWithWebIdentity",
                Condition={"StringEquals": {"oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud": "sts.amazonaws.com"}},
            )
        ),
        "trust",
        [],
    ),
    (
        "retired service",
        document(allow(Action="evidently:GetProject", Resource="*")),
        "identity",
        ["suggestion:retired-service"],
    ),
    (
        "document of AWS",
        document(allow(Action="ssm:GetDocument", Resource="arn:aws:ssm:*::document/AWS-*")),
        "identity",
        [],
    ),
    (
        "region of the partition",
        document(allow(Action="sqs:SendMessage", Resource=f"arn:aws-cn:sqs:cn-north-1:{A}:q")),
        "identity",
        [],
    ),
    (
        "region of another partition",
        document(allow(Action="sqs:SendMessage", Resource=f"arn:aws:sqs:cn-north-1:{A}:q")),
        "identity",
        ["error:unknown-region"],
    ),
    (
        "requested regions",
        document(
            when(
                "StringNotEquals", "aws:RequestedRegion", ["eu-west-1", "us-*"], Effect="Deny", Action="*", Resource="*"
            )
        ),
        "identity",
        ["warning:literal-wildcard"],
    ),
    (
        "one service-linked role",
        document(
            allow(
                Action="iam:CreateServiceLinkedRole",
                Resource=f"arn:aws:iam::{A}:role/aws-service-role/ecs.amazonaws.com/*",
            )
        ),
        "identity",
        [],
    ),
    (
        "service-linked role by condition",
        document(
            when(
                "StringEquals",
                "iam:AWSServiceName",
                "ecs.amazonaws.com",
                Action="iam:CreateServiceLinkedRole",
                Resource="*",
            )
        ),
        "identity",
        [],
    ),
    ("bucket policy with a star", document(allow(Principal={"AWS": A}, Action="*", Resource=[OBJECT])), "resource", []),
    ("buckets and objects", document(allow(Action="s3:*", Resource=["arn:aws:s3:::b", OBJECT])), "identity", []),
    (
        "two patterns that overlap",
        document(allow(Action=["iam:Get*", "iam:*CredentialReport"], Resource="*")),
        "identity",
        [],
    ),
    (
        "variable beside its pattern",
        document(allow(Resource=["arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/home/x"])),
        "identity",
        [],
    ),
    ("allowed prefixes", document(when("StringLike", "s3:prefix", "home/*", **LIST)), "identity", []),
    (
        "denied outside prefixes",
        document(when("StringNotLike", "s3:prefix", "home/*", Effect="Deny", **LIST)),
        "identity",
        [],
    ),
    (
        "key of some actions, if it exists",
        document(
            when(
                "StringLikeIfExists",
                "s3:prefix",
                "home/*",
                Action=["s3:ListBucket", "s3:GetBucketLocation"],
                Resource="arn:aws:s3:::b",
            )
        ),
        "identity",
        [],
    ),
    (
        "tagged instances",
        document(
            when(
                "StringEquals",
                "aws:ResourceTag/team",
                "a",
                Action="ec2:StartInstances",
                Resource=f"arn:aws:ec2:*:{A}:instance/*",
            )
        ),
        "identity",
        [],
    ),
    (
        "untagged, if it exists",
        document(
            when(
                "StringNotEqualsIfExists",
                "aws:ResourceTag/team",
                "a",
                Effect="Deny",
                Action="iam:ListAccountAliases",
                Resource="*",
            )
        ),
        "identity",
        [],
    ),
    (
        "pattern of arns",
        document(when("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{A}:role/*", Principal="*")),
        "resource",
        [],
    ),
    (
        "organization of the caller",
        document(
            when(
                "StringNotEqualsIfExists",
                "aws:ResourceOrgID",
                "${aws:PrincipalOrgID}",
                Effect="Deny",
                Action="s3:*",
                Resource="*",
            )
        ),
        "identity",
        [],
    ),
    (
        "session of one role",
        document(when("StringLike", "aws:userid", "AROAEXAMPLEID123456:*", Principal="*")),
        "resource",
        [],
    ),
    (
        "address in a network",
        document(
            allow(
                Condition={
                    "IpAddress": {"aws:VpcSourceIp": "10.0.0.0/16"},
                    "StringEquals": {"aws:SourceVpc": "vpc-1a2b3c4d"},
                },
                Principal={"AWS": A},
            )
        ),
        "resource",
        [],
    ),
    (
        "identity perimeter",
        document(
            {
                **DENY,
                "Condition": {
                    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-abcdefghij"},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                },
            }
        ),
        "rcp",
        [],
    ),
    (
        "confused deputy perimeter",
        document(
            {
                **DENY,
                "Condition": {
                    "StringNotEqualsIfExists": {"aws:SourceOrgID": "o-abcdefghij"},
                    "Null": {"aws:SourceAccount": "false"},
                    "Bool": {"aws:PrincipalIsAWSService": "true"},
                },
            }
        ),
        "rcp",
        [],
    ),
    (
        "secure transport only",
        document({**DENY, "Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}}),
        "rcp",
        [],
    ),
    ("one branch", document(github("repo:acme/site:ref:refs/heads/main")), "trust", []),
    (
        "roles anywhere",
        document(
            trust(
                Principal={"Service": "rolesanywhere.amazonaws.com"},
                Action=["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
                Condition={"ArnEquals": {"aws:SourceArn": f"arn:aws:rolesanywhere:eu-west-1:{A}:trust-anchor/1"}},
            )
        ),
        "trust",
        [],
    ),
    (
        "attributes of one player",
        document(
            {
                "Effect": "Allow",
                "Action": ["dynamodb:GetItem", "dynamodb:Query"],
                "Resource": f"arn:aws:dynamodb:eu-west-1:{A}:table/games",
                "Condition": {
                    "ForAllValues:StringEquals": {"dynamodb:Attributes": ["id"]},
                    "Null": {"dynamodb:Attributes": "false"},
                    "StringEquals": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
                },
            }
        ),
        "identity",
        [],
    ),
    (
        "kms key by pattern",
        document(
            when(
                "ArnLike",
                "s3:x-amz-server-side-encryption-aws-kms-key-id",
                f"arn:aws:kms:*:{A}:key/*",
                Action="s3:PutObject",
            )
        ),
        "identity",
        [],
    ),
    (
        "api of an account",
        document(
            allow(
                Principal={"AWS": A}, Action="execute-api:Invoke", Resource=f"arn:aws:execute-api:eu-west-1:{A}:abc/*"
            )
        ),
        "resource",
        [],
    ),
]
