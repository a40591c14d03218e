"""The drafts of this run, one an account, and what of them is saved. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from iamtui.text import counted

if TYPE_CHECKING:
    # Only for annotations: the desk is there before the first frame, drafts come later.
    from iamtui.drafts.draft import Draft, Edit


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
    """

    draft: Draft
    saved: Draft | None = None
    path: Path | None = None
    formers: tuple[Former, ...] = ()

    @property
    def unsaved(self) -> bool:
        return self.draft != self.saved and bool(self.draft.edits or self.saved is not None)

    @property
    def changed_last(self) -> bool:
        """True where the last act took out or changed an edit, which undoing puts back."""
        return bool(self.formers) and not self.formers[-1].undone

    @property
    def words(self) -> str:
        """`DRAFT name (3 edits)`, raw."""
        count = len(self.draft.edits)
        name = f" {self.draft.name}" if self.draft.name else ""
        return f"DRAFT{name} ({counted(count, 'edit')}{', unsaved' if self.unsaved else ''})"


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
        """The drafts whose edits would be lost."""
        return tuple(found for found in self._open.values() if found.unsaved)

    def open(self, draft: Draft, path: Path | None = None) -> OpenDraft:
        """Open a draft, in place of the account's last one; with a path, it was read from there."""
        found = OpenDraft(draft, draft if path is not None else None, path)
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
        found = OpenDraft(latest, draft, path, now.formers if now is not None else ())
        self._open[draft.account_id] = found
        return found

    def close(self, account_id: str) -> None:
        self._open.pop(account_id, None)
