"""What is left of a draft's edits when each subject is taken once: the last edit of it, unless it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Final

from iamtui.account.model import Account, Group, Missing, OrganizationLevel, OrganizationPolicy, Role, User
from iamtui.drafts.edits import (
    AddUserToGroup,
    AttachPolicy,
    DeleteInlinePolicy,
    DeletePermissionsBoundary,
    DeleteResourcePolicy,
    DetachOrganizationPolicy,
    DetachPolicy,
    Draft,
    Edit,
    PutInlinePolicy,
    PutManagedPolicy,
    PutOrganizationPolicy,
    PutPermissionsBoundary,
    PutResourcePolicy,
    RemoveUserFromGroup,
    UpdateTrustPolicy,
)
from iamtui.policy.document import PolicyDocument
from iamtui.problem import Problem
from iamtui.text import safe_text

SCP: Final = "SERVICE_CONTROL_POLICY"

Holder = User | Group | Role


def net_edits(draft: Draft, before: Account, after: Account) -> tuple[Edit, ...]:
    """The edits that together have the draft's effect on `before`, one for each subject, in the order of the draft.

    AWS managed policies that were given by name have their ARNs, as `after` has them.
    """
    last: dict[tuple[str, ...], Edit] = {}
    for edit in draft.edits:
        edit = _with_arn(edit, after)
        subject = _subject(edit)
        last.pop(subject, None)
        last[subject] = edit
    return tuple(edit for edit in last.values() if not _changes_nothing(edit, before))


def _with_arn(edit: Edit, after: Account) -> Edit:
    if not isinstance(edit, AttachPolicy | PutPermissionsBoundary) or edit.policy_arn.startswith("arn:"):
        return edit
    holder = holder_of(after, edit.holder_arn)
    known = {policy.name: policy.arn for policy in holder.attached_policies} if holder is not None else {}
    known.update({policy.name: policy.arn for policy in after.policies if policy.aws_managed})
    return replace(edit, policy_arn=known.get(edit.policy_arn, edit.policy_arn))


def _subject(edit: Edit) -> tuple[str, ...]:
    match edit:
        case AttachPolicy() | DetachPolicy():
            return ("attachment", edit.holder_arn, edit.policy_arn)
        case PutInlinePolicy() | DeleteInlinePolicy():
            return ("inline", edit.holder_arn, edit.name)
        case PutManagedPolicy():
            return ("managed", edit.policy_arn)
        case AddUserToGroup() | RemoveUserFromGroup():
            return ("membership", edit.user_arn, edit.group_arn)
        case PutPermissionsBoundary() | DeletePermissionsBoundary():
            return ("boundary", edit.holder_arn)
        case UpdateTrustPolicy():
            return ("trust", edit.role_arn)
        case PutOrganizationPolicy() | DetachOrganizationPolicy():
            return ("organization", edit.type, edit.level_id, edit.name)
        case PutResourcePolicy() | DeleteResourcePolicy():
            return ("resource", edit.resource_arn)


def _changes_nothing(edit: Edit, before: Account) -> bool:
    match edit:
        case AttachPolicy() | DetachPolicy():
            holder = holder_of(before, edit.holder_arn)
            attached = holder is not None and edit.policy_arn in [policy.arn for policy in holder.attached_policies]
            return holder is not None and attached is isinstance(edit, AttachPolicy)
        case PutInlinePolicy():
            return same_text(inline_document(before, edit.holder_arn, edit.name), edit.document)
        case DeleteInlinePolicy():
            known = holder_of(before, edit.holder_arn) is not None
            return known and inline_document(before, edit.holder_arn, edit.name) is None
        case PutManagedPolicy():
            return same_text(managed_document(before, edit.policy_arn), edit.document)
        case AddUserToGroup() | RemoveUserFromGroup():
            user = before.by_arn(edit.user_arn)
            member = isinstance(user, User) and edit.group_arn.rsplit("/", 1)[-1] in user.groups
            return isinstance(user, User) and member is isinstance(edit, AddUserToGroup)
        case PutPermissionsBoundary() | DeletePermissionsBoundary():
            bounded = before.by_arn(edit.holder_arn)
            wanted = edit.policy_arn if isinstance(edit, PutPermissionsBoundary) else None
            return isinstance(bounded, User | Role) and bounded.boundary_arn == wanted
        case UpdateTrustPolicy():
            role = before.by_arn(edit.role_arn)
            return isinstance(role, Role) and same_text(role.trust, edit.document)
        case PutOrganizationPolicy():
            there = organization_policy(before, edit.type, edit.level_id, edit.name)
            return there is not None and same_text(there.document, edit.document)
        case DetachOrganizationPolicy():
            level = level_of(before, edit.level_id)
            known_policies = level is not None and not isinstance(
                level.scps if edit.type == SCP else level.rcps, Missing
            )
            return known_policies and organization_policy(before, edit.type, edit.level_id, edit.name) is None
        case PutResourcePolicy():
            return same_text(resource_document(before, edit.resource_arn), edit.document)
        case DeleteResourcePolicy():
            found = before.resource_policies.get(edit.resource_arn)
            return found is not None and found.state == "none"


def same_text(document: PolicyDocument | None, text: str) -> bool:
    return document is not None and document.text == PolicyDocument(text).text


def holder_of(account: Account, arn: str) -> Holder | None:
    """The user, group or role of this ARN, or None."""
    found = account.by_arn(arn)
    return found if isinstance(found, User | Group | Role) else None


def inline_document(account: Account, holder_arn: str, name: str) -> PolicyDocument | None:
    """The inline policy of this name, or None."""
    holder = holder_of(account, holder_arn)
    inline = holder.inline_policies if holder is not None else ()
    return next((policy.document for policy in inline if policy.name == name), None)


def managed_document(account: Account, arn: str) -> PolicyDocument | None:
    """The document in force of a managed policy, or None when there is none or it was not loaded."""
    policy = account.policy(arn)
    version = policy.default_version if policy is not None else None
    return version.document if version is not None else None


def resource_document(account: Account, arn: str) -> PolicyDocument | None:
    """The policy of a resource, or None when it has none or it was not loaded."""
    found = account.resource_policies.get(arn)
    return found.document if found is not None else None


def levels(account: Account) -> tuple[OrganizationLevel, ...]:
    """The levels from the root to the account; none when they are unknown or there is no organization."""
    fact = account.organization
    return () if isinstance(fact, Missing) or fact.value is None else fact.value.path


def level_of(account: Account, level_id: str) -> OrganizationLevel | None:
    """The level of this id, or None."""
    return next((level for level in levels(account) if level.id == level_id), None)


def policies_at(level: OrganizationLevel, policy_type: str) -> Sequence[OrganizationPolicy]:
    """The SCPs or RCPs at a level; none when they are unknown."""
    fact = level.scps if policy_type == SCP else level.rcps
    return () if isinstance(fact, Missing) else fact.value


def organization_policy(account: Account, policy_type: str, level_id: str, name: str) -> OrganizationPolicy | None:
    """The SCP or RCP of this name at one level, or None."""
    level = level_of(account, level_id)
    found = policies_at(level, policy_type) if level is not None else ()
    return next((policy for policy in found if policy.name == name), None)


def organization_policy_anywhere(account: Account, policy_type: str, name: str) -> OrganizationPolicy | None:
    """The SCP or RCP of this name at any known level, or None."""
    everywhere = (policy for level in levels(account) for policy in policies_at(level, policy_type))
    return next((policy for policy in everywhere if policy.name == name), None)


def document_of(edit: Edit) -> str | None:
    """The document an edit brings, as raw text, or None."""
    match edit:
        case (
            PutInlinePolicy() | PutManagedPolicy() | UpdateTrustPolicy() | PutOrganizationPolicy() | PutResourcePolicy()
        ):
            return edit.document
    return None


def check_edits(edits: Sequence[Edit]) -> None:
    """Refuse what AWS could not take, and what a script could not carry.

    Raises:
        Problem: a document that cannot be read, two documents for one SCP or RCP, an AWS managed policy edited, or a
            name or ARN with control or invisible characters, which AWS allows in none.
    """
    named: dict[tuple[str, str], str] = {}
    for edit in edits:
        _check_names(edit)
        text = document_of(edit)
        error = PolicyDocument(text).error if text is not None else None
        if error is not None:
            raise Problem(
                f"{_document_name(edit)} cannot be exported: {safe_text(error.sentence, limit=300)}",
                "Repair the document in the draft, or remove the edit, and export again.",
            )
        if isinstance(edit, PutManagedPolicy) and is_aws_managed(edit.policy_arn):
            raise Problem(
                f"{_document_name(edit)} belongs to AWS, which alone can change it.",
                "Remove the edit and attach a policy of your own with the changed document instead.",
            )
        if isinstance(edit, PutOrganizationPolicy):
            canonical = PolicyDocument(edit.document).text
            if named.setdefault((edit.type, edit.name), canonical) != canonical:
                raise Problem(
                    f"The draft has two different documents for the policy {safe_text(edit.name, limit=128)}, which is "
                    "one and the same at every level.",
                    "Give one of them another name, or both the same document.",
                )


def _check_names(edit: Edit) -> None:
    for part in fields(edit):
        value = getattr(edit, part.name)
        if part.name != "document" and safe_text(value, limit=None) != value:
            raise Problem(
                f"{safe_text(value, limit=256)} cannot be exported: it holds control or invisible characters, which no "
                "name or ARN has.",
                "Remove the edit and make it again.",
            )


def is_aws_managed(arn: str) -> bool:
    """Whether AWS owns a managed policy (its ARN has `aws` in the account field)."""
    return ":iam::aws:" in arn


def _document_name(edit: Edit) -> str:
    match edit:
        case PutInlinePolicy():
            holder = edit.holder_arn.split(":", 5)[-1]
            return f"The inline policy {safe_text(edit.name, limit=128)} of {safe_text(holder, limit=256)}"
        case PutManagedPolicy():
            return f"The policy {safe_text(edit.policy_arn, limit=256)}"
        case UpdateTrustPolicy():
            return f"The trust policy of {safe_text(edit.role_arn, limit=256)}"
        case PutOrganizationPolicy():
            return f"The policy {safe_text(edit.name, limit=128)} at {safe_text(edit.level_id, limit=64)}"
        case PutResourcePolicy():
            return f"The policy of {safe_text(edit.resource_arn, limit=256)}"
    return "An edit"


def other_levels(account: Account, policy_type: str, name: str, but: str) -> Iterator[str]:
    """Ids of the known levels other than `but` that a policy of this name is attached to."""
    for level in levels(account):
        if level.id != but and any(policy.name == name for policy in policies_at(level, policy_type)):
            yield level.id
