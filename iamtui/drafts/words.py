"""Names of principals, policies and levels in words, and the levels of an organization."""

from __future__ import annotations

from typing import Final

from iamtui.account.model import Account, Missing, OrganizationLevel
from iamtui.policy.patterns import parse_arn

SCP: Final = "SERVICE_CONTROL_POLICY"
RCP: Final = "RESOURCE_CONTROL_POLICY"
"""What AWS Organizations calls the types of its policies (Organizations API Reference: AttachPolicy)."""

_SHORT: Final = {SCP: "SCP", RCP: "RCP"}


def entity_name(arn: str) -> str:
    """`user/alice` for the ARN of an IAM entity (names are unique without their path), else the text itself."""
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "iam" or "/" not in parsed.resource:
        return arn or "nobody"
    return f"{parsed.resource_type}/{parsed.name}"


def policy_name(arn: str) -> str:
    """The name of a managed policy; one of AWS says so: "ReadOnlyAccess (AWS)"."""
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "iam":
        return arn or "no policy"
    return f"{parsed.name} (AWS)" if parsed.account == "aws" else parsed.name


def level_words(account: Account, level_id: str) -> str:
    """`Production (ou-ab12-x)` for a level of the organization's path, else the id."""
    level = find_level(account, level_id)
    return f"{level.name} ({level.id})" if level is not None and level.name else level_id


def find_level(account: Account, level_id: str) -> OrganizationLevel | None:
    return next((level for level in account.organization_levels if level.id == level_id), None)


def organization_account(account: Account) -> str:
    """The id of the organization's management account, or "" when it is not known."""
    fact = account.organization
    return "" if isinstance(fact, Missing) or fact.value is None else fact.value.management_account


def short_type(organization_policy_type: str) -> str:
    """ "SCP" or "RCP" for AWS's long names; another text as it is."""
    return _SHORT.get(organization_policy_type, organization_policy_type)
