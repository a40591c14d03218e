"""TextScreen: a whole screen of text that scrolls and can be searched, for traces and help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, Label

from iamtui.tui.safe import plain
from iamtui.tui.widgets.safe_input import SafeInput
from iamtui.tui.widgets.wrapped import WrappedText


class TextScreen(Screen[None]):
    """Shows rows of content under a title. `/` searches, `n` and `N` go on, Escape ends the search, then goes back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q", "back", "Back", id="text.back", tooltip="End the search, or go back to where you came from"
        ),
        Binding("slash", "search", "Search", key_display="/", id="text.search", tooltip="Search in the text"),
        Binding("n", "step(1)", "Next", id="text.next", tooltip="Go to the next hit"),
        Binding("N", "step(-1)", "Previous", id="text.previous", tooltip="Go to the hit before"),
    ]

    DEFAULT_CSS = """
    TextScreen {
        & #text-title {
            height: 1;
            width: 100%;
            padding: 0 1;
            background: $panel;
        }
        & #text-search {
            height: 1;
            padding: 0 1;
            display: none;
        }
        &.-searching #text-search {
            display: block;
        }
        & #text-search Label {
            width: auto;
            color: $heading;
        }
        & #text-search Input {
            width: 1fr;
            background: transparent;
        }
        & #text-search #text-count {
            color: $muted;
        }
    }
    """

    def __init__(self, title: Content, rows: Sequence[Content]) -> None:
        super().__init__()
        self._title = title
        self._rows = rows

    def compose(self) -> ComposeResult:
        """Title, text, search line, keys."""
        yield Label(self._title, id="text-title")
        yield WrappedText(self._rows, id="text-body")
        with Horizontal(id="text-search"):
            yield Label("/")
            yield SafeInput(placeholder="search", compact=True, id="text-needle")
            yield Label(id="text-count")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Let the keys scroll at once."""
        self.body.focus()

    @property
    def body(self) -> WrappedText:
        """The text."""
        return self.query_one(WrappedText)

    def action_back(self) -> None:
        """End the search, or go back."""
        if self.has_class("-searching"):
            self.remove_class("-searching")
            self.body.search("")
            self.body.focus()
        else:
            self.dismiss(None)

    def action_search(self) -> None:
        """Type what to look for."""
        self.add_class("-searching")
        needle = self.query_one("#text-needle", Input)
        needle.value = ""
        needle.focus()

    def action_step(self, direction: int) -> None:
        """Go to the next or the previous hit."""
        self._count(self.body.step(direction) or "nothing found")

    def _count(self, words: str) -> None:
        self.query_one("#text-count", Label).update(plain(words))

    @on(Input.Changed, "#text-needle")
    def _typed(self, event: Input.Changed) -> None:
        found = self.body.search(event.value)
        self._count((f"1 of {found}" if found else "nothing found") if event.value else "")

    @on(Input.Submitted, "#text-needle")
    def _entered(self) -> None:
        self.body.focus()
