"""Puts the story together as a snapshot: what GetAccountAuthorizationDetails would print, and iamtui's superset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from iamtui.policy.document import JsonValue
from iamtui.sources.managed_policies import managed_policy
from tools.demo import policies_people, policies_workloads, roles_people, roles_workloads
from tools.demo.company import (
    ALIAS,
    EKS_OIDC,
    GITHUB,
    PROD,
    SAML_PROVIDER,
    SSO_PROVIDER,
    TAKEN_AT,
    access_key_id,
    iam,
    moment,
    unique_id,
)
from tools.demo.facts import (
    PASSWORD_POLICY,
    account_summary,
    credential_report,
    server_certificates,
    service_last_accessed,
)
from tools.demo.language import Key, Person, PolicyStory, RoleStory, Team
from tools.demo.organization import organization
from tools.demo.people import CALLER, GROUPS, USERS
from tools.demo.resources import kms_aliases, public_access_block, resource_policies

POLICIES: Final = (*policies_people.POLICIES, *policies_workloads.POLICIES)
ROLES: Final = (*roles_people.ROLES, *roles_workloads.ROLES)


def snapshot() -> dict[str, Any]:
    """The whole account, in the snapshot format of iamtui.account.snapshot_format."""
    caller = next(person for person in USERS if person.name == CALLER)
    account = {
        "iamtui": {
            "version": 1,
            "account_id": PROD,
            "alias": ALIAS,
            "partition": "aws",
            "caller": iam(f"user{caller.path}{caller.name}"),
            "taken_at": TAKEN_AT,
        },
        "UserDetailList": [_user(person) for person in sorted(USERS, key=lambda p: p.name)],
        "GroupDetailList": [_group(team) for team in sorted(GROUPS, key=lambda t: t.name)],
        "RoleDetailList": [_role(story) for story in sorted(ROLES, key=lambda r: r.name.lower())],
        "Policies": _policies(),
        "organization": organization(),
        "resource_policies": resource_policies(),
        "public_access_block": public_access_block(),
        "kms_aliases": kms_aliases(),
        "user_details": {p.name: {"PasswordLastUsed": _when(p.password_last_used, p.name)} for p in _people()},
        "role_details": {
            r.name: {"Description": r.description, "MaxSessionDuration": r.max_hours * 3600}
            for r in sorted(ROLES, key=lambda r: r.name.lower())
        },
        "access_keys": {p.name: [_key(p, n, key) for n, key in enumerate(p.keys)] for p in _people()},
        "mfa_devices": {p.name: _devices(p) for p in _people()},
        "login_profiles": {p.name: _login_profile(p) for p in _people()},
        "identity_providers": _providers(),
        "missing": [],
    }
    return account | _facts(account)


def _facts(account: dict[str, Any]) -> dict[str, Any]:
    lists = {"Users": "UserDetailList", "Groups": "GroupDetailList", "Roles": "RoleDetailList"}
    counts = {name: len(account[key]) for name, key in lists.items()}
    counts["Policies"] = sum(not policy["Arn"].startswith("arn:aws:iam::aws:") for policy in account["Policies"])
    counts["InstanceProfiles"] = sum(len(role["InstanceProfileList"]) for role in account["RoleDetailList"])
    counts["Providers"] = len(account["identity_providers"])
    counts["MFADevicesInUse"] = sum(map(len, account["mfa_devices"].values()))
    counts["ServerCertificates"] = len(server_certificates())
    return {
        "account_summary": account_summary(counts),
        "password_policy": PASSWORD_POLICY,
        "credential_report": credential_report(account),
        "server_certificates": server_certificates(),
        "service_last_accessed": service_last_accessed(),
    }


def _people() -> list[Person]:
    return sorted(USERS, key=lambda person: person.name)


def _when(day: str | None, name: str) -> str | None:
    """A moment on a day, never later than the moment the snapshot was taken."""
    if day is None:
        return None
    if day == TAKEN_AT[:10]:
        return moment(day, name)[:11] + "0" + str(int(moment(day, name)[11:13]) % 9) + moment(day, name)[13:]
    return moment(day, name)


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _attachments(arns: Iterable[str]) -> list[dict[str, str]]:
    return [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]


def _inline(policies: Mapping[str, JsonValue]) -> list[dict[str, Any]]:
    return [{"PolicyName": name, "PolicyDocument": text} for name, text in policies.items()]


def _boundary(arn: str | None) -> dict[str, Any]:
    if arn is None:
        return {}
    return {
        "PermissionsBoundary": {
            "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
            "PermissionsBoundaryArn": arn,
        }
    }


def _user(person: Person) -> dict[str, Any]:
    arn = iam(f"user{person.path}{person.name}")
    return {
        "Path": person.path,
        "UserName": person.name,
        "UserId": unique_id("AIDA", arn),
        "Arn": arn,
        "CreateDate": moment(person.created, arn),
        "UserPolicyList": _inline(person.inline),
        "GroupList": sorted(person.groups),
        "AttachedManagedPolicies": _attachments(person.attached),
        **_boundary(person.boundary),
        "Tags": _tags(person.tags),
    }


def _group(team: Team) -> dict[str, Any]:
    arn = iam(f"group{team.path}{team.name}")
    return {
        "Path": team.path,
        "GroupName": team.name,
        "GroupId": unique_id("AGPA", arn),
        "Arn": arn,
        "CreateDate": moment(team.created, arn),
        "GroupPolicyList": _inline(team.inline),
        "AttachedManagedPolicies": _attachments(team.attached),
    }


def _role(story: RoleStory) -> dict[str, Any]:
    arn = iam(f"role{story.path}{story.name}")
    used = {"LastUsedDate": _when(story.last_used, arn), "Region": story.region} if story.last_used else {}
    return {
        "Path": story.path,
        "RoleName": story.name,
        "RoleId": unique_id("AROA", arn),
        "Arn": arn,
        "CreateDate": moment(story.created, arn),
        "AssumeRolePolicyDocument": story.trust,
        "InstanceProfileList": [_instance_profile(story)] if story.instance_profile else [],
        "RolePolicyList": _inline(story.inline),
        "AttachedManagedPolicies": _attachments(story.attached),
        **_boundary(story.boundary),
        "Tags": _tags(story.tags),
        "RoleLastUsed": used,
    }


def _instance_profile(story: RoleStory) -> dict[str, Any]:
    arn = iam(f"instance-profile{story.path}{story.name}")
    return {
        "Path": story.path,
        "InstanceProfileName": story.name,
        "InstanceProfileId": unique_id("AIPA", arn),
        "Arn": arn,
        "CreateDate": moment(story.created, arn),
        "Roles": [{"RoleName": story.name, "Arn": iam(f"role{story.path}{story.name}")}],
    }


def _policies() -> list[dict[str, Any]]:
    """The company's policies, and the AWS managed ones that somebody has attached."""
    everyone: tuple[Person | Team | RoleStory, ...] = (*USERS, *GROUPS, *ROLES)
    boundable: tuple[Person | RoleStory, ...] = (*USERS, *ROLES)
    attached = Counter(arn for holder in everyone for arn in holder.attached)
    bounded = Counter(holder.boundary for holder in boundable if holder.boundary)
    customers = [_customer_policy(story) for story in sorted(POLICIES, key=lambda p: p.name)]
    amazons = [_aws_policy(arn) for arn in sorted(attached) if arn.startswith("arn:aws:iam::aws:")]
    for entry in (*customers, *amazons):
        entry["AttachmentCount"] = attached[entry["Arn"]]
        entry["PermissionsBoundaryUsageCount"] = bounded[entry["Arn"]]
    return [*customers, *amazons]


