"""The lists in an answer: the layers of a decision with state and why, and the cells of several, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from iamtui.engine.decision import Layer
from iamtui.presentation.answer import MatrixCell, MatrixWords, matrix_words
from iamtui.presentation.styled_words import Row, Tone
from iamtui.presentation.verdict import DecisionLayers, LayerText, absent_layers, layer_block, layer_row, pipeline
from iamtui.text import safe_text
from iamtui.tui.content import fit, fit_end, lines, styled
from iamtui.tui.widgets.lists.line_list import LineView, Piece, pieces_of
from iamtui.tui.widgets.lists.wrapped_text import wrap

if TYPE_CHECKING:
    from iamtui.engine.decision import StatementRef
    from iamtui.questions.answers import Answer
    from iamtui.questions.question import QuestionMatrix


LayerRow = tuple[LayerText | None, Content]


class LayersList(LineView):
    """Every layer in evaluation order, those that do not apply in the last row; or all of them in one line.

    A row may have several lines; the cursor moves from row to row, and is seen only where keys move it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Statement", id="layers.jump", tooltip="Go to the statement"),
        Binding(
            "space", "switch", "Layer on/off", id="layers.switch", tooltip="Ask without the layer, or with it again"
        ),
    ]

    CURSOR_BAR: ClassVar[str] = "▶"

    DEFAULT_CSS = """
    LayersList {
        height: auto;
        margin: 0 1 0 0;
    }
    """

    @dataclass(eq=False, repr=False)
    class Jump(Message):
        """The user wants to see a statement of this layer; `ref` is None when no statement of it took part."""

        layer: Layer
        ref: StatementRef | None

    @dataclass(eq=False, repr=False)
    class LayerSwitched(Message):
        """The user switched a layer off, or on again."""

        layer: Layer

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._layers: DecisionLayers | None = None
        self._rows: list[LayerRow] = []
        self._lines: list[tuple[int, Content]] = []
        """The lines, each with the index of its row."""

    def show(self, layers: DecisionLayers | None, rows: Sequence[LayerRow] = ()) -> None:
        """Show the layers of a decision as `layer_rows` or `pipeline_row` made them; None empties the list.

        The cursor stays on its layer while the request is the same; for another it goes to the layer that decides.
        """
        here = self._under_cursor
        kept = here.layer if here is not None else None
        if layers is not None and (self._layers is None or layers.request != self._layers.request):
            kept = layers.deciding
        self._layers = layers
        if not _alike(rows, self._rows):
            self._lines = [(at, line) for at, (_layer, row) in enumerate(rows) for line in row.split("\n")]
            self._rows = [*rows]
            self.set_total(len(self._lines), cursor=self._line_of(kept))
        else:
            self._rows = [*rows]
            self.move_to(self._line_of(kept))

    @property
    def line_count(self) -> int:
        return len(self._lines)

    def _line_of(self, layer: Layer | None) -> int:
        for at, (row, _line) in enumerate(self._lines):
            text = self._rows[row][0]
            if text is not None and text.layer is layer:
                return at
        return 0

    @property
    def _under_cursor(self) -> LayerText | None:
        return self._rows[self._lines[self.cursor][0]][0] if self._lines else None

    # What LineView draws.

    def is_stop(self, index: int) -> bool:
        row = self._lines[index][0]
        return self._rows[row][0] is not None and (not index or self._lines[index - 1][0] != row)

    def is_under_cursor(self, index: int) -> bool:
        return self.has_focus and self._lines[index][0] == self._lines[self.cursor][0]

    def line(self, index: int, width: int) -> tuple[Sequence[Piece], tuple[str, ...]]:
        """A line with the mark of the cursor in front of the first of a row."""
        pieces, under = super().line(index, width)
        return (pieces if index == self.cursor else [Piece(" ", "bar"), *pieces[1:]]), under

    def pieces(self, index: int, width: int) -> Sequence[Piece]:  # noqa: ARG002 - declared by LineView
        return pieces_of(self._lines[index][1], "strong" if self.is_under_cursor(index) else "")

    def refresh_row(self, index: int) -> None:  # noqa: ARG002 - declared by LineView
        """Draw all of it: a row may have several lines."""
        self.refresh()

    def on_line_view_cursor_moved(self, event: LineView.CursorMoved) -> None:
        event.stop()

    # Keys and mouse.

    def on_line_view_line_opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        here = self._under_cursor
        if here is not None:
            self.post_message(self.Jump(here.layer, here.statement))

    def action_switch(self) -> None:
        here = self._under_cursor
        if here is not None:
            self.post_message(self.LayerSwitched(here.layer))


