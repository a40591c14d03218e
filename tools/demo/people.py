"""Who works at Puffin Parcel: groups, people, and the accounts of machines."""

from __future__ import annotations

from typing import Final

from tools.demo.company import ARTIFACTS, DATA_LAKE, MANIFESTS, aws_policy, objects, policy, regional, role
from tools.demo.language import Key, Person, Team, allow, deny, document

CALLER: Final = "maya.okafor"
"""The engineer whose screen the demo is."""

GROUPS: Final = (
    Team("all-staff", "/", "2019-10-07", (policy("guardrails/self-manage-credentials"),)),
    Team("console-staff", "/", "2022-01-17", (policy("guardrails/force-mfa"),)),
    Team("account-administrators", "/admin/", "2019-10-07", (aws_policy("AdministratorAccess"),)),
    Team(
        "platform-engineers",
        "/platform/",
        "2020-06-15",
        (policy("platform/platform-assume-roles"), policy("platform/platform-read"), policy("platform/log-read")),
    ),
    Team(
        "sre-oncall",
        "/platform/",
        "2023-12-01",
        (policy("platform/emergency-stop"), policy("platform/incident-access")),
    ),
    Team(
        "backend-developers",
        "/engineering/",
        "2020-06-15",
        (
            policy("engineering/lambda-developer"),
            policy("engineering/team-compute"),
            policy("engineering/team-secrets"),
            policy("engineering/assume-team-roles"),
        ),
    ),
    Team(
        "payments-developers",
        "/engineering/",
        "2021-02-01",
        (policy("engineering/team-compute"), policy("engineering/assume-team-roles")),
        {
            "no-production-secrets": document(
                deny(
                    "SecretsOnlyThroughTheRole", "secretsmanager:GetSecretValue", regional("secretsmanager", "secret:*")
                )
            )
        },
    ),
    Team("release-managers", "/engineering/", "2023-04-24", (policy("engineering/release-tools"),)),
    Team(
        "data-engineers",
        "/data/",
        "2021-08-23",
        (policy("data/data-lake-read"), policy("data/athena-query"), policy("engineering/assume-team-roles")),
    ),
    Team("data-analysts", "/data/", "2022-02-14", (policy("data/data-lake-by-team"), policy("data/athena-query"))),
    Team(
        "security-engineers",
        "/security/",
        "2021-06-07",
        (aws_policy("SecurityAudit"), policy("security/audit-trail-read"), policy("security/quarantine")),
    ),
    Team(
        "finance",
        "/business/",
        "2021-11-29",
        (
            policy("business/cost-explorer-read"),
            policy("business/invoice-archive-read"),
            policy("guardrails/office-network-only"),
            aws_policy("job-function/Billing"),
        ),
    ),
    Team("support-agents", "/business/", "2023-03-13", (policy("business/customer-lookup"),)),
    Team("contractors", "/external/", "2023-09-11", (policy("business/vendor-portal"),)),
    Team("machines", "/service/", "2020-06-15"),
    Team("interns-2024", "/", "2024-06-03", (aws_policy("AmazonS3ReadOnlyAccess"),)),
)


def _employee(
    name: str,
    path: str,
    since: str,
    groups: str,
    team: str,
    *,
    last: str | None = "2026-11-23",
    mfa: bool = True,
    **more: object,
) -> Person:
    """Somebody with a password and, as it should be, an MFA device."""
    return Person(
        name,
        path,
        since,
        ("all-staff", *groups.split()),
        {"team": team, "email": f"{name}@puffin-parcel.example"},
        password=since,
        password_last_used=last,
        mfa=since if mfa else None,
        **more,  # type: ignore[arg-type]
    )


PLATFORM = (
    _employee(
        CALLER,
        "/platform/",
        "2022-08-30",
        "platform-engineers",
        "platform",
        last="2026-11-24",
        keys=(Key("2026-09-14", "2026-11-24", "sts", "eu-west-1"),),
    ),
    _employee(
        "jonas.berg",
        "/platform/",
        "2020-06-15",
        "platform-engineers sre-oncall",
        "platform",
        keys=(Key("2026-06-01", "2026-11-22", "ecs", "eu-west-1"),),
        inline={"dns-until-handover": document(allow("ChangeRecords", "route53:ChangeResourceRecordSets"))},
    ),
    _employee("priya.nair", "/platform/", "2021-05-03", "platform-engineers sre-oncall", "platform", last="2026-11-20"),
    _employee(
        "tomasz.zielinski",
        "/platform/",
        "2023-01-09",
        "platform-engineers",
        "platform",
        last="2026-11-19",
        attached=(policy("platform/delegated-role-creation"),),
    ),
    _employee(
        "elena.rossi",
        "/platform/",
        "2024-03-18",
        "platform-engineers sre-oncall",
        "platform",
        keys=(Key("2024-03-18", "2025-02-11", "s3", "eu-west-1"), Key("2026-04-27", "2026-11-23", "sts", "us-east-1")),
    ),
)

