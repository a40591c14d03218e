"""Roles that people switch to, and roles for other accounts and other companies."""

from __future__ import annotations

from typing import Final

from tools.demo.company import (
    ANALYTICS,
    ARTIFACTS,
    DATA_LAKE,
    FJORDLINE,
    LAKE_KEY,
    MANAGEMENT,
    ORGANIZATION,
    PROD,
    REGION,
    SECURITY,
    SKYLARK,
    STAGING,
    aws_policy,
    bucket,
    hex_id,
    iam,
    objects,
    policy,
    role,
    root,
)
from tools.demo.language import (
    RoleStory,
    allow,
    by_account,
    by_identity_center,
    by_saml,
    deny,
    document,
    trust,
)

MFA: Final = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
RECENT_MFA: Final = MFA | {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}

ENGINEERS: Final = (
    RoleStory(
        "deploy-prod",
        "2022-09-12",
        document(
            trust({"AWS": root()}, sid="EngineersWithMfa", when=MFA),
            trust({"AWS": role("pipelines/codepipeline-release")}, sid="ReleasePipeline"),
        ),
        "Rolls out services to production; people need MFA",
        attached=(policy("platform/deploy-services"), policy("platform/artifact-bucket-write")),
        inline={
            "smoke-test-lake": document(
                allow("ReadSmokeTests", "s3:GetObject", objects(DATA_LAKE, "smoke-tests/*")),
                allow(
                    "ListSmokeTests",
                    "s3:ListBucket",
                    bucket(DATA_LAKE),
                    when={"StringLike": {"s3:prefix": "smoke-tests/*"}},
                ),
                allow(
                    "DecryptThroughS3",
                    "kms:Decrypt",
                    LAKE_KEY,
                    when={"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}},
                ),
            )
        },
        tags={"team": "platform", "environment": "production"},
        max_hours=2,
        last_used="2026-11-24",
    ),
    RoleStory(
        "ops-readonly",
        "2022-08-30",
        by_account(PROD),
        "Look at everything but the data",
        attached=(aws_policy("ReadOnlyAccess"), policy("security/no-data-access")),
        tags={"team": "platform", "environment": "production"},
        max_hours=8,
        last_used="2026-11-23",
    ),
    RoleStory(
        "network-admin",
        "2022-11-08",
        by_account(PROD, sid="RecentMfa", when=RECENT_MFA),
        "Changes networks and DNS",
        attached=(policy("platform/dns-manage"),),
        inline={
            "networks": document(
                allow("Networks", "ec2:*Vpc* ec2:*Subnet* ec2:*Route* ec2:*SecurityGroup* ec2:Describe*"),
                deny("KeepFlowLogs", "ec2:DeleteFlowLogs"),
            )
        },
        tags={"team": "platform"},
        last_used="2026-10-08",
    ),
    RoleStory(
        "break-glass-admin",
        "2022-01-17",
        document(
            trust(
                {"AWS": [iam("user/admin/break-glass-1"), iam("user/admin/break-glass-2")]},
                sid="SealedEnvelope",
                when=RECENT_MFA,
            )
        ),
        "Everything, for the day when nothing else works",
        path="/admin/",
        attached=(aws_policy("AdministratorAccess"),),
        last_used="2026-03-02",
        region="us-east-1",
    ),
    RoleStory(
        "payments-oncall",
        "2023-01-30",
        document(
            trust(
                {"AWS": [iam(f"user/payments/{name}") for name in ("ines.duarte", "pavel.novak", "grace.mwangi")]},
                sid="PaymentsTeamWithMfa",
                when=MFA,
            )
        ),
        "Keeps payments running; only for the payments team",
        path="/payments/",
        attached=(policy("payments/payments-operations"),),
        tags={"team": "payments", "pci": "in-scope"},
        last_used="2026-11-21",
    ),
    RoleStory(
        "database-admin",
        "2023-01-30",
        by_account(PROD, sid="RecentMfa", when=RECENT_MFA),
        "Changes databases",
        path="/payments/",
        attached=(policy("payments/database-administration"), aws_policy("CloudWatchReadOnlyAccess")),
        tags={"team": "payments"},
        last_used="2026-11-02",
    ),
    RoleStory(
        "developer-sandbox",
        "2024-06-19",
        by_account(PROD),
        "Experiments in the second Region",
        attached=(aws_policy("PowerUserAccess"),),
        boundary=policy("boundaries/sandbox-boundary"),
        tags={"team": "tracking", "environment": "sandbox"},
        max_hours=4,
        last_used="2026-11-13",
        region="eu-north-1",
    ),
    RoleStory(
        "release-manager",
        "2023-04-24",
        by_account(PROD, when={"StringEquals": {"aws:PrincipalTag/team": "release"}}),
        "Cuts releases",
        attached=(policy("engineering/release-tools"),),
        tags={"team": "release"},
        last_used="2026-11-19",
    ),
    RoleStory(
        "ssm-operator",
        "2024-02-05",
        by_account(PROD, when={"StringLike": {"sts:RoleSessionName": "${aws:username}"}}),
        "Opens shells on hosts of one's own team",
        attached=(policy("platform/session-on-tagged-hosts"),),
        tags={"team": "platform"},
        last_used="2026-11-20",
    ),
)

DATA: Final = (
    RoleStory(
        "data-engineer",
        "2022-02-14",
        by_account(PROD),
        "Works on the data lake",
        path="/data/",
        attached=(policy("data/data-lake-read"), policy("data/data-lake-write"), policy("data/notebooks")),
        tags={"team": "data"},
        max_hours=8,
        last_used="2026-11-23",
    ),
    RoleStory(
        "data-lake-admin",
        "2022-02-14",
        by_account(PROD, when=MFA | {"StringEquals": {"aws:PrincipalTag/team": "data"}}),
        "Runs the data lake",
        path="/data/",
        attached=(policy("data/lake-administration"),),
        tags={"team": "data"},
        last_used="2026-11-11",
    ),
    RoleStory(
        "data-analyst",
        "2022-02-14",
        by_saml(),
        "Asks questions of the lake; the team comes as a session tag from the sign-in",
        path="/data/",
        attached=(policy("data/data-lake-by-team"), policy("data/athena-query")),
        tags={"team": "shared"},
        max_hours=8,
        last_used="2026-11-24",
    ),
    RoleStory(
        "warehouse-operator",
        "2024-11-18",
        by_saml(),
        "Depot staff, by the depot tag of their sign-in",
        path="/business/",
        attached=(policy("apps/label-printer-runtime"),),
        last_used="2026-11-24",
    ),
    RoleStory(
        "support-agent",
        "2023-03-13",
        by_saml(),
        "Customer support, signed in through Puffin Login",
        path="/business/",
        attached=(policy("business/customer-lookup"),),
        tags={"team": "support"},
        last_used="2026-11-24",
    ),
)

SECURITY_TEAM: Final = (
    RoleStory(
        "security-audit",
        "2021-06-07",
        by_account(SECURITY),
        "Read access for the security account",
        path="/security/",
        attached=(aws_policy("SecurityAudit"), policy("security/audit-trail-read")),
        tags={"team": "security"},
        last_used="2026-11-24",
    ),
    RoleStory(
        "incident-response",
        "2023-07-25",
        document(trust({"AWS": role("incident-commander", SECURITY)}, sid="CommanderWithMfa", when=RECENT_MFA)),
        "Cuts off stolen credentials; from the security account, with MFA",
        path="/security/",
        attached=(policy("security/quarantine"), aws_policy("SecurityAudit")),
        tags={"team": "security"},
        last_used="2026-07-30",
    ),
    RoleStory(
        "kms-administrator",
        "2022-05-16",
        by_account(PROD, when=MFA | {"StringEquals": {"aws:PrincipalTag/team": "security"}}),
        "Looks after keys",
        path="/security/",
        attached=(policy("security/key-administration"),),
        tags={"team": "security"},
        last_used="2026-09-17",
    ),
)

OTHER_ACCOUNTS: Final = (
    RoleStory(
        "OrganizationAccountAccessRole",
        "2020-01-06",
        by_account(MANAGEMENT),
        "Administration from the management account",
        attached=(aws_policy("AdministratorAccess"),),
        last_used="2025-04-22",
        region="us-east-1",
    ),
    RoleStory(
        "AWSControlTowerExecution",
        "2022-04-25",
        by_account(MANAGEMENT),
        "AWS Control Tower works on this account through this role",
        attached=(aws_policy("AdministratorAccess"),),
        last_used="2026-11-22",
    ),
    RoleStory(
        "AWSCloudFormationStackSetExecutionRole",
        "2022-04-25",
        document(trust({"AWS": role("AWSCloudFormationStackSetAdministrationRole", MANAGEMENT)})),
        "StackSets of the management account",
        attached=(aws_policy("AdministratorAccess"),),
        last_used="2026-08-14",
    ),
    RoleStory(
        "analytics-lake-reader",
        "2023-11-06",
        by_account(ANALYTICS, when={"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}),
        "The analytics account reads the lake",
        path="/data/",
        attached=(policy("data/data-lake-read"),),
        tags={"team": "data"},
        last_used="2026-11-23",
    ),
    RoleStory(
        "staging-artifact-puller",
        "2022-10-10",
        document(trust({"AWS": role("deploy-staging", STAGING)})),
        "Staging takes over what production released",
        path="/pipelines/",
        inline={
            "pull": document(
                allow("PullArtifacts", "s3:GetObject s3:ListBucket", [bucket(ARTIFACTS), objects(ARTIFACTS)])
            )
        },
        last_used="2026-11-20",
    ),
    RoleStory(
        "skylark-cost-reader",
        "2024-05-27",
        document(
            trust(
                {"AWS": [root(SKYLARK), iam("user/platform/maya.okafor")]},
                sid="SkylarkAndTheEngineerWhoSetItUp",
                when={"StringEquals": {"sts:ExternalId": "puffin-parcel-4471"}},
            )
        ),
        "Skylark Insights watches the bill",
        path="/external/",
        attached=(policy("external/cost-insight-read"),),
        tags={"vendor": "skylark-insights"},
        last_used="2026-11-24",
    ),
    RoleStory(
        "fjordline-manifests",
        "2024-09-02",
        document(
            trust(
                {"AWS": role("parcel-exchange", FJORDLINE)},
                when={"StringEquals": {"sts:ExternalId": "FJL-PUFFIN-2024"}},
            )
        ),
        "Fjordline Carriers exchanges manifests",
        path="/external/",
        attached=(policy("external/manifest-exchange"),),
        tags={"vendor": "fjordline-carriers"},
        last_used="2026-11-24",
    ),
    RoleStory(
        "brightwave-migration",
        "2023-09-11",
        by_account("123456789012"),
        "Brightwave Consulting moved the old servers; nobody uses it any more",
        path="/external/",
        attached=(aws_policy("ReadOnlyAccess"),),
        tags={"vendor": "brightwave-consulting"},
        last_used="2024-01-12",
    ),
)


def _permission_set(
    name: str, created: str, attached: tuple[str, ...], last_used: str | None, **more: object
) -> RoleStory:
    """A role that IAM Identity Center made for a permission set."""
    return RoleStory(
        f"AWSReservedSSO_{name}_{hex_id(name)}",
        created,
        by_identity_center(),
        "",
        path=f"/aws-reserved/sso.amazonaws.com/{REGION}/",
        attached=attached,
        max_hours=12,
        last_used=last_used,
        **more,  # type: ignore[arg-type]
    )


IDENTITY_CENTER: Final = (
    _permission_set("AdministratorAccess", "2023-01-16", (aws_policy("AdministratorAccess"),), "2026-11-17"),
    _permission_set("ViewOnly", "2023-01-16", (aws_policy("job-function/ViewOnlyAccess"),), "2026-11-23"),
    _permission_set("Billing", "2023-01-16", (aws_policy("job-function/Billing"),), "2026-11-03"),
    _permission_set(
        "DeveloperAccess",
        "2023-02-27",
        (aws_policy("PowerUserAccess"),),
        "2026-11-24",
        inline={
            "AwsSSOInlinePolicy": document(
                deny("NotTheLake", "s3:*", [bucket(DATA_LAKE), objects(DATA_LAKE)]),
                deny(
                    "NotPayments",
                    "secretsmanager:GetSecretValue",
                    when={"StringEquals": {"aws:ResourceTag/team": "payments"}},
                ),
            )
        },
    ),
)

ROLES: Final[tuple[RoleStory, ...]] = (*ENGINEERS, *DATA, *SECURITY_TEAM, *OTHER_ACCOUNTS, *IDENTITY_CENTER)
