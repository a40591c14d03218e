"""Jump mode: a letter on every pane, and the letter moves the focus there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.screen import ModalScreen
from textual.widgets import Static

from iamtui.tui.safe import plain


class JumpScreen(ModalScreen[str | None]):
    """Gives the letter that was pressed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Cancel", id="jump.cancel", tooltip="Stay where you are"),
    ]

    DEFAULT_CSS = """
    JumpScreen {
        background: $background 40%;
        & .jump-label {
            position: absolute;
            width: auto;
            height: 1;
            padding: 0 1;
            background: $accent;
            color: $background;
            text-style: bold;
        }
    }
    """

    def __init__(self, places: Mapping[str, Offset]) -> None:
        """Take the letters and where on the screen to draw each."""
        super().__init__()
        self._places = places

    def compose(self) -> ComposeResult:
        """One label for each place."""
        for letter, offset in self._places.items():
            label = Static(plain(letter), classes="jump-label")
            label.absolute_offset = offset
            yield label

    def on_key(self, event: events.Key) -> None:
        """A known letter chooses; any other key but Escape does nothing."""
        if event.key in self._places:
            event.stop()
            self.dismiss(event.key)
