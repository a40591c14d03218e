"""A draft as a unified diff of canonical documents and of small listings of what is attached where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import unified_diff

from iamtui.account.model import Account, Group, Role
from iamtui.drafts.edits import Edit
from iamtui.drafts.edits.base import Standing, brought_document, folder, holder_of
from iamtui.policy.document import PolicyDocument


def document_diff(edits: Sequence[Edit], before: Account, after: Account) -> str:
    """The diff, for `patch -p1` in a folder of documents named alike; "" when nothing changes."""
    files: dict[str, tuple[str | None, str | None]] = {}
    standing = Standing(before)
    for edit in edits:
        if edit.diff_path:
            files[edit.diff_path] = (_text(edit.replaced(standing)), _text(brought_document(edit)))
        else:
            holder = edit.subject[1]
            files[f"{folder(holder)}/attached.txt"] = (_listing(before, holder), _listing(after, holder))
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


def _listing(account: Account, arn: str) -> str | None:
    """What is attached to a user, group or role, a line each."""
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
