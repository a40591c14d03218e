"""WhoCanList: every principal and its answer, one a line, drawn line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message

from iamtui.engine.decision import Outcome
from iamtui.presentation.who_can import ORDERS, Order, Rows, WhoCanRow
from iamtui.text import safe_text
from iamtui.tui.content import fit
from iamtui.tui.widgets.lists.line_list import SORT_KEYS, Piece
from iamtui.tui.widgets.lists.list_pane import FilteredList

_GAP: Final = "  "
_VERDICT: Final = 12
_BEFORE: Final = 7
_KIND: Final = 8
_LEAST_NAME: Final = 24
_WHY_BESIDES: Final = 60
"""From which width on the reasons have a column of their own; below, the lines under the list say them."""


class WhoCanList(FilteredList[WhoCanRow]):
    """Sorted and filtered rows; the cursor stays on its row while others come in."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Go there", id="whocan.open", tooltip="Go to the principal in the tree"),
        *SORT_KEYS,
        Binding(
            "space", "reverse_sort", "Reverse", id="table.reverse",
            tooltip="Turn the order round: worst answers first, and back",
        ),
    ]  # fmt: skip

    HEADER_LINES = 2

    @dataclass(eq=False, repr=False)
    class Sorted(Message):
        """The order is another."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.rows = Rows()
        self.longest_name = self.longest_why = 0
        """Of all rows, in cells: the longest name with its place, and the longest reason."""
        self._draft = False

    def on_unmount(self) -> None:
        """Drop the rows, of which a large account has thousands, before the collector would find them."""
        self.rows = Rows()
        self.shown = ()

    def start(self, *, draft: bool) -> None:
        """Begin anew: no rows yet, the same filter and order."""
        old, self.rows = self.rows, Rows()
        self.longest_name = self.longest_why = 0
        self.rows.choose(outcome=old.outcome, only_changed=old.only_changed, needle=old.needle, order=old.order)
        self._draft = draft
        self._show(None)

    def add(self, rows: Sequence[WhoCanRow]) -> None:
        """Take new rows in; who stood at the top stays there, who had moved stays on their row."""
        kept = self.row if self.cursor else None
        self.rows.add(rows)
        for row in rows:
            self.longest_name = max(self.longest_name, cell_len(f"{_name(row)}  {_place(row)}".rstrip()))
            self.longest_why = max(self.longest_why, cell_len(row.why))
        self._show(kept)

    def choose(
        self, *, outcome: Outcome | None, only_changed: bool = False, needle: str = "", order: Order | None = None
    ) -> None:
        kept = self.row
        self.rows.choose(outcome=outcome, only_changed=only_changed, needle=needle, order=order)
        self._show(kept)

    def _show(self, kept: WhoCanRow | None) -> None:
        offset = self.cursor - self.scroll_offset.y
        self.show_rows(self.rows.shown, kept)
        if self.cursor:
            self.scroll_to(y=max(0, self.cursor - offset), animate=False, force=True)

    # Drawing.

    def _widths(self, width: int) -> tuple[int, int]:
        """The widths of the name and of the reason; the reason's is 0 where it has no column."""
        fixed = 1 + _VERDICT + len(_GAP) + _KIND + len(_GAP) + (_BEFORE + len(_GAP) if self._draft else 0)
        room = max(8, width - fixed)
        if room < _WHY_BESIDES:
            return room, 0
        # Reasons are told below the list too: names come first, as long as some of the reason is left.
        name = min(self.longest_name, max(_LEAST_NAME, room - len(_GAP) - min(self.longest_why, room // 2)))
        name = max(name, min(_LEAST_NAME, room))
        return name, room - name - len(_GAP)

    def header_pieces(self, y: int, width: int) -> Sequence[Piece]:
        if y == 1:
            return [Piece("─" * width, "guide")]
        name, why = self._widths(width)
        order = self.rows.order
        pieces = [Piece(" ")]
        if self._draft:
            pieces.append(Piece("before".ljust(_BEFORE) + _GAP, "header"))
        for title, size in (("verdict", _VERDICT), ("name", name), ("kind", _KIND)):
            here = title == order.by
            text = f"{title} {'▼' if order.reverse else '▲'}" if here else title
            pieces.append(Piece(text.ljust(size) + _GAP, "header-sorted" if here else "header"))
        if why:
            pieces.append(Piece("why", "header"))
        return pieces

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        row = self.shown[index]
        name, why = self._widths(width)
        pieces: list[Piece] = []
        if self._draft:
            pieces.append(_before(row))
        pieces.append(Piece(row.words.short.ljust(_VERDICT) + _GAP, row.words.tone))
        shown = fit(_name(row), name)
        padding = name - cell_len(shown)
        where = fit(f"  {_place(row)}", padding) if row.where and padding > 4 else ""
        pieces += [
            Piece(shown, "" if row.inside else "link"),
            Piece(where + " " * (padding - cell_len(where)) + _GAP, "faint"),
            Piece(row.kind.ljust(_KIND) + _GAP, "muted"),
        ]
        if why:
            pieces.append(Piece(fit(row.why, why), "muted"))
        return pieces

    # Keys.

    def action_sort_by(self, step: int) -> None:
        at = ORDERS.index(self.rows.order.by)
        self._sort(Order(ORDERS[(at + step) % len(ORDERS)]))

    def action_reverse_sort(self) -> None:
        self._sort(Order(self.rows.order.by, not self.rows.order.reverse))

    def _sort(self, order: Order) -> None:
        rows = self.rows
        rows.choose(outcome=rows.outcome, only_changed=rows.only_changed, needle=rows.needle, order=order)
        self._show(None)
        self.post_message(self.Sorted())


def _before(row: WhoCanRow) -> Piece:
    if row.before is None:
        return Piece(" " * _BEFORE + _GAP)
    mark = row.before.mark + row.before.star
    return Piece((f"{mark} →" if row.changed else mark).ljust(_BEFORE) + _GAP, "warning" if row.changed else "faint")


def _name(row: WhoCanRow) -> str:
    return safe_text(row.name)


def _place(row: WhoCanRow) -> str:
    return safe_text(row.where)
