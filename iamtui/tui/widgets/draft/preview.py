"""The document that one edit of a draft is about, with what it changes of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from iamtui.account.availability import Missing
from iamtui.account.draft import (
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
from iamtui.account.model import Account, Group, Role, User
from iamtui.policy.document import PolicyDocument
from iamtui.tui.widgets.draft.changes import changed_lines, gone_lines


@dataclass(frozen=True, slots=True)
class Preview:
    """What to show below the list of edits.

    Args:
        title: what the document is to the edit.
        text: raw; JSON where `json`, else words.
        changed: the numbers of the lines that the edit changes.
    """

    title: str
    text: str
    json: bool = True
    changed: frozenset[int] = frozenset()


def preview(before: Account, after: Account, edit: Edit) -> Preview:
    """The preview of an edit of a draft that makes `after` of `before`."""
    match edit:
        case PutInlinePolicy(holder, name, text):
            return _put(_inline(before, holder, name), text)
        case PutManagedPolicy(arn, text):
            return _put(_managed(before, arn), text)
        case UpdateTrustPolicy(role, text):
            found = before.by_arn(role)
            return _put(found.trust if isinstance(found, Role) else None, text)
        case PutOrganizationPolicy(type_, level, name, text):
            return _put(_organization(before, type_, level, name), text)
        case PutResourcePolicy(resource, text):
            known = before.resource_policies.get(resource)
            return _put(known.document if known is not None else None, text)
        case AttachPolicy(_, policy) | PutPermissionsBoundary(_, policy):
            return _shown("The policy", _managed(after, policy) or _managed(before, policy))
        case DetachPolicy(_, policy):
            return _shown("What goes", _managed(before, policy))
        case DeletePermissionsBoundary(holder):
            bounded = before.by_arn(holder)
            boundary = bounded.boundary_arn if isinstance(bounded, User | Role) else None
            return _shown("What goes", _managed(before, boundary or ""))
        case DeleteInlinePolicy(holder, name):
            return _shown("What goes", _inline(before, holder, name))
        case DetachOrganizationPolicy(type_, level, name):
            return _shown("What goes", _organization(before, type_, level, name))
        case DeleteResourcePolicy(resource):
            known = before.resource_policies.get(resource)
            return _shown("What goes", known.document if known is not None else None)
        case AddUserToGroup(_, group) | RemoveUserFromGroup(_, group):
            return _group(after, group)


def _put(old: PolicyDocument | None, text: str) -> Preview:
    new = PolicyDocument(text)
    if new.error is not None:
        return Preview("Not a policy document", f"{new.error.sentence}\n\n{text}", json=False)
    if old is None or old.error is not None:
        return Preview("The new document", new.text)
    gone = gone_lines(old.text, new.text)
    title = "The document after the edit"
    if gone:
        title += f", {gone:,} {'line is' if gone == 1 else 'lines are'} gone"
    return Preview(title, new.text, changed=changed_lines(old.text, new.text))


def _shown(title: str, document: PolicyDocument | None) -> Preview:
    if document is None:
        return Preview(title, "Its document is not loaded.", json=False)
    return Preview(title, document.text, json=document.error is None)


def _inline(account: Account, holder_arn: str, name: str) -> PolicyDocument | None:
    holder = account.by_arn(holder_arn)
    inline = holder.inline_policies if isinstance(holder, User | Group | Role) else ()
    return next((policy.document for policy in inline if policy.name == name), None)


def _managed(account: Account, arn: str) -> PolicyDocument | None:
    policy = account.policy(arn)
    version = policy.default_version if policy is not None else None
    return version.document if version is not None else None


def _organization(account: Account, type_: str, level_id: str, name: str) -> PolicyDocument | None:
    fact = account.organization
    path = () if isinstance(fact, Missing) or fact.value is None else fact.value.path
    for level in path:
        policies = level.scps if type_ == "SERVICE_CONTROL_POLICY" else level.rcps
        if level.id == level_id and not isinstance(policies, Missing):
            return next((policy.document for policy in policies.value if policy.name == name), None)
    return None


def _group(account: Account, group_arn: str) -> Preview:
    group = account.by_arn(group_arn)
    if not isinstance(group, Group):
        return Preview("The group", "It is not loaded.", json=False)
    names = [f"managed  {policy.name}" for policy in group.attached_policies]
    names += [f"inline   {policy.name}" for policy in group.inline_policies]
    return Preview("The policies of the group", "\n".join(names) or "It has none.", json=False)
