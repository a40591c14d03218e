"""Edits of a draft in words, the same on screen, on the command line and in exports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

from iamtui.account.model import Account, Missing, OrganizationLevel
from iamtui.drafts.edits import (
    AddUserToGroup,
    AttachPolicy,
    DeleteInlinePolicy,
    DeletePermissionsBoundary,
    DeleteResourcePolicy,
    DetachOrganizationPolicy,
    DetachPolicy,
    Edit,
    PutInlinePolicy,
    PutManagedPolicy,
    PutOrganizationPolicy,
    PutPermissionsBoundary,
    PutResourcePolicy,
    RemoveUserFromGroup,
    UpdateTrustPolicy,
)
from iamtui.drafts.ledger import Standing
from iamtui.policy.arn import parse_arn
from iamtui.text import safe_text

SCP: Final = "SERVICE_CONTROL_POLICY"
RCP: Final = "RESOURCE_CONTROL_POLICY"
"""What AWS Organizations calls the types of its policies (Organizations API Reference: AttachPolicy)."""

_SHORT: Final = {SCP: "SCP", RCP: "RCP"}


def describe_edit(edit: Edit, account: Account, earlier: Sequence[Edit] = ()) -> str:
    """One edit in one line, safe to show: "attach ReadOnlyAccess to user/alice".

    Args:
        account: the account as the source has it.
        earlier: the edits of the draft before this one; with the account they tell adding from replacing.
    """
    return safe_text(_words(edit, Standing(account, earlier)))


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
    """The level of this id on the way from the root to the account, or None."""
    if isinstance(account.organization, Missing) or account.organization.value is None:
        return None
    return next((level for level in account.organization.value.path if level.id == level_id), None)


def short_type(organization_policy_type: str) -> str:
    """ "SCP" or "RCP" for AWS's long names; another text as it is."""
    return _SHORT.get(organization_policy_type, organization_policy_type)


def _words(edit: Edit, standing: Standing) -> str:
    match edit:
        case AttachPolicy(holder, policy):
            return f"attach {policy_name(policy)} to {entity_name(holder)}"
        case DetachPolicy(holder, policy):
            return f"detach {policy_name(policy)} from {entity_name(holder)}"
        case PutInlinePolicy(holder, name, _):
            if standing.inline(holder, name) is not None:
                return f"replace the inline policy {name} of {entity_name(holder)}"
            return f"give {entity_name(holder)} the inline policy {name}"
        case DeleteInlinePolicy(holder, name):
            return f"delete the inline policy {name} of {entity_name(holder)}"
        case PutManagedPolicy(policy, _):
            if not standing.has_managed(policy):
                return f"create the policy {policy_name(policy)}"
            return f"give the policy {policy_name(policy)} a new default version"
        case AddUserToGroup(user, group):
            return f"add {entity_name(user)} to {entity_name(group)}"
        case RemoveUserFromGroup(user, group):
            return f"remove {entity_name(user)} from {entity_name(group)}"
        case PutPermissionsBoundary(holder, policy):
            return f"set the permissions boundary of {entity_name(holder)} to {policy_name(policy)}"
        case DeletePermissionsBoundary(holder):
            return f"drop the permissions boundary of {entity_name(holder)}"
        case UpdateTrustPolicy(role, _):
            return f"replace the trust policy of {entity_name(role)}"
        case _:
            return _surrounding_words(edit, standing)


def _surrounding_words(
    edit: PutOrganizationPolicy | DetachOrganizationPolicy | PutResourcePolicy | DeleteResourcePolicy,
    standing: Standing,
) -> str:
    account = standing.account
    match edit:
        case PutOrganizationPolicy(type_, level, name, _):
            where = level_words(account, level)
            if standing.organization(type_, level, name) is not None:
                return f"replace the {short_type(type_)} {name} at {where}"
            return f"attach the {short_type(type_)} {name} to {where}"
        case DetachOrganizationPolicy(type_, level, name):
            return f"detach the {short_type(type_)} {name} from {level_words(account, level)}"
        case PutResourcePolicy(resource, _):
            verb = "replace" if standing.resource(resource) is not None else "set"
            return f"{verb} the policy of {resource}"
        case DeleteResourcePolicy(resource):
            return f"delete the policy of {resource}"
        case _ as never:
            assert_never(never)
