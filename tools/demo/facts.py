"""What else the account knows about itself: the root user, the password policy, certificates, last use of services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tools.demo.company import TAKEN_AT, iam, moment, role, unique_id

_ROOT_KEY: Final = "2017-06-12"
"""The founder's key; nobody has dared to delete it."""

PASSWORD_POLICY: Final[dict[str, Any]] = {
    "MinimumPasswordLength": 10,
    "RequireSymbols": False,
    "RequireNumbers": True,
    "RequireUppercaseCharacters": True,
    "RequireLowercaseCharacters": True,
    "AllowUsersToChangePassword": True,
    "ExpirePasswords": False,
    "HardExpiry": False,
}

_REPORTED: Final = "2026-11-24T06:40:12+00:00"

_NEVER: Final = ""

_LAST_USE: Final[Mapping[str, Mapping[str, str]]] = {
    iam("user/service/svc-backup-agent"): {"backup": "2026-11-23"},
    iam("user/service/svc-carrier-sftp"): {"s3": "2026-11-23"},
    iam("user/service/svc-jenkins-legacy"): {"ecs": _NEVER, "ec2": _NEVER},
    iam("user/service/svc-lake-loader"): {"s3": "2026-11-23", "kms": "2026-11-23"},
    iam("user/service/svc-metrics-exporter"): {"cloudwatch": "2026-11-23", "tag": _NEVER},
    iam("user/service/svc-smtp"): {"ses": "2026-11-23"},
    iam("user/service/svc-terraform"): {
        "sts": "2026-11-23",
        "s3": "2026-11-23",
        "dynamodb": _NEVER,
    },
    iam("user/service/svc-warehouse-scanner"): {"sqs": "2026-11-23"},
    iam("user/service/svc-github-mirror"): {"s3": _NEVER},
    iam("user/service/svc-fjordline-bridge"): {"s3": "2026-11-23"},
    role("deploy-prod"): {
        "ecr": "2026-11-23",
        "ecs": "2026-11-23",
        "iam": "2026-11-23",
        "kms": _NEVER,
        "lambda": "2026-07-02",
        "s3": "2026-11-23",
    },
}
"""By entity, the services that its policies allow, with the day of their last use."""

_ACTIONS: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    (iam("user/service/svc-backup-agent"), "backup"): {"StartBackupJob": "2026-11-23", "StartCopyJob": _NEVER},
    (role("deploy-prod"), "lambda"): {
        "GetFunction": "2026-07-02",
        "PublishVersion": _NEVER,
        "UpdateAlias": _NEVER,
        "UpdateFunctionCode": _NEVER,
    },
}
"""Those of their actions that AWS tracks one by one."""


def account_summary(counts: Mapping[str, int]) -> dict[str, int]:
    """The "account_summary": the counts of this account, quotas, and a root user that nobody looks after."""
    return {
        **counts,
        "AccountAccessKeysPresent": 1,
        "AccountMFAEnabled": 0,
        "AccountPasswordPresent": 1,
        "AccountSigningCertificatesPresent": 0,
        "AccessKeysPerUserQuota": 2,
        "AttachedPoliciesPerGroupQuota": 10,
        "AttachedPoliciesPerRoleQuota": 10,
        "AttachedPoliciesPerUserQuota": 10,
        "GroupsPerUserQuota": 10,
        "GroupsQuota": 300,
        "InstanceProfilesQuota": 1000,
        "PoliciesQuota": 1500,
        "RolesQuota": 1000,
        "ServerCertificatesQuota": 20,
        "UsersQuota": 5000,
        "VersionsPerPolicyQuota": 5,
    }


def server_certificates() -> list[dict[str, Any]]:
    """The "server_certificates": one that ended long ago, and one in use."""

    def certificate(name: str, uploaded: str, expires: str) -> dict[str, Any]:
        arn = iam(f"server-certificate/{name}")
        return {
            "ServerCertificateName": name,
            "Path": "/",
            "Arn": arn,
            "ServerCertificateId": unique_id("ASCA", arn),
            "UploadDate": moment(uploaded, arn),
            "Expiration": moment(expires, f"{arn} end"),
        }

    return [
        certificate("tracking-puffin-parcel-2021", "2021-02-22", "2022-02-22"),
        certificate("tracking-puffin-parcel-2026", "2026-02-16", "2027-03-16"),
    ]


def credential_report(account: Mapping[str, Any]) -> dict[str, Any]:
    """The "credential_report", put together from what else the account says of its users, as AWS does."""
    root = {
        "user": "<root_account>",
        "arn": iam("root"),
        "password_enabled": "not_supported",
        "password_last_used": moment("2026-10-28", "root signs in"),
        "mfa_active": "false",
        **_key_columns(1, {"Status": "Active", "CreateDate": moment(_ROOT_KEY, "root key")}),
    }
    rows = [root]
    for user in account["UserDetailList"]:
        name = user["UserName"]
        profile = account["login_profiles"][name]
        row = {
            "user": name,
            "arn": user["Arn"],
            "password_enabled": "true" if profile else "false",
            "mfa_active": "true" if account["mfa_devices"][name] else "false",
        }
        if profile:
            row["password_last_used"] = account["user_details"][name]["PasswordLastUsed"] or "no_information"
            row["password_last_changed"] = profile["CreateDate"]
        for number, key in enumerate(account["access_keys"][name], 1):
            row |= _key_columns(number, key)
        rows.append(row)
    return {"GeneratedTime": _REPORTED, "Rows": rows}


def _key_columns(number: int, key: Mapping[str, str]) -> dict[str, str]:
    columns = {"active": "true" if key["Status"] == "Active" else "false", "last_rotated": key["CreateDate"]}
    if "LastUsedDate" in key:
        columns |= {
            "last_used_date": key["LastUsedDate"],
            "last_used_region": key["Region"],
            "last_used_service": key["ServiceName"],
        }
    return {f"access_key_{number}_{name}": value for name, value in columns.items()}


def service_last_accessed() -> dict[str, Any]:
    """The "service_last_accessed" of machines and of the role that deploys."""
    return {
        arn: {
            "JobCompletionDate": TAKEN_AT,
            "ServicesLastAccessed": [_service(arn, name, day) for name, day in services.items()],
        }
        for arn, services in _LAST_USE.items()
    }


def _service(arn: str, name: str, day: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"ServiceNamespace": name}
    if day:
        entry |= {"LastAuthenticated": moment(day, f"{arn} {name}"), "LastAuthenticatedRegion": "eu-west-1"}
    actions = _ACTIONS.get((arn, name))
    if actions:
        entry["TrackedActionsLastAccessed"] = [
            {"ActionName": action, "LastAccessedTime": moment(used, f"{arn} {action}")}
            if used
            else {"ActionName": action}
            for action, used in actions.items()
        ]
    return entry
