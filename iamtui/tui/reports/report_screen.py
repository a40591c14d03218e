"""ReportScreen: a declared list over the whole account with a filter and details: findings, escalations, who can."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Label

from iamtui.account.model import Role, User
from iamtui.engine.request import Principal
from iamtui.presentation.access import OVER_TIME, changes_report, of_two
from iamtui.presentation.escalations import escalations_report
from iamtui.presentation.findings import findings_report
from iamtui.presentation.listing import Fix, Report, Target
from iamtui.presentation.reports import members_report
from iamtui.presentation.trust import trust_report
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.tui.background import Work, in_thread
from iamtui.tui.content import age_note, line, lines, plain, styled, wrong
from iamtui.tui.dialogs.list_dialogs import choose_columns
from iamtui.tui.file_exports import choose_export
from iamtui.tui.main.inventory import IndexedAccount
from iamtui.tui.main.main_view import MainView
from iamtui.tui.question.trace_screen import TraceScreen
from iamtui.tui.widgets.lists.line_list import LineView
from iamtui.tui.widgets.lists.list_pane import ON_A_ROW, FilteredList, FilterRow, ListPane, filter_chips
from iamtui.tui.widgets.lists.listing_view import UNSORTED, ListingView, RowOrder
from iamtui.tui.widgets.lists.wrapped_text import wrap_all
from iamtui.tui.widgets.status import KeyLine, TitleLine
from iamtui.workspace.ask.questions import ask
from iamtui.workspace.ask.what_can import EffectiveAccess, what_can
from iamtui.workspace.review.audit import audit, read_suppressions
from iamtui.workspace.review.escalations import find_escalations_across
from iamtui.workspace.review.overview import Figure
from iamtui.workspace.source.opening import load_account_facts
from iamtui.workspace.source.principals import principal_for
from iamtui.workspace.source.unknown_facts import unknown_facts
from iamtui.workspace.source.workspace import OpeningCancelled, Progress, SourceKind, Workspace

if TYPE_CHECKING:
    from iamtui.tui.main.inventory import IndexedAccount

Load = Callable[[Workspace, Callable[[], bool]], Report[Any]]
"""Makes a report in a thread; what it is given tells whether nobody wants it any more."""


def findings(workspace: Workspace, cancelled: Callable[[], bool]) -> Report[Any]:
    found = (one for one in audit(workspace, cancelled=cancelled) if not cancelled())
    return findings_report(workspace, found, unknown_facts(workspace.account), read_suppressions())


def escalations(workspace: Workspace, cancelled: Callable[[], bool]) -> Report[Any]:
    return escalations_report(workspace, find_escalations_across(workspace, cancelled)[0])


def members(
    figure: Figure, parts: Sequence[Figure], workspace: Workspace, _cancelled: Callable[[], bool]
) -> Report[Any]:
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


def comparison(before: Compared, after: Compared, _workspace: Workspace, cancelled: Callable[[], bool]) -> Report[Any]:
    title = f"{compared_title(before, after)}, by service and access level"
    one, other = before.entity, after.entity
    words = OVER_TIME
    if one.arn != other.arn:
        words = of_two(one.name, other.name) if one.name != other.name else of_two(before.title, after.title)
    return changes_report(title, before.access(cancelled), after.access(cancelled), words)


REPORTS: Final[dict[str, Load]] = {"findings": findings, "escalations": escalations, "trust": trust_report}
"""By the name that keys and numbers open them with."""

KEPT_APART: Final = {*REPORTS, "who can"}
"""Titles of the lists whose columns are kept by themselves."""


# The rows.


_MOST_NOTES: Final = 3
"""Lines of the notes below a list; twice as many where the window is tall."""
_TALL: Final = 30
_AROUND: Final = 13
"""Lines of a window besides the list and the notes; a short list leaves the notes its room."""


class Chosen(NamedTuple):
    """The row that a list was left for: where it leads, and the fix that is to be drafted."""

    target: Target
    fix: Fix | None = None


class Arrangement(NamedTuple):
    """How a list is narrowed and sorted, and the key of the row under the cursor."""

    kind: str = ""
    needle: str = ""
    order: RowOrder = UNSORTED
    at: object = None


AS_FOUND: Final = Arrangement()

_BATCH_SECONDS: Final = 0.05
"""How long rows are collected before they are handed on."""


class More(NamedTuple):
    """How a workspace gets what a report needs and the account lacks.

    Args:
        load: loads it, in a thread; tells how far it is.
        show: shows the main screen the workspace that has it.
    """

    load: Callable[[Workspace, Callable[[Progress], None]], Workspace]
    show: Callable[[IndexedAccount], object]


class ReportScreen(Screen[Chosen | None]):
    """Shows a report, made in a thread that ends with the screen; it returns where to go, or None."""

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
            "f10,f", "draft", "Draft a fix", id="report.draft",
            tooltip="Draft what mends the finding, or edit the statement that it is about",
        ),
        Binding("w,f7", "why", "Why", id="report.why", tooltip="Show the whole trace of the answer"),
        Binding("x", "export", "Export", id="report.export", tooltip="Export the list as CSV, JSON or Markdown"),
        Binding("v", "columns", "Columns", id="table.columns", tooltip="Choose the columns of the table"),
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

    list = getters.query_one(ListingView)

    left_out = ""
    """What was half typed, and is not asked with; "" for nothing."""

    def __init__(
        self,
        workspace: Workspace,
        title: str,
        load: Load,
        *,
        arrangement: Arrangement = AS_FOUND,
        more: More | None = None,
        enter: str = "",
    ) -> None:
        """Make the screen.

        Args:
            arrangement: how the list is shown at first, and in the attribute how it was left.
            more: what the account still lacks for it, or None.
            enter: what Enter does in the place of going there, for the key line.
        """
        super().__init__()
        self._workspace = workspace
        self._title = title
        self._load = load
        self.arrangement = arrangement
        self._kind, self._needle, self._order, self._at = arrangement
        self._more = more
        self._enter = enter
        self._progress: Progress | None = None
        self.columns: MutableMapping[str, tuple[str, ...]] = {}
        """By the kind of list, the ids of the columns that the user wants; without an entry all."""
        self._kind_of_list = title.lower() if title.lower() in KEPT_APART else "lists"
        self._report: Report[Any] | None = None
        self._problem: Problem | None = None
        self._done = False

    def compose(self) -> ComposeResult:
        yield TitleLine()
        yield Label(id="report-kinds")
        rows = ListingView(id="report-list")
        yield ListPane(rows, details=5)
        yield Label(id="report-notes")
        yield FilterRow(rows, placeholder="name, words, code; Enter keeps it", needle=self._needle)
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.list.focus()
        self.list.order = self._order
        self.list.show_columns(self.columns.get(self._kind_of_list))
        self.load(self._load)

    def load(self, load: Load) -> None:
        """Make the list, or make it anew as it is arranged, in the place of what is being made."""
        self._load, self._report, self._problem, self._done = load, None, None, False
        self._show_rows()
        doing = f"looking for {self._title.lower()}"
        in_thread(self, self._make, self._refuse, name=doing, next_step="Go back and try again.")

    def action_columns(self) -> None:
        choose_columns(self.app, self._kind_of_list, self.list, self.columns)

    @property
    def done(self) -> bool:
        """True once nothing more comes."""
        return self._done

    def again(self) -> Callable[[Workspace, Workspace | None], ReportScreen | None]:
        """Makes the screen anew as it was left, of a workspace and the one without its draft.

        With the report that it has; None for another account or draft.
        """
        report, account, title, arrangement = self._report, self._workspace.account, self._title, self.arrangement

        def make(now: Workspace, _before: Workspace | None) -> ReportScreen | None:
            if report is None or now.account is not account:
                return None
            return ReportScreen(now, title, lambda *_: report, arrangement=arrangement)

        return make

    def _make(self, work: Work) -> None:
        workspace = self._workspace
        if self._more is not None:
            try:
                workspace = self._load_more(self._more, work)
            except OpeningCancelled:
                return
        report = self._load(workspace, work.cancelled)
        if report.coming is None:
            work.tell(self._add, report, [], True)
            return
        work.tell(self._add, report, [], False)
        batch: list[Any] = []
        handed_on = monotonic()
        for row in report.coming:
            batch.append(row)
            if monotonic() - handed_on >= _BATCH_SECONDS:
                work.tell(self._add, report, batch, False)
                batch, handed_on = [], monotonic()
        work.tell(self._add, report, batch, True)

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

    def _add(self, report: Report[Any], rows: Sequence[Any], done: bool) -> None:
        self._report, self._done = report, done
        if rows:
            report.rows = [*report.rows, *rows]
        self._show_rows()

    def _refuse(self, problem: Problem) -> None:
        self._problem, self._done = problem, True
        self._show_rows()

    # Showing.

    def _show_rows(self) -> None:
        """Show the rows; the cursor stays on its row, or at the top while others still come in."""
        report = self._report
        if report is None:
            self._at = self.list.key if self.list.key is not None else self._at
            self.list.show_rows((), None)
        else:
            keep = self.list.key if self.list.cursor or (self._done and self._at is None) else self._at
            self.list.show_report(report, self._kind, self._needle, keep)
            self._at = None if self._done or self.list.key == self._at else self._at
        rows = self.list.shown
        shown = len(self.list.outer)
        count = f"  {shown:,}"
        if report is not None and (self._kind or self._needle) and shown != len(report.rows):
            count += f" of {len(report.rows):,}"
        if not self._done:
            expected = report.expected if report is not None else 0
            percent = f" {len(report.rows) * 100 // expected} %" if report is not None and expected else ""
            count = f"{count if percent else ''}  looking …{percent}"
        style = "$muted" if self._done else "bold $match"
        self.query_one(TitleLine).update(self.heading((count, style), age_note(self._workspace.age)))
        kinds = self.query_one("#report-kinds", Label)
        kinds.update(self._kinds())
        kinds.display = bool(report is not None and report.listing.kinds)
        self._show_notes()
        pane = self.query_one(ListPane)
        pane.show(None if rows else self._why_empty())
        pane.share_out()
        self.query_one(KeyLine).look_again()

    def heading(self, *more: object) -> Content:
        """The title, and what is said beside it."""
        return line((self._report.listing.title if self._report is not None else self._title, "bold $heading"), *more)

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
        counts = report.counts()
        entries = [("all", ""), *((f"{kind} ({counts[kind]:,})", "") for kind in report.listing.kinds)]
        needle = [(f"  / {self._needle}", "bold $match")] if self._needle else []
        return filter_chips(entries, self._all_kinds.index(self._kind), *needle)

    @property
    def _all_kinds(self) -> Sequence[str]:
        return ("", *(self._report.listing.kinds if self._report is not None else ()))

    def _why_empty(self) -> Content:
        if self._problem is not None:
            return wrong(self._problem)
        if not self._done:
            progress = self._progress
            count = f" {progress.done:,}" if progress is not None and progress.done else ""
            return plain(f"Reading {progress.step}{count} …" if progress is not None else "Looking …")
        if self._report is not None and self._report.rows:
            return plain("Nothing matches. Press 1 for all, or Escape to end the text filter.")
        return plain(self._report.listing.nothing if self._report is not None else "")

    @on(LineView.CursorMoved)
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        details = self._report.listing.details(self.list.row) if self._report and self.list.row is not None else ()
        self.query_one(ListPane).tell(lines(*map(styled, details)))
        self.query_one(KeyLine).look_again()

    # Keys.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There are as many keys as kinds of rows, and no trace where nothing is asked."""
        if action == "show" and parameters[0] not in range(1, len(self._all_kinds) + 1):
            return False
        if action == "why" and self.asked is None:
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

    @property
    def _fix(self) -> Fix | None:
        return self._report.listing.fix(self.list.row) if self._report and self.list.row is not None else None

    @property
    def _target(self) -> Target | None:
        return self._report.listing.target(self.list.row) if self._report and self.list.row is not None else None

    @property
    def asked(self) -> tuple[Principal, Question, str] | None:
        """Whom a row asks about and what, and the caller's name; None where it asks nothing."""
        target = self._target
        if target is None or target.asked is None:
            return None
        principal, question = target.asked
        return principal, question, self._workspace.short_name(principal.arn)

    def action_why(self) -> None:
        """Show the whole trace of the answer that a row stands for."""
        if self.asked is not None:
            principal, question, label = self.asked
            decision = ask(self._workspace, principal, question)
            screen = TraceScreen(self._workspace, decision, principal, question, label, left_out=self.left_out)
            self.app.push_screen(screen)

    def action_draft(self) -> None:
        fix, target = self._fix, self._target
        if fix is not None and target is not None:
            self.leave(Chosen(target, fix))
        else:
            self.query_one(ListPane).tell(plain("No edit of a draft mends this."))

    def other_words(self) -> Mapping[str, str]:
        return {"open_line": self._enter} if self._enter else {}

    def idle_actions(self) -> frozenset[str]:
        if self.list.row is None:
            return ON_A_ROW | {"columns"}
        return frozenset() if self._fix is not None else frozenset({"draft"})

    @on(ListingView.RowsSorted)
    def _sorted(self, event: ListingView.RowsSorted) -> None:
        event.stop()
        self._show_rows()

    def action_export(self) -> None:
        report, title, account = self._report, self._title, self._workspace.account
        rows = self.list.outer
        if report is None:
            return
        if not self._done:
            self.query_one(ListPane).tell(plain("The list is not complete yet: export it when it is."))
            return
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", title.lower()).strip("-") or "list"
        choose_export(
            self.app, "Export the list as", self.heading(), lambda form, work: report.text(form, rows, work.cancelled),
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
            self.leave()

    def leave(self, chosen: Chosen | None = None) -> None:
        self.arrangement = Arrangement(self._kind, self._needle, self.list.order, self.list.key)
        self.dismiss(chosen)

    @on(LineView.LineOpened)
    def _chosen(self, event: LineView.LineOpened) -> None:
        event.stop()
        target = self._target
        if target is not None:
            self.leave(Chosen(target))
        elif self._report is not None and self.list.row is not None:
            listing = self._report.listing
            about = plain(listing.no_target)
            self.query_one(ListPane).tell(lines(*map(styled, listing.details(self.list.row)[:2]), about))


# The way from the main screen to a report and back.


def open_report(main: MainView, name: str, kind: str = "") -> None:
    """Open one of REPORTS; choosing a row goes to its entity, to the statement, or asks the step's question."""
    if main.workspace is None:
        main.say(plain("Open an account first: g a chooses one."))
        return
    more = _facts(main, main.workspace) if name == "findings" else None
    screen = ReportScreen(main.workspace, name.capitalize(), REPORTS[name], arrangement=Arrangement(kind), more=more)
    show_list(main, screen)


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
        show_list(main, ReportScreen(main.workspace, figure.label.capitalize(), partial(members, figure, parts)))


def open_list(main: MainView, title: str, load: Load) -> None:
    """Open a list that lies behind a line of a tab, or any other."""
    if main.workspace is not None:
        show_list(main, ReportScreen(main.workspace, title, load))


def show_list(main: MainView, screen: ReportScreen, left: Callable[[Arrangement], object] = lambda _: None) -> None:
    """Show a list; what is chosen in it is shown, and on the way back from there the list is as it was left.

    Args:
        left: is told how it was left.
    """
    screen.columns = main.list_columns

    def closed(chosen: Chosen | None) -> None:
        left(screen.arrangement)
        if chosen is None or main.workspace is None:
            return
        again = screen.again()

        def return_to(workspace: Workspace) -> None:
            screen = again(workspace, main.drafts.before_workspace)
            if screen is not None:
                show_list(main, screen, left)

        target, fix = chosen
        if fix is not None:
            target = fix.target or target
        found = main.go_to(target.arn, return_to, target.place)
        if found and fix is not None:
            _mend(main, fix)
        elif found and target.asked is not None:
            principal, question = target.asked
            main.ask_about(principal, main.workspace.account.short_name(principal.arn), question)

    main.app.push_screen(screen, closed)


def _mend(main: MainView, fix: Fix) -> None:
    """Draft the edits of a fix; where there are none, edit the statement that it names."""
    place = fix.target.place if fix.target is not None else None
    if edits := fix.edits():
        main.drafts.add_edits(edits)
    elif place is not None and place.policy:
        main.drafts.edit_policy(place.policy, place.statement)
