"""MatrixView: the cells of an answer to several actions or resources, drawn by line, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len
from textual.binding import Binding, BindingType

from iamtui.presentation.answer import MatrixCell, MatrixWords, matrix_words
from iamtui.presentation.styled_words import Row, Tone
from iamtui.text import safe_text
from iamtui.tui.content import fit, fit_end
from iamtui.tui.widgets.lists.line_list import LineView, Piece

if TYPE_CHECKING:
    from iamtui.questions.answers import Answer
    from iamtui.questions.question import QuestionMatrix

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
