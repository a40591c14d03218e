"""AssumeDialog: from a role to a session, with our own answer to both sides shown before the call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.worker import Worker, WorkerState, get_current_worker

from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.tui.dialogs.assume.caller_choice import CallerChoice
from iamtui.tui.dialogs.assume.failure import FailureView
from iamtui.tui.dialogs.assume.form import AssumeForm
from iamtui.tui.dialogs.assume.planning import DEFAULT_SECONDS, Planned, Typed, make_plan, workspace_of
from iamtui.tui.dialogs.assume.result import AssumeResult
from iamtui.tui.safe import line, plain
from iamtui.workspace import assuming
from iamtui.workspace.assume_fields import InputName
from iamtui.workspace.assuming import AssumeInput, MfaCodeNeeded, MfaSessions
from iamtui.workspace.workspace import Workspace

_PLAN, _ASSUME = "plan", "assume"

_NOTHING_SENT: Final = "Nothing was sent to STS."


class AssumeDialog(ModalScreen[AssumeResult | None]):
    """Returns the new session and how it was asked for, or None when cancelled. Enter in any field assumes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="assume.cancel", tooltip="Stop waiting for STS, or close"),
        Binding("enter,f5", "assume", "Assume", id="assume.assume", tooltip="Assume the role, or try again"),
        Binding("f2", "more", "More", id="assume.more", tooltip="Show the inputs that few calls need, or hide them"),
        Binding("f3", "caller", "Caller", id="assume.caller", tooltip="Let another session assume the role, or you"),
        Binding("pagedown", "scroll(1)", "Down", show=False, id="assume.down", tooltip="Scroll the error, or the form"),
        Binding("pageup", "scroll(-1)", "Up", show=False, id="assume.up", tooltip="Scroll the error, or the form"),
    ]

    DEFAULT_CSS = """
    AssumeDialog {
        align: center middle;
        background: $background 60%;

        & > #assume-box {
            width: 90;
            max-width: 96%;
            height: auto;
            max-height: 96%;
            padding: 0 1;
            border: round $rule-focused;
            border-title-color: $heading;
            border-subtitle-color: $muted;
            background: $surface;
        }
        &.-busy FormRow {
            text-opacity: 50%;
        }
    }
    """

    @dataclass
    class _Planned(Message):
        typed: Typed
        planned: Planned | None
        problem: Problem | None = None

    @dataclass
    class _Assumed(Message):
        ticket: int
        session: Session | None
        entered: AssumeInput
        problem: Problem | None = None

    def __init__(
        self,
        workspace: Workspace,
        role_arn: str | None,
        *,
        caller: Session | None = None,
        callers: Sequence[Session] = (),
        prefilled: AssumeInput | None = None,
        mfa_sessions: MfaSessions | None = None,
        seconds: int = DEFAULT_SECONDS,
    ) -> None:
        """Make the dialog.

        Args:
            workspace: the account, with its own caller.
            role_arn: the role; None lets the user enter an ARN.
            caller: the session that is to assume the role (role chaining); None is the account's own caller.
            callers: the live sessions that the user can choose instead.
            prefilled: what the fields begin with; its role is not looked at.
            mfa_sessions: those of the running program, so that one MFA code serves several roles.
            seconds: how long sessions are asked for when nothing else is said.
        """
        super().__init__()
        self._workspace = workspace
        self._role_arn = role_arn
        self._prefilled = prefilled
        self._mfa_sessions = mfa_sessions
        recent = [held.role_arn for held in reversed(callers)]
        self._form = AssumeForm(workspace, role_arn, caller, callers, seconds=seconds, recent_roles=recent)
        self._failure = FailureView(id="assume-failure")
        self._planned: Planned | None = None
        self._wanted = False
        self._warned_of: Typed | None = None
        self._ticket = 0
        self._busy_seconds = 0

    def compose(self) -> ComposeResult:
        """The form, and below it what went wrong."""
        with Vertical(id="assume-box") as box:
            name = self._role_arn.rsplit("/", 1)[-1] if self._role_arn is not None else "any role"
            box.border_title = line(("Assume ", ""), (name, "bold"))
            box.border_subtitle = line("Enter assume  Tab next  F2 more  Esc cancel")
            yield self._form
            yield self._failure

    def on_mount(self) -> None:
        """Ask our own engine."""
        if self._prefilled is not None:
            self._form.fill(self._prefilled)
        self._form.go_to(InputName.ROLE if self._role_arn is None else InputName.SESSION_NAME)
        self._prepare()

    # Before the call

    @property
    def _caller(self) -> Session | None:
        return self._form.caller_choice.caller

    def _prepare(self) -> None:
        """Plan in a thread with what has been entered so far."""
        typed = self._form.typed
        if ":role/" not in typed.role_arn:
            self._planned = None
            self._form.wait(plain("enter the role's ARN, or part of its name to find it", "$muted"))
            return
        if self._planned is None:
            self._form.wait(plain("checking the trust policy and your permissions …", "$muted"))
        work = partial(self._planning, self._caller, typed)
        self.run_worker(work, thread=True, exclusive=True, group=_PLAN, exit_on_error=False)

    def _planning(self, caller: Session | None, typed: Typed) -> None:
        worker = get_current_worker()
        try:
            answer = self._Planned(typed, make_plan(self._workspace, caller, typed, self._mfa_sessions))
        except Problem as problem:
            answer = self._Planned(typed, None, problem)
        if not worker.is_cancelled:
            self.post_message(answer)

    @on(_Planned)
    def _show_plan(self, event: _Planned) -> None:
        event.stop()
        if event.typed != self._form.typed:
            return
        self._planned = event.planned
        if event.planned is None:
            self._wanted = False
            self._form.wait(plain("this cannot be assumed from here", "$muted"))
            if event.problem is not None:
                self._failure.show_problem(event.problem)
            return
        self._form.show_plan(event.planned, _outlook(event.planned))
        if self._wanted:
            self._wanted = False
            self.action_assume()

    @property
    def _is_current(self) -> bool:
        """Whether our own answer is about what stands in the fields."""
        return self._planned is not None and self._planned.typed == self._form.typed

    @on(AssumeForm.Changed)
    def _changed(self, event: AssumeForm.Changed) -> None:
        event.stop()
        if self._busy:
            return
        self._failure.say()
        if not self._is_current:
            self._prepare()

    @on(CallerChoice.Chosen)
    def _caller_chosen(self, event: CallerChoice.Chosen) -> None:
        event.stop()
        self._failure.say()
        self._planned = None
        self._prepare()

    # The call

    @property
    def _busy(self) -> bool:
        return self.has_class("-busy")

    @on(AssumeForm.Submitted)
    def _submitted(self, event: AssumeForm.Submitted) -> None:
        event.stop()
        self.action_assume()

    def action_assume(self) -> None:
        """Check what was entered and call STS; pressed before our own answer is there, it waits for it."""
        if self._busy:
            return
        planned = self._planned
        if planned is None or not self._is_current:
            self._wanted = ":role/" in self._form.role_arn
            if not self._wanted:
                self._form.go_to(InputName.ROLE)
            else:
                self._prepare()
            return
        if planned.plan.refusal:
            self._failure.say(_NOTHING_SENT)
            return
        if not self._form.is_right() or self._lacks_something(planned):
            return
        entered = self._form.take()
        self._failure.say()
        self._ticket += 1
        self._busy_seconds = 0
        self.add_class("-busy")
        self._show_progress()
        work = partial(self._assuming, self._ticket, self._caller, entered)
        self.run_worker(work, thread=True, exclusive=True, group=_ASSUME, exit_on_error=False)

    def _lacks_something(self, planned: Planned) -> bool:
        """Say what the answer still depends on, once for what stands in the fields; Enter again sends it so."""
        typed = planned.typed
        lacks = [
            (name, words)
            for name, words, is_wanted in (
                (InputName.EXTERNAL_ID, "the external ID", planned.wants_external_id and not typed.external_id),
                (InputName.MFA_CODE, "an MFA code", planned.wants_mfa and not planned.chained and not typed.with_mfa),
            )
            if is_wanted and not self._form.is_begun(name)
        ]
        if not lacks or self._warned_of == typed:
            return False
        self._warned_of = typed
        words = " and ".join(words for _, words in lacks)
        self._form.go_to(lacks[0][0])
        self._failure.say(f"The answer depends on {words}. Enter again asks STS without.", style="$verdict-depends")
        return True

    def _assuming(self, ticket: int, caller: Session | None, entered: AssumeInput) -> None:
        """In the thread. An answer that comes after a cancel is dropped, its credentials with it."""
        worker = get_current_worker()
        try:
            own = workspace_of(self._workspace, caller)
            session = assuming.assume(own, entered, mfa_sessions=self._mfa_sessions)
        except Problem as problem:
            self.post_message(self._Assumed(ticket, None, entered, problem))
            return
        if not worker.is_cancelled:
            self.post_message(self._Assumed(ticket, session, entered))

    @on(_Assumed)
    def _assumed(self, event: _Assumed) -> None:
        event.stop()
        if event.ticket != self._ticket or not self._busy:
            return
        self.remove_class("-busy")
        if event.session is not None:
            caller = self._caller
            entered = replace(event.entered, mfa_code=None)
            self.dismiss(AssumeResult(event.session, entered, caller.key if caller is not None else ""))
            return
        assert event.problem is not None
        self._failure.show_problem(event.problem)
        if event.entered.mfa_code is not None or isinstance(event.problem, MfaCodeNeeded):
            self._form.go_to(InputName.MFA_CODE)
        # The code may be used up, or serve further calls now.
        self._planned = None
        self._prepare()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """What fails in an unforeseen way is reported without its data."""
        event.stop()
        if event.state is WorkerState.ERROR:
            self.remove_class("-busy")
            self._failure.say(f"The role was not assumed: {type(event.worker.error).__name__}, an error in iamtui.")

    def _show_progress(self) -> None:
        if self._busy:
            self._failure.progress(f"Asking STS … {self._busy_seconds} s   Esc cancel")
            self._busy_seconds += 1
            self.set_timer(1, self._show_progress)

    # Other keys

    def action_more(self) -> None:
        """Show the inputs that few calls need, or hide them."""
        self._form.toggle_more()

    def action_caller(self) -> None:
        """Let another session assume the role, or the account's own caller again."""
        if self._busy:
            return
        if self._form.caller_choice.can_focus:
            self._form.caller_choice.action_next(1)
        else:
            self._failure.say("There is no session yet that could assume it; assume a role first.", style="$muted")

    def action_scroll(self, pages: int) -> None:
        """Scroll the error when it is longer than its place, else the form."""
        target = self._failure if self._failure.max_scroll_y > 0 else self._form
        (target.scroll_page_down if pages > 0 else target.scroll_page_up)(animate=False)

    def drop_secrets(self) -> None:
        """Drop what was typed; an answer that still comes is dropped too."""
        self._ticket += 1
        self.remove_class("-busy")
        self._form.code_field.value = ""

    def action_cancel(self) -> None:
        """Stop waiting for STS, or close the dialog."""
        if self._busy:
            self._ticket += 1
            self.workers.cancel_group(self, _ASSUME)
            self.remove_class("-busy")
            self._failure.say("Cancelled. If STS still answers, its credentials are dropped.", style="$muted")
        else:
            self._form.code_field.value = ""
            self.dismiss(None)


def _outlook(planned: Planned) -> Content:
    """What our own answer means for the call; empty when it speaks for itself."""
    if planned.plan.refusal:
        return line(("! ", "bold $verdict-denied"), planned.plan.refusal)
    if planned.will_be_refused:
        return plain("STS will most likely refuse; Enter tries all the same.", "$muted")
    return Content("")
