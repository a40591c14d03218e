"""Snapshot writer: an Account as the JSON object that `authorization_details` reads back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from iamtui.account.model import (
    NOT_IN_SNAPSHOT,
    NOT_LOADED,
    Account,
    CredentialReportRow,
    Fact,
    Gap,
    Group,
    InstanceProfile,
    Known,
    LastAccessed,
    ManagedPolicy,
    Missing,
    OrganizationLevel,
    OrganizationPolicy,
    PasswordPolicy,
    Role,
    Tags,
    User,
)
from iamtui.account.snapshot_format import (
    FORMAT_VERSION,
    AccessKeyShape,
    LoginProfileShape,
    MfaDeviceShape,
    ProviderShape,
    ServerCertificateShape,
)
from iamtui.policy.document import PolicyDocument

Json: TypeAlias = dict[str, Any]

_NOT_ASKED: Final = (NOT_LOADED.reason, NOT_IN_SNAPSHOT)


def snapshot_of(account: Account) -> Json:
    """Return the account as a JSON object; what is Missing is left out.

    Readable documents become objects; an unreadable one stays the text it was.
    """
    carried, alone = _instance_profiles(account)
    snapshot: Json = {
        "iamtui": _header(account),
        "UserDetailList": [_some(**_holder("User", user), GroupList=[*user.groups]) for user in account.users],
        "GroupDetailList": [_some(**_holder("Group", group)) for group in account.groups],
        "RoleDetailList": [_role(role, carried[role.name]) for role in account.roles],
        "Policies": [_managed_policy(policy) for policy in account.policies],
        "user_details": _by_user(account, "password_last_used", lambda used: {"PasswordLastUsed": _time(used)}),
        "role_details": {role.name: _role_detail(role) for role in account.roles if _role_detail(role)},
        "access_keys": _by_user(account, "access_keys", lambda keys: [_written(AccessKeyShape, key) for key in keys]),
        "mfa_devices": _by_user(account, "mfa_devices", lambda ones: [_written(MfaDeviceShape, one) for one in ones]),
        "login_profiles": _by_user(account, "login_profile", lambda one: one and _written(LoginProfileShape, one)),
        "instance_profiles": [_instance_profile(profile) for profile in alone],
        "resource_policies": {
            arn: _some(
                state=policy.state,
                document=None if policy.document is None else _document(policy.document),
                permission=policy.permission or None,
            )
            for arn, policy in account.resource_policies.items()
        },
        "public_access_block": {
            bucket: {"RestrictPublicBuckets": one.restrict_public_buckets}
            for bucket, one in account.public_access_blocks.items()
        },
        "kms_aliases": dict(account.kms_aliases),
        "unread": {entity.arn: msgspec.to_builtins(entity.unread) for entity in _holders(account) if entity.unread},
        "missing": [*map(_gap, account.gaps), *map(_gap, _unsaid(account))],
    }
    # An empty object would say that somebody asked; the AWS lists are always part of the format.
    snapshot = {key: value for key, value in snapshot.items() if value or key[0].isupper()}
    return snapshot | _account_facts(account)


def _account_facts(account: Account) -> Json:
    """The facts of the whole account that are known; an empty list or null among them is the answer "none"."""
    facts: Json = {}
    if isinstance(account.organization, Known):
        facts["organization"] = _organization(account.organization)
    if isinstance(account.providers, Known):
        facts["identity_providers"] = [_written(ProviderShape, one) for one in account.providers.value]
    if isinstance(account.summary, Known) and account.summary.value:
        facts["account_summary"] = dict(account.summary.value)
    if isinstance(account.password_policy, Known):
        policy = account.password_policy.value
        facts["password_policy"] = policy and _written(PasswordPolicy, policy)
    if isinstance(account.credential_report, Known):
        report = account.credential_report.value
        facts["credential_report"] = _some(
            GeneratedTime=_time(report.generated), Rows=[_report_row(row) for row in report.rows]
        )
    if isinstance(account.server_certificates, Known):
        certificates = account.server_certificates.value
        facts["server_certificates"] = [_written(ServerCertificateShape, one) for one in certificates]
    if isinstance(account.identity_center, Known):
        facts["identity_center"] = msgspec.to_builtins(account.identity_center.value)
    if account.last_accessed:
        facts["service_last_accessed"] = {arn: _last_accessed(one) for arn, one in account.last_accessed.items()}
    return facts


def _written(shape: type[Struct], record: Struct) -> Json:
    """A record under the names of the shape with the same fields, without what the shape may leave out."""
    written: Json = {}
    for field in msgspec.structs.fields(shape):
        value = getattr(record, field.name)
        if isinstance(value, datetime):
            value = _time(value)
        if value or (value is not None and field.default is not None):
            written[field.encode_name] = value
    return written


def _report_row(row: CredentialReportRow) -> Json:
    profile = row.login_profile
    keys: Json = {}
    for number, key in enumerate(row.access_keys, 1):
        keys |= {
            f"access_key_{number}_active": _yes_no(key.status == "Active"),
            f"access_key_{number}_last_rotated": _time(key.created),
            f"access_key_{number}_last_used_date": _time(key.last_used),
            f"access_key_{number}_last_used_region": key.last_region or None,
            f"access_key_{number}_last_used_service": key.last_service or None,
        }
    return _some(
        user=row.user,
        arn=row.arn,
        password_enabled=_yes_no(profile is not None),
        password_last_used=_time(row.password_last_used),
        password_last_changed=_time(profile.created) if profile is not None else None,
        mfa_active=_yes_no(bool(row.mfa_devices)),
        **keys,
    )


def _yes_no(value: bool) -> str:
    return "true" if value else "false"


def _last_accessed(one: LastAccessed) -> Json:
    return _some(
        JobCompletionDate=_time(one.read_at),
        ServicesLastAccessed=[
            _some(
                ServiceNamespace=use.service,
                LastAuthenticated=_time(use.last_used),
                LastAuthenticatedRegion=use.region or None,
                TrackedActionsLastAccessed=[
                    _some(ActionName=name, LastAccessedTime=_time(used)) for name, used in use.actions.items()
                ]
                or None,
            )
            for use in one.services
        ],
    )


def _by_user(account: Account, fact: str, make: Callable[[Any], Any]) -> Json:
    """One fact of all users of whom it is known."""
    known = ((user.name, getattr(user, fact)) for user in account.users)
    return {name: make(value.value) for name, value in known if isinstance(value, Known)}


def _gap(gap: Gap) -> Json:
    return _some(what=gap.what, permission=gap.permission or None, error=gap.error or None)


def _unsaid(account: Account) -> Iterator[Gap]:
    """Why single facts are Missing, where it is not for want of asking and no gap says it."""
    said = {gap.permission for gap in account.gaps}
    records: tuple[Any, ...] = (
        account,
        *account.users,
        *account.roles,
        *account.policies,
        *account.organization_levels,
    )
    for record in records:
        for one in fields(record):
            fact = getattr(record, one.name)
            if not isinstance(fact, Missing) or not fact.permission:
                continue
            if fact.permission not in said and fact.reason not in _NOT_ASKED:
                said.add(fact.permission)
                yield Gap(f"what {fact.permission} would tell", fact.permission, fact.reason)


def _instance_profiles(account: Account) -> tuple[dict[str, list[InstanceProfile]], list[InstanceProfile]]:
    """The instance profiles by the role that carries them, and those that none carries."""
    roles: dict[str, list[InstanceProfile]] = {role.name: [] for role in account.roles}
    alone: list[InstanceProfile] = []
    for profile in account.instance_profiles:
        roles.get(next(iter(profile.roles), ""), alone).append(profile)
    return roles, alone


def _some(**fields: Any) -> Json:
    return {key: value for key, value in fields.items() if value is not None}


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat().replace("+00:00", "Z")


def _holders(account: Account) -> Iterator[User | Group | Role]:
    yield from account.users
    yield from account.groups
    yield from account.roles


def _header(account: Account) -> Json:
    header = _some(
        version=FORMAT_VERSION if any(entity.unread for entity in _holders(account)) else 1,
        account_id=account.id or None,
        partition=account.partition,
        caller=account.caller_arn.value_or(None),
        taken_at=_time(account.taken_at),
        region=account.region or None,
        not_aws=account.not_aws or None,
    )
    if isinstance(account.alias, Known):
        header["alias"] = account.alias.value
    return header


def _document(document: PolicyDocument) -> Any:
    return document.raw if document.error is not None else document.value


def _tags(tags: Tags) -> list[Json] | None:
    return [{"Key": key, "Value": value} for key, value in tags] or None


def _entity(kind: str, entity: User | Group | Role | InstanceProfile) -> Json:
    """First fields of every entry in AWS's lists."""
    names = {f"{kind}Name": entity.name, f"{kind}Id": entity.id}
    return {"Path": entity.path, **names, "Arn": entity.arn, "CreateDate": _time(entity.created)}


