"""Interface of the main screen for the screens over it, and the places where the user has been."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

from msgspec import Struct, structs
from textual.app import App
from textual.content import Content
from textual.message import Message

from iamtui.tui.content import Severity

if TYPE_CHECKING:
    from textual.screen import Screen

    from iamtui.drafts.draft import Draft, Edit
    from iamtui.engine.decision import StatementRef
    from iamtui.engine.request import Principal
    from iamtui.engine.words.explanation import Suggestion
    from iamtui.presentation.listing import StatementPlace
    from iamtui.questions.question import Question
    from iamtui.tui.drafts.changes import OpenDraft
    from iamtui.tui.main.inventory import IndexedAccount
    from iamtui.workspace.change.draft_session import DraftedAccount
    from iamtui.workspace.source.workspace import Workspace

_MOST: Final = 200

ScreenAbove: TypeAlias = "Callable[[Workspace], object]"
"""Shows the screen anew that lay over a place, unless its answer is not that of the workspace any more."""


class Look(NamedTuple):
    """How a place was looked at.

    Args:
        filter: of the tree.
        line, top: of the list beside the tree: the line under the cursor, and the first one in sight.
        is_focused: whether the keys went to that list.
    """

    filter: str = ""
    line: int = 0
    top: int = 0
    is_focused: bool = False


_AT_FIRST: Final = Look()


class VisitedPlace(Struct, frozen=True):
    """Where the user was.

    Args:
        key: of the node.
        tab: the tab of the detail pane that was shown, or "".
        above: shows the screen that lay over the place, or None.
        look: how it was looked at.
    """

    key: str
    tab: str = ""
    above: ScreenAbove | None = None
    look: Look = _AT_FIRST


class History:
    """Places. Moving the cursor replaces the present one; a jump makes a new one."""

    def __init__(self) -> None:
        self._back: list[VisitedPlace] = []
        self._here = ""
        self._forward: list[VisitedPlace] = []

    @property
    def here(self) -> str:
        """The key of the present place, or ""."""
        return self._here

    @property
    def has_back(self) -> bool:
        return bool(self._back)

    def move(self, key: str) -> None:
        """The cursor moved: this is the present place now."""
        self._here = key

    def jump(self, tab: str = "", above: ScreenAbove | None = None, look: Look = _AT_FIRST) -> None:
        """The user is about to jump: remember the present place, how it is shown and what lies over it."""
        if self._here:
            here = VisitedPlace(self._here, tab, above, look)
            if self._back and structs.replace(self._back[-1], above=above, look=look) == here:
                del self._back[-1]
            self._back.append(here)
            del self._back[:-_MOST]
        self._forward.clear()

    def back(self, tab: str = "", look: Look = _AT_FIRST) -> VisitedPlace | None:
        """The place before, which becomes the present one; None when there is none. `tab` and `look` are of now."""
        return self._travel(self._back, self._forward, VisitedPlace(self._here, tab, look=look))

    def forward(self, tab: str = "", look: Look = _AT_FIRST) -> VisitedPlace | None:
        """The place that was left by going back; None when there is none. `tab` and `look` are of now."""
        return self._travel(self._forward, self._back, VisitedPlace(self._here, tab, look=look))

    def _travel(self, there: list[VisitedPlace], behind: list[VisitedPlace], here: VisitedPlace) -> VisitedPlace | None:
        if not there:
            return None
        behind.append(here)
        place = there.pop()
        self._here = place.key
        return place


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

    def plan_opened(self, path: Path, draft: Draft, left_out: tuple[str, ...]) -> None: ...

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


# Messages of the panel and the screens of answers to the main screen.


@dataclass(eq=False, repr=False)
class DraftSuggestion(Message):
    """The user wants to see what a suggestion would do: make a draft of it. Posted to the main screen.

    Args:
        suggestions: all that it takes to allow the question, never none.
        principal: whom the question was asked for.
        question: what was asked.
    """

    suggestions: tuple[Suggestion, ...]
    principal: Principal
    question: Question


@dataclass(eq=False, repr=False)
class JumpToStatement(Message, namespace="question_panel"):
    """The user wants to see a statement that took part in a request of this principal, in its document.

    Args:
        above: makes the screen anew that the user comes from, to be shown again on the way back; None: the panel.
    """

    ref: StatementRef
    principal: Principal
    resource: str
    above: ScreenAbove | None = None


def send_to_main(app: App[object], message: Message) -> None:
    """Post a message to the screen that lies under all others, and show that screen again."""
    _back_to_main(app).post_message(message)


def do_on_main(app: App[object], action: str) -> None:
    """Do an action of the screen that lies under all others, and show that screen again."""
    main = _back_to_main(app)
    main.call_later(app.run_action, action, main)


def _back_to_main(app: App[object]) -> Screen[Any]:
    main = app.screen_stack[0]
    while len(app.screen_stack) > 1:
        app.pop_screen()
    return main
