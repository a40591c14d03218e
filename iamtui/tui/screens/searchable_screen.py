"""SearchableScreen: a whole screen of text under a title, with a line to search in it."""

from __future__ import annotations

from typing import Final, Protocol

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input, Label

from iamtui.tui.safe import plain
from iamtui.tui.widgets.safe_input import SafeInput

SEARCH_KEYS: Final[tuple[BindingType, ...]] = (
    Binding("slash", "search", "Search", key_display="/", id="text.search", tooltip="Search in the text"),
    Binding("n", "step(1)", "Next", id="text.next", tooltip="Go to the next hit"),
    Binding("N", "step(-1)", "Previous", show=False, id="text.previous", tooltip="Go to the hit before"),
)
BACK_KEYS: Final[tuple[BindingType, ...]] = (
    Binding("escape,q", "back", "Back", id="text.back", tooltip="End the search, or go back to where you came from"),
)


class Searched(Protocol):
    """A view of text that finds words in it."""

    def search(self, needle: str) -> str:
        """Mark every occurrence and go to one; returns which of how many, in words; "" ends the search."""

    def step(self, direction: int) -> str:
        """Go to the next (1) or previous (-1) hit; returns which of how many, in words."""

    def focus(self) -> object:
        """Take the keys."""


class SearchableScreen(Screen[None]):
    """`/` searches, `n` and `N` go on, Escape ends the search, then goes back.

    Whoever makes one of it binds `SEARCH_KEYS` and `BACK_KEYS`, in the order in which its keys are to be shown.
    """

    DEFAULT_CSS = """
    SearchableScreen {
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
            background: $foreground 10%;
        }
        & #text-search #text-count {
            padding-left: 1;
            color: $muted;
        }
    }
    """

    @property
    def view(self) -> Searched:
        """The text."""
        raise NotImplementedError

    def compose_search(self) -> ComposeResult:
        """The line to type in what to look for; hidden until it is wanted."""
        with Horizontal(id="text-search"):
            yield Label("/")
            yield SafeInput(placeholder="search: Enter, then n and N", compact=True, id="text-needle")
            yield Label(id="text-count")

    def on_mount(self) -> None:
        """Let the keys scroll at once."""
        self.view.focus()

    def action_back(self) -> None:
        """End the search, or go back."""
        if self.has_class("-searching"):
            self.remove_class("-searching")
            self.view.search("")
            self.view.focus()
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
        self._count(self.view.step(direction))

    def _count(self, words: str) -> None:
        self.query_one("#text-count", Label).update(plain(words))

    @on(Input.Changed, "#text-needle")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._count(self.view.search(event.value))

    @on(Input.Submitted, "#text-needle")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.view.focus()
