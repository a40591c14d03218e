"""ReadingScreen: a whole screen of lines under a title, searched with `/`, copied with `y`."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Label
from textual.worker import Worker, WorkerState

from iamtui.problem import Problem
from iamtui.tui.copying import Copier
from iamtui.tui.crash import worker_failure
from iamtui.tui.safe import plain
from iamtui.tui.screens.searchable_screen import BACK_KEYS, SEARCH_KEYS, SearchableScreen
from iamtui.tui.screens.trace.view import TraceView
from iamtui.tui.widgets.key_line import KeyLine
from iamtui.tui.widgets.line_view import LineView
from iamtui.tui.widgets.notice import Notice, Severity

_NOTE_SECONDS = 6.0


class ReadingScreen(SearchableScreen):
    """Shows a `TraceView`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *SEARCH_KEYS,
        Binding("y", "copy", "Copy", id="text.copy", tooltip="Copy all of it as text"),
        *BACK_KEYS,
    ]

    DEFAULT_CSS = """
    ReadingScreen {
        background: $background;

        & #text-verdict {
            height: 1;
            width: 100%;
            padding: 0 1;
            background: $panel;
        }
        & TraceView {
            height: 1fr;
            scrollbar-gutter: stable;
        }
        & #text-note {
            height: 1;
            padding: 0 1;
            display: none;
        }
    }
    """

    def __init__(self, title: Content, verdict: Content | None = None) -> None:
        super().__init__()
        self._title = title
        self._verdict = verdict

    def compose(self) -> ComposeResult:
        """Title, text, search line, keys."""
        yield Label(self._title, id="text-title")
        if self._verdict is not None:
            yield Label(self._verdict, id="text-verdict")
        yield TraceView(id="text-body")
        yield from self.compose_search()
        yield Label(id="text-note")
        yield KeyLine(id="keys")

    @property
    def view(self) -> TraceView:
        """The text."""
        return self.query_one(TraceView)

    def copied_text(self) -> str:
        """What `y` copies."""
        return f"{self._title.plain}\n\n{self.view.plain_text()}"

    def idle_actions(self) -> frozenset[str]:
        """Stepping needs a search."""
        return frozenset() if self.view.needle else frozenset({"step(1)", "step(-1)"})

    def action_back(self) -> None:
        """End the search, or go back."""
        was_searching = self.has_class("-searching")
        super().action_back()
        if was_searching:
            self.query_one(KeyLine).look_again()

    # Copying and messages.

    def action_copy(self) -> None:
        """Copy the text."""
        copier: Copier | None = getattr(self.app, "copier", None)
        if copier is None:
            self.say(plain("There is no clipboard to copy to."))
            return
        text = self.copied_text()
        self.run_worker(lambda: self._copy(copier, text), thread=True, group="copy", exit_on_error=False)

    def _copy(self, copier: Copier, text: str) -> None:
        try:
            said, severity = copier.copy_text(text, "Text"), Severity.INFORMATION
        except Problem as problem:
            said, severity = str(problem), Severity.ERROR
        self.post_message(Notice(plain(said), severity))

    @on(Notice)
    def _notice(self, event: Notice) -> None:
        event.stop()
        self.say(event.content, lasts=event.severity is not Severity.INFORMATION)

    def say(self, words: Content, *, lasts: bool = False) -> None:
        """Show a sentence above the keys, for a while."""
        note = self.query_one("#text-note", Label)
        note.update(words)
        note.display = True
        if not lasts:
            self.set_timer(_NOTE_SECONDS, self._quiet)

    def _quiet(self) -> None:
        self.query_one("#text-note").display = False

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that fails in an unforeseen way ends nothing: its error becomes a sentence."""
        event.stop()
        if event.state is WorkerState.ERROR:
            self.say(plain(worker_failure(event.worker)), lasts=True)

    @on(LineView.CursorMoved)
    @on(LineView.LineOpened)
    def _unused(self, event: LineView.CursorMoved | LineView.LineOpened) -> None:
        event.stop()
