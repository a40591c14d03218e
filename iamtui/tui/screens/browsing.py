"""Browsing: the account on the main screen, where the user is in it, and how they get elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from iamtui.account.model import Account
from iamtui.tui import clock
from iamtui.tui.inventory import TOP_BRANCHES, Inventory, Node, key_of
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.history import History, Place, ScreenAbove
from iamtui.tui.screens.paned import PanedScreen
from iamtui.tui.widgets.children_table import ChildrenTable
from iamtui.tui.widgets.covered import Column, Row
from iamtui.tui.widgets.detail.detail_pane import DetailPane
from iamtui.tui.widgets.detail.document_view import DocumentView
from iamtui.tui.widgets.detail.rows import RowsView
from iamtui.tui.widgets.explorer import Explorer
from iamtui.tui.widgets.key_line import KeyLine
from iamtui.tui.widgets.line_view import LineView
from iamtui.tui.widgets.message_line import MessageLine
from iamtui.tui.widgets.notice import Severity
from iamtui.tui.widgets.question.panel import QuestionPanel
from iamtui.tui.widgets.sessions import SessionsPanel
from iamtui.tui.widgets.status_line import StatusLine
from iamtui.tui.widgets.subject import Subject

if TYPE_CHECKING:
    from iamtui.tui.copying import Copier
    from iamtui.tui.search import SearchIndex
    from iamtui.workspace.workspace import Workspace


class BrowsingScreen(PanedScreen):
    """Owns the workspace on screen and where the user is; widgets announce, this screen decides.

    MainScreen adds what is asked and done about the place where the user is.
    """

    @dataclass(eq=False, repr=False)
    class StopWaiting(Message):
        """Escape with nothing to leave: whatever is being loaded may stop."""

    def __init__(self, copier: Copier) -> None:
        super().__init__()
        self._workspace: Workspace | None = None
        self._inventory = Inventory(Account(id=""))
        self._history = History()
        self._copier = copier
        self.tries_again = False
        """Whether no account could be opened until the user signs in again, after which it is tried once more."""
        self.first_branch = TOP_BRANCHES[0]
        """The branch that is open when an account is."""

    def compose(self) -> ComposeResult:
        """One tree of widgets for every size; the styles arrange it."""
        yield StatusLine(id="status")
        with Row(id="body"):
            yield Explorer(id="explorer")
            with Column(id="right"):
                yield Subject(id="subject")
                with Column(id="side"):
                    yield QuestionPanel(id="question")
                    yield SessionsPanel(self._copier, clock=_now, id="sessions")
        yield MessageLine(id="message")
        yield KeyLine(id="keys")
        yield Static(id="too-small")

    def on_mount(self) -> None:
        """Name the tree, in which the user begins."""
        self.explorer.border_title = line("Account")

    @property
    def workspace(self) -> Workspace | None:
        """The workspace on screen, or None."""
        return self._workspace

    # The account.

    def show_nothing_open(self) -> None:
        """Say how to open an account, unless one is open."""
        if self._workspace is None:
            self.subject.welcome(_nothing_open())

    def show_opening(self, name: str) -> None:
        """Say what is being opened, unless an account is open. `name` is raw."""
        if self._workspace is None:
            self.subject.welcome(line("Opening ", (name, "bold $foreground"), " …"))

    def set_workspace(self, workspace: Workspace, inventory: Inventory, index: SearchIndex) -> None:
        """Show an account, built by a worker; the cursor stays where the account still has it."""
        first = self._workspace is None or self._workspace.account.id != workspace.account.id
        if first:
            self._history = History()
            if self._workspace is not None:
                # What was typed while the first account was being opened is about that one.
                self.explorer.clear_filter()
        self._workspace, self._inventory = workspace, inventory
        self.query_one(StatusLine).set_workspace(workspace)
        self.workspace_changed(workspace)
        self.explorer.set_inventory(inventory, index)
        if first and not self.explorer.filter_input.value:
            self.explorer.open_branch(self.first_branch)
        node = self.explorer.node or (self.first_branch if first else None)
        if node is not None:
            self._show(node)

    @on(Explorer.EntitySelected)
    def _selected(self, event: Explorer.EntitySelected) -> None:
        event.stop()
        if self._workspace is not None:
            self._show(event.node)

    def _show(self, node: Node) -> None:
        messages = self.query_one(MessageLine)
        if messages.waits and key_of(node) != self._history.here:
            messages.clear()
        self._history.move(key_of(node))
        self.subject.show_node(self._inventory, node)
        self.place_changed(node)
        self.keys_changed()

    def keys_changed(self) -> None:
        """Show the keys that matter now."""
        self.query_one(KeyLine).look_again()

    def workspace_changed(self, workspace: Workspace) -> None:
        """Tell the other panes that there is another account, or newer data."""
        raise NotImplementedError

    def place_changed(self, node: Node) -> None:
        """Tell the other panes where the user is now."""
        raise NotImplementedError

    @on(Explorer.EntityOpened)
    def _opened(self, event: Explorer.EntityOpened) -> None:
        event.stop()
        self.subject.active_view.focus()

    @on(ChildrenTable.ChildOpened)
    def _child_opened(self, event: ChildrenTable.ChildOpened) -> None:
        event.stop()
        self.go_to(key_of(event.entity))
        self.subject.active_view.focus()

    @on(ChildrenTable.ChildHighlighted)
    def _child_highlighted(self, event: ChildrenTable.ChildHighlighted) -> None:
        event.stop()
        self.place_changed(event.entity)
        self.keys_changed()

    @on(DetailPane.Followed)
    def _followed(self, event: DetailPane.Followed) -> None:
        event.stop()
        self.go_to(event.target)

    @on(RowsView.LeftTowardsTree)
    @on(ChildrenTable.LeftTowardsTree)
    def _left(self) -> None:
        self.explorer.tree_view.focus()

    @on(QuestionPanel.Left)
    def _question_left(self, event: QuestionPanel.Left) -> None:
        event.stop()
        self.explorer.tree_view.focus()

    @on(LineView.CursorMoved)
    @on(LineView.LineOpened)
    def _unused(self, event: LineView.CursorMoved | LineView.LineOpened) -> None:
        event.stop()

    # Going places.

    def go_to(self, key: str, above: ScreenAbove | None = None) -> bool:
        """Jump to a node by its key (an ARN, or a branch), remembering where one was; False when it is not there.

        Args:
            above: makes the screen anew that the user comes from, to be shown again on the way back.
        """
        node = self._inventory.find(key)
        if node is None:
            self.say(line("Not in this account as loaded: ", (key, "bold")), Severity.WARNING)
            return False
        self._history.jump(self.subject.tab, above)
        self.explorer.reveal(key)
        self._show(node)
        return True

    def action_back(self) -> None:
        """Go back."""
        self._travel(self._history.back(self.subject.tab), "There is no place to go back to.")

    def action_forward(self) -> None:
        """Go forward."""
        self._travel(self._history.forward(self.subject.tab), "There is no place to go forward to.")

    def _travel(self, place: Place | None, otherwise: str) -> None:
        if place is None:
            self.say(plain(otherwise))
            return
        node = self._inventory.find(place.key)
        if not self.explorer.reveal(place.key) or node is None:
            self.say(line("No longer in the account: ", (place.key, "bold")), Severity.WARNING)
            return
        self._show(node)
        if place.tab:
            self.subject.detail.select_tab(place.tab)
        above = place.above(self._workspace) if place.above is not None and self._workspace is not None else None
        if above is not None:
            self.app.push_screen(above)

    def action_follow(self) -> None:
        """Go to what the line under the detail pane's cursor names, or to the first name there is."""
        view = self.subject.active_view
        rows = view.rows if isinstance(view, RowsView) else ()
        here = view.row if isinstance(view, RowsView) else None
        target = next((row.target for row in (here, *rows) if row is not None and row.target), "")
        if target:
            self.go_to(target)
        else:
            self.say(plain("Nothing to follow here: there is no underlined name in the detail pane."))

    def action_filter(self) -> None:
        """Go to the filter."""
        self.set_focus(self.explorer.filter_input)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In a field, the filter's key is a letter; in a document, it finds."""
        if action == "filter" and isinstance(self.focused, Input | DocumentView):
            return False
        return super().check_action(action, parameters)

    def action_tab(self, number: str) -> None:
        """Show a tab of the detail pane."""
        if self.subject.detail.display and not self.subject.detail.select_tab(number):
            self.say(plain(f"There is no tab {number} here."))

    def action_leave(self) -> None:
        """Back to the tree; in the tree: drop the filter."""
        if self.explorer.tree_view.has_focus and not self.explorer.clear_filter():
            self.post_message(self.StopWaiting())
        self.hide_sessions()
        self.explorer.tree_view.focus()

    def step_back(self) -> bool:
        """One step back for `q`: zoom, filter, place; False when there is nothing left to leave."""
        if self.unzoom() or self.explorer.clear_filter():
            return True
        place = self._history.back(self.subject.tab)
        if place is None:
            return False
        self.explorer.tree_view.focus()
        self._travel(place, "")
        return True


def _now() -> datetime:
    return clock.now()


def _nothing_open() -> Content:
    return Content("\n").join(
        [
            line(("No account is open.", "bold $foreground")),
            plain(""),
            line("Press ", ("P", "bold $match"), " to choose one: the demo, an AWS profile, or a snapshot file."),
        ]
    )
