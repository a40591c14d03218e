"""TraceScreen: the whole reasoning behind one answer, on its own screen, opened at the statement that decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from rich.cells import cell_len
from textual import events, getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Label

from iamtui.account.model import Role
from iamtui.engine.condition_words import LAYER_NAMES
from iamtui.engine.decision import Decision, Layer, StatementRef
from iamtui.engine.request import Principal
from iamtui.engine.words.explanation import Explanation, Suggestion
from iamtui.engine.words.trace import TracedLayer
from iamtui.policy.document import PolicyDocument
from iamtui.presentation.trace import TraceRow, deciding_row, document_rows, refusal_row, statement_row, trace_rows
from iamtui.presentation.verdict import aged, statement_name, verdict_words
from iamtui.problem import Problem
from iamtui.questions.answers import DependentAnswer
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui.background import Work, get_in_thread, in_thread
from iamtui.tui.clipboard import copier_of
from iamtui.tui.content import line, plain, styled
from iamtui.tui.dialogs.text_screens import BACK_KEYS, SEARCH_KEYS, SearchableScreen
from iamtui.tui.explorer.document_view import FindLine, json_pieces
from iamtui.tui.main.inventory import document_of, entity_of, statement_lines
from iamtui.tui.main.main_view import DraftSuggestion, JumpToStatement, ScreenAbove, do_on_main, send_to_main
from iamtui.tui.widgets.lists.line_list import LineView, Piece, pieces_of
from iamtui.tui.widgets.lists.wrapped_text import Hits, wrap
from iamtui.tui.widgets.status import KeyLine, TitleLine
from iamtui.workspace.ask import answers as matrix_answers
from iamtui.workspace.ask import questions as asking
from iamtui.workspace.source.organization import lacks_organization
from iamtui.workspace.source.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.presentation.answer import Shown
    from iamtui.presentation.styled_words import Row

# TraceView: long reasoning as lines that wrap, fold, can be searched and lead to statements. Drawn line by line.


_ABOVE: Final = 4
"""How many lines stay visible above the line that is shown first."""


_SIDE_BY_SIDE: Final = 176
"""Least width at which a statement's values and those of the request are side by side."""

_MOST_FRONT, _APART = 40, 2
"""Hundredths of the width for their names at most, and cells between them."""


class _TraceLine(NamedTuple):
    row: int
    content: Content
    gutter: str


