"""The JSON tab: the whole record of an entity, with AWS's names for what it holds. Pure."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final

from iamtui.account.availability import Known, Missing
from iamtui.account.model import Entity
from iamtui.policy.document import PolicyDocument, render

_NAMES: Final = {
    "arn": "Arn",
    "created": "CreateDate",
    "updated": "UpdateDate",
    "groups": "GroupList",
    "inline_policies": "InlinePolicies",
    "attached_policies": "AttachedManagedPolicies",
    "boundary_arn": "PermissionsBoundary",
    "trust": "AssumeRolePolicyDocument",
    "max_session_seconds": "MaxSessionDuration",
    "last_used": "LastUsedDate",
    "last_used_region": "LastUsedRegion",
    "last_service": "LastUsedService",
    "last_region": "LastUsedRegion",
    "versions": "PolicyVersionList",
    "is_default": "IsDefaultVersion",
    "boundary_count": "PermissionsBoundaryUsageCount",
    "password_last_used": "PasswordLastUsed",
    "mfa_devices": "MFADevices",
}


def record_text(entity: Entity) -> str:
    """The record of an entity as canonical JSON; facts that were not loaded stand under "Missing"."""
    missing: dict[str, str] = {}
    value = _json(entity, missing)
    if missing:
        value["Missing"] = missing
    return render(value)


def _json(value: Any, missing: dict[str, str]) -> Any:
    if isinstance(value, PolicyDocument):
        return value.text if value.error is not None else value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Known):
        return _json(value.value, missing)
    if isinstance(value, tuple):
        return [_json(item, missing) for item in value]
    if not is_dataclass(value):
        return value
    result: dict[str, Any] = {}
    for field in fields(value):
        name = _NAMES.get(field.name, "".join(word.capitalize() for word in field.name.split("_")))
        content = getattr(value, field.name)
        if field.name == "tags":
            result[name] = [{"Key": key, "Value": text} for key, text in content]
        elif isinstance(content, Missing):
            needs = f" (needs {content.permission})" if content.permission else ""
            missing[name] = f"{content.reason}{needs}"
        elif content is not None:
            result[name] = _json(content, missing)
    return result
