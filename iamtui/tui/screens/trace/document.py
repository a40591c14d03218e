"""DocumentScreen: a policy that is not in the tree (an SCP, an RCP, a resource's policy), at one statement."""

from __future__ import annotations

from textual.content import Content

from iamtui.evaluation.decision import StatementRef
from iamtui.policy.document import PolicyDocument
from iamtui.tui.safe import document_lines, line, plain
from iamtui.tui.screens.trace.reading import ReadingScreen
from iamtui.tui.screens.trace.view import TraceRow
from iamtui.tui.widgets.question.verdict import LAYER_TITLES, statement_name


class DocumentScreen(ReadingScreen):
    """Shows the whole document, wrapped, with the statement marked and in sight."""

    def __init__(self, document: PolicyDocument, ref: StatementRef) -> None:
        title = line((statement_name(ref), "bold"), (f"  {LAYER_TITLES[ref.layer]}", "$muted"))
        super().__init__(title)
        self._document = document
        self._ref = ref

    def on_mount(self) -> None:
        """Show the document at the statement."""
        self.view.show(*document_rows(self._document, self._ref))

    def idle_actions(self) -> frozenset[str]:
        """A document leads nowhere."""
        return super().idle_actions() | {"open_line"}

    def copied_text(self) -> str:
        """The document alone."""
        return "\n".join(row.content.plain for row in self.view.rows) + "\n"


def document_rows(document: PolicyDocument, ref: StatementRef) -> tuple[list[TraceRow], int]:
    """The rows of a document, and the one where the statement begins."""
    if document.error is not None:
        rows = [TraceRow(line((f"This document cannot be read: {document.error}", "$verdict-denied")))]
        return [*rows, *(TraceRow(plain(text, limit=None)) for text in document_lines(document.text))], 0
    texts = document_lines(document.text)
    marked = range(0)
    if 0 <= ref.statement < len(document.lines):
        first, last = document.lines[ref.statement]
        marked = range(first, last + 1)
    width = len(str(len(texts)))
    return [
        TraceRow(
            Content(text),
            gutter=f"{number:>{width}} ",
            json=True,
            ground="statement" if number in marked else "",
        )
        for number, text in enumerate(texts, 1)
    ], max(0, marked.start - 1)
