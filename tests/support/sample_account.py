"""A small account with one of everything, built from records, for tests of the screen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from iamtui.account.model import (
    AccessKey,
    Account,
    AttachedPolicy,
    Group,
    IdentityProvider,
    InlinePolicy,
    InstanceProfile,
    Known,
    LoginProfile,
    ManagedPolicy,
    MfaDevice,
    Missing,
    PolicyVersion,
    Role,
    User,
)
from iamtui.policy.document import PolicyDocument
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
ID = "123456789012"
ADMIN_ARN = "arn:aws:iam::aws:policy/AdministratorAccess"


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def document(*statements: dict[str, Any]) -> PolicyDocument:
    return PolicyDocument.of({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: str | list[str], resources: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions: str | list[str], resources: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": actions, "Resource": resources, **more}


def trust(principal: Any, action: str = "sts:AssumeRole", **more: Any) -> PolicyDocument:
    return document({"Effect": "Allow", "Principal": principal, "Action": action, **more})


def iam(resource: str) -> str:
    return f"arn:aws:iam::{ID}:{resource}"


LAKE_READ = ManagedPolicy(
    "data-lake-read",
    "/data/",
    iam("policy/data/data-lake-read"),
    "ANPALAKEREAD00000001",
    days_ago(700),
    versions=(
        PolicyVersion(
            "v2",
            document(
                {
                    "Sid": "ReadLake",
                    **allow(["s3:GetObject", "s3:ListBucket"], ["arn:aws:s3:::data-lake", "arn:aws:s3:::data-lake/*"]),
                },
                {"Sid": "NoDelete", **deny("s3:Delete*", "arn:aws:s3:::data-lake/*")},
                {
                    "Sid": "DecryptLake",
                    **allow(
                        "kms:Decrypt",
                        f"arn:aws:kms:us-east-1:{ID}:key/*",
                        Condition={"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
                    ),
                },
            ),
            is_default=True,
            created=days_ago(90),
        ),
        PolicyVersion("v1", document(allow("s3:Get*", "arn:aws:s3:::data-lake/*")), is_default=False),
    ),
    attachment_count=Known(3),
    boundary_count=Known(0),
    description=Known("Read the data lake"),
    updated=days_ago(90),
    tags=(("team", "data"),),
)
BOUNDARY = ManagedPolicy(
    "developer-boundary",
    "/",
    iam("policy/developer-boundary"),
    "ANPABOUNDARY00000001",
    days_ago(500),
    versions=(PolicyVersion("v1", document(allow(["s3:*", "logs:*", "lambda:*"])), is_default=True),),
    attachment_count=Known(0),
    boundary_count=Known(2),
)
UNLOADED = ManagedPolicy("ops-runbooks", "/", iam("policy/ops-runbooks"), "ANPAOPSRUNBOOKS00001", days_ago(40))
ADMINISTRATOR = ManagedPolicy(
    "AdministratorAccess",
    "/",
    ADMIN_ARN,
    "ANPAIWMBCKSKIEE64ZLYK",
    datetime(2015, 2, 6, 18, 39, tzinfo=UTC),
    versions=(PolicyVersion("v1", document(allow("*")), is_default=True),),
    attachment_count=Known(2),
    boundary_count=Known(0),
    description=Known("Provides full access to AWS services and resources."),
)

GROUPS = (
    Group(
        "admins",
        "/",
        iam("group/admins"),
        "AGPAADMINS0000000001",
        days_ago(900),
        attached_policies=(AttachedPolicy("AdministratorAccess", ADMIN_ARN),),
    ),
    Group(
        "analysts",
        "/data/",
        iam("group/data/analysts"),
        "AGPAANALYSTS00000001",
        days_ago(650),
        inline_policies=(InlinePolicy("query-athena", document(allow(["athena:*", "glue:Get*"]))),),
        attached_policies=(AttachedPolicy("data-lake-read", LAKE_READ.arn),),
    ),
    Group("auditors", "/", iam("group/auditors"), "AGPAAUDITORS00000001", days_ago(300)),
)

USERS = (
    User(
        "alice",
        "/",
        iam("user/alice"),
        "AIDAALICE00000000001",
        days_ago(880),
        groups=("admins", "analysts"),
        tags=(("team", "platform"), ("cost-center", "4711")),
        password_last_used=Known(days_ago(0.1)),
        access_keys=Known(
            (
                AccessKey("AKIAALICE00000000001", "Active", days_ago(400), days_ago(2), "s3", "us-east-1"),
                AccessKey("AKIAALICE00000000002", "Inactive", days_ago(800)),
            )
        ),
        mfa_devices=Known((MfaDevice(iam("mfa/alice-phone"), days_ago(870)),)),
        login_profile=Known(LoginProfile(days_ago(870))),
    ),
    User(
        "bob",
        "/data/",
        iam("user/data/bob"),
        "AIDABOB0000000000001",
        days_ago(420),
        groups=("analysts",),
        inline_policies=(InlinePolicy("scratch-bucket", document(allow("s3:*", "arn:aws:s3:::scratch/*"))),),
        boundary_arn=BOUNDARY.arn,
        tags=(("team", "data"),),
        password_last_used=Known(days_ago(30)),
        access_keys=Known(()),
        mfa_devices=Known(()),
        login_profile=Known(LoginProfile(days_ago(400), reset_required=True)),
    ),
    User("carol", "/", iam("user/carol"), "AIDACAROL00000000001", days_ago(10)),
    User(
        "ci-deploy",
        "/automation/",
        iam("user/automation/ci-deploy"),
        "AIDACIDEPLOY00000001",
        days_ago(200),
        inline_policies=(
            InlinePolicy("assume-deploy", document(allow("sts:AssumeRole", iam("role/deploy-prod")))),
            InlinePolicy("broken", PolicyDocument('{"Version": "2012-10-17", "Statement": [}')),
        ),
        attached_policies=(AttachedPolicy("ops-runbooks", UNLOADED.arn),),
        password_last_used=Known(None),
        access_keys=Missing("access denied", "iam:ListAccessKeys"),
    ),
)

ROLES = (
    Role(
        "deploy-prod",
        "/",
        iam("role/deploy-prod"),
        "AROADEPLOYPROD000001",
        days_ago(600),
        trust=document(
            {
                "Sid": "Humans",
                "Effect": "Allow",
                "Principal": {"AWS": iam("user/alice")},
                "Action": "sts:AssumeRole",
                "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
            },
            {
                "Sid": "Pipeline",
                "Effect": "Allow",
                "Principal": {"AWS": iam("user/automation/ci-deploy")},
                "Action": "sts:AssumeRole",
            },
        ),
        inline_policies=(InlinePolicy("deploy", document(allow(["cloudformation:*", "s3:PutObject"]))),),
        attached_policies=(
            AttachedPolicy("data-lake-read", LAKE_READ.arn),
            AttachedPolicy("AdministratorAccess", ADMIN_ARN),
        ),
        tags=(("team", "platform"), ("env", "prod")),
        description=Known("Deploys to production"),
        max_session_seconds=Known(7200),
        last_used=Known(days_ago(1)),
        last_used_region="us-east-1",
    ),
    Role(
        "lambda-thumbnails",
        "/service-role/",
        iam("role/service-role/lambda-thumbnails"),
        "AROALAMBDATHUMB00001",
        days_ago(150),
        trust=trust({"Service": "lambda.amazonaws.com"}),
        boundary_arn=BOUNDARY.arn,
        description=Known(""),
        max_session_seconds=Known(3600),
        last_used=Known(None),
    ),
    Role(
        "web-server",
        "/",
        iam("role/web-server"),
        "AROAWEBSERVER0000001",
        days_ago(500),
        trust=trust({"Service": "ec2.amazonaws.com"}),
        attached_policies=(AttachedPolicy("data-lake-read", LAKE_READ.arn),),
    ),
    Role(
        "github-actions",
        "/",
        iam("role/github-actions"),
        "AROAGITHUB0000000001",
        days_ago(120),
        trust=trust(
            {"Federated": iam("oidc-provider/token.actions.githubusercontent.com")},
            "sts:AssumeRoleWithWebIdentity",
            Condition={"StringLike": {"token.actions.githubusercontent.com:sub": "repo:example/*"}},
        ),
        max_session_seconds=Known(3600),
        last_used=Known(days_ago(3)),
        description=Missing("not in the snapshot", "iam:ListRoles"),
    ),
)


def sample_account() -> Account:
    """Four users, three groups, four roles, four policies, an instance profile and a provider."""
    return Account(
        id=ID,
        alias=Known("example-prod"),
        caller_arn=Known(iam("user/alice")),
        taken_at=NOW - timedelta(minutes=2),
        users=USERS,
        groups=GROUPS,
        roles=ROLES,
        policies=(LAKE_READ, BOUNDARY, UNLOADED, ADMINISTRATOR),
        instance_profiles=(
            InstanceProfile(
                "web-server",
                "/",
                iam("instance-profile/web-server"),
                "AIPAWEBSERVER0000001",
                days_ago(500),
                roles=("web-server",),
            ),
        ),
        providers=Known(
            (
                IdentityProvider(
                    iam("oidc-provider/token.actions.githubusercontent.com"),
                    "OIDC",
                    "token.actions.githubusercontent.com",
                    days_ago(121),
                    ("sts.amazonaws.com",),
                ),
            )
        ),
    )


def sample_workspace() -> Workspace:
    """The sample account as a snapshot."""
    source = SourceInfo(SourceKind.SNAPSHOT, "sample.json", region="us-east-1", taken_at=NOW - timedelta(minutes=2))
    return Workspace(sample_account(), source)


def large_account(users: int = 6_000, roles: int = 3_000, policies: int = 1_000) -> Account:
    """Many principals, for measuring and for the limits of lists."""
    return Account(
        id=ID,
        users=tuple(
            User(
                f"user-{n:05}",
                "/" if n % 3 else f"/team-{n % 7}/",
                iam(f"user/user-{n:05}"),
                f"AIDA{n:016}",
                days_ago(n % 900),
                groups=("analysts",) if n % 2 else (),
                tags=(("team", f"team-{n % 7}"),),
            )
            for n in range(users)
        ),
        groups=GROUPS,
        roles=tuple(
            Role(
                f"service-{n:05}",
                "/",
                iam(f"role/service-{n:05}"),
                f"AROA{n:016}",
                days_ago(n % 900),
                trust=trust({"Service": "lambda.amazonaws.com"}),
                attached_policies=(AttachedPolicy("data-lake-read", LAKE_READ.arn),),
            )
            for n in range(roles)
        ),
        policies=(
            LAKE_READ,
            BOUNDARY,
            ADMINISTRATOR,
            *(
                ManagedPolicy(f"policy-{n:05}", "/", iam(f"policy/policy-{n:05}"), f"ANPA{n:016}", days_ago(n % 900))
                for n in range(policies)
            ),
        ),
    )
