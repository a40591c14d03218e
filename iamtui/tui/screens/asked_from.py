"""What the screens that lie over the main one may ask of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from textual.app import App
from textual.content import Content

from iamtui.tui.widgets.notice import Severity
from iamtui.tui.widgets.question.panel import QuestionPanel
from iamtui.tui.widgets.subject import Subject
from iamtui.workspace.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.analysis.question import Question
    from iamtui.evaluation.request import Principal
    from iamtui.tui.screens.denials.reading import KeptDenials
    from iamtui.tui.screens.history import ScreenAbove


class AskedFrom(Protocol):
    """The main screen, as the screens know it that are opened from its question."""

    kept_denials: KeptDenials | None
    """The log whose denials are being explained one after the other."""

    @property
    def app(self) -> App[Any]:
        """The app, to open screens."""

    @property
    def workspace(self) -> Workspace | None:
        """The account that is asked about, with the draft that is open."""

    @property
    def source_workspace(self) -> Workspace | None:
        """The account as it is, whether a draft is open or not."""

    @property
    def before_workspace(self) -> Workspace | None:
        """The account without the draft; None without a draft."""

    @property
    def subject(self) -> Subject:
        """Where the user is."""

    @property
    def question(self) -> QuestionPanel:
        """The question and its answer."""

    def say(self, text: Content | str, severity: Severity = ..., *, stays: bool = ...) -> None:
        """Show one sentence on the message line."""

    def go_to(self, key: str, above: ScreenAbove | None = ...) -> bool:
        """Go to an entity of the tree; False when it is not there. `above` is the screen to show on the way back."""

    def ask_about(self, principal: Principal, label: str, question: Question) -> None:
        """Ask for a caller that need not be in the tree."""
