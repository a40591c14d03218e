"""AssumeForm: every input of sts:AssumeRole, what is wrong with it, and what was entered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.events import Click, DescendantBlur
from textual.message import Message
from textual.widgets import Input, Static

from iamtui.account.model import Account
from iamtui.credentials.assume_role import (
    ANY_CODE,
    DEFAULT_SECONDS,
    SHORTEST_SECONDS,
    AssumeRoleInput,
    InputName,
    MfaWay,
)
from iamtui.credentials.session import NO_EXTRAS, AssumeExtras, Session, duration_text, parse_duration
from iamtui.secret import Secret
from iamtui.text import safe_text
from iamtui.tui.assume.rows import CallerChoice, FormRow, InputRow, MoreInputs, RoleRow, SidesView, filled_words
from iamtui.tui.content import line, plain
from iamtui.tui.question.completing_input import CompletingInput
from iamtui.tui.widgets.inputs import CODE_LENGTH, SafeInput, SecretInput
from iamtui.workspace.assume.assume_plan import Planned, check_input
from iamtui.workspace.assume.mfa import MfaDevices
from iamtui.workspace.source.workspace import Workspace

# MoreSection: the inputs that few calls need, behind one line that always says which of them are filled in.


_WHAT: Final = "session policy, managed policies, tags, source identity"


class MoreSection(Vertical):
    """The line, and below it the inputs. Posts `Toggled`."""

    DEFAULT_CSS = """
    MoreSection {
        height: auto;
    }
    """

    class Toggled(Message):
        """The section was opened or closed."""

    is_open = False

    def __init__(self, account: Account) -> None:
        super().__init__()
        self.inputs = MoreInputs(account)
        self.inputs.display = False

    def compose(self) -> ComposeResult:
        yield Static(self._head(), id="more-head")
        yield self.inputs

    def fill(self, extras: AssumeExtras) -> None:
        self.inputs.fill(extras)
        self._describe()

    def open(self, opened: bool = True) -> None:
        self.is_open = self.inputs.display = opened
        self._describe()
        self.post_message(self.Toggled())

    def _head(self) -> Content:
        extras, _ = self.inputs.read()
        what = (filled_words(extras), "bold") if extras != NO_EXTRAS else (_WHAT, "$muted")
        return line(("F2", "bold $match"), f" {'▾' if self.is_open else '▸'} More: ", what)

    @on(MoreInputs.ExtrasChanged)
    def _describe(self) -> None:
        for head in self.query("#more-head").results(Static):
            head.update(self._head())

    @on(Click, "#more-head")
    def _pressed(self, event: Click) -> None:
        event.stop()
        self.open(not self.is_open)


# UsualInputs: the inputs that are always at hand, what stands in them, and what of it the user entered.


_SHORTEST_TIME: Final = len("15m")


class UsualInputs:
    """Rows by name, and which of our own suggestions the user replaced.

    Attributes:
        rows: the role's too, where it is an input or wrong.
        seconds: how long a session is asked for while the user says nothing else.
        devices: the caller's MFA devices, as far as they are known.
    """

    def __init__(
        self, account: Account, role_arn: str | None, more: MoreSection, *, seconds: int, recent_roles: Sequence[str]
    ) -> None:
        """Make the rows.

        Args:
            role_arn: the role; None: it is an input.
            more: the section with the other inputs.
        """
        self._role_arn = role_arn
        self._role_row = partial(RoleRow, account, recent_roles)
        self._more = more
        self._own_values: dict[InputName, str] = {}
        self.devices: tuple[str, ...] = ()
        self.seconds = self._default_seconds = seconds
        self.code_field = SecretInput(id="assume-code", max_length=CODE_LENGTH)
        self.rows: dict[InputName, InputRow] = {
            InputName.SESSION_NAME: InputRow(
                "Session name", _input("assume-name", 64), hint=plain("seen in CloudTrail"), shortest=2
            ),
            InputName.DURATION: InputRow("Duration", _input("assume-duration", 12), shortest=_SHORTEST_TIME),
            InputName.EXTERNAL_ID: InputRow("External ID", _input("assume-external", 1224), shortest=2),
            InputName.MFA_DEVICE: InputRow(
                "MFA device", _input("assume-device", 256, "serial number or ARN"), classes="-long", shortest=9
            ),
            InputName.MFA_CODE: InputRow("MFA code", self.code_field, shortest=CODE_LENGTH),
        }

        if role_arn is None:
            self.make_role_row()

    def make_role_row(self) -> None:
        self.rows[InputName.ROLE] = self._role_row()

    # What stands in them.

    def value(self, name: InputName) -> str:
        return self.rows[name].value

    def changed_value(self, name: InputName) -> str:
        """The user's replacement of our own suggestion, or ""."""
        value = self.value(name)
        return "" if value == self._own_values.get(name, "") else value

    def suggest(self, name: InputName, text: str) -> None:
        """Fill a field in unless the user, or an earlier session, has."""
        row = self.rows[name]
        if row.value in (text, self._own_values.get(name, "")):
            self._own_values[name] = text
            if row.value != text:
                with row.field.prevent(Input.Changed):
                    row.value = text

    def offer_devices(self, serials: Sequence[str]) -> None:
        """Offer these MFA devices; the first fills the field, unless another of them already does."""
        if serials:
            self.devices = tuple(safe_text(serial, limit=256) for serial in serials)
            if self.value(InputName.MFA_DEVICE) not in self.devices:
                self.suggest(InputName.MFA_DEVICE, self.devices[0])

    def next_device(self) -> bool:
        """Put the next of the devices into the field; False when there is no other."""
        if len(self.devices) < 2:
            return False
        here = self.value(InputName.MFA_DEVICE)
        at = self.devices.index(here) + 1 if here in self.devices else 0
        self.rows[InputName.MFA_DEVICE].value = self.devices[at % len(self.devices)]
        return True

    @property
    def role_arn(self) -> str:
        return self.value(InputName.ROLE) if self._role_arn is None else self._role_arn

    @property
    def typed(self) -> AssumeRoleInput:
        """Input so far, for a plan, with ANY_CODE in the place of a whole MFA code."""
        changed = self.changed_value(InputName.DURATION)
        seconds = parse_duration(changed) if changed else None
        extras, _ = self._more.inputs.read()
        return AssumeRoleInput(
            self.role_arn,
            self.changed_value(InputName.SESSION_NAME),
            self.seconds if seconds is None else seconds,
            self.value(InputName.EXTERNAL_ID),
            self.changed_value(InputName.MFA_DEVICE),
            ANY_CODE if len(self.code_field.value) == CODE_LENGTH else None,
            extras,
        )

    # Filling them in.

    def fill(self, entered: AssumeRoleInput) -> None:
        self.rows[InputName.SESSION_NAME].value = entered.session_name
        self.rows[InputName.EXTERNAL_ID].value = entered.external_id
        self._take_device(entered.mfa_serial)
        self.seconds = entered.duration_seconds
        self._more.fill(entered.extras)

    def recall(self, entered: AssumeRoleInput) -> None:
        """Fill in what was entered for this role before, where the user has entered nothing yet."""
        if not self.changed_value(InputName.SESSION_NAME):
            self._own_values.pop(InputName.SESSION_NAME, None)
            self.rows[InputName.SESSION_NAME].value = entered.session_name
        if not self.changed_value(InputName.MFA_DEVICE) and entered.mfa_serial:
            self._take_device(entered.mfa_serial)
        self.seconds = entered.duration_seconds
        if entered.extras != NO_EXTRAS and self._more.inputs.read()[0] == NO_EXTRAS:
            self._more.fill(entered.extras)

    def _take_device(self, serial: str) -> None:
        self._own_values[InputName.MFA_DEVICE] = self.rows[InputName.MFA_DEVICE].value = serial

    def start_afresh(self) -> None:
        """Empty every field but the role; our own suggestions come back with the next plan."""
        self.seconds = self._default_seconds
        self._own_values.clear()
        for name, row in self.rows.items():
            row.show_problems(())
            if name is not InputName.ROLE:
                row.value = ""
        self._more.fill(NO_EXTRAS)

    # Sending them.

    def take(self, planned: Planned) -> AssumeRoleInput:
        """The input. The MFA code leaves its field."""
        entered = self.entered(planned)
        # That it left is no change of what was entered: said late, it would take away why STS refused.
        with self.code_field.prevent(Input.Changed):
            return replace(entered, mfa_code=self.code_field.take())

    def entered(self, planned: Planned) -> AssumeRoleInput:
        """The input with the code left in its field; an unreadable duration counts as the shortest."""
        seconds = parse_duration(self.value(InputName.DURATION))
        extras, _ = self._more.inputs.read()
        code = Secret(self.code_field.value) if self.code_field.value else None
        way = _mfa_way(planned, code)
        return AssumeRoleInput(
            role_arn=self.role_arn,
            session_name=self.value(InputName.SESSION_NAME),
            duration_seconds=SHORTEST_SECONDS if seconds is None else seconds,
            external_id=self.value(InputName.EXTERNAL_ID),
            mfa_serial=self._serial(planned, code, way),
            mfa_code=code,
            extras=extras,
            mfa_way=way,
        )

    def _serial(self, planned: Planned, code: Secret | None, way: MfaWay) -> str:
        choice = planned.plan.mfa
        if way is MfaWay.REUSED and choice is not None and choice.session is not None:
            return choice.session.serial
        return self.value(InputName.MFA_DEVICE) if code is not None else self.changed_value(InputName.MFA_DEVICE)


