"""AnswerView: the answer to an inquiry, as much of it as the panel has room for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from iamtui.account.model import Account
from iamtui.evaluation.decision import Decision, Outcome, StatementRef
from iamtui.evaluation.request import Principal
from iamtui.tui.safe import line, plain
from iamtui.tui.statements import document_of, statement_text
from iamtui.tui.widgets.line_view import LineView
from iamtui.tui.widgets.question.layers import LayersList
from iamtui.tui.widgets.question.matrix import MatrixView, summary
from iamtui.tui.widgets.question.shown import Shown, before_line, companion_lines, verdict_line
from iamtui.tui.widgets.question.verdict import because, conditions, notes, statement_name
from iamtui.tui.widgets.wrapped import wrap

if TYPE_CHECKING:
    # It brings in the engine, which is not loaded before the first frame.
    from iamtui.evaluation.explanation import Explanation, Suggestion

NARROW, MEDIUM, WIDE = "-compact", "-medium", "-wide"
"""How much room there is: the verdict and two layers; all layers; a whole column."""

_MATRIX_ROWS: Final[Mapping[str, int]] = {NARROW: 5, MEDIUM: 9, WIDE: 18}
_MOST_LINES: Final[Mapping[str, int]] = {"summary": 1, "verdict": 4, "because": 40}


@dataclass(frozen=True, slots=True)
class _Room:
    """How many lines each kind of reason may take, and how to tell requests that do not decide."""

    because: int
    companions: int
    notes: int
    others: str


_ROOMS: Final[Mapping[str, _Room]] = {
    NARROW: _Room(3, 2, 0, "none"),
    MEDIUM: _Room(3, 4, 5, "marks"),
    WIDE: _Room(6, 12, 12, "lines"),
}

_INDENT = "  "
_ANY: Final = 400

_AROUND, _SHARE, _LAYERS, _LEAST_TEXTS = 4, 60, 2, 2
"""Of a small window: lines of status, messages and keys; the panel's share of the rest; lines of layers; of texts."""


