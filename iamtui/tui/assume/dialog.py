"""AssumeDialog: from a role to a session."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.worker import Worker, WorkerState, get_current_worker

from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.assume.form import AssumeForm
from iamtui.tui.assume.plan import Planned
from iamtui.tui.assume.prepared_dialog import AssumeResult, PreparedDialog
from iamtui.workspace import assume as assuming
from iamtui.workspace.assume import AssumeRoleInput, InputName, MfaCodeNeeded, acting_as
from iamtui.workspace.credential_commands import login_command
from iamtui.workspace.opening import reconnected
from iamtui.workspace.remembered_assume_input import remember_input

_ASSUME: Final = "assume"

_NOTHING_SENT: Final = "Nothing was sent to STS."


class AssumeDialog(PreparedDialog):
    """Returns the new session and how it was asked for, or None when cancelled. Enter in any field assumes."""

    HELP_TITLE: ClassVar[str] = "Assume a role"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,f5", "assume", "Assume", id="assume.assume", tooltip="Assume the role, or try again"),
        Binding("escape", "cancel", "Cancel", id="assume.cancel", tooltip="Stop waiting for STS, or close"),
    ]

    _signs_in_anew = False
    """Whether the user was told to sign in, so that the credentials have to be looked for again."""

    _warned_of: AssumeRoleInput | None = None
    _ticket = 0
    _busy_seconds = 0
    _typed_into: Widget | None = None

    @dataclass(eq=False, repr=False)
    class _Assumed(Message):
        ticket: int
        session: Session | None
        entered: AssumeRoleInput
        problem: Problem | None = None

    @on(AssumeForm.Submitted)
    def _submitted(self, event: AssumeForm.Submitted) -> None:
        event.stop()
        self.action_assume()

    def action_assume(self) -> None:
        """Check what was entered and call STS; pressed before our own answer is there, it waits for it."""
        planned = self.planned
        if self.is_busy:
            return
        if planned is None or not self.is_planned:
            super().action_assume()
            return
        if planned.plan.refusal:
            self.failure.say(_NOTHING_SENT)
            return
        if not self.form.is_right() or self._lacks_something(planned):
            return
        entered = self.form.inputs.take(planned)
        self.failure.say()
        self._ticket += 1
        self._busy_seconds = 0
        self._be_busy()
        self._show_progress()
        work = partial(self._assuming, self._ticket, self.caller, entered)
        self.run_worker(work, thread=True, exclusive=True, group=_ASSUME, exit_on_error=False)

    def _be_busy(self) -> None:
        """Nothing that is typed while STS is asked could go with the call: the fields take nothing."""
        self._typed_into = self.focused
        self.add_class("-busy")
        self.form.disabled = True

    def _be_ready(self) -> None:
        """Let the user type again where they did."""
        if self.is_busy:
            self.remove_class("-busy")
            self.form.disabled = False
            if self._typed_into is not None:
                self.set_focus(self._typed_into)

    def _lacks_something(self, planned: Planned) -> bool:
        """Say what the answer still depends on, once for what stands in the fields; Enter again sends it so."""
        typed = planned.typed
        lacks = [
            (name, words)
            for name, words, is_wanted in (
                (InputName.EXTERNAL_ID, "the external ID", planned.wants_external_id and not typed.external_id),
                (
                    InputName.MFA_CODE,
                    "an MFA code",
                    planned.wants_mfa and not planned.chained and typed.mfa_code is None,
                ),
            )
            if is_wanted
        ]
        if not lacks or self._warned_of == typed:
            return False
        self._warned_of = typed
        words = " and ".join(words for _, words in lacks)
        self.form.go_to(lacks[0][0])
        self.failure.say(f"The answer depends on {words}. Enter again asks STS without.", style="$verdict-depends")
        return True

    def _assuming(self, ticket: int, caller: Session | None, entered: AssumeRoleInput) -> None:
        """In the thread. An answer that comes after a cancel is dropped, its credentials with it."""
        worker = get_current_worker()
        try:
            if self._signs_in_anew:
                self.workspace = reconnected(self.workspace)
            with acting_as(self.workspace, caller, clock.now()) as own:
                session = assuming.assume(own, entered, mfa_sessions=self._options.mfa_sessions)
        except Problem as problem:
            self.post_message(self._Assumed(ticket, None, entered, problem))
            return
        if not worker.is_cancelled:
            # That it could not be remembered takes nothing away from the session.
            with suppress(Problem):
                remember_input(own, entered)
            self.post_message(self._Assumed(ticket, session, entered))

    @on(_Assumed)
    def _assumed(self, event: _Assumed) -> None:
        event.stop()
        if event.ticket != self._ticket or not self.is_busy:
            return
        self._be_ready()
        if event.session is not None:
            self._signs_in_anew = False
            caller = self.caller
            entered = replace(event.entered, mfa_code=None)
            self.dismiss(AssumeResult(event.session, entered, caller.key if caller is not None else ""))
            return
        assert event.problem is not None
        self.failure.show_problem(event.problem)
        self._signs_in_anew = self._signs_in_anew or bool(login_command(event.problem))
        if event.entered.mfa_code is not None or isinstance(event.problem, MfaCodeNeeded):
            self.form.go_to(InputName.MFA_CODE)
        # The code may be used up, or serve further calls now.
        self.planned = None
        self.prepare()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """What fails in an unforeseen way is reported without its data."""
        event.stop()
        if event.state is WorkerState.ERROR:
            self._be_ready()
            self.failure.say(f"The role was not assumed: {type(event.worker.error).__name__}, an error in iamtui.")

    def _show_progress(self) -> None:
        if self.is_busy:
            self.failure.progress(f"Asking STS … {self._busy_seconds} s   Esc cancel")
            self._busy_seconds += 1
            self.set_timer(1, self._show_progress)

    def drop_secrets(self) -> None:
        """Drop what was typed; an answer that still comes is dropped too."""
        self._ticket += 1
        self._be_ready()
        self.form.inputs.code_field.value = ""
        self.drop_typed_ahead()

    def action_cancel(self) -> None:
        """Stop waiting for STS, or close the dialog."""
        if self.is_busy:
            self._ticket += 1
            self.workers.cancel_group(self, _ASSUME)
            self._be_ready()
            self.failure.say("Cancelled. If STS still answers, its credentials are dropped.", style="$muted")
        else:
            self.drop_secrets()
            self.dismiss(None)
