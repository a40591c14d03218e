"""WhoCanList: every principal and its answer, one a line, with as much of the reasons as there is room for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message

from iamtui.engine.decision import Outcome
from iamtui.presentation.who_can import (
    ORDERS,
    Order,
    WhoCanRow,
    WhoCanRows,
)
from iamtui.text import safe_text
from iamtui.tui.content import fit
from iamtui.tui.widgets.lists.line_list import SORT_KEYS, Piece
from iamtui.tui.widgets.lists.list_pane import FilteredList
from iamtui.tui.widgets.lists.listing_view import shared_out

_GAP: Final = "  "
_VERDICT: Final = 12
_BEFORE: Final = 7
_KIND: Final = 8
_LEAST_NAME: Final = 24
_WHY_BESIDES: Final = 60
"""From which width on the reasons have a column of their own; below, the lines under the list say them."""
_REASONS_APART: Final = 117
"""From which width on layer, statement, condition and limit have each a column."""


class _Reason(NamedTuple):
    """A part of the reasons that has a column where there is room."""

    title: str
    of: Callable[[WhoCanRow], str]
    style: str = "muted"


_REASONS: Final = (
    _Reason("layer", lambda row: row.layer),
    _Reason("statement", lambda row: row.statement, ""),
    _Reason("condition", lambda row: row.condition, "waits"),
    _Reason("limit", lambda row: row.limit),
)
_WHY: Final = _Reason("why", lambda row: row.why)
COLUMNS: Final = tuple(reason.title for reason in (*_REASONS, _WHY))
"""The columns that can be chosen; verdict, name and kind are always there."""


class WhoCanList(FilteredList[WhoCanRow]):
    """Sorted and filtered rows; the cursor stays on its row while others come in."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Go there", id="whocan.open", tooltip="Go to the principal in the tree"),
        *SORT_KEYS,
        Binding(
            "o", "reverse_sort", "Reverse", id="table.reverse",
            tooltip="Turn the order round: worst answers first, and back",
        ),
    ]  # fmt: skip

    HEADER_LINES = 2

    @dataclass(eq=False, repr=False)
    class Sorted(Message):
        """The order is another."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.rows = WhoCanRows()
        self.longest: dict[str, int] = {}
        """Of all rows, in cells: the longest name with its place, and the longest of each part of the reasons."""
        self.chosen: Sequence[str] | None = None
        """Those of COLUMNS that the user wants; None: the usual ones."""
        self._draft = False

    def on_unmount(self) -> None:
        """Drop the rows, of which a large account has thousands, before the collector would find them."""
        self.rows = WhoCanRows()
        self.shown = ()

    def start(self, *, draft: bool) -> None:
        """Begin anew: no rows yet, the same filter and order."""
        old, self.rows = self.rows, WhoCanRows()
        self.longest.clear()
        self.rows.choose(outcome=old.outcome, only_changed=old.only_changed, needle=old.needle, order=old.order)
        self._draft = draft
        self._show(None)

    def add(self, rows: Sequence[WhoCanRow]) -> None:
        """Take new rows in; who stood at the top stays there, who had moved stays on their row."""
        kept = self.row if self.cursor else None
        self.rows.add(rows)
        longest = self.longest
        for row in rows:
            longest["name"] = max(longest.get("name", 0), cell_len(f"{_name(row)}  {_place(row)}".rstrip()))
            for reason in (*_REASONS, _WHY):
                longest[reason.title] = max(longest.get(reason.title, 0), cell_len(reason.of(row)))
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

    def _columns(self, width: int) -> tuple[int, list[tuple[_Reason, int]]]:
        """The width of the name, and the reasons that have a column, with theirs."""
        fixed = 2 + _VERDICT + len(_GAP) + _KIND + len(_GAP) + (_BEFORE + len(_GAP) if self._draft else 0)
        room, longest = max(8, width - fixed), self.longest
        if room < _WHY_BESIDES:
            return room, []
        if self.chosen is None and room < _REASONS_APART:
            # Reasons are told below the list too: names come first, as long as some of the reason is left.
            why = longest.get("why", 0)
            name = min(longest.get("name", 0), max(_LEAST_NAME, room - len(_GAP) - min(why, room // 2)))
            name = max(name, min(_LEAST_NAME, room))
            return name, [(_WHY, room - name - len(_GAP))]
        if self.chosen is None:
            told = [reason for reason in _REASONS if longest.get(reason.title)]
        else:
            told = [reason for reason in (*_REASONS, _WHY) if reason.title in self.chosen]
        wanted = [max(longest.get("name", 0), _LEAST_NAME)]
        wanted += [max(longest.get(reason.title, 0), len(reason.title) + 2) for reason in told]
        name, *sizes = shared_out(room - len(_GAP) * len(told), wanted)
        return name, list(zip(told, sizes, strict=True))

    @property
    def titles(self) -> Mapping[str, str]:
        return {title: title for title in COLUMNS}

    @property
    def shown_columns(self) -> list[str]:
        return [reason.title for reason, _size in self._columns(self.size.width)[1]]

    @property
    def hidden_columns(self) -> list[str]:
        shown = self.shown_columns
        return [title for title in self.chosen or () if title in COLUMNS and title not in shown]

    def show_columns(self, ids: Sequence[str] | None) -> None:
        self.chosen = ids
        self.redraw()

    def _titles(self, width: int) -> list[tuple[str, int]]:
        name, reasons = self._columns(width)
        before = [("before", _BEFORE)] if self._draft else []
        own = [("verdict", _VERDICT), ("name", name), ("kind", _KIND)]
        return [*before, *own, *((reason.title, size) for reason, size in reasons)]

    def header_pieces(self, y: int, width: int) -> Sequence[Piece]:
        if y == 1:
            return [Piece("─" * width, "guide")]
        order = self.rows.order
        pieces = [Piece(" ")]
        for title, size in self._titles(width):
            here = title == order.by
            text = f"{title} {'▼' if order.reverse else '▲'}" if here else title
            pieces.append(Piece(fit(text, size).ljust(size) + _GAP, "header-sorted" if here else "header"))
        return pieces

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        row = self.shown[index]
        name, reasons = self._columns(width)
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
        for reason, size in reasons:
            text = fit(reason.of(row), size)
            is_absent = reason.title == "statement" and row.outcome is Outcome.IMPLICIT_DENY
            pieces.append(Piece(text + " " * (size - cell_len(text)) + _GAP, "muted" if is_absent else reason.style))
        return pieces

    # Keys and mouse.

    def action_sort_by(self, step: int) -> None:
        titles = [title for title, _size in self._titles(self.size.width)]
        orders = [order for order in ORDERS if order in titles]
        at = orders.index(self.rows.order.by) if self.rows.order.by in orders else 0
        self._sort(Order(orders[(at + step) % len(orders)]))

    def action_reverse_sort(self) -> None:
        self._sort(Order(self.rows.order.by, not self.rows.order.reverse))

    def header_clicked(self, x: int) -> None:
        """Sort by the clicked column, again: in reverse."""
        at = 1
        for title, size in self._titles(self.size.width):
            if at <= x < at + size + len(_GAP) and title in ORDERS:
                order = self.rows.order
                self._sort(Order(title, title == order.by and not order.reverse))
            at += size + len(_GAP)

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


class Arrangement(NamedTuple):
    """How the answers are narrowed and sorted, and the ARN of the principal under the cursor."""

    outcome: Outcome | None = None
    only_changed: bool = False
    needle: str = ""
    order: Order = Order()
    at: str = ""
