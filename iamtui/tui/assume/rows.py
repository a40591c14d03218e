"""Rows of the assume form: choices, caller, both sides, a failure, the role, session policies, tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from iamtui.account.model import Account, Missing
from iamtui.credentials.assume_role import LONGEST_POLICIES, InputName
from iamtui.credentials.session import NO_EXTRAS, AssumeExtras, Session
from iamtui.problem import Problem
from iamtui.text import counted, safe_text
from iamtui.tui import clock
from iamtui.tui.background import get_in_thread
from iamtui.tui.content import line, lines, plain
from iamtui.tui.question.completing_input import CompletingInput, Completions, Offer, joined, said, words
from iamtui.tui.question.completion import best_matches
from iamtui.tui.sessions.text import role_name
from iamtui.tui.widgets.inputs import SafeInput
from iamtui.workspace.assume.assume_plan import Side, SideAnswer, Sides
from iamtui.workspace.assume.remembered_assume_input import role_arns
from iamtui.workspace.source.workspace import Workspace

_LABEL: Final = 16
_FIELD: Final = 28
"""Cells of a label, and of a field that does not take the whole line."""


_BELOW: Final = ("note", "problem")


class FormRow(Vertical):
    """One input of the form. It draws label and hint itself: each widget more is mounted, styled and placed."""

    DEFAULT_CSS = f"""
    FormRow {{
        height: auto;
        text-wrap: nowrap;
        text-overflow: ellipsis;

        & > Input {{
            width: {_FIELD};
            margin-left: {_LABEL};
            background: $foreground 6%;
        }}
        & > Input:focus {{
            background: $foreground 14%;
        }}
        &.-long > Input {{
            width: 1fr;
        }}
        & > .note, & > .problem {{
            height: auto;
            padding-left: {_LABEL};
            color: $muted;
        }}
        & > .problem {{
            color: $verdict-denied;
        }}
    }}
    """

    def __init__(
        self, label: str, field: Widget, *, hint: Content | None = None, classes: str = "", below: Widget | None = None
    ) -> None:
        """Make a row.

        Args:
            label: a literal.
            field: what is filled in.
            hint: what stands beside it.
            classes: "-long" for a field that takes the whole line.
            below: what opens under the field.
        """
        super().__init__(classes=classes)
        self.field = field
        self._label = label
        self._hint = hint if hint is not None else Content("")
        self._below = below
        self._said: dict[str, Static] = {}
        self._leave_room()

    def compose(self) -> ComposeResult:
        """The field; below it only what there is to say."""
        yield self.field
        if self._below is not None:
            yield self._below
        yield from (self._said[what] for what in _BELOW if what in self._said)

    def render(self) -> Content:
        """Label and hint, on the line of the field."""
        label = (self._label.ljust(_LABEL), "bold $heading" if self.field.has_focus else "$muted")
        field = self.size.width - _LABEL - self._room if self.has_class("-long") else _FIELD
        return Content.assemble(label, " " * (field + 1), self._hint.stylize_before("$muted"))

    @property
    def _room(self) -> int:
        """Cells for the hint beside a field that takes the whole line, two fifths of the line at most."""
        room = self._hint.cell_length + 1
        return min(room, self.size.width * 2 // 5 or room)

    def _leave_room(self) -> None:
        if self.has_class("-long"):
            self.field.styles.margin = 0, self._room, 0, _LABEL

    def on_resize(self) -> None:
        self._leave_room()

    def on_descendant_focus(self) -> None:
        self.refresh()

    def on_descendant_blur(self) -> None:
        self.refresh()

    @property
    def is_used(self) -> bool:
        return self.display

    def use(self, used: bool) -> None:
        # A class would have the styles of all that is in the row worked out again.
        if used is not self.display:
            self.display = used

    def hint(self, words: Content) -> None:
        if not words.is_same(self._hint):
            self._hint = words
            self._leave_room()
            self.refresh()

    def note(self, words: Content) -> None:
        """Say something below the field; nothing takes it away."""
        self._say("note", words)

    def show_problems(self, sentences: Sequence[str]) -> None:
        """Say what is wrong with the field; nothing clears it."""
        self._say("problem", lines(*(line(("! ", "bold"), sentence) for sentence in sentences)))

    def _say(self, what: str, words: Content) -> None:
        """Say it below the field, a note above a problem. A row that is not on screen yet says it when it comes."""
        shown = self._said.get(what)
        if shown is None and words:
            shown = self._said[what] = Static(words, classes=what)
            if self.children:
                self.mount(shown, before=self._said.get("problem") if what == "note" else None)
        elif shown is not None:
            shown.update(words)
            shown.display = bool(words)

    @property
    def is_wrong(self) -> bool:
        """True while a problem is shown below the field."""
        return "problem" in self._said and self._said["problem"].display


class InputRow(FormRow):
    """A row with a field to type into."""

    field: Input

    def __init__(
        self,
        label: str,
        field: Input,
        *,
        hint: Content | None = None,
        classes: str = "",
        below: Widget | None = None,
        shortest: int = 0,
    ) -> None:
        """Make a row; a field that has the focus and is shorter than `shortest` is not called wrong yet."""
        super().__init__(label, field, hint=hint, classes=classes, below=below)
        self._shortest = shortest

    @property
    def value(self) -> str:
        return self.field.value.strip()

    @value.setter
    def value(self, text: str) -> None:
        self.field.value = safe_text(text, limit=None)

    @property
    def is_unfinished(self) -> bool:
        """True while the user is still typing and the text is too short to be right."""
        return self.field.has_focus and len(self.value) < self._shortest


# CallerChoice: who is to assume the role, the account's own caller or one of the live sessions (role chaining).


class CallerChoice(Widget):
    """One caller at a time; with sessions to choose from it takes the focus, and arrows change it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,down,space", "next(1)", "Next caller", show=False, id="assume.caller-next"),
        Binding("left,up", "next(-1)", "Caller before", show=False, id="assume.caller-before"),
    ]

    DEFAULT_CSS = """
    CallerChoice {
        width: 1fr;
        height: 1;

        &:focus {
            background: $cursor;
        }
    }
    """

    @dataclass(eq=False, repr=False)
    class CallerChosen(Message):
        """Somebody else is to assume the role."""

        caller: Session | None

    def __init__(self, workspace: Workspace, caller: Session | None, callers: Sequence[Session]) -> None:
        """Make the choice.

        Args:
            workspace: the account, with its own caller.
            caller: who is chosen at first; None is the account's own caller.
            callers: the sessions; those that have ended, or are not who they should be, are left out.
        """
        super().__init__()
        self._workspace = workspace
        usable = [held for held in callers if not held.expired(clock.now()) and not held.contradicted]
        if caller is not None:
            usable = [caller, *(held for held in usable if held.key != caller.key)]
        self._options: tuple[Session | None, ...] = (None, *usable)
        self._at = 0 if caller is None else 1
        self.can_focus = len(self._options) > 1

    @property
    def caller(self) -> Session | None:
        return self._options[self._at]

    @property
    def hint(self) -> Content:
        if not self.can_focus:
            return Content("")
        return line(("F3", "bold $match"), (f" another of {len(self._options)}", "$muted"))

    def on_mount(self) -> None:
        """Keep the time left true."""
        if self.can_focus:
            self.set_interval(1, self.refresh)

    def action_next(self, step: int) -> None:
        if self.can_focus:
            self._at = (self._at + step) % len(self._options)
            self.refresh()
            self.post_message(self.CallerChosen(self.caller))

    def on_click(self) -> None:
        self.action_next(1)

    def render(self) -> Content:
        session = self.caller
        if session is None:
            fact = self._workspace.account.caller_arn
            if isinstance(fact, Missing):
                return plain("not known", "$muted")
            return plain(fact.value.split(":", 5)[-1], "bold")
        left = session.time_left_words(clock.now())
        return line(("the session of ", "$muted"), (role_name(session), "bold"), (f", {left} left", "$muted"))


