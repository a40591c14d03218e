"""A draft as a unified diff of canonical documents and of small listings of what is attached where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from typing import Final

from iamtui.account.model import Account, Group, Role
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
from iamtui.drafts.net_edits import (
    SCP,
    holder_of,
    inline_document,
    managed_document,
    organization_policy,
    resource_document,
)
from iamtui.policy.document import PolicyDocument

_PLAIN: Final = re.compile(r"[^A-Za-z0-9._+=,@-]")


def document_diff(edits: Sequence[Edit], before: Account, after: Account) -> str:
    """The diff, for `patch -p1` in a folder of documents named alike; "" when nothing changes."""
    files: dict[str, tuple[str | None, str | None]] = {}
    for edit in edits:
        for path in _listings(edit):
            files.setdefault(path, (_listing(before, edit), _listing(after, edit)))
        document = _document(edit, before)
        if document is not None:
            path, old, new = document
            files[path] = (_text(old), _text(PolicyDocument(new) if new is not None else None))
    return "".join(part for path in sorted(files) for part in _diff(path, *files[path]))


def _diff(path: str, old: str | None, new: str | None) -> Iterator[str]:
    before = [] if old is None else _lines(old)
    after = [] if new is None else _lines(new)
    from_file = "/dev/null" if old is None else f"a/{path}"
    to_file = "/dev/null" if new is None else f"b/{path}"
    yield from unified_diff(before, after, from_file, to_file)


def _lines(text: str) -> list[str]:
    r"""Lines ended by a line feed alone; a lone surrogate stands as JSON's \udXXX, since no file can hold it."""
    return [f"{line}\n" for line in text.encode("utf-8", "backslashreplace").decode("utf-8").split("\n")]


def _text(document: PolicyDocument | None) -> str | None:
    return document.text if document is not None else None


def _document(edit: Edit, before: Account) -> tuple[str, PolicyDocument | None, str | None] | None:
    """The path of the document that an edit changes, what it is and what it becomes; None when it changes none."""
    match edit:
        case PutInlinePolicy():
            path = f"{_folder(edit.holder_arn)}/inline/{_segment(edit.name)}.json"
            return path, inline_document(before, edit.holder_arn, edit.name), edit.document
        case DeleteInlinePolicy():
            path = f"{_folder(edit.holder_arn)}/inline/{_segment(edit.name)}.json"
            return path, inline_document(before, edit.holder_arn, edit.name), None
        case PutManagedPolicy():
            path = f"{_folder(edit.policy_arn)}.json"
            return path, managed_document(before, edit.policy_arn), edit.document
        case UpdateTrustPolicy():
            role = before.by_arn(edit.role_arn)
            trust = role.trust if isinstance(role, Role) else None
            return f"{_folder(edit.role_arn)}/trust.json", trust, edit.document
        case PutOrganizationPolicy() | DetachOrganizationPolicy():
            kind = "scp" if edit.type == SCP else "rcp"
            path = f"organizations/{_segment(edit.level_id)}/{kind}/{_segment(edit.name)}.json"
            known = organization_policy(before, edit.type, edit.level_id, edit.name)
            new = edit.document if isinstance(edit, PutOrganizationPolicy) else None
            return path, known.document if known is not None else None, new
        case PutResourcePolicy() | DeleteResourcePolicy():
            service, _, rest = edit.resource_arn.partition(":")[2].partition(":")[2].partition(":")
            path = f"resource-policies/{_segment(service)}/{_segment(rest.lstrip(':') or edit.resource_arn)}.json"
            text = edit.document if isinstance(edit, PutResourcePolicy) else None
            return path, resource_document(before, edit.resource_arn), text
    return None


def _listings(edit: Edit) -> Iterator[str]:
    match edit:
        case AttachPolicy() | DetachPolicy() | PutPermissionsBoundary() | DeletePermissionsBoundary():
            yield f"{_folder(edit.holder_arn)}/attached.txt"
        case AddUserToGroup() | RemoveUserFromGroup():
            yield f"{_folder(edit.user_arn)}/attached.txt"


def _listing(account: Account, edit: Edit) -> str | None:
    """What is attached to the holder of an edit, a line each."""
    arn = edit.user_arn if isinstance(edit, AddUserToGroup | RemoveUserFromGroup) else getattr(edit, "holder_arn", "")
    holder = holder_of(account, arn)
    if holder is None:
        return None
    rows = [f"policy {policy.arn}" for policy in sorted(holder.attached_policies, key=lambda policy: policy.arn)]
    if not isinstance(holder, Group):
        if holder.boundary_arn:
            rows.append(f"boundary {holder.boundary_arn}")
        groups = () if isinstance(holder, Role) else holder.groups
        rows += [f"group {name}" for name in sorted(groups)]
    return "\n".join(rows) if rows else None


def _folder(arn: str) -> str:
    """iam/role/NAME of the ARN of a user, group, role or policy; IAM names are unique without their paths."""
    resource = arn.split(":", 5)[-1]
    owner = "aws-policy" if ":iam::aws:" in arn else _segment(resource.partition("/")[0])
    return f"iam/{owner}/{_segment(resource.rsplit('/', 1)[-1])}"


def _segment(text: str) -> str:
    """A text as one part of a path: what could mislead a file system stands as %XX."""
    escaped = _PLAIN.sub(
        lambda match: "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8", "replace")), text
    )
    return escaped.replace(".", "%2E") if not escaped.strip(".") else escaped