def _alike(rows: Sequence[LayerRow], others: Sequence[LayerRow]) -> bool:
    return len(rows) == len(others) and all(
        (one and one.layer) is (other and other.layer) and row.is_same(content)
        for (one, row), (other, content) in zip(rows, others, strict=True)
    )


def nothing_to_jump_to(layer: Layer) -> str:
    return f"No statement of the {layer.value.replace('_', ' ')} layer took part in this decision."


_BEHIND_MARK: Final = "    "


def layer_rows(
    layers: DecisionLayers, *, compact: bool = False, column: int = 0, short: bool = False
) -> list[LayerRow]:
    """Every layer of a decision with its row, in evaluation order; those that do not apply share the last row.

    Args:
        compact: without columns, for a narrow panel.
        column: the width of a narrow, high panel in cells, where every reason is written out, so that a row has
            several lines; else 0.
        short: why only where a layer is open, in one row that is cut at the edge.
    """
    rows: list[LayerRow] = []
    for layer in layers.applying:
        row = styled(layer_row(layer, compact=compact, short=short))
        if column and not short:
            row = written_out(lines(*map(styled, layer_block(layer))), column)
        rows.append((layer, row))
    if layers.absent:
        rows.append((None, written_out(styled(absent_layers(layers.absent, short=short)), column)))
    return rows


def pipeline_row(layers: DecisionLayers, width: int) -> list[LayerRow]:
    """All layers in one line, with the deciding one as its layer."""
    deciding = next((layer for layer in layers.every if layer.layer is layers.deciding), layers.every[0])
    return [(deciding, styled(pipeline(layers, width)))]


def written_out(row: Content, width: int) -> Content:
    """A row whose lines fit the width, those below the first indented behind the mark; width 0 leaves it alone."""
    if not width:
        return row
    first, *rest = row.split("\n")
    head = wrap(first, width)[0]
    below = [piece for part in (_flush(first[len(head) :]), *rest) for piece in wrap(part, width - len(_BEHIND_MARK))]
    below = [piece for piece in below if piece]
    return Content("\n").join([head, *(Content(_BEHIND_MARK).append(piece) for piece in below)])


def _flush(row: Content) -> Content:
    return row[len(row.plain) - len(row.plain.lstrip()) :]


_VERDICT: Final = 12

_GAP: Final = 2

_LEAST_NAME: Final = 24

_MOST_COLUMNS: Final = 12


