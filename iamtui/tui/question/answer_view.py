"""AnswerView: the answer to a question matrix, as much of it as the panel has room for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from iamtui.presentation.answer import AnswerWords, Shown, answer_words
from iamtui.presentation.styled_words import Row, Tone
from iamtui.presentation.verdict import statement_name
from iamtui.text import counted
from iamtui.tui.content import line, plain, styled
from iamtui.tui.explorer.document_view import json_pieces
from iamtui.tui.main.inventory import statement_lines
from iamtui.tui.question.answer_lists import LayersList, MatrixView, layer_rows, pipeline_row, written_out
from iamtui.tui.question.caller import SESSION
from iamtui.tui.question.completing_input import QUOTES
from iamtui.tui.question.panel_text import MEDIUM, NARROW, WIDE
from iamtui.tui.widgets.lists.line_list import LineView
from iamtui.tui.widgets.lists.wrapped_text import wrap, wrap_all

if TYPE_CHECKING:
    from iamtui.engine.words.explanation import Explanation, Suggestion


_MATRIX_ROWS: Final[Mapping[str, int]] = {NARROW: 3, MEDIUM: 9, WIDE: 18}
_MOST_BAND: Final[Mapping[str, int]] = {NARROW: 3, MEDIUM: 4, WIDE: 6}
_MOST_REASONS, _ANY = 40, 400

_AROUND, _LAYERS = 4, 2
"""Lines of status, messages and keys; the fewest lines of layers that are unfolded."""
_SESSIONS, _GAPS, _LEAST_MATRIX = 3, 3, 4
"""Lines left to the sessions; empty ones of a whole column; the fewest of a matrix."""
_SHARES: Final[Mapping[str, int]] = {NARROW: 60, MEDIUM: 65}
"""How much of the window's height is the panel's at most, in hundredths, as in the styles of #side."""
_LEAST_MORE: Final = 3
"""Fewer lines of what else there is to say are not worth their place."""
_STATEMENT: Final = 8
"""Lines of the deciding statement that make the panel higher; where there is room for more, more are shown."""
_TEXTS_AND_LAYERS: Final[Mapping[str, int]] = {NARROW: 4, MEDIUM: 9, WIDE: 16}
"""Lines that a matrix leaves to the rest."""


