"""Parts of the assume form: rows of a label, a field and its problem; our own answer; the answer of STS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from iamtui.account.model import Missing
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.tui import clock
from iamtui.tui.content import line, lines, plain
from iamtui.tui.sessions.text import role_name
from iamtui.workspace.assume.assume_plan import Side, SideAnswer, Sides
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
        """The text without blanks around it."""
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

    HELP_TITLE: ClassVar[str] = "Caller"

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
        """The session that is chosen, or None for the account's own caller."""
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
        """Say why there is no answer yet."""
        self._say(words, plain("…", "$muted"), Content(""))

    def _say(self, trust: Content, own: Content, outlook: Content) -> None:
        self._said = trust, own, outlook
        self.refresh(layout=True)

    def _lines(self, width: int) -> Sequence[Content]:
        trust, own, outlook = self._said
        rows = []
        for label, words in (("Trust", trust), ("Your side", own)):
            first, *others = words.wrap(max(1, width - _LABEL))
            rows += [line((label.ljust(_LABEL), "$muted"), first), *(other.pad_left(_LABEL) for other in others)]
        return [*rows, *(outlook.wrap(width) if outlook else ())]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's signature
        return len(self._lines(width)) if width else 0

    def render(self) -> Content:
        return lines(*self._lines(self.content_size.width))


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
        if problem.login_command:
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