class MatrixView(LineView):
    """Actions down and resources across, or one line for each pair where that is too narrow.

    Says `CursorMoved` when another cell is under the cursor, `LineOpened` when it is wanted in full.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "column(-1)", "Resource to the left", show=False, id="matrix.left"),
        Binding("l,right", "column(1)", "Resource to the right", show=False, id="matrix.right"),
    ]

    DEFAULT_CSS = """
    MatrixView {
        height: 1;
        margin: 0 1 0 0;
    }
    """

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._words: MatrixWords | None = None
        self._asked: QuestionMatrix | None = None
        self._rows: list[tuple[int, ...]] = []
        self._grid = False
        self._column = 0
        self._names = 0
        self._across = _VERDICT
        self._most = 1
        self._arranged_for = 0
        self.HEADER_LINES = 0

    def show(self, answer: Answer | None, most: int) -> None:
        """Show the cells of an answer in at most so many lines; the cursor stays where the questions are the same."""
        asked = answer.question_matrix if answer is not None else None
        kept = self.chosen if asked is not None and asked == self._asked else None
        self._words, self._asked, self._most = matrix_words(answer) if answer is not None else None, asked, most
        self._arrange()
        if self._words is not None:
            self._fill(kept)
        elif self.total:
            # It may be drawn once more before it is hidden.
            self.set_total(0)

    @property
    def summary(self) -> Row:
        return self._words.summary if self._words is not None else ()

    @property
    def rows(self) -> int:
        return min(len(self._rows) + self.HEADER_LINES, self._most)

    def _fill(self, kept: int | None) -> None:
        rows = self.rows
        if self.styles.height is None or self.styles.height.value != rows:
            self.styles.height = rows
        at = next((n for n, row in enumerate(self._rows) if kept in row), 0) if kept is not None else 0
        cells = self._rows[at]
        if kept is not None and kept in cells:
            self._column = cells.index(kept)
        elif self._words is not None:
            every = self._words.cells
            self._column = min(range(len(cells)), key=lambda column: every[cells[column]].badness)
        self.set_total(len(self._rows), cursor=at)

    def _arrange(self) -> None:
        words = self._words
        if words is None:
            self._rows, self.HEADER_LINES = [], 0
            return
        self._arranged_for = self.size.width
        across, width = words.across, self.size.width - 1
        room = width - across * (_VERDICT + _GAP)
        self._grid = 1 < across <= _MOST_COLUMNS and room >= _LEAST_NAME and len(words.cells) > across
        self.HEADER_LINES = 1 if self._grid else 0
        self._rows = words.rows(grid=self._grid)
        self._column = 0
        longest = max(cell_len(safe_text(cell.name, limit=None)) for cell in words.cells)
        resources = max(cell_len(safe_text(cell.resource, limit=None)) for cell in words.cells)
        if self._grid:
            self._names = min(longest, room)
            self._across = max(_VERDICT, min(resources, (width - self._names) // across - _GAP))
        else:
            room = max(width - _VERDICT - _GAP, 8)
            self._names = min(longest, max(room // 2, room - _GAP - resources) if across > 1 else room)

    def on_resize(self) -> None:
        if self._words is not None and self.size.width != self._arranged_for:
            kept = self.chosen
            self._arrange()
            self._fill(kept)
        super().on_resize()

    @property
    def chosen(self) -> int:
        if not self._rows:
            return 0
        cells = self._rows[min(self.cursor, len(self._rows) - 1)]
        return cells[min(self._column, len(cells) - 1)]

    def action_column(self, step: int) -> None:
        if self._grid and self._rows:
            column = max(0, min(len(self._rows[0]) - 1, self._column + step))
            if column != self._column:
                self._column = column
                self.redraw()
                self.post_message(self.CursorMoved(self, self.cursor))

    # Drawing.

    def header_pieces(self, y: int, width: int) -> Sequence[Piece]:  # noqa: ARG002 - declared by LineView
        assert self._words is not None
        names = [Piece(" " * (self._names + 1))]
        for column, index in enumerate(self._rows[0]):
            style = "header-sorted" if column == self._column else "header"
            text = fit_end(self._words.cells[index].resource, self._across)
            names.append(Piece(" " * _GAP + text + " " * (self._across - cell_len(text)), style))
        return names

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """A line: the verdicts behind the action, or before it where each pair has a line of its own."""
        assert self._words is not None
        cells = [self._words.cells[number] for number in self._rows[index]]
        name = fit(safe_text(cells[0].name), self._names)
        if not self._grid:
            return self._listed(cells[0], name, width)
        found = [Piece(name.ljust(self._names))]
        for column, cell in enumerate(cells):
            here = index == self.cursor and column == self._column
            found += [Piece(" ▸" if here else "  ", "bar"), _verdict_piece(cell)]
            found.append(Piece(" " * (self._across - _VERDICT)))
        return found

    def _listed(self, cell: MatrixCell, name: str, width: int) -> Sequence[Piece]:
        assert self._words is not None
        found = [_verdict_piece(cell), Piece("  "), Piece(name)]
        left = width - 1 - _VERDICT - _GAP - self._names - _GAP
        if self._words.across > 1 and left >= 8:
            space = " " * (self._names - cell_len(name) + _GAP)
            found += [Piece(space), Piece(fit_end(cell.resource, left), "muted")]
        return found


def _verdict_piece(cell: MatrixCell) -> Piece:
    return Piece(cell.verdict.ljust(_VERDICT), "muted" if cell.tone is Tone.QUIET else cell.tone)
