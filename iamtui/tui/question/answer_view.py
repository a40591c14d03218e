"""AnswerView: the answer to a question matrix, as much of it as the panel has room for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from iamtui.presentation.answer import AnswerWords, MatrixCell, MatrixWords, Shown, answer_words, matrix_words
from iamtui.presentation.styled_words import Row, Tone
from iamtui.presentation.verdict import statement_name
from iamtui.text import safe_text
from iamtui.tui.content import fit, fit_end, line, plain, styled
from iamtui.tui.inventory import statement_lines
from iamtui.tui.question.caller import SESSION
from iamtui.tui.question.completing_input import QUOTES
from iamtui.tui.question.layers_list import LayersList
from iamtui.tui.question.panel_text import MEDIUM, NARROW, WIDE
from iamtui.tui.widgets.lists.containers import Column
from iamtui.tui.widgets.lists.line_list import LineView, Piece
from iamtui.tui.widgets.lists.wrapped_text import wrap, wrap_all

if TYPE_CHECKING:
    from iamtui.engine.explanation import Explanation, Suggestion
    from iamtui.questions.answers import Answer
    from iamtui.questions.question import QuestionMatrix


_MATRIX_ROWS: Final[Mapping[str, int]] = {NARROW: 3, MEDIUM: 9, WIDE: 18}
_MOST_VERDICT, _MOST_REASONS, _ANY = 4, 40, 400

_AROUND, _SHARE, _LAYERS, _LEAST_TEXTS = 4, 60, 2, 2
"""Lines of status, messages and keys; the panel's share of the rest; the fewest lines of layers; of texts."""
_SESSIONS, _GAPS, _LEAST_MATRIX = 2, 3, 4
"""Lines left to the sessions; empty ones of a whole column; the fewest of a matrix."""
_TEXTS_AND_LAYERS: Final[Mapping[str, int]] = {NARROW: 4, MEDIUM: 9, WIDE: 16}
"""Lines that a matrix leaves to the rest."""


