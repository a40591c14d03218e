"""ListingView: a declared list in columns, sorted, filtered and narrowed to a kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message

from iamtui.presentation.listing import At, ListColumn, Listing, Report
from iamtui.presentation.styled_words import Row, text_of
from iamtui.tui.content import fit, fit_name, short_name
from iamtui.tui.widgets.lists.line_list import LINE_TONES, SORT_KEYS, Piece
from iamtui.tui.widgets.lists.list_pane import FilteredList

_GAP: Final = "  "
_MEASURED: Final = 500
"""Rows of which the columns are as wide as the longest."""
_LEAST, _ENOUGH = 12, 24
"""Cells of a column that are left to it where others need them, and those that it keeps before others shrink."""


class Widths(NamedTuple):
    """Cells that a column needs for all of its texts, for most of them, and for most without the paths of names."""

    longest: int
    most: int
    short: int


class RowOrder(NamedTuple):
    """The column that rows are sorted by, or "" for the order of the list itself."""

    by: str = ""
    reverse: bool = False


UNSORTED: Final = RowOrder()


class ListingView(FilteredList[Any]):
    """The rows of a Report under the titles of their columns; inner rows follow theirs in every order."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Go there", id="report.open", tooltip="Go to it in the tree, or ask the step"),
        *SORT_KEYS,
        Binding("o", "reverse_sort", "Reverse", id="table.reverse", tooltip="Reverse the order of the lines"),
    ]

    HEADER_LINES = 1

    @dataclass(eq=False, repr=False)
    class RowsSorted(Message):
        """The order is another."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._listing: Listing[Any] = Listing("", ())
        self._longest: dict[str, Widths] = {}
        self._measured = 0
        self._chosen: Sequence[str] | None = None
        self._inner: set[int] = set()
        self.order = UNSORTED

    def show_report(self, report: Report[Any], kind: str, needle: str, keep: object = None) -> None:
        """Show the rows of a kind in which a text occurs.

        Args:
            keep: the key of the row that the cursor is on, as far below the top as it was; None: the first.
        """
        measured = min(len(report.rows), _MEASURED)
        if report.listing is not self._listing or measured != self._measured:
            self._listing, self._measured = report.listing, measured
            self._measure(report.rows[:_MEASURED])
        shown: list[Any] = []
        self._inner = set()
        for row in self._sorted(report.shown(kind, needle)):
            shown.append(row)
            shown += (inner := report.listing.inner(row))
            self._inner.update(range(len(shown) - len(inner), len(shown)))
        below, key = self.cursor - self.scroll_offset.y, report.listing.key
        at = 0 if keep is None else next((at for at, row in enumerate(shown) if key(row) == keep), 0)
        self.shown = shown
        self.set_total(len(shown), cursor=at)
        if at:
            self.scroll_to(y=max(0, at - below), animate=False, force=True)

    @property
    def key(self) -> object:
        """The identity of the row under the cursor, or None."""
        return self._listing.key(self.row) if self.shown else None

    @property
    def outer(self) -> list[Any]:
        """The rows that are shown without their inner rows."""
        return [row for at, row in enumerate(self.shown) if at not in self._inner]

    def _measure(self, rows: Sequence[Any]) -> None:
        inner = [one for row in rows for one in self._listing.inner(row)]
        for at, column in enumerate(self._listing.columns_at(At.PEOPLE)):
            indent = "" if at else _GAP
            texts = [text_of(column.shown(row)) for row in rows]
            texts += [indent + text_of(column.shown(row)) for row in inner]
            self._longest[column.id] = Widths(
                *(max(map(cell_len, texts), default=0), _most(texts), _most([*map(short_name, texts)]))
            )

    def _sorted(self, rows: list[Any]) -> list[Any]:
        by, reverse = self.order
        if self._listing.order is not None:
            rows.sort(key=self._listing.order)
        column = next((one for one in self._listing.columns if one.id == by), None)
        if column is None:
            return rows[::-1] if reverse else rows
        known = [row for row in rows if column.order(row) is not None]
        known.sort(key=column.order, reverse=reverse)
        return [*known, *(row for row in rows if column.order(row) is None)]

    # The columns.

    @property
    def titles(self) -> Mapping[str, str]:
        return {column.id: column.title for column in self._listing.columns_at(At.PEOPLE)}

    def _columns(self, width: int) -> list[ListColumn[Any]]:
        """Those that are wanted, have something in them and have room."""
        columns = [one for one in self._wanted if self._longest[one.id].longest]
        while 1 + sum(self._least(one) + len(_GAP) for one in columns) > width:
            first = max(columns, key=lambda one: one.gives_way)
            if not first.gives_way:
                break
            columns.remove(first)
        return columns

    @property
    def _wanted(self) -> list[ListColumn[Any]]:
        chosen = [one for one in self._listing.columns_at(At.PEOPLE) if one.id in (self._chosen or ())]
        return chosen or self._listing.columns_at(At.SCREEN)

    def _least(self, column: ListColumn[Any]) -> int:
        """The cells without which a column says too little."""
        return min(max(self._longest[column.id].short, cell_len(column.title) + 2), _ENOUGH)

    @property
    def shown_columns(self) -> list[str]:
        return [column.id for column in self._columns(self.size.width)]

    @property
    def hidden_columns(self) -> list[str]:
        shown = self.shown_columns
        wanted = [one.id for one in self._wanted if self._chosen and self._longest[one.id].longest]
        return [name for name in wanted if name not in shown]

    def show_columns(self, ids: Sequence[str] | None) -> None:
        """Show these columns; None, or none that there is: the usual ones."""
        self._chosen = ids
        self.redraw()

    def _sizes(self, width: int) -> list[tuple[ListColumn[Any], int]]:
        """The columns and their widths: all that they hold, or what most rows need, names without paths last."""
        columns = self._columns(width)
        room = width - 1 - len(_GAP) * len(columns)
        longest, most, short = (
            [max(widths, cell_len(one.title) + 2) for one, widths in zip(columns, each, strict=True)]
            for each in zip(*(self._longest[one.id] for one in columns), strict=True)
        ) if columns else ([], [], [])  # fmt: skip
        sizes = shared_out(room, most if sum(most[:-1]) <= room // 2 else short)
        for at in range(len(sizes)):
            sizes[at] += max(0, min(room - sum(sizes), longest[at] - sizes[at]))
        return list(zip(columns, sizes, strict=True))

    # Drawing.

    def header_pieces(self, y: int, width: int) -> Sequence[Piece]:  # noqa: ARG002 - there is one line
        pieces = [Piece(" ")]
        for column, size in self._sizes(width):
            here = column.id == self.order.by
            title = f"{column.title} {'↓' if self.order.reverse else '↑'}" if here else column.title
            pieces.append(Piece(fit(title, size).ljust(size) + _GAP, "header-sorted" if here else "header"))
        return pieces

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        row, inner = self.shown[index], index in self._inner
        pieces = [Piece(_GAP)] if inner else []
        left = -len(_GAP) if inner else 0
        cells = [(column.shown(row), size) for column, size in self._sizes(width)]
        # A long name may have what the last cell of its row leaves.
        spare = max(0, cells[-1][1] - cell_len(text_of(cells[-1][0]))) if cells else 0
        for cell, size in cells:
            left += size
            if not pieces and not text_of(cell):
                # What has no mark stands where marks are.
                left += len(_GAP)
                continue
            more = min(spare, max(0, cell_len(short_name(text_of(cell))) - left))
            spare -= more
            pieces += [*_cell(cell, left + more), Piece(_GAP)]
            left = 0
        return pieces

    # Keys and mouse.

    def action_sort_by(self, step: int) -> None:
        ids = ["", *self.shown_columns]
        at = ids.index(self.order.by) if self.order.by in ids else 0
        self._sort(RowOrder(ids[(at + step) % len(ids)]))

    def action_reverse_sort(self) -> None:
        self._sort(RowOrder(self.order.by, not self.order.reverse))

    def header_clicked(self, x: int) -> None:
        """Sort by the clicked column, again: in reverse."""
        at = 1
        for column, size in self._sizes(self.size.width):
            if at <= x < at + size + len(_GAP):
                self._sort(RowOrder(column.id, column.id == self.order.by and not self.order.reverse))
            at += size + len(_GAP)

    def _sort(self, order: RowOrder) -> None:
        self.order = order
        self.post_message(self.RowsSorted())


def _most(texts: Sequence[str]) -> int:
    """The cells that nine of ten texts need; all of them where that is little."""
    cells = sorted(map(cell_len, texts)) or [0]
    return max(cells[len(cells) * 9 // 10], min(cells[-1], _ENOUGH))


def _cell(cell: Row, size: int) -> list[Piece]:
    """The words of a cell, cut or padded to a width; of a name the path is left out first."""
    pieces: list[Piece] = []
    left = size
    for word in cell:
        text = fit_name(word.text, left)
        pieces.append(Piece(text, LINE_TONES[word.tone]))
        left -= cell_len(text)
    return [*pieces, Piece(" " * left)]


def shared_out(room: int, wanted: Sequence[int]) -> list[int]:
    """Widths that fill the room: each what it wants, the widest less where that is too much."""
    sizes = list(wanted)
    over = sum(sizes) - room
    while over > 0 and max(sizes, default=0) > _LEAST:
        widest = max(sizes)
        next_one = max((size for size in sizes if size < widest), default=_LEAST)
        many = sizes.count(widest)
        step = min(max(1, over // many), max(1, widest - next_one))
        for at, size in enumerate(sizes):
            if size == widest and over > 0:
                sizes[at] -= min(step, over)
                over -= min(step, over)
    return sizes
