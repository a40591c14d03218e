"""MatrixView: the answers to several questions at once, drawn by line, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content

from iamtui.presentation.verdict import LIMITED, verdict_words
from iamtui.text import safe_text
from iamtui.tui.content import fit, line
from iamtui.tui.widgets.lists.line_list import LineView, Piece

if TYPE_CHECKING:
    # It brings in the engine, which is not loaded before the first frame.
    from iamtui.workspace.answers import Answer, Cell

_VERDICT: Final = 12
_GAP: Final = 2
_LEAST_NAME: Final = 24
_MOST_COLUMNS: Final = 12
_NO_PART: Final = 99
"""Behind whatever an answer can be."""


class MatrixRow(NamedTuple):
    """The cells of one action, a column each, and their indexes in the answer."""

    cells: tuple[int, ...]


def rows_of(answer: Answer, *, grid: bool) -> list[MatrixRow]:
    """The cells as rows, the worst first, those alike as asked; `grid`: a row for each action, resources across."""
    bad = _badness(answer)
    if not grid:
        return [MatrixRow((index,)) for index in sorted(range(len(bad)), key=bad.__getitem__)]
    across = columns_of(answer)
    lines = [range(start, start + across) for start in range(0, len(bad), across)]
    lines.sort(key=lambda cells: min(bad[index] for index in cells))
    order = sorted(range(across), key=lambda column: min(bad[cells[column]] for cells in lines))
    return [MatrixRow(tuple(cells[column] for column in order)) for cells in lines]


def _badness(answer: Answer) -> list[int]:
    """How bad each cell is, 0 the worst."""
    from iamtui.workspace.answers import severity  # an answer is there, so the engine is loaded

    part = {id(cell) for cell in answer.taking_part}
    return [severity(cell.deciding) if id(cell) in part else _NO_PART for cell in answer.cells]


def columns_of(answer: Answer) -> int:
    """How many resources each action was asked about."""
    return max(1, len(dict.fromkeys(answer.question_matrix.resources)))


def summary(answer: Answer) -> Content:
    """What the answers come to, in counts: how many actions a pattern stands for, how many are denied."""
    cells, part = answer.cells, answer.counted
    verdicts = [verdict_words(cell.deciding) for cell in part]
    counted = Counter(shown.word for shown in verdicts)
    limited = sum(1 for shown in verdicts if shown.word == "ALLOWED" and shown.limit)
    words = {"DENIED": "denied", "DEPENDS": "depend", "ALLOWED": "allowed"}
    styles = {"DENIED": "$verdict-denied", "DEPENDS": "$verdict-depends", "ALLOWED": "$verdict-allowed"}
    parts: list[object] = []
    for word, text in words.items():
        if counted[word]:
            parts += [", " if parts else "", (f"{counted[word]:,} {text}", f"bold {styles[word]}")]
    if limited:
        parts.append((f" ({limited:,}{LIMITED})", styles["ALLOWED"]))
    patterns = Counter(cell.pattern for cell in cells if "*" in cell.pattern or "?" in cell.pattern)
    across = columns_of(answer)
    front = [(f"{pattern} ({_actions(count // across)})", "bold") for pattern, count in patterns.items()]
    if len(answer.question_matrix.actions) == 1 and patterns:
        # The pattern stands above.
        front = [(f"{_actions(len(cells) // across)}:", "bold")]
    never = sum(1 for cell in cells if cell.never_asked) if len(cells) > 1 else 0
    none = len(cells) - len(part) - never
    of = f" of {len(part):,}" if len(counted) > 1 and not (never or none) else ""
    of = (f", {none:,} no part" if none else "") + (f", {never:,} never asked" if never else "") or of
    tail = f"; {answer.cut:,} more not asked: too many" if answer.cut else ""
    about: list[object] = []
    for piece in front[:2]:
        about += [piece, " "]
    return line(*about, *parts, (of + tail, "$muted"))


def _actions(count: int) -> str:
    return "1 action" if count == 1 else f"{count:,} actions"


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
        self._answer: Answer | None = None
        self._rows: list[MatrixRow] = []
        self._grid = False
        self._column = 0
        self._names = 0
        self._across = _VERDICT
        self._most = 1
        self._part: set[int] = set()
        self._arranged_for = 0
        self.HEADER_LINES = 0

    def show(self, answer: Answer | None, most: int) -> None:
        """Show the cells of an answer in at most so many lines; the cursor stays where the questions are the same."""
        same = (
            answer is not None and self._answer is not None and answer.question_matrix == self._answer.question_matrix
        )
        kept = self.chosen if same else None
        self._answer, self._most = answer, most
        self._arrange()
        if answer is not None:
            self._fill(kept)

    @property
    def rows(self) -> int:
        return min(len(self._rows) + self.HEADER_LINES, self._most)

    def _fill(self, kept: int | None) -> None:
        rows = self.rows
        if self.styles.height is None or self.styles.height.value != rows:
            self.styles.height = rows
        at = next((n for n, row in enumerate(self._rows) if kept in row.cells), 0) if kept is not None else 0
        cells = self._rows[at].cells
        if kept is not None and kept in cells:
            self._column = cells.index(kept)
        elif self._answer is not None:
            bad = _badness(self._answer)
            self._column = min(range(len(cells)), key=lambda column: bad[cells[column]])
        self.set_total(len(self._rows), cursor=at)

    def _arrange(self) -> None:
        answer = self._answer
        if answer is None:
            self._rows = []
            return
        self._arranged_for = self.size.width
        across, width = columns_of(answer), self.size.width - 1
        room = width - across * (_VERDICT + _GAP)
        self._grid = 1 < across <= _MOST_COLUMNS and room >= _LEAST_NAME and len(answer.cells) > across
        self.HEADER_LINES = 1 if self._grid else 0
        self._rows = rows_of(answer, grid=self._grid)
        self._part = {id(cell) for cell in answer.taking_part}
        self._column = 0
        longest = max(cell_len(_name(cell)) for cell in answer.cells)
        resources = max(cell_len(safe_text(cell.question.resource, limit=None)) for cell in answer.cells)
        if self._grid:
            self._names = min(longest, room)
            self._across = max(_VERDICT, min(resources, (width - self._names) // across - _GAP))
        else:
            room = max(width - _VERDICT - _GAP, 8)
            self._names = min(longest, max(room // 2, room - _GAP - resources) if across > 1 else room)

    def on_resize(self) -> None:
        """Arrange the cells for the new width."""
        if self._answer is not None and self.size.width != self._arranged_for:
            kept = self.chosen
            self._arrange()
            self._fill(kept)
        super().on_resize()

    @property
    def chosen(self) -> int:
        """The index in the answer of the cell under the cursor; 0 without one."""
        if not self._rows:
            return 0
        cells = self._rows[min(self.cursor, len(self._rows) - 1)].cells
        return cells[min(self._column, len(cells) - 1)]

    def action_column(self, step: int) -> None:
        """Move to another resource."""
        if self._grid and self._rows:
            column = max(0, min(len(self._rows[0].cells) - 1, self._column + step))
            if column != self._column:
                self._column = column
                self.redraw()
                self.post_message(self.CursorMoved(self, self.cursor))

    # Drawing.

    def header_pieces(self, y: int, width: int) -> Sequence[Piece]:  # noqa: ARG002 - declared by LineView
        """The resources, by their ends, which differ more than their beginnings."""
        assert self._answer is not None
        names = [Piece(" " * (self._names + 1))]
        for column, index in enumerate(self._rows[0].cells):
            style = "header-sorted" if column == self._column else "header"
            text = _tail(self._answer.cells[index].question.resource, self._across)
            names.append(Piece(" " * _GAP + text + " " * (self._across - cell_len(text)), style))
        return names

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """A line: the verdicts behind the action, or before it where each pair has a line of its own."""
        assert self._answer is not None
        cells = [self._answer.cells[number] for number in self._rows[index].cells]
        if not self._grid:
            return self._listed(cells[0], width)
        found = [Piece(fit(_name(cells[0]), self._names).ljust(self._names))]
        for column, cell in enumerate(cells):
            here = index == self.cursor and column == self._column
            found += [Piece(" ▸" if here else "  ", "bar"), self._verdict_piece(cell)]
            found.append(Piece(" " * (self._across - _VERDICT)))
        return found

    def _listed(self, cell: Cell, width: int) -> Sequence[Piece]:
        assert self._answer is not None
        found = [self._verdict_piece(cell), Piece("  "), Piece(fit(_name(cell), self._names))]
        left = width - 1 - _VERDICT - _GAP - self._names - _GAP
        several = columns_of(self._answer) > 1
        if several and left >= 8:
            space = " " * (self._names - min(self._names, cell_len(_name(cell))) + _GAP)
            found += [Piece(space), Piece(_tail(cell.question.resource, left), "muted")]
        return found

    def _verdict_piece(self, cell: Cell) -> Piece:
        assert self._answer is not None
        if cell.never_asked and len(self._answer.cells) > 1:
            return Piece("[!] never".ljust(_VERDICT), "depends")
        if id(cell) not in self._part:
            return Piece(" ·  no part".ljust(_VERDICT), "muted")
        shown = verdict_words(cell.deciding)
        return Piece(shown.short.ljust(_VERDICT), shown.tone)


def _name(cell: Cell) -> str:
    name = cell.question.action
    typed = cell.pattern
    return f"{typed} ({name})" if typed and "*" not in typed and "?" not in typed else name


def _tail(text: str, width: int) -> str:
    """The end of a text, in at most so many cells."""
    safe = safe_text(text, limit=None)
    while safe and cell_len(safe) > width:
        safe = safe[max(1, cell_len(safe) - width) :]
        if cell_len(safe) <= width:
            safe = "…" + safe[1:]
    return safe
