"""Inputs of the assume form that few calls need: the role itself, session policies, tags and source identity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from iamtui.account.model import Account
from iamtui.credentials.assume_role import LONGEST_POLICIES, InputName
from iamtui.credentials.session import NO_EXTRAS, AssumeExtras
from iamtui.text import counted
from iamtui.tui.assume.rows import FormRow, InputRow
from iamtui.tui.background import get_in_thread
from iamtui.tui.content import line, plain
from iamtui.tui.question.completing_input import CompletingInput, Completions, Offer, joined, said, words
from iamtui.tui.question.completion import best_matches
from iamtui.tui.widgets.inputs import SafeInput
from iamtui.workspace.assume.remembered_assume_input import role_arns

# RoleRow: the ARN of any role, completed from those that are known here.


_MOST: Final = 50


class RoleField(CompletingInput):
    """A role's ARN; part of a name is enough to find it."""

    HELP_TITLE: ClassVar[str] = "Role, while it offers completions"

    def is_part(self, value: str) -> bool:  # noqa: ARG002 - as in the base class
        return True


class RoleRow(InputRow):
    """The role as an input of the form."""

    def __init__(self, account: Account, recent: Sequence[str]) -> None:
        """Make the row.

        Args:
            account: whose roles are offered, and those that its policies name.
            recent: ARNs that were used before, newest first.
        """
        field = RoleField(Completions(), placeholder="ARN, or part of a name to find it", id="assume-role")
        super().__init__("Role", field, classes="-long", below=field.completions, shortest=20)
        self._account = account
        self._recent = tuple(recent)

    @on(Input.Changed)
    def _complete(self, event: Input.Changed) -> None:
        if event.input.has_focus:
            find, offer = partial(self._find, event.value), partial(self._offer, event.value)
            get_in_thread(self, find, offer, name="finding roles", group="role completion")

    def _find(self, text: str) -> list[Offer]:
        known = role_arns(self._account, self._recent)
        found = best_matches(text.strip(), known, _MOST) if text.strip() else list(known)[:_MOST]
        return [Offer(arn, known[arn]) for arn in found]

    def _offer(self, text: str, offers: Sequence[Offer]) -> None:
        if self.field.value == text and isinstance(self.field, RoleField):
            only_itself = [offer.value for offer in offers] == [text.strip()]
            self.field.offer(() if only_itself else offers, text.strip())
            nothing = text.strip() and not offers and ":role/" not in text
            self.note(plain("No role that is known here has this in its name." if nothing else ""))


# PolicyField: the session policy in one line; Enter opens its editor.


class PolicyField(Widget, can_focus=True):
    """Holds the policy as STS gets it, "" for none."""

    HELP_TITLE: ClassVar[str] = "Session policy"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "write", "Write", id="assume.policy-write", tooltip="Write the session policy"),
        Binding("delete,backspace", "drop", "Remove", id="assume.policy-drop", tooltip="Send no session policy"),
    ]

    DEFAULT_CSS = """
    PolicyField {
        width: 1fr;
        height: 1;
        background: $foreground 6%;

        &:focus {
            background: $foreground 14%;
        }
    }
    """

    @dataclass(eq=False, repr=False)
    class Write(Message):
        """The user wants to write the policy."""

    @dataclass(eq=False, repr=False)
    class PolicyChanged(Message):
        """There is another policy, or none any more."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._text = ""

    @property
    def text(self) -> str:
        return self._text

    def set_text(self, text: str) -> None:
        """Hold another policy, or "" for none."""
        if text != self._text:
            self._text = text
            self.refresh()
            self.post_message(self.PolicyChanged())

    def render(self) -> Content:
        if not self._text:
            return plain("none", "$muted")
        used = len(self._text)
        style = "bold" if used <= LONGEST_POLICIES else "bold $verdict-denied"
        return line((f"{used:,} of {LONGEST_POLICIES:,} characters", style), ("  Delete removes it", "$faint"))

    def action_write(self) -> None:
        self.post_message(self.Write())

    def action_drop(self) -> None:
        self.set_text("")

    def on_click(self) -> None:
        self.action_write()


# MoreInputs: session policies, tags and source identity.


Problems = Mapping[InputName, Sequence[str]]


class PoliciesField(CompletingInput):
    """ARNs of managed session policies, completed from the account's policies."""

    HELP_TITLE: ClassVar[str] = "Managed session policies, while they offer completions"
    REPLACED: ClassVar[bool] = False

    def is_part(self, value: str) -> bool:  # noqa: ARG002 - as in the base class
        """Another ARN may follow."""
        return True


class MoreInputs(Vertical):
    """Session policy, managed policies, tags, transitive tags and source identity. Says `Changed` at every change."""

    DEFAULT_CSS = """
    MoreInputs {
        height: auto;

        & Completions {
            margin: 0 1 1 16;
        }
    }
    """

    class ExtrasChanged(Message):
        """Something was filled in."""

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
        yield from self.rows.values()

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

    def read(self) -> tuple[AssumeExtras, Problems]:
        """Extra inputs, and those that cannot be read."""
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

    # Typing.

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.input is self._arns and self._arns.has_focus:
            self._complete()
        self.post_message(self.ExtrasChanged())

    @on(PolicyField.PolicyChanged)
    def _policy_changed(self, event: PolicyField.PolicyChanged) -> None:
        event.stop()
        self.post_message(self.ExtrasChanged())

    def _complete(self) -> None:
        word = self._arns.word
        if not word:
            self._arns.close()
            return
        find, offer = partial(self._find, word), partial(self._offer, self._arns.value, word)
        get_in_thread(self, find, offer, name="finding policies", group="policy completion")

    def _find(self, word: str) -> list[Offer]:
        kinds = {policy.arn: "AWS" if policy.aws_managed else "yours" for policy in self._account.policies}
        return [Offer(arn, kinds[arn]) for arn in best_matches(word, kinds)]

    def _offer(self, text: str, word: str, offers: Sequence[Offer]) -> None:
        if self._arns.value == text:
            only_itself = [offer.value for offer in offers] == [word]
            self._arns.offer(() if only_itself else offers, word)


def filled_words(extras: AssumeExtras) -> str:
    """Filled extras in a few words; "" for nothing."""
    found = []
    if extras.policy:
        found.append(f"session policy ({len(extras.policy):,} characters)")
    if extras.policy_arns:
        found.append(counted(len(extras.policy_arns), "managed policy", "managed policies"))
    if extras.tags:
        passed = len(extras.transitive_tag_keys)
        found.append(counted(len(extras.tags), "tag") + (f", {passed} transitive" if passed else ""))
    if extras.source_identity:
        found.append(f"source identity {extras.source_identity}")
    return ", ".join(found)
