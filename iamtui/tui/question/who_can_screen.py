"""WhoCanScreen: the question put to everybody, with counts, a filter and the reasons; and its list, one a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat
from time import monotonic
from typing import ClassVar, Final, NamedTuple

from rich.cells import cell_len
from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Label

from iamtui.engine.decision import Decision, Layer, Outcome
from iamtui.engine.request import Principal
from iamtui.presentation.verdict import OUTCOME_WORDS
from iamtui.presentation.who_can import (
    BEST_FIRST,
    ORDERS,
    Order,
    WhoCanRow,
    WhoCanRows,
    not_evaluated,
    who_can_row,
    who_can_text,
)
from iamtui.problem import Problem
from iamtui.questions.question import QuestionMatrix
from iamtui.text import safe_text
from iamtui.tui.background import Work, in_thread
from iamtui.tui.content import TONES, age_note, fit, line, lines, plain, styled, wrong
from iamtui.tui.dialogs.list_dialogs import choose_columns
from iamtui.tui.file_exports import choose_export
from iamtui.tui.question.panel_text import terms_of
from iamtui.tui.question.trace_screen import TraceScreen
from iamtui.tui.widgets.lists.line_list import SORT_KEYS, LineView, Piece
from iamtui.tui.widgets.lists.list_pane import ON_A_ROW, FilteredList, FilterRow, ListPane, filter_chips
from iamtui.tui.widgets.lists.listing_view import shared_out
from iamtui.tui.widgets.status import KeyLine, Notice
from iamtui.workspace.ask.questions import ask, check_known
from iamtui.workspace.ask.who_can import Everybody, Provider, everybody, who_can
from iamtui.workspace.source.inventory import people_behind
from iamtui.workspace.source.workspace import Workspace

_GAP: Final = "  "
_VERDICT: Final = 12
_BEFORE: Final = 7
_KIND: Final = 8
_LEAST_NAME: Final = 24
_WHY_BESIDES: Final = 60
"""From which width on the reasons have a column of their own; below, the lines under the list say them."""
_REASONS_APART: Final = 117
"""From which width on layer, statement, condition and limit have each a column."""


class _Reason(NamedTuple):
    """A part of the reasons that has a column where there is room."""

    title: str
    of: Callable[[WhoCanRow], str]
    style: str = "muted"


_REASONS: Final = (
    _Reason("layer", lambda row: row.layer),
    _Reason("statement", lambda row: row.statement, ""),
    _Reason("condition", lambda row: row.condition, "waits"),
    _Reason("limit", lambda row: row.limit),
)
_WHY: Final = _Reason("why", lambda row: row.why)
COLUMNS: Final = tuple(reason.title for reason in (*_REASONS, _WHY))
"""The columns that can be chosen; verdict, name and kind are always there."""


class WhoCanList(FilteredList[WhoCanRow]):
    """Sorted and filtered rows; the cursor stays on its row while others come in."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Go there", id="whocan.open", tooltip="Go to the principal in the tree"),
        *SORT_KEYS,
        Binding(
            "o", "reverse_sort", "Reverse", id="table.reverse",
            tooltip="Turn the order round: worst answers first, and back",
        ),
    ]  # fmt: skip

    HEADER_LINES = 2

    @dataclass(eq=False, repr=False)
    class Sorted(Message):
        """The order is another."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.rows = WhoCanRows()
        self.longest: dict[str, int] = {}
        """Of all rows, in cells: the longest name with its place, and the longest of each part of the reasons."""
        self.chosen: Sequence[str] | None = None
        """Those of COLUMNS that the user wants; None: the usual ones."""
        self._draft = False

    def on_unmount(self) -> None:
        """Drop the rows, of which a large account has thousands, before the collector would find them."""
        self.rows = WhoCanRows()
        self.shown = ()

    def start(self, *, draft: bool) -> None:
        """Begin anew: no rows yet, the same filter and order."""
        old, self.rows = self.rows, WhoCanRows()
        self.longest.clear()
        self.rows.choose(outcome=old.outcome, only_changed=old.only_changed, needle=old.needle, order=old.order)
        self._draft = draft
        self._show(None)

    def add(self, rows: Sequence[WhoCanRow]) -> None:
        """Take new rows in; who stood at the top stays there, who had moved stays on their row."""
        kept = self.row if self.cursor else None
        self.rows.add(rows)
        longest = self.longest
        for row in rows:
            longest["name"] = max(longest.get("name", 0), cell_len(f"{_name(row)}  {_place(row)}".rstrip()))
            for reason in (*_REASONS, _WHY):
                longest[reason.title] = max(longest.get(reason.title, 0), cell_len(reason.of(row)))
        self._show(kept)

    def choose(
        self, *, outcome: Outcome | None, only_changed: bool = False, needle: str = "", order: Order | None = None
    ) -> None:
        kept = self.row
        self.rows.choose(outcome=outcome, only_changed=only_changed, needle=needle, order=order)
        self._show(kept)

    def _show(self, kept: WhoCanRow | None) -> None:
        offset = self.cursor - self.scroll_offset.y
        self.show_rows(self.rows.shown, kept)
        if self.cursor:
            self.scroll_to(y=max(0, self.cursor - offset), animate=False, force=True)

    # Drawing.

    def _columns(self, width: int) -> tuple[int, list[tuple[_Reason, int]]]:
        """The width of the name, and the reasons that have a column, with theirs."""
        fixed = 2 + _VERDICT + len(_GAP) + _KIND + len(_GAP) + (_BEFORE + len(_GAP) if self._draft else 0)
        room, longest = max(8, width - fixed), self.longest
        if room < _WHY_BESIDES:
            return room, []
        if self.chosen is None and room < _REASONS_APART:
            # Reasons are told below the list too: names come first, as long as some of the reason is left.
            why = longest.get("why", 0)
            name = min(longest.get("name", 0), max(_LEAST_NAME, room - len(_GAP) - min(why, room // 2)))
            name = max(name, min(_LEAST_NAME, room))
            return name, [(_WHY, room - name - len(_GAP))]
        if self.chosen is None:
            told = [reason for reason in _REASONS if longest.get(reason.title)]
        else:
            told = [reason for reason in (*_REASONS, _WHY) if reason.title in self.chosen]
        wanted = [max(longest.get("name", 0), _LEAST_NAME)]
        wanted += [max(longest.get(reason.title, 0), len(reason.title) + 2) for reason in told]
        name, *sizes = shared_out(room - len(_GAP) * len(told), wanted)
        return name, list(zip(told, sizes, strict=True))

    @property
    def titles(self) -> Mapping[str, str]:
        return {title: title for title in COLUMNS}

    @property
    def shown_columns(self) -> list[str]:
        return [reason.title for reason, _size in self._columns(self.size.width)[1]]

    @property
    def hidden_columns(self) -> list[str]:
        shown = self.shown_columns
        return [title for title in self.chosen or () if title in COLUMNS and title not in shown]

    def show_columns(self, ids: Sequence[str] | None) -> None:
        self.chosen = ids
        self.redraw()

    def _titles(self, width: int) -> list[tuple[str, int]]:
        name, reasons = self._columns(width)
        before = [("before", _BEFORE)] if self._draft else []
        own = [("verdict", _VERDICT), ("name", name), ("kind", _KIND)]
        return [*before, *own, *((reason.title, size) for reason, size in reasons)]

    def header_pieces(self, y: int, width: int) -> Sequence[Piece]:
        if y == 1:
            return [Piece("─" * width, "guide")]
        order = self.rows.order
        pieces = [Piece(" ")]
        for title, size in self._titles(width):
            here = title == order.by
            text = f"{title} {'▼' if order.reverse else '▲'}" if here else title
            pieces.append(Piece(fit(text, size).ljust(size) + _GAP, "header-sorted" if here else "header"))
        return pieces

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        row = self.shown[index]
        name, reasons = self._columns(width)
        pieces: list[Piece] = []
        if self._draft:
            pieces.append(_before(row))
        pieces.append(Piece(row.words.short.ljust(_VERDICT) + _GAP, row.words.tone))
        shown = fit(_name(row), name)
        padding = name - cell_len(shown)
        where = fit(f"  {_place(row)}", padding) if row.where and padding > 4 else ""
        pieces += [
            Piece(shown, "" if row.inside else "link"),
            Piece(where + " " * (padding - cell_len(where)) + _GAP, "faint"),
            Piece(row.kind.ljust(_KIND) + _GAP, "muted"),
        ]
        for reason, size in reasons:
            text = fit(reason.of(row), size)
            is_absent = reason.title == "statement" and row.outcome is Outcome.IMPLICIT_DENY
            pieces.append(Piece(text + " " * (size - cell_len(text)) + _GAP, "muted" if is_absent else reason.style))
        return pieces

    # Keys and mouse.

    def action_sort_by(self, step: int) -> None:
        titles = [title for title, _size in self._titles(self.size.width)]
        orders = [order for order in ORDERS if order in titles]
        at = orders.index(self.rows.order.by) if self.rows.order.by in orders else 0
        self._sort(Order(orders[(at + step) % len(orders)]))

    def action_reverse_sort(self) -> None:
        self._sort(Order(self.rows.order.by, not self.rows.order.reverse))

    def header_clicked(self, x: int) -> None:
        """Sort by the clicked column, again: in reverse."""
        at = 1
        for title, size in self._titles(self.size.width):
            if at <= x < at + size + len(_GAP) and title in ORDERS:
                order = self.rows.order
                self._sort(Order(title, title == order.by and not order.reverse))
            at += size + len(_GAP)

    def _sort(self, order: Order) -> None:
        rows = self.rows
        rows.choose(outcome=rows.outcome, only_changed=rows.only_changed, needle=rows.needle, order=order)
        self._show(None)
        self.post_message(self.Sorted())


def _before(row: WhoCanRow) -> Piece:
    if row.before is None:
        return Piece(" " * _BEFORE + _GAP)
    mark = row.before.mark + row.before.star
    return Piece((f"{mark} →" if row.changed else mark).ljust(_BEFORE) + _GAP, "warning" if row.changed else "faint")


def _name(row: WhoCanRow) -> str:
    return safe_text(row.name)


def _place(row: WhoCanRow) -> str:
    return safe_text(row.where)


class Arrangement(NamedTuple):
    """How the answers are narrowed and sorted, and the ARN of the principal under the cursor."""

    outcome: Outcome | None = None
    only_changed: bool = False
    needle: str = ""
    order: Order = Order()
    at: str = ""


_BATCH_SECONDS: Final = 0.05
"""How long answers are collected before they are handed on."""


# What the who-can screen says of its rows: question, counts, filters, what was not evaluated. Pure.


class Filter(NamedTuple):
    """A kind of answers to show, in words, and how they look. No outcome: all."""

    outcome: Outcome | None
    words: str
    style: str


def _filter(outcome: Outcome) -> Filter:
    words = OUTCOME_WORDS[outcome]
    return Filter(outcome, f"{words.mark} {words.rest or words.word.lower()}", TONES[words.tone])


FILTERS: Final = (Filter(None, "all", "$foreground"), *map(_filter, BEST_FIRST))
"""In the order of the keys 1 to 5."""


def heading(question_matrix: QuestionMatrix, left_out: str = "", age: str = "") -> Content:
    """The question, how old the account is, and below it what was given with it, and what was half typed."""
    actions, on_what = ", ".join(question_matrix.actions), ", ".join(question_matrix.resources)
    parts: list[object] = [("Who can do ", "bold $heading"), (actions, "bold")]
    if on_what != "*":
        parts += [" on ", on_what]
    parts.append("?")
    parts.append(age_note(age))
    terms = terms_of(question_matrix)
    rows = [line(*parts)]
    if left_out:
        word = plain(left_out, "bold $verdict-depends", limit=64)
        rows.append(line(("Without  ", "$verdict-depends"), word, ", which is half typed"))
    if terms:
        rows.append(line(("Given    ", "$muted"), terms))
    return lines(*rows)


def counts(rows: WhoCanRows, *, asking: int | None, draft: bool) -> Content:
    """How many answers of which kind.

    Args:
        asking: how many principals are being asked; None when all have answered.
        draft: whether answers before a draft stand beside those with it.
    """
    parts: list[object] = [styled(rows.counts.short(best_first=True)), (f" of {len(rows.all):,}", "$muted")]
    if asking is not None:
        parts.append((f"   asking … {len(rows.all) * 100 // max(1, asking)} %", "bold $match"))
    if draft:
        parts.append((f"   {rows.changed:,} changed", "bold $match" if rows.changed else "$muted"))
    if rows.needle or rows.outcome is not None or rows.only_changed:
        parts.append((f"   {len(rows.shown):,} shown", "bold $match"))
    parts.append((f"   {rows.order.title}", "$faint"))
    return line(*parts)


def filters(rows: WhoCanRows, *, draft: bool) -> Content:
    entries = [(entry.words, entry.style) for entry in FILTERS]
    active = [entry.outcome for entry in FILTERS].index(rows.outcome)
    if draft:
        entries.append(("changed", "$match"))
        active = len(FILTERS) if rows.only_changed else active
    return filter_chips(entries, active, *([(f" / {rows.needle}", "bold $match")] if rows.needle else []))


def empty(rows: WhoCanRows, problem: Problem | None, *, done: bool) -> Content | None:
    if problem is not None:
        return wrong(problem)
    if rows.shown:
        return None
    if not done:
        return plain("Asking …")
    if not rows.all:
        return plain("This account has no users and no roles to ask about.")
    return plain("Nobody matches this filter. Press 1 for all, or Escape to end the text filter.")


AS_FOUND: Final = Arrangement()

_TABLE: Final = "who can"
"""Key of the columns chosen here, beside those of the tables."""


class WhoCanScreen(Screen[str | None]):
    """Answers come from a thread that ends with the screen; it returns the ARN to go to, or None."""

    HELP_ABOUT: ClassVar[str] = (
        "The question is put to every user and role, and to whoever the resource's policy names besides. Each "
        "answer is what AWS would decide after all policies; what depends on a condition says on which."
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Filter", key_display="/", id="whocan.filter", tooltip="Show what holds a text"),
        Binding("x", "export", "Export", id="whocan.export", tooltip="Export what is shown as CSV, JSON or Markdown"),
        Binding("w,f7", "why", "Why", id="whocan.why", tooltip="Show the whole trace for this principal"),
        Binding("f6", "back", "Back to one", id="whocan.back", tooltip="Back to one principal"),
        Binding("v", "columns", "Columns", id="table.columns", tooltip="Choose the columns of the table"),
        Binding("1", "show('1')", "All", show=False, id="whocan.all", tooltip="Show every principal"),
        Binding("2", "show('2')", "Allowed", show=False, id="whocan.allowed", tooltip="Show who is allowed"),
        Binding("3", "show('3')", "Depends", show=False, id="whocan.depends", tooltip="Show for whom it depends"),
        Binding("4", "show('4')", "Explicit", show=False, id="whocan.explicit", tooltip="Show whom a Deny stops"),
        Binding("5", "show('5')", "No allow", show=False, id="whocan.no-allow", tooltip="Show whom nothing allows"),
        Binding("6", "show('6')", "Changed", show=False, id="whocan.changed", tooltip="Show what the draft changes"),
        Binding("escape,q", "leave", "Back", id="whocan.leave", tooltip="End the filter, or go back"),
    ]  # fmt: skip

    DEFAULT_CSS = """
    WhoCanScreen {
        background: $background;

        & #whocan-title {
            height: auto;
            max-height: 3;
            width: 100%;
            padding: 0 1;
            background: $panel;
        }
        & #whocan-counts, & #whocan-filters {
            height: 1;
            width: 100%;
            padding: 0 1;
        }
        & #whocan-note {
            height: auto;
            max-height: 6;
            width: 100%;
            padding: 0 1;
            color: $verdict-depends;
            display: none;
        }
    }
    """

    list = getters.query_one(WhoCanList)

    def __init__(
        self,
        workspace: Workspace,
        question_matrix: QuestionMatrix,
        *,
        before: Workspace | None = None,
        left_out: str = "",
        provider: Provider = who_can,
        arrangement: Arrangement = AS_FOUND,
        columns: dict[str, tuple[str, ...]] | None = None,
    ) -> None:
        """Make the screen.

        Args:
            columns: by table, those that the user wants; a choice made here goes in under "who can".
            arrangement: how it is shown at first, and in the attribute how it was left.
            before: the workspace without the draft that `workspace` holds: every row then shows both answers.
            left_out: what was half typed, and is not asked with; "" for nothing.
            provider: what answers.
        """
        super().__init__()
        self._workspace = workspace
        self.question_matrix = question_matrix
        self._before = before
        self._left_out = left_out
        self._provider = provider
        self.arrangement = arrangement
        self._chosen_columns = columns if columns is not None else {}
        self._everybody = Everybody(())
        self._done = False
        self._unloaded: set[Layer] = set()
        self._problem: Problem | None = None

    def compose(self) -> ComposeResult:
        yield Label(heading(self.question_matrix, self._left_out, self._workspace.age), id="whocan-title")
        yield Label(id="whocan-counts")
        yield Label(id="whocan-filters")
        yield Label(id="whocan-note")
        rows = WhoCanList(id="whocan-list")
        rows.chosen = self._chosen_columns.get(_TABLE)
        yield ListPane(rows, details=4)
        needle = self.arrangement.needle
        yield FilterRow(rows, placeholder="name, path or policy; Enter keeps it", needle=needle)
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.list.focus()
        first = self.arrangement
        self.list.rows.choose(
            outcome=first.outcome, only_changed=first.only_changed, needle=first.needle, order=first.order
        )
        self._ask()

    def again(self) -> Callable[[Workspace, Workspace | None], WhoCanScreen]:
        """Makes the screen anew as it was left, of a workspace and the one without its draft; it asks everybody again.

        What it makes it from keeps this screen no longer.
        """
        question_matrix, left_out, provider = self.question_matrix, self._left_out, self._provider
        arrangement, columns = self.arrangement, self._chosen_columns

        def make(workspace: Workspace, before: Workspace | None) -> WhoCanScreen:
            return WhoCanScreen(
                workspace, question_matrix,
                before=before, left_out=left_out, provider=provider, arrangement=arrangement, columns=columns,
            )  # fmt: skip

        return make

    # Asking.

    @property
    def done(self) -> bool:
        return self._done

    def set_workspace(self, workspace: Workspace, before: Workspace | None = None) -> None:
        if workspace is not self._workspace or before is not self._before:
            self._workspace, self._before = workspace, before
            self._ask()

    def _ask(self) -> None:
        self._done, self._problem = False, None
        self._unloaded.clear()
        self.list.start(draft=self._before is not None)
        self.show_answers()
        answer_all = partial(self._answer, self._workspace, self._before)
        in_thread(self, answer_all, self._refuse, name="asking everybody", next_step="Go back and ask again.")

    def _answer(self, workspace: Workspace, before: Workspace | None, work: Work) -> None:
        """Ask everybody in a thread; answers become rows in batches."""
        check_known(self.question_matrix.actions)
        found = everybody(workspace, self.question_matrix)
        work.tell(self._start_rows, found)
        batch: list[WhoCanRow] = []
        handed_on = monotonic()
        for row in self._rows(found, workspace, before, work.cancelled):
            batch.append(row)
            if monotonic() - handed_on >= _BATCH_SECONDS:
                work.tell(self._add, batch)
                batch, handed_on = [], monotonic()
        work.tell(self._end, batch)

    def _rows(
        self, found: Everybody, workspace: Workspace, before: Workspace | None, cancelled: Callable[[], bool]
    ) -> Iterator[WhoCanRow]:
        def answers(side: Workspace) -> Iterator[tuple[Principal, Decision]]:
            return self._provider(side, self.question_matrix, found.asked, cancelled)

        inside = len(found.principals) - found.outside
        old = (decision for _, decision in answers(before)) if before is not None else repeat(None)
        for at, ((principal, decision), earlier) in enumerate(zip(answers(workspace), old, strict=False)):
            elsewhere, people = principal.account in workspace.others, people_behind(workspace, principal.arn)
            yield who_can_row(principal, decision, earlier, inside=at < inside, elsewhere=elsewhere, people=people)

    def _start_rows(self, found: Everybody) -> None:
        self._everybody = found
        self.show_answers()

    def _add(self, rows: Sequence[WhoCanRow]) -> None:
        self._unloaded.update(layer for row in rows for layer in row.unloaded)
        self.list.add(rows)
        self.show_answers()

    def _end(self, rows: Sequence[WhoCanRow]) -> None:
        self._done = True
        self._add(rows)
        at, self.arrangement = self.arrangement.at, self.arrangement._replace(at="")
        if at and not self.list.cursor:
            self.list.move_to(next((n for n, row in enumerate(self.list.shown) if row.principal.arn == at), 0))

    def _refuse(self, problem: Problem) -> None:
        self._problem, self._done = problem, True
        self.show_answers()

    # Showing.

    def show_answers(self) -> None:
        rows, draft = self.list.rows, self._before is not None
        asking = None if self._done else len(self._everybody.asked)
        self.query_one("#whocan-counts", Label).update(counts(rows, asking=asking, draft=draft))
        self.query_one("#whocan-filters", Label).update(filters(rows, draft=draft))
        note = self.query_one("#whocan-note", Label)
        words = " ".join(filter(None, (*self._everybody.never_asked, not_evaluated(self._everybody, self._unloaded))))
        note.display = bool(words)
        note.update(plain(words))
        self.query_one(KeyLine).look_again()
        self.query_one(ListPane).show(empty(rows, self._problem, done=self._done))

    @on(LineView.CursorMoved)
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        row, words = self.list.row, Content("")
        if row is not None:
            before = ((str(row.before), "$muted"), (" → ", "bold $match")) if row.before and row.changed else ()
            words = lines(line(*before, styled(row.words.row)), plain(row.reason))
        self.query_one(ListPane).tell(words)

    # Keys.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing has changed without a draft."""
        if action == "show" and parameters == ("6",) and self._before is None:
            return False
        return super().check_action(action, parameters)

    def action_show(self, number: str) -> None:
        rows, at = self.list.rows, int(number) - 1
        if at < len(FILTERS):
            self.list.choose(outcome=FILTERS[at].outcome, needle=rows.needle)
        elif self._before is not None:
            self.list.choose(outcome=None, only_changed=True, needle=rows.needle)
        self.show_answers()

    @on(WhoCanList.Sorted)
    def _sorted(self, event: WhoCanList.Sorted) -> None:
        event.stop()
        self.show_answers()

    @on(FilteredList.FilterStep)
    def _step(self, event: FilteredList.FilterStep) -> None:
        event.stop()
        outcomes = [entry.outcome for entry in FILTERS]
        at = (outcomes.index(self.list.rows.outcome) + event.direction) % len(outcomes)
        self.action_show(str(at + 1))

    def action_columns(self) -> None:
        choose_columns(self.app, _TABLE, self.list, self._chosen_columns)

    def action_search(self) -> None:
        self.query_one(FilterRow).open()

    @on(FilterRow.Narrowed)
    def _narrowed(self, event: FilterRow.Narrowed) -> None:
        event.stop()
        rows = self.list.rows
        self.list.choose(outcome=rows.outcome, only_changed=rows.only_changed, needle=event.needle)
        self.show_answers()

    def action_leave(self) -> None:
        if not self.query_one(FilterRow).end():
            self.action_back()

    def action_back(self, arn: str | None = None) -> None:
        rows, at = self.list.rows, self.list.row
        here = at.principal.arn if at is not None else ""
        self.arrangement = Arrangement(rows.outcome, rows.only_changed, rows.needle, rows.order, here)
        self.dismiss(arn)

    @on(LineView.LineOpened)
    def _chosen(self, event: LineView.LineOpened) -> None:
        event.stop()
        row = self.list.row
        if row is None:
            return
        if not row.inside:
            words = "It is not in the tree: it belongs to another account or to nobody. Press w for why."
            self.query_one(ListPane).tell(lines(styled(row.words.row), plain(words)))
        else:
            self.action_back(row.principal.arn)

    def action_export(self) -> None:
        """Export the principals that are shown, in their order; the answers of a draft are those with it."""
        principals, question_matrix = [row.principal for row in self.list.shown], self.question_matrix
        workspace, action = self._workspace, question_matrix.actions[0].replace(":", "-")

        def text(form: str, work: Work) -> str:
            return who_can_text(form, workspace, question_matrix, principals, work.cancelled)

        if not self._done:
            self.query_one(ListPane).tell(plain("Not everybody has been evaluated yet: export when that is done."))
            return
        choose_export(
            self.app,
            "Export who can as",
            heading(question_matrix),
            text,
            what="Who can",
            file_name=f"who-can-{action}",
            empty="Nobody is shown.",
        )

    def action_why(self) -> None:
        row = self.list.row
        if row is None:
            return
        asked, requester = row.request, row.request.principal
        question = replace(
            self.question_matrix.terms, action=asked.action, resource=asked.resource, context=asked.context
        )
        decision = ask(self._workspace, requester, question)
        label = f"{row.kind}/{row.name}"
        if requester != row.principal:
            label = f"{label}, chained from {requester.arn.rpartition(':')[2]}"
        without = self._left_out
        self.app.push_screen(TraceScreen(self._workspace, decision, requester, question, label, left_out=without))

    def idle_actions(self) -> frozenset[str]:
        return frozenset() if self.list.row is not None else ON_A_ROW

    @on(Notice)
    def _notice(self, event: Notice) -> None:
        event.stop()