def _holder(kind: str, holder: User | Group | Role) -> Json:
    written = _entity(kind, holder)
    written[f"{kind}PolicyList"] = [
        {"PolicyName": one.name, "PolicyDocument": _document(one.document)} for one in holder.inline_policies
    ]
    written["AttachedManagedPolicies"] = [
        {"PolicyName": one.name, "PolicyArn": one.arn} for one in holder.attached_policies
    ]
    if not isinstance(holder, Group):
        of_policy = {"PermissionsBoundaryType": "PermissionsBoundaryPolicy"}
        boundary = of_policy | {"PermissionsBoundaryArn": holder.boundary_arn} if holder.boundary_arn else None
        written |= {"PermissionsBoundary": boundary, "Tags": _tags(holder.tags)}
    return written


def _role(role: Role, profiles: Iterable[InstanceProfile]) -> Json:
    last_used: Json | None = None
    if isinstance(role.last_used, Known):
        last_used = _some(LastUsedDate=_time(role.last_used.value), Region=role.last_used_region or None)
    return _some(
        **_holder("Role", role),
        AssumeRolePolicyDocument=_document(role.trust) if role.trust.raw else None,
        InstanceProfileList=[_instance_profile(profile) for profile in profiles],
        RoleLastUsed=last_used,
    )