class AnswerView(Column):
    """Verdict, deciding statement, layers and notes; in a whole column the statement's text and what would help."""

    DEFAULT_CSS = """
    AnswerView {
        height: auto;

        & Static {
            padding: 0 1;
            text-wrap: nowrap;
        }
        & #question-summary {
            display: none;
            height: 1;
        }
        & MatrixView {
            display: none;
        }
        & #question-layers-of {
            display: none;
            height: 1;
        }
        & #question-verdict {
            height: 1;
        }
        & #question-because {
            height: 1;
            color: $foreground;
        }
        & #question-more {
            display: none;
            height: 1fr;
            padding: 1 1 0 1;
        }
        & LayersList {
            display: none;
            max-height: 9;
        }
        &.-stale #question-verdict, &.-stale #question-because, &.-stale LayersList {
            text-opacity: 55%;
        }
        &.-aside #question-because, &.-aside LayersList {
            text-opacity: 55%;
        }
        &.-compact LayersList {
            height: 2;
        }
        &.-compact LayersList:focus {
            height: auto;
            max-height: 9;
        }
        &.-wide {
            height: 1fr;
        }
        &.-wide #question-more {
            display: block;
        }
        &.-wide #question-because {
            margin-bottom: 1;
        }
        &.-wide LayersList {
            max-height: 24;
        }
        &.-wide MatrixView {
            margin: 0 1 1 0;
        }
    }
    """

    @dataclass(eq=False, repr=False)
    class Chosen(Message):
        """Another cell of the matrix is looked at."""

        index: int

    @dataclass(eq=False, repr=False)
    class Opened(Message):
        """The cell under the matrix's cursor is wanted in full."""

    def __init__(self) -> None:
        super().__init__()
        self._room = MEDIUM
        self._shown: Shown | None = None
        self._words: AnswerWords | None = None
        self._explanation: Explanation | None = None
        self._said = Content(""), Content("")
        self._texts: dict[str, Content] = {}
        self._held: dict[str, int] = {}
        self._width = 0
        self.rows_beside = 4
        """How many lines of the panel are not the answer's."""

    def compose(self) -> ComposeResult:
        yield Static(id="question-summary")
        yield MatrixView(id="question-matrix")
        yield Static(id="question-verdict")
        yield Static(id="question-because")
        yield Static(id="question-layers-of")
        yield LayersList(id="question-layers")
        yield Static(id="question-more")

    @property
    def layers_list(self) -> LayersList:
        return self.query_one(LayersList)

    @property
    def matrix(self) -> MatrixView:
        return self.query_one(MatrixView)

    def focus_list(self) -> None:
        (self.matrix if self.matrix.display else self.layers_list).focus()

    def fit(self, room: str) -> None:
        self._room = room
        self.release()
        for name in (NARROW, WIDE):
            self.set_class(room == name, name)
        if self._shown is not None:
            self._arrange(self._shown)

    def on_resize(self) -> None:
        if self.size.width == self._width:
            return
        self._width = self.size.width
        self.release()
        if self._shown is not None:
            self._draw()
        else:
            sentence, more = self._said
            self._tell([sentence], [more], holds=False)

    def release(self) -> None:
        """Be only as high as the next answer needs.

        Until then every part stays as high as it ever was: what is below does not jump while answers follow each
        other, and the screen need not be laid out again.
        """
        self._held.clear()

    def show(self, shown: Shown) -> None:
        self._hold(shown)
        _set_display(self.layers_list, shown=True)
        self._arrange(shown)

    def _hold(self, shown: Shown) -> None:
        self._shown, self._words, self._explanation = shown, answer_words(shown), None

    def _arrange(self, shown: Shown) -> None:
        several = len(shown.answer.cells) > 1
        self._show_several(several)
        most = _MATRIX_ROWS[self._room]
        if self._room != NARROW:
            most = min(most, max(_LEAST_MATRIX, self._room_of_panel - 1 - _TEXTS_AND_LAYERS[self._room]))
        self.matrix.show(shown.answer if several else None, most)
        self._draw()

    def _show_several(self, several: bool) -> None:
        for part in (self.query_one("#question-summary"), self.matrix):
            _set_display(part, shown=several)

    def look_at(self, shown: Shown) -> None:
        self._hold(shown)
        self._draw()

    def explain(self, explanation: Explanation) -> None:
        if explanation.suggestions:
            self._explanation = explanation
            self._draw()

    def say(self, sentence: Content, more: Content) -> None:
        """Show a sentence in place of an answer, and what to do below it."""
        self._shown = self._words = self._explanation = None
        self._said = sentence, more
        self.remove_class("-aside")
        self._show_several(False)
        _set_display(self.query_one("#question-layers-of"), shown=False)
        self.matrix.show(None, 1)
        self._tell([sentence], [more], holds=False)
        self._put("more", [])
        self.layers_list.show(None)

    @on(LineView.CursorMoved)
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        if self._shown is not None and self.matrix.display and self.matrix.chosen != self._shown.index:
            self.post_message(self.Chosen(self.matrix.chosen))

    @on(LineView.LineOpened)
    def _opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        self.post_message(self.Opened())

    def _draw(self) -> None:
        shown, words = self._shown, self._words
        if shown is None or words is None:
            return
        wide, width = self._room == WIDE, self.size.width - 2
        label = _layers_of(words, self._room)
        _set_display(self.query_one("#question-layers-of"), shown=bool(label))
        self._put("layers-of", wrap_all([label], width, 1))
        column = self.size.width - 3 if wide else 0
        self.layers_list.show(words.layers, compact=self._room == NARROW, column=column)
        suggestions = self._explanation.suggestions if self._explanation is not None else ()
        if self.matrix.display:
            self._put("summary", wrap_all([styled(self.matrix.summary)], width, 1))
        reason_lines = reasons(words, suggestions, self._room, width)
        self.set_class(bool(shown.left_out), "-aside")
        verdict = [*_left_out_lines(shown.left_out), styled(words.verdict)]
        self._tell(verdict, reason_lines, holds=True)
        if wide:
            lines: Sequence[tuple[int, str]] = ()
            if words.statement is not None:
                account, resource = shown.asked.workspace.account, shown.decision.request.resource
                lines = statement_lines(account, shown.principal, resource, words.statement)
            self._put("more", wrap_all(more(words, lines, suggestions, width), width, _ANY))
        self._hold_layers()

    def _tell(self, verdict: Iterable[Content], reasons: Iterable[Content], *, holds: bool) -> None:
        """Show verdict and reasons, together as high as they ever were.

        Args:
            holds: whether they are to be held at this height from now on, as answers are and sentences are not.
        """
        width = self.size.width - 2
        first, *more = wrap_all(verdict, width, max(1, min(_MOST_VERDICT, self._most_texts - 1))) or [Content("")]
        # The verdict's other lines stand with the reasons: only that text changes its height.
        most = max(1, min(_MOST_REASONS, self._most_texts - len(more) - 1))
        below = [*more, *wrap_all(reasons, width, most)]
        rows = max(len(below), min(self._held.get("texts", 0), self._most_texts - 1))
        if holds:
            self._held["texts"] = rows
        self._put("verdict", [first])
        self._put("because", below)
        _set_height(self.query_one("#question-because", Static), rows)

    @property
    def _room_of_panel(self) -> int:
        """How many lines the window has for the answer, beside the question's fields."""
        if self._room == WIDE:
            return self.app.size.height - _AROUND - _SESSIONS - _GAPS - self.rows_beside
        return (self.app.size.height - _AROUND) * _SHARE // 100 - self.rows_beside

    @property
    def _room_below_matrix(self) -> int:
        matrix = self.matrix.rows + 1 if self.matrix.display else 0
        return self._room_of_panel - matrix - self.query_one("#question-layers-of").display

    @property
    def _most_texts(self) -> int:
        """How many lines verdict and reasons may take: the layers below them are not pushed out."""
        if self._room == NARROW:
            return max(_LEAST_TEXTS, self._room_below_matrix - _LAYERS)
        left = self._room_below_matrix - self._most_layers
        spare = _SESSIONS if self._room == MEDIUM and not self.matrix.display else 0
        return max(_LEAST_TEXTS, left - spare)

    @property
    def _most_layers(self) -> int:
        """How many lines of layers there are, or fit; the one that decides is scrolled to."""
        return min(self.layers_list.line_count, max(_LAYERS, self._room_below_matrix - _LEAST_TEXTS))

    def make_room(self, rows_beside: int) -> None:
        """Fit the texts beside the question's fields, which take so many lines now."""
        changed, self.rows_beside = rows_beside != self.rows_beside, rows_beside
        if changed:
            self._draw()

    def _put(self, name: str, rows: Sequence[Content]) -> None:
        content = Content("\n").join(rows)
        before = self._texts.get(name)
        if before is None or not before.is_same(content):
            self._texts[name] = content
            self.query_one(f"#question-{name}", Static).update(content, layout=False)

    def _hold_layers(self) -> None:
        """Keep the list of layers as high as it ever was; in a small panel the styles say how high."""
        if self._room == NARROW:
            self.layers_list.styles.clear_rule("height")
            return
        most = self._most_layers
        rows = max(self.layers_list.line_count, self._held.get("layers", 0))
        if most < self.layers_list.line_count:
            rows = most
        self._held["layers"] = rows
        _set_height(self.layers_list, rows)


