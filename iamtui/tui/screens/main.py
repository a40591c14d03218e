"""The main screen: explorer, subject, question and sessions, and the one state they share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.geometry import Offset
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

from iamtui.account.model import Account, Role, User
from iamtui.credentials.session import Session
from iamtui.evaluation.decision import Layer
from iamtui.evaluation.request import Principal
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.dialogs.assume import AssumeDialog
from iamtui.tui.inventory import TOP_BRANCHES, Branch, Inventory, Node, key_of, kind_word
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.history import History
from iamtui.tui.screens.jump import JumpScreen
from iamtui.tui.screens.main_bindings import MAIN_BINDINGS
from iamtui.tui.screens.panes import Zoom
from iamtui.tui.screens.pinned import PinnedQuestion
from iamtui.tui.search import SearchIndex
from iamtui.tui.statements import entity_of
from iamtui.tui.widgets.children_table import ChildrenTable
from iamtui.tui.widgets.detail.detail_pane import DetailPane
from iamtui.tui.widgets.detail.rows import RowsView
from iamtui.tui.widgets.explorer import Explorer
from iamtui.tui.widgets.line_view import LineView
from iamtui.tui.widgets.message_line import MessageLine
from iamtui.tui.widgets.notice import Notice, Severity
from iamtui.tui.widgets.question.panel import QuestionPanel
from iamtui.tui.widgets.question.verdict import LAYER_TITLES
from iamtui.tui.widgets.sessions import Copier, SessionsPanel
from iamtui.tui.widgets.status_line import StatusLine
from iamtui.tui.widgets.subject import Subject
from iamtui.workspace.principals import principal_for
from iamtui.workspace.workspace import Workspace

TOO_SMALL: Final = "iamtui needs a window of at least 60 columns and 20 rows: please make it larger."


class MainScreen(Screen[None]):
    """Owns the workspace on screen and where the user is; widgets announce, this screen decides."""

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - declared so by the base class
        (0, "-tiny-width"),
        (60, "-narrow"),
        (100, "-medium"),
        (180, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-tiny-height"), (20, "-short"), (30, "-tall")]  # noqa: RUF012 - as above

    BINDINGS: ClassVar[list[BindingType]] = MAIN_BINDINGS

    @dataclass
    class StopWaiting(Message):
        """Escape with nothing to leave: whatever is being loaded may stop."""

    def __init__(self, copier: Copier) -> None:
        super().__init__()
        self._workspace: Workspace | None = None
        self._inventory = Inventory(Account(id=""))
        self._history = History()
        self._copier = copier
        self._zoom = Zoom(self)
        self._pinned: PinnedQuestion | None = None

    def compose(self) -> ComposeResult:
        """One tree of widgets for every size; the styles arrange it."""
        yield StatusLine(id="status")
        with Horizontal(id="body"):
            yield Explorer(id="explorer")
            with Container(id="right"):
                yield Subject(id="subject")
                with Vertical(id="side"):
                    yield QuestionPanel(id="question")
                    yield SessionsPanel(self._copier, clock=_now, id="sessions")
        yield MessageLine(id="message")
        yield Footer(show_command_palette=False)
        yield Static(plain(TOO_SMALL), id="too-small")

    def on_mount(self) -> None:
        """Say what to do while there is no account."""
        self.explorer.border_title = line("Account")
        self.subject.welcome(_nothing_open())
        self.explorer.tree_view.focus()

    # Parts.

    @property
    def explorer(self) -> Explorer:
        """The explorer."""
        return self.query_one(Explorer)

    @property
    def subject(self) -> Subject:
        """The detail pane or table."""
        return self.query_one(Subject)

    @property
    def question(self) -> QuestionPanel:
        """The question panel."""
        return self.query_one(QuestionPanel)

    @property
    def workspace(self) -> Workspace | None:
        """The workspace on screen, or None."""
        return self._workspace

    def say(self, text: Content | str, severity: Severity = Severity.INFORMATION, *, stays: bool = False) -> None:
        """Show a message on the message line."""
        self.query_one(MessageLine).say(text, severity, stays=stays)

    @on(Notice)
    def _notice(self, event: Notice) -> None:
        event.stop()
        self.say(event.content, event.severity)

    # The account.

    def set_workspace(self, workspace: Workspace, inventory: Inventory, index: SearchIndex) -> None:
        """Show an account, built by a worker; the cursor stays where the account still has it."""
        first = self._workspace is None
        self._workspace, self._inventory = workspace, inventory
        self.query_one(StatusLine).set_workspace(workspace)
        self.question.set_workspace(workspace)
        self.explorer.set_inventory(inventory, index)
        if first:
            self.explorer.open_branch(TOP_BRANCHES[0])
        node = self.explorer.node
        if node is not None:
            self._show(node)

    @on(Explorer.EntitySelected)
    def _selected(self, event: Explorer.EntitySelected) -> None:
        event.stop()
        if self._workspace is not None:
            self._show(event.node)

    def _show(self, node: Node) -> None:
        self._history.move(key_of(node))
        self.subject.show_node(self._inventory, node)
        principal = self._principal(node)
        self.question.set_principal(principal, _label(node))

    def _principal(self, node: Node) -> Principal | None:
        if self._workspace is None or not isinstance(node, (User, Role)):
            return None
        return principal_for(self._workspace, node)

    @on(Explorer.EntityOpened)
    def _opened(self, event: Explorer.EntityOpened) -> None:
        event.stop()
        self.subject.active_view.focus()

    @on(ChildrenTable.ChildOpened)
    def _child_opened(self, event: ChildrenTable.ChildOpened) -> None:
        event.stop()
        self.go_to(key_of(event.entity))
        self.subject.active_view.focus()

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

    # The question and the sessions.

    @on(QuestionPanel.Answered)
    def _answered(self, event: QuestionPanel.Answered) -> None:
        event.stop()
        pinned, workspace = self._pinned, self._workspace
        same = pinned is not None and pinned.question == event.question and pinned.workspace is workspace
        if workspace is not None and not same:
            self._pin(PinnedQuestion(workspace, event.question))

    @on(QuestionPanel.QuestionChanged)
    def _question_changed(self, event: QuestionPanel.QuestionChanged) -> None:
        event.stop()
        if self._pinned is not None and event.question != self._pinned.question:
            self._pin(None)

    def _pin(self, pinned: PinnedQuestion | None) -> None:
        self._pinned = pinned
        self.explorer.set_verdicts(pinned)
        self.subject.set_verdicts(pinned)

    @on(QuestionPanel.JumpToStatement)
    def _jump_to_statement(self, event: QuestionPanel.JumpToStatement) -> None:
        event.stop()
        ref, account = event.ref, self._inventory.account
        entity = entity_of(account, event.principal)
        shown = False
        if ref.layer in (Layer.IDENTITY, Layer.BOUNDARY) and entity is not None:
            shown = self.go_to(entity.arn) and self.subject.detail.show_statement(ref.policy, ref.statement)
        elif ref.layer is Layer.RESOURCE and self._pinned is not None:
            role = account.by_arn(self._pinned.question.resource)
            if isinstance(role, Role):
                shown = self.go_to(role.arn) and self.subject.detail.show_trust_statement(ref.statement)
        if not shown:
            self.say(plain(f"{LAYER_TITLES[ref.layer].capitalize()} are not in the tree: w shows the statement."))

    @on(SessionsPanel.Changed)
    def _session_changed(self, event: SessionsPanel.Changed) -> None:
        event.stop()
        self.query_one(StatusLine).set_session(event.active)

    def action_assume(self) -> None:
        """Ask how to assume the role under the cursor."""
        node = self.subject.node
        if self._workspace is None or not isinstance(node, Role):
            self.say(plain("Put the cursor on a role to assume it."))
            return
        self.app.push_screen(AssumeDialog(self._workspace, node.arn), self._assumed)

    def _assumed(self, session: Session | None) -> None:
        if session is not None:
            self.query_one(SessionsPanel).add_session(session)

    def action_copy_exports(self) -> None:
        """Copy the export lines of the active session."""
        self.query_one(SessionsPanel).action_copy_exports()

    def action_copy_arn(self) -> None:
        """Copy the ARN of what is under the cursor."""
        node = self.subject.node
        if node is None or isinstance(node, Branch):
            self.say(plain("Put the cursor on something with an ARN to copy it."))
        else:
            self._copy(node.arn)

    @work(thread=True, exclusive=True, exit_on_error=False, group="copy", name="copying")
    def _copy(self, text: str) -> None:
        try:
            said, severity = self._copier.copy_text(text, "ARN"), Severity.INFORMATION
        except Problem as problem:
            said, severity = str(problem), Severity.ERROR
        self.post_message(Notice(plain(said), severity))

    # Going places.

    def go_to(self, key: str) -> bool:
        """Jump to a node by its key (an ARN, or a branch), remembering where one was; False when it is not there."""
        node = self._inventory.find(key)
        if node is None:
            self.say(line("Not in this account as loaded: ", (key, "bold")), Severity.WARNING)
            return False
        self._history.jump()
        self.explorer.reveal(key)
        self._show(node)
        return True

    def action_back(self) -> None:
        """Go back."""
        self._travel(self._history.back(), "There is no place to go back to.")

    def action_forward(self) -> None:
        """Go forward."""
        self._travel(self._history.forward(), "There is no place to go forward to.")

    def _travel(self, key: str | None, otherwise: str) -> None:
        if key is None:
            self.say(plain(otherwise))
        elif not self.explorer.reveal(key):
            self.say(line("No longer in the account: ", (key, "bold")), Severity.WARNING)

    def action_follow(self) -> None:
        """Follow the first reference of what is under the cursor: a branch opens, a role of a profile is shown."""
        row = self.subject.detail.facts.row
        if self.subject.detail.display and row is not None and row.target:
            self.go_to(row.target)
        else:
            self.say(plain("Nothing to follow here: put the cursor of the detail pane on an underlined name."))

    def action_filter(self) -> None:
        """Go to the filter."""
        self.explorer.filter_input.focus()

    def action_tab(self, number: str) -> None:
        """Show a tab of the detail pane."""
        if self.subject.detail.display and not self.subject.detail.select_tab(number):
            self.say(plain(f"There is no tab {number} here."))

    def action_ask(self) -> None:
        """Go to the question."""
        self.question.action_ask()

    def action_why(self) -> None:
        """Show the trace."""
        self.question.action_why()

    def action_leave(self) -> None:
        """Back to the tree; in the tree: drop the filter."""
        if self.explorer.tree_view.has_focus and not self.explorer.clear_filter():
            self.post_message(self.StopWaiting())
        self.explorer.tree_view.focus()

    # The layout.

    def panes(self) -> dict[str, Widget]:
        """The panes that can be jumped to and zoomed, by their letter, in focus order."""
        found: dict[str, Widget] = {"e": self.explorer, "d": self.subject, "q": self.question}
        return {letter: pane for letter, pane in found.items() if pane.display and pane.region.area}

    def action_jump(self) -> None:
        """Show the letters, then move the focus."""
        places = {letter: Offset(pane.region.x + 1, pane.region.y) for letter, pane in self.panes().items()}
        self.app.push_screen(JumpScreen(places), self._jumped)

    def _jumped(self, letter: str | None) -> None:
        if letter == "e":
            self.explorer.tree_view.focus()
        elif letter == "d":
            self.subject.active_view.focus()
        elif letter == "q":
            self.question.action_ask()

    def action_zoom(self) -> None:
        """Give the focused pane the whole window, or everything its place back."""
        if not self.unzoom() and self._zoom.zoom((self.explorer, self.subject, self.query_one("#side"))):
            self.say(plain("Zoomed: z gives the other panes their place back."), stays=True)

    def unzoom(self) -> bool:
        """Give everything its place back; False when nothing is zoomed."""
        unzoomed = self._zoom.unzoom()
        if unzoomed:
            self.query_one(MessageLine).clear()
        return unzoomed

    def step_back(self) -> bool:
        """One step back for `q`: zoom, filter, place; False when there is nothing left to leave."""
        if self.unzoom() or self.explorer.clear_filter():
            return True
        key = self._history.back()
        if key is None:
            return False
        self.explorer.reveal(key)
        self.explorer.tree_view.focus()
        return True


def _now() -> datetime:
    return clock.now()


def _label(node: Node) -> str:
    """What the question panel calls a node: `role/NAME`, or that it is a list."""
    if isinstance(node, Branch):
        return f"the list of {node.kind}"
    word = "policy" if kind_word(node).endswith("policy") else kind_word(node)
    return f"{word}/{node.name}"


def _nothing_open() -> Content:
    return Content("\n").join(
        [
            line(("No account is open.", "bold $foreground")),
            plain(""),
            line("Press ", ("P", "bold $match"), " to choose one: the demo, an AWS profile, or a snapshot file."),
        ]
    )
