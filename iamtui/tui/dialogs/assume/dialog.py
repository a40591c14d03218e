"""AssumeDialog: from a role to a session, with our own answer to the trust question shown before the call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static
from textual.worker import Worker, WorkerState, get_current_worker

from iamtui.credentials.session import Session
from iamtui.evaluation.decision import Outcome
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.tui.dialogs.assume.result import AssumeResult
from iamtui.tui.dialogs.duration import duration_text, parse_duration
from iamtui.tui.safe import line, lines, plain, safe_text
from iamtui.tui.widgets.question.verdict import because, verdict
from iamtui.tui.widgets.safe_input import SafeInput
from iamtui.workspace import assuming, chaining
from iamtui.workspace.assuming import AssumeExtras, AssumeInput, AssumePlan
from iamtui.workspace.workspace import Workspace

DEFAULT_SECONDS: Final = 3600
SHORTEST_SECONDS: Final = 900
"""AssumeRole's default and least DurationSeconds (STS API reference)."""

CODE_LENGTH: Final = 6
"""Digits of an MFA code (STS API reference: TokenCode)."""

_PLAN, _ASSUME = "plan", "assume"


class SecretInput(SafeInput):
    """A field for a secret: shown as dots, and neither copy nor cut gives it out."""

    def __init__(self, *, id: str, max_length: int) -> None:  # noqa: A002 - Textual's name
        super().__init__(password=True, id=id, compact=True, max_length=max_length)

    def action_copy(self) -> None:
        """Copy nothing."""

    def action_cut(self) -> None:
        """Cut nothing."""

    def take(self) -> Secret | None:
        """Give out the text once and clear the field; None when it is empty."""
        text, self.value = self.value.strip(), ""
        return Secret(text) if text else None