def _role_detail(role: Role) -> Json:
    return _some(
        Description=role.description.value_or(None), MaxSessionDuration=role.max_session_seconds.value_or(None)
    )


def _instance_profile(profile: InstanceProfile) -> Json:
    return _some(
        **_entity("InstanceProfile", profile),
        Roles=[{"RoleName": name} for name in profile.roles],
        Tags=_tags(profile.tags),
    )


def _managed_policy(policy: ManagedPolicy) -> Json:
    default = policy.default_version
    return _some(
        PolicyName=policy.name,
        PolicyId=policy.id,
        Arn=policy.arn,
        Path=policy.path,
        DefaultVersionId=default.id if default else None,
        AttachmentCount=policy.attachment_count.value_or(None),
        PermissionsBoundaryUsageCount=policy.boundary_count.value_or(None),
        Description=policy.description.value_or(None),
        CreateDate=_time(policy.created),
        UpdateDate=_time(policy.updated),
        PolicyVersionList=[
            _some(
                Document=_document(version.document),
                VersionId=version.id,
                IsDefaultVersion=version.is_default,
                CreateDate=_time(version.created),
            )
            for version in policy.versions
        ],
        Tags=_tags(policy.tags),
    )


def _organization(fact: Known[Any]) -> Json | None:
    organization = fact.value
    if organization is None:
        return None
    written: Json = {
        "id": organization.id,
        "management_account": organization.management_account,
        "path": [_level(level) for level in organization.path],
    }
    if organization.delegated_administrators is not None:
        written["delegated_administrators"] = {
            service: list(ids) for service, ids in organization.delegated_administrators.items()
        }
    return written


def _level(level: OrganizationLevel) -> Json:
    def policies(fact: Fact[tuple[OrganizationPolicy, ...]]) -> list[Json] | None:
        if isinstance(fact, Missing):
            return None
        return [{"arn": one.arn, "name": one.name, "document": _document(one.document)} for one in fact.value]

    return {
        "id": level.id,
        "name": level.name,
        "type": level.type,
        "scps": policies(level.scps),
        "rcps": policies(level.rcps),
    }
