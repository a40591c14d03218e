"""AssumeDialog: from a role to a session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from iamtui.account.model import Known
from iamtui.credentials.assume_role import DEFAULT_SECONDS, AssumeRoleInput, InputName
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import safe_text
from iamtui.tui import clock
from iamtui.tui.assume.form import AssumeForm
from iamtui.tui.assume.rows import CallerChoice, FailureView, PolicyField
from iamtui.tui.background import Work, get_in_thread, in_thread
from iamtui.tui.content import age_note, fit, line, lines, plain
from iamtui.tui.dialogs.dialogs import Dialog, DialogBox
from iamtui.tui.drafts.editor_screen import SessionPolicyScreen
from iamtui.workspace.assume import assume as assuming
from iamtui.workspace.assume.assume import acting_as, as_session
from iamtui.workspace.assume.assume_plan import Planned, make_plan
from iamtui.workspace.assume.mfa import MfaCodeNeeded, MfaDevices, find_mfa_devices
from iamtui.workspace.assume.remembered_assume_input import forget_input, remember_input, remembered_input
from iamtui.workspace.source.opening import reconnected
from iamtui.workspace.source.principals import is_production
from iamtui.workspace.source.workspace import Workspace

if TYPE_CHECKING:
    from iamtui.questions.question import Question
    from iamtui.workspace.assume.assume_plan import AssumePlan
    from iamtui.workspace.assume.mfa import MfaSessions


# AssumeOptions: what the running program knows beside account and role, for the assume dialog.


@dataclass(frozen=True, slots=True)
class AssumeOptions:
    """Initial values of the dialog. None of it is needed.

    Args:
        caller: the session that is to assume the role (role chaining); None is the account's own caller.
        callers: the live sessions that the user can choose instead.
        prefilled: what the fields begin with, in the place of what is remembered; its role is not looked at.
        remembers: whether what was entered before is filled in, and what is entered now is kept for the next time.
        mfa_sessions: those of the running program, so that one MFA code serves several roles.
        seconds: how long sessions are asked for when nothing else is said; None: AssumeRole's default.
        production: patterns of names that are marked as production (the setting `production`).
        questions: what the preview of a session policy answers first.
        list_roles: lists the roles that the dialog's caller may assume, and opens another dialog for the one chosen.
    """

    caller: Session | None = None
    callers: Sequence[Session] = ()
    prefilled: AssumeRoleInput | None = None
    remembers: bool = True
    mfa_sessions: MfaSessions | None = None
    seconds: int | None = None
    production: str = ""
    questions: Sequence[Question] = ()
    list_roles: Callable[[AssumeDialog], object] | None = None


NO_OPTIONS = AssumeOptions()


# AssumeResult: what the assume dialog gives back, enough to assume once more.


@dataclass(frozen=True, slots=True)
class AssumeResult:
    """A new session with how it came about.

    Args:
        session: the session.
        entered: what it was asked for with, without the MFA code: fit to be `prefilled` in another dialog.
        caller_key: `Session.key` of the session that assumed the role, or "" for the account's own caller.
    """

    session: Session
    entered: AssumeRoleInput
    caller_key: str = ""


_ASSUME: Final = "assume"
_PLAN: Final = "plan"
_DEVICES: Final = "devices"
_FORGET: Final = "forget"

_DEMO_REFUSES: Final = "AWS would refuse this, so the demo does."


class AssumeDialog(Dialog[AssumeResult | None]):
    """The assume form, filled in with remembered and found values, and our own answer to its input.

    Returns the new session and how it was asked for, or None when cancelled. Enter in any field assumes.
    """

    HELP_ABOUT: ClassVar[str] = (
        "Assuming a role asks AWS (STS) for temporary credentials of it: an access key ID, a secret key and a "
        "session token, which expire together. The role's trust policy must let you in; unless it names you "
        "yourself, in the same account, your own policies must allow sts:AssumeRole too. A session policy "
        "narrows what the session may do; an MFA code or an external ID is asked for where the trust policy "
        "demands one. Nothing is sent before you press Enter."
    )

    AUTO_FOCUS = ""
    """Which field comes first depends on the role: see `put_typed_ahead`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "more", "More", id="assume.more", tooltip="Show the inputs that few calls need, or hide them"),
        Binding("f3", "caller", "Caller", id="assume.caller", tooltip="Let another session assume the role, or you"),
        Binding("f4", "afresh", "Afresh", id="assume.afresh", tooltip="Forget what was entered for this role before"),
        Binding("f6", "device", "Device", id="assume.device", tooltip="Let another of your MFA devices give the code"),
        Binding("f7", "roles", "Roles", id="assume.roles", tooltip="List the roles that the caller may assume"),
        Binding("pagedown", "scroll(1)", "Down", show=False, id="assume.down", tooltip="Scroll the error, or the form"),
        Binding("pageup", "scroll(-1)", "Up", show=False, id="assume.up", tooltip="Scroll the error, or the form"),
        Binding("enter,f5", "assume", "Assume", id="assume.assume", tooltip="Assume the role, or try again"),
        Binding("escape", "cancel", "Cancel", id="assume.cancel", tooltip="Stop waiting for STS, or close"),
    ]

    DEFAULT_CSS = """
    AssumeDialog {
        & > DialogBox {
            width: 90;
        }
        &.-busy FormRow Input {
            text-opacity: 50%;
        }
    }
    """

    _typed_ahead: Secret | None = None
    """Keys typed before the first answer: users who know that a role requires a code type it at once, and in a field
    that shows its text it would be readable."""

    _signs_in_anew = False
    """True after advice to sign in, so that the credentials have to be looked for again."""

    _warned_of: AssumeRoleInput | None = None
    _busy_seconds = 0
    _typed_into: Widget | None = None

    def __init__(self, workspace: Workspace, role_arn: str | None, options: AssumeOptions = NO_OPTIONS) -> None:
        """Make the dialog.

        Args:
            workspace: the account, with its own caller.
            role_arn: the role; None lets the user enter an ARN.
            options: what the running program knows besides.
        """
        super().__init__()
        self.workspace = workspace
        """The account; with another connection once the user has signed in anew."""
        self._role_arn = role_arn
        self._options = options
        seconds = DEFAULT_SECONDS if options.seconds is None else options.seconds
        recent = [held.role_arn for held in reversed(options.callers)]
        self.form = AssumeForm(
            workspace, role_arn, options.caller, options.callers, seconds=seconds, recent_roles=recent
        )
        self.failure = FailureView(id="assume-failure")
        self.planned: Planned | None = None
        self._recalled_for = ""
        self._is_recalled = False
        self._asked_devices = False
        self._wanted = False

    def compose(self) -> ComposeResult:
        with DialogBox() as box:
            box.border_subtitle = self._keys()
            yield self.form
            yield self.failure

    def _keys(self) -> Content:
        caller = "  F3 caller" if self.form.caller_choice.can_focus else ""
        afresh = "  F4 afresh" if self._is_recalled else ""
        roles = "  F7 roles" if self._options.list_roles is not None else ""
        return line(f"Enter assume  Tab next  F2 more{caller}{afresh}{roles}  Esc cancel")

    def on_mount(self) -> None:
        if self._options.prefilled is not None:
            self.form.inputs.fill(self._options.prefilled)
        if self._role_arn is None:
            self.form.go_to(InputName.ROLE)
        self._mark()
        self._wait()
        # Drawn first: our own answer takes the same processor.
        self.call_after_refresh(self.prepare)

    def on_key(self, event: events.Key) -> None:
        """Keep what is typed before the first answer for the field that turns out to be meant."""
        if event.is_printable and event.character and self.focused is None:
            before = self._typed_ahead
            self._typed_ahead = Secret((before.reveal() if before is not None else "") + event.character)
            event.stop()

    def put_typed_ahead(self) -> None:
        """Move keys typed ahead into the focused field, behind its text; a code only into its own."""
        field, ahead = self.focused, self._typed_ahead
        self.drop_typed_ahead()
        if ahead is not None and ahead.reveal().isdecimal() and field is not self.form.inputs.code_field:
            # A code, which nobody is to read in a field that shows its text.
            row = self.form.row(InputName.MFA_CODE)
            field, ahead = (row.field, ahead) if row.is_used else (field, None)
            self.set_focus(field)
        if isinstance(field, Input):
            # Selected by its focus, the text would give way to the next key.
            field.select_on_focus = False
            field.cursor_position = len(field.value)
            if ahead is not None:
                field.insert_text_at_cursor(ahead.reveal())

    def drop_typed_ahead(self) -> None:
        self._typed_ahead = None

    def _place_cursor(self) -> None:
        """Behind the first answer: put the cursor where it belongs, and what was typed ahead with it."""
        if self.focused is None:
            self.form.go_to(InputName.SESSION_NAME)
        self.put_typed_ahead()

    @property
    def caller(self) -> Session | None:
        """The session that is to assume the role, or None for the account's own caller."""
        return self.form.caller_choice.caller

    @property
    def is_busy(self) -> bool:
        return self.has_class("-busy")

    def acting(self, caller: Session | None) -> Workspace:
        """The workspace of whoever is to assume the role. May block: for a thread.

        Raises:
            Problem: the session that was chosen has ended, or is not who it should be.
        """
        return self.workspace if caller is None else as_session(self.workspace, caller, clock.now())

    # Production

    def _mark(self) -> None:
        """Name the role in the title, in red when it or its account looks like production."""
        account, patterns = self.workspace.account, self._options.production
        arn = self.form.inputs.role_arn
        name = arn.rsplit("/", 1)[-1] if ":role/" in arn else ""
        of_account = arn.split(":")[4] if arn.count(":") >= 5 else account.id
        alias = account.alias.value if of_account == account.id and isinstance(account.alias, Known) else None
        marked = bool(name) and any(is_production(one, patterns) for one in (name, of_account, alias) if one)
        box = self.query_one(DialogBox)
        if marked is not box.has_class("-production"):
            # It is about the box's own frame: the styles of the fields stay.
            box.set_class(marked, "-production", update=False)
            self.app.stylesheet.apply(box)
        title = line(("Assume ", ""), (name or "any role", "bold"), age_note(self.workspace.age))
        box.border_title = line(title, ("  PRODUCTION", "bold $verdict-denied")) if marked else title

    # Our own answer

    @property
    def _names_role(self) -> bool:
        return ":role/" in self.form.inputs.role_arn

    def _wait(self) -> None:
        yours = "; F7 lists yours" if self._options.list_roles is not None else ""
        unnamed = f"enter the role's ARN, or a part of its name{yours}"
        words = "checking the trust policy and your permissions …" if self._names_role else unnamed
        self.form.wait(plain(words, "$muted"))

    def prepare(self) -> None:
        typed = self.form.inputs.typed
        if not self._names_role:
            self.planned = None
            self._wait()
            return
        if self.planned is None:
            self._wait()
        recall = typed.role_arn != self._recalled_for
        work = partial(self._plan, self.caller, typed, recall)
        in_thread(self, work, partial(self._show_plan, typed, None), name="checking", group=_PLAN)

    def _plan(self, caller: Session | None, typed: AssumeRoleInput, recall: bool, work: Work) -> None:
        own = self.acting(caller)
        recalls = recall and self._options.remembers and self._options.prefilled is None
        remembered = remembered_input(own, typed.role_arn) if recalls else None
        if remembered is not None:
            # What was remembered changes what is asked, so that the answer comes after it.
            work.tell(self._recall, typed.role_arn, remembered)
            return
        planned = make_plan(own, typed, self._options.mfa_sessions, chained=caller is not None)
        if recall:
            work.tell(self._recall, typed.role_arn, None)
        work.tell(self._show_plan, typed, planned)

    def _recall(self, role_arn: str, entered: AssumeRoleInput | None) -> None:
        self._recalled_for = role_arn
        if role_arn == self.form.inputs.role_arn and entered is not None:
            with self.prevent(Input.Changed, PolicyField.PolicyChanged):
                self.form.inputs.recall(entered)
            self._is_recalled = True
            self.query_one(DialogBox).border_subtitle = self._keys()
            self.prepare()

    def _show_plan(self, typed: AssumeRoleInput, planned: Planned | None, problem: Problem | None = None) -> None:
        if typed != self.form.inputs.typed:
            return
        self.planned = planned
        if planned is None:
            self._wanted = False
            self.form.wait(plain("this cannot be assumed from here", "$muted"))
            self.drop_typed_ahead()
            self._place_cursor()
            if problem is not None:
                self.failure.show_problem(problem)
            return
        self.form.show_plan(planned, _outlook(planned, *self._where_roles_are))
        self._place_cursor()
        self._look_for_devices(planned)
        if self._wanted:
            self._wanted = False
            self.action_assume()

    @property
    def _where_roles_are(self) -> Sequence[str]:
        return () if self._options.list_roles is None else ("F7 lists the roles that you may assume.",)

    @property
    def is_planned(self) -> bool:
        return self.planned is not None and self.planned.typed == self.form.inputs.typed

    @on(AssumeForm.InputsChanged)
    def _changed(self, event: AssumeForm.InputsChanged) -> None:
        event.stop()
        if self.is_busy:
            return
        self.failure.say()
        if not self.is_planned:
            self._mark()
            self.prepare()

    @on(CallerChoice.CallerChosen)
    def _caller_chosen(self, event: CallerChoice.CallerChosen) -> None:
        event.stop()
        self.failure.say()
        self.planned = None
        self._asked_devices = False
        self.prepare()

    # The MFA device

    def _look_for_devices(self, planned: Planned) -> None:
        """Ask AWS for the caller's devices, once, where one may be needed and none is known."""
        if self._asked_devices or planned.chained or planned.plan.mfa_serial:
            return
        if planned.plan.needs_mfa or planned.is_foreign:
            self._asked_devices = True
            caller = self.caller

            def found(devices: MfaDevices) -> None:
                if caller is self.caller:
                    self.form.show_devices(devices)

            get = partial(find_mfa_devices, self.workspace)
            get_in_thread(self, get, found, self.failure.show_problem, name="finding devices", group=_DEVICES)

    # The session policy

    @on(PolicyField.Write)
    def _write_policy(self, event: PolicyField.Write) -> None:
        event.stop()

        def written(text: str | None) -> None:
            if text is not None:
                self.form.more.inputs.policy.set_text(text)

        typed = self.form.inputs.typed
        screen = SessionPolicyScreen(self.workspace, typed.role_arn, typed.extras, self._options.questions)
        self.app.push_screen(screen, written)

    # Other keys

    def action_more(self) -> None:
        self.form.toggle_more()

    def action_caller(self) -> None:
        if self.is_busy:
            return
        if self.form.caller_choice.can_focus:
            self.form.caller_choice.action_next(1)
        else:
            self.failure.say("There is no session yet that could assume it; assume a role first.", style="$muted")

    def action_roles(self) -> None:
        if not self.is_busy and self._options.list_roles is not None:
            self._options.list_roles(self)

    def action_device(self) -> None:
        if not self.is_busy and not self.form.next_device():
            self.failure.say(
                "No other MFA device of yours is known; its serial number or ARN can be entered.", style="$muted"
            )

    def action_afresh(self) -> None:
        if self.is_busy:
            return
        self.form.inputs.start_afresh()
        self.planned = None
        self.prepare()
        caller, role_arn = self.caller, self.form.inputs.role_arn
        in_thread(
            self, lambda _work: forget_input(self.acting(caller), role_arn), self.failure.show_problem,
            name="forgetting", group=_FORGET,
        )  # fmt: skip

    def action_scroll(self, pages: int) -> None:
        target = self.failure if self.failure.max_scroll_y > 0 else self.form
        (target.scroll_page_down if pages > 0 else target.scroll_page_up)(animate=False)

    # The call

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
            self._wanted = self._names_role
            if self._wanted:
                self.prepare()
            else:
                self.form.go_to(InputName.ROLE)
                typed = self.form.inputs.role_arn
                what = f"{fit(safe_text(typed), 40)} is not the ARN of a role" if typed else "no role is given"
                self.failure.say(f"Nothing was sent to STS: {what}.", *self._where_roles_are)
            return
        if planned.plan.refusal:
            self.failure.say("Nothing was sent to STS.")
            return
        if not self.form.is_right() or self._lacks_something(planned):
            return
        entered = self.form.inputs.take(planned)
        self.failure.say()
        self._busy_seconds = 0
        self._be_busy()
        self._show_progress()
        work = partial(self._assume, self.caller, entered, planned.plan)
        in_thread(self, work, partial(self._refused, entered), name="asking STS", group=_ASSUME)

    def _be_busy(self) -> None:
        """Disable the fields during a call to STS: input typed meanwhile could not go with it."""
        self._typed_into = self.focused
        self.add_class("-busy")
        self.form.disabled = True

    def _be_ready(self) -> None:
        if self.is_busy:
            self.remove_class("-busy")
            self.form.disabled = False
            if self._typed_into is not None:
                self.set_focus(self._typed_into)

    def _lacks_something(self, planned: Planned) -> bool:
        """Name missing inputs once for each content of the fields; Enter again sends it so."""
        typed = planned.typed
        lacks_code = planned.wants_mfa and not planned.chained and typed.mfa_code is None
        lacks = [
            (name, words)
            for name, words, is_wanted in (
                (InputName.EXTERNAL_ID, "the external ID", planned.wants_external_id and not typed.external_id),
                (InputName.MFA_CODE, "an MFA code", lacks_code),
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

    def _assume(self, caller: Session | None, entered: AssumeRoleInput, plan: AssumePlan, work: Work) -> None:
        """In the thread. An answer that comes after a cancel is dropped, its credentials with it."""
        if self._signs_in_anew:
            self.workspace = reconnected(self.workspace)
        with acting_as(self.workspace, caller, clock.now) as own:
            session = assuming.assume(own, entered, plan=plan, mfa_sessions=self._options.mfa_sessions)
        if not work.cancelled():
            # That it could not be remembered takes nothing away from the session.
            with suppress(Problem):
                if self._options.remembers:
                    remember_input(own, entered)
            work.tell(self._assumed, session, replace(entered, mfa_code=None))

    def _assumed(self, session: Session, entered: AssumeRoleInput) -> None:
        self._be_ready()
        self._signs_in_anew = False
        self.dismiss(AssumeResult(session, entered, self.caller.key if self.caller is not None else ""))

    def _refused(self, entered: AssumeRoleInput, problem: Problem) -> None:
        self._be_ready()
        self.failure.show_problem(problem)
        self._signs_in_anew = self._signs_in_anew or bool(problem.login_command)
        if entered.mfa_code is not None or isinstance(problem, MfaCodeNeeded):
            self.form.go_to(InputName.MFA_CODE)
        # The code may be used up, or serve further calls now.
        self.planned = None
        self.prepare()

    def _show_progress(self) -> None:
        if self.is_busy:
            self.failure.progress(f"Asking STS … {self._busy_seconds} s   Esc cancel")
            self._busy_seconds += 1
            self.set_timer(1, self._show_progress)

    def drop_secrets(self) -> None:
        """Drop what was typed; an answer that still comes is dropped too."""
        self.workers.cancel_group(self, _ASSUME)
        self._be_ready()
        self.form.inputs.code_field.value = ""
        self.drop_typed_ahead()

    def action_cancel(self) -> None:
        if self.is_busy:
            self.workers.cancel_group(self, _ASSUME)
            self._be_ready()
            self.failure.say("Cancelled. If STS still answers, its credentials are dropped.", style="$muted")
        else:
            self.drop_secrets()
            self.dismiss(None)


def _outlook(planned: Planned, *instead: str) -> Content:
    """Meaning of our own answer for the call, and alternatives; empty when it speaks for itself."""
    others = [line(("> ", "bold $match"), sentence) for sentence in instead]
    if planned.plan.refusal:
        # What the demo gives as its reason stands above, a side a line.
        refusal = _DEMO_REFUSES if planned.will_be_refused and planned.is_demo else planned.plan.refusal
        return lines(line(("! ", "bold $verdict-denied"), refusal), *others)
    if planned.will_be_refused:
        return lines(plain("STS will most likely refuse; Enter tries all the same.", "$muted"), *others)
    return Content("")