class AnswerView(Vertical):
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
        &.-several #question-summary, &.-several MatrixView {
            display: block;
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
            max-height: 9;
        }
        &.-stale #question-verdict, &.-stale #question-because, &.-stale LayersList {
            text-opacity: 55%;
        }
        &.-compact LayersList {
            height: 2;
        }
        &.-compact LayersList:focus {
            height: auto;
            max-height: 9;
        }
        &.-unanswered LayersList {
            display: none;
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

    @dataclass
    class Chosen(Message):
        """Another cell of the matrix is looked at."""

        index: int

    @dataclass
    class Opened(Message):
        """The cell under the matrix's cursor is wanted in full."""

    def __init__(self) -> None:
        super().__init__(classes="-unanswered")
        self._room = MEDIUM
        self._shown: Shown | None = None
        self._explanation: Explanation | None = None
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
        for name in (NARROW, WIDE):
            self.set_class(room == name, name)
        if self._shown is not None:
            self.show(self._shown)

    def on_resize(self) -> None:
        """Wrap to the new width."""
        if self.size.width == self._width:
            return
        self._width = self.size.width
        self.release()
        if self._shown is not None:
            self._draw()
        else:
            said, self._texts = self._texts, {}
            self._tell([said.get("verdict", Content(""))], [said.get("because", Content(""))], holds=False)

    def release(self) -> None:
        """Be only as high as the next answer needs.

        Until then every part stays as high as it ever was: what is below does not jump while answers follow each
        other, and the screen need not be laid out again.
        """
        self._held.clear()

    def show(self, shown: Shown) -> None:
        """Show an answer."""
        self._shown, self._explanation = shown, None
        self.remove_class("-unanswered")
        several = len(shown.answer.cells) > 1
        self.set_class(several, "-several")
        self.matrix.show(shown.answer if several else None, _MATRIX_ROWS[self._room])
        self._draw()

    def look_at(self, shown: Shown) -> None:
        """Show another cell of the answer on screen."""
        self._shown, self._explanation = shown, None
        self._draw()

    def explain(self, explanation: Explanation) -> None:
        """Add what would help to the answer on screen."""
        if self._shown is not None:
            self._explanation = explanation
            self._draw()

    def say(self, sentence: Content, more: Content) -> None:
        """Show a sentence in place of an answer, and what to do below it."""
        self._shown = self._explanation = None
        self.remove_class("-several")
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
        shown, decision = self._shown, self._shown.decision
        wide = self._room == WIDE
        suggestions = self._explanation.suggestions if self._explanation is not None else ()
        if len(shown.answer.cells) > 1:
            self._put("summary", [summary(shown.answer)])
        self._tell([verdict_line(shown)], self._reasons(shown, suggestions), holds=True)
        if wide:
            width = self.size.width - 2
            self._put(
                "more", _more(decision, shown.answer.principal, shown.asked.workspace.account, suggestions, width)
            )
        self.layers_list.show(decision, compact=self._room == NARROW, column=self.size.width - 3 if wide else 0)
        self._hold_layers()

    def _reasons(self, shown: Shown, suggestions: tuple[Suggestion, ...]) -> Iterator[Content]:
        """What stands below the verdict: why, the other requests behind the call, and what else is to know."""
        decision, room = shown.decision, _ROOMS[self._room]
        yield from self._wrapped([before_line(shown)], 1)
        yield from self._wrapped([because(decision, short=self._room == WIDE)], room.because)
        yield from self._wrapped(companion_lines(shown, others=room.others), room.companions)
        if self._room == WIDE:
            yield from self._wrapped([conditions(decision)], room.notes)
        elif not room.notes:
            yield from _kept_back(shown)
        else:
            # How to get around a Deny is told by its name, which stands above.
            useful = suggestions if decision.outcome is Outcome.IMPLICIT_DENY else ()
            yield from self._wrapped([*_short_suggestion(useful), *notes(decision)], room.notes)

    def _wrapped(self, contents: Iterable[Content], most: int) -> list[Content]:
        width = self.size.width - 2
        rows = [piece for one in contents if one for row in one.split("\n") for piece in wrap(row, width)]
        if len(rows) <= most or not most:
            return rows[:most]
        # What is cut says so; the trace has all of it.
        last = rows[most - 1]
        return [*rows[: most - 1], (last if last.cell_length < width else last[: width - 1]).append("…")]

    def _tell(self, verdict: Iterable[Content], reasons: Iterable[Content], *, holds: bool) -> None:
        """Show verdict and reasons, together as high as they ever were.

        Args:
            holds: whether they are to be held at this height from now on, as answers are and sentences are not.
        """
        first = self._put("verdict", verdict, max(1, self._most_texts - 1))
        second = self._put("because", reasons, max(1, self._most_texts - first))
        rows = max(first + second, min(self._held.get("texts", 0), self._most_texts))
        if holds:
            self._held["texts"] = rows
        for name, height in (("verdict", first), ("because", rows - first)):
            _set_height(self.query_one(f"#question-{name}", Static), height)

    @property
    def _most_texts(self) -> int:
        """How many lines verdict and reasons may take: in a small window the layers below them are not pushed out."""
        if self._room != NARROW:
            return _ANY
        body = self.app.size.height - _AROUND
        return max(_LEAST_TEXTS, body * _SHARE // 100 - self.rows_beside - _LAYERS)

    def _put(self, name: str, contents: Iterable[Content], most: int = _ANY) -> int:
        """Show lines in one of the texts; returns how many they are."""
        rows = self._wrapped(contents, min(_MOST_LINES.get(name, _ANY), most))
        content = Content("\n").join(rows)
        before = self._texts.get(name)
        if before is None or not before.is_same(content):
            self._texts[name] = content
            self.query_one(f"#question-{name}", Static).update(content, layout=False)
        return len(rows)

    def _hold_layers(self) -> None:
        """Keep the list of layers as high as it ever was; in a small panel the styles say how high."""
        if self._room == NARROW:
            self.layers_list.styles.clear_rule("height")
            return
        rows = self._held["layers"] = max(self.layers_list.line_count, self._held.get("layers", 0))
        _set_height(self.layers_list, rows)


def _kept_back(shown: Shown) -> Iterator[Content]:
    """What a small panel has no room for, counted."""
    checks = sum(1 for one in shown.cell.companions if not one.decides)
    notes_ = len(shown.decision.notes)
    parts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((checks, "other check"), (notes_, "note"))
        if count
    ]
    if parts:
        yield line((f"{' and '.join(parts)}: F7", "$muted"))


def _set_height(widget: Widget, rows: int) -> None:
    if widget.styles.height is None or widget.styles.height.value != rows:
        widget.styles.height = rows


def _short_suggestion(suggestions: tuple[Suggestion, ...]) -> Iterator[Content]:
    if suggestions:
        more = f"  (and {len(suggestions) - 1} more: w)" if len(suggestions) > 1 else ""
        yield line(("Would help: ", "$muted"), plain(suggestions[0].change, limit=None), (more, "$muted"))


def _more(
    decision: Decision, principal: Principal, account: Account, suggestions: tuple[Suggestion, ...], width: int
) -> Iterator[Content]:
    """What a whole column has room for: the deciding statement, what would help, the notes."""
    ref = decision.deciding
    if ref is not None:
        yield from _statement(decision, principal, account, ref, width)
    if suggestions:
        yield plain("What would allow it (all of it is needed)", "bold $heading")
        for suggestion in suggestions:
            yield plain(f"- {suggestion.change}", limit=None)
            if suggestion.statement is not None:
                text = json.dumps(suggestion.statement, indent=2, ensure_ascii=False)
                yield from (plain(_INDENT + row, "$muted", limit=None) for row in text.split("\n"))
        yield Content("")
    yield from notes(decision, long=True)


def _statement(
    decision: Decision, principal: Principal, account: Account, ref: StatementRef, width: int
) -> Iterator[Content]:
    """The statement's lines with their numbers, as far left as they can stand."""
    document = document_of(account, principal, decision.request.resource, ref)
    rows = statement_text(document, ref) if document is not None else []
    if not rows:
        return
    yield plain(statement_name(ref), "bold $heading")
    margin = min(len(text) - len(text.lstrip()) for _number, text in rows)
    for number, text in rows:
        front = f"{number:>4}  "
        for piece in wrap(plain(text[margin:], limit=None), width - len(front)):
            yield line((front, "$faint"), piece)
            front = " " * len(front)
    yield Content("")