def _set_display(widget: Widget, *, shown: bool) -> None:
    """Show a part or hide it. A class of the whole view would have the styles of every part worked out again."""
    if widget.display is not shown:
        widget.display = shown


def _set_height(widget: Widget, rows: int) -> None:
    if widget.styles.height is None or widget.styles.height.value != rows:
        widget.styles.height = rows


# The cells of an answer, drawn by line, the worst first.


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
            self._rows = []
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


# An answer in lines, as many as there is room for.


class _Room(NamedTuple):
    """How many lines each kind of reason may take."""

    because: int
    others: int
    notes: int


_ROOMS: Final[Mapping[str, _Room]] = {NARROW: _Room(3, 2, 0), MEDIUM: _Room(3, 4, 5), WIDE: _Room(6, 20, 12)}

_NEVER_ASKED, _REMARKS = 2, 3
_ANY_WIDTH: Final = 400


def reasons(words: AnswerWords, suggestions: Sequence[Suggestion], room: str, width: int) -> Iterator[Content]:
    """What stands below the verdict: why, the other requests behind the call, and what else is to know."""
    most = _ROOMS[room]

    def told(rows: Iterable[Row], lines: int) -> list[Content]:
        return wrap_all(map(styled, rows), width, lines)

    yield from told([words.never_asked], _NEVER_ASKED)
    yield from told(words.remarks, _REMARKS)
    yield from told([words.before], 1)
    yield from told([words.short_because if room == WIDE else words.because], most.because)
    optional = {NARROW: (), MEDIUM: (words.optional_marks,) if words.optional else (), WIDE: words.optional}[room]
    yield from with_rest_counted([styled(row) for row in (*words.others, *optional)], width, most.others)
    if room == WIDE:
        yield from told(words.conditions, most.notes)
    elif room == NARROW:
        yield from told([words.rest], 1)
    else:
        # How to get around a Deny is told by its name, which stands above.
        helps = _short_suggestion(suggestions) if words.lacks_allow else ()
        yield from wrap_all((*helps, *map(styled, words.notes)), width, most.notes)


