"""The parts of the assume form: rows of a label, a field and what is wrong with it; our own answer; what STS said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static
from textual.worker import get_current_worker

from iamtui.account.model import Account
from iamtui.credentials.assume_role import LONGEST_POLICIES
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.tui.content import line, lines, plain
from iamtui.tui.question.completing_input import CompletingInput, Completions, Offer
from iamtui.tui.question.completion import best_matches
from iamtui.workspace.assume_plan import Side, SideAnswer, Sides
from iamtui.workspace.credential_commands import login_command
from iamtui.workspace.remembered_assume_input import role_arns


class FormRow(Vertical):
    """One input of the form."""

    DEFAULT_CSS = """
    FormRow {
        height: auto;

        & Horizontal {
            height: 1;
        }
        & Label {
            width: 16;
            color: $muted;
        }
        &.-here Label {
            color: $heading;
            text-style: bold;
        }
        & Input {
            width: 28;
            background: $foreground 6%;
        }
        & Input:focus {
            background: $foreground 14%;
        }
        &.-long Input {
            width: 1fr;
        }
        &.-long .hint {
            width: auto;
            max-width: 40%;
        }
        & .hint {
            width: 1fr;
            height: 1;
            padding-left: 1;
            color: $muted;
            text-wrap: nowrap;
            text-overflow: ellipsis;
        }
        & .note, & .problem {
            height: auto;
            padding-left: 16;
            color: $muted;
        }
        & .problem {
            color: $verdict-denied;
        }
    }
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
        self._said: dict[str, Content] = {}

    def compose(self) -> ComposeResult:
        """Label, field and hint on one line; below it only what there is to say."""
        with Horizontal():
            yield Label(plain(self._label))
            yield self.field
            yield Static(self._hint, classes="hint")
        if self._below is not None:
            yield self._below
        for what in ("note", "problem"):
            words: Content | None = self._said.get(what)
            if words:
                yield Static(words, classes=what)

    def on_descendant_focus(self) -> None:
        self.add_class("-here")

    def on_descendant_blur(self) -> None:
        self.remove_class("-here")

    @property
    def is_used(self) -> bool:
        return self.display

    def use(self, used: bool) -> None:
        # A class would have the styles of all that is in the row worked out again.
        if used is not self.display:
            self.display = used

    def hint(self, words: Content) -> None:
        self._hint = words
        for shown in self.query(".hint").results(Static):
            shown.update(words)

    def note(self, words: Content) -> None:
        """Say something below the field; nothing takes it away."""
        self._say("note", words)

    def show_problems(self, sentences: Sequence[str]) -> None:
        """Say what is wrong with the field; nothing clears it."""
        self._say("problem", lines(*(line(("! ", "bold"), sentence) for sentence in sentences)))

    def _say(self, what: str, words: Content) -> None:
        """Say it below the field, a note above a problem. A row that is not on screen yet says it when it comes."""
        self._said[what] = words
        shown = self.query(f".{what}")
        if shown:
            said = shown.first(Static)
            said.update(words)
            said.display = bool(words)
        elif words and self.children:
            problem = self.query(".problem")
            self.mount(Static(words, classes=what), before=problem.first() if problem else None)

    @property
    def is_wrong(self) -> bool:
        """Whether something is said to be wrong with the field."""
        return bool(self._said.get("problem"))


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
        """What was typed, without blanks around it."""
        return self.field.value.strip()

    @value.setter
    def value(self, text: str) -> None:
        self.field.value = safe_text(text, limit=None)

    @property
    def is_unfinished(self) -> bool:
        """Whether the user is still typing what cannot be right yet."""
        return self.field.has_focus and len(self.value) < self._shortest


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
            find = partial(self._find, event.value)
            self.run_worker(find, thread=True, exclusive=True, group="role completion", exit_on_error=False)

    def _find(self, text: str) -> None:
        worker = get_current_worker()
        known = role_arns(self._account, self._recent)
        found = best_matches(text.strip(), known, _MOST) if text.strip() else list(known)[:_MOST]
        if not worker.is_cancelled:
            self.call_later(self._offer, text, [Offer(arn, known[arn]) for arn in found])

    def _offer(self, text: str, offers: Sequence[Offer]) -> None:
        if self.field.value == text and isinstance(self.field, RoleField):
            only_itself = [offer.value for offer in offers] == [text.strip()]
            self.field.offer(() if only_itself else offers, text.strip())


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
    class Changed(Message):
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
            self.post_message(self.Changed())

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


# SidesView: what the role's side and the caller's side say to sts:AssumeRole, a line each.


_WORDS: Final = {
    SideAnswer.YES: ("[+] yes:", "$verdict-allowed"),
    SideAnswer.DENIED: ("[x] no:", "$verdict-denied"),
    SideAnswer.NOTHING: ("[-] no:", "$verdict-denied"),
    SideAnswer.DEPENDS: ("[?]", "$verdict-depends"),
    SideAnswer.UNKNOWN: ("[?] not known:", "$verdict-depends"),
}


class SidesView(Vertical):
    """Two lines, and a third for what they mean together."""

    DEFAULT_CSS = """
    SidesView {
        height: auto;
        margin-bottom: 1;

        & Horizontal {
            height: auto;
        }
        & Static {
            width: 1fr;
            height: auto;
        }
        & Label {
            width: 16;
            color: $muted;
        }
        & #assume-outlook.-empty {
            display: none;
        }
    }
    """

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label("Trust")
            yield Static(id="assume-trust")
        with Horizontal():
            yield Label("Your side")
            yield Static(id="assume-own")
        yield Static(id="assume-outlook", classes="-empty")

    def show(self, sides: Sides, outlook: Content) -> None:
        self.query_one("#assume-trust", Static).update(side_content(sides.trust))
        self.query_one("#assume-own", Static).update(side_content(sides.own))
        self._look(outlook)

    def wait(self, words: Content) -> None:
        """Say why there is no answer yet."""
        self.query_one("#assume-trust", Static).update(words)
        self.query_one("#assume-own", Static).update(plain("…", "$muted"))
        self._look(Content(""))

    def _look(self, outlook: Content) -> None:
        self.query_one("#assume-outlook", Static).update(outlook)
        self.query_one("#assume-outlook").set_class(not outlook, "-empty")


def side_content(side: Side) -> Content:
    """Mark, word and reason of one side."""
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
        """Say what went wrong and, below it, what to do."""
        said, ours, reading = problem.sentence.partition(_OURS)
        rows = [line(("! ", "bold $verdict-denied"), (said.rstrip(), "$verdict-denied"))]
        if reading:
            rows.append(line(f"{ours}{reading}"))
        if problem.next_step:
            rows.append(line(("> ", "bold $match"), problem.next_step))
        if login_command(problem):
            rows.append(line(("> ", "bold $match"), "Then ", ("F5", "bold $match"), " tries again."))
        self._show(rows)

    def say(self, *sentences: str, style: str = "$verdict-denied") -> None:
        """Say sentences, one below the other; none empties it."""
        self._show([line(("! ", f"bold {style}"), (sentence, style)) for sentence in sentences if sentence])

    def progress(self, words: str) -> None:
        self._show([plain(words, "$muted")])

    def _show(self, rows: list[Content]) -> None:
        self.query_one(Static).update(lines(*rows))
        self.set_class(not rows, "-empty")
        self.scroll_home(animate=False)