def _mfa_way(planned: Planned, code: Secret | None) -> MfaWay:
    """How the MFA is proved: a code that is typed beats one that was given before."""
    choice = planned.plan.mfa
    if choice is None:
        return MfaWay.DIRECT
    if code is None:
        return MfaWay.REUSED if choice.way is MfaWay.REUSED else MfaWay.DIRECT
    return MfaWay.DIRECT if choice.way is MfaWay.DIRECT else MfaWay.SHARED


def _input(name: str, longest: int, placeholder: str = "") -> SafeInput:
    return SafeInput(id=name, compact=True, max_length=longest, placeholder=safe_text(placeholder))


_NO_TIME: Final = 'This is not a time: write it as "1h", "90m" or a number of seconds.'


class AssumeForm(VerticalScroll, can_focus=False):
    """The fields. Says `Changed` when an answer of ours may be another one, and `Submitted` at Enter."""

    DEFAULT_CSS = """
    AssumeForm {
        height: auto;
        max-height: 100%;
        scrollbar-size-vertical: 1;

        & > Static {
            height: auto;
        }
        & Completions {
            margin: 0 1 1 16;
        }
    }
    """

    class InputsChanged(Message):
        """Something was entered."""

    class Submitted(Message):
        """Enter was pressed in a field."""

    def __init__(
        self,
        workspace: Workspace,
        role_arn: str | None,
        caller: Session | None,
        callers: Sequence[Session],
        *,
        seconds: int = DEFAULT_SECONDS,
        recent_roles: Sequence[str] = (),
    ) -> None:
        """Make the form; without a role its ARN is one of the inputs."""
        super().__init__()
        self._workspace = workspace
        self._role_arn = role_arn
        self._is_placed = False
        self._planned: Planned | None = None
        self._wrong: Mapping[InputName, Sequence[str]] = {}
        self.sides = SidesView()
        self.caller_choice = CallerChoice(workspace, caller, callers)
        self.more = MoreSection(workspace.account)
        self.inputs = UsualInputs(workspace.account, role_arn, self.more, seconds=seconds, recent_roles=recent_roles)
        self._rows = self.inputs.rows

    def compose(self) -> ComposeResult:
        if self._role_arn is not None:
            yield Static(plain(self._role_arn, "$muted"), id="assume-arn")
        else:
            yield self._rows[InputName.ROLE]
        yield self.sides
        yield FormRow("As", self.caller_choice, hint=self.caller_choice.hint, classes="-long")
        for name, row in self._rows.items():
            if name is not InputName.ROLE:
                yield row
        yield self.more

    def on_mount(self) -> None:
        """Hide what nothing is known to ask for."""
        self._show_rows()

    # What is wrong with it.

    def row(self, name: InputName) -> FormRow:
        if name is InputName.ROLE and name not in self._rows:
            self.inputs.make_role_row()
        return self._rows[name] if name in self._rows else self.more.inputs.rows[name]

    def is_right(self) -> bool:
        """True where the last checked input can be sent; else the first wrong field gets the focus."""
        self._show_problems(live=False)
        first = next((name for name in InputName if name in self._wrong), None)
        if first is not None:
            self.go_to(first)
        return self._planned is not None and first is None

    def _check(self, planned: Planned) -> None:
        """Say at every field what is wrong with it; while typing not what only is unfinished."""
        wrong: dict[InputName, list[str]] = {}
        for name, sentence in check_input(planned.plan, self.inputs.entered(planned)):
            wrong.setdefault(name, []).append(sentence)
        if parse_duration(self.inputs.value(InputName.DURATION)) is None:
            wrong[InputName.DURATION] = [_NO_TIME]
        self._wrong = {**wrong, **self.more.inputs.read()[1]}
        self._show_problems(live=True)

    def _show_problems(self, *, live: bool) -> None:
        for name in InputName:
            sentences = self._wrong.get(name, ())
            row = self.row(name) if sentences else self._rows.get(name) or self.more.inputs.rows.get(name)
            if row is None:
                continue
            if live and isinstance(row, InputRow) and row.is_unfinished and not row.is_wrong:
                continue
            row.show_problems(sentences)
            if sentences:
                row.use(True)
                if name is InputName.ROLE and not row.is_attached:
                    # The role is given, but its account gave it an ARN that STS would refuse.
                    self.mount(row, before=self.sides)

    def go_to(self, name: InputName) -> None:
        """Put the cursor into a field, opening the section it is in."""
        row = self.row(name)
        row.use(True)
        if name not in self._rows and not self.more.is_open:
            self.more.open()
        if row.field.is_attached:
            self.screen.set_focus(row.field)
        else:
            self.call_after_refresh(self.screen.set_focus, row.field)

    def toggle_more(self) -> None:
        opened = not self.more.is_open
        self.more.open(opened)
        self.go_to(InputName.POLICY if opened else InputName.SESSION_NAME)

    # What our own engine says.

    def show_plan(self, planned: Planned, outlook: Content) -> None:
        self._planned = planned
        plan = planned.plan
        self.sides.show(planned.sides, outlook)
        self.inputs.suggest(InputName.SESSION_NAME, safe_text(plan.default_session_name, limit=64))
        self.inputs.suggest(InputName.DURATION, duration_text(min(self.inputs.seconds, plan.longest_seconds)))
        self.inputs.offer_devices(plan.mfa_serials)
        self._rows[InputName.DURATION].hint(plain(planned.bounds))
        self._rows[InputName.DURATION].note(plain(planned.why_bounds))
        self._hint(planned)
        self._show_rows()
        self._check(planned)
        if not self._is_placed and self._role_arn is not None:
            self._is_placed = True
            self._go_to_first_empty()
        self.call_after_refresh(self._keep_in_sight)

    def _keep_in_sight(self) -> None:
        """Show the field that is typed into, whatever the answer above it has grown to."""
        focused = self.screen.focused
        if focused is not None and self in focused.ancestors:
            focused.scroll_visible(animate=False)

    def show_devices(self, devices: MfaDevices) -> None:
        self.inputs.offer_devices(devices.serials)
        self._rows[InputName.MFA_DEVICE].note(plain(devices.note))
        if self._planned is not None:
            self._hint(self._planned)
            self._show_rows()
            self._check(self._planned)
            self._go_to_first_empty(only_from=InputName.MFA_DEVICE)

    def next_device(self) -> bool:
        """Have another of the caller's MFA devices give the code; False when there is no other."""
        changed = self.inputs.next_device()
        if changed:
            self._rows[InputName.MFA_DEVICE].use(True)
        return changed

    def wait(self, words: Content) -> None:
        self._planned = None
        self.sides.wait(words)

    def _hint(self, planned: Planned) -> None:
        plan = planned.plan
        asked = "the trust policy wants it" if plan.needs_external_id else "if you were given one"
        self._rows[InputName.EXTERNAL_ID].hint(plain(asked))
        several = len(self.inputs.devices) > 1
        other = line(("F6", "bold $match"), (f" another of {len(self.inputs.devices)}", "$muted"))
        self._rows[InputName.MFA_DEVICE].hint(other if several else Content(""))
        serial = self.inputs.value(InputName.MFA_DEVICE)
        of_whom = line("six digits of ", serial.rsplit("/", 1)[-1]) if serial else plain("six digits")
        if planned.chained:
            of_whom = plain("a session has no MFA device of its own")
        elif planned.reuses_a_code and plan.mfa is not None:
            of_whom = line(("not needed", "$verdict-allowed"))
        self._rows[InputName.MFA_CODE].hint(of_whom)
        said = plan.mfa.note if plan.mfa is not None and not planned.chained else ""
        if planned.reuses_a_code:
            said += " Type a new one to replace it."
        self._rows[InputName.MFA_CODE].note(plain(said))

    def _show_rows(self) -> None:
        """Show the inputs that the role asks for or may ask for; all of them while the section is open."""
        planned, everything = self._planned, self.more.is_open
        foreign = planned is not None and planned.is_foreign
        external = planned is not None and planned.plan.needs_external_id
        mfa = planned is not None and planned.plan.needs_mfa and not planned.chained
        own_device = planned is not None and len(planned.plan.mfa_serials) == 1
        used = {
            InputName.EXTERNAL_ID: external or foreign or everything,
            InputName.MFA_DEVICE: everything or ((mfa or foreign) and not own_device),
            InputName.MFA_CODE: mfa or foreign or everything,
        }
        for name, wanted in used.items():
            row = self._rows[name]
            row.use(wanted or row.is_wrong or row.field.has_focus or bool(self.inputs.changed_value(name)))

    def _go_to_first_empty(self, only_from: InputName | None = None) -> None:
        """Put the cursor into the first input that the role asks for, unless the user is elsewhere by now.

        A code that is reused needs no other, but who types one out of habit types it here, and not into the name.
        """
        if only_from is not None and self.screen.focused is not self._rows[only_from].field:
            return
        for name in (InputName.EXTERNAL_ID, InputName.MFA_DEVICE, InputName.MFA_CODE):
            row, planned = self._rows[name], self._planned
            if planned is None or planned.is_foreign:
                continue
            if row.is_used and not row.value:
                self.screen.set_focus(row.field)
                return

    # Typing.

    @on(Input.Changed)
    @on(MoreInputs.ExtrasChanged)
    def _changed(self, event: Message) -> None:
        event.stop()
        if self._planned is not None:
            self._check(self._planned)
        self.post_message(self.InputsChanged())

    @on(MoreSection.Toggled)
    def _toggled(self, event: MoreSection.Toggled) -> None:
        event.stop()
        self._show_rows()

    @on(DescendantBlur)
    def _left(self) -> None:
        if self._planned is not None and self.is_attached:
            self._show_problems(live=True)

    @on(Input.Submitted)
    @on(CompletingInput.Entered)
    def _submitted(self, event: Message) -> None:
        event.stop()
        self.post_message(self.Submitted())
