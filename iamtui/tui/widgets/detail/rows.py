"""Rows: labelled facts, lists and links, drawn line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message

from iamtui.text import safe_text
from iamtui.tui.safe import fit
from iamtui.tui.widgets.drawn_lines import Piece
from iamtui.tui.widgets.line_view import LineView

_WIDEST_LABEL = 17
_NARROW_LABEL = 14
_NARROW = 60


@dataclass(frozen=True, slots=True)
class Row:
    """One line.

    Args:
        label: what the fact is, or "" to continue the one above.
        value: raw text, cut at the edge.
        style: a style name of LineView for the value.
        target: the key of the node that `o` and Enter go to, or "".
        note: raw text behind the value, in a fainter style.
        heading: the line is a heading, `label` its text.
    """

    label: str = ""
    value: str = ""
    style: str = ""
    target: str = ""
    note: str = ""
    heading: bool = False


BLANK = Row()


def heading(text: str) -> Row:
    """A heading line."""
    return Row(label=text, heading=True)


class RowsView(LineView):
    """A list of rows. The cursor rests on every line that says something; links can be followed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "follow", "Follow", id="go.follow", tooltip="Go to what the line under the cursor names")
    ]

    @dataclass(eq=False, repr=False)
    class Followed(Message):
        """The user goes to another node."""

        target: str

    @dataclass(eq=False, repr=False)
    class LeftTowardsTree(Message):
        """h or left: the user goes back to the tree."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._rows: Sequence[Row] = ()
        self._label_width = _WIDEST_LABEL

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self._rows else None

    @property
    def rows(self) -> Sequence[Row]:
        """All rows."""
        return self._rows

    def set_rows(self, rows: Sequence[Row], cursor: int = 0) -> None:
        """Show these rows."""
        self._rows = rows
        self._label_width = 2 + max((cell_len(safe_text(row.label)) for row in rows if not row.heading), default=0)
        self.set_total(len(rows), cursor=cursor)

    def is_stop(self, index: int) -> bool:
        """Headings and blank lines are skipped."""
        row = self._rows[index]
        return not row.heading and bool(row.value or row.label)

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """Label, value, note."""
        row = self._rows[index]
        if row.heading:
            return [Piece(fit(safe_text(row.label), width - 1), "heading")]
        room = width - 2
        label_width = min(self._label_width, _NARROW_LABEL if width < _NARROW else _WIDEST_LABEL)
        pieces: list[Piece] = []
        if row.label:
            label = fit(safe_text(row.label), label_width - 1)
            pieces.append(Piece(label + " " * (label_width - cell_len(label)), "muted"))
        else:
            pieces.append(Piece(" " * label_width))
        room -= label_width
        value = fit(safe_text(row.value), room)
        pieces.append(Piece(value, row.style or ("link" if row.target else "")))
        room -= cell_len(value) + 2
        if row.note and room > 4:
            pieces.append(Piece("  " + fit(safe_text(row.note), room), "faint"))
        return pieces

    def action_follow(self) -> None:
        """Go to what the line names."""
        if self.row is not None and self.row.target:
            self.post_message(self.Followed(self.row.target))

    def action_line_left(self) -> None:
        """Go back to the tree."""
        self.post_message(self.LeftTowardsTree())

    def action_line_right(self) -> None:
        """Follow the link."""
        self.action_follow()

    def action_open_line(self) -> None:
        """Follow the link, or say which line was opened."""
        if self.row is not None and self.row.target:
            self.action_follow()
        else:
            super().action_open_line()
