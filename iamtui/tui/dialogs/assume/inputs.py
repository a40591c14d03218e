"""UsualInputs: the inputs that are always at hand, what stands in them, and what of it the user entered. No layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from textual.widgets import Input

from iamtui.account.model import Account
from iamtui.credentials.durations import parse_duration
from iamtui.credentials.session_extras import NO_EXTRAS
from iamtui.secret import Secret
from iamtui.tui.dialogs.assume.more import MoreSection
from iamtui.tui.dialogs.assume.planning import SHORTEST_SECONDS, Planned, Typed
from iamtui.tui.dialogs.assume.role_row import RoleRow
from iamtui.tui.dialogs.assume.rows import InputRow
from iamtui.tui.safe import plain, safe_text
from iamtui.tui.widgets.safe_input import SafeInput
from iamtui.tui.widgets.secret_input import CODE_LENGTH, SecretInput
from iamtui.workspace.assume.assuming import AssumeInput, MfaWay
from iamtui.workspace.assume.fields import InputName

_SHORTEST_TIME: Final = len("15m")


class UsualInputs:
    """The rows by name, with our own suggestions told from what the user entered.

    Attributes:
        rows: the role's row too, which is on screen only where the role is an input.
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
        self._more = more
        self._own_values: dict[InputName, str] = {}
        self.devices: tuple[str, ...] = ()
        self.seconds = self._default_seconds = seconds
        self.code_field = SecretInput(id="assume-code", max_length=CODE_LENGTH)
        self.rows: Mapping[InputName, InputRow] = {
            InputName.ROLE: RoleRow(account, recent_roles),
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

    # What stands in them.

    def value(self, name: InputName) -> str:
        """What stands in a field."""
        return self.rows[name].value

    def changed_value(self, name: InputName) -> str:
        """What the user entered in the place of our own suggestion, or ""."""
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
        """Let the user choose among these MFA devices; the first stands in the field, unless another of them does."""
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
        """The role's ARN, or what was typed in its place."""
        return self.value(InputName.ROLE) if self._role_arn is None else self._role_arn

    @property
    def typed(self) -> Typed:
        """What a plan follows."""
        changed = self.changed_value(InputName.DURATION)
        seconds = parse_duration(changed) if changed else None
        extras, _ = self._more.read()
        return Typed(
            self.role_arn,
            self.changed_value(InputName.SESSION_NAME),
            self.seconds if seconds is None else seconds,
            self.value(InputName.EXTERNAL_ID),
            self.changed_value(InputName.MFA_DEVICE),
            len(self.code_field.value) == CODE_LENGTH,
            extras,
        )

    # Filling them in.

    def fill(self, entered: AssumeInput) -> None:
        """Begin with inputs that were entered before."""
        self.rows[InputName.SESSION_NAME].value = entered.session_name
        self.rows[InputName.EXTERNAL_ID].value = entered.external_id
        self._take_device(entered.mfa_serial)
        self.seconds = entered.duration_seconds
        self._more.fill(entered.extras)

    def recall(self, entered: AssumeInput) -> None:
        """Fill in what was entered for this role before, where the user has entered nothing yet."""
        if not self.changed_value(InputName.SESSION_NAME):
            self._own_values.pop(InputName.SESSION_NAME, None)
            self.rows[InputName.SESSION_NAME].value = entered.session_name
        if not self.changed_value(InputName.MFA_DEVICE) and entered.mfa_serial:
            self._take_device(entered.mfa_serial)
        self.seconds = entered.duration_seconds
        if self._more.read()[0] == NO_EXTRAS:
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

    def take(self, planned: Planned) -> AssumeInput:
        """What was entered. The MFA code leaves its field."""
        return replace(self.entered(planned), mfa_code=self.code_field.take())

    def entered(self, planned: Planned) -> AssumeInput:
        """What was entered, the code as it stands in its field; what is no duration counts as the shortest."""
        seconds = parse_duration(self.value(InputName.DURATION))
        extras, _ = self._more.read()
        code = Secret(self.code_field.value) if self.code_field.value else None
        way = _mfa_way(planned, code)
        return AssumeInput(
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
