"""UsualInputs: the inputs that are always at hand, what stands in them, and what of it the user entered. No layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from iamtui.account.model import Account, Missing
from iamtui.credentials.assume_role import ANY_CODE, SHORTEST_SECONDS
from iamtui.credentials.session import NO_EXTRAS, duration_text, parse_duration
from iamtui.engine.decision import Outcome
from iamtui.secret import Secret
from iamtui.tui.assume.rows import FormRow, InputRow, PolicyField, RoleRow
from iamtui.tui.content import line, plain, safe_text
from iamtui.tui.question.completing_input import CompletingInput, Completions, Offer, joined, said, words
from iamtui.tui.question.completion import best_matches
from iamtui.tui.widgets.inputs import CODE_LENGTH, SafeInput, SecretInput
from iamtui.tui.widgets.lists.line_list import LineView
from iamtui.workspace import assume as assuming
from iamtui.workspace.assume import AssumeExtras, AssumePlan, AssumeRoleInput, InputName, MfaSessions, MfaWay
from iamtui.workspace.assume_decision import EXTERNAL_ID, MFA_KEYS, role_of
from iamtui.workspace.assume_plan import Sides, sides_of
from iamtui.workspace.workspace import SourceKind, Workspace

# Planned: what is known about a call before it is made. Blocking: for a thread.


@dataclass(frozen=True, slots=True)
class Planned:
    """What is known about a call that has not been made.

    Args:
        typed: what had been entered; ANY_CODE in the place of an MFA code.
        plan: our own answer and what the role asks for.
        sides: the same answer, the role's side and the caller's apart.
        bounds: how long the session may last, in a few words.
        why_bounds: why, when that is not simply the role's maximum, else "".
        chained: whether a session assumes the role.
        is_foreign: whether the role's trust policy is not known, so that it may ask for anything.
        is_demo: whether our own answer is final.
    """

    typed: AssumeRoleInput
    plan: AssumePlan
    sides: Sides
    bounds: str
    why_bounds: str
    chained: bool
    is_foreign: bool
    is_demo: bool

    @property
    def reuses_a_code(self) -> bool:
        """Whether an MFA code that was given before counts."""
        return self.plan.mfa is not None and self.plan.mfa.way is MfaWay.REUSED

    @property
    def wants_external_id(self) -> bool:
        """Whether the answer still depends on an external id."""
        return self.plan.needs_external_id and self._depends_on(frozenset((EXTERNAL_ID.lower(),)))

    @property
    def wants_mfa(self) -> bool:
        """Whether the answer still depends on MFA."""
        return self.plan.needs_mfa and self._depends_on(MFA_KEYS)

    @property
    def will_be_refused(self) -> bool:
        decision = self.plan.decision
        return decision is not None and decision.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)

    def _depends_on(self, keys: frozenset[str]) -> bool:
        decision = self.plan.decision
        if decision is None or decision.outcome is not Outcome.DEPENDS:
            return False
        return not keys.isdisjoint(key.lower() for key in decision.missing_context)


def make_plan(
    own: Workspace, typed: AssumeRoleInput, mfa_sessions: MfaSessions | None = None, *, chained: bool
) -> Planned:
    """Ask our own engine about a call.

    Args:
        own: the workspace of whoever is to assume the role.
        mfa_sessions: where an MFA code that was given before may still count.
        chained: whether that is a session.

    Raises:
        Problem: the call cannot be planned.
    """
    plan = assuming.plan_assume(own, typed, mfa_sessions=mfa_sessions)
    role = role_of(own, typed.role_arn)
    if role is None and plan.mfa is None and plan.mfa_serial and mfa_sessions is not None:
        # Whether this role asks for MFA is not known, so the caller's device may be needed.
        plan = assuming.plan_assume(own, replace(typed, mfa_serial=plan.mfa_serial), mfa_sessions=mfa_sessions)
    longest = duration_text(plan.longest_seconds)
    most = role.max_session_seconds if role is not None else None
    of_role = most is not None and not isinstance(most, Missing) and most.value == plan.longest_seconds
    if chained:
        bounds = f"{duration_text(SHORTEST_SECONDS)} to {longest} (role chaining)"
    elif of_role:
        bounds = f"{duration_text(SHORTEST_SECONDS)} to {longest}, the role's most"
    else:
        bounds = f"{duration_text(SHORTEST_SECONDS)} to {longest}"
    why = "" if of_role and not chained else plan.duration_note
    return Planned(
        typed, plan, sides_of(own, plan), bounds, why, chained, role is None, own.source.kind is SourceKind.DEMO
    )


# MoreSection: the inputs that few calls need, behind one line that always says which of them are filled in.


_WHAT: Final = "session policy, managed policies, tags, source identity"

Problems = Mapping[InputName, Sequence[str]]


class PoliciesField(CompletingInput):
    """ARNs of managed session policies, completed from the account's policies."""

    HELP_TITLE: ClassVar[str] = "Managed session policies, while they offer completions"
    REPLACED: ClassVar[bool] = False

    def is_part(self, value: str) -> bool:  # noqa: ARG002 - as in the base class
        """Another ARN may follow."""
        return True