def with_rest_counted(rows: list[Content], width: int, most: int) -> list[Content]:
    """As many rows as fit into so many lines, whole, and how many more there are; one alone is cut."""
    found: list[Content] = []
    for at, row in enumerate(rows):
        pieces = wrap_all([row], width, _ANY_WIDTH)
        rest = len(rows) - at
        room = most - len(found) - (1 if rest > 1 else 0)
        if len(pieces) <= room:
            found += pieces
        elif not found:
            return wrap_all(rows, width, most)
        else:
            return [*found, line((f"and {rest} more: w", "$muted"))]
    return found


def _left_out_lines(left_out: str) -> Iterator[Content]:
    """What is typed and not part of the question that is answered."""
    if left_out:
        word = plain(left_out, "bold", limit=64)
        # A whole path may stand there: only Enter says that it does.
        why = "not read yet (Enter reads it)" if left_out.lstrip(QUOTES).startswith(SESSION) else "half typed"
        yield line(("! ", "bold $verdict-depends"), word, f" is {why}: what follows is answered without it.")


def _layers_of(words: AnswerWords, room: str) -> Content:
    """Which request the layers are of, where the question comes to more than one that could be meant; else empty."""
    step = f"Layers of {words.step}" if room == MEDIUM else words.step[:1].upper() + words.step[1:]
    return line((step, "$muted"), styled(words.about)) if words.about else Content("")


def _short_suggestion(suggestions: Sequence[Suggestion]) -> Iterator[Content]:
    if suggestions:
        more = f"  (and {len(suggestions) - 1} more: w)" if len(suggestions) > 1 else ""
        yield line(("Would help: ", "$muted"), plain(suggestions[0].change, limit=None), (more, "$muted"))


def more(
    words: AnswerWords, statement: Sequence[tuple[int, str]], suggestions: Sequence[Suggestion], width: int
) -> Iterator[Content]:
    """What a whole column has room for: the lines of the deciding statement, what would help, the notes."""
    if statement and words.statement is not None:
        yield plain(statement_name(words.statement), "bold $heading")
        margin = min(len(text) - len(text.lstrip()) for _number, text in statement)
        for number, text in statement:
            front = f"{number:>4}  "
            for piece in wrap(plain(text[margin:], limit=None), width - len(front)):
                yield line((front, "$faint"), piece)
                front = " " * len(front)
        yield Content("")
    if suggestions and words.can_be_helped:
        yield plain("What would allow it (all of it is needed)", "bold $heading")
        for suggestion in suggestions:
            yield plain(f"- {suggestion.change}", limit=None)
            if suggestion.statement is not None:
                text = json.dumps(suggestion.statement, indent=2, ensure_ascii=False)
                yield from (plain(f"  {row}", "$muted", limit=None) for row in text.split("\n"))
        yield Content("")
    yield from map(styled, words.long_notes)
