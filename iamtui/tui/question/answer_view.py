"""AnswerView: the answer to a question matrix, as much of it as the panel has room for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from iamtui.account.model import Account
from iamtui.engine.decision import Decision, Outcome, StatementRef
from iamtui.engine.request import Principal
from iamtui.presentation.verdict import because, conditions, notes, statement_name
from iamtui.tui.content import line, lines, plain, styled
from iamtui.tui.inventory import statement_lines
from iamtui.tui.question.asking import Shown
from iamtui.tui.question.caller import SESSION
from iamtui.tui.question.completing_input import QUOTES
from iamtui.tui.question.layers_list import LayersList
from iamtui.tui.question.matrix import MatrixView, summary
from iamtui.tui.question.panel_text import MEDIUM, NARROW, WIDE
from iamtui.tui.question.verdict import verdict
from iamtui.tui.widgets.lists.containers import Column
from iamtui.tui.widgets.lists.line_list import LineView
from iamtui.tui.widgets.lists.wrapped_text import wrap, wrap_all

if TYPE_CHECKING:
    from iamtui.engine.explanation import Explanation, Suggestion
    from iamtui.workspace.answers import DependentAnswer


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
        return self.query_one(LayersList)

    @property
    def matrix(self) -> MatrixView:
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

        shown, decision = self._shown, self._shown.decision
        wide, width = self._room == WIDE, self.size.width - 2
        label = layers_of(shown, self._room)
        _set_display(self.query_one("#question-layers-of"), shown=bool(label))
        self._put("layers-of", wrap_all([label], width, 1))
        self.layers_list.show(decision, compact=self._room == NARROW, column=self.size.width - 3 if wide else 0)
        suggestions = self._explanation.suggestions if self._explanation is not None else ()
        if len(shown.answer.cells) > 1:
            self._put("summary", wrap_all([summary(shown.answer)], width, 1))
        reason_lines = reasons(shown, suggestions, self._room, width)
        self.set_class(bool(shown.left_out), "-aside")
        verdict = [*left_out_lines(shown), verdict_line(shown)]
        self._tell(verdict, reason_lines, holds=True)
        if wide:
            account = shown.asked.workspace.account
            more_lines = more(shown, account, suggestions, width)
            self._put("more", wrap_all(more_lines, width, _ANY))
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


# An answer in lines, as many as there is room for. Pure, no widget; loaded with the first answer.


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
    WIDE: _Room(6, 20, 12, "lines"),
}

_INDENT: Final = "  "
_NEVER_ASKED, _REMARKS = 2, 3
_ANY_WIDTH: Final = 400


def reasons(shown: Shown, suggestions: tuple[Suggestion, ...], room: str, width: int) -> Iterator[Content]:
    """What stands below the verdict: why, the other requests behind the call, and what else is to know."""
    decision, most = shown.decision, _ROOMS[room]
    never_asked = shown.cell.never_asked
    yield from wrap_all([_warning(never_asked)], width, _NEVER_ASKED)
    yield from wrap_all([_warning(remark) for remark in shown.remarks], width, _REMARKS)
    yield from wrap_all([before_line(shown)], width, 1)
    yield from wrap_all([styled(because(decision, short=room == WIDE))], width, most.because)
    yield from with_rest_counted(list(companion_lines(shown, others=most.others)), width, most.companions)
    if room == WIDE:
        yield from wrap_all([lines(*map(styled, conditions(decision)))], width, most.notes)
    elif not most.notes:
        yield from _kept_back(shown)
    else:
        # How to get around a Deny is told by its name, which stands above.
        useful = suggestions if decision.outcome is Outcome.IMPLICIT_DENY and not never_asked else ()
        told = [*_short_suggestion(useful), *map(styled, notes(decision, besides=never_asked))]
        yield from wrap_all(told, width, most.notes)


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


def _warning(sentence: str) -> Content:
    return (
        line(("[!] ", "bold $verdict-depends"), plain(sentence, "$verdict-depends", limit=None))
        if sentence
        else Content("")
    )


def left_out_lines(shown: Shown) -> Iterator[Content]:
    """What is typed and not part of the question that is answered."""
    if shown.left_out:
        word = plain(shown.left_out, "bold", limit=64)
        # A whole path may stand there: only Enter says that it does.
        why = "not read yet (Enter reads it)" if shown.left_out.lstrip(QUOTES).startswith(SESSION) else "half typed"
        yield line(("! ", "bold $verdict-depends"), word, f" is {why}: what follows is answered without it.")


def verdict_line(shown: Shown) -> Content:
    """The verdict; among several of which action; where another request decides, of which one."""
    says = verdict(shown.decision).content
    if len(shown.answer.cells) > 1:
        if not shown.takes_part:
            says = line(("takes no part: the action is about other resources", "$muted"))
        says = line((f"{shown.cell.question.action}: ", "bold"), says)
    decider = shown.decider
    if decider is None:
        return says
    if decider is shown.answer.chain:
        return line(says, (" for the role chaining that comes first", "$muted"))
    return line(says, (f" for {decider.check.action}, which the call needs too", "$muted"))


def layers_of(shown: Shown, room: str) -> Content:
    """Which request the layers are of, where the question comes to more than one that could be meant; else empty."""
    decider, chain = shown.decider, shown.answer.chain
    if chain is None and decider is None:
        return Content("")
    front = "Layers of " if room == MEDIUM else ""
    step = front if chain is None else f"{front}step {1 if decider is chain else 2} of 2: "
    session, role = _name_of(shown.answer.question_matrix.chained_from), _name_of(shown.answer.principal.arn)
    if decider is None:
        does: Content = line((role, "bold"), (" does ", "$muted"), (shown.cell.question.action, "bold"))
    elif decider is chain:
        does = line((session, "bold"), (" assumes ", "$muted"), (role, "bold"))
    else:
        does = line((decider.check.action, "bold"), (", which the call needs too", "$muted"))
    return line((step[:1].upper() + step[1:], "$muted"), does)


def _name_of(arn: str) -> str:
    """The name alone: whose it is stands above."""
    return arn.rpartition("/")[2]


def before_line(shown: Shown) -> Content:
    """What the verdict was without the draft; empty when no draft is open."""
    before = shown.before_decision
    if before is None:
        return Content("")
    was, now = verdict(before), verdict(shown.decision)
    if was.text == now.text:
        return line(("Without the draft: the same", "$muted"))
    return line(("Without the draft: ", "$muted"), was.content)


def companion_lines(shown: Shown, *, others: str) -> Iterator[Content]:
    """The other requests behind the call, those that decide first.

    Args:
        others: how to tell those that do not decide: "none", "marks" (all on one line), or "lines" (one each).
    """
    chain = shown.answer.chain
    if chain is not None:
        role = shown.answer.question_matrix.chained_from
        yield line(
            _short(chain), (" chained from ", "$muted"), role.rpartition(":")[2], (" (assuming this role)", "$muted")
        )
    if shown.decider is not None:
        yield line(("The action itself: ", "$muted"), verdict(shown.cell.decision).content)
    deciding = [one for one in shown.cell.companions if one.decides]
    for one in deciding:
        yield line(
            ("Needs also ", "$muted"),
            (one.check.action, "bold"),
            (f" on {_on(one)}: ", "$muted"),
            _short(one),
        )
    optional = [one for one in shown.cell.companions if not one.decides]
    if others == "lines":
        for one in optional:
            when = f" ({one.check.when})" if one.check.when else ""
            yield line(("May need ", "$muted"), one.check.action, (f" on {_on(one)}{when}: ", "$muted"), _short(one))
    elif others == "marks" and optional:
        parts: list[object] = [("May need also: ", "$muted")]
        for one in optional:
            says = verdict(one.decision)
            parts += [", " if len(parts) > 1 else "", f"{one.check.action} ", (says.mark + says.star, says.style)]
        yield line(*parts)


def _on(one: DependentAnswer) -> str:
    resource = one.question.resource
    return one.check.resource if resource == "*" or "*" in resource else resource


def _short(one: DependentAnswer) -> Content:
    shown = verdict(one.decision)
    return line((shown.short, f"bold {shown.style}"))


def _kept_back(shown: Shown) -> Iterator[Content]:
    """What a small panel has no room for, counted."""
    checks = sum(1 for one in shown.cell.companions if not one.decides)
    notes_ = sum(1 for note in shown.decision.notes if note != shown.cell.never_asked)
    parts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((checks, "other check"), (notes_, "note"))
        if count
    ]
    if parts:
        yield line((f"{' and '.join(parts)}: F7", "$muted"))


def _short_suggestion(suggestions: tuple[Suggestion, ...]) -> Iterator[Content]:
    if suggestions:
        more = f"  (and {len(suggestions) - 1} more: w)" if len(suggestions) > 1 else ""
        yield line(("Would help: ", "$muted"), plain(suggestions[0].change, limit=None), (more, "$muted"))


def more(shown: Shown, account: Account, suggestions: tuple[Suggestion, ...], width: int) -> Iterator[Content]:
    """What a whole column has room for: the deciding statement, what would help, the notes."""
    decision = shown.decision
    ref = decision.deciding
    if ref is not None:
        yield from _statement(decision, shown.principal, account, ref, width)
    if suggestions and not shown.cell.never_asked:
        yield plain("What would allow it (all of it is needed)", "bold $heading")
        for suggestion in suggestions:
            yield plain(f"- {suggestion.change}", limit=None)
            if suggestion.statement is not None:
                text = json.dumps(suggestion.statement, indent=2, ensure_ascii=False)
                yield from (plain(_INDENT + row, "$muted", limit=None) for row in text.split("\n"))
        yield Content("")
    yield from map(styled, notes(decision, long=True, besides=shown.cell.never_asked))


def _statement(
    decision: Decision, principal: Principal, account: Account, ref: StatementRef, width: int
) -> Iterator[Content]:
    """The statement's lines with their numbers, as far left as they can stand."""
    rows = statement_lines(account, principal, decision.request.resource, ref)
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
