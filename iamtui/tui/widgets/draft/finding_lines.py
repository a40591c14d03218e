"""FindingLines: what AWS would refuse or warn about in a document, each finding wrapped to the width there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from iamtui.evaluation.findings import Finding, Level
from iamtui.tui.safe import plain
from iamtui.tui.widgets.drawn_lines import Piece
from iamtui.tui.widgets.line_view import LineView
from iamtui.tui.widgets.wrapped import wrap

_MARKS: Final = {Level.ERROR: ("x", "denied"), Level.WARNING: ("!", "warning"), Level.SUGGESTION: ("-", "muted")}
_HEAD: Final = 23
"""The cells that level and line take in front of a message."""

_LEAST: Final = 20
"""The least cells for a message."""


class _Row(NamedTuple):
    """A line of the view: its finding, and the part of that's message; the first line of a finding has its level."""

    finding: int
    first: bool
    text: str


class FindingLines(LineView):
    """A finding takes as many lines as its message needs; Enter goes to the line of the document."""

    HELP_TITLE: ClassVar[str] = "Findings"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._findings: Sequence[Finding] = ()
        self._rows: list[_Row] = []
        self._wrapped_at = 0

    @property
    def findings(self) -> Sequence[Finding]:
        """What is listed."""
        return self._findings

    def show(self, found: Sequence[Finding]) -> None:
        """List these findings."""
        self._findings = found
        self._wrap()

    def finding_at(self, index: int) -> Finding:
        """The finding that a line is of."""
        return self._findings[self._rows[index].finding]

    def _wrap(self) -> None:
        # The bar of the cursor, and the scrollbar that many lines bring.
        self._wrapped_at = self.outer_size.width
        width = max(_LEAST, self._wrapped_at - _HEAD - 1 - self.styles.scrollbar_size_vertical)
        here = self._rows[self.cursor].finding if self._rows else 0
        self._rows = [
            _Row(number, at == 0, piece.plain)
            for number, finding in enumerate(self._findings)
            for at, piece in enumerate(wrap(plain(_words(finding), limit=None), width))
        ]
        self.set_total(
            len(self._rows), cursor=next((at for at, row in enumerate(self._rows) if row.finding == here), 0)
        )

    def on_resize(self) -> None:
        """Wrap to the new width."""
        if self.outer_size.width != self._wrapped_at:
            self._wrap()

    def is_stop(self, index: int) -> bool:
        """The cursor goes from finding to finding."""
        return self._rows[index].first

    def is_under_cursor(self, index: int) -> bool:
        """A finding is marked as a whole."""
        return self._rows[index].finding == self._rows[self.cursor].finding

    def refresh_row(self, index: int) -> None:
        """Draw all lines of a finding again."""
        of = self._rows[index].finding if index < len(self._rows) else -1
        for at, row in enumerate(self._rows):
            if row.finding == of:
                super().refresh_row(at)

    def pieces(self, index: int, width: int) -> Sequence[Piece]:  # noqa: ARG002 - wrapped already
        """Level, line, message."""
        row = self._rows[index]
        if not row.first:
            return [Piece(" " * _HEAD), Piece(row.text)]
        finding = self._findings[row.finding]
        mark, style = _MARKS[finding.level]
        at = f"line {finding.source_line}" if finding.source_line else ""
        return [Piece(f"{mark} {finding.level.value.ljust(10)} {at.ljust(9)}".ljust(_HEAD), style), Piece(row.text)]


def _words(finding: Finding) -> str:
    """The message, and how many entries it is about."""
    return finding.message if finding.count == 1 else f"{finding.message} ({finding.count} entries)"
