"""ReportScreen: a list over the whole account with a filter and details: findings, escalations, members of a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from rich.cells import cell_len
from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Label, Static
from textual.worker import Worker, WorkerState, get_current_worker

from iamtui.account.model import Account
from iamtui.presentation.reports import (
    Asked,
    Place,
    Report,
    ReportRow,
    escalations_report,
    findings_report,
    members_report,
    shown_rows,
)
from iamtui.presentation.styled_words import Tone
from iamtui.problem import Problem
from iamtui.tui.background import few_pauses, giving_turns
from iamtui.tui.content import fit, line, lines, plain, styled
from iamtui.tui.terminal_app import worker_failure
from iamtui.tui.widgets.inputs import SafeInput
from iamtui.tui.widgets.lists.line_list import LineView, Piece
from iamtui.tui.widgets.status import KeyLine
from iamtui.workspace.audit import audit, unknown_facts
from iamtui.workspace.escalations import find_escalations
from iamtui.workspace.overview import Figure
from iamtui.workspace.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.engine.request import Principal
    from iamtui.questions.question import Question
    from iamtui.tui.explorer.detail_pane import SubjectPane
    from iamtui.tui.history import ScreenAbove

Load = Callable[[Workspace, Callable[[], bool]], Report]
"""Makes a report in a thread; what it is given tells whether nobody wants it any more."""


def findings(workspace: Workspace, cancelled: Callable[[], bool]) -> Report:
    return findings_report(workspace.account, audit(workspace, cancelled=cancelled), unknown_facts(workspace.account))


def escalations(workspace: Workspace, cancelled: Callable[[], bool]) -> Report:
    return escalations_report(workspace.account, find_escalations(workspace, cancelled))


def members(figure: Figure, parts: Sequence[Figure], workspace: Workspace, _cancelled: Callable[[], bool]) -> Report:
    return members_report(workspace.account, figure, parts)


REPORTS: Final[dict[str, Load]] = {"findings": findings, "escalations": escalations}
"""By the name that keys and numbers open them with."""


# The rows.


LINE_TONES: Final = {
    Tone.PLAIN: "",
    Tone.STRONG: "strong",
    Tone.HEADING: "heading",
    Tone.QUIET: "muted",
    Tone.FAINT: "faint",
    Tone.ALLOWED: "allowed",
    Tone.DENIED: "denied",
    Tone.DEPENDS: "depends",
}
_GAP: Final = "  "
_LEAST_NAME: Final = 24


class ReportList(LineView):
    """A report's rows: mark, name, and what is said of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Go there", id="report.open", tooltip="Go to it in the tree, or ask the step"),
    ]

    @dataclass(eq=False, repr=False)
    class Step(Message):
        """h or l: the kind to the left or right."""

        direction: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._shown: Sequence[ReportRow] = ()
        self._mark_width = self._name_width = 0

    @property
    def row(self) -> ReportRow | None:
        return self._shown[self.cursor] if self._shown else None

    @property
    def shown(self) -> Sequence[ReportRow]:
        return self._shown

    def show_rows(self, rows: Sequence[ReportRow], keep: ReportRow | None) -> None:
        """Show these; the cursor stays on its row where that is one of them."""
        self._shown = rows
        self._mark_width = max((cell_len(row.mark.text) for row in rows), default=0)
        self._name_width = max((cell_len(row.name) + 2 * row.inner for row in rows), default=0)
        self.set_total(len(rows), cursor=next((at for at, row in enumerate(rows) if row is keep), 0))

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        row = self._shown[index]
        room = width - 1
        pieces: list[Piece] = []
        if self._mark_width:
            pieces.append(Piece(row.mark.text.ljust(self._mark_width) + _GAP, LINE_TONES[row.mark.tone]))
            room -= self._mark_width + len(_GAP)
        indent = "  " if row.inner else ""
        # What has nothing said of it may have the whole line.
        column = min(self._name_width, max(_LEAST_NAME, room // 2))
        name = fit(indent + row.name, column if row.text else room)
        style = "muted" if row.inner else "strong" if row.target else ""
        pieces += [Piece(name, style), Piece(" " * (column - cell_len(name)) + _GAP)]
        room -= max(column, cell_len(name)) + len(_GAP)
        return [*pieces, Piece(fit(row.text, room), "muted")]

    def action_line_left(self) -> None:
        self.post_message(self.Step(-1))

    def action_line_right(self) -> None:
        self.post_message(self.Step(1))


class ReportScreen(Screen[ReportRow | None]):
    """Shows a report, made in a thread that ends with the screen; it returns the row to go to, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Filter", key_display="/", id="report.filter", tooltip="Show what holds a text"),
        *(
            Binding(
                str(number), f"show({number})", f"Kind {number}", show=False, id=f"report.kind-{number}",
                tooltip="Show every row" if number == 1 else f"Show rows of kind {number} only",
            )
            for number in range(1, 8)
        ),
        Binding("escape,q", "leave", "Back", id="report.leave", tooltip="End the filter, or go back"),
    ]  # fmt: skip

    DEFAULT_CSS = """
    ReportScreen {
        background: $background;

        & #report-title {
            height: 1;
            width: 100%;
            padding: 0 1;
            background: $panel;
        }
        & #report-kinds {
            height: 1;
            width: 100%;
            padding: 0 1;
        }
        & ReportList {
            height: 1fr;
        }
        & #report-empty {
            height: 1fr;
            padding: 1 2;
            color: $muted;
            display: none;
        }
        & #report-details {
            height: 5;
            padding: 0 1;
            border-top: solid $rule;
        }
        & #report-notes {
            height: auto;
            max-height: 3;
            width: 100%;
            padding: 0 1;
            color: $muted;
        }
        & #report-search {
            height: 1;
            padding: 0 1;
            display: none;
        }
        &.-searching #report-search {
            display: block;
        }
        & #report-search Label {
            width: auto;
            color: $heading;
        }
        & #report-search Input {
            width: 1fr;
            background: $foreground 10%;
        }
    }
    """

    @dataclass(eq=False, repr=False)
    class _Made(Message):
        report: Report

    @dataclass(eq=False, repr=False)
    class _Refused(Message):
        problem: Problem

    def __init__(
        self, workspace: Workspace, title: str, load: Load, *, kind: str = "", at: ReportRow | None = None
    ) -> None:
        """Make the screen.

        Args:
            kind: the kind that is shown first; "": all.
            at: the row that the cursor starts on.
        """
        super().__init__()
        self._workspace = workspace
        self._title = title
        self._load = load
        self._kind = kind
        self._needle = ""
        self._at = at
        self._report: Report | None = None
        self._problem: Problem | None = None

    def compose(self) -> ComposeResult:
        yield Label(id="report-title")
        yield Label(id="report-kinds")
        yield ReportList(id="report-list")
        yield Static(id="report-empty")
        yield Static(id="report-details")
        yield Label(id="report-notes")
        with Horizontal(id="report-search"):
            yield Label("/")
            yield SafeInput(placeholder="name, words, code; Enter keeps it", compact=True, id="report-needle")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.list.focus()
        self._show_rows()
        self.run_worker(self._make, thread=True, exit_on_error=False, name=f"looking for {self._title.lower()}")

    @property
    def list(self) -> ReportList:
        return self.query_one(ReportList)

    @property
    def done(self) -> bool:
        return self._report is not None or self._problem is not None

    def again(self) -> ScreenAbove:
        """Makes the screen anew as it is, with the report that it has; None for another account or another draft."""
        workspace, title, report, kind, at = self._workspace, self._title, self._report, self._kind, self.list.row

        def make(now: Workspace) -> Screen[Any] | None:
            if report is None or now.account is not workspace.account:
                return None
            return ReportScreen(now, title, lambda _workspace, _cancelled: report, kind=kind, at=at)

        return make

    # In the thread.

    def _make(self) -> None:
        worker = get_current_worker()
        try:
            with few_pauses(self._workspace.account):
                report = self._load(self._workspace, giving_turns(worker))
        except Problem as problem:
            self.post_message(self._Refused(problem))
        else:
            if not worker.is_cancelled:
                self.post_message(self._Made(report))

    @on(_Made)
    def _made(self, event: _Made) -> None:
        event.stop()
        self._report = event.report
        self._show_rows()

    @on(_Refused)
    def _refused(self, event: _Refused) -> None:
        event.stop()
        self._fail(event.problem)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        event.stop()
        if event.state is WorkerState.ERROR:
            self._fail(Problem(worker_failure(event.worker), "Go back and try again."))

    def _fail(self, problem: Problem) -> None:
        self._problem = problem
        self._show_rows()

    # Showing.

    def _show_rows(self) -> None:
        report = self._report
        keep, self._at = self.list.row or self._at, None if report is not None else self._at
        rows = shown_rows(report, self._kind, self._needle) if report is not None else []
        self.list.show_rows(rows, keep)
        title = report.title if report is not None else self._title
        groups = len({row.group for row in rows})
        count: tuple[str, str] = (f"  {groups:,}", "$muted") if self.done else ("  looking …", "bold $match")
        self.query_one("#report-title", Label).update(line((title, "bold $heading"), count))
        kinds = self.query_one("#report-kinds", Label)
        kinds.update(self._kinds())
        kinds.display = bool(report is not None and report.kinds)
        notes = self.query_one("#report-notes", Label)
        notes.update(lines(*(plain(note, limit=None) for note in report.notes)) if report is not None else Content(""))
        notes.display = bool(report is not None and report.notes)
        self._show_empty(rows)
        self.query_one(KeyLine).look_again()

    def _kinds(self) -> Content:
        report = self._report
        if report is None:
            return Content("")
        chips: list[object] = []
        for number, kind in enumerate(("", *report.kinds), 1):
            active = kind == self._kind
            words = f"{kind} {report.counts.get(kind, 0):,}" if kind else "all"
            chips.append((f"{'▸' if active else ' '}{number} {words}", "bold underline" if active else "$muted"))
        if self._needle:
            chips.append((f"  / {self._needle}", "bold $match"))
        return line(*chips)

    def _show_empty(self, rows: Sequence[ReportRow]) -> None:
        place = self.query_one("#report-empty", Static)
        place.display, self.list.display = not rows, bool(rows)
        if rows:
            if self.focused is None:
                self.list.focus()
            return
        self.query_one("#report-details", Static).update(Content(""))
        if self._problem is not None:
            place.update(line(("! ", "bold $verdict-denied"), str(self._problem)))
        elif self._report is None:
            place.update(plain("Looking …"))
        elif self._report.rows:
            place.update(plain("Nothing matches. Press 1 for all, or Escape to end the text filter."))
        else:
            place.update(plain(self._report.nothing))

    @on(LineView.CursorMoved)
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        row = self.list.row
        self.query_one("#report-details", Static).update(
            lines(*map(styled, row.details)) if row is not None else Content("")
        )

    # Keys.

    def action_show(self, number: int) -> None:
        kinds = ("", *(self._report.kinds if self._report is not None else ()))
        if number <= len(kinds):
            self._kind = kinds[number - 1]
            self._show_rows()

    @on(ReportList.Step)
    def _step(self, event: ReportList.Step) -> None:
        event.stop()
        kinds = ("", *(self._report.kinds if self._report is not None else ()))
        self.action_show((kinds.index(self._kind) + event.direction) % len(kinds) + 1)

    def action_search(self) -> None:
        self.add_class("-searching")
        self.query_one("#report-needle", Input).focus()

    @on(Input.Changed, "#report-needle")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._needle = event.value
        self._show_rows()

    @on(Input.Submitted, "#report-needle")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.list.focus()

    def action_leave(self) -> None:
        if self.has_class("-searching"):
            self.remove_class("-searching")
            self.query_one("#report-needle", Input).value = ""
            self.list.focus()
        else:
            self.workers.cancel_node(self)
            self.dismiss(None)

    @on(LineView.LineOpened)
    def _chosen(self, event: LineView.LineOpened) -> None:
        event.stop()
        row = self.list.row
        if row is None:
            return
        if row.target:
            self.dismiss(row)
        else:
            self.query_one("#report-details", Static).update(
                lines(*map(styled, row.details[:2]), plain("It is about the account, not a part of the tree."))
            )


# The way from the main screen to a report and back.


class Reported(Protocol):
    """The main screen, as the reports know it."""

    @property
    def app(self) -> App[Any]:
        """The app, to open screens."""

    @property
    def workspace(self) -> Workspace | None:
        """The account, with the draft that is open."""

    @property
    def subject(self) -> SubjectPane:
        """Where the user is."""

    def say(self, text: Content | str) -> None:
        """Show one sentence on the message line."""

    def go_to(self, key: str, above: ScreenAbove | None = ...) -> bool:
        """Go to an entity of the tree; False when it is not there."""

    def ask_about(self, principal: Principal, label: str, question: Question) -> None:
        """Ask for a caller."""


def open_report(main: Reported, name: str, kind: str = "") -> None:
    """Open one of REPORTS; choosing a row goes to its entity, to the statement, or asks the step's question."""
    if main.workspace is None:
        main.say(plain("Open an account first: P chooses one."))
        return
    _open(main, ReportScreen(main.workspace, name.capitalize(), REPORTS[name], kind=kind))


def open_members(main: Reported, figure: Figure, parts: Sequence[Figure] = ()) -> None:
    """List what a number of the overview counts, and which part of it."""
    if main.workspace is not None:
        _open(main, ReportScreen(main.workspace, figure.label.capitalize(), partial(members, figure, parts)))


def open_list(main: Reported, title: str, make: Callable[[], Report]) -> None:
    """Open a list that lies behind a line of a tab."""
    if main.workspace is not None:
        _open(main, ReportScreen(main.workspace, title, lambda _workspace, _cancelled: make()))


def _open(main: Reported, screen: ReportScreen) -> None:
    def left(row: ReportRow | None) -> None:
        if row is None or main.workspace is None or not main.go_to(row.target, screen.again()):
            return
        if row.asked is not None:
            _ask(main, main.workspace.account, row.asked)
        elif row.place is not None:
            _show(main, row.place)

    main.app.push_screen(screen, left)


def _ask(main: Reported, account: Account, asked: Asked) -> None:
    main.ask_about(asked.principal, account.short_name(asked.principal.arn), asked.question)


def _show(main: Reported, place: Place) -> None:
    if place.trust:
        main.subject.detail.select_tab("trust")
    else:
        main.subject.detail.show_statement(place.policy, place.statement)
