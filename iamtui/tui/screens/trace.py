"""TraceScreen: the whole reasoning behind one answer, on its own screen, searchable."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Footer, Input, Label

from iamtui.evaluation.decision import Decision
from iamtui.evaluation.request import Principal
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.trace_text import trace_rows
from iamtui.tui.widgets.wrapped import WrappedText
from iamtui.workspace.asking import Question
from iamtui.workspace.workspace import Workspace


class TraceScreen(Screen[None]):
    """Shows the rows of `trace_rows`. `/` searches, `n` and `N` go on, Escape goes back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f7,w", "back", "Back", id="trace.back", tooltip="Back to where you came from"),
        Binding("slash", "search", "Search", id="trace.search", tooltip="Search in the text"),
        Binding("n", "step(1)", "Next", id="trace.next", tooltip="Next hit"),
        Binding("N", "step(-1)", "Previous", id="trace.previous", tooltip="Hit before"),
    ]

    DEFAULT_CSS = """
    TraceScreen {
        & #trace-title {
            height: 1;
            padding: 0 1;
            background: $panel;
            width: 100%;
        }
        & #trace-search {
            height: 1;
            padding: 0 1;
            display: none;
        }
        &.-searching #trace-search {
            display: block;
        }
        & #trace-search Label {
            width: auto;
            color: $heading;
        }
        & #trace-search Input {
            width: 1fr;
            background: transparent;
        }
        & #trace-count {
            color: $muted;
        }
    }
    """

    def __init__(
        self, workspace: Workspace, decision: Decision, principal: Principal, question: Question, label: str
    ) -> None:
        super().__init__()
        self._rows = trace_rows(workspace, decision, principal, question)
        self._label = label

    def compose(self) -> ComposeResult:
        """Title, text, search line, keys."""
        yield Label(line((" Why  ", "bold $heading"), self._label), id="trace-title")
        yield WrappedText(self._rows, id="trace-text")
        with Horizontal(id="trace-search"):
            yield Label("/")
            yield Input(placeholder="search", compact=True, id="trace-needle")
            yield Label(id="trace-count")
        yield Footer()

    def on_mount(self) -> None:
        """Let the keys scroll at once."""
        self._text.focus()

    @property
    def _text(self) -> WrappedText:
        return self.query_one(WrappedText)

    def action_back(self) -> None:
        """End the search, or go back."""
        if self.has_class("-searching"):
            self.remove_class("-searching")
            self._text.search("")
            self._text.focus()
        else:
            self.dismiss(None)

    def action_search(self) -> None:
        """Type what to look for."""
        self.add_class("-searching")
        self.query_one("#trace-needle", Input).focus()

    def action_step(self, direction: int) -> None:
        """Go to the next or the previous hit."""
        where = self._text.step(direction)
        self._count.update(plain(where or "nothing found"))

    @property
    def _count(self) -> Label:
        return self.query_one("#trace-count", Label)

    @on(Input.Changed, "#trace-needle")
    def _typed(self, event: Input.Changed) -> None:
        found = self._text.search(event.value)
        self._count.update(plain(f" {found} lines" if found else " nothing found" if event.value else ""))

    @on(Input.Submitted, "#trace-needle")
    def _entered(self) -> None:
        self._text.focus()
