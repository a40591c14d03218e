"""TraceView: long reasoning as lines that wrap, fold, can be searched and lead to statements. Drawn line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from iamtui.engine.decision import StatementRef
from iamtui.presentation.trace import TraceRow
from iamtui.tui.content import styled
from iamtui.tui.explorer.document_view import Hits, json_pieces
from iamtui.tui.widgets.lists.line_list import LineView, Piece, pieces_of
from iamtui.tui.widgets.lists.wrapped_text import wrap

_ABOVE: Final = 4
"""How many lines stay visible above the line that is shown first."""


@dataclass(frozen=True, slots=True)
class _Line:
    row: int
    content: Content
    gutter: str


class TraceView(LineView):
    """Shows `TraceRow`s. The cursor goes line by line; Enter leads to the statement or opens the fold."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter,o", "open_line", "Statement", id="trace.jump", tooltip="Go to the statement, or unfold the line"
        ),
        Binding("space", "fold", "Unfold", id="trace.fold", tooltip="Unfold or fold the statements that did not match"),
    ]

    @dataclass(eq=False, repr=False)
    class StatementChosen(Message):
        """Enter on a row that belongs to a statement."""

        ref: StatementRef

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._rows: Sequence[TraceRow] = ()
        self._lines: list[_Line] = []
        self._first_line: dict[int, int] = {}
        self._open: set[str] = set()
        self._hits = Hits()
        self._width = 0
        self._first = 0
        self._touched = False

    @property
    def rows(self) -> Sequence[TraceRow]:
        """All rows, folded ones too."""
        return self._rows

    @property
    def row(self) -> TraceRow | None:
        return self._rows[self._lines[self.cursor].row] if self._lines else None

    @property
    def touched(self) -> bool:
        return self._touched

    @property
    def has_folds(self) -> bool:
        return any(row.opens for row in self._rows)

    def show(self, rows: Sequence[TraceRow], first: int = 0) -> None:
        """Show these rows with the cursor on one of them; the search and what was unfolded stay."""
        self._rows, self._first, self._touched = rows, first, False
        self._layout()
        self._place(first)

    def _place(self, row: int) -> None:
        line = self._first_line.get(row, 0)
        self.set_total(len(self._lines), cursor=line)
        self.scroll_to(y=max(0, line - min(_ABOVE, self.page // 3)), animate=False, force=True)

    def _layout(self) -> None:
        width = max(16, (self.scrollable_content_region.width or self.size.width or 80) - 2)
        self._width = width
        lines: list[_Line] = []
        first: dict[int, int] = {}
        for index, row in enumerate(self._rows):
            if row.fold and row.fold not in self._open:
                continue
            first[index] = len(lines)
            content = styled(row.words)
            pieces = wrap(content, width - len(row.gutter)) if row.wraps else [content]
            gutter = row.gutter
            for piece in pieces:
                lines.append(_Line(index, piece, gutter))
                gutter = " " * len(gutter)
        self._lines, self._first_line = lines, first
        self._hits = Hits(self._searchable(), self._hits.needle)

    def _searchable(self) -> list[str]:
        """The text of each line; the whole row's for the first one when the search's hit lies across two lines."""
        needle = self._hits.needle
        texts = [line.content.plain for line in self._lines]
        if needle:
            for index, at in self._first_line.items():
                whole = self._rows[index].text
                if needle in whole.lower():
                    until = at
                    while until < len(self._lines) and self._lines[until].row == index:
                        until += 1
                    if not any(needle in text.lower() for text in texts[at:until]):
                        texts[at] = whole
        return texts

    def on_resize(self) -> None:
        width = max(16, (self.scrollable_content_region.width or self.size.width or 80) - 2)
        if width == self._width and self._lines:
            return
        row = self._lines[self.cursor].row if self._lines and self._touched else self._first
        self._layout()
        self._place(row)

    # Drawing.

    def pieces(self, index: int, width: int) -> Sequence[Piece]:  # noqa: ARG002 - the lines are wrapped already
        line = self._lines[index]
        row = self._rows[line.row]
        found: Iterable[Piece]
        found = json_pieces(line.content.plain) if row.json else pieces_of(line.content)
        if self._hits.needle:
            found = self._hits.marked(list(found))
        here = index == self._hits.line
        if row.opens in self._open and row.opens:
            found = [Piece(piece.text.replace("▸", "▾", 1), piece.style) for piece in found]
        gutter = [Piece(line.gutter, "hit" if here else "faint")] if line.gutter else []
        return [Piece("▸" if here and not line.gutter else " ", "match"), *gutter, *found]

    def line_background(self, index: int) -> str:
        return self._rows[self._lines[index].row].ground

    # Search.

    @property
    def needle(self) -> str:
        return self._hits.needle

    @property
    def place(self) -> str:
        """Where the search is: "2 of 7", "nothing found", or ""."""
        return self._hits.words

    def search(self, needle: str) -> str:
        """Mark every occurrence (any letter case), unfold what holds one, and go to the next from the cursor on."""
        self._hits = Hits((), needle)
        lowered = needle.lower()
        folds = {row.fold for row in self._rows if lowered and row.fold and lowered in row.text.lower()}
        row = self._lines[self.cursor].row if self._lines else 0
        self._open |= folds
        self._layout()
        if folds:
            self._place(row)
        if self._hits.lines:
            at = next((i for i, line in enumerate(self._hits.lines) if line >= self.cursor), 0)
            for _ in range(at + 1):
                self._hits.step(1)
            self._show_hit()
        self.refresh()
        return self._hits.words

    def step(self, direction: int) -> str:
        """Go to the next (1) or previous (-1) hit; returns where that is in words."""
        self._hits.step(direction)
        self._show_hit()
        self.refresh()
        return self._hits.words or "Nothing is looked for: / starts."

    def _show_hit(self) -> None:
        line = self._hits.line
        if line is not None:
            self._touched = True
            self.move_to(line)
            if line not in range(self.scroll_offset.y + 1, self.scroll_offset.y + self.page - 1):
                self.scroll_to(y=max(0, line - self.page // 2), animate=False, force=True)

    # Keys.

    def on_key(self, _event: events.Key) -> None:
        """From the first key on the cursor is where the user wants it."""
        self._touched = True

    def action_fold(self) -> None:
        """Open or close the fold under the cursor; elsewhere all of them."""
        row = self.row
        if row is None:
            return
        at = self._lines[self.cursor].row
        fold = row.opens or row.fold
        if fold:
            self._toggle({fold})
            at = next((i for i, one in enumerate(self._rows) if one.opens == fold), at)
        else:
            everything = {one.opens for one in self._rows if one.opens}
            self._toggle(everything)
        self._layout()
        top = self.scroll_offset.y
        self.set_total(len(self._lines), cursor=self._first_line.get(at, 0))
        if at == self._lines[self.cursor].row:
            self.scroll_to(y=top, animate=False, force=True)
            self.move_to(self.cursor)

    def _toggle(self, folds: set[str]) -> None:
        self._open = self._open - folds if folds <= self._open else self._open | folds

    def action_open_line(self) -> None:
        row = self.row
        if row is not None and row.opens:
            self.action_fold()
        elif row is not None and row.ref is not None:
            self.post_message(self.StatementChosen(row.ref))

    def action_line_left(self) -> None:
        if self.row is not None and (self.row.fold or self.row.opens in self._open):
            self.action_fold()

    def action_line_right(self) -> None:
        if self.row is not None and self.row.opens and self.row.opens not in self._open:
            self.action_fold()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "fold" and not self.has_folds:
            return False
        return super().check_action(action, parameters)

    def plain_text(self, keep: Callable[[TraceRow], bool] = lambda _row: True) -> str:
        """All rows as text, folded ones too."""
        return "\n".join(row.plain.rstrip() for row in self._rows if keep(row)) + "\n"