class AnswerView(Vertical):
    """Verdict and what decided as a band, the layers, notes, the statement's text, and what would help.

    A small panel has the layers in one line, which unfolds into rows while the focus is on it.
    """

    DEFAULT_CSS = """
    AnswerView {
        height: auto;

        & Static {
            padding: 0 1;
            text-wrap: nowrap;
        }
        & #question-summary, & #question-layers-of {
            display: none;
            height: 1;
        }
        & MatrixView {
            display: none;
        }
        & #question-verdict {
            height: 1;
            padding: 0;
        }
        & #question-beside {
            display: none;
            height: auto;
        }
        & LayersList {
            width: 1fr;
        }
        & #question-statement {
            display: none;
            width: 1fr;
            border-left: solid $rule;
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
        &.-stale Static, &.-stale LayersList, &.-aside #question-because, &.-aside LayersList {
            text-opacity: 55%;
        }
        &.-wide {
            height: 1fr;
        }
        &.-wide #question-more {
            display: block;
        }
        &.-wide #question-beside, &.-wide #question-because {
            margin-top: 1;
        }
        &.-wide MatrixView {
            margin: 0 1 1 0;
        }
    }
    """

    @dataclass(eq=False, repr=False)
    class CellChosen(Message):
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
        self._is_typed_for = False
        self._width = 0
        """Width of the last drawing: 0 where it was drawn out of sight."""
        self._more: list[Content] = []
        """All that a whole column would say below."""
        self.rows_beside = 4
        """How many lines of the panel are not the answer's."""
        self._rows_given: int | None = None
        """How many lines the panel has, where it does not follow the answer."""

        self.matrix = MatrixView(id="question-matrix")
        self.layers_list = LayersList(id="question-layers")
        self._beside = Horizontal(id="question-beside")
        names = ("summary", "verdict", "layers-of", "statement", "because")
        self._parts = {name: Static(id=f"question-{name}") for name in names}
        self._parts["more"] = _Rest(id="question-more")

    def compose(self) -> ComposeResult:
        yield self._parts["summary"]
        yield self.matrix
        yield self._parts["verdict"]
        yield self._parts["layers-of"]
        with self._beside:
            yield self.layers_list
            yield self._parts["statement"]
        yield self._parts["because"]
        yield self._parts["more"]

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
        if self.size.width != self._width:
            self.release()
            self._show_again()

    def _show_again(self) -> None:
        if self._shown is not None:
            self._draw()
        else:
            self._tell(*self._said)

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _unfold(self) -> None:
        """The layers are in one line or in rows."""
        self._draw()

    def release(self) -> None:
        """Be only as high as the next answer needs.

        Until then the band stays as high as it ever was, and where there is more room, or somebody types, all of the
        answer: what is around does not jump while answers follow each other, and need not be laid out again.
        """
        self._held.clear()

    def hold(self, *, typed_for: bool) -> None:
        """Keep the lines of the longest answer while the question is being typed."""
        if typed_for is not self._is_typed_for:
            self._is_typed_for = typed_for
            if not typed_for:
                self.release()
                self._show_again()

    def show(self, shown: Shown, explanation: Explanation | None = None) -> None:
        """Show an answer, with what would help where that is known already."""
        self._hold(shown)
        self._explanation = explanation
        _set_display(self._beside, shown=True)
        self._arrange(shown)

    def _hold(self, shown: Shown) -> None:
        self._shown, self._words, self._explanation = shown, answer_words(shown), None

    def _arrange(self, shown: Shown) -> None:
        several = len(shown.answer.cells) > 1
        self._show_several(several)
        most, room = _MATRIX_ROWS[self._room], self._room_of_panel - 1 - _TEXTS_AND_LAYERS[self._room]
        if self._rows_given is not None:
            most = max(most, room)
        if self._room != NARROW or self._rows_given is not None:
            most = min(most, max(_LEAST_MATRIX, room))
        self.matrix.show(shown.answer if several else None, most)
        self._draw()

    def _show_several(self, several: bool) -> None:
        for part in (self._parts["summary"], self.matrix):
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
        for part in (self._parts["layers-of"], self._beside):
            _set_display(part, shown=False)
        self.matrix.show(None, 1)
        self._tell(sentence, more)
        self._more = []
        self._put("more", [])
        self.layers_list.show(None)

    @on(LineView.CursorMoved)
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        if self._shown is not None and self.matrix.display and self.matrix.chosen != self._shown.index:
            self.post_message(self.CellChosen(self.matrix.chosen))

    @on(LineView.LineOpened)
    def _opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        self.post_message(self.Opened())

    def _tell(self, sentence: Content, more: Content) -> None:
        self._width = self.size.width
        width = self._width - 2
        found = wrap_all([sentence, more], width, _MOST_BAND[self._room] + 1) or [Content("")]
        # In a whole column a blank line sets off what stands below the sentence.
        first = len(wrap_all([sentence], width, len(found))) if self._room == WIDE and sentence else 1
        self._put("verdict", [Content(" ").append(row) for row in found[:first]])
        self._put("because", found[first:])
        # What an answer took is not kept for a sentence, nor that for an answer: the rest would be blank.
        self._held.pop("all", None)
        _set_height(self._parts["verdict"], first)
        _set_height(self._parts["because"], len(found) - first)

    def _hold_all(self, rows: int) -> None:
        if self._room == MEDIUM or self._is_typed_for:
            self._held["all"] = max(self._held.get("all", 0), rows)

    def _draw(self) -> None:
        shown, words = self._shown, self._words
        if shown is None or words is None:
            return
        self._width = self.size.width
        width = self._width - 2
        label = _layers_of(words, self._room)
        _set_display(self._parts["layers-of"], shown=bool(label))
        self._put("layers-of", wrap_all([label], width, 1))
        suggestions = self._explanation.suggestions if self._explanation is not None else ()
        if self.matrix.display:
            self._put("summary", wrap_all([styled(self.matrix.summary)], width, 1))
        self.set_class(bool(shown.left_out), "-aside")
        lines: Sequence[tuple[int, str]] = ()
        if words.statement is not None and (self._room != NARROW or self._rows_given is not None):
            account, resource = shown.asked.workspace.account, shown.decision.request.resource
            lines = statement_lines(account, shown.principal, resource, words.statement)
        spare = self._lay_out(shown, words, suggestions, lines)
        if self._room == WIDE:
            self._more = wrap_all(more(words, lines, suggestions, width), width, _ANY)
            self.cut_more()
        elif spare > _LEAST_MORE:
            beside = self._parts["statement"].display
            rest = wrap_all(more(words, () if beside else lines, suggestions, width), width, _ANY)
            self._tell_more(as_many(rest, spare - 1))
        else:
            self._tell_more([])

    def _lay_out(
        self,
        shown: Shown,
        words: AnswerWords,
        suggestions: Sequence[Suggestion],
        lines: Sequence[tuple[int, str]],
    ) -> int:
        """Give each part its lines: the band first, then the layers, whole or in one line, then the texts.

        Returns how many lines are left of a panel that does not follow its answer.
        """
        width, room, layers_list = self.size.width - 2, self._room_below_matrix, self.layers_list
        beside = bool(lines) and self._room == MEDIUM
        column = {MEDIUM: width // 2 - 1 if beside else 0, WIDE: width - 1}.get(self._room, 0)
        rows = layer_rows(words.layers, compact=self._room == NARROW, column=column, short=beside)
        most_band = max(1, min(_MOST_BAND[self._room], room - 1))
        bands = verdict_band(shown, words, self._room, self.size.width, most_band, self._held.get("band", 0))
        if self._room == NARROW:
            self._held["band"] = len(bands.filled)
        top = bands.rows(max(most_band, room - 1))
        left = room - len(top)
        texts = wrap_all(reasons(words, suggestions, self._room, width), width, _MOST_REASONS)
        count = sum(row.plain.count("\n") + 1 for _layer, row in rows)
        is_low = count > left - bool(texts) or (self._room == NARROW and self._rows_given is None)
        if self._room != WIDE and not layers_list.has_focus and is_low:
            rows, beside, count = pipeline_row(words.layers, width), False, 1
        unfolded = min(count, max(_LAYERS, left - bool(texts)))
        quote = quoted(lines, self.size.width // 2 - 3) if beside else []
        below = max(unfolded, min(len(quote), _STATEMENT, left - len(texts)))
        texts = wrap_all(texts, width, max(0 if self._room == NARROW else 1, left - below))
        slack = max(0, min(self._held.get("all", 0), room) - len(top) - below - len(texts))
        if beside:
            more_lines = min(slack, max(0, len(quote) - below))
            below, slack = below + more_lines, slack - more_lines
            self._put("statement", as_many(quote, below))
            _set_height(self._parts["statement"], below)
        self._hold_all(len(top) + below + len(texts))
        _set_display(self._parts["statement"], shown=beside)
        layers_list.show(words.layers, rows)
        _set_height(layers_list, below if beside else unfolded)
        self._put("verdict", top)
        _set_height(self._parts["verdict"], len(top))
        self._put("because", texts)
        _set_height(self._parts["because"], len(texts) + slack)
        return room - len(top) - below - len(texts) - slack if self._rows_given is not None else 0

    def cut_more(self) -> None:
        """Say of what has no room in a whole column how many lines it has."""
        rows = self._parts["more"].content_size.height
        if self._room == WIDE:
            self._put("more", as_many(self._more, rows) if rows else self._more)

    def _tell_more(self, rows: Sequence[Content]) -> None:
        """Say what only a panel has room for that the user has made higher."""
        _set_display(self._parts["more"], shown=bool(rows))
        _set_height(self._parts["more"], len(rows) + 1)
        self._put("more", rows)

    @property
    def _room_of_panel(self) -> int:
        """How many lines the window has for the answer, beside the question's fields."""
        if self._rows_given is not None:
            return self._rows_given - self.rows_beside
        if self._room == WIDE:
            return self.app.size.height - _AROUND - _SESSIONS - _GAPS - self.rows_beside
        return (self.app.size.height - _AROUND) * _SHARES[self._room] // 100 - self.rows_beside

    @property
    def _room_below_matrix(self) -> int:
        matrix = self.matrix.rows + 1 if self.matrix.display else 0
        spare = _SESSIONS if self._room == MEDIUM and not matrix and self._rows_given is None else 0
        return max(2, self._room_of_panel - matrix - self._parts["layers-of"].display - spare)

    def give_rows(self, rows: int | None) -> None:
        """Fill a panel of so many lines; None: it is as high as the answer needs."""
        if rows != self._rows_given:
            self._rows_given = rows
            self.release()
            if self._shown is not None:
                self._arrange(self._shown)

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
            self._parts[name].update(content, layout=False)


class _Rest(Static):
    """The lines below an answer in a whole column, cut anew when their room changes."""

    def on_resize(self) -> None:
        self.query_ancestor(AnswerView).cut_more()


def _set_display(widget: Widget, *, shown: bool) -> None:
    """Show a part or hide it. A class of the whole view would have the styles of every part worked out again."""
    if widget.display is not shown:
        widget.display = shown


def _set_height(widget: Widget, rows: int) -> None:
    if widget.styles.height is None or widget.styles.height.value != rows:
        widget.styles.height = rows


# The verdict as a band: mark, word and what decided on a ground of the verdict's colour.


_BANDS: Final = {
    Tone.ALLOWED: "$band-text on $verdict-allowed",
    Tone.DENIED: "$band-text on $verdict-denied",
    Tone.DEPENDS: "$band-text on $verdict-depends",
}
_QUIET_BAND: Final = "$foreground on $chip"


class VerdictBand(NamedTuple):
    """The lines of the band, as wide as the panel, and those that say what it is not about or warn of it."""

    above: list[Content]
    filled: list[Content]
    below: list[Content]

    def rows(self, most: int) -> list[Content]:
        return [*self.above, *self.filled, *self.below][: max(most, len(self.above) + len(self.filled))]


def verdict_band(shown: Shown, words: AnswerWords, room: str, width: int, most: int, held: int) -> VerdictBand:
    """The band in at most so many lines, and at least as many as are held."""
    because = words.short_because if room == WIDE else words.because
    row = _in_one_colour(words.verdict)
    if because:
        row = row.append("  ").append(_in_one_colour(because))
    style = _BANDS.get(words.tone, _QUIET_BAND)
    lines = wrap_all([written_out(row, width - 2)], width - 2, most)
    lines += [Content("")] * (min(held, most) - len(lines))
    filled = [
        Content(" ").append(one).append(" " * max(0, width - 1 - one.cell_length)).stylize_before(style)
        for one in lines
    ]
    warnings = [styled(row) for row in (words.never_asked, *words.remarks) if row]
    below = wrap_all(warnings, width - 2, _NEVER_ASKED + (_REMARKS if words.remarks else 0))
    above = wrap_all(_left_out_lines(shown.left_out), width - 2, 3)
    return VerdictBand([Content(" ").append(one) for one in above], filled, [Content(" ").append(one) for one in below])


def _in_one_colour(row: Row) -> Content:
    """A row for a filled ground: what is bold stays so, colours go."""
    strong = {Tone.STRONG}
    return Content("").join(
        Content.styled(word.text, "bold") if word.bold or word.tone in strong else Content(word.text) for word in row
    )


# An answer in lines, as many as there is room for.


class _Room(NamedTuple):
    """How many lines each kind of reason may take."""

    others: int
    notes: int
    before: int = 1


_ROOMS: Final[Mapping[str, _Room]] = {NARROW: _Room(2, 0), MEDIUM: _Room(4, 5), WIDE: _Room(20, 12, before=3)}

_NEVER_ASKED, _REMARKS = 2, 3


def reasons(words: AnswerWords, suggestions: Sequence[Suggestion], room: str, width: int) -> Iterator[Content]:
    """Lines below the layers: the other requests behind the call, and further notes."""
    most = _ROOMS[room]

    def told(rows: Iterable[Row], lines: int) -> list[Content]:
        return wrap_all(map(styled, rows), width, lines)

    yield from told([words.before], most.before)
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
        pieces = wrap_all([row], width, _ANY)
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
    """Notes about typed text that is no part of the answered question."""
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
        more = f"  (1 of {len(suggestions)}, all are needed: w)" if len(suggestions) > 1 else ""
        yield line(("Would help: ", "$muted"), plain(suggestions[0].change, limit=None), (more, "$muted"))


def more(
    words: AnswerWords, statement: Sequence[tuple[int, str]], suggestions: Sequence[Suggestion], width: int
) -> Iterator[Content]:
    """Sections that a whole column has room for: the deciding statement, suggestions, notes."""
    sections: list[list[Content]] = []
    if statement and words.statement is not None:
        sections.append([plain(statement_name(words.statement), "bold $heading"), *quoted(statement, width)])
    if suggestions and words.can_be_helped:
        sections.append([*_helps(suggestions)])
    sections.append([*map(styled, words.long_notes)])
    # What is empty is left out where lines are wrapped: a blank line has a space.
    for at, section in enumerate(filter(None, sections)):
        yield from [*([Content(" ")] if at else []), *section]


def _helps(suggestions: Sequence[Suggestion]) -> Iterator[Content]:
    yield plain(f"What would allow it{': all of these together' if len(suggestions) > 1 else ''}", "bold $heading")
    for suggestion in suggestions:
        yield plain(f"- {suggestion.change}", limit=None)
        if suggestion.statement is not None:
            text = json.dumps(suggestion.statement, indent=2, ensure_ascii=False)
            yield from (plain(f"  {row}", "$muted", limit=None) for row in text.split("\n"))


def quoted(statement: Sequence[tuple[int, str]], width: int) -> list[Content]:
    """The numbered lines of a statement, coloured."""
    margin = min(len(text) - len(text.lstrip()) for _number, text in statement)
    digits = max(4, len(str(statement[-1][0])))
    found: list[Content] = []
    for number, text in statement:
        front = f"{number:>{digits}}  "
        coloured = Content("").join(
            plain(piece.text, _JSON_STYLES.get(piece.style, f"${piece.style}" if piece.style else ""), limit=None)
            for piece in json_pieces(text[margin:])
        )
        for piece in wrap(coloured, width - len(front)):
            found.append(line((front, "$faint"), piece))
            front = " " * len(front)
    return found


def as_many(quote: list[Content], most: int) -> list[Content]:
    """A quote in at most so many lines, with the number of further ones in the last."""
    if len(quote) <= most:
        return quote
    return [*quote[: most - 1], plain(f"      … {counted(len(quote) - most + 1, 'more line')}", "$faint")]


_JSON_STYLES: Final = {"allowed": "bold $verdict-allowed", "denied": "bold $verdict-denied"}
"""How a statement's effect is coloured."""