ENGINEERS = (
    _employee("samir.haddad", "/engineering/", "2020-06-15", "backend-developers", "tracking"),
    _employee(
        "lucy.whitfield",
        "/engineering/",
        "2021-01-11",
        "backend-developers",
        "tracking",
        keys=(Key("2023-03-06", "2026-11-23", "lambda", "eu-west-1"),),
    ),
    _employee("oscar.lind", "/engineering/", "2022-05-16", "backend-developers", "routing", last="2026-11-12"),
    _employee("hana.sato", "/engineering/", "2022-11-01", "backend-developers", "routing", mfa=False),
    _employee("diego.fuentes", "/engineering/", "2023-08-14", "backend-developers", "customs", last="2026-10-30"),
    _employee(
        "aoife.brennan",
        "/engineering/",
        "2025-09-01",
        "backend-developers",
        "tracking",
        boundary=policy("boundaries/sandbox-boundary"),
    ),
    _employee("ines.duarte", "/payments/", "2021-02-01", "payments-developers", "payments"),
    _employee(
        "pavel.novak",
        "/payments/",
        "2022-03-07",
        "payments-developers",
        "payments",
        keys=(Key("2022-03-07", "2026-11-17", "sts", "eu-west-1"),),
    ),
    _employee("grace.mwangi", "/payments/", "2024-01-15", "payments-developers sre-oncall", "payments"),
    _employee("viktor.horvath", "/engineering/", "2021-10-04", "release-managers", "release"),
    _employee(
        "clara.moreau",
        "/engineering/",
        "2023-04-24",
        "release-managers backend-developers",
        "release",
        last="2026-11-21",
    ),
)

DATA = (
    _employee("yuki.tanaka", "/data/", "2021-08-23", "data-engineers", "data"),
    _employee("felix.braun", "/data/", "2022-02-14", "data-engineers", "data", last="2026-11-18"),
    _employee(
        "amara.diallo",
        "/data/",
        "2021-08-23",
        "data-engineers",
        "data",
        attached=(policy("data/lake-administration"),),
        keys=(Key("2025-12-08", "2026-11-23", "glue", "eu-west-1"),),
    ),
    _employee("noor.rahman", "/data/", "2024-05-06", "data-analysts", "routing"),
    _employee("chen.wei", "/data/", "2025-02-17", "data-analysts", "finance", last="2026-11-05"),
)

SECURITY = (
    _employee("ruth.adler", "/security/", "2021-06-07", "security-engineers", "security"),
    _employee(
        "marco.bianchi",
        "/security/",
        "2022-05-16",
        "security-engineers",
        "security",
        attached=(policy("security/key-administration"),),
    ),
    _employee("leila.karimi", "/security/", "2025-06-02", "security-engineers", "security", last="2026-11-16"),
)

BUSINESS = (
    _employee("helen.sorensen", "/business/", "2021-11-29", "console-staff finance", "finance"),
    _employee("bruno.costa", "/business/", "2023-02-20", "console-staff finance", "finance", last="2026-11-10"),
    _employee("anita.desai", "/business/", "2024-09-09", "console-staff finance", "finance", mfa=False),
    _employee("kofi.mensah", "/business/", "2023-03-13", "console-staff support-agents", "support"),
    _employee("sofia.petrova", "/business/", "2023-06-26", "console-staff support-agents", "support"),
    _employee("liam.murphy", "/business/", "2024-11-25", "console-staff support-agents", "support", mfa=False),
    _employee(
        "mei.lin",
        "/business/",
        "2026-11-16",
        "console-staff support-agents",
        "support",
        last=None,
        mfa=False,
        password_reset_required=True,
    ),
)

ADMINISTRATORS = (
    _employee(
        "astrid.nilsen",
        "/admin/",
        "2019-10-07",
        "account-administrators",
        "platform",
        last="2026-11-09",
        keys=(Key("2020-01-20", "2024-05-14", "iam", "us-east-1"),),
    ),
    Person(
        "break-glass-1",
        "/admin/",
        "2022-01-17",
        ("account-administrators",),
        {"purpose": "emergency"},
        password="2022-01-17",
        password_last_used="2026-03-02",
        mfa="2022-01-17",
    ),
    Person(
        "break-glass-2",
        "/admin/",
        "2022-01-17",
        ("account-administrators",),
        {"purpose": "emergency"},
        password="2022-01-17",
        mfa="2022-01-17",
    ),
)


