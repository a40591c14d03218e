"""MoreSection: the inputs that few calls need, behind one line that always says which of them are filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from iamtui.account.model import Account
from iamtui.tui.dialogs.assume.policy_field import PolicyField
from iamtui.tui.dialogs.assume.rows import FormRow, InputRow
from iamtui.tui.safe import line, plain
from iamtui.tui.widgets.line_view import LineView
from iamtui.tui.widgets.question.completion import best_matches
from iamtui.tui.widgets.question.field import CompletingInput, Completions, Offer
from iamtui.tui.widgets.question.words import joined, said, words
from iamtui.tui.widgets.safe_input import SafeInput
from iamtui.workspace.assume.assuming import AssumeExtras
from iamtui.workspace.assume.fields import InputName

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
        """Open or close."""
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
        """The line, then the rows."""
        yield _Head(id="more-head")
        with Vertical(id="more-rows"):
            yield from self.rows.values()

    def on_mount(self) -> None:
        """Say what is in here."""
        self._describe()

    # What is filled in.

    def _text(self, name: InputName) -> str:
        row = self.rows[name]
        assert isinstance(row, InputRow)
        return row.value

    def fill(self, extras: AssumeExtras) -> None:
        """Fill the fields in."""
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
        """Whether the fields are on screen."""
        return self.has_class("-open")

    def toggle(self) -> None:
        """Open or close."""
        self.open(not self.is_open)

    def open(self, opened: bool = True) -> None:
        """Show the fields or hide them."""
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
    def _pressed(self, event: _Head.Pressed) -> None:
        event.stop()
        self.toggle()

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
        """In a thread."""
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