# SidesView: what the role's side and the caller's side say to sts:AssumeRole, a line each.


_WORDS: Final = {
    SideAnswer.YES: ("[+] yes:", "$verdict-allowed"),
    SideAnswer.DENIED: ("[x] no:", "$verdict-denied"),
    SideAnswer.NOTHING: ("[-] no:", "$verdict-denied"),
    SideAnswer.DEPENDS: ("[?]", "$verdict-depends"),
    SideAnswer.UNKNOWN: ("[?] not known:", "$verdict-depends"),
}


class SidesView(Widget):
    """Two lines, and a third for what they mean together; what does not fit goes on below, behind the label."""

    DEFAULT_CSS = """
    SidesView {
        height: auto;
        margin-bottom: 1;
    }
    """

    _said = Content(""), Content(""), Content("")

    def show(self, sides: Sides, outlook: Content) -> None:
        self._say(side_content(sides.trust), side_content(sides.own), outlook)

    def wait(self, words: Content) -> None:
        self._say(words, plain("…", "$muted"), Content(""))

    def _say(self, trust: Content, own: Content, outlook: Content) -> None:
        self._said = trust, own, outlook
        self.refresh(layout=True)

    def _lines(self, width: int) -> Sequence[Content]:
        trust, own, outlook = self._said
        rows = []
        for label, side in (("Trust", trust), ("Your side", own)):
            first, *others = side.wrap(max(1, width - _LABEL))
            rows += [line((label.ljust(_LABEL), "$muted"), first), *(other.pad_left(_LABEL) for other in others)]
        return [*rows, *(outlook.wrap(width) if outlook else ())]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's signature
        return len(self._lines(width)) if width else 0

    def render(self) -> Content:
        return lines(*self._lines(self.content_size.width))