class AssumeDialog(ModalScreen[AssumeResult | None]):
    """Returns the new session and how it was asked for, or None when cancelled. Enter in any field assumes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="assume.cancel"),
        Binding("enter", "assume", "Assume", id="assume.assume", show=False),
    ]

    DEFAULT_CSS = """
    AssumeDialog {
        align: center middle;
        background: $background 60%;

        & > #assume-box {
            width: 76;
            max-width: 96%;
            height: auto;
            max-height: 96%;
            padding: 0 1;
            border: round $rule-focused;
            border-title-color: $heading;
            border-subtitle-color: $muted;
            background: $surface;
        }
        & Static {
            height: auto;
        }
        & #assume-verdict {
            margin: 0 0 1 0;
        }
        & .field {
            height: 1;
        }
        & .field.-hidden {
            display: none;
        }
        & .field Label {
            width: 14;
            color: $muted;
        }
        & .field Input {
            width: 28;
            background: $foreground 8%;
        }
        & .field Input:focus {
            background: $foreground 16%;
        }
        & .field .hint {
            width: 1fr;
            height: 1;
            padding-left: 1;
            color: $muted;
            text-wrap: nowrap;
            text-overflow: ellipsis;
        }
        & #assume-note {
            margin-top: 1;
            color: $muted;
        }
        & #assume-note.-empty {
            display: none;
        }
        & #assume-errors {
            margin-top: 1;
            color: $verdict-denied;
        }
        & #assume-errors.-empty {
            display: none;
        }
        &.-busy .field {
            text-opacity: 50%;
        }
    }
    """

    @dataclass
    class _Planned(Message):
        plan: AssumePlan | None
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
    ) -> None:
        """Make the dialog.

        Args:
            workspace: the account, with its own caller.
            role_arn: the role; None lets the user enter an ARN.
            caller: the session that is to assume the role (role chaining); None is the account's own caller.
            callers: the live sessions that the user can choose instead.
            prefilled: what the fields begin with; its role is not looked at.
        """
        super().__init__()
        self._workspace = workspace
        self._role_arn = role_arn or ""
        self._asks_for_role = role_arn is None
        self._caller = caller
        self._callers = tuple(callers)
        self._prefilled = prefilled
        self._plan: AssumePlan | None = None
        self._wanted = False
        self._ticket = 0
        self._busy_seconds = 0

    def compose(self) -> ComposeResult:
        """Role, our answer, fields, errors, keys."""
        with Vertical(id="assume-box") as box:
            box.border_title = line(("Assume ", ""), (self._role_arn.rsplit("/", 1)[-1] or "a role", "bold"))
            box.border_subtitle = line("Enter assume  Tab next field  Esc cancel")
            if self._asks_for_role:
                with Horizontal(classes="field"):
                    yield Label("Role ARN")
                    yield SafeInput(id="assume-arn", compact=True, max_length=2048)
            else:
                yield Static(plain(self._role_arn, "$muted"), id="assume-role")
            checking = "Checking the trust policy and your permissions …" if self._role_arn else "Which role?"
            yield Static(plain(checking, "$muted"), id="assume-verdict")
            with Horizontal(classes="field"):
                yield Label("Session name")
                yield SafeInput(id="assume-name", compact=True, max_length=64)
                yield Static(id="assume-name-hint", classes="hint")
            with Horizontal(classes="field"):
                yield Label("Duration")
                yield SafeInput(id="assume-duration", compact=True, max_length=12)
                yield Static(id="assume-duration-hint", classes="hint")
            with Horizontal(classes="field -hidden", id="assume-external-row"):
                yield Label("External ID")
                yield SafeInput(id="assume-external", compact=True, max_length=1224)
                yield Static(plain("the trust policy asks for it"), classes="hint")
            with Horizontal(classes="field -hidden", id="assume-device-row"):
                yield Label("MFA device")
                yield SafeInput(id="assume-device", compact=True, max_length=256, placeholder="serial number or ARN")
                yield Static(plain("yours, whose code you enter"), classes="hint")
            with Horizontal(classes="field -hidden", id="assume-code-row"):
                yield Label("MFA code")
                yield SecretInput(id="assume-code", max_length=CODE_LENGTH)
                yield Static(id="assume-code-hint", classes="hint")
            yield Static(id="assume-note", classes="-empty")
            yield Static(id="assume-errors", classes="-empty")

    def on_mount(self) -> None:
        """Ask our own engine."""
        if self._prefilled is not None:
            self._input("assume-name").value = self._prefilled.session_name
            self._input("assume-external").value = self._prefilled.external_id
            self._input("assume-device").value = self._prefilled.mfa_serial
        if self._asks_for_role:
            self._input("assume-arn").focus()
            return
        self._input("assume-name").focus()
        self._prepare()

    # Before the call

    def _prepare(self) -> None:
        """Plan in a thread with what has been entered so far."""
        external_id = self._input("assume-external").value.strip()
        with_mfa = len(self._input("assume-code").value) == CODE_LENGTH
        work = partial(self._planning, external_id, with_mfa)
        self.run_worker(work, thread=True, exclusive=True, group=_PLAN, exit_on_error=False)

    def _planning(self, external_id: str, with_mfa: bool) -> None:
        worker = get_current_worker()
        try:
            plan = assuming.plan_assume(self._as_caller(), self._role_arn, external_id=external_id, with_mfa=with_mfa)
        except Problem as problem:
            self.post_message(self._Planned(None, problem))
            return
        if not worker.is_cancelled:
            self.post_message(self._Planned(plan))

    def _as_caller(self) -> Workspace:
        """The workspace of whoever is to assume the role.

        Raises:
            Problem: the session that was chosen has ended.
        """
        return self._workspace if self._caller is None else chaining.as_session(self._workspace, self._caller)

    @on(Input.Changed, "#assume-arn")
    def _role_typed(self, event: Input.Changed) -> None:
        self._role_arn = event.value.strip()
        self._plan = None
        if ":role/" in self._role_arn:
            self._prepare()

    @on(_Planned)
    def _planned(self, event: _Planned) -> None:
        if event.plan is None:
            self._say(str(event.problem))
            self.query_one("#assume-verdict", Static).update(plain("This role cannot be assumed from here.", "$muted"))
            return
        first = self._plan is None
        self._plan = event.plan
        self.query_one("#assume-verdict", Static).update(plan_content(event.plan))
        if first:
            self._fill(event.plan)
        if self._wanted:
            self._wanted = False
            self.action_assume()

    def _fill(self, plan: AssumePlan) -> None:
        """Prefill the fields, show those that this role needs, and go to the first that is empty."""
        name = self._input("assume-name")
        if not name.value:
            name.value = safe_text(plan.default_session_name, limit=64)
        wanted = self._prefilled.duration_seconds if self._prefilled is not None else DEFAULT_SECONDS
        self._input("assume-duration").value = duration_text(min(wanted, plan.longest_seconds))
        bounds = f"{duration_text(SHORTEST_SECONDS)} to {duration_text(plan.longest_seconds)}"
        self.query_one("#assume-duration-hint", Static).update(plain(bounds))
        note = self.query_one("#assume-note", Static)
        note.update(plain(plan.duration_note))
        note.set_class(not plan.duration_note, "-empty")
        self.query_one("#assume-external-row").set_class(not plan.needs_external_id, "-hidden")
        self.query_one("#assume-code-row").set_class(not plan.needs_mfa, "-hidden")
        self.query_one("#assume-device-row").set_class(not plan.needs_mfa or bool(plan.mfa_serial), "-hidden")
        if plan.mfa_serial:
            self.query_one("#assume-code-hint", Static).update(line("six digits, ", plan.mfa_serial.rsplit(":", 1)[-1]))
        self.query_one("#assume-name-hint", Static).update(plain("seen in CloudTrail"))
        for field in ("assume-external", "assume-device", "assume-code"):
            if not self._hidden(field):
                self._input(field).focus()
                break

    def _input(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)

    def _hidden(self, name: str) -> bool:
        row = self._input(name).parent
        return isinstance(row, Horizontal) and row.has_class("-hidden")

    @on(Input.Changed, "#assume-external")
    @on(Input.Changed, "#assume-code")
    def _typed(self) -> None:
        self._say("")
        if self._plan is not None and not self._busy:
            self._prepare()

    # The call

    @property
    def _busy(self) -> bool:
        return self.has_class("-busy")

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_assume()

    def action_assume(self) -> None:
        """Check what was entered and call STS; pressed before our own answer is there, it waits for it."""
        if self._busy:
            return
        if self._plan is None:
            self._wanted = True
            return
        entered, errors = self._read(self._plan)
        if entered is None:
            self._say(*errors)
            return
        self._say("")
        self._ticket += 1
        self._busy_seconds = 0
        self.add_class("-busy")
        self._show_progress()
        work = partial(self._assuming, self._ticket, entered)
        self.run_worker(work, thread=True, exclusive=True, group=_ASSUME, exit_on_error=False)

    def _read(self, plan: AssumePlan) -> tuple[AssumeInput | None, tuple[str, ...]]:
        """What was entered, or why it cannot be sent. The MFA code leaves its field in any case."""
        code = self.query_one(SecretInput).take()
        if plan.refusal:
            return None, ("Nothing was sent to STS.",)
        duration = parse_duration(self._input("assume-duration").value)
        if duration is None:
            return None, ('The duration is not a time: write it as "1h", "90m" or a number of seconds.',)
        entered = AssumeInput(
            role_arn=self._role_arn,
            session_name=self._input("assume-name").value.strip(),
            duration_seconds=duration,
            external_id=self._input("assume-external").value.strip(),
            mfa_serial=(plan.mfa_serial or self._input("assume-device").value.strip()) if code is not None else "",
            mfa_code=code,
            extras=self._prefilled.extras if self._prefilled is not None else AssumeExtras(),
        )
        errors = assuming.check_input(plan, entered)
        return (None, errors) if errors else (entered, ())

    def _assuming(self, ticket: int, entered: AssumeInput) -> None:
        """In the thread. An answer that comes after a cancel is dropped, its credentials with it."""
        worker = get_current_worker()
        try:
            session = assuming.assume(self._as_caller(), entered)
        except Problem as problem:
            self.post_message(self._Assumed(ticket, None, entered, problem))
            return
        if not worker.is_cancelled:
            self.post_message(self._Assumed(ticket, session, entered))

    @on(_Assumed)
    def _assumed(self, event: _Assumed) -> None:
        if event.ticket != self._ticket or not self._busy:
            return
        self.remove_class("-busy")
        if event.session is not None:
            caller_key = self._caller.key if self._caller is not None else ""
            self.dismiss(AssumeResult(event.session, replace(event.entered, mfa_code=None), caller_key))
        else:
            self._say(str(event.problem))
            if not self._hidden("assume-code"):
                self._input("assume-code").focus()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """What fails in an unforeseen way is reported without its data."""
        event.stop()
        if event.state is WorkerState.ERROR:
            self.remove_class("-busy")
            self._say(f"The role was not assumed: {type(event.worker.error).__name__}, an error in iamtui.")

    def _show_progress(self) -> None:
        if self._busy:
            words = f"Asking STS … {self._busy_seconds} s   Esc cancel"
            self.query_one("#assume-errors", Static).update(plain(words, "$muted"))
            self.query_one("#assume-errors").remove_class("-empty")
            self._busy_seconds += 1
            self.set_timer(1, self._show_progress)

    def action_cancel(self) -> None:
        """Stop waiting for STS, or close the dialog."""
        if self._busy:
            self._ticket += 1
            self.workers.cancel_group(self, _ASSUME)
            self.remove_class("-busy")
            self._say("Cancelled. If STS still answers, its credentials are dropped.")
        else:
            self.query_one(SecretInput).value = ""
            self.dismiss(None)

    def _say(self, *sentences: str) -> None:
        """Show errors inside the dialog; "" clears them."""
        rows = [line(("! ", "bold"), sentence) for sentence in sentences if sentence]
        self.query_one("#assume-errors", Static).update(lines(*rows))
        self.query_one("#assume-errors").set_class(not rows, "-empty")


def plan_content(plan: AssumePlan) -> Content:
    """Our own engine's answer for the dialog: verdict, statement, and what it means for the call."""
    rows: list[Content] = []
    if plan.decision is None and not plan.refusal:
        unknown = "  the role or you are not in this account's data; STS will decide"
        rows.append(line(("[?] UNKNOWN", "bold $verdict-depends"), (unknown, "$muted")))
    elif plan.decision is not None:
        rows += [line(verdict(plan.decision).content, ("  sts:AssumeRole", "$muted")), because(plan.decision)]
    if plan.refusal:
        rows.append(line(("! ", "bold $verdict-denied"), plan.refusal))
    elif plan.decision is not None and plan.decision.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY):
        rows.append(plain("STS will most likely refuse; Enter tries all the same.", "$muted"))
    return lines(*(row for row in rows if row))
