"""CodeDialog: asks for the MFA code that renewing a session takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Label, Static

from iamtui.secret import Secret
from iamtui.tui.dialogs.frame import Dialog, DialogBox
from iamtui.tui.safe import line, plain
from iamtui.tui.widgets.secret_input import CODE_LENGTH, SecretInput


class CodeDialog(Dialog[Secret | None]):
    """Gives the code, or None. It leaves the field at once, and is asked for again when it is not six digits."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Not now", id="code.cancel", tooltip="Let the session be; r in the sessions asks"),
    ]

    DEFAULT_CSS = """
    CodeDialog {
        & > DialogBox {
            width: 60;
        }
        & Horizontal {
            height: 1;
            margin: 1 0;
        }
        & Label {
            width: 11;
            color: $muted;
        }
        & Input {
            width: 12;
            background: $foreground 16%;
        }
        & #code-hint {
            color: $muted;
        }
    }
    """

    def __init__(self, title: Content, words: Callable[[], Content]) -> None:
        """Make the dialog.

        Args:
            title: whose code.
            words: what it is for, and how much time is left; asked every second.
        """
        super().__init__()
        self._title = title
        self._words = words

    def compose(self) -> ComposeResult:
        """Words, field, hint."""
        with DialogBox() as box:
            box.border_title = self._title
            yield Static(self._words(), id="code-words", markup=False)
            with Horizontal():
                yield Label(plain("MFA code"))
                yield SecretInput(id="code", max_length=CODE_LENGTH)
            yield Static(plain("Enter renews, Escape leaves it for now"), id="code-hint", markup=False)

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()
        self.set_interval(1, self._count)

    def _count(self) -> None:
        self.query_one("#code-words", Static).update(self._words())

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        length = len(event.value.strip())
        digits = event.value.strip().isdecimal() and event.value.isascii()
        code = self.query_one(SecretInput).take()
        if length == CODE_LENGTH and digits:
            self.dismiss(code)
        else:
            wrong = line(("! ", "bold $verdict-denied"), f"A code has {CODE_LENGTH} digits: type it again.")
            self.query_one("#code-hint", Static).update(wrong)

    def action_cancel(self) -> None:
        """Go back without a code."""
        self.query_one(SecretInput).value = ""
        self.dismiss(None)
