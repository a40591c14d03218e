"""The main screen: what is asked about the place where the user is, and the sessions made from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.message import Message

from iamtui.account.model import Entity, Role, User
from iamtui.analysis.inquiry import Inquiry
from iamtui.config import AssumeConfig
from iamtui.problem import Problem
from iamtui.tui.inventory import Branch, Node, kind_word
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.answers import (
    has_simulator,
    is_denied,
    open_second_opinion,
    open_who_can,
    show_statement,
    tell_screens,
)
from iamtui.tui.screens.editor import show_in_editor
from iamtui.tui.screens.main_bindings import MAIN_BINDINGS
from iamtui.tui.screens.on_demand import lacks_details, load
from iamtui.tui.screens.pinning import Pinning
from iamtui.tui.screens.sessions.actions import show_console, show_revoke
from iamtui.tui.screens.sessions.care import DEFAULT_ASSUME_CONFIG
from iamtui.tui.screens.sessions.leaving import LeavingScreen
from iamtui.tui.widgets.message_line import MessageLine
from iamtui.tui.widgets.notice import Notice, Severity
from iamtui.tui.widgets.question.panel import QuestionPanel
from iamtui.tui.widgets.sessions import ON_A_SESSION, SessionsPanel
from iamtui.tui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    # They bring in what is not loaded before the first frame.
    from iamtui.analysis.question import Question
    from iamtui.evaluation.request import Principal
    from iamtui.tui.copying import Copier
    from iamtui.tui.screens.denials.reading import KeptDenials
    from iamtui.tui.screens.on_demand import Loaded
    from iamtui.workspace.workspace import Workspace


class MainScreen(LeavingScreen):
    """Asks about, assumes and copies what the cursor is on."""

    BINDINGS: ClassVar[list[BindingType]] = MAIN_BINDINGS

    def __init__(
        self, copier: Copier, assume_config: AssumeConfig = DEFAULT_ASSUME_CONFIG, production: str = ""
    ) -> None:
        super().__init__(copier, assume_config, production)
        self._pinning = Pinning(self)
        self._asking: tuple[Principal, str] | None = None
        self._meant_resource = ""
        self._tried: set[str] = set()
        self._stand_in: tuple[str, Principal, str] | None = None
        """A session or credential that asks in place of the role or user (by ARN) while the cursor is on that."""
        self.kept_denials: KeptDenials | None = None
        """The log whose denials are being explained one after the other."""

    def on_mount(self) -> None:
        """Verdicts in the lists belong to the answer."""
        self.question.alongside = self._pinning.ahead

    def workspace_changed(self, workspace: Workspace) -> None:
        """Ask about this account from now on; until the user goes to a principal, for the caller."""
        from iamtui.workspace.principals import caller_principal  # noqa: PLC0415 - brings the catalogue: not before a frame

        self._pinning.forget()
        self.question.set_workspace(workspace)
        self.query_one(SessionsPanel).can_assume(possible=workspace.can_call_aws)
        if self.question.principal is None:
            self._asking = None
        caller = caller_principal(workspace)
        if caller is not None and self.question.principal is None:
            self._ask_for(caller, caller.arn.split(":", 5)[-1])
        self._tried.clear()
        self._load_policy()
        tell_screens(self, workspace)

    def place_changed(self, node: Node) -> None:
        """Ask for the principal where the user is; elsewhere the last one stays."""
        from iamtui.workspace.principals import principal_for  # noqa: PLC0415 - as above

        if self._stand_in is not None and (isinstance(node, Branch) or node.arn != self._stand_in[0]):
            self._stand_in = None
        if self._stand_in is not None:
            self._ask_for(*self._stand_in[1:])
        elif isinstance(node, (User, Role)) and self._workspace is not None:
            self._ask_for(principal_for(self._workspace, node), _label(node))
        elif not isinstance(node, Branch):
            self.question.set_principal(None, _label(node))
        elif self._asking is not None:
            self._ask_for(*self._asking)

    def _ask_for(self, principal: Principal, label: str) -> None:
        self._asking = (principal, label)
        self.question.set_principal(principal, label)

    @on(QuestionPanel.Answered)
    def _answered(self, event: QuestionPanel.Answered) -> None:
        event.stop()
        self.query_one(MessageLine).answered()
        if self._workspace is not None:
            # The whole of it, as in who can: of a matrix the worst decides, whichever cell is looked at.
            self._pinning.pin(self._workspace, event.answer.inquiry, self.before_workspace)
        self.keys_changed()

    @on(QuestionPanel.Unanswered)
    def _unanswered(self, event: QuestionPanel.Unanswered) -> None:
        event.stop()
        self._pinning.unpin()
        self.keys_changed()

    @on(Pinning.Found)
    def _verdicts_found(self, event: Pinning.Found) -> None:
        event.stop()
        self._pinning.found(event)

    # What is loaded on demand.

    @dataclass(eq=False, repr=False)
    class _Loaded(Message):
        loaded: Loaded

    @on(QuestionPanel.Meant)
    def _meant(self, event: QuestionPanel.Meant) -> None:
        """Answer with the policy of the resource, as `iamtui can` does."""
        event.stop()
        self._meant_resource = event.question.resource if event.question is not None else ""
        self._tried.clear()
        self._load_policy()

    def _load_policy(self) -> None:
        """Load the policy of the resource that was meant, unless that is loaded or was tried in vain."""
        from iamtui.workspace.resource_policies import unloaded_carriers  # noqa: PLC0415 - brings boto3: not before a frame

        question, workspace = self.question.question, self.source_workspace
        if question is None or workspace is None or not workspace.can_call_aws:
            return
        if question.resource != self._meant_resource:
            return
        inquiry = self.question.inquiry
        resources = inquiry.resources if inquiry is not None else (question.resource,)
        carriers = [arn for arn in unloaded_carriers(workspace.account, resources) if arn not in self._tried]
        if carriers:
            self._tried.update(carriers)
            self._load(workspace, carriers, None)

    def action_load(self) -> None:
        """Load the details of the user under the cursor; elsewhere the policy of the resource asked about."""
        node, workspace = self.subject.node, self.source_workspace
        if workspace is not None and isinstance(node, User) and lacks_details(workspace, node):
            self._load(workspace, [], node)
            return
        question = self.question.question
        self._meant_resource = question.resource if question is not None else ""
        self._tried.clear()
        self._load_policy()
        if not self._tried:
            self.say(plain("There is nothing more to load here: of users keys and devices, of resources their policy."))

    def _load(self, workspace: Workspace, carriers: Sequence[str], user: User | None) -> None:
        self.say(line("Asking for ", (user.name if user is not None else carriers[0], "bold"), " …"), stays=True)
        self._load_in_thread(workspace, carriers, user)

    @work(thread=True, exclusive=True, exit_on_error=False, group="load", name="loading on demand")
    def _load_in_thread(self, workspace: Workspace, carriers: Sequence[str], user: User | None) -> None:
        self.post_message(self._Loaded(load(workspace, carriers, user)))

    @on(_Loaded)
    def _show_loaded(self, event: _Loaded) -> None:
        event.stop()
        loaded = event.loaded
        if loaded.before is not self.source_workspace:
            return
        if loaded.what:
            self.set_workspace(loaded.workspace, loaded.inventory, loaded.index)
            self.say(line("Loaded ", (", ".join(loaded.what), "bold"), "."))
        for problem in loaded.problems:
            self.say(str(problem), Severity.WARNING)

    @on(QuestionPanel.JumpToStatement)
    def _jump_to_statement(self, event: QuestionPanel.JumpToStatement) -> None:
        event.stop()
        if not show_statement(self, event):
            self.question.action_why()

    @on(SessionsPanel.Changed)
    def _session_changed(self, event: SessionsPanel.Changed) -> None:
        event.stop()
        production = event.active is not None and self.is_production(event.active)
        self.query_one(StatusLine).set_session(event.active, production=production)
        self.keys_changed()

    def idle_actions(self) -> frozenset[str]:
        """The actions whose keys would only say that there is nothing to do."""
        idle: set[str] = set()
        if not isinstance(self.subject.node, Role) or (self._workspace and not self._workspace.can_call_aws):
            idle.add("assume")
        if isinstance(self.subject.node, Branch):
            idle.add("edit")
        if self._workspace is None or not lacks_details(self._workspace, self.subject.node):
            idle.add("load")
        if self.query_one(SessionsPanel).active is None:
            idle |= {"console", "copy_exports", "export", "pick", "sessions", "sub_shell", *ON_A_SESSION}
        if self.question.answer is None:
            idle.add("why")
        if self.question.inquiry is None:
            idle.add("who_can")
        if self.question.answer is None or not has_simulator(self._workspace):
            idle.add("second_opinion")
        if self.drafted is None:
            idle.add("draft_impact")
        if self.question.answer is None or not is_denied(self.question.answer):
            idle.add("draft_suggestion")
        return frozenset(idle)

    def action_edit(self) -> None:
        """Show the JSON that the cursor is on in the user's editor."""
        shown = self.subject.json_text()
        if shown is None:
            self.say(plain("Put the cursor on a user, group, role or policy to read its JSON in an editor."))
            return
        said, severity = show_in_editor(self.app, *shown)
        self.say(said, severity)

    def action_assume(self) -> None:
        """Ask how to assume the role under the cursor; elsewhere, which role."""
        node = self.subject.node
        self.open_assume(node.arn if isinstance(node, Role) else None)

    def action_assume_any(self) -> None:
        """Ask which role to assume, by its ARN: also one of another account."""
        self.open_assume(None)

    def action_console(self) -> None:
        """Sign in to the AWS console with the active session."""
        active = self.query_one(SessionsPanel).active
        show_console(self, self.source_workspace, active, self._copier, is_production=self.is_production)

    def action_revoke(self) -> None:
        """Show how the older sessions of the role under the cursor, or of the active session's, are cut off."""
        panel, node = self.query_one(SessionsPanel), self.subject.node
        subject = node if isinstance(node, Role) and not panel.has_focus else panel.active
        show_revoke(self, self.source_workspace, subject, panel.sessions, self._copier)

    def action_copy_arn(self) -> None:
        """Copy the ARN of what is under the cursor."""
        node = self.subject.node
        if node is None or isinstance(node, Branch):
            self.say(plain("Put the cursor on something with an ARN to copy it."))
        else:
            self._copy(node.arn, "ARN")

    @on(QuestionPanel.Copy)
    def _copy_from_question(self, event: QuestionPanel.Copy) -> None:
        event.stop()
        self._copy(event.text, event.what, event.also)

    @work(thread=True, exclusive=True, exit_on_error=False, group="copy", name="copying a text")
    def _copy(self, text: str, what: str, also: str = "") -> None:
        try:
            said, severity = f"{self._copier.copy_text(text, what)} {also}".rstrip(), Severity.INFORMATION
        except Problem as problem:
            said, severity = str(problem), Severity.ERROR
        self.post_message(Notice(plain(said), severity))

    async def action_ask(self) -> None:
        """Go to the question; where no account could be opened before the user signs in again, try that again."""
        if self.tries_again:
            await self.app.run_action("app.reload")
            return
        self.hide_sessions()
        self.question.action_ask()

    async def action_in_question(self, action: str) -> None:
        """Do what the question's key does, from anywhere."""
        await self.app.run_action(action, self.question)

    def action_why(self) -> None:
        """Show the trace."""
        self.question.action_why()

    def action_who_can(self) -> None:
        """Put the question to everybody."""
        open_who_can(self, self.before_workspace)
        question = self.question.question
        self._meant_resource = question.resource if question is not None else ""
        self._load_policy()

    def action_second_opinion(self) -> None:
        """Ask AWS's own simulator."""
        if self.before_workspace is not None:
            self.say(plain("AWS answers for the account as it is: close the draft first (d, then X)."))
        else:
            open_second_opinion(self)

    def action_paste_denial(self) -> None:
        """Let the user paste a denial to have it explained."""
        from iamtui.tui.screens.denials.arrival import open_denials  # noqa: PLC0415 - brings the engine: not before a frame

        workspace = self.source_workspace
        if workspace is None:
            self.say(plain("Open an account first: P chooses one. The denial is held against it."))
        else:
            open_denials(self, workspace)

    def ask_about(self, principal: Principal, label: str, question: Question) -> None:
        """Ask for a caller that need not be in the tree; moving in the tree asks for others again."""
        node = self.subject.node
        if isinstance(node, (User, Role)):
            self._stand_in = (node.arn, principal, label)
        self._ask_for(principal, label)
        self.question.ask_inquiry(Inquiry((question.action,), (question.resource,), question))
        self._meant_resource = question.resource
        self._load_policy()


def _label(node: Entity) -> str:
    """What the question panel calls an entity: `role/NAME`."""
    word = "policy" if kind_word(node).endswith("policy") else kind_word(node)
    return f"{word}/{node.name}"
