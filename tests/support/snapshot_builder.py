"""Builds the JSON of snapshots: entries as AWS prints them, with what a test wants to be different."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ID = "123456789012"
CREATED = "2024-03-01T10:00:00+00:00"

Json = dict[str, Any]


def iam(resource: str) -> str:
    return f"arn:aws:iam::{ID}:{resource}"


def document(*statements: Json) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements) or [allow("s3:GetObject")]}


def allow(action: Any, resource: Any = "*", **more: Any) -> Json:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(principal: Any = None, **more: Any) -> Json:
    who = {"AWS": iam("root")} if principal is None else principal
    return document({"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole", **more})


def user(name: str = "alice", path: str = "/", **more: Any) -> Json:
    return {
        "Path": path,
        "UserName": name,
        "UserId": f"AIDA{name.upper()}",
        "Arn": iam(f"user{path}{name}"),
        "CreateDate": CREATED,
        "GroupList": [],
        "AttachedManagedPolicies": [],
        "Tags": [],
        **more,
    }


def group(name: str = "devs", path: str = "/", **more: Any) -> Json:
    return {
        "Path": path,
        "GroupName": name,
        "GroupId": f"AGPA{name.upper()}",
        "Arn": iam(f"group{path}{name}"),
        "CreateDate": CREATED,
        "GroupPolicyList": [],
        "AttachedManagedPolicies": [],
        **more,
    }


def role(name: str = "deploy", path: str = "/", **more: Any) -> Json:
    return {
        "Path": path,
        "RoleName": name,
        "RoleId": f"AROA{name.upper()}",
        "Arn": iam(f"role{path}{name}"),
        "CreateDate": CREATED,
        "AssumeRolePolicyDocument": trust(),
        "InstanceProfileList": [],
        "RolePolicyList": [],
        "AttachedManagedPolicies": [],
        "Tags": [],
        "RoleLastUsed": {},
        **more,
    }


def policy(name: str = "reader", path: str = "/", body: Any = None, **more: Any) -> Json:
    return {
        "PolicyName": name,
        "PolicyId": f"ANPA{name.upper()}",
        "Arn": iam(f"policy{path}{name}"),
        "Path": path,
        "DefaultVersionId": "v1",
        "AttachmentCount": 1,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "CreateDate": CREATED,
        "UpdateDate": CREATED,
        "PolicyVersionList": [
            {
                "Document": document() if body is None else body,
                "VersionId": "v1",
                "IsDefaultVersion": True,
                "CreateDate": CREATED,
            }
        ],
        **more,
    }


def inline(name: str, body: Any = None) -> Json:
    return {"PolicyName": name, "PolicyDocument": document() if body is None else body}


def attached(arn: str) -> Json:
    return {"PolicyName": arn.rsplit("/", 1)[-1], "PolicyArn": arn}


def snapshot(
    users: list[Json] | None = None,
    groups: list[Json] | None = None,
    roles: list[Json] | None = None,
    policies: list[Json] | None = None,
    **more: Any,
) -> Json:
    return {
        "UserDetailList": users or [],
        "GroupDetailList": groups or [],
        "RoleDetailList": roles or [],
        "Policies": policies or [],
        **more,
    }


def complete() -> Json:
    """A snapshot with every key of the format, and something behind each."""
    bound = iam("policy/teams/bound")
    full = {"Version": "2012-10-17", "Statement": [allow("*")]}
    return snapshot(
        users=[
            user(
                "alice",
                "/staff/",
                GroupList=["devs"],
                UserPolicyList=[inline("own")],
                AttachedManagedPolicies=[attached(iam("policy/reader"))],
                PermissionsBoundary={
                    "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
                    "PermissionsBoundaryArn": bound,
                },
                Tags=[{"Key": "team", "Value": "blue"}, {"Key": "empty", "Value": ""}],
            ),
            user("bob"),
        ],
        groups=[group("devs", "/teams/", GroupPolicyList=[inline("shared")])],
        roles=[
            role(
                "deploy",
                "/ci/",
                RolePolicyList=[inline("ship", document(allow(["s3:*"], ["arn:aws:s3:::b/*"])))],
                PermissionsBoundary={"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": bound},
                RoleLastUsed={"LastUsedDate": "2026-11-01T08:30:00+00:00", "Region": "eu-central-1"},
                Tags=[{"Key": "stage", "Value": "prod"}],
                InstanceProfileList=[
                    {
                        "Path": "/",
                        "InstanceProfileName": "deploy-hosts",
                        "InstanceProfileId": "AIPADEPLOY",
                        "Arn": iam("instance-profile/deploy-hosts"),
                        "CreateDate": CREATED,
                        "Roles": [role("deploy", "/ci/")],
                        "Tags": [{"Key": "a", "Value": "b"}],
                    }
                ],
            ),
            role("idle"),
        ],
        policies=[policy("reader", Description="reads"), policy("bound", "/teams/", Tags=[{"Key": "x", "Value": "y"}])],
        iamtui={
            "version": 1,
            "account_id": ID,
            "alias": "acme",
            "partition": "aws",
            "caller": iam("user/staff/alice"),
            "taken_at": "2026-11-24T09:00:00Z",
        },
        organization={
            "id": "o-abc123",
            "management_account": "999999999999",
            "delegated_administrators": {"iam.amazonaws.com": ["888888888888"]},
            "path": [
                {
                    "id": "r-ab12",
                    "name": "Root",
                    "type": "ROOT",
                    "scps": [{"arn": "arn:aws:organizations::aws:policy/p-F", "name": "F", "document": full}],
                    "rcps": None,
                },
                {"id": "ou-ab12-x", "name": "Prod", "type": "ORGANIZATIONAL_UNIT", "scps": None, "rcps": []},
                {"id": ID, "name": "acme", "type": "ACCOUNT", "scps": [], "rcps": []},
            ],
        },
        resource_policies={
            "arn:aws:s3:::open": {"state": "present", "document": document(allow("s3:GetObject", Principal="*"))},
            "arn:aws:s3:::plain": {"state": "none"},
            "arn:aws:s3:::shut": {"state": "denied", "permission": "s3:GetBucketPolicy"},
        },
        kms_aliases={f"arn:aws:kms:eu-west-1:{ID}:alias/app": f"arn:aws:kms:eu-west-1:{ID}:key/1"},
        public_access_block={"open": {"RestrictPublicBuckets": True, "BlockPublicAcls": False}},
        user_details={"alice": {"PasswordLastUsed": "2026-10-01T00:00:00Z"}, "bob": {}},
        role_details={"deploy": {"Description": "ships", "MaxSessionDuration": 7200}},
        access_keys={
            "alice": [
                {
                    "AccessKeyId": "AKIAALICE",
                    "Status": "Active",
                    "CreateDate": CREATED,
                    "LastUsedDate": "2026-11-20T00:00:00Z",
                    "ServiceName": "s3",
                    "Region": "us-east-1",
                },
                {"AccessKeyId": "AKIAOLD", "Status": "Inactive", "CreateDate": CREATED, "ServiceName": "N/A"},
            ],
            "bob": [],
        },
        mfa_devices={"alice": [{"SerialNumber": iam("mfa/alice"), "EnableDate": CREATED}], "bob": []},
        login_profiles={"alice": {"CreateDate": CREATED, "PasswordResetRequired": True}, "bob": None},
        instance_profiles=[
            {"InstanceProfileName": "spare", "Arn": iam("instance-profile/spare"), "CreateDate": CREATED}
        ],
        identity_providers=[
            {"arn": iam("saml-provider/idp"), "type": "SAML", "name": "idp", "created": CREATED},
            {"arn": iam("oidc-provider/token.example.com"), "type": "OIDC", "audiences": ["sts.amazonaws.com"]},
        ],
        account_summary={"Users": 2, "AccountMFAEnabled": 1, "UsersQuota": 5000},
        password_policy={"MinimumPasswordLength": 14, "RequireSymbols": True, "MaxPasswordAge": 90},
        credential_report={
            "GeneratedTime": "2026-11-24T08:00:00Z",
            "Rows": [
                {
                    "user": "<root_account>",
                    "arn": iam("root"),
                    "mfa_active": "true",
                    "password_enabled": "not_supported",
                },
                {
                    "user": "alice",
                    "arn": iam("user/staff/alice"),
                    "password_enabled": "true",
                    "password_last_changed": CREATED,
                    "mfa_active": "true",
                    "access_key_1_active": "true",
                    "access_key_1_last_rotated": CREATED,
                    "access_key_1_last_used_date": "2026-11-20T00:00:00Z",
                    "access_key_1_last_used_service": "s3",
                    "access_key_1_last_used_region": "us-east-1",
                    "access_key_2_active": "false",
                    "access_key_2_last_rotated": CREATED,
                },
            ],
        },
        server_certificates=[
            {
                "ServerCertificateName": "site",
                "Path": "/",
                "Arn": iam("server-certificate/site"),
                "ServerCertificateId": "ASCASITE",
                "UploadDate": CREATED,
                "Expiration": "2026-03-01T10:00:00+00:00",
            }
        ],
        service_last_accessed={
            iam("role/ci/deploy"): {
                "JobCompletionDate": "2026-11-24T08:30:00Z",
                "ServicesLastAccessed": [
                    {
                        "ServiceNamespace": "s3",
                        "LastAuthenticated": "2026-11-20T00:00:00Z",
                        "LastAuthenticatedRegion": "us-east-1",
                        "TrackedActionsLastAccessed": [{"ActionName": "DeleteBucket"}],
                    },
                    {"ServiceNamespace": "sqs"},
                ],
            }
        },
        missing=[{"what": "resource policies of queues", "permission": "sqs:ListQueues", "error": "access denied"}],
    )


def as_bytes(value: Any) -> bytes:
    """As the AWS CLI prints it."""
    return json.dumps(value, indent=4).encode()


def write(folder: Path, value: Any, name: str = "account.json") -> Path:
    path = folder / name
    path.write_bytes(value if isinstance(value, bytes) else as_bytes(value))
    return path
