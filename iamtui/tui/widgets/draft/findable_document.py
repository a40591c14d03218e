"""FindableDocument: a document to read with the line to find texts in it."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from iamtui.tui.widgets.detail.document_view import DocumentView
from iamtui.tui.widgets.detail.find_line import FindLine


class FindableDocument(Vertical):
    """`/` finds, `n` and `N` go on, Escape ends the search."""

    DEFAULT_CSS = """
    FindableDocument {
        height: 1fr;
        & DocumentView {
            height: 1fr;
        }
    }
    """

    def compose(self) -> ComposeResult:
        """Document and find line."""
        yield DocumentView()
        yield FindLine()

    @property
    def view(self) -> DocumentView:
        """The document."""
        return self.query_one(DocumentView)

    @on(DocumentView.FindWanted)
    def _find_wanted(self, event: DocumentView.FindWanted) -> None:
        event.stop()
        self.query_one(FindLine).open()

    @on(DocumentView.FindEnded)
    def _find_ended(self, event: DocumentView.FindEnded) -> None:
        event.stop()
        self.query_one(FindLine).display = False

    @on(FindLine.Changed)
    def _find_changed(self, event: FindLine.Changed) -> None:
        event.stop()
        self.query_one(FindLine).tell(self.view.find(event.needle))

    @on(FindLine.Left)
    def _find_left(self, event: FindLine.Left) -> None:
        event.stop()
        self.view.focus()

    @on(DocumentView.Stepped)
    def _stepped(self, event: DocumentView.Stepped) -> None:
        event.stop()
        self.query_one(FindLine).tell(event.words)
