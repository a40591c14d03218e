"""ConfirmDialog: a warning that takes a key of its own, so that nobody agrees by habit, nor to what was not shown."""

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
        Binding("j,down", "scroll(1)", "Down", show=False, id="confirm.down", tooltip="Scroll down"),
        Binding("k,up", "scroll(-1)", "Up", show=False, id="confirm.up", tooltip="Scroll up"),
        Binding(
            "pagedown,space", "scroll(8)", "Page down", show=False, id="confirm.page-down", tooltip="Scroll far down"
        ),
        Binding("pageup", "scroll(-8)", "Page up", show=False, id="confirm.page-up", tooltip="Scroll far up"),
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

    def on_mount(self) -> None:
        """Say that there is more, when the height is known."""
        self.call_after_refresh(self._say_whether_there_is_more)

    def on_resize(self) -> None:
        """As above."""
        self.call_after_refresh(self._say_whether_there_is_more)

    def _say_whether_there_is_more(self) -> None:
        box = self.query_one(DialogBox)
        box.border_subtitle = line("j k scroll to the end") if box.max_scroll_y else ""

    def action_scroll(self, rows: int) -> None:
        """Scroll the words."""
        self.query_one(DialogBox).scroll_relative(y=rows, animate=False)

    def action_agree(self) -> None:
        """Agree, once all of it has been shown; else show more."""
        box = self.query_one(DialogBox)
        if not box.size:
            return
        if box.is_vertical_scroll_end:
            self.dismiss(True)
        else:
            # No line is skipped in a small window.
            self.action_scroll(min(8, box.size.height))

    def action_refuse(self) -> None:
        """Refuse."""
        self.dismiss(False)
