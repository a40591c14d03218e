"""Changes of an entity by a draft, for the panes that show it: before beside after. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs
from textual.app import ComposeResult

from iamtui.account.model import Account, Entity, Group, ManagedPolicy, Role, User
from iamtui.drafts.draft import Edit
from iamtui.drafts.edits.base import AccountAfterEdits
from iamtui.policy.document import PolicyDocument
from iamtui.text import counted
from iamtui.tui.explorer.document_view import DocumentView, FindLine, FindsInDocument
from iamtui.tui.explorer.listings import ListingEntry, policy_entries, trust_entries
from iamtui.tui.main.inventory import EntityPolicy, held_policies

if TYPE_CHECKING:
    from iamtui.drafts.draft import Draft, Edit

_MARKS: Final = {"added": "+", "changed": "~", "removed": "-"}
"""In front of a policy, where its note may be cut off."""

_MOST_LINES: Final = 4_000
"""Longest documents that are compared line by line; beyond, comparing would hold up a key."""


def changed_words(before: Account | None, entity: Entity) -> str:
    """Behind the title of an entity: that the draft changes or creates it; "" when it does neither."""
    if before is None:
        return ""
    was = before.by_arn(entity.arn)
    if was is None:
        return "  + DRAFTED"
    return "  ~ CHANGED by the draft" if _substance(was) != _substance(entity) else ""


def _substance(entity: Entity) -> object:
    """The entity without the counts that follow from what holds it."""
    return (entity.name, entity.versions) if isinstance(entity, ManagedPolicy) else entity


def marked_policies(before: Account | None, account: Account, entity: Entity) -> list[ListingEntry]:
    """The Policies tab with what the draft did to each policy, and with those that it took away."""
    entries = policy_entries(account, entity)
    if before is None or not isinstance(entity, User | Group | Role):
        return entries
    was = before.by_arn(entity.arn)
    old = {_key(held): held for held in held_policies(before, was)} if isinstance(was, User | Group | Role) else {}
    marked: list[ListingEntry] = []
    present: set[tuple[str, ...]] = set()
    for entry, held in zip(entries, held_policies(account, entity), strict=True):
        present.add(_key(held))
        marked.append(_noted(entry, _done_to(old.get(_key(held)), held)))
    gone = [entry for entry, key in _keyed(before, was) if key not in present]
    return [*marked, *(_noted(entry, "removed by the draft", "faint") for entry in gone)]


def _keyed(before: Account, was: Entity | None) -> Sequence[tuple[ListingEntry, tuple[str, ...]]]:
    if not isinstance(was, User | Group | Role):
        return ()
    keys = [_key(held) for held in held_policies(before, was)]
    return list(zip(policy_entries(before, was), keys, strict=True))


def _key(held: EntityPolicy) -> tuple[str, ...]:
    return (held.way.value, held.arn or held.name, held.group)


def _done_to(old: EntityPolicy | None, new: EntityPolicy) -> str:
    if old is None:
        return "added by the draft"
    return "" if old.document == new.document else "changed by the draft"


def _noted(entry: ListingEntry, words: str, style: str = "") -> ListingEntry:
    if not words:
        return entry
    note = f"{words}  {entry.row.note}".rstrip()
    names = () if style else entry.names
    label = f"{_MARKS[words.partition(' ')[0]]} {entry.row.label}"
    return structs.replace(
        entry, row=structs.replace(entry.row, label=label, note=note, style=style or "warning"), names=names
    )


def marked_trust(before: Account | None, account: Account, role: Role) -> list[ListingEntry]:
    """The Trust tab, where the draft changes the trust policy with a note on every statement that is new."""
    entries = trust_entries(account, role)
    was = before.by_arn(role.arn) if before is not None else None
    if not isinstance(was, Role) or was.trust == role.trust or before is None:
        return entries
    old = {entry.row for entry in trust_entries(before, was)}
    return [entry if entry.row in old else _noted_trust(entry) for entry in entries]


def _noted_trust(entry: ListingEntry) -> ListingEntry:
    return structs.replace(
        entry, row=structs.replace(entry.row, note=f"changed by the draft  {entry.row.note}".rstrip())
    )


def changed_lines(before: str, after: str) -> frozenset[int]:
    """The 1-based numbers of the lines of `after` that are not in `before`; none for documents too long to compare."""
    old, new = before.split("\n"), after.split("\n")
    if before == after or len(old) + len(new) > _MOST_LINES:
        return frozenset()
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return frozenset(
        number + 1
        for tag, _i1, _i2, first, end in matcher.get_opcodes()
        if tag in ("insert", "replace")
        for number in range(first, end)
    )


@dataclass(frozen=True, slots=True)
class Merged:
    """A document after an edit with the lines that the edit takes away, where they stood.

    Args:
        text: the lines.
        changed: 1-based numbers in it of the lines that are new.
        gone: of those that are taken away.
    """

    text: str
    changed: frozenset[int] = frozenset()
    gone: frozenset[int] = frozenset()


def merged(before: str, after: str) -> Merged:
    """Both documents in one; just the one after for documents too long to compare."""
    old, new = before.split("\n"), after.split("\n")
    if before == after or len(old) + len(new) > _MOST_LINES:
        return Merged(after)
    lines: list[str] = []
    changed: set[int] = set()
    gone: set[int] = set()
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag in ("replace", "delete"):
            gone.update(range(len(lines) + 1, len(lines) + 1 + i2 - i1))
            lines += old[i1:i2]
        if tag in ("replace", "insert"):
            changed.update(range(len(lines) + 1, len(lines) + 1 + j2 - j1))
        if tag != "delete":
            lines += new[j1:j2]
    return Merged("\n".join(lines), frozenset(changed), frozenset(gone))


# FindableDocument: a document to read with the line to find texts in it.


class FindableDocument(FindsInDocument):
    """`/` finds, `n` and `N` go on, Escape ends the search."""

    DEFAULT_CSS = """
    FindableDocument {
        height: 1fr;
        & DocumentView {
            height: 1fr;
        }
    }
    """

    def compose(self) -> ComposeResult:
        yield DocumentView()
        yield FindLine("find in the document")


# The document that one edit of a draft is about, with what it changes of it. Pure.


@dataclass(frozen=True, slots=True)
class Preview:
    """Document below the list of edits.

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


