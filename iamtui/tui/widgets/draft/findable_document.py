"""FindableDocument: a document to read with the line to find texts in it."""

from __future__ import annotations

from textual.app import ComposeResult

from iamtui.tui.widgets.detail.document_view import DocumentView
from iamtui.tui.widgets.detail.find_line import FindLine
from iamtui.tui.widgets.detail.finding import FindsInDocument


class FindableDocument(FindsInDocument):
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
