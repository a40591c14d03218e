"""What the maker of edits may ask of the screen that keeps the draft."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from textual.app import App
from textual.content import Content

from iamtui.tui.screens.drafts.desk import OpenDraft
from iamtui.tui.widgets.notice import Severity
from iamtui.tui.widgets.question.panel import QuestionPanel
from iamtui.tui.widgets.subject import Subject
from iamtui.workspace.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.account.drafts.draft import Draft, Edit
    from iamtui.tui.screens.drafts.screen import DraftScreen


class DraftKeeper(Protocol):
    """A screen that keeps a draft of the account it shows."""

    @property
    def app(self) -> App[Any]:
        """The app, to open screens."""

    @property
    def workspace(self) -> Workspace | None:
        """The account on screen, with the draft."""

    @property
    def subject(self) -> Subject:
        """Where the user is."""

    @property
    def question(self) -> QuestionPanel:
        """What is asked."""

    @property
    def source_workspace(self) -> Workspace | None:
        """The account as the source has it, without the draft."""

    @property
    def open_draft(self) -> OpenDraft | None:
        """The draft that is open for this account."""

    @property
    def draft_screen(self) -> DraftScreen | None:
        """The list of edits, while it is on screen."""

    def say(self, text: Content | str, severity: Severity = ..., *, stays: bool = ...) -> None:
        """Show one sentence on the message line."""

    def add_edits(self, edits: Sequence[Edit], said: Content | None = None) -> None:
        """Add edits to the draft, opening one when there is none."""

    def words_of(self, draft: Draft, index: int) -> str:
        """An edit of a draft over this account in words, safe to show."""

    def remove_edit(self, index: int) -> None:
        """Take one edit out."""

    def replace_edit(self, index: int, edit: Edit) -> None:
        """Put another edit in the place of one."""