def preview(current: AccountAfterEdits, after: Account, edit: Edit) -> Preview:
    """The preview of an edit.

    Args:
        current: what stands before the edit.
        after: the account with the whole draft.
    """
    if edit.document is not None:
        return _put(edit.replaced(current), edit.document)
    if edit.brought_policy:
        return _shown(
            "The policy", current.managed(edit.brought_policy) or AccountAfterEdits(after).managed(edit.brought_policy)
        )
    if edit.group:
        return _group(after, edit.group)
    return _shown("What goes", edit.taken_away(current))


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


# The drafts of this run, one an account, and what of them is saved. Pure.


class Former(Struct, frozen=True):
    """Former state of the draft that can be given back.

    Args:
        index: where it stood.
        edit: the edit.
        replaced: whether another one stands in its place; else it was taken out.
        undone: whether it was undone, from the end of the draft; else somebody took out or changed this very one.
    """

    index: int
    edit: Edit
    replaced: bool = False
    undone: bool = False


class OpenDraft(Struct, frozen=True):
    """A draft that is open.

    Args:
        draft: the edits as they are.
        saved: the draft as it stands in its file, or None when it was never saved.
        path: its file, or None.
        formers: what was taken out of it or replaced, the latest last; until another edit is made.
        left_out: phrases about what of a Terraform plan is not among its edits: no answer holds for the whole plan.
    """

    draft: Draft
    saved: Draft | None = None
    path: Path | None = None
    formers: tuple[Former, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def unsaved(self) -> bool:
        return self.draft != self.saved and bool(self.draft.edits or self.saved is not None)

    @property
    def changed_last(self) -> bool:
        """True where the last act took out or changed an edit, which undoing puts back."""
        return bool(self.formers) and not self.formers[-1].undone

    @property
    def words(self) -> str:
        count = len(self.draft.edits)
        name = f" {self.draft.name}" if self.draft.name else ""
        part = "PART OF THE PLAN, " if self.left_out else ""
        return f"DRAFT{name} ({part}{counted(count, 'edit')}{', unsaved' if self.unsaved else ''})"


class DraftDesk:
    """Keeps a draft for each account that was open, so that looking at another account loses none."""

    def __init__(self) -> None:
        self._open: dict[str, OpenDraft] = {}

    def of(self, account_id: str) -> OpenDraft | None:
        return self._open.get(account_id)

    def draft_of(self, account_id: str) -> Draft:
        """The account's draft as it is; without one, one that is empty and not kept."""
        from iamtui.drafts.draft import Draft

        now = self._open.get(account_id)
        return now.draft if now is not None else Draft(account_id)

    @property
    def unsaved(self) -> tuple[OpenDraft, ...]:
        return tuple(found for found in self._open.values() if found.unsaved)

    def open(self, draft: Draft, path: Path | None = None, left_out: tuple[str, ...] = ()) -> OpenDraft:
        """Open a draft, in place of the account's last one; with a path, it was read from there."""
        found = OpenDraft(draft, draft if path is not None else None, path, left_out=left_out)
        self._open[draft.account_id] = found
        return found

    def change(self, draft: Draft) -> OpenDraft:
        """Exchange the edits of the account's draft; open one when there is none."""
        now = self._open.get(draft.account_id)
        found = structs.replace(now, draft=draft, formers=()) if now is not None else OpenDraft(draft)
        self._open[draft.account_id] = found
        return found

    def take(self, account_id: str, index: int, *, undone: bool = False) -> OpenDraft:
        """Take an edit out of the account's draft, or undo it, so that it can be put back."""
        now = self._open[account_id]
        formers = (*now.formers, Former(index, now.draft.edits[index], undone=undone))
        found = self._open[account_id] = structs.replace(now, draft=now.draft.without(index), formers=formers)
        return found

    def replace(self, account_id: str, index: int, edit: Edit) -> OpenDraft:
        """Put another edit in the place of one of the account's draft, so that the one before can be put back."""
        now = self._open[account_id]
        edits = (*now.draft.edits[:index], edit, *now.draft.edits[index + 1 :])
        formers = (*now.formers, Former(index, now.draft.edits[index], replaced=True))
        found = self._open[account_id] = structs.replace(now, draft=now.draft.with_edits(edits), formers=formers)
        return found

    def put_back(self, account_id: str) -> OpenDraft:
        """Put back what was taken out of the account's draft, or replaced in it, last, where it stood."""
        now = self._open[account_id]
        former = now.formers[-1]
        rest = now.draft.edits[former.index + former.replaced :]
        edits = (*now.draft.edits[: former.index], former.edit, *rest)
        found = structs.replace(now, draft=now.draft.with_edits(edits), formers=now.formers[:-1])
        self._open[account_id] = found
        return found

    def add(self, account_id: str, edits: Sequence[Edit]) -> OpenDraft:
        """Add edits to the account's draft; open one when there is none."""
        draft = self.draft_of(account_id)
        for edit in edits:
            draft = draft.with_edit(edit)
        return self.change(draft)

    def saved(self, draft: Draft, path: Path) -> OpenDraft:
        """Note that a draft was saved; edits made since stay unsaved."""
        now = self._open.get(draft.account_id)
        latest = draft if now is None else now.draft.named(draft.name)
        now = now or OpenDraft(latest)
        found = structs.replace(now, draft=latest, saved=draft, path=path)
        self._open[draft.account_id] = found
        return found

    def close(self, account_id: str) -> None:
        self._open.pop(account_id, None)
