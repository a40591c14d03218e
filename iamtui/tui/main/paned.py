"""PanedScreen: the panes of the main screen in its window, their focus, and the message line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from textual import events, getters, on
from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from iamtui.account.model import Account
from iamtui.tui import clock
from iamtui.tui.background import worker_failure
from iamtui.tui.content import Severity, line, lines, plain, wrong
from iamtui.tui.dialogs.text_screens import show_in_editor
from iamtui.tui.explorer.detail_pane import SubjectPane
from iamtui.tui.explorer.explorer import Explorer
from iamtui.tui.explorer.listings import RowsView
from iamtui.tui.explorer.tab_bar import TabId
from iamtui.tui.main.history import History, Look, ScreenAbove, VisitedPlace
from iamtui.tui.main.inventory import OVERVIEW, Inventory, Node, OtherAccount, account_name, key_of, other_accounts
from iamtui.tui.main.pane_sizes import MEDIUM_COLUMNS, TALL_ROWS, WIDE_COLUMNS, PaneSizes
from iamtui.tui.question.panel import QuestionPanel
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.tui.textual_internals import SteadyScreen, is_displayed
from iamtui.tui.widgets.lists.containers import Column, Row
from iamtui.tui.widgets.lists.line_list import LineView
from iamtui.tui.widgets.status import KeyLine, MessageLine, Notice, StatusLine, key_hints

if TYPE_CHECKING:
    from iamtui.presentation.reports import StatementPlace
    from iamtui.problem import Problem
    from iamtui.tui.clipboard import Copier
    from iamtui.tui.explorer.search import IndexedAccount
    from iamtui.workspace.source.workspace import Workspace


# The panes of a screen in its window: one alone on the screen, by style classes; a window that is too small.


LEAST_COLUMNS: Final = 60
LEAST_ROWS: Final = 20


class Zoom:
    """Gives one pane of a screen the whole body, and everything its place back."""

    def __init__(self, screen: PanedScreen) -> None:
        self._screen = screen
        self._pane: Widget | None = None
        self._is_watching = False

    @property
    def is_on(self) -> bool:
        return self._pane is not None

    def zoom(self, panes: Sequence[Widget]) -> bool:
        """Zoom the pane that has the focus; False when none of them has."""
        focused = self._screen.focused
        holders = {*focused.ancestors_with_self} if focused is not None else set()
        for pane in panes:
            if pane in holders:
                self._pane = pane
                if not self._is_watching:
                    self._is_watching = True
                    self._screen.watch(self._screen, "focused", self._focus_moved, init=False)
                pane.add_class("-zoom-target")
                self._screen.add_class("-zoomed", f"-zoom-{pane.id}")
                self._screen.pane_sizes.apply()
                return True
        return False

    def _focus_moved(self, focused: Widget | None) -> None:
        """Make room for what has the focus now, where that is not in the zoomed pane."""
        if focused is not None and self._pane is not None and self._pane not in focused.ancestors_with_self:
            self._screen.unzoom()

    def unzoom(self) -> bool:
        """Give everything its place back; False when nothing is zoomed."""
        if self._pane is None:
            return False
        self._pane.remove_class("-zoom-target")
        self._screen.remove_class("-zoomed", f"-zoom-{self._pane.id}")
        self._screen.pane_sizes.apply()
        self._pane = None
        return True


def too_small(size: Size) -> str:
    """Message of a window that is too small."""
    return (
        f"iamtui needs a window of at least {LEAST_COLUMNS} columns and {LEAST_ROWS} rows. "
        f"This one has {size.width} and {size.height}: please make it larger, or press q to quit."
    )


def is_too_small(size: Size) -> bool:
    return size.width < LEAST_COLUMNS or size.height < LEAST_ROWS


class KeptFocus:
    """Gives the focus back to what a resized window hid, once there is room for it again."""

    def __init__(self, screen: Screen[None]) -> None:
        self._screen = screen
        self._had: Widget | None = None

    def resized(self, otherwise: Widget) -> None:
        """The window has another size. `otherwise` gets the focus where what had it has no place any more."""
        if self._screen.focused is not None:
            self._had = self._screen.focused
        self._screen.call_after_refresh(self._refocus, otherwise)

    def _refocus(self, otherwise: Widget) -> None:
        if self._screen.focused is not None:
            return
        for widget in (self._had, otherwise):
            if widget is not None and widget.is_attached and widget.focusable and is_displayed(widget):
                self._screen.set_focus(widget)
                return


_ON_AN_ACCOUNT: Final = frozenset({
    "open_line", "filter", "ask", "who_can", "why", "draft", "draft_edit", "draft_suggestion", "draft_impact",
    "second_opinion", "zoom", "load", "edit", "report('findings')", "report('escalations')",
})  # fmt: skip
"""Actions that do nothing before an account is open."""


class PanedScreen(SteadyScreen[None]):
    """Arranges explorer, subject, question and sessions by the size of the window."""

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - declared so by the base class
        (0, "-tiny-width"),
        (LEAST_COLUMNS, "-narrow"),
        (MEDIUM_COLUMNS, "-medium"),
        (WIDE_COLUMNS, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-tiny-height"), (LEAST_ROWS, "-short"), (TALL_ROWS, "-tall")]  # noqa: RUF012 - as above

    AUTO_FOCUS = "ExplorerTree"

    browsing: Browsing

    explorer = getters.query_one(Explorer)
    subject = getters.query_one(SubjectPane)
    question = getters.query_one(QuestionPanel)
    sessions = getters.query_one(SessionsPanel)

    def __init__(self, copier: Copier) -> None:
        super().__init__()
        self._copier = copier
        self._zoom = Zoom(self)
        self.pane_sizes = PaneSizes(self, self.say)
        self.action_resize_pane, self.action_reset_sizes = self.pane_sizes.move, self.pane_sizes.reset
        self._kept_focus = KeptFocus(self)
        self._had_focus: Widget | None = None
        self.workspace: Workspace | None = None
        """The workspace on screen."""
        self.first_branch = OVERVIEW
        """Where the cursor is when an account is opened."""

    def compose(self) -> ComposeResult:
        """One tree of widgets for every size; the styles arrange it."""
        yield StatusLine(id="status")
        with Row(id="body"):
            yield Explorer(id="explorer")
            with Column(id="right"):
                yield SubjectPane(id="subject")
                with Column(id="side"):
                    yield QuestionPanel(id="question")
                    yield SessionsPanel(self._copier, clock=_now, id="sessions")
        yield MessageLine(id="message")
        yield KeyLine(id="keys")
        yield Static(id="too-small")

    def on_mount(self) -> None:
        """Say in the foot of a pane what its place can do, once the keys are known."""
        self.call_after_refresh(self.subject_keys_changed)
        self.watch(self, "focused", self._focus_moved, init=False)

    def _focus_moved(self, before: Widget | None, focused: Widget | None) -> None:
        """Clear messages of the field or pane that had the focus; not while the terminal itself has lost it."""
        had, self._had_focus = self._had_focus or before, focused or self._had_focus or before
        if focused is not None and had is not None and focused is not had:
            self.query_one(MessageLine).focus_moved()

    def subject_keys_changed(self) -> None:
        """Say in the foot of the subject what can be done with it."""
        of_table = ("table.columns",) if self.subject.table.display else ()
        self.subject.border_subtitle = key_hints(self, *of_table, "view.zoom")

    def begin_at(self, size: Size) -> None:
        """Take the classes for the size of the window, before there are styles.

        Textual gives them with the first message about the size, when all styles have been worked out without them.
        """
        for length, points in ((size.width, self.HORIZONTAL_BREAKPOINTS), (size.height, self.VERTICAL_BREAKPOINTS)):
            self.add_class(max(point for point in points if point[0] <= length)[1], update=False)

    def on_resize(self, event: events.Resize) -> None:
        """Say what size is needed; what had the focus has it again when there is room."""
        if is_too_small(event.size):
            self.query_one("#too-small", Static).update(plain(too_small(event.size)))
        self._kept_focus.resized(self.explorer.tree_view)
        self.pane_sizes.apply()

    # Parts.

    def say(self, text: Content | str, severity: Severity = Severity.INFORMATION, *, stays: bool = False) -> None:
        self.query_one(MessageLine).say(text, severity, stays=stays)

    @on(Notice)
    def _notice(self, event: Notice) -> None:
        event.stop()
        self.query_one(MessageLine).say(
            event.content,
            event.severity,
            until_next=event.until_next,
            until_answer=event.until_answer,
            of_place=event.severity is not Severity.ERROR,
        )

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker of this screen that fails in an unforeseen way ends nothing: its error becomes a sentence."""
        if event.state is WorkerState.ERROR:
            self.say(worker_failure(event.worker), Severity.ERROR)

    @property
    def is_too_small(self) -> bool:
        return is_too_small(self.app.size)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable all actions whose effect nobody could see."""
        return False if self.is_too_small else super().check_action(action, parameters)

    def idle_actions(self) -> frozenset[str]:
        """The actions whose keys would only say that there is nothing to do."""
        return _ON_AN_ACCOUNT if self.workspace is None else frozenset()

    def other_words(self) -> Mapping[str, str]:
        """Descriptions of keys that differ from their bindings' now, or are not shown otherwise."""
        if self.workspace is None:
            return {"choose_source": "Open an account"}
        return {"back_or_quit": "Back"} if self.browsing.can_step_back else {}

    def keys_changed(self) -> None:
        self.query_one(KeyLine).look_again()

    # Going to a pane, and giving it room.

    def action_sessions(self) -> None:
        """Go to the sessions, which a small window shows in place of the question; from there back to the tree."""
        if self.sessions.has_focus:
            self.hide_sessions()
            self.explorer.tree_view.focus()
        else:
            self.show_sessions()

    def show_sessions(self) -> None:
        """Give the sessions the question's place where there is room for one of them only, and the focus."""
        self.add_class("-sessions")
        self.sessions.focus()

    def hide_sessions(self) -> None:
        self.remove_class("-sessions")

    def action_zoom(self) -> None:
        """Give the focused pane the whole window, or everything its place back."""
        if not self.unzoom() and self._zoom.zoom((self.explorer, self.subject, self.query_one("#side"))):
            self.say(plain("Zoomed: z gives the other panes their place back."), stays=True)
        self.keys_changed()

    @property
    def is_zoomed(self) -> bool:
        return self._zoom.is_on

    def unzoom(self) -> bool:
        """Give everything its place back; False when nothing is zoomed."""
        unzoomed = self._zoom.unzoom()
        if unzoomed:
            self.query_one(MessageLine).clear()
        return unzoomed

    # The lines between panes.

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.pane_sizes.grab(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self.pane_sizes.drag(event)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        self.pane_sizes.let_go(event)


# Browsing: the account on the main screen, where the user is in it, and how they get elsewhere.


MOST_BOOKMARKS: Final = 20
"""Of one account, the latest."""


class Browsing:
    """Shows an account on a screen, and knows where the user is in it and was before.

    Args:
        workspace_changed: tells the other panes that there is another account, or newer data.
        place_changed: tells the other panes where the user is now.
    """

    def __init__(
        self,
        screen: PanedScreen,
        *,
        workspace_changed: Callable[[Workspace], object],
        place_changed: Callable[[Node], object],
    ) -> None:
        self._screen = screen
        self._workspace_changed = workspace_changed
        self._place_changed = place_changed
        self._inventory = Inventory(Account(id=""))
        self._history = History()
        self.look_at: Callable[[str, str], object] = lambda _account, _key: None
        """Shows another of the accounts that are open, the cursor on a node; without a key, where that begins."""
        self.bookmarks: list[str] = []
        """Keys of nodes of the account on screen, the latest last."""
        self.leaving: Callable[[], object] = lambda: None
        self.shown: Callable[[bool], object] = lambda _first: None
        """Told that another account is about to be shown, and that one is, whether it was not just before."""

    def show_nothing_open(self, problem: Problem | None = None) -> None:
        """Say how an account is opened, unless one is open, and why the one that was chosen could not be."""
        if self._screen.workspace is None:
            self._screen.subject.welcome(_nothing_open(problem))

    def show_opening(self, name: str) -> None:
        """Say what is being opened, unless an account is open. `name` is raw."""
        if self._screen.workspace is None:
            opening = line("Opening ", (name, "bold $foreground"), " …")
            self._screen.subject.welcome(lines(opening, plain(""), line(("Esc", "bold $match"), " stops it.")))

    def show_account(self, shown: IndexedAccount) -> None:
        """Show an account; the cursor stays where the account still has it."""
        screen, workspace = self._screen, shown.workspace
        first = self._screen.workspace is None or self._screen.workspace.account.id != workspace.account.id
        if first:
            self.leaving()
            self._history = History()
            if self._screen.workspace is not None:
                # What was typed while the first account was being opened is about that one.
                self._screen.explorer.clear_filter()
        screen.workspace, self._inventory = workspace, shown.inventory
        self._screen.query_one(StatusLine).set_workspace(workspace)
        self._workspace_changed(workspace)
        others, name = other_accounts(workspace), account_name(workspace)
        screen.explorer.set_inventory(shown.inventory, shown.index, others, name)
        if first and not self._screen.explorer.filter_input.value:
            self._screen.explorer.tree_view.open_branch(self._screen.first_branch)
        node = self._screen.explorer.node or (self._screen.first_branch if first else None)
        if node is not None:
            self.show(node)
        self.shown(first)

    def node_of(self, key: str) -> Node | None:
        return self._inventory.find(key)

    def bookmark(self, key: str) -> None:
        self.bookmarks.append(key)
        del self.bookmarks[:-MOST_BOOKMARKS]

    def put_at(self, key: str, tab: str) -> bool:
        """Put the cursor on a node where no way leads back from, and show a tab of it; False when it is not there."""
        node = self._inventory.find(key)
        if node is None or not self._screen.explorer.reveal(key):
            return False
        self.show(node)
        if tab and self._screen.subject.detail.display:
            self._screen.subject.detail.select_tab(tab)
        return True

    def show(self, node: Node) -> None:
        messages = self._screen.query_one(MessageLine)
        if key_of(node) != self._history.here:
            messages.moved()
        self._history.move(key_of(node))
        subject = self._screen.subject
        had_table = subject.table.display
        subject.show_node(self._inventory, node, self._screen.workspace)
        if subject.table.display is not had_table:
            self._screen.subject_keys_changed()
        self._place_changed(node)
        self._screen.keys_changed()

    def show_other(self, other: OtherAccount, opened: bool) -> None:
        """Say what the cursor is on that is not of the account on screen; go there when the user does."""
        if opened and other.id:
            self.look_at(other.id, key_of(other.entity) if other.entity is not None else "")
            return
        name = other.policy or (other.entity.name if other.entity is not None else other.name)
        words = line((f"{other.id} ", "bold $foreground"), (name, "bold $foreground"))
        age = f"{other.age[:1].upper()}{other.age[1:]}. " if other.age else ""
        more = plain(other.problem) if other.problem else line(age, ("Enter", "bold $match"), " goes there.")
        self._screen.subject.welcome(Content("\n").join([words, plain(""), more]))
        self._screen.keys_changed()

    # Going places.

    def go_to(self, key: str, above: ScreenAbove | None = None, place: StatementPlace | None = None) -> bool:
        """Jump to a node by its key (an ARN, or a branch), remembering where one was; False when it is not there.

        Args:
            above: shows the screen anew that the user comes from, on the way back.
            place: what to show of it.
        """
        node = self._inventory.find(key)
        workspace, account = self._screen.workspace, key.split(":", 5)[4] if key.count(":") > 4 else ""
        if node is None and workspace is not None and account in workspace.others:
            self.look_at(account, key)
            return True
        if node is None:
            self._screen.say(line("Not in this account as loaded: ", (key, "bold")), Severity.WARNING)
            return False
        self._history.jump(self._screen.subject.tab, above, self._look())
        self._screen.explorer.reveal(key)
        self.show(node)
        detail = self._screen.subject.detail
        if place is not None and place.trust:
            detail.select_tab(TabId.TRUST)
        elif place is not None and place.row:
            detail.show_row(place.row)
        elif place is not None:
            detail.show_statement(place.policy, place.statement)
        return True

    def travel(self, forward: bool) -> None:
        go = self._history.forward if forward else self._history.back
        self._travel(
            go(self._screen.subject.tab, self._look()),
            f"There is no place to go {'forward' if forward else 'back'} to.",
        )

    def _travel(self, place: VisitedPlace | None, otherwise: str) -> None:
        if place is None:
            self._screen.say(plain(otherwise))
            return
        node = self._inventory.find(place.key)
        if not self._screen.explorer.reveal(place.key) or node is None:
            self._screen.say(line("No longer in the account: ", (place.key, "bold")), Severity.WARNING)
            return
        self.show(node)
        if place.tab:
            self._screen.subject.detail.select_tab(place.tab)
        self._look_again(place)
        if place.above is not None and self._screen.workspace is not None:
            place.above(self._screen.workspace)

    def _look(self) -> Look:
        view, query = self._screen.subject.active_view, self._screen.explorer.filter_input.value
        if not isinstance(view, LineView):
            return Look(query, is_focused=view.has_focus)
        return Look(query, view.cursor, int(view.scroll_offset.y), view.has_focus)

    def _look_again(self, place: VisitedPlace) -> None:
        """Filter the tree as it was, and put the list beside it where it was."""
        look, view = place.look, self._screen.subject.active_view
        if look.filter:
            self._screen.explorer.filter_again(look.filter, place.key)
        if isinstance(view, LineView):
            view.move_to(look.line)
            # It is as high as it was only once it is laid out.
            view.call_after_refresh(view.scroll_to, y=look.top, animate=False, force=True)
        if look.is_focused:
            view.focus()

    def follow(self) -> None:
        """Go to what the line under the detail pane's cursor names, or to the first name there is."""
        view = self._screen.subject.active_view
        rows = view.rows if isinstance(view, RowsView) else ()
        here = view.row if isinstance(view, RowsView) else None
        target = next((row.target for row in (here, *rows) if row is not None and row.target), "")
        if target:
            self.go_to(target)
        else:
            self._screen.say(plain("Nothing to follow here: there is no underlined name in the detail pane."))

    def show_tab(self, tab: str) -> None:
        """Show a tab of the detail pane, by its id or its number."""
        detail = self._screen.subject.detail
        if not (detail.display and detail.select_tab(tab)):
            named = f"tab {tab}" if tab.isdigit() else f"{tab.capitalize()} tab"
            self._screen.say(plain(f"There is no {named} here: go to a user or role."))

    def read_in_editor(self) -> None:
        shown = self._screen.subject.json_text()
        if shown is None:
            self._screen.say(plain("Put the cursor on a user, group, role or policy to read its JSON in an editor."))
            return
        self._screen.post_message(Notice(*show_in_editor(self._screen.app, *shown)))

    def choose_columns(self) -> None:
        table = self._screen.subject.table
        if table.display:
            table.choose_columns()
        else:
            said = plain("There is no table here: users, groups, roles and policies have columns.")
            self._screen.post_message(Notice(said))

    def switch_times(self) -> None:
        self._screen.subject.table.switch_times()

    @property
    def can_step_back(self) -> bool:
        """True where `q` would go back before it quits."""
        screen = self._screen
        return screen.is_zoomed or bool(screen.explorer.filter_input.value) or self._history.has_back

    def step_back(self) -> bool:
        """One step back for `q`: zoom, a pane beside a filtered tree, filter, place; False when nothing is left."""
        explorer = self._screen.explorer
        if self._screen.unzoom():
            return True
        if explorer.filter_input.value and not explorer.tree_view.has_focus:
            explorer.tree_view.focus()
            return True
        if explorer.clear_filter():
            return True
        place = self._history.back(self._screen.subject.tab, self._look())
        if place is None:
            return False
        self._screen.explorer.tree_view.focus()
        self._travel(place, "")
        return True


def _now() -> datetime:
    return clock.now()


def _nothing_open(problem: Problem | None) -> Content:
    said = [line(("No account is open.", "bold $foreground"))]
    if problem is not None:
        said += [plain(""), wrong(plain(problem.sentence, limit=None)), plain(problem.next_step, limit=None)]
    another = "another" if problem is not None else "one"
    choose = line(
        "Press ", ("P", "bold $match"), f" to choose {another}: the demo, an AWS profile, or a snapshot file."
    )
    again = [line(("r", "bold $match"), " tries the same again.")] if problem is not None else []
    return lines(*said, plain(""), choose, *again)
