"""LeaveDialog: asks once before the screen ends with what would be lost by that."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from iamtui.tui.dialogs.frame import Dialog, DialogBox
from iamtui.tui.safe import line


class Leaving(StrEnum):
    """What the user decided."""

    LEAVE = "leave"
    DRAFT = "draft"
    PICK = "pick"


class LeaveDialog(Dialog[Leaving | None]):
    """Gives what the user decided, or None to stay.

    The key that opened it agrees too, unless work that is not saved would be lost: pressed twice by habit it must not.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "agree", "Leave", id="leave.agree", tooltip="Leave all the same"),
        Binding("q", "again", "Leave", show=False, id="leave.again", tooltip="Leave, where no draft would be lost"),
        Binding("d", "draft", "Show the draft", id="leave.draft", tooltip="Stay, and show the draft; s saves it there"),
        Binding("c", "pick", "Hand over", id="leave.pick", tooltip="Hand the active session over, and leave with that"),
        Binding("escape,n", "stay", "Stay", id="leave.stay", tooltip="Stay; nothing is lost"),
    ]

    DEFAULT_CSS = """
    LeaveDialog {
        & > DialogBox {
            width: 70;
            overflow-y: auto;
        }
        & #leave-keys {
            margin-top: 1;
            color: $muted;
        }
    }
    """

    def __init__(
        self, words: Callable[[], Content], *, unsaved: bool = False, draft: bool = False, pick: bool = False
    ) -> None:
        """Make the dialog.

        Args:
            words: what would be lost; asked every second.
            unsaved: whether drafts that are not saved would be.
            draft: whether the draft of the account on screen can be shown.
            pick: whether the active session can be handed over.
        """
        super().__init__()
        self._words = words
        self.unsaved = unsaved
        """Whether asking to leave once more is no agreement."""
        self._can = {"draft": draft, "pick": pick, "again": not unsaved}

    def compose(self) -> ComposeResult:
        """Words and keys."""
        with DialogBox(classes="-warning") as box:
            box.border_title = line("Leave iamtui?")
            yield Static(self._words(), id="leave-words", markup=False)
            yield Static(self._keys(), id="leave-keys", markup=False)

    def _keys(self) -> Content:
        offers = (("c", " hands the session over   ", "pick"), ("d", " shows the draft   ", "draft"))
        more = [part for key, does, action in offers if self._can[action] for part in ((key, "bold $match"), does)]
        leaves = " or Enter leaves without saving   " if self.unsaved else ", Enter or q leaves   "
        return line(("y", "bold $match"), leaves, *more, ("Esc", "bold $match"), " stays")

    def on_mount(self) -> None:
        """Times count down."""
        self.set_interval(1, self._count)

    def _count(self) -> None:
        self.query_one("#leave-words", Static).update(self._words())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what there is can be shown or handed over, and habit drops no draft."""
        return self._can.get(action, True) and super().check_action(action, parameters)

    def action_agree(self) -> None:
        """Leave."""
        self.dismiss(Leaving.LEAVE)

    def action_again(self) -> None:
        """Leave: the key that asks to leave was pressed twice."""
        self.action_agree()

    def action_draft(self) -> None:
        """Show the draft."""
        self.dismiss(Leaving.DRAFT)

    def action_pick(self) -> None:
        """Hand the active session over."""
        self.dismiss(Leaving.PICK)

    def action_stay(self) -> None:
        """Stay."""
        self.dismiss(None)
