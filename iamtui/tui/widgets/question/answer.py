"""AnswerView: the answer to a question, as much of it as the panel has room for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from iamtui.account.model import Account
from iamtui.evaluation.decision import Decision, Outcome, StatementRef
from iamtui.evaluation.request import Principal
from iamtui.tui.safe import line, plain
from iamtui.tui.statements import document_of, statement_text
from iamtui.tui.widgets.question.layers import LayersList
from iamtui.tui.widgets.question.verdict import because, conditions, notes, statement_name, verdict
from iamtui.tui.widgets.wrapped import wrap

if TYPE_CHECKING:
    # It brings in the engine, which is not loaded before the first frame.
    from iamtui.evaluation.explanation import Explanation, Suggestion

NARROW, MEDIUM, WIDE = "-compact", "-medium", "-wide"
"""How much room there is: the verdict and two layers; all layers; a whole column."""

_INDENT = "  "


class AnswerView(Vertical):
    """Verdict, deciding statement, layers and notes; in a whole column the statement's text and what would help."""

    DEFAULT_CSS = """
    AnswerView {
        height: auto;

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
        &.-wide #question-more {
            display: block;
        }
        &.-wide LayersList {
            margin: 1 1 0 1;
            max-height: 24;
        }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._room = MEDIUM
        self._given: tuple[Decision, Principal, Account] | None = None
        self._explanation: Explanation | None = None
        self._texts: dict[str, Content] = {}

    def compose(self) -> ComposeResult:
        """From top to bottom, the most important first."""
        yield Static(id="question-verdict")
        yield Static(id="question-because", classes="-empty")
        yield Static(id="question-notes", classes="-empty")
        yield LayersList(id="question-layers")
        yield Static(id="question-more")

    @property
    def layers_list(self) -> LayersList:
        """The list of layers."""
        return self.query_one(LayersList)

    def fit(self, room: str) -> None:
        """Take the form for NARROW, MEDIUM or WIDE."""
        self._room = room
        for name in (NARROW, WIDE):
            self.set_class(room == name, name)
        if self._given is not None:
            self._draw()

    def on_resize(self) -> None:
        """Wrap to the new width."""
        if self._given is not None and self._room == WIDE:
            self._draw()

    def show(self, decision: Decision, principal: Principal, account: Account) -> None:
        """Show an answer."""
        self._given, self._explanation = (decision, principal, account), None
        self.remove_class("-nothing")
        self._draw()

    def explain(self, explanation: Explanation) -> None:
        """Add what would help to the answer on screen."""
        if self._given is not None:
            self._explanation = explanation
            self._draw()

    def say(self, sentence: Content, more: Content) -> None:
        """Show a sentence in place of an answer, and what to do below it."""
        self._given = self._explanation = None
        self.add_class("-nothing")
        self._put(sentence, more, Content(""), Content(""))
        self.layers_list.show(None)

    def _draw(self) -> None:
        if self._given is None:
            return
        decision, principal, account = self._given
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
        self._put(verdict(decision).content, because(decision, short=wide), about, below)
        self.layers_list.show(decision, compact=self._room == NARROW, column=self.size.width - 3 if wide else 0)

    def _put(self, says: Content, why: Content, about: Content, more: Content) -> None:
        for name, content in (("verdict", says), ("because", why), ("notes", about), ("more", more)):
            shown = self._texts.get(name)
            # An update lays the whole screen out again: while a key is held most texts stay the same.
            if shown is None or not shown.is_same(content):
                self._texts[name] = content
                widget = self.query_one(f"#question-{name}", Static)
                widget.update(content)
                if name in ("because", "notes"):
                    widget.set_class(not content, "-empty")


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
