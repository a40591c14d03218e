"""PanedScreen: the panes of the main screen, their sizes and focus, and browsing the account in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from textual import events, getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker, WorkerState

from iamtui.account.model import Account
from iamtui.tui import clock
from iamtui.tui.background import worker_failure
from iamtui.tui.content import Severity, line, lines, plain, wrong
from iamtui.tui.dialogs.text_screens import show_in_editor
from iamtui.tui.explorer.detail_pane import SubjectPane
from iamtui.tui.explorer.explorer import Explorer
from iamtui.tui.explorer.listings import TabId
from iamtui.tui.main.inventory import OVERVIEW, Inventory, Node, OtherAccount, account_name, key_of, other_accounts
from iamtui.tui.main.main_view import History, Look, ScreenAbove, VisitedPlace
from iamtui.tui.question.panel import QuestionPanel
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.tui.textual_internals import is_displayed
from iamtui.tui.widgets.lists.line_list import LineView
from iamtui.tui.widgets.status import KeyLine, MessageLine, Notice, StatusLine, key_hints

if TYPE_CHECKING:
    from iamtui.presentation.listing import StatementPlace
    from iamtui.problem import Problem
    from iamtui.tui.clipboard import Copier
    from iamtui.tui.main.inventory import IndexedAccount
    from iamtui.workspace.source.workspace import Workspace

MOST_SIZES: Final = 16
"""Sizes of one account: more than there are dividers in all layouts."""

LARGEST_SIZE: Final = 2000
"""Columns or rows of a pane that are remembered."""

_LEAST_TREE, _LEAST_SUBJECT, _LEAST_SIDE = 16, 24, 30
"""Columns."""

_LEAST_ABOVE, _LEAST_QUESTION, _LEAST_SESSIONS = 5, 5, 2
"""Rows."""

_KEY_STEP: Final = {"left": 2, "right": 2, "up": 1, "down": 1}
"""Columns or rows by which a key moves a divider."""


class Divider(StrEnum):
    """Movable lines: the right edge of the tree, the line between details and question, that above the sessions."""

    TREE = "tree"
    SIDE = "side"
    SESSIONS = "sessions"


RESIZE_KEYS: Final[tuple[BindingType, ...]] = (
    *(
        Binding(
            f"shift+{direction},ctrl+{direction}", f"resize_pane('{direction}')", f"Divider {direction}", show=False,
            id=f"view.resize-{direction}", tooltip=f"Resize the pane: move the line beside it {where}",
        )
        for direction, where in (("left", "to the left"), ("right", "to the right"), ("up", "up"), ("down", "down"))
    ),
    Binding(
        "Z", "reset_sizes", "Usual sizes", show=False, id="view.reset-sizes",
        tooltip="Give all panes their usual sizes",
    ),
)  # fmt: skip


class PaneSizes:
    """Sizes in cells, by layout and divider, as far as the window has room for them.

    They are set as styles of the panes themselves: a class of the screen would have all styles worked out again.

    Args:
        say: tells the user what became of a size.
    """

    def __init__(self, screen: Screen[None], say: Callable[[Content], object]) -> None:
        self._screen = screen
        self._say = say
        self.sizes: dict[str, int] = {}
        """Under "medium tree", "wide side" and the like; of the question beside the details, "wide matrix" is the
        width while it shows resources side by side."""
        self._applied: tuple[str, int | None, int | None, int | None] = ("", None, None, None)
        self._dragged: tuple[Divider, int, int] | None = None
        """A divider, the size at its beginning, and where the mouse was then."""

    # The panes.

    @property
    def _tree(self) -> Explorer:
        return self._screen.query_one(Explorer)

    @property
    def _subject(self) -> SubjectPane:
        return self._screen.query_one(SubjectPane)

    @property
    def _side(self) -> Widget:
        return self._screen.query_one("#side")

    @property
    def _question(self) -> QuestionPanel:
        return self._screen.query_one(QuestionPanel)

    @property
    def _sessions(self) -> SessionsPanel:
        return self._screen.query_one(SessionsPanel)

    @property
    def _body(self) -> Region:
        return self._screen.query_one("#body").region

    @property
    def _layout(self) -> str:
        return layout_in(self._screen.app.size)

    @property
    def _is_stacked(self) -> bool:
        return self._layout != "wide"

    # Sizes.

    def use(self, sizes: dict[str, int]) -> None:
        self.sizes = dict(sizes)
        self.apply()

    def reset(self) -> None:
        mine = [key for key in self.sizes if key.partition(" ")[0] == self._layout]
        for key in mine:
            del self.sizes[key]
        self.apply()
        self._say(plain("The panes have their usual sizes." + ("" if mine else " Nothing was changed.")))

    def apply(self) -> None:
        """Set the styles of the panes where they are to be others: after a change of sizes, window or zoom."""
        is_zoomed, layout = self._screen.has_class("-zoomed"), self._layout
        tree, side, sessions = (None if is_zoomed else self._wanted(divider) for divider in Divider)
        before, self._applied = self._applied, (layout, tree, side, sessions)
        if before == self._applied or not any((*before[1:], *self._applied[1:])):
            return
        stacked = self._is_stacked
        is_question_fixed = (stacked and side is not None) or sessions is not None
        self._tree.styles.width = tree
        self._side.styles.width = None if stacked else side
        self._side.styles.height = self._side.styles.max_height = side if stacked else None
        self._sessions.styles.height = self._sessions.styles.max_height = sessions
        if layout == "medium" and side is not None and sessions is None:
            # However many there are, the question is seen.
            self._sessions.styles.max_height = side - _LEAST_QUESTION
        if layout == "narrow" and side is not None:
            # They stand in the question's place.
            self._sessions.styles.height, self._sessions.styles.max_height = "1fr", "100%"
        self._question.styles.height = "1fr" if is_question_fixed else None
        self._question.fix_height(fixed=is_question_fixed)

    def _key(self, divider: Divider) -> str:
        is_matrix = divider is Divider.SIDE and not self._is_stacked and self._side.has_class("-matrix")
        return f"{self._layout} {'matrix' if is_matrix else divider}"

    def _wanted(self, divider: Divider) -> int | None:
        size = self.sizes.get(self._key(divider))
        if size is None or (divider is Divider.SESSIONS and self._layout == "narrow"):
            return None
        return self._within(divider, size)

    def _within(self, divider: Divider, size: int) -> int:
        """A size that leaves the other panes enough of the window."""
        window = self._screen.app.size
        rows = self._body.height or window.height - 3
        if divider is Divider.TREE:
            others = _LEAST_SUBJECT + 10 if self._is_stacked else _LEAST_SUBJECT + self._width_of_side
            least, most = _LEAST_TREE, window.width - others
        elif divider is Divider.SESSIONS:
            room = (self._wanted(Divider.SIDE) or self._side.region.height) if self._is_stacked else rows
            frame = 1 if self._sessions.styles.border_bottom[0] else 0
            least, most = _LEAST_SESSIONS + frame, room - _LEAST_QUESTION
        elif self._is_stacked:
            below = _LEAST_SESSIONS + 1 if self._layout == "medium" else 0
            least, most = _LEAST_QUESTION + below, rows - _LEAST_ABOVE
        else:
            tree = self._wanted(Divider.TREE) or self._tree.region.width
            least, most = _LEAST_SIDE, window.width - tree - _LEAST_SUBJECT
        return max(least, min(size, most))

    @property
    def _width_of_side(self) -> int:
        """Width that the question keeps of the window when the tree grows."""
        usual = self._side.region.width or _LEAST_SIDE
        return min(self.sizes.get(self._key(Divider.SIDE), usual), self._screen.app.size.width // 2)

    def _now(self, divider: Divider) -> int:
        if divider is Divider.TREE:
            return self._tree.region.width
        if divider is Divider.SESSIONS:
            return self._sessions.region.height
        return self._side.region.height if self._is_stacked else self._side.region.width

    def _set(self, divider: Divider, size: int, *, is_last: bool = True) -> None:
        self.sizes[self._key(divider)] = size = min(self._within(divider, size), LARGEST_SIZE)
        self.apply()
        pane = {Divider.TREE: "Tree", Divider.SESSIONS: "Sessions", Divider.SIDE: "Question"}[divider]
        words = f"{pane} {size} {'columns' if self._is_upright(divider) else 'rows'}"
        self._say(line(words, ".  ", key_hints(self._screen, "view.reset-sizes")) if is_last else plain(words))

    def _is_upright(self, divider: Divider) -> bool:
        return divider is Divider.TREE or (divider is Divider.SIDE and not self._is_stacked)

    # Keys.

    def move(self, direction: str) -> None:
        """Move the divider at the pane with the focus.

        Args:
            direction: "left", "right", "up" or "down".
        """
        divider = self._beside_focus(direction)
        if not self._is_there(divider):
            self._say(plain("Nothing to move in that direction here."))
            return
        grows = direction == "right" if divider is Divider.TREE else direction in ("left", "up")
        step = _KEY_STEP[direction]
        self._set(divider, self._now(divider) + (step if grows else -step))

    def _beside_focus(self, direction: str) -> Divider:
        focused = self._screen.focused
        around = {*focused.ancestors_with_self} if focused is not None else set()
        if direction in ("left", "right"):
            return Divider.TREE if self._is_stacked or not {self._subject, self._side} & around else Divider.SIDE
        if self._sessions in around or not self._is_stacked:
            return Divider.SESSIONS
        return Divider.SIDE

    def _is_there(self, divider: Divider) -> bool:
        beside = {
            Divider.TREE: (self._tree, self._subject),
            Divider.SIDE: (self._subject, self._side),
            Divider.SESSIONS: (self._question, self._sessions),
        }[divider]
        return all(pane.region for pane in beside) and not self._screen.has_class("-zoomed")

    # The mouse.

    def at(self, x: int, y: int) -> Divider | None:
        if y not in self._body.line_range:
            return None
        tree, subject, side, sessions = self._tree, self._subject, self._side, self._sessions
        is_framed = bool(subject.styles.border_left[0])
        places: dict[Divider, Callable[[], bool]] = {
            Divider.TREE: lambda: x == tree.region.right - 1 or (is_framed and x == tree.region.right),
            Divider.SESSIONS: lambda: (
                x in sessions.region.column_range
                and (y == sessions.region.y or (is_framed and y == sessions.region.y - 1))
            ),
            Divider.SIDE: lambda: (
                (x in side.region.column_range and (y == side.region.y or (is_framed and y == side.region.y - 1)))
                if self._is_stacked
                else (x == side.region.x or (is_framed and x == side.region.x - 1))
            ),
        }
        return next((one for one, is_here in places.items() if self._is_there(one) and is_here()), None)

    def grab(self, event: events.MouseDown) -> None:
        divider = self.at(event.screen_x, event.screen_y) if event.button == 1 else None
        if divider is not None:
            event.stop()
            self._dragged = divider, self._now(divider), self._along(divider, event)
            self._screen.capture_mouse()

    def drag(self, event: events.MouseEvent, *, is_last: bool = False) -> None:
        if self._dragged is not None:
            event.stop()
            divider, size, start = self._dragged
            moved = self._along(divider, event) - start
            self._set(divider, size + (moved if divider is Divider.TREE else -moved), is_last=is_last)

    def let_go(self, event: events.MouseUp) -> None:
        if self._dragged is not None:
            self.drag(event, is_last=True)
            self._dragged = None
            self._screen.release_mouse()

    def _along(self, divider: Divider, event: events.MouseEvent) -> int:
        return event.screen_x if self._is_upright(divider) else event.screen_y


MEDIUM_COLUMNS, WIDE_COLUMNS, TALL_ROWS = 100, 180, 30
"""Least sizes of a window whose panes have frames of their own, and three columns."""


def layout_in(window: Size) -> str:
    """Which layout the panes have in a window: "narrow", "medium" or "wide"."""
    if window.width >= WIDE_COLUMNS:
        return "wide"
    return "narrow" if window.width < MEDIUM_COLUMNS or window.height < TALL_ROWS else "medium"


# The panes of a screen in its window.


LEAST_COLUMNS: Final = 60
LEAST_ROWS: Final = 20


def is_too_small(size: Size) -> bool:
    return size.width < LEAST_COLUMNS or size.height < LEAST_ROWS


_ON_AN_ACCOUNT: Final = frozenset({
    "open_line", "filter", "ask", "who_can", "why", "draft", "draft_edit", "draft_suggestion", "draft_impact",
    "second_opinion", "zoom", "load", "edit", "report('findings')", "report('escalations')",
})  # fmt: skip
"""Actions that do nothing before an account is open."""


class PanedScreen(Screen[None]):
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
        self._zoomed: Widget | None = None
        """The pane that has the whole body."""
        self.pane_sizes = PaneSizes(self, self.say)
        self.action_resize_pane, self.action_reset_sizes = self.pane_sizes.move, self.pane_sizes.reset
        self._had_focus: Widget | None = None
        self.workspace: Workspace | None = None
        """The workspace on screen."""
        self.first_branch = OVERVIEW
        """Where the cursor is when an account is opened."""

    def compose(self) -> ComposeResult:
        """One tree of widgets for every size; the styles arrange it."""
        yield StatusLine(id="status")
        with Horizontal(id="body"):
            yield Explorer(id="explorer")
            with Vertical(id="right"):
                yield SubjectPane(id="subject")
                with Vertical(id="side"):
                    yield QuestionPanel(id="question")
                    yield SessionsPanel(clock=_now, id="sessions")
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
        if focused is not None and self._zoomed is not None and self._zoomed not in focused.ancestors_with_self:
            # What has the focus now needs room.
            self.unzoom()

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
            words = (
                f"iamtui needs a window of at least {LEAST_COLUMNS} columns and {LEAST_ROWS} rows. This one has "
                f"{event.size.width} and {event.size.height}: please make it larger, or press q to quit."
            )
            self.query_one("#too-small", Static).update(plain(words))
        self.call_after_refresh(self._refocus)
        self.pane_sizes.apply()

    def _refocus(self) -> None:
        """Give the focus back to what a resized window hid, once there is room for it again; meanwhile to the tree."""
        for widget in (self._had_focus, self.explorer.tree_view) if self.focused is None else ():
            if widget is not None and widget.is_attached and widget.focusable and is_displayed(widget):
                self.set_focus(widget)
                return

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
        if self.workspace is None:
            return {"app.go": "then a: open an account"}
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
        holders = self.focused.ancestors_with_self if self.focused is not None else ()
        pane = next((one for one in (self.explorer, self.subject, self.query_one("#side")) if one in holders), None)
        if not self.unzoom() and pane is not None:
            self._zoomed = pane
            pane.add_class("-zoom-target")
            self.add_class("-zoomed", f"-zoom-{pane.id}")
            self.pane_sizes.apply()
            self.say(plain("Zoomed: z gives the other panes their place back."), stays=True)
        self.keys_changed()

    @property
    def is_zoomed(self) -> bool:
        return self._zoomed is not None

    def unzoom(self) -> bool:
        if self._zoomed is None:
            return False
        self._zoomed.remove_class("-zoom-target")
        self.remove_class("-zoomed", f"-zoom-{self._zoomed.id}")
        self.pane_sizes.apply()
        self._zoomed = None
        self.query_one(MessageLine).clear()
        return True

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
        if self._screen.workspace is None:
            opening = line("Opening ", (name, "bold $foreground"), " …")
            self._screen.subject.welcome(lines(opening, plain(""), line(("Esc", "bold $match"), " stops it.")))

    def show_account(self, shown: IndexedAccount) -> None:
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
        if above is not None and isinstance(self._screen.focused, Input):
            # Whoever chose in a list is done with typing: the next key, such as [, is no letter of a field.
            self._screen.explorer.tree_view.focus()
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

    def show_tab(self, tab: str) -> None:
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
        "Press ", ("g a", "bold $match"), f" to choose {another}: the demo, an AWS profile, or a snapshot file."
    )
    again = [line(("r", "bold $match"), " tries the same again.")] if problem is not None else []
    return lines(*said, plain(""), choose, *again)
