"""LockScreen: says what was dropped, and hides everything until a key is pressed. It asks for no password."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from iamtui.tui.content import line, lines, plain


class LockScreen(ModalScreen[None]):
    """Covers everything, and takes no other keys than its own and those that end the app."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,escape,q", "unlock", "Go on", id="lock.leave", tooltip="Go back to where you were"),
    ]

    DEFAULT_CSS = """
    LockScreen {
        align: center middle;
        background: $background 100%;

        & > Vertical {
            width: 64;
            max-width: 96%;
            height: auto;
            padding: 1 2;
            border: round $rule;
            border-title-color: $heading;
        }
        & Static {
            height: auto;
        }
    }
    """

    def __init__(self, dropped: str, why: str) -> None:
        """Make the screen.

        Args:
            dropped: what is gone ("2 sessions and 1 endpoint"), or "".
            why: what locked it, one sentence, or "".
        """
        super().__init__()
        self._dropped = dropped
        self._why = why
        self._clipboard = plain("Looking whether the clipboard holds a copied secret …", "$muted")

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = line("iamtui is locked")
            yield Static(self._words(), id="lock-words", markup=False)

    def _words(self) -> Content:
        gone = f"Dropped: {self._dropped}." if self._dropped else "There was no session to drop."
        rows = [
            *([plain(self._why, "$muted")] if self._why else []),
            plain(gone, "bold"),
            self._clipboard,
            plain(""),
            plain("What AWS has issued stays valid until its end for whoever has a copy; here is none any more. No "
                  "password is asked for: lock your desktop too.", "$muted"),
            plain(""),
            line(("Enter", "bold $match"), " goes back to the account."),
        ]  # fmt: skip
        return lines(*rows)

    def on_mount(self) -> None:
        self.query_one("#lock-words", Static).update(self._words())

    def show_clipboard(self, sentence: str) -> None:
        """Say what became of the clipboard; "" when it held nothing of ours."""
        words = f"{sentence[:1].upper()}{sentence[1:]}." if sentence else "The clipboard holds no secret of ours."
        self._clipboard = plain(words)
        if self.is_mounted:
            self.query_one("#lock-words", Static).update(self._words())

    def action_unlock(self) -> None:
        self.dismiss(None)
