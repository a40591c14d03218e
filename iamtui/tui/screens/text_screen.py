"""TextScreen: a whole screen of text that scrolls and can be searched, for reports and help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Footer, Label

from iamtui.tui.screens.searchable_screen import BACK_KEYS, SEARCH_KEYS, SearchableScreen
from iamtui.tui.widgets.wrapped import WrappedText


class TextScreen(SearchableScreen):
    """Shows rows of content under a title."""

    BINDINGS: ClassVar[list[BindingType]] = [*BACK_KEYS, *SEARCH_KEYS]

    def __init__(self, title: Content, rows: Sequence[Content]) -> None:
        super().__init__()
        self._title = title
        self._rows = rows

    def compose(self) -> ComposeResult:
        """Title, text, search line, keys."""
        yield Label(self._title, id="text-title")
        yield WrappedText(self._rows, id="text-body")
        yield from self.compose_search()
        yield Footer(show_command_palette=False)

    @property
    def view(self) -> WrappedText:
        """The text."""
        return self.query_one(WrappedText)
