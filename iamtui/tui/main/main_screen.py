"""The main screen: the question about the entity under the cursor, and the sessions made from there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from iamtui.account.model import Account, Entity, Known, Role, User
from iamtui.config import AssumeConfig
from iamtui.questions.question import QuestionMatrix
from iamtui.tui.content import plain
from iamtui.tui.dialogs.help import end_tour
from iamtui.tui.drafts.controller import DraftController
from iamtui.tui.explorer.children_table import ChildrenTable
from iamtui.tui.explorer.detail_pane import DetailPane
from iamtui.tui.explorer.document_view import DocumentView
from iamtui.tui.explorer.explorer import ExplorerTree
from iamtui.tui.explorer.listings import RowsView
from iamtui.tui.main.inventory import OVERVIEW, Branch, Node, key_of, kind_word
from iamtui.tui.main.main_view import DraftSuggestion, JumpToStatement
from iamtui.tui.main.marks import PrincipalMarks
from iamtui.tui.main.on_demand import OnDemandLoading, can_load
from iamtui.tui.main.paned import RESIZE_KEYS, Browsing, PanedScreen
from iamtui.tui.question.answer_lists import LayersList
from iamtui.tui.question.panel import QuestionPanel
from iamtui.tui.question.panel_text import from_screen
from iamtui.tui.question.pinned_verdicts import (
    Pinning,
    has_simulator,
    open_second_opinion,
    open_who_can,
    show_statement,
    tell_screens,
)
from iamtui.tui.sessions.controller import SessionLifecycle
from iamtui.tui.sessions.hand_over import HandOver
from iamtui.tui.sessions.panel import ON_A_SESSION, SessionsPanel
from iamtui.tui.textual_internals import forget_drawn_widgets
from iamtui.tui.widgets.status import MessageLine, StatusLine
from iamtui.workspace.source.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.engine.request import Principal
    from iamtui.questions.question import Question
    from iamtui.tui.clipboard import Copier
    from iamtui.tui.denials import KeptDenials


# The keys of the main screen. Every one has an id, under which the config can give it another key.


MAIN_BINDINGS: Final[list[BindingType]] = [
    # Before the focused list, so that what is typed at once behind the key reaches the filter.
    Binding(
        "slash", "filter", "Filter", key_display="/", id="go.filter", priority=True,
        tooltip="Filter the tree while typing",
    ),
    *from_screen("ask", "presets", "questions", "caller", "keys", "cycle_mfa", "copy_command", "save"),
    Binding("f6,W", "who_can", "Who can", id="question.who_can", tooltip="Who can: ask this for every principal"),
    *from_screen("why"),
    Binding(
        "f10,f", "draft_suggestion", "Draft a fix", id="draft.suggestion",
        tooltip="Draft what would allow the question, and see before and after",
    ),
    Binding(
        "S", "second_opinion", "2nd opinion", id="question.second_opinion",
        tooltip="Ask AWS's own simulator too, and compare",
    ),
    Binding(
        "e", "draft_edit", "Edit", id="draft.edit",
        tooltip="List what can be edited here; edits go into a draft, never into the account",
    ),
    Binding("i", "draft_impact", "Impact", id="draft.impact", tooltip="Show whose answers the draft changes"),
    Binding("u", "draft_undo", "Undo edit", show=False, id="draft.undo", tooltip="Take the draft's last edit back"),
    Binding("f8,a", "assume", "Assume", id="session.assume", tooltip="Assume the role under the cursor"),
    Binding(
        "ctrl+r", "assume(True)", "Any role", show=False, id="session.assume-any",
        tooltip="Assume any role by its ARN, also one of another account",
    ),
    Binding(
        "p", "list_roles", "Roles you may assume", show=False, id="session.roles",
        tooltip="List the roles that you may assume; Enter assumes one",
    ),
    Binding(
        "c", "pick", "Pick", id="session.pick",
        tooltip="Hand the active session to the shell that started the picker, and leave",
    ),
    Binding("c", "copy_exports", "Copy", id="session.copy", tooltip="Copy the active session's export lines"),
    Binding(
        "x", "export", "Export", id="session.export",
        tooltip="Show the active session in every format, masked; copy it, write a file or a profile",
    ),
    Binding(
        "exclamation_mark", "sub_shell", "Shell", key_display="!", id="session.shell",
        tooltip="Open a shell with the active session's credentials; exit comes back",
    ),
    Binding("b", "console", "Console", id="session.console", tooltip="Into the AWS console as the active session"),
    Binding(
        "K", "revoke", "Revoke", show=False, id="session.revoke",
        tooltip="Cut a role's older sessions off: the policy, its effect, the command to copy",
    ),
    Binding(
        "y", "menu('copy')", "Copy …", show=False, id="copy.menu",
        tooltip="Choose what to copy of what is under the cursor: ARN, name, JSON, command, console link",
    ),
    Binding(
        "m", "bookmark", "Bookmark", show=False, id="go.bookmark",
        tooltip="Set a bookmark here, or take it away; g b goes to one",
    ),
    Binding(
        "space", "compare('mark')", "Mark", show=False, id="compare.mark", tooltip="Mark a user or role to compare it"
    ),
    Binding(
        "equals_sign", "compare('now')", "Compare", key_display="=", show=False, id="compare.now",
        tooltip="Compare what the user or role here can do with the marked one; under a draft, with itself before",
    ),
    Binding(
        "left_square_bracket", "travel(False)", "Back", key_display="[", show=False, id="go.back",
        tooltip="Go back to where you were",
    ),
    Binding(
        "right_square_bracket", "travel(True)", "Forward", key_display="]", show=False, id="go.forward",
        tooltip="Go forward again",
    ),
    Binding("ctrl+o", "menu('jump')", "Jump", id="go.jump", tooltip="Jump to a pane, field or tab by its letter"),
    Binding("z", "zoom", "Zoom", id="view.zoom", tooltip="Give the pane the whole window, and back"),
    *RESIZE_KEYS,
    Binding("v", "columns", "Columns", id="table.columns", tooltip="Choose the columns of the table"),
    Binding(
        "T", "times", "Times", show=False, id="table.times",
        tooltip="Show the table's times as they are, or how long ago they were",
    ),
    Binding(
        "L", "load", "Load more", id="view.load",
        tooltip="Ask for what comes only on demand: a user's keys and devices, the resource's policy, the organization",
    ),
    Binding(
        "X", "snapshot", "Snapshot", show=False, id="account.snapshot",
        tooltip="Write everything loaded of the account to a file, for --snapshot",
    ),
    Binding("E", "edit", "Editor", id="view.editor", tooltip="Read the JSON in $EDITOR; nothing is written back"),
    Binding(
        "g", "app.go", "Go …", show=False, id="app.go", tooltip="Go somewhere by a letter; g: to the top"
    ),
    Binding("1", "tab('1')", "Tab 1", show=False, id="tab.1", tooltip="Show the first tab"),
    Binding("2", "tab('2')", "Tab 2", show=False, id="tab.2", tooltip="Show the second tab"),
    Binding("3", "tab('3')", "Tab 3", show=False, id="tab.3", tooltip="Show the third tab"),
    Binding("4", "tab('4')", "Tab 4", show=False, id="tab.4", tooltip="Show the fourth tab"),
    Binding("5", "tab('5')", "Tab 5", show=False, id="tab.5", tooltip="Show the fifth tab"),
    Binding(
        "escape", "leave", "To the tree", show=False, id="go.tree",
        tooltip="Go back to the tree; there: clear the filter, or stop a load",
    ),
]  # fmt: skip


class ChosenCaller:
    """Chooses the caller of the question: the principal under the cursor, or one in its place."""

    def __init__(self, screen: PanedScreen) -> None:
        self._screen = screen
        self._asking: tuple[Principal, str] | None = None
        self._stand_in: tuple[str, Principal, str] | None = None
        """A session or credential that asks in place of the role or user (by ARN) while the cursor is on that."""

    def begin(self, workspace: Workspace) -> None:
        """Ask for the account's own caller until the user goes to a principal."""
        if self._screen.question.principal is not None:
            return
        self._asking = None

        from iamtui.workspace.source.principals import caller_principal

        caller = caller_principal(workspace)
        if caller is not None:
            entity = workspace.account.by_arn(caller.arn)
            self._ask_for(caller, _label(entity) if entity is not None else caller.arn.split(":", 5)[-1])

    def follow(self, node: Node) -> None:
        """Ask for the principal where the user is; elsewhere the last one stays."""
        workspace = self._screen.workspace
        if self._stand_in is not None and (isinstance(node, Branch) or node.arn != self._stand_in[0]):
            self._stand_in = None
        if self._stand_in is not None:
            self._ask_for(*self._stand_in[1:])
        elif isinstance(node, (User, Role)) and workspace is not None:
            from iamtui.workspace.source.principals import principal_for

            self._ask_for(principal_for(workspace, node), _label(node))
        elif not isinstance(node, Branch):
            self._screen.question.set_principal(None, _label(node))
        elif self._asking is not None:
            self._ask_for(*self._asking)

    def stand_in(self, principal: Principal, label: str) -> None:
        """Ask for a caller that need not be in the tree; moving in the tree asks for others again."""
        node = self._screen.subject.node
        if isinstance(node, (User, Role)):
            self._stand_in = (node.arn, principal, label)
        self._ask_for(principal, label)

    def _ask_for(self, principal: Principal, label: str) -> None:
        self._asking = (principal, label)
        account = self._screen.workspace.account if self._screen.workspace is not None else None
        is_own = account is not None and account.caller_arn == Known(principal.arn)
        self._screen.question.set_principal(principal, f"you ({label})" if is_own else label)