def side_content(side: Side) -> Content:
    words, style = _WORDS[side.answer]
    return line((words, f"bold {style}"), " ", side.why)


# FailureView: why a role was not assumed, scrollable, until the input changes.


_OURS: Final = "By our own reading"
"""Where an explanation of ours begins behind AWS's own words."""


class FailureView(VerticalScroll, can_focus=False):
    """Empty it takes no room; long it scrolls with Page Up and Page Down from any field."""

    DEFAULT_CSS = """
    FailureView {
        height: auto;
        dock: bottom;
        max-height: 8;
        margin-top: 1;
        scrollbar-size-vertical: 1;

        &.-empty {
            display: none;
        }
        & Static {
            height: auto;
        }
    }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes="-empty")

    def compose(self) -> ComposeResult:
        yield Static()

    def show_problem(self, problem: Problem) -> None:
        said, ours, reading = problem.sentence.partition(_OURS)
        rows = [line(("! ", "bold $verdict-denied"), (said.rstrip(), "$verdict-denied"))]
        if reading:
            rows.append(line(f"{ours}{reading}"))
        if problem.next_step:
            rows.append(line(("> ", "bold $match"), problem.next_step))
        if problem.login_command:
            rows.append(line(("> ", "bold $match"), "Then ", ("F5", "bold $match"), " tries again."))
        self._show(rows)

    def say(self, *sentences: str, style: str = "$verdict-denied") -> None:
        self._show([line(("! ", f"bold {style}"), (sentence, style)) for sentence in sentences if sentence])

    def progress(self, words: str) -> None:
        self._show([plain(words, "$muted")])

    def _show(self, rows: list[Content]) -> None:
        self.query_one(Static).update(lines(*rows))
        self.set_class(not rows, "-empty")
        self.scroll_home(animate=False)


# Inputs of the assume form that few calls need: the role itself, session policies, tags and source identity.


# RoleRow: the ARN of any role, completed from those that are known here.


_MOST: Final = 50


class RoleField(CompletingInput):
    """A role's ARN; part of a name is enough to find it."""

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
