"""Where the account stands in its organization, and what every level forbids."""

from __future__ import annotations

from typing import Any, Final

from tools.demo.company import (
    FJORDLINE,
    MANAGEMENT,
    ORGANIZATION,
    PROD,
    REGION,
    SECOND_REGION,
    SECURITY,
    SKYLARK,
    hex_id,
)
from tools.demo.language import Document, allow, deny, document, for_principal

_CONTROL_TOWER: Final = {
    "ArnNotLike": {
        "aws:PrincipalArn": [
            "arn:aws:iam::*:role/AWSControlTowerExecution",
            "arn:aws:iam::*:role/AWSCloudFormationStackSetExecutionRole",
        ]
    }
}


def _full_access(kind: str) -> dict[str, Any]:
    """The policy of AWS that lets everything pass: FullAWSAccess or RCPFullAWSAccess."""
    if kind == "service_control_policy":
        name, text = "FullAWSAccess", document(allow("", "*"))
    else:
        name, text = "RCPFullAWSAccess", document(for_principal("*", allow("", "*")))
    return {"arn": f"arn:aws:organizations::aws:policy/{kind}/p-{name}", "name": name, "document": text}


def _attached(kind: str, name: str, *statements: Document) -> dict[str, Any]:
    policy_id = f"p-{hex_id(name, 10)}"
    arn = f"arn:aws:organizations::{MANAGEMENT}:policy/{ORGANIZATION}/{kind}/{policy_id}"
    return {"arn": arn, "name": name, "document": document(*statements)}


def _scp(name: str, *statements: Document) -> dict[str, Any]:
    return _attached("service_control_policy", name, *statements)


def _rcp(name: str, *statements: Document) -> dict[str, Any]:
    return _attached("resource_control_policy", name, *(for_principal("*", statement) for statement in statements))


FULL_SCP: Final = _full_access("service_control_policy")
FULL_RCP: Final = _full_access("resource_control_policy")

KEEP_THE_AUDIT: Final = _scp(
    "keep-the-audit",
    deny("StayInTheOrganization", "organizations:LeaveOrganization account:CloseAccount"),
    deny(
        "KeepTheTrail",
        "cloudtrail:StopLogging cloudtrail:DeleteTrail cloudtrail:UpdateTrail guardduty:Delete* "
        "guardduty:Disassociate* config:StopConfigurationRecorder config:DeleteConfigurationRecorder",
        when=_CONTROL_TOWER,
    ),
    deny("NoRootUser", "*", when={"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}),
)

REGION_FENCE: Final = _scp(
    "region-fence",
    deny(
        "OnlyOurRegions",
        not_actions="iam:* sts:* organizations:* account:* route53:* cloudfront:* support:* health:* budgets:* ce:* "
        "cur:* aws-portal:* sso:* "
        "waf:* wafv2:* shield:* globalaccelerator:* kms:* s3:GetAccountPublic* s3:ListAllMyBuckets",
        when={"StringNotEquals": {"aws:RequestedRegion": [REGION, SECOND_REGION, "us-east-1"]}} | _CONTROL_TOWER,
    ),
)

PROTECT_PRODUCTION: Final = _scp(
    "protect-production",
    deny(
        "NoNewUsers",
        "iam:CreateUser iam:CreateAccessKey",
        when={"StringNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/admin/*", "arn:aws:iam::*:user/admin/*"]}},
    ),
    deny(
        "KeepKeysAndSwitches",
        "kms:ScheduleKeyDeletion s3:PutAccountPublicAccessBlock ec2:DisableEbsEncryptionByDefault "
        "lambda:CreateFunctionUrlConfig",
        when=_CONTROL_TOWER,
    ),
    deny(
        "NoHugeInstances",
        "ec2:RunInstances",
        "arn:aws:ec2:*:*:instance/*",
        when={"StringLike": {"ec2:InstanceType": ["*.metal", "*.24xlarge", "*.48xlarge", "p5*.*"]}},
    ),
)