def _label(node: Entity) -> str:
    word = "policy" if kind_word(node).endswith("policy") else kind_word(node)
    return f"{word}/{node.name}"


DEFAULT_ASSUME_CONFIG: Final = AssumeConfig()


def _place_menus() -> ModuleType:
    """Loaded when the first of its menus is opened: it brings the questions with it."""
    from iamtui.tui.main import place_menus

    return place_menus


class MainScreen(PanedScreen):
    """Asks about, assumes and copies what the cursor is on."""

    BINDINGS: ClassVar[list[BindingType]] = MAIN_BINDINGS

    @dataclass(eq=False, repr=False)
    class StopWaiting(Message):
        """Escape with nothing to leave: whatever is being loaded may stop."""

    def __init__(
        self, copier: Copier, assume_config: AssumeConfig = DEFAULT_ASSUME_CONFIG, production: str = ""
    ) -> None:
        """Make the screen.

        Args:
            production: patterns for names of accounts and roles that are marked as production.
        """
        super().__init__(copier)
        self._idle: frozenset[str] = frozenset()
        """The actions that did nothing with the last answer."""
        self._caller = ChosenCaller(self)
        self.browsing = Browsing(self, workspace_changed=self._workspace_changed, place_changed=self._caller.follow)
        self.drafts = DraftController(self, self.browsing)
        self._marks = PrincipalMarks(self, self.drafts)
        self.mark_changed = self._marks.mark_changed
        self.on_demand = OnDemandLoading(self, self.drafts, self.mark_changed)
        self.hand_over = HandOver(self, copier, self.drafts)
        self.lifecycle = SessionLifecycle(self, copier, self.drafts, self.hand_over, assume_config, production)
        self._pinning = Pinning(self)
        self.go_to = self.browsing.go_to
        # Keys whose work a controller does by itself.
        self.action_load, self.action_travel = self.on_demand.load_here, self.browsing.travel
        self.action_assume = self.lifecycle.assume_here
        self.action_assume_from_session = self.lifecycle.assume_from_session
        self.action_list_roles = self.lifecycle.list_roles
        self.action_renew_session = self.lifecycle.renew_session
        self.action_switch_renewal = self.lifecycle.switch_active_renewal
        self.action_forget_session_at = self.lifecycle.forget_session_at
        self.action_endpoint = self.lifecycle.endpoint
        self.action_console = self.lifecycle.show_console
        self.action_revoke = self.lifecycle.show_revoke
        self.action_pick = self.hand_over.pick
        self.action_copy_exports = self.hand_over.copy_exports
        self.action_export = self.hand_over.export
        self.action_sub_shell = self.hand_over.sub_shell
        self.action_copy_arn = self.hand_over.copy_arn
        self.action_tab = self.browsing.show_tab
        self.action_edit = self.browsing.read_in_editor
        self.action_columns, self.action_times = self.browsing.choose_columns, self.browsing.switch_times
        self.action_draft = self.drafts.show_draft
        self.action_draft_edit = self.drafts.edit_menu
        self.action_draft_undo = self.drafts.undo_edit
        self.action_draft_impact = self.drafts.show_impact
        self.action_draft_suggestion = self.drafts.draft_fix
        self.tries_again = False
        """True while no account could be opened until the user signs in again, after which it is tried once more."""
        self.kept_denials: KeptDenials | None = None
        """The log whose denials are being explained one after the other."""

    @property
    def source_workspace(self) -> Workspace | None:
        return self.drafts.source_workspace

    def on_mount(self) -> None:
        """Verdicts in the lists belong to the answer; once a second, look after codes and the clipboard."""
        self.question.alongside = self._pinning.ahead
        self.sessions.is_production = self.lifecycle.is_production
        if self.hand_over.picking:
            self.sessions.on_enter = self.hand_over.pick
        self.query_one(StatusLine).set_picking(self.hand_over.picking)
        self.set_interval(1, self.lifecycle.ask_for_codes)
        self.set_interval(1, self.hand_over.watch_clipboard)

    def on_screen_suspend(self) -> None:
        """Nothing stays readable under a dialog."""
        self.sessions.mask()

    def on_screen_resume(self) -> None:
        forget_drawn_widgets()
        self._marks.look_again()

    def on_unmount(self) -> None:
        self.lifecycle.forget_mfa_sessions()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One key either copies or hands over; in a field, the filter's key is a letter; in a document, it finds."""
        if action == "filter" and isinstance(self.focused, Input | DocumentView):
            return False
        if action in ("pick", "copy_exports") and bool(self.hand_over.picking) is not (action == "pick"):
            return False
        if action == "times" and not self.subject.table.display:
            return False
        return super().check_action(action, parameters)

    def _workspace_changed(self, workspace: Workspace) -> None:
        """Ask about this account from now on; until the user goes to a principal, for the caller."""
        self._pinning.forget()
        self.question.set_workspace(workspace)
        self.sessions.can_assume(possible=workspace.can_call_aws)
        self._caller.begin(workspace)
        self.on_demand.again()
        self._marks.show(workspace)
        tell_screens(self, workspace)

    # Browsing.

    @on(ExplorerTree.NodeChosen)
    def _selected(self, event: ExplorerTree.NodeChosen) -> None:
        event.stop()
        if self.workspace is not None:
            self.browsing.show(event.node)

    @on(ExplorerTree.AccountChosen)
    def _other_selected(self, event: ExplorerTree.AccountChosen) -> None:
        event.stop()
        self.browsing.show_other(event.account, event.opened)

    @on(ExplorerTree.NodeOpened)
    def _opened(self, event: ExplorerTree.NodeOpened) -> None:
        event.stop()
        self.subject.go_into(event.policy)

    @on(ChildrenTable.ChildOpened)
    def _child_opened(self, event: ChildrenTable.ChildOpened) -> None:
        event.stop()
        self.browsing.go_to(key_of(event.entity))
        self.subject.active_view.focus()

    @on(ChildrenTable.ChildHighlighted)
    def _child_highlighted(self, event: ChildrenTable.ChildHighlighted) -> None:
        event.stop()
        self._caller.follow(event.entity)
        self.keys_changed()

    @on(RowsView.Followed)
    def _followed(self, event: RowsView.Followed) -> None:
        event.stop()
        self.browsing.go_to(event.target)

    @on(DetailPane.Listed)
    def _listed(self, event: DetailPane.Listed) -> None:
        from iamtui.tui.reports.report_screen import open_list

        event.stop()
        open_list(self, event.title, event.load)

    @on(RowsView.LeftTowardsTree)
    @on(QuestionPanel.QuestionLeft)
    def _left(self, event: Message) -> None:
        event.stop()
        self.explorer.tree_view.focus()

    def action_filter(self) -> None:
        self.set_focus(self.explorer.filter_input)

    def action_leave(self) -> None:
        """One thing for each Escape: leave a pane, the filter, the tour, what is being loaded."""
        if not self.explorer.tree_view.has_focus:
            self.hide_sessions()
            self.explorer.tree_view.focus()
        elif not self.explorer.clear_filter() and not end_tour(self):
            self.post_message(self.StopWaiting())

    # The question.

    @on(QuestionPanel.Answered)
    def _answered(self, event: QuestionPanel.Answered) -> None:
        event.stop()
        self.query_one(MessageLine).answered()
        # Resources side by side have a width of their own.
        self.pane_sizes.apply()
        if self.workspace is not None:
            # The whole of it, as in who can: of a matrix the worst decides, whichever cell is looked at.
            self._pinning.pin(self.workspace, event.answer.question_matrix, self.drafts.before_workspace)
        self._answer_changed()

    @on(QuestionPanel.Unanswered)
    def _unanswered(self, event: QuestionPanel.Unanswered) -> None:
        event.stop()
        self._pinning.unpin()
        self._answer_changed()

    def _answer_changed(self) -> None:
        """Look for the keys that matter now, unless those are the same as with the answer before."""
        idle, self._idle = self._idle, self.idle_actions()
        if idle != self._idle:
            self.keys_changed()

    @on(QuestionPanel.Meant)
    def _meant(self, event: QuestionPanel.Meant) -> None:
        """Answer with the policy of the resource, as `iamtui can` does."""
        event.stop()
        self.on_demand.load_policy_of(event.question, again=True)

    @on(JumpToStatement)
    def _jump_to_statement(self, event: JumpToStatement) -> None:
        event.stop()
        if not show_statement(self, event):
            self.question.action_why()

    @on(DraftSuggestion)
    def _suggestion_wanted(self, event: DraftSuggestion) -> None:
        event.stop()
        self.drafts.suggest(event.principal, event.question)

    @on(SessionsPanel.SessionChanged)
    def _session_changed(self, event: SessionsPanel.SessionChanged) -> None:
        event.stop()
        production = event.active is not None and self.lifecycle.is_production(event.active)
        self.query_one(StatusLine).set_session(event.active, production=production)
        self.keys_changed()

    @on(SessionsPanel.CodeWanted)
    def _code_wanted(self, event: SessionsPanel.CodeWanted) -> None:
        event.stop()
        self.lifecycle.code_wanted(event.kept)

    def idle_actions(self) -> frozenset[str]:
        return super().idle_actions() | _idle_actions(self)

    def other_words(self) -> Mapping[str, str]:
        return {**super().other_words(), **_other_words(self)}

    @property
    def about(self) -> tuple[Account, Node] | None:
        node = self.subject.entity or self.subject.node
        return (self.workspace.account, node) if self.workspace is not None and node is not None else None

    def action_menu(self, name: str) -> None:
        """Open the menu of this name: "copy", "session", "bookmarks" or "jump"."""
        if name == "session" or (name == "copy" and self.sessions.has_focus):
            self.hand_over.copy_menu()
        elif name == "copy":
            _place_menus().open_copies(self, self.hand_over)
        elif name == "jump":
            _place_menus().jump(self)
        else:
            _place_menus().open_bookmarks(self)

    def open_go_card(self, keymap: Mapping[str, str], go_to_top: Callable[[], object]) -> None:
        _place_menus().open_go_card(self, keymap, go_to_top)

    def action_bookmark(self) -> None:
        """Set a bookmark here, or take it away."""
        _place_menus().bookmark_here(self)

    def action_overview(self) -> None:
        self.browsing.go_to(key_of(OVERVIEW))

    def action_go_to_role(self) -> None:
        """Go to the role of the active session."""
        active = self.sessions.active
        if active is not None and self.browsing.go_to(active.role_arn):
            self.subject.active_view.focus()

    def action_snapshot(self) -> None:
        from iamtui.tui.file_exports import ask_for_snapshot_file

        ask_for_snapshot_file(self, self.say, self.source_workspace)

    def action_compare(self, step: str) -> None:
        self._marks.comparing.mark() if step == "mark" else self._marks.comparing.compare()

    @property
    def list_columns(self) -> dict[str, tuple[str, ...]]:
        return self.subject.table.chosen_columns

    @on(QuestionPanel.Copy)
    def _copy_from_question(self, event: QuestionPanel.Copy) -> None:
        event.stop()
        self.hand_over.copy_text(event.text, event.what, event.also)

    async def action_ask(self) -> None:
        """Go to the question; where no account could be opened before the user signs in again, try that again."""
        if self.tries_again:
            await self.app.run_action("app.reload")
            return
        self.hide_sessions()
        self.question.action_ask()

    async def action_in_question(self, action: str) -> None:
        await self.app.run_action(action, self.question)

    def action_why(self) -> None:
        self.question.action_why()

    def action_who_can(self) -> None:
        open_who_can(self, self.drafts.before_workspace)
        self.on_demand.load_policy_of(self.question.question)

    def action_report(self, name: str) -> None:
        from iamtui.tui.reports.report_screen import open_report

        open_report(self, name)

    def action_second_opinion(self) -> None:
        open_second_opinion(self, self.drafts.before_workspace)

    def action_paste_denial(self) -> None:
        workspace = self.source_workspace
        if workspace is None:
            self.say(plain("Open an account first: g a chooses one. The denial is compared with it."))
        else:
            from iamtui.tui.denials import open_denials

            open_denials(self, workspace)

    def ask_about(self, principal: Principal, label: str, question: Question) -> None:
        """Ask for a caller that need not be in the tree; moving in the tree asks for others again."""
        self._caller.stand_in(principal, label)
        self.question.ask_matrix(QuestionMatrix((question.action,), (question.resource,), question))
        self.on_demand.load_policy_of(question)


