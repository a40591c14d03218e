"""Policy documents as they are found in accounts, drawn by a random number generator."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Final, TypeAlias

from benchmarks.vocabulary import (
    ACCOUNT,
    APPS,
    ENVIRONMENTS,
    ORGANIZATION,
    OTHER_ACCOUNTS,
    REGIONS,
    TEAMS,
    arn_forms,
    arn_pattern,
    name_pattern,
)
from iamtui.sources.managed_policies import managed_policy_arns, managed_policy_document

Json: TypeAlias = dict[str, Any]

CONDITIONED: Final = 0.45
"""The share of statements with a Condition."""

BROAD: Final = (
    "arn:aws:iam::aws:policy/ReadOnlyAccess",
    "arn:aws:iam::aws:policy/SecurityAudit",
    "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess",
    "arn:aws:iam::aws:policy/PowerUserAccess",
    "arn:aws:iam::aws:policy/AWSPartnerLedSupportReadOnlyAccess",
    "arn:aws:iam::aws:policy/job-function/SupportUser",
)
"""AWS managed policies that many principals have, some with thousands of action patterns."""

ADMINISTRATOR: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
BROAD_FOR_SERVICES: Final = (
    "arn:aws:iam::aws:policy/aws-service-role/AWSSupportServiceRolePolicy",
    "arn:aws:iam::aws:policy/aws-service-role/AWSConfigServiceRolePolicy",
    "arn:aws:iam::aws:policy/aws-service-role/AWSResourceExplorerServiceRolePolicy",
)
_SERVICE_PRINCIPALS: Final = (
    "ec2",
    "lambda",
    "ecs-tasks",
    "glue",
    "states",
    "events",
    "codebuild",
    "cloudformation",
    "sagemaker",
    "scheduler",
)


@dataclass(frozen=True, slots=True)
class Piece:
    """The actions of one statement of an AWS managed policy; all of one service."""

    service: str
    actions: tuple[str, ...]


@cache
def pieces() -> tuple[Piece, ...]:
    """All statements of the AWS managed policies, cut by service; what customer policies are made of."""
    found: dict[Piece, None] = {}
    for arn in managed_policy_arns():
        for statement in statements_of(arn):
            actions = statement.get("Action", [])
            by_service: dict[str, list[str]] = {}
            for action in [actions] if isinstance(actions, str) else actions:
                service, colon, _ = action.partition(":")
                if colon:
                    by_service.setdefault(service, []).append(action)
            for service, several in by_service.items():
                found[Piece(service, tuple(several))] = None
    return tuple(found)


def statements_of(arn: str) -> list[Json]:
    """The statements of an AWS managed policy; none when its text is not here."""
    document = managed_policy_document(arn)
    value = document.value if document else None
    statements: Any = value.get("Statement", []) if isinstance(value, dict) else []
    return statements if isinstance(statements, list) else [statements]


@cache
def specific_policies() -> tuple[str, ...]:
    """ARNs of AWS managed policies for people and roles that are not among the broad ones."""
    broad = {*BROAD, *BROAD_FOR_SERVICES, ADMINISTRATOR}
    return tuple(arn for arn in managed_policy_arns() if "/aws-service-role/" not in arn and arn not in broad)


def document(statements: list[Json]) -> Json:
    """A policy document of the current version."""
    return {"Version": "2012-10-17", "Statement": statements}


def customer_document(random: Random, statements: int) -> Json:
    """An identity policy of some team.

    Args:
        random: where the choices come from.
        statements: about how many statements.
    """
    count = max(1, round(random.gauss(statements, statements / 2.5)))
    return document([_identity_statement(random, index) for index in range(count)])


def _identity_statement(random: Random, index: int) -> Json:
    piece = random.choice(pieces())
    statement: Json = {}
    if random.random() < 0.7:
        statement["Sid"] = f"{random.choice(TEAMS).capitalize()}{random.choice(APPS).capitalize()}{index}"
    deny = random.random() < 0.09
    statement["Effect"] = "Deny" if deny else "Allow"
    if deny and random.random() < 0.15:
        statement["NotAction"] = sorted({f"{other.service}:*" for other in random.sample(pieces(), 12)})
        statement["Resource"] = "*"
        statement["Condition"] = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
        return statement
    actions = _some_actions(random, piece)
    statement["Action"] = actions[0] if len(actions) == 1 and random.random() < 0.7 else actions
    statement["Resource"] = _resources(random, piece.service)
    if random.random() < CONDITIONED:
        statement["Condition"] = condition(random, piece.service)
    return statement


def _some_actions(random: Random, piece: Piece) -> list[str]:
    if random.random() < 0.08:
        return [f"{piece.service}:*"]
    count = min(len(piece.actions), 1 + int(random.expovariate(1 / 5)))
    start = random.randrange(len(piece.actions) - count + 1)
    return list(piece.actions[start : start + count])


def _resources(random: Random, service: str) -> str | list[str]:
    forms = arn_forms(service)
    if not forms or random.random() < 0.22:
        return "*"
    if service == "s3" and random.random() < 0.7:
        bucket = f"arn:aws:s3:::{name_pattern(random)}"
        return [bucket, f"{bucket}/*"] if random.random() < 0.8 else [f"{bucket}/home/${{aws:username}}/*"]
    count = 1 + int(random.expovariate(1 / 1.2))
    drawn = [arn_pattern(random, random.choice(forms)) for _ in range(count)]
    return drawn[0] if count == 1 and random.random() < 0.5 else drawn


def condition(random: Random, service: str) -> Json:
    """A Condition block of one to three tests."""
    block: Json = {}
    for _ in range(random.choices((1, 2, 3), (75, 20, 5))[0]):
        operator, key, values = _condition_line(random, service)
        block.setdefault(operator, {}).setdefault(key, values)
    return block


def _condition_line(random: Random, service: str) -> tuple[str, str, str | list[str]]:
    team = random.choice(TEAMS)
    own: dict[str, list[tuple[str, str, str | list[str]]]] = {
        "s3": [
            ("StringLike", "s3:prefix", [f"{team}/*", "home/${aws:username}/*"]),
            ("StringEquals", "s3:x-amz-server-side-encryption", "aws:kms"),
        ],
        "kms": [
            ("StringEquals", "kms:ViaService", f"s3.{random.choice(REGIONS)}.amazonaws.com"),
            ("Bool", "kms:GrantIsForAWSResource", "true"),
        ],
        "iam": [
            ("StringEquals", "iam:PassedToService", f"{random.choice(_SERVICE_PRINCIPALS)}.amazonaws.com"),
            ("ArnLike", "iam:PermissionsBoundary", f"arn:aws:iam::{ACCOUNT}:policy/boundaries/*"),
        ],
        "ec2": [("StringEquals", "ec2:ResourceTag/team", team), ("ArnLike", "ec2:Vpc", "arn:aws:ec2:*:*:vpc/vpc-0a*")],
        "dynamodb": [("ForAllValues:StringLike", "dynamodb:LeadingKeys", ["${aws:username}", f"{team}-*"])],
    }
    if service in own and random.random() < 0.4:
        return random.choice(own[service])
    shape = random.choices(range(14), (16, 9, 9, 8, 6, 9, 6, 7, 6, 7, 5, 5, 3, 4))[0]
    lines: tuple[tuple[str, str, str | list[str]], ...] = (
        ("StringEquals", "aws:RequestedRegion", random.sample(REGIONS, random.randint(1, 3))),
        ("StringEquals", "aws:ResourceTag/team", "${aws:PrincipalTag/team}"),
        ("StringEquals", "aws:PrincipalTag/team", random.sample(TEAMS, random.randint(1, 4))),
        ("StringEquals", "aws:ResourceTag/environment", random.choice(ENVIRONMENTS)),
        ("StringLike", "aws:PrincipalTag/cost-center", [f"{random.randint(10, 99)}*", "shared"]),
        ("Bool", "aws:SecureTransport", "true"),
        ("BoolIfExists", "aws:MultiFactorAuthPresent", "true"),
        ("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/{team}/*"),
        ("Null", "aws:RequestTag/cost-center", "false"),
        ("IpAddress", "aws:SourceIp", [f"10.{random.randint(0, 255)}.0.0/16", "203.0.113.0/24"]),
        ("StringEquals", "aws:ResourceAccount", ["${aws:PrincipalAccount}"]),
        ("StringNotEqualsIfExists", "aws:RequestTag/environment", "prod"),
        ("NumericLessThan", "aws:MultiFactorAuthAge", "3600"),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team", "environment", "cost-center"]),
    )
    return lines[shape]


def boundary_document(random: Random) -> Json:
    """A permissions boundary: wide by service, with the usual fences."""
    services = sorted({piece.service for piece in random.sample(pieces(), 90)} | {"s3", "ec2", "logs", "kms", "lambda"})
    return document(
        [
            {"Sid": "Services", "Effect": "Allow", "Action": [f"{name}:*" for name in services], "Resource": "*"},
            {"Sid": "ReadIdentity", "Effect": "Allow", "Action": ["iam:Get*", "iam:List*"], "Resource": "*"},
            {
                "Sid": "RolesWithinTheBoundary",
                "Effect": "Allow",
                "Action": ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"],
                "Resource": f"arn:aws:iam::{ACCOUNT}:role/{random.choice(TEAMS)}/*",
                "Condition": {"ArnLike": {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/boundaries/*"}},
            },
            {
                "Sid": "HandsOffTheBoundary",
                "Effect": "Deny",
                "Action": ["iam:DeleteRolePermissionsBoundary", "iam:CreatePolicyVersion", "iam:DeletePolicy*"],
                "Resource": f"arn:aws:iam::{ACCOUNT}:policy/boundaries/*",
            },
            {
                "Sid": "Regions",
                "Effect": "Deny",
                "NotAction": ["iam:*", "sts:*", "s3:ListAllMyBuckets", "route53:*", "cloudfront:*", "support:*"],
                "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": list(REGIONS[:3])}},
            },
        ]
    )


def trust_document(random: Random) -> Json:
    """A role trust policy: for a service, an account, an identity provider, or a few principals."""
    statement: Json = {"Effect": "Allow"}
    shape = random.random()
    if shape < 0.5:
        several = random.sample(_SERVICE_PRINCIPALS, random.randint(1, 2))
        statement["Principal"] = {"Service": [f"{service}.amazonaws.com" for service in several]}
        statement["Action"] = "sts:AssumeRole"
        if random.random() < 0.3:
            statement["Condition"] = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    elif shape < 0.65:
        statement["Principal"] = {"AWS": f"arn:aws:iam::{random.choice(OTHER_ACCOUNTS)}:root"}
        statement["Action"] = "sts:AssumeRole"
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": f"ext-{random.randrange(10**8):08}"}}
    elif shape < 0.8:
        statement["Principal"] = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        statement["Action"] = ["sts:AssumeRole", "sts:TagSession"]
        statement["Condition"] = {
            "Bool": {"aws:MultiFactorAuthPresent": "true"},
            "StringEquals": {"aws:PrincipalTag/team": random.choice(TEAMS)},
        }
    elif shape < 0.9:
        statement["Principal"] = {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/Login"}
        statement["Action"] = "sts:AssumeRoleWithSAML"
        statement["Condition"] = {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
    else:
        provider = "token.actions.githubusercontent.com"
        statement["Principal"] = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{provider}"}
        statement["Action"] = "sts:AssumeRoleWithWebIdentity"
        statement["Condition"] = {
            "StringEquals": {f"{provider}:aud": "sts.amazonaws.com"},
            "StringLike": {f"{provider}:sub": f"repo:company/{random.choice(TEAMS)}-*:ref:refs/heads/main"},
        }
    return document([statement])


def scp_documents() -> tuple[tuple[str, Json], ...]:
    """Service control policies that deny, by name, as organizations have them."""
    break_glass = [
        "arn:aws:iam::*:role/break-glass",
        "arn:aws:iam::*:role/aws-reserved/*",
        "arn:aws:iam::*:role/infra/*",
    ]
    except_break_glass = {"ArnNotLike": {"aws:PrincipalArn": break_glass}}
    global_services = [
        "iam:*",
        "sts:*",
        "organizations:*",
        "route53:*",
        "route53domains:*",
        "cloudfront:*",
        "support:*",
        "budgets:*",
        "ce:*",
        "waf:*",
        "shield:*",
        "globalaccelerator:*",
        "health:*",
        "account:*",
        "billing:*",
        "tax:*",
        "s3:GetAccountPublic*",
        "s3:ListAllMyBuckets",
        "trustedadvisor:*",
    ]
    deny = {"Effect": "Deny"}
    return (
        (
            "regions",
            document(
                [
                    {
                        "Sid": "OnlyOurRegions",
                        **deny,
                        "NotAction": global_services,
                        "Resource": "*",
                        "Condition": {"StringNotEquals": {"aws:RequestedRegion": list(REGIONS)}, **except_break_glass},
                    }
                ]
            ),
        ),
        (
            "keep-the-audit",
            document(
                [
                    {
                        "Sid": "Stay",
                        **deny,
                        "Action": ["organizations:LeaveOrganization", "account:CloseAccount"],
                        "Resource": "*",
                    },
                    {
                        "Sid": "Trails",
                        **deny,
                        "Action": ["cloudtrail:StopLogging", "cloudtrail:Delete*", "config:Delete*", "guardduty:Dis*"],
                        "Resource": "*",
                        "Condition": except_break_glass,
                    },
                    {"Sid": "NoRoot", **deny, "Action": "*", "Resource": "*", "Condition": _BY_ROOT},
                ]
            ),
        ),
        (
            "production-data",
            document(
                [
                    {
                        "Sid": "NoUnencryptedUploads",
                        **deny,
                        "Action": "s3:PutObject",
                        "Resource": "arn:aws:s3:::*-prod/*",
                        "Condition": {"Null": {"s3:x-amz-server-side-encryption": "true"}},
                    },
                    {
                        "Sid": "NoNewUsers",
                        **deny,
                        "Action": ["iam:CreateUser", "iam:CreateAccessKey", "iam:CreateLoginProfile"],
                        "Resource": "*",
                        "Condition": except_break_glass,
                    },
                    {
                        "Sid": "ImdsV2",
                        **deny,
                        "Action": "ec2:RunInstances",
                        "Resource": "arn:aws:ec2:*:*:instance/*",
                        "Condition": {"StringNotEquals": {"ec2:MetadataHttpTokens": "required"}},
                    },
                ]
            ),
        ),
        (
            "tags",
            document(
                [
                    {
                        "Sid": "TeamTag",
                        **deny,
                        "Action": ["ec2:RunInstances", "ec2:CreateVolume", "rds:CreateDBInstance", "sqs:CreateQueue"],
                        "Resource": "*",
                        "Condition": {"Null": {"aws:RequestTag/team": "true"}},
                    },
                    {
                        "Sid": "TagsStay",
                        **deny,
                        "Action": ["ec2:DeleteTags", "ec2:CreateTags"],
                        "Resource": "*",
                        "Condition": {
                            "StringNotEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"},
                            **except_break_glass,
                        },
                    },
                ]
            ),
        ),
    )


_BY_ROOT: Final = {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}


def rcp_documents() -> tuple[tuple[str, Json], ...]:
    """Resource control policies that deny, by name."""
    outside = {
        "StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORGANIZATION, "aws:PrincipalAccount": list(OTHER_ACCOUNTS)},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }
    whole = {"Effect": "Deny", "Principal": "*", "Resource": "*"}
    return (
        (
            "data-perimeter",
            document(
                [
                    {
                        "Sid": "OnlyOurOrganization",
                        **whole,
                        "Action": ["s3:*", "sqs:*", "kms:*", "secretsmanager:*", "sts:AssumeRole"],
                        "Condition": outside,
                    },
                    {
                        "Sid": "OnlyEncryptedConnections",
                        **whole,
                        "Action": ["s3:*", "sqs:*", "kms:*", "secretsmanager:*"],
                        "Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}},
                    },
                ]
            ),
        ),
        (
            "production-perimeter",
            document(
                [
                    {
                        "Sid": "ConfusedDeputy",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": ["s3:PutObject", "sqs:SendMessage"],
                        "Resource": "*",
                        "Condition": {
                            "StringNotEqualsIfExists": {"aws:SourceOrgID": ORGANIZATION},
                            "Null": {"aws:SourceAccount": "false"},
                            "Bool": {"aws:PrincipalIsAWSService": "true"},
                        },
                    }
                ]
            ),
        ),
    )


def resource_policy_document(random: Random, arn: str, service: str) -> Json:
    """A policy on one resource: for the account, for neighbours, for services, and fences around it."""
    several = [arn, f"{arn}/*"] if service == "s3" else arn
    statements: list[Json] = []
    if service == "kms":
        statements.append(
            {
                "Sid": "Account",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        )
        several = "*"
    actions = {
        "s3": ["s3:GetObject", "s3:ListBucket"],
        "kms": ["kms:Decrypt", "kms:DescribeKey"],
        "sqs": ["sqs:SendMessage"],
        "sns": ["sns:Publish"],
        "secretsmanager": ["secretsmanager:GetSecretValue"],
    }[service]
    statements.append(
        {
            "Sid": "Neighbours",
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:aws:iam::{other}:root" for other in random.sample(OTHER_ACCOUNTS, 2)]},
            "Action": actions,
            "Resource": several,
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}},
        }
    )
    if random.random() < 0.5:
        statements.append(
            {
                "Sid": "OnlyEncryptedConnections",
                "Effect": "Deny",
                "Principal": "*",
                "Action": f"{service}:*",
                "Resource": several,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        )
    return document(statements)
