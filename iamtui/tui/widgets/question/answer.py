"""AnswerView: the answer to an inquiry, as much of it as the panel has room for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from iamtui.tui.widgets.covered import Column
from iamtui.tui.widgets.line_view import LineView
from iamtui.tui.widgets.question.layers import LayersList
from iamtui.tui.widgets.question.matrix import MatrixView
from iamtui.tui.widgets.question.room import MEDIUM, NARROW, WIDE
from iamtui.tui.widgets.wrapped import wrap_all

if TYPE_CHECKING:
    # It brings in the engine, which is not loaded before the first frame.
    from iamtui.evaluation.explanation import Explanation
    from iamtui.tui.widgets.question.shown import Shown

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
        self._explanation: Explanation | None = None
        self._said = Content(""), Content("")
        self._texts: dict[str, Content] = {}
        self._held: dict[str, int] = {}
        self._width = 0
        self.rows_beside = 4
        """How many lines of the panel are not the answer's."""

    def compose(self) -> ComposeResult:
        """From top to bottom, the most important first."""
        yield Static(id="question-summary")
        yield MatrixView(id="question-matrix")
        yield Static(id="question-verdict")
        yield Static(id="question-because")
        yield Static(id="question-layers-of")
        yield LayersList(id="question-layers")
        yield Static(id="question-more")

    @property
    def layers_list(self) -> LayersList:
        """The list of layers."""
        return self.query_one(LayersList)

    @property
    def matrix(self) -> MatrixView:
        """The matrix, on screen when there are several answers."""
        return self.query_one(MatrixView)

    def focus_list(self) -> None:
        """Give the focus to what moves through the answer: the matrix, or the layers of a single one."""
        (self.matrix if self.matrix.display else self.layers_list).focus()

    def fit(self, room: str) -> None:
        """Take the form for NARROW, MEDIUM or WIDE."""
        self._room = room
        self.release()
        for name in (NARROW, WIDE):
            self.set_class(room == name, name)
        if self._shown is not None:
            self._arrange(self._shown)

    def on_resize(self) -> None:
        """Wrap to the new width."""
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
        """Show an answer."""
        self._shown, self._explanation = shown, None
        _set_display(self.layers_list, shown=True)
        self._arrange(shown)

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
        """Show another cell of the answer on screen."""
        self._shown, self._explanation = shown, None
        self._draw()

    def explain(self, explanation: Explanation) -> None:
        """Add what would help to the answer on screen."""
        if self._shown is not None and explanation.suggestions:
            self._explanation = explanation
            self._draw()

    def say(self, sentence: Content, more: Content) -> None:
        """Show a sentence in place of an answer, and what to do below it."""
        self._shown = self._explanation = None
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
        if self._shown is None:
            return
        from iamtui.tui.widgets.question import answer_text  # noqa: PLC0415 - not before the first frame
        from iamtui.tui.widgets.question.matrix import summary  # noqa: PLC0415 - likewise

        shown, decision = self._shown, self._shown.decision
        wide, width = self._room == WIDE, self.size.width - 2
        label = answer_text.layers_of(shown, self._room)
        _set_display(self.query_one("#question-layers-of"), shown=bool(label))
        self._put("layers-of", wrap_all([label], width, 1))
        self.layers_list.show(decision, compact=self._room == NARROW, column=self.size.width - 3 if wide else 0)
        suggestions = self._explanation.suggestions if self._explanation is not None else ()
        if len(shown.answer.cells) > 1:
            self._put("summary", wrap_all([summary(shown.answer)], width, 1))
        reasons = answer_text.reasons(shown, suggestions, self._room, width)
        self.set_class(bool(shown.left_out), "-aside")
        verdict = [*answer_text.left_out_lines(shown), answer_text.verdict_line(shown)]
        self._tell(verdict, reasons, holds=True)
        if wide:
            account = shown.asked.workspace.account
            more = answer_text.more(shown, account, suggestions, width)
            self._put("more", wrap_all(more, width, _ANY))
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
        changed = rows_beside != self.rows_beside
        self.rows_beside = rows_beside
        if changed and self._shown is not None:
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
