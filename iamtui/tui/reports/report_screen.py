"""ReportScreen: a list over the whole account with a filter and details: findings, escalations, members of a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from rich.cells import cell_len
from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Label

from iamtui.account.model import Account, Role, User
from iamtui.presentation.access import OVER_TIME, changes_report, of_two
from iamtui.presentation.reports import (
    Report,
    ReportRow,
    StatementPlace,
    escalations_report,
    findings_report,
    members_report,
    report_text,
    shown_rows,
)
from iamtui.presentation.styled_words import row_of, text_of
from iamtui.problem import Problem
from iamtui.tui.background import Work, in_thread
from iamtui.tui.content import age_note, fit, fit_name, line, lines, plain, styled, wrong
from iamtui.tui.dialogs.list_dialogs import ColumnList, choose_columns
from iamtui.tui.file_exports import choose_export
from iamtui.tui.main.inventory import IndexedAccount
from iamtui.tui.main.main_view import MainView
from iamtui.tui.widgets.lists.line_list import LINE_TONES, LineView, Piece
from iamtui.tui.widgets.lists.list_pane import ON_A_ROW, FilteredList, FilterRow, ListPane, filter_chips
from iamtui.tui.widgets.lists.wrapped_text import wrap_all
from iamtui.tui.widgets.status import KeyLine, TitleLine
from iamtui.workspace.ask.what_can import EffectiveAccess, what_can
from iamtui.workspace.review.audit import audit, read_suppressions
from iamtui.workspace.review.audit_edits import edits_that_mend
from iamtui.workspace.review.escalations import find_escalations_across
from iamtui.workspace.review.overview import Figure
from iamtui.workspace.source.opening import load_account_facts
from iamtui.workspace.source.principals import principal_for
from iamtui.workspace.source.unknown_facts import unknown_facts
from iamtui.workspace.source.workspace import OpeningCancelled, Progress, SourceKind, Workspace

if TYPE_CHECKING:
    from iamtui.tui.main.inventory import IndexedAccount

Load = Callable[[Workspace, Callable[[], bool]], Report]
"""Makes a report in a thread; what it is given tells whether nobody wants it any more."""


def findings(workspace: Workspace, cancelled: Callable[[], bool]) -> Report:
    account = workspace.account
    found = (one for one in audit(workspace, cancelled=cancelled) if not cancelled())
    return findings_report(account, found, unknown_facts(account), read_suppressions())


def escalations(workspace: Workspace, cancelled: Callable[[], bool]) -> Report:
    return escalations_report(workspace.account, find_escalations_across(workspace, cancelled)[0])


def members(figure: Figure, parts: Sequence[Figure], workspace: Workspace, _cancelled: Callable[[], bool]) -> Report:
    return members_report(workspace.account, figure, parts)


class Compared(NamedTuple):
    """One side of a comparison of what two principals can do: of a user or role in a workspace."""

    workspace: Workspace
    entity: User | Role
    title: str

    def access(self, cancelled: Callable[[], bool]) -> EffectiveAccess:
        return what_can(self.workspace, principal_for(self.workspace, self.entity), cancelled=cancelled)


def compared_title(before: Compared, after: Compared) -> str:
    """Both sides, raw; only one and the same becomes another over time."""
    return (" → " if before.entity.arn == after.entity.arn else " and ").join((before.title, after.title))


def comparison(before: Compared, after: Compared, _workspace: Workspace, cancelled: Callable[[], bool]) -> Report:
    title = text_of(row_of(f"{compared_title(before, after)}, by service and access level"))
    one, other = before.entity, after.entity
    words = OVER_TIME
    if one.arn != other.arn:
        words = of_two(one.name, other.name) if one.name != other.name else of_two(before.title, after.title)
    return changes_report(title, before.access(cancelled), after.access(cancelled), words)


REPORTS: Final[dict[str, Load]] = {"findings": findings, "escalations": escalations}
"""By the name that keys and numbers open them with."""


# The rows.


_GAP: Final = "  "
_LEAST_NAME: Final = 28
_MOST_NOTES: Final = 3
"""Lines of the notes below a list; twice as many where the window is tall."""
_TALL: Final = 30
_AROUND: Final = 12
"""Lines of a window besides the list and the notes; a short list leaves the notes its room."""


class ReportList(FilteredList[ReportRow], ColumnList):
    """A report's rows: mark, name, and text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Go there", id="report.open", tooltip="Go to it in the tree, or ask the step"),
    ]

    _mark_width = _name_width = _text_width = 0
    _has_headings = False
    """True where group lines have no mark: they are headings, which begin at the edge."""
    titles: ClassVar[Mapping[str, str]] = {"mark": "mark", "name": "name", "text": "details"}
    shown_columns = tuple(titles)

    def show_rows(self, rows: Sequence[ReportRow], keep: ReportRow | None) -> None:
        self._mark_width = max((cell_len(row.mark.text) for row in rows), default=0)
        self._name_width = max((cell_len(row.name) + 2 * row.inner for row in rows), default=0)
        self._text_width = max((cell_len(row.text) for row in rows), default=0)
        self._has_headings = self._mark_width > 0 and not any(row.mark.text for row in rows if not row.inner)
        super().show_rows(rows, keep)

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        row = self.shown[index]
        marks = self._mark_width + len(_GAP) if self._mark_width and "mark" in self.shown_columns else 0
        room = width - 1 - marks
        indent, text = "  " if row.inner else "", row.text if "text" in self.shown_columns else ""
        # What has nothing said of it may have the whole line, and any other name what its own text leaves.
        column = min(self._name_width, max(_LEAST_NAME, room * 3 // 7, room - len(_GAP) - self._text_width))
        pieces: list[Piece] = []
        if marks and self._has_headings and not row.inner:
            room, column = room + marks, column + marks
        elif marks:
            mark = row.mark.text.ljust(self._mark_width) + _GAP
            pieces.append(Piece(indent + mark if self._has_headings else mark, LINE_TONES[row.mark.tone]))
            if self._has_headings:
                room, column, indent = room - len(indent), column - len(indent), ""
        if "name" not in self.shown_columns:
            return [*pieces, Piece(fit(indent + text, room), "muted")]
        most = max(column, min(cell_len(indent + row.name), room - len(_GAP) - cell_len(text)))
        name = fit_name(indent + row.name, most) if text else fit(indent + row.name, room)
        style = "muted" if row.inner else "strong" if row.target else ""
        pieces += [Piece(name, style), Piece(" " * (column - cell_len(name)) + _GAP)]
        return [*pieces, Piece(fit(text, room - max(column, cell_len(name)) - len(_GAP)), "muted")]


class More(NamedTuple):
    """How a workspace gets what a report needs and the account lacks.

    Args:
        load: loads it, in a thread; tells how far it is.
        show: shows the main screen the workspace that has it.
    """

    load: Callable[[Workspace, Callable[[Progress], None]], Workspace]
    show: Callable[[IndexedAccount], object]


class ReportScreen(Screen[ReportRow | None]):
    """Shows a report, made in a thread that ends with the screen; it returns the row to go to, or None."""

    HELP_TITLE: ClassVar[str] = "A list over the account"
    HELP_ABOUT: ClassVar[str] = "Enter goes to what the line is about, [ comes back to the list as it was."

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Filter", key_display="/", id="report.filter", tooltip="Show what holds a text"),
        *(
            Binding(
                str(number), f"show({number})", f"Kind {number}", show=False, id=f"report.kind-{number}",
                tooltip="Show every row" if number == 1 else f"Show rows of kind {number} only",
            )
            for number in range(1, 8)
        ),
        Binding(
            "f10,A", "draft", "Draft a fix", id="report.draft",
            tooltip="Draft what mends the finding, or edit the statement that it is about",
        ),
        Binding("x", "export", "Export", id="report.export", tooltip="Export the list as CSV, JSON or Markdown"),
        Binding("V", "columns", "Columns", id="table.columns", tooltip="Choose the columns of the table"),
        Binding("escape,q", "leave", "Back", id="report.leave", tooltip="End the filter, or go back"),
    ]  # fmt: skip

    DEFAULT_CSS = """
    ReportScreen {
        background: $background;

        & TitleLine {
            height: auto;
            max-height: 2;
        }
        & #report-kinds {
            height: 1;
            width: 100%;
            padding: 0 1;
        }
        & #report-notes {
            height: auto;
            width: 100%;
            padding: 0 1;
            color: $muted;
        }
    }
    """

    list = getters.query_one(ReportList)

    def __init__(
        self,
        workspace: Workspace,
        title: str,
        load: Load,
        *,
        kind: str = "",
        needle: str = "",
        at: ReportRow | None = None,
        more: More | None = None,
        enter: str = "",
    ) -> None:
        """Make the screen.

        Args:
            more: what the account still lacks for it, or None.
            enter: what Enter does in the place of going there, for the key line.
            kind: the kind that is shown first; "": all.
            needle: what is filtered by at first.
            at: the row that the cursor starts on.
        """
        super().__init__()
        self._workspace = workspace
        self._title = title
        self._load = load
        self._kind = kind
        self._needle = needle
        self._at = at
        self._more = more
        self._enter = enter
        self._progress: Progress | None = None
        self.columns: MutableMapping[str, tuple[str, ...]] = {}
        """By the kind of list, the ids of the columns that the user wants; without an entry all."""
        self._kind_of_list = title.lower() if title.lower() in REPORTS else "lists"
        self.drafts = False
        """True where the screen was left to draft the fix of the chosen row."""
        self._report: Report | None = None
        self._problem: Problem | None = None

    def compose(self) -> ComposeResult:
        yield TitleLine()
        yield Label(id="report-kinds")
        rows = ReportList(id="report-list")
        yield ListPane(rows, details=5)
        yield Label(id="report-notes")
        yield FilterRow(rows, placeholder="name, words, code; Enter keeps it", needle=self._needle)
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.list.focus()
        self.list.show_columns(self.columns.get(self._kind_of_list))
        self._show_rows()
        doing = f"looking for {self._title.lower()}"
        in_thread(self, self._make, self._refuse, name=doing, next_step="Go back and try again.")

    def action_columns(self) -> None:
        choose_columns(self.app, self._kind_of_list, self.list, self.columns)

    @property
    def done(self) -> bool:
        return self._report is not None or self._problem is not None

    def again(self) -> Callable[[Workspace], ReportScreen | None]:
        """Makes the screen anew as it is, with the report that it has; None for another account or another draft."""
        report, kind, needle, at = self._report, self._kind, self._needle, self.list.row
        account, title = self._workspace.account, self._title

        def make(now: Workspace) -> ReportScreen | None:
            if report is None or now.account is not account:
                return None
            return ReportScreen(now, title, lambda *_: report, kind=kind, needle=needle, at=at)

        return make

    def _make(self, work: Work) -> None:
        workspace = self._workspace
        if self._more is not None:
            try:
                workspace = self._load_more(self._more, work)
            except OpeningCancelled:
                return
        report = self._load(workspace, work.cancelled)
        work.tell(self._made, report)

    def _load_more(self, more: More, work: Work) -> Workspace:
        """The workspace with what the source gives only on demand, which the main screen is shown too."""

        def tell(progress: Progress) -> None:
            if work.cancelled():
                raise OpeningCancelled
            work.tell(self._say_progress, progress)

        loaded = IndexedAccount.of(more.load(self._workspace, tell))
        work.tell(self._took_more, more, loaded)
        return loaded.workspace

    def _say_progress(self, progress: Progress) -> None:
        self._progress = progress
        self._show_rows()

    def _took_more(self, more: More, loaded: IndexedAccount) -> None:
        self._workspace = loaded.workspace
        more.show(loaded)

    def _made(self, report: Report) -> None:
        self._report = report
        self._show_rows()

    def _refuse(self, problem: Problem) -> None:
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
        self.query_one(TitleLine).update(line((title, "bold $heading"), count, age_note(self._workspace.age)))
        kinds = self.query_one("#report-kinds", Label)
        kinds.update(self._kinds())
        kinds.display = bool(report is not None and report.kinds)
        self._show_notes()
        self.query_one(ListPane).show(None if rows else self._why_empty())
        self.query_one(KeyLine).look_again()

    def on_resize(self) -> None:
        self._show_notes()

    def _show_notes(self) -> None:
        """Show as many notes below the list as there is room for; an ellipsis marks the cut."""
        notes = self.query_one("#report-notes", Label)
        said = self._report.notes if self._report is not None else ()
        most = _MOST_NOTES if self.size.height < _TALL else 2 * _MOST_NOTES
        if self._report is not None:
            most = max(most, self.size.height - _AROUND - len(self._report.rows))
        notes.update(lines(*wrap_all((plain(note, limit=None) for note in said), self.size.width - 2, most)))
        notes.display = bool(said)

    def _kinds(self) -> Content:
        report = self._report
        if report is None:
            return Content("")
        entries = [("all", ""), *((f"{kind} ({report.counts.get(kind, 0):,})", "") for kind in report.kinds)]
        needle = [(f"  / {self._needle}", "bold $match")] if self._needle else []
        return filter_chips(entries, self._all_kinds.index(self._kind), *needle)

    @property
    def _all_kinds(self) -> Sequence[str]:
        return ("", *(self._report.kinds if self._report is not None else ()))

    def _why_empty(self) -> Content:
        if self._problem is not None:
            return wrong(self._problem)
        if self._report is None:
            progress = self._progress
            count = f" {progress.done:,}" if progress is not None and progress.done else ""
            return plain(f"Reading {progress.step}{count} …" if progress is not None else "Looking …")
        if self._report.rows:
            return plain("Nothing matches. Press 1 for all, or Escape to end the text filter.")
        return plain(self._report.nothing)

    @on(LineView.CursorMoved)
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        row = self.list.row
        self.query_one(ListPane).tell(lines(*map(styled, row.details)) if row is not None else Content(""))
        self.query_one(KeyLine).look_again()

    # Keys.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There are as many keys as kinds of rows."""
        if action == "show" and parameters[0] not in range(1, len(self._all_kinds) + 1):
            return False
        return super().check_action(action, parameters)

    def action_show(self, number: int) -> None:
        if number <= len(self._all_kinds):
            self._kind = self._all_kinds[number - 1]
            self._show_rows()

    @on(FilteredList.FilterStep)
    def _step(self, event: FilteredList.FilterStep) -> None:
        event.stop()
        kinds = self._all_kinds
        self.action_show((kinds.index(self._kind) + event.direction) % len(kinds) + 1)

    def action_draft(self) -> None:
        row = self.list.row
        if row is not None and row.is_mendable:
            self.drafts = True
            self.dismiss(row)
        else:
            self.query_one(ListPane).tell(plain("No edit of a draft mends this."))

    def other_words(self) -> Mapping[str, str]:
        return {"open_line": self._enter} if self._enter else {}

    def idle_actions(self) -> frozenset[str]:
        row = self.list.row
        if row is None:
            return ON_A_ROW | {"columns"}
        return frozenset() if row.is_mendable else frozenset({"draft"})

    def action_export(self) -> None:
        rows, title, account = self.list.shown, self._title, self._workspace.account
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", title.lower()).strip("-") or "list"
        choose_export(
            self.app, "Export the list as", line((title, "bold $heading")), lambda form, _work: report_text(form, rows),
            what=title, file_name=f"{name}-{account.id}", empty="The list is empty.",
        )  # fmt: skip

    def action_search(self) -> None:
        self.query_one(FilterRow).open()

    @on(FilterRow.Narrowed)
    def _narrowed(self, event: FilterRow.Narrowed) -> None:
        event.stop()
        self._needle = event.needle
        self._show_rows()

    def action_leave(self) -> None:
        if not self.query_one(FilterRow).end():
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
            about = plain("It is about the account, not a part of the tree.")
            self.query_one(ListPane).tell(lines(*map(styled, row.details[:2]), about))


# The way from the main screen to a report and back.


def open_report(main: MainView, name: str, kind: str = "") -> None:
    """Open one of REPORTS; choosing a row goes to its entity, to the statement, or asks the step's question."""
    if main.workspace is None:
        main.say(plain("Open an account first: P chooses one."))
        return
    more = _facts(main, main.workspace) if name == "findings" else None
    _open(main, ReportScreen(main.workspace, name.capitalize(), REPORTS[name], kind=kind, more=more))


def _facts(main: MainView, workspace: Workspace) -> More | None:
    """Loads the account's own facts, which a live source gives only on demand; those of a draft are not kept."""
    if workspace.source.kind is not SourceKind.LIVE or not workspace.can_call_aws:
        return None

    def show(loaded: IndexedAccount) -> None:
        if main.workspace is workspace and main.drafts.before_workspace is None:
            main.drafts.show_account(loaded)

    return More(load_account_facts, show)


def open_members(main: MainView, figure: Figure, parts: Sequence[Figure] = ()) -> None:
    """List what a number of the overview counts, and which part of it."""
    if main.workspace is not None:
        _open(main, ReportScreen(main.workspace, figure.label.capitalize(), partial(members, figure, parts)))


def open_list(main: MainView, title: str, load: Load) -> None:
    """Open a list that lies behind a line of a tab, or any other."""
    if main.workspace is not None:
        _open(main, ReportScreen(main.workspace, title, load))


def _open(main: MainView, screen: ReportScreen) -> None:
    screen.columns = main.list_columns

    def left(row: ReportRow | None) -> None:
        if row is None or main.workspace is None:
            return
        again, asked = screen.again(), row.asked

        def return_to(workspace: Workspace) -> None:
            screen = again(workspace)
            if screen is not None:
                _open(main, screen)

        target, place = row.target, row.place if asked is None else None
        if screen.drafts and row.grant is not None:
            target, place = row.grant
        found = main.go_to(target, return_to, place)
        if found and screen.drafts:
            _mend(main, main.workspace.account, row, place)
            return
        if found and asked is not None:
            account = main.workspace.account
            main.ask_about(asked.principal, account.short_name(asked.principal.arn), asked.question)

    main.app.push_screen(screen, left)


def _mend(main: MainView, account: Account, row: ReportRow, place: StatementPlace | None) -> None:
    """Draft the edits that mend a finding; where there are none, edit the statement that the row is about."""
    edits = edits_that_mend(account, row.finding) if row.finding is not None else ()
    if edits:
        main.drafts.add_edits(edits)
    elif place is not None and place.policy:
        main.drafts.edit_policy(place.policy, place.statement)
