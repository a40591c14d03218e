"""AnswerView: the answer to an inquiry, as much of it as the panel has room for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
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
_OTHERS: Final[Mapping[str, str]] = {NARROW: "none", MEDIUM: "marks", WIDE: "lines"}
_TEXTS: Final = ("summary", "verdict", "before", "because", "companions", "notes", "more")
_INDENT = "  "


class AnswerView(Vertical):
    """Verdict, deciding statement, layers and notes; in a whole column the statement's text and what would help."""

    DEFAULT_CSS = """
    AnswerView {
        height: auto;

        & Static {
            text-wrap: nowrap;
        }
        & #question-summary, & #question-before {
            height: auto;
            max-height: 1;
            padding: 0 1;
        }
        & MatrixView {
            display: none;
        }
        &.-several MatrixView {
            display: block;
        }
        & #question-companions {
            height: auto;
            max-height: 4;
            padding: 0 1;
        }
        & #question-verdict {
            height: auto;
            max-height: 2;
            padding: 0 1;
        }
        & #question-because {
            height: auto;
            max-height: 3;
            padding: 0 1;
            color: $foreground;
        }
        & #question-notes {
            height: auto;
            max-height: 5;
            padding: 0 1;
        }
        & #question-more {
            display: none;
            height: 1fr;
            padding: 1 1 0 1;
            text-wrap: nowrap;
        }
        & .-empty {
            display: none;
        }
        & LayersList {
            max-height: 9;
        }
        &.-stale #question-verdict, &.-stale #question-because, &.-stale LayersList {
            text-opacity: 55%;
        }
        &.-compact #question-verdict {
            max-height: 3;
        }
        &.-compact #question-notes {
            display: none;
        }
        &.-compact #question-companions, &.-compact.-several #question-verdict, &.-compact.-several #question-because {
            max-height: 1;
        }
        &.-compact LayersList {
            height: 2;
        }
        &.-compact LayersList:focus {
            height: auto;
            max-height: 9;
        }
        &.-compact.-nothing LayersList {
            display: none;
        }
        &.-wide {
            height: 1fr;
        }
        &.-wide #question-notes {
            max-height: 12;
            padding: 1 1 0 1;
        }
        &.-wide #question-verdict, &.-wide #question-because {
            max-height: 6;
        }
        &.-wide #question-companions {
            max-height: 12;
        }
        &.-wide MatrixView {
            margin: 0 1 1 0;
        }
        &.-wide #question-more {
            display: block;
        }
        &.-wide LayersList {
            margin: 1 1 0 1;
            max-height: 24;
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
        super().__init__()
        self._room = MEDIUM
        self._shown: Shown | None = None
        self._explanation: Explanation | None = None
        self._texts: dict[str, Content] = {}
        self._rows: dict[str, int] = {}
        self._width = 0

    def compose(self) -> ComposeResult:
        """From top to bottom, the most important first."""
        yield Static(id="question-summary", classes="-empty")
        yield MatrixView(id="question-matrix")
        yield Static(id="question-verdict")
        yield Static(id="question-before", classes="-empty")
        yield Static(id="question-because", classes="-empty")
        yield Static(id="question-companions", classes="-empty")
        yield Static(id="question-notes", classes="-empty")
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
        if self.size.width != self._width:
            self._width = self.size.width
            self._rows.clear()
            self._texts, texts = {}, self._texts
            if self._shown is not None:
                self._draw()
            else:
                for name, content in texts.items():
                    self._put(name, content)

    def show(self, shown: Shown) -> None:
        """Show an answer."""
        self._shown, self._explanation = shown, None
        self.remove_class("-nothing")
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
        self.add_class("-nothing")
        self.remove_class("-several")
        self.matrix.show(None, 1)
        for name in _TEXTS:
            self._put(name, {"verdict": sentence, "because": more}.get(name, Content("")))
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
        principal, account = shown.answer.principal, shown.asked.workspace.account
        wide = self._room == WIDE
        suggestions = self._explanation.suggestions if self._explanation is not None else ()
        below = Content("")
        if wide:
            about = conditions(decision)
            width = self.size.width - 2
            rows = _more(decision, principal, account, suggestions, width)
            below = Content("\n").join([piece for row in rows for piece in wrap(row, width)])
        else:
            # How to get around a Deny is told by its name, which stands above.
            useful = suggestions if decision.outcome is Outcome.IMPLICIT_DENY else ()
            about = Content("\n").join([*_short_suggestion(useful), *notes(decision)])
        beside = list(companion_lines(shown, others=_OTHERS[self._room]))
        self._put("summary", summary(shown.answer) if len(shown.answer.cells) > 1 else Content(""))
        self._put("verdict", verdict_line(shown))
        self._put("before", before_line(shown))
        self._put("because", because(decision, short=wide))
        self._put("companions", Content("\n").join(beside))
        self._put("notes", about)
        self._put("more", below)
        self.layers_list.show(decision, compact=self._room == NARROW, column=self.size.width - 3 if wide else 0)

    def _put(self, name: str, content: Content) -> None:
        before = self._texts.get(name)
        if before is not None and before.is_same(content):
            return
        self._texts[name] = content
        widget = self.query_one(f"#question-{name}", Static)
        if name == "more":
            widget.update(content, layout=False)
            return
        width = self.size.width - 2
        rows = [piece for row in content.split("\n") for piece in wrap(row, width)] if content else []
        # An update lays the whole screen out again, which is only needed where the number of lines changes.
        changed = self._rows.get(name) != len(rows)
        self._rows[name] = len(rows)
        widget.update(Content("\n").join(rows), layout=changed)
        if changed and name != "verdict":
            widget.set_class(not rows, "-empty")


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
