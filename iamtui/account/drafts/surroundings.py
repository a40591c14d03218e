"""Edits around the account's own entities: policies of its organization and of resources."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from iamtui.account.availability import Fact, Known, Missing
from iamtui.account.drafts.draft import (
    DeleteResourcePolicy,
    DetachOrganizationPolicy,
    PutOrganizationPolicy,
    PutResourcePolicy,
)
from iamtui.account.drafts.ledger import Ledger, Misfit
from iamtui.account.drafts.words import RCP, SCP, short_type
from iamtui.account.model import ResourcePolicy
from iamtui.account.organization import Organization, OrganizationLevel, OrganizationPolicy
from iamtui.policy.arn import Arn, parse_arn
from iamtui.text import safe_text

_OF_AWS = ":organizations::aws:policy/"
_UNDETACHABLE = "RCPFullAWSAccess"


def lay_surroundings(
    ledger: Ledger, edit: PutOrganizationPolicy | DetachOrganizationPolicy | PutResourcePolicy | DeleteResourcePolicy
) -> None:
    """Lay one edit.

    Raises:
        Misfit: it does not fit the account.
    """
    match edit:
        case PutOrganizationPolicy():
            _put_organization_policy(ledger, edit)
        case DetachOrganizationPolicy():
            _detach_organization_policy(ledger, edit)
        case PutResourcePolicy(resource, text):
            _put_resource_policy(ledger, resource, text)
        case DeleteResourcePolicy(resource):
            _delete_resource_policy(ledger, resource)
        case _ as never:
            assert_never(never)


def policies_at(level: OrganizationLevel, type_: str) -> Fact[tuple[OrganizationPolicy, ...]]:
    """The policies of a type ("SERVICE_CONTROL_POLICY" or "RESOURCE_CONTROL_POLICY") at a level."""
    return level.rcps if type_ == RCP else level.scps


def _attached(ledger: Ledger, type_: str, level_id: str) -> tuple[OrganizationLevel, tuple[OrganizationPolicy, ...]]:
    """The level of an edit and what is attached there."""
    if type_ not in (SCP, RCP):
        raise Misfit(
            f"{safe_text(type_, limit=64) or 'an empty text'} is no type of organization policy",
            f"Expected {SCP} or {RCP}.",
        )
    path = ledger.organization.path
    level = next((level for level in path if level.id == level_id), None)
    if level is None:
        known = ", ".join(f"{safe_text(level.id)} ({safe_text(level.name)})" for level in path) or "none is loaded"
        raise Misfit(
            f"there is no level {safe_text(level_id, limit=64) or 'without an id'} above the account",
            f"Levels, the root first: {known}.",
        )
    fact = policies_at(level, type_)
    if isinstance(fact, Missing):
        raise Misfit(
            f"the {short_type(type_)}s of {safe_text(level.name or level.id)} are not loaded "
            f"({safe_text(fact.reason)}), so what would be in force there is unknown",
            "Open the account with a caller that may read them, or leave the edit out.",
        )
    return level, fact.value


def _put_organization_policy(ledger: Ledger, edit: PutOrganizationPolicy) -> None:
    level, attached = _attached(ledger, edit.type, edit.level_id)
    if not edit.name.strip() or len(edit.name) > 128:
        raise Misfit("an organization policy needs a name of 1 to 128 characters", "Give it one.")
    organization = ledger.organization
    now = next((policy for policy in attached if policy.name == edit.name), None)
    elsewhere = [
        (other, policy)
        for other in organization.path
        if other.id != level.id and isinstance(fact := policies_at(other, edit.type), Known)
        for policy in fact.value
        if policy.name == edit.name
    ]
    same = now or (elsewhere[0][1] if elsewhere else None)
    document = ledger.document(edit.document, same.document if same else None)
    if now is not None and document is now.document:
        ledger.find("no effect", f"The {short_type(edit.type)} {safe_text(edit.name)} already says this.")
        return
    if same is not None and document is not same.document and _OF_AWS in same.arn:
        raise Misfit(
            f"{safe_text(edit.name)} is AWS's own policy, which only AWS changes",
            "Attach a policy under a name of your own, and detach this one.",
        )
    put = OrganizationPolicy(same.arn if same else "", edit.name, document)
    if now is None:
        organization = _exchanged(organization, edit.type, level.id, (*attached, put))
    else:
        replaced = tuple(put if policy is now else policy for policy in attached)
        organization = _exchanged(organization, edit.type, level.id, replaced)
    if same is not None and document is not same.document:
        # Names are unique in an organization: it is one policy, and its text changes wherever it is attached.
        for other, policy in elsewhere:
            fact = policies_at(other, edit.type)
            assert isinstance(fact, Known)
            exchanged = tuple(put if entry is policy else entry for entry in fact.value)
            organization = _exchanged(organization, edit.type, other.id, exchanged)
    ledger.put_organization(organization)
    ledger.touched[level.id] = ledger.number
    if same is not None and document is not same.document:
        ledger.find(
            "unknown",
            f"The {short_type(edit.type)} {safe_text(edit.name)} changes for every account it applies to; "
            "what that does to the others is not known here.",
        )
    elif level.type != "ACCOUNT":
        ledger.find(
            "unknown",
            f"{safe_text(level.name or level.id)} stands above other accounts too; "
            "what the edit does to them is not known here.",
        )


def _exchanged(
    organization: Organization, type_: str, level_id: str, policies: tuple[OrganizationPolicy, ...]
) -> Organization:
    """The organization with other policies at one level."""

    def at(level: OrganizationLevel) -> OrganizationLevel:
        if level.id != level_id:
            return level
        return replace(level, rcps=Known(policies)) if type_ == RCP else replace(level, scps=Known(policies))

    return replace(organization, path=tuple(at(level) for level in organization.path))


def _detach_organization_policy(ledger: Ledger, edit: DetachOrganizationPolicy) -> None:
    level, attached = _attached(ledger, edit.type, edit.level_id)
    left = tuple(policy for policy in attached if policy.name != edit.name)
    if len(left) == len(attached):
        names = ", ".join(safe_text(policy.name, limit=128) for policy in attached) or "nothing"
        raise Misfit(
            f"the {short_type(edit.type)} {safe_text(edit.name, limit=128) or 'without a name'} is not attached to "
            f"{safe_text(level.name or level.id)}",
            f"Attached there: {names}.",
        )
    if edit.type == RCP and edit.name == _UNDETACHABLE:
        raise Misfit(
            f"{_UNDETACHABLE} cannot be detached: AWS keeps it at every level", "Attach an RCP that denies instead."
        )
    ledger.put_organization(_exchanged(ledger.organization, edit.type, level.id, left))
    ledger.touched[level.id] = ledger.number
    if level.type != "ACCOUNT":
        ledger.find(
            "unknown",
            f"{safe_text(level.name or level.id)} stands above other accounts too; "
            "what the edit does to them is not known here.",
        )


def _resource(ledger: Ledger, text: str) -> Arn:
    arn = parse_arn(text)
    shown = safe_text(text, limit=512) or "an empty text"
    if arn is None or not arn.resource or "*" in text or "?" in text:
        raise Misfit(f"expected the ARN of one resource, and {shown} is none", "Write it as arn:aws:s3:::bucket.")
    if arn.service in ("iam", "sts"):
        raise Misfit(f"{shown} has no resource policy", "A role's trust policy is changed by an edit of its own kind.")
    if arn.service == "s3" and not arn.account and "/" in arn.resource:
        bucket = arn.resource.split("/", 1)[0]
        raise Misfit(
            f"{shown} is an object, and policies belong to buckets",
            f"Name arn:{safe_text(arn.partition)}:s3:::{safe_text(bucket)}.",
        )
    if arn.account and arn.account not in (ledger.base.id, "aws"):
        ledger.find(
            "unknown", f"{shown} belongs to account {safe_text(arn.account)}, which would have to make this edit."
        )
    return arn


def _put_resource_policy(ledger: Ledger, resource: str, text: str) -> None:
    _resource(ledger, resource)
    now = ledger.resource_policy(resource)
    document = ledger.document(text, now.document if now else None)
    if now is not None and now.state == "present" and document is now.document:
        ledger.find("no effect", f"The policy of {safe_text(resource)} already says this.")
        return
    if now is None or now.state == "denied":
        ledger.find(
            "unknown", f"The policy that {safe_text(resource)} has now is not loaded; the edit replaces all of it."
        )
    ledger.put_resource_policy(resource, ResourcePolicy("present", document))


def _delete_resource_policy(ledger: Ledger, resource: str) -> None:
    arn = _resource(ledger, resource)
    now = ledger.resource_policy(resource)
    if now is not None and now.state == "none":
        raise Misfit(f"{safe_text(resource)} has no policy", "Leave the edit out.")
    if arn.service == "kms":
        raise Misfit("a KMS key always has exactly one key policy", "Replace the policy instead of deleting it.")
    if now is None or now.state == "denied":
        ledger.find("unknown", f"Whether {safe_text(resource)} has a policy now is not loaded.")
    ledger.put_resource_policy(resource, ResourcePolicy("none"))