class TraceView(LineView):
    """Shows `TraceRow`s. The cursor goes line by line; Enter leads to the statement or opens the fold."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Statement", id="trace.jump", tooltip="Go to the statement, or unfold the line"),
        Binding("space", "fold", "Unfold", id="trace.fold", tooltip="Unfold or fold the statements that did not match"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._rows: Sequence[TraceRow] = ()
        self._lines: list[_TraceLine] = []
        self._first_line: dict[int, int] = {}
        self._open: set[str] = set()
        self._hits = Hits()
        self._width = 0
        self._first = 0
        self._touched = False

    @property
    def rows(self) -> Sequence[TraceRow]:
        """All rows, folded ones too."""
        return self._rows

    @property
    def row(self) -> TraceRow | None:
        return self._rows[self._lines[self.cursor].row] if self._lines else None

    def show(self, rows: Sequence[TraceRow], first: int = 0) -> None:
        """Show these rows with the cursor on one of them; the search and what was unfolded stay."""
        self._rows, self._first, self._touched = rows, first, False
        self._layout()
        self._place(first)

    def _place(self, row: int) -> None:
        line = self._first_line.get(row, 0)
        self.set_total(len(self._lines), cursor=line)
        self.scroll_to(y=max(0, line - min(_ABOVE, self.page // 3)), animate=False, force=True)

    def _layout(self) -> None:
        width = max(16, (self.scrollable_content_region.width or self.size.width or 80) - 2)
        self._width = width
        lines: list[_TraceLine] = []
        first: dict[int, int] = {}
        sizes = self._widths(width)
        for index, row in enumerate(self._rows):
            if (row.fold and row.fold not in self._open) or (sizes[0] and row.beside):
                continue
            first[index] = len(lines)
            content = styled(row.words)
            if sizes[0] and row.columns:
                pieces = _side_by_side(row.columns, sizes)
            else:
                pieces = wrap(content, width - len(row.gutter)) if row.wraps else [content]
            gutter = row.gutter
            for piece in pieces:
                lines.append(_TraceLine(index, piece, gutter))
                gutter = " " * len(gutter)
        self._lines, self._first_line = lines, first
        self._hits = Hits(self._searchable(), self._hits.needle)

    def _widths(self, width: int) -> tuple[int, int, int]:
        """The cells of what statements want, by name, as it is and as it was seen; zeros where one line is too short
        for all three."""
        if width < _SIDE_BY_SIDE:
            return 0, 0, 0
        parts = [[sum(cell_len(word.text) for word in part) for part in row.columns] for row in self._rows]
        parts = [part for part in parts if part] or [[0, 0, 0]]
        front, wanted, seen = map(max, zip(*parts, strict=True))
        front = min(front, width * _MOST_FRONT // 100)
        room = width - front - 2 * _APART
        # Where there is not enough for both, neither gets less than a third.
        wanted = wanted if wanted + seen <= room else max(room // 3, min(wanted, room - seen), min(wanted, room // 2))
        return front, wanted, room - wanted

    def _searchable(self) -> list[str]:
        """The text of each line; the whole row's for the first one when the search's hit lies across two lines."""
        needle = self._hits.needle
        texts = [line.content.plain for line in self._lines]
        if needle:
            for index, at in self._first_line.items():
                whole = self._rows[index].text
                if needle in whole.lower():
                    until = at
                    while until < len(self._lines) and self._lines[until].row == index:
                        until += 1
                    if not any(needle in text.lower() for text in texts[at:until]):
                        texts[at] = whole
        return texts

    def on_resize(self) -> None:
        width = max(16, (self.scrollable_content_region.width or self.size.width or 80) - 2)
        if width == self._width and self._lines:
            return
        row = self._lines[self.cursor].row if self._lines and self._touched else self._first
        self._layout()
        self._place(row)

    # Drawing.

    def pieces(self, index: int, width: int) -> Sequence[Piece]:  # noqa: ARG002 - the lines are wrapped already
        line = self._lines[index]
        row = self._rows[line.row]
        found: Iterable[Piece]
        found = json_pieces(line.content.plain) if row.json else pieces_of(line.content)
        if self._hits.needle:
            found = self._hits.marked(list(found))
        here = index == self._hits.line
        if row.opens in self._open and row.opens:
            found = [Piece(piece.text.replace("▸", "▾", 1), piece.style) for piece in found]
        gutter = [Piece(line.gutter, "hit" if here else "faint")] if line.gutter else []
        return [Piece("▸" if here and not line.gutter else " ", "match"), *gutter, *found]

    def line_background(self, index: int) -> str:
        return self._rows[self._lines[index].row].ground

    # Search.

    @property
    def needle(self) -> str:
        return self._hits.needle

    @property
    def place(self) -> str:
        """Where the search is: "2 of 7", "no match; Esc ends", or ""."""
        return self._hits.words

    def search(self, needle: str) -> str:
        """Mark every occurrence (any letter case), unfold what holds one, and go to the next from the cursor on."""
        self._hits = Hits((), needle)
        lowered = needle.lower()
        folds = {row.fold for row in self._rows if lowered and row.fold and lowered in row.text.lower()}
        row = self._lines[self.cursor].row if self._lines else 0
        self._open |= folds
        self._layout()
        if folds:
            self._place(row)
        if self._hits.lines:
            at = next((i for i, line in enumerate(self._hits.lines) if line >= self.cursor), 0)
            for _ in range(at + 1):
                self._hits.step(1)
            self._show_hit()
        self.refresh()
        return self._hits.words

    def step(self, direction: int) -> str:
        """Go to the next (1) or previous (-1) hit; returns where that is in words."""
        self._hits.step(direction)
        self._show_hit()
        self.refresh()
        return self._hits.words or "Nothing is looked for: / starts."

    def _show_hit(self) -> None:
        line = self._hits.line
        if line is not None:
            self._touched = True
            self.move_to(line)
            if line not in range(self.scroll_offset.y + 1, self.scroll_offset.y + self.page - 1):
                self.scroll_to(y=max(0, line - self.page // 2), animate=False, force=True)

    # Keys.

    def on_key(self, _event: events.Key) -> None:
        """From the first key on the cursor is where the user wants it."""
        self._touched = True

    def action_fold(self) -> None:
        """Open or close the fold under the cursor; elsewhere all of them."""
        row = self.row
        if row is None:
            return
        at = self._lines[self.cursor].row
        fold = row.opens or row.fold
        if fold:
            self._toggle({fold})
            at = next((i for i, one in enumerate(self._rows) if one.opens == fold), at)
        else:
            everything = {one.opens for one in self._rows if one.opens}
            self._toggle(everything)
        self._layout()
        top = self.scroll_offset.y
        self.set_total(len(self._lines), cursor=self._first_line.get(at, 0))
        if at == self._lines[self.cursor].row:
            self.scroll_to(y=top, animate=False, force=True)
            self.move_to(self.cursor)

    def _toggle(self, folds: set[str]) -> None:
        self._open = self._open - folds if folds <= self._open else self._open | folds

    def action_open_line(self) -> None:
        row = self.row
        if row is not None and row.opens:
            self.action_fold()
        else:
            super().action_open_line()

    def action_line_left(self) -> None:
        if self.row is not None and (self.row.fold or self.row.opens in self._open):
            self.action_fold()

    def action_line_right(self) -> None:
        if self.row is not None and self.row.opens and self.row.opens not in self._open:
            self.action_fold()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "fold" and not any(row.opens for row in self._rows):
            return False
        return super().check_action(action, parameters)

    def plain_text(self) -> str:
        """All rows as text, folded ones too."""
        return "\n".join(row.plain.rstrip() for row in self._rows) + "\n"


def _side_by_side(columns: Sequence[Row], sizes: Sequence[int]) -> list[Content]:
    """Columns in as many lines as the longest needs."""
    parts = [wrap(styled(column), size) for column, size in zip(columns, sizes, strict=True)]
    found = []
    for pieces in zip_longest(*parts, fillvalue=Content("")):
        one = Content("")
        for piece, size in zip(pieces, sizes, strict=True):
            one = one.append(piece).append(" " * (size + _APART - piece.cell_length))
        found.append(one.rstrip())
    return found


# ReadingScreen: a whole screen of lines under a title, searched with `/`, copied with `y`.


_NOTE_SECONDS = 6.0


class ReadingScreen(SearchableScreen):
    """Shows a `TraceView`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *SEARCH_KEYS,
        Binding("y", "copy", "Copy", id="text.copy", tooltip="Copy all of it as text"),
        *BACK_KEYS,
    ]

    DEFAULT_CSS = """
    ReadingScreen {
        background: $background;

        & #text-verdict {
            height: 1;
            width: 100%;
            padding: 0 1;
            background: $panel;
        }
        & TraceView {
            height: 1fr;
            scrollbar-gutter: stable;
        }
        & #text-note {
            height: 1;
            padding: 0 1;
            display: none;
        }
    }
    """

    view = getters.query_one(TraceView)

    def __init__(self, title: Content, verdict: Content | None = None) -> None:
        super().__init__()
        self._title = title
        self._verdict = verdict

    def compose(self) -> ComposeResult:
        yield TitleLine(self._title)
        if self._verdict is not None:
            yield Label(self._verdict, id="text-verdict")
        yield TraceView(id="text-body")
        yield FindLine()
        yield Label(id="text-note")
        yield KeyLine(id="keys")

    def copied_text(self) -> str:
        return f"{self._title.plain}\n\n{self.view.plain_text()}"

    def idle_actions(self) -> frozenset[str]:
        return frozenset() if self.view.needle else frozenset({"step(1)", "step(-1)"})

    # Copying and messages.

    def action_copy(self) -> None:
        copy = partial(copier_of(self.app).copy_text, self.copied_text(), "Text")
        get_in_thread(
            self, copy, lambda said: self.say(plain(said)), lambda problem: self.say(plain(problem), lasts=True),
            name="copying", group="copy",
        )  # fmt: skip

    def say(self, words: Content, *, lasts: bool = False) -> None:
        note = self.query_one("#text-note", Label)
        note.update(words)
        note.display = True
        if not lasts:
            self.set_timer(_NOTE_SECONDS, self._quiet)

    def _quiet(self) -> None:
        self.query_one("#text-note").display = False

    @on(LineView.CursorMoved)
    @on(LineView.LineOpened)
    def _unused(self, event: LineView.CursorMoved | LineView.LineOpened) -> None:
        event.stop()


