"""A list of policies or statements over the document of the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult

from iamtui.tui.widgets.covered import Column
from iamtui.tui.widgets.detail.document_view import DocumentView
from iamtui.tui.widgets.detail.rows import RowsView
from iamtui.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from iamtui.tui.widgets.detail.listings import Entry


class ListAndDocument(Column):
    """Entries above, the document of the entry under the cursor below."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._entries: Sequence[Entry] = ()
        self._shown = -1

    def compose(self) -> ComposeResult:
        """List and document."""
        yield RowsView(id="entries")
        yield DocumentView(id="document")

    @property
    def rows_view(self) -> RowsView:
        """The list."""
        return self.query_one(RowsView)

    @property
    def document_view(self) -> DocumentView:
        """The document."""
        return self.query_one(DocumentView)

    @property
    def names_under_cursor(self) -> tuple[str, ...]:
        """What the entry under the cursor is called (name, ARN); none when there is no entry."""
        at = self.rows_view.cursor
        return self._entries[at].names if at < len(self._entries) else ()

    def set_entries(self, entries: Sequence[Entry], empty: str) -> None:
        """Show these entries; `empty` is what to say when there are none."""
        self._entries = entries
        rows = self.rows_view
        rows.styles.height = min(max(1, len(entries)), 8)
        rows.display = bool(entries)
        rows.set_rows([entry.row for entry in entries])
        if entries:
            self._show(0)
        else:
            self.document_view.show_words("", empty)

    def show_statement(self, policy: str, statement: int) -> bool:
        """Bring a policy under the cursor and mark one of its statements; False when it is not in the list."""
        for index, entry in enumerate(self._entries):
            if policy in entry.names:
                self.rows_view.move_to(index)
                self._show(index)
                lines = entry.document.lines if entry.document is not None else ()
                self.document_view.mark_lines(lines[statement] if 0 <= statement < len(lines) else None)
                return True
        return False

    @on(LineView.CursorMoved, "#entries")
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        # An event may be older than what was shown since: the cursor itself is what counts.
        if self.rows_view.cursor != self._shown:
            self._show(self.rows_view.cursor)

    def _show(self, index: int) -> None:
        if index >= len(self._entries):
            return
        self._shown = index
        entry = self._entries[index]
        view = self.document_view
        if entry.document is not None:
            view.show_document(entry.document)
            view.mark_lines(entry.lines)
        else:
            view.show_words("", entry.missing or "No document.")