def _contractor(name: str, since: str, *, last: str | None, mfa: bool = True, keys: tuple[Key, ...] = ()) -> Person:
    return Person(
        name,
        "/external/",
        since,
        ("all-staff", "contractors"),
        {"team": "contractors", "company": "Brightwave Consulting"},
        password=since,
        password_last_used=last,
        mfa=since if mfa else None,
        keys=keys,
        boundary=policy("boundaries/contractor-boundary"),
    )


OUTSIDERS = (
    _contractor("ext.raj.patel", "2025-10-06", last="2026-11-20"),
    _contractor("ext.julia.weber", "2026-02-02", last="2026-11-23"),
    _contractor(
        "ext.peter.quinn",
        "2023-09-11",
        last="2024-12-19",
        mfa=False,
        keys=(Key("2023-09-11", "2024-12-18", "s3", "eu-west-1"), Key("2024-01-08", None)),
    ),
    Person(
        "intern.tove.dahl", "/", "2024-06-03", ("all-staff", "interns-2024"), {"team": "data"}, password="2024-06-03"
    ),
)


def _machine(
    name: str, since: str, team: str, keys: tuple[Key, ...], attached: tuple[str, ...] = (), **more: object
) -> Person:
    """A machine: keys, no password."""
    return Person(
        name,
        "/service/",
        since,
        ("machines",),
        {"team": team, "kind": "service-account"},
        keys=keys,
        attached=attached,
        **more,  # type: ignore[arg-type]
    )


MACHINES = (
    _machine(
        "svc-jenkins-legacy",
        "2020-02-03",
        "platform",
        (
            Key("2020-02-03", "2022-09-29", "ecs", "eu-west-1"),
            Key("2021-03-29", "2021-04-01", "iam", "us-east-1", active=False),
        ),
        (policy("legacy/jenkins-deploy"),),
    ),
    _machine(
        "svc-terraform",
        "2022-10-24",
        "platform",
        (Key("2026-08-03", "2026-11-23", "ec2", "eu-west-1"),),
        (policy("pipelines/terraform-state"),),
        inline={
            "assume-apply-role": document(allow("BecomeTerraform", "sts:AssumeRole", role("pipelines/terraform-apply")))
        },
    ),
    _machine(
        "svc-metrics-exporter",
        "2021-09-13",
        "platform",
        (Key("2021-09-13", "2026-11-24", "monitoring", "eu-west-1"),),
        (policy("apps/metrics-export"),),
    ),
    _machine(
        "svc-carrier-sftp",
        "2021-05-31",
        "customs",
        (
            Key("2026-05-11", "2026-11-24", "s3", "eu-west-1"),
            Key("2025-05-12", "2026-05-11", "s3", "eu-west-1", active=False),
        ),
        (policy("apps/carrier-sftp"),),
    ),
    _machine(
        "svc-smtp",
        "2021-02-22",
        "tracking",
        (Key("2021-02-22", "2026-11-24", "ses", "eu-west-1"),),
        (policy("apps/smtp-send"),),
    ),
    _machine(
        "svc-backup-agent",
        "2023-03-27",
        "platform",
        (Key("2023-03-27", "2026-11-23", "backup", "eu-west-1"),),
        (policy("pipelines/backup-operations"),),
    ),
    _machine(
        "svc-lake-loader",
        "2022-02-14",
        "data",
        (Key("2026-02-16", "2026-11-24", "s3", "eu-west-1"),),
        (policy("apps/lake-ingest"),),
        boundary=policy("boundaries/workload-boundary"),
    ),
    _machine(
        "svc-warehouse-scanner",
        "2021-12-06",
        "depots",
        (Key("2021-12-06", "2026-11-24", "sqs", "eu-west-1"),),
        inline={
            "send-scans": document(
                allow("SendScans", "sqs:SendMessage sqs:GetQueueUrl", regional("sqs", "shipment-events")),
                deny("OnlyFromDepots", "*", when={"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
            )
        },
    ),
    _machine(
        "svc-github-mirror",
        "2022-12-05",
        "platform",
        (Key("2022-12-05", None),),
        inline={"read-artifacts": document(allow("ReadArtifacts", "s3:GetObject", objects(ARTIFACTS)))},
    ),
    _machine(
        "svc-fjordline-bridge",
        "2024-09-02",
        "customs",
        (Key("2026-09-07", "2026-11-24", "s3", "eu-west-1"),),
        inline={
            "manifests": document(
                allow("ExchangeManifests", "s3:GetObject s3:PutObject", objects(MANIFESTS, "fjordline/*")),
                deny("NoLake", "s3:*", [f"arn:aws:s3:::{DATA_LAKE}", objects(DATA_LAKE)]),
            )
        },
    ),
)

USERS: Final[tuple[Person, ...]] = (
    *ADMINISTRATORS,
    *PLATFORM,
    *ENGINEERS,
    *DATA,
    *SECURITY,
    *BUSINESS,
    *OUTSIDERS,
    *MACHINES,
)