# DocumentScreen: a policy that is not in the tree (an SCP, an RCP, a resource's policy), at one statement.


class DocumentScreen(ReadingScreen):
    """Shows the whole document, wrapped, with the statement marked and in sight."""

    def __init__(self, document: PolicyDocument, ref: StatementRef) -> None:
        title = line((statement_name(ref), "bold"), (f"  {LAYER_NAMES[ref.layer].title}", "$muted"))
        super().__init__(title)
        self._document = document
        self._ref = ref

    def on_mount(self) -> None:
        self.view.show(*document_rows(self._document, self._ref))

    def idle_actions(self) -> frozenset[str]:
        return super().idle_actions() | {"open_line"}

    def copied_text(self) -> str:
        return "\n".join(row.text for row in self.view.rows) + "\n"


class TraceScreen(ReadingScreen):
    """Shows the answer at once and every statement that was looked at when a thread has traced them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f7", "back", "Back", show=False, id="trace.back", tooltip="Back to where you came from"),
        Binding(
            "f10,f", "draft", "Draft a fix", id="draft.suggestion",
            tooltip="Make a draft of what would allow it, to see what else it would do",
        ),
        Binding(
            "L", "load", "Load SCPs", id="trace.load",
            tooltip="Read the SCPs and RCPs that are not evaluated with another profile, or from a file",
        ),
    ]  # fmt: skip

    def __init__(
        self,
        workspace: Workspace,
        decision: Decision,
        principal: Principal,
        question: Question,
        label: str,
        companions: Sequence[DependentAnswer] = (),
        chain: DependentAnswer | None = None,
        at: StatementRef | None = None,
        *,
        left_out: str = "",
    ) -> None:
        """Make the screen.

        Args:
            decision: the answer as it is known already.
            label: who asks, raw.
            companions, chain: as of `trace_rows`; no companions: they are looked for.
            at: the statement to open at; None: the one that decided.
            left_out: what was half typed, and is not asked with; "" for nothing.
        """
        without = plain(left_out, "bold $verdict-depends", limit=64)
        can = line("Without ", without, ", can ") if left_out else line("Can ")
        title = line(("Why  ", "bold $heading"), can, (label, "bold"), " do ", (question.action, "bold"), "?")
        super().__init__(title, styled(aged(verdict_words(decision).row, workspace.age)))
        self._workspace = workspace
        self._decision = decision
        self._principal = principal
        self._question = question
        self._label = label
        self._left_out = left_out
        self._at = at
        self._companions = tuple(companions)
        self._chain = chain
        self._suggestions: tuple[Suggestion, ...] = ()

    @classmethod
    def of(cls, shown: Shown) -> TraceScreen:
        workspace, label, chain = shown.asked.workspace, shown.asked.label, shown.answer.chain
        decider, without = shown.decider, shown.left_out
        if decider is not None and decider is chain:
            # Another principal's call: that of the role that the session is chained from.
            label = shown.answer.question_matrix.chained_from.rpartition(":")[2]
            return cls(workspace, decider.decision, shown.principal, decider.question, label, left_out=without)
        others = [one for one in shown.cell.companions if one is not decider]
        who, question = shown.answer.principal, shown.question
        return cls(workspace, shown.decision, who, question, label, others, chain, left_out=without)

    def on_mount(self) -> None:
        self._show_rows(self._rows(self._decision, companions=self._companions))
        in_thread(self, self._trace, self._refuse, name="tracing", group="trace")

    def _rows(
        self,
        decision: Decision,
        *,
        companions: Sequence[DependentAnswer],
        traced: Sequence[TracedLayer] = (),
        explanation: Explanation | None = None,
    ) -> list[TraceRow]:
        account, principal = self._workspace.account, self._principal
        return trace_rows(
            decision,
            principal,
            self._question,
            source=lambda ref: statement_lines(account, principal, decision.request.resource, ref),
            traced=traced,
            explanation=explanation,
            companions=companions,
            chain=self._chain,
        )

    def _trace(self, work: Work) -> None:
        workspace, principal, question = self._workspace, self._principal, self._question
        decision, traced, explanation = asking.ask_and_trace(workspace, principal, question)
        companions = self._companions or _companions(workspace, principal, question)
        rows = self._rows(decision, traced=traced, explanation=explanation, companions=companions)
        work.tell(self._show, decision, rows, explanation.suggestions)

    def _show(self, decision: Decision, rows: Sequence[TraceRow], suggestions: tuple[Suggestion, ...]) -> None:
        self._decision, self._suggestions = decision, suggestions
        self.query_one("#text-verdict", Label).update(styled(aged(verdict_words(decision).row, self._workspace.age)))
        self._show_rows(rows)
        self.query_one(KeyLine).look_again()

    def _show_rows(self, rows: Sequence[TraceRow]) -> None:
        first = statement_row(rows, self._at) if self._at is not None else deciding_row(rows, self._decision)
        self.view.show(rows, first)

    def _refuse(self, problem: Problem) -> None:
        """Keep the rows and add why the trace cannot be made."""
        rows = self.view.rows
        self.view.show([*rows, TraceRow(), refusal_row(str(problem))], len(rows) + 1)

    # Keys.

    @on(LineView.LineOpened)
    def _chosen(self) -> None:
        row = self.view.row
        if row is not None and row.ref is not None:
            self.show_statement(row.ref)

    def show_statement(self, ref: StatementRef) -> None:
        """Go to a statement in the tree, or show the document of one that is not in it."""
        account = self._workspace.account
        resource = self._decision.request.resource
        in_tree = ref.layer in (Layer.IDENTITY, Layer.BOUNDARY) and entity_of(account, self._principal) is not None
        in_tree = in_tree or (ref.layer is Layer.RESOURCE and isinstance(account.by_arn(resource), Role))
        if in_tree:
            send_to_main(self.app, JumpToStatement(ref, self._principal, resource, self._anew(ref)))
            return
        document = document_of(account, self._principal, resource, ref)
        if document is not None:
            self.app.push_screen(DocumentScreen(document, ref))
        else:
            self.say(line("The document of ", (statement_name(ref), "bold"), " is not among the loaded ones."))

    def _anew(self, ref: StatementRef) -> ScreenAbove:
        """Shows this screen again, at a statement, as long as its answer is the workspace's."""
        app, workspace, about = (
            self.app,
            self._workspace,
            (self._decision, self._principal, self._question, self._label),
        )
        companions, chain, without = self._companions, self._chain, self._left_out

        def anew(now: Workspace) -> None:
            if now is workspace:
                app.push_screen(TraceScreen(workspace, *about, companions, chain, ref, left_out=without))

        return anew

    def idle_actions(self) -> frozenset[str]:
        # Where the line of keys is short, drafting matters more than the list of all commands.
        return super().idle_actions() | {"command_palette" if self._suggestions else "draft"}

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "draft" and not self._suggestions:
            return False
        if action == "load" and not self._lacks_organization():
            return False
        return super().check_action(action, parameters)

    def _lacks_organization(self) -> bool:
        lacking = {Layer.SCP, Layer.RCP}.intersection(self._decision.not_evaluated)
        return bool(lacking) and lacks_organization(self._workspace.account)

    def action_load(self) -> None:
        do_on_main(self.app, "load('organization')")

    def action_draft(self) -> None:
        if self._left_out:
            word = plain(self._left_out, "bold", limit=64)
            self.say(line(word, " is half typed: finish it or take it out, then draft."))
        elif self._suggestions:
            send_to_main(self.app, DraftSuggestion(self._suggestions, self._principal, self._question))


def _companions(workspace: Workspace, principal: Principal, question: Question) -> tuple[DependentAnswer, ...]:
    """The other requests behind the same API call; none where they cannot be evaluated."""
    try:
        found = matrix_answers.answer(
            workspace, principal, QuestionMatrix((question.action,), (question.resource,), question)
        )
    except Problem:
        return ()
    return found.cells[0].companions if found is not None and found.cells else ()
