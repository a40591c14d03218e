"""ConfirmDialog: a warning that takes a key of its own, so that nobody agrees by habit."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from iamtui.tui.dialogs.frame import Dialog, DialogBox
from iamtui.tui.safe import line


class ConfirmDialog(Dialog[bool]):
    """Gives whether the user agreed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "agree", "Do it", id="confirm.agree", tooltip="Do it all the same"),
        Binding("escape,n,q", "refuse", "Do not", id="confirm.refuse", tooltip="Leave it as it is"),
    ]

    DEFAULT_CSS = """
    ConfirmDialog {
        & > DialogBox {
            width: 70;
            overflow-y: auto;
        }
        & #confirm-keys {
            margin-top: 1;
            color: $muted;
        }
    }
    """

    def __init__(self, title: Content, words: Content, agree: str, refuse: str = "leave it") -> None:
        """Make the dialog.

        Args:
            agree: what `y` does, in few words.
            refuse: what Escape does.
        """
        super().__init__()
        self._title = title
        self._words = words
        self._agree = agree
        self._refuse = refuse

    def compose(self) -> ComposeResult:
        """Words and keys."""
        with DialogBox(classes="-warning") as box:
            box.border_title = self._title
            yield Static(self._words, markup=False)
            keys = line(("y", "bold $match"), f" {self._agree}   ", ("Esc", "bold $match"), f" {self._refuse}")
            yield Static(keys, id="confirm-keys", markup=False)

    def action_agree(self) -> None:
        """Agree."""
        self.dismiss(True)

    def action_refuse(self) -> None:
        """Refuse."""
        self.dismiss(False)
