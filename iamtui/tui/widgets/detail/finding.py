"""FindsInDocument: what a pane with a document and a line to find texts in it does with their messages."""

from __future__ import annotations

from textual import on

from iamtui.tui.widgets.covered import Column
from iamtui.tui.widgets.detail.document_view import DocumentView
from iamtui.tui.widgets.detail.find_line import FindLine


class FindsInDocument(Column):
    """`/` finds, `n` and `N` go on, Escape ends the search. The pane holds one `FindLine`."""

    @property
    def view(self) -> DocumentView:
        """The document that a search is in."""
        return self.query_one(DocumentView)

    @on(DocumentView.FindWanted)
    async def _find_wanted(self, event: DocumentView.FindWanted) -> None:
        event.stop()
        await self.query_one(FindLine).open()

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