PRODUCTION_SERVICES: Final = _scp(
    "production-services",
    allow(
        "ServicesInUse",
        "access-analyzer:* account:* acm:* apigateway:* application-autoscaling:* appconfig:* athena:* autoscaling:* "
        "aws-portal:* backup:* billing:* budgets:* ce:* cloudformation:* cloudfront:* cloudtrail:* cloudwatch:* "
        "codebuild:* codepipeline:* config:* consolidatedbilling:* cur:* dynamodb:* ec2:* ec2messages:* ecr:* ecs:* "
        "eks:* elasticloadbalancing:* es:* events:* firehose:* freetier:* geo:* glue:* guardduty:* health:* iam:* "
        "invoicing:* kms:* lakeformation:* lambda:* logs:* organizations:* payments:* pi:* rds:* resource-groups:* "
        "rolesanywhere:* route53:* s3:* scheduler:* secretsmanager:* securityhub:* servicequotas:* ses:* sns:* sqs:* "
        "ssm:* ssmmessages:* states:* sts:* support:* tag:* tax:* textract:* wafv2:* xray:*",
    ),
)

ONLY_OUR_IDENTITIES: Final = _rcp(
    "only-our-identities",
    deny(
        "OnlyOurOrganizationAndPartners",
        "s3:* sqs:* kms:* secretsmanager:* sts:AssumeRole",
        when={
            "StringNotEqualsIfExists": {
                "aws:PrincipalOrgID": ORGANIZATION,
                "aws:PrincipalAccount": [SKYLARK, FJORDLINE],
            },
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        },
    ),
)

ONLY_ENCRYPTED_CONNECTIONS: Final = _rcp(
    "only-encrypted-connections",
    deny("NoPlainHttp", "s3:* sqs:* kms:* secretsmanager:*", when={"BoolIfExists": {"aws:SecureTransport": "false"}}),
)

NO_CONFUSED_DEPUTY: Final = _rcp(
    "no-confused-deputy",
    deny(
        "ServicesOnlyForOurOrganization",
        "s3:* sqs:* kms:* secretsmanager:*",
        when={
            "StringNotEqualsIfExists": {"aws:SourceOrgID": ORGANIZATION},
            "Null": {"aws:SourceAccount": "false"},
            "Bool": {"aws:PrincipalIsAWSService": "true"},
        },
    ),
)


def organization() -> dict[str, Any]:
    """The "organization" of the snapshot: root, two organizational units, the account."""
    root_id = "r-pf7n"
    return {
        "id": ORGANIZATION,
        "management_account": MANAGEMENT,
        "delegated_administrators": {"iam.amazonaws.com": [SECURITY]},
        "path": [
            _level(root_id, "Root", "ROOT", [FULL_SCP, KEEP_THE_AUDIT], [FULL_RCP, ONLY_OUR_IDENTITIES]),
            _level(
                f"ou-pf7n-{hex_id('workloads', 8)}",
                "Workloads",
                "ORGANIZATIONAL_UNIT",
                [FULL_SCP, REGION_FENCE],
                [FULL_RCP],
            ),
            _level(
                f"ou-pf7n-{hex_id('production', 8)}",
                "Production",
                "ORGANIZATIONAL_UNIT",
                [FULL_SCP, PROTECT_PRODUCTION],
                [FULL_RCP, ONLY_ENCRYPTED_CONNECTIONS],
            ),
            # An allow list: what is not on it is not forbidden by anybody, and still not possible here.
            _level(PROD, "puffin-prod", "ACCOUNT", [PRODUCTION_SERVICES], [FULL_RCP, NO_CONFUSED_DEPUTY]),
        ],
    }


def _level(
    level_id: str, name: str, kind: str, scps: list[dict[str, Any]], rcps: list[dict[str, Any]]
) -> dict[str, Any]:
    return {"id": level_id, "name": name, "type": kind, "scps": scps, "rcps": rcps}
