"""The document that one edit of a draft is about, with what it changes of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from iamtui.account.drafts.draft import (
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
from iamtui.account.drafts.standing import Standing
from iamtui.account.model import Account, Group
from iamtui.policy.document import PolicyDocument
from iamtui.tui.widgets.draft.changes import merged


@dataclass(frozen=True, slots=True)
class Preview:
    """What to show below the list of edits.

    Args:
        title: what the document is to the edit.
        text: raw; JSON where `json`, else words.
        changed: the numbers of the lines that the edit brings.
        gone: the numbers of the lines that it takes away.
    """

    title: str
    text: str
    json: bool = True
    changed: frozenset[int] = frozenset()
    gone: frozenset[int] = frozenset()


def preview(standing: Standing, after: Account, edit: Edit) -> Preview:
    """The preview of an edit.

    Args:
        standing: what stands before the edit.
        after: the account with the whole draft.
    """
    match edit:
        case PutInlinePolicy(holder, name, text):
            return _put(standing.inline(holder, name), text)
        case PutManagedPolicy(arn, text):
            return _put(standing.managed(arn), text)
        case UpdateTrustPolicy(role, text):
            return _put(standing.trust(role), text)
        case PutOrganizationPolicy(type_, level, name, text):
            return _put(standing.organization(type_, level, name), text)
        case PutResourcePolicy(resource, text):
            return _put(standing.resource(resource), text)
        case AttachPolicy(_, policy) | PutPermissionsBoundary(_, policy):
            return _shown("The policy", standing.managed(policy) or Standing(after).managed(policy))
        case DetachPolicy(_, policy):
            return _shown("What goes", standing.managed(policy))
        case DeletePermissionsBoundary(holder):
            return _shown("What goes", standing.managed(standing.boundary(holder)))
        case DeleteInlinePolicy(holder, name):
            return _shown("What goes", standing.inline(holder, name))
        case DetachOrganizationPolicy(type_, level, name):
            return _shown("What goes", standing.organization(type_, level, name))
        case DeleteResourcePolicy(resource):
            return _shown("What goes", standing.resource(resource))
        case AddUserToGroup(_, group) | RemoveUserFromGroup(_, group):
            return _group(after, group)


def _put(old: PolicyDocument | None, text: str) -> Preview:
    new = PolicyDocument(text)
    if new.error is not None:
        return Preview("Not a policy document", f"{new.error.sentence}\n\n{text}", json=False)
    if old is None or old.error is not None:
        return Preview("The new document", new.text)
    both = merged(old.text, new.text)
    counts = [f"{len(found):,} {word}" for found, word in ((both.changed, "new"), (both.gone, "gone")) if found]
    title = f"The document after the edit, lines: {', '.join(counts)}" if counts else "The document after the edit"
    return Preview(title, both.text, changed=both.changed, gone=both.gone)


def _shown(title: str, document: PolicyDocument | None) -> Preview:
    if document is None:
        return Preview(title, "Its document is not loaded.", json=False)
    return Preview(title, document.text, json=document.error is None)


def _group(account: Account, group_arn: str) -> Preview:
    group = account.by_arn(group_arn)
    if not isinstance(group, Group):
        return Preview("The group", "It is not loaded.", json=False)
    names = [f"managed  {policy.name}" for policy in group.attached_policies]
    names += [f"inline   {policy.name}" for policy in group.inline_policies]
    return Preview("The policies of the group", "\n".join(names) or "It has none.", json=False)