def _other_words(main: MainScreen) -> Mapping[str, str]:
    # Enter picks as c does, which is shown.
    picks = {"select": ""} if main.hand_over.picking else {}
    return {**picks, **(_WORDS_IN_A_NARROW_ANSWER if _in_a_narrow_answer(main) else {})}


def _idle_actions(screen: MainScreen) -> frozenset[str]:
    """Actions without effect here, with the answer, session and draft that there are."""
    idle: set[str] = set()
    if not isinstance(screen.subject.node, Role) or (screen.workspace and not screen.workspace.can_call_aws):
        idle.add("assume")
    if isinstance(screen.subject.node, Branch):
        idle.add("edit")
    if screen.workspace is None or not can_load(screen.workspace, screen.subject.node):
        idle.add("load")
    if not screen.subject.table.display:
        idle.add("columns")
    if screen.sessions.active is None:
        idle |= {"console", "copy_exports", "export", "pick", "sessions", "sub_shell", *ON_A_SESSION}
    if screen.question.answer is None:
        idle.add("why")
    if screen.question.question_matrix is None:
        idle.add("who_can")
    if screen.question.answer is None or not has_simulator(screen.workspace):
        idle.add("second_opinion")
    if screen.drafts.drafted is None:
        idle.add("draft_impact")
    if screen.question.answer is None or not screen.question.answer.denied:
        idle.add("draft_suggestion")
    return frozenset(idle)


# How to ask otherwise and of whom stands in the fields above and the tree beside.
_WORDS_IN_A_NARROW_ANSWER: Final = {"switch": "On/off", "ask": "", "cycle_mfa": "", "filter": "", "presets": ""}


def _in_a_narrow_answer(screen: MainScreen) -> bool:
    """True in an answer whose frame has no keys: the key line has to have room for them."""
    return screen.has_class("-narrow") and isinstance(screen.focused, LayersList)
