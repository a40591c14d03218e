"""Interface of the main screen for the screens over it and the lists in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from textual.app import App
from textual.content import Content

from iamtui.tui.content import Severity

if TYPE_CHECKING:
    from iamtui.drafts.draft import Draft, Edit
    from iamtui.engine.request import Principal
    from iamtui.presentation.reports import StatementPlace
    from iamtui.questions.question import Question
    from iamtui.tui.drafts.open_drafts import OpenDraft
    from iamtui.tui.explorer.search import IndexedAccount
    from iamtui.tui.main.history import ScreenAbove
    from iamtui.workspace.change.draft_session import DraftedAccount
    from iamtui.workspace.source.workspace import Workspace


class DraftKeeper(Protocol):
    """Keeps the draft, and the account that it applies to."""

    edit_at: int
    """Where the cursor was in the list of edits, from 0."""

    @property
    def open_draft(self) -> OpenDraft | None: ...

    @property
    def drafted(self) -> DraftedAccount | None:
        """The draft applied to the account."""

    @property
    def source_workspace(self) -> Workspace | None:
        """The account as the source has it, without the draft."""

    @property
    def before_workspace(self) -> Workspace | None:
        """The account without the draft; None without a draft."""

    def show_account(self, given: IndexedAccount) -> None: ...

    def add_edits(self, edits: Sequence[Edit]) -> None:
        """Add edits to the draft, opening one when there is none."""

    def edit_policy(self, name: str, statement: int) -> None:
        """Edit the managed policy where the user is, or the inline policy of this name there, from a statement on."""

    def words_of(self, draft: Draft, index: int) -> str:
        """An edit of a draft over this account in words, safe to show."""

    def undo_edit(self) -> None: ...

    def remove_edit(self, index: int) -> None: ...

    def replace_edit(self, index: int, edit: Edit) -> None: ...

    def put_back_edit(self) -> None:
        """Put back what was taken out, or replaced, last."""

    def edit_again(self, index: int) -> None: ...

    def open_draft_from(self, draft: Draft, path: Path) -> None: ...

    def draft_saved(self, draft: Draft, path: Path) -> None: ...

    def discard_draft(self) -> None: ...

    def show_impact(self) -> None: ...


class MainView(Protocol):
    """The main screen."""

    @property
    def app(self) -> App[Any]: ...

    @property
    def workspace(self) -> Workspace | None:
        """The account, with the draft that is open."""

    @property
    def drafts(self) -> DraftKeeper: ...

    @property
    def list_columns(self) -> dict[str, tuple[str, ...]]:
        """The columns of tables and lists that the user wants, which are remembered."""

    def say(self, text: Content | str, severity: Severity = ..., *, stays: bool = ...) -> None:
        """Show one sentence on the message line."""

    def go_to(self, key: str, above: ScreenAbove | None = ..., place: StatementPlace | None = ...) -> bool:
        """Go to an entity of the tree, and to a place of it; False when it is not there.

        Args:
            above: shows the screen again that lay over the place that is left, on the way back.
        """

    def ask_about(self, principal: Principal, label: str, question: Question) -> None:
        """Ask for a caller that need not be in the tree."""