def _customer_policy(story: PolicyStory) -> dict[str, Any]:
    arn = iam(f"policy{story.path}{story.name}")
    default = story.default or len(story.versions)
    versions = [
        {
            "VersionId": f"v{number}",
            "IsDefaultVersion": number == default,
            "CreateDate": moment(day, arn),
            "Document": text,
        }
        for number, (day, text) in enumerate(story.versions, start=1)
    ]
    return {
        "PolicyName": story.name,
        "PolicyId": unique_id("ANPA", arn),
        "Arn": arn,
        "Path": story.path,
        "DefaultVersionId": f"v{default}",
        "IsAttachable": True,
        "Description": story.description,
        "CreateDate": moment(story.created, arn),
        "UpdateDate": versions[-1]["CreateDate"],
        "PolicyVersionList": versions[::-1],
        "Tags": _tags(story.tags),
    }


def _aws_policy(arn: str) -> dict[str, Any]:
    found = managed_policy(arn)
    if found is None or found.default_version is None or found.created is None or found.updated is None:
        raise LookupError(f"the text of {arn} is not in the installed moto")
    version = found.default_version
    return {
        "PolicyName": found.name,
        "PolicyId": unique_id("ANPA", arn),
        "Arn": arn,
        "Path": found.path,
        "DefaultVersionId": version.id,
        "IsAttachable": True,
        "CreateDate": found.created.isoformat(),
        "UpdateDate": found.updated.isoformat(),
        "PolicyVersionList": [
            {
                "VersionId": version.id,
                "IsDefaultVersion": True,
                "CreateDate": found.updated.isoformat(),
                "Document": version.document.value,
            }
        ],
        "Tags": [],
    }


def _key(person: Person, number: int, key: Key) -> dict[str, Any]:
    name = f"{person.name} {number}"
    entry = {
        "AccessKeyId": access_key_id(person.name, number),
        "Status": "Active" if key.active else "Inactive",
        "CreateDate": moment(key.created, name),
    }
    if key.last_used is None:
        return entry
    used = _when(key.last_used, name + " used")
    return entry | {"LastUsedDate": used, "ServiceName": key.service, "Region": key.region}


def _devices(person: Person) -> list[dict[str, Any]]:
    if person.mfa is None:
        return []
    return [{"SerialNumber": iam(f"mfa/{person.name}"), "EnableDate": moment(person.mfa, f"{person.name} mfa")}]


def _login_profile(person: Person) -> dict[str, Any] | None:
    if person.password is None:
        return None
    created = moment(person.password, f"{person.name} password")
    return {"CreateDate": created, "PasswordResetRequired": person.password_reset_required}


def _providers() -> list[dict[str, Any]]:
    def provider(kind: str, name: str, created: str, audiences: list[str]) -> dict[str, Any]:
        arn = iam(f"{kind.lower()}-provider/{name}")
        entry = {"arn": arn, "type": kind, "name": name, "created": moment(created, arn)}
        return entry | {"audiences": audiences} if kind == "OIDC" else entry

    return [
        provider("SAML", SAML_PROVIDER, "2022-02-14", []),
        provider("SAML", SSO_PROVIDER, "2023-01-16", []),
        provider("OIDC", GITHUB, "2024-04-15", ["sts.amazonaws.com"]),
        provider("OIDC", EKS_OIDC, "2024-01-22", ["sts.amazonaws.com"]),
    ]