class _Head(Static):
    """The visible line. A click opens and closes the section."""

    class Pressed(Message):
        """It was clicked."""

    def on_click(self) -> None:
        self.post_message(self.Pressed())


class MoreSection(Vertical):
    """Session policy, managed policies, tags, transitive tags and source identity. Says `Changed` at every change."""

    DEFAULT_CSS = """
    MoreSection {
        height: auto;

        & _Head {
            height: auto;
        }
        & #more-rows {
            display: none;
            height: auto;
        }
        &.-open #more-rows {
            display: block;
        }
        & Completions {
            margin: 0 1 1 16;
        }
    }
    """

    class Changed(Message):
        """Something in the section changed."""

    class Toggled(Message):
        """The section was opened or closed."""

    def __init__(self, account: Account) -> None:
        super().__init__()
        self._account = account
        self.policy = PolicyField(id="assume-policy")
        self._arns = PoliciesField(Completions(), placeholder="ARNs, 10 at most", id="assume-policy-arns")
        self.rows: Mapping[InputName, FormRow] = {
            InputName.POLICY: FormRow(
                "Session policy", self.policy, classes="-long", hint=line(("Enter", "bold $match"), " edits it")
            ),
            InputName.POLICY_ARNS: InputRow("Managed", self._arns, classes="-long", below=self._arns.completions),
            InputName.TAGS: InputRow(
                "Tags", SafeInput(id="assume-tags", compact=True, placeholder="key=value 'key=two words'"),
                classes="-long",
            ),
            InputName.TRANSITIVE_TAGS: InputRow(
                "Transitive", SafeInput(id="assume-transitive", compact=True, placeholder="keys of tags"),
                classes="-long", hint=plain("passed on by role chaining"),
            ),
            InputName.SOURCE_IDENTITY: InputRow(
                "Source identity", SafeInput(id="assume-identity", compact=True, max_length=256), shortest=2,
                hint=plain("stays through role chaining"),
            ),
        }  # fmt: skip

    def compose(self) -> ComposeResult:
        """The visible line; the rows come when the section is opened for the first time."""
        yield _Head(id="more-head")
        yield Vertical(id="more-rows")

    def on_mount(self) -> None:
        self._describe()

    # What is filled in.

    def _text(self, name: InputName) -> str:
        row = self.rows[name]
        assert isinstance(row, InputRow)
        return row.value

    def fill(self, extras: AssumeExtras) -> None:
        self.policy.set_text(extras.policy)
        for name, text in (
            (InputName.POLICY_ARNS, joined(extras.policy_arns)),
            (InputName.TAGS, joined(f"{key}={value}" for key, value in extras.tags)),
            (InputName.TRANSITIVE_TAGS, joined(extras.transitive_tag_keys)),
            (InputName.SOURCE_IDENTITY, extras.source_identity),
        ):
            row = self.rows[name]
            assert isinstance(row, InputRow)
            row.value = text
        self._arns.close()
        self._describe()

    def read(self) -> tuple[AssumeExtras, Problems]:
        """What is filled in, and what cannot be read of it."""
        if not any((self.policy.text, *(row.value for row in self.rows.values() if isinstance(row, InputRow)))):
            return NO_EXTRAS, {}
        tags: list[tuple[str, str]] = []
        unread: list[str] = []
        for word in words(self._text(InputName.TAGS), commas=False):
            key, equals, value = word.says.partition("=")
            if equals:
                tags.append((key, value))
            else:
                unread.append(f'The tag "{word.says}" has no value: write it as {word.says}=value.')
        extras = AssumeExtras(
            policy=self.policy.text,
            policy_arns=said(self._text(InputName.POLICY_ARNS), commas=True),
            tags=tuple(tags),
            transitive_tag_keys=said(self._text(InputName.TRANSITIVE_TAGS), commas=True),
            source_identity=self._text(InputName.SOURCE_IDENTITY),
        )
        return extras, {InputName.TAGS: unread} if unread else {}

    # Open and closed.

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    async def open(self, opened: bool = True) -> None:
        rows = self.query_one("#more-rows")
        if opened and not rows.children:
            await rows.mount_all(self.rows.values())
        self.set_class(opened, "-open")
        self._describe()
        self.post_message(self.Toggled())

    def _describe(self) -> None:
        filled = ", ".join(self._filled())
        mark = "▾" if self.is_open else "▸"
        what = (filled, "bold") if filled else (_WHAT, "$muted")
        self.query_one("#more-head", Static).update(line(("F2", "bold $match"), f" {mark} More: ", what))

    def _filled(self) -> list[str]:
        extras, _ = self.read()
        found = []
        if extras.policy:
            found.append(f"session policy ({len(extras.policy):,} characters)")
        if extras.policy_arns:
            found.append(_counted(len(extras.policy_arns), "managed policy", "managed policies"))
        if extras.tags:
            passed = len(extras.transitive_tag_keys)
            found.append(_counted(len(extras.tags), "tag", "tags") + (f", {passed} transitive" if passed else ""))
        if extras.source_identity:
            found.append(f"source identity {extras.source_identity}")
        return found

    @on(_Head.Pressed)
    async def _pressed(self, event: _Head.Pressed) -> None:
        event.stop()
        await self.open(not self.is_open)

    # Typing.

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.input is self._arns and self._arns.has_focus:
            self._complete()
        self._describe()
        self.post_message(self.Changed())

    @on(PolicyField.Changed)
    def _policy_changed(self, event: PolicyField.Changed) -> None:
        event.stop()
        self._describe()
        self.post_message(self.Changed())

    def _complete(self) -> None:
        word = self._arns.word
        if not word:
            self._arns.close()
            return
        find = partial(self._find, self._arns.value, word)
        self.run_worker(find, thread=True, exclusive=True, group="policy completion", exit_on_error=False)

    class _Found(Message):
        def __init__(self, text: str, word: str, offers: Sequence[Offer]) -> None:
            super().__init__()
            self.text, self.word, self.offers = text, word, offers

    def _find(self, text: str, word: str) -> None:
        worker = get_current_worker()
        kinds = {policy.arn: "AWS" if policy.aws_managed else "yours" for policy in self._account.policies}
        offers = [Offer(arn, kinds[arn]) for arn in best_matches(word, kinds)]
        if not worker.is_cancelled:
            self.post_message(self._Found(text, word, offers))

    @on(_Found)
    def _offer(self, event: _Found) -> None:
        event.stop()
        if self._arns.value == event.text:
            only_itself = [offer.value for offer in event.offers] == [event.word]
            self._arns.offer(() if only_itself else event.offers, event.word)

    @on(LineView.CursorMoved)
    def _unused(self, event: LineView.CursorMoved) -> None:
        event.stop()


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


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
    def typed(self) -> AssumeRoleInput:
        """What a plan follows: what the user has entered so far, ANY_CODE in the place of a whole MFA code."""
        changed = self.changed_value(InputName.DURATION)
        seconds = parse_duration(changed) if changed else None
        extras, _ = self._more.read()
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
        """Begin with inputs that were entered before."""
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
        if entered.extras != NO_EXTRAS and self._more.read()[0] == NO_EXTRAS:
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
        """What was entered. The MFA code leaves its field."""
        entered = self.entered(planned)
        # That it left is no change of what was entered: said late, it would take away why STS refused.
        with self.code_field.prevent(Input.Changed):
            return replace(entered, mfa_code=self.code_field.take())

    def entered(self, planned: Planned) -> AssumeRoleInput:
        """What was entered, the code as it stands in its field; what is no duration counts as the shortest."""
        seconds = parse_duration(self.value(InputName.DURATION))
        extras, _ = self._more.read()
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
