"""The small dialogs of drafts: choose from a list, type one line, decide."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from iamtui.tui.safe import line, plain, safe_text
from iamtui.tui.widgets.draft.option_lines import Choice, OptionLines
from iamtui.tui.widgets.line_view import LineView
from iamtui.tui.widgets.safe_input import SafeInput

LONGEST_WAIT_SECONDS: Final = 5.0
"""How long Enter waits for choices that are still being found."""

_BOX = """
    & > Vertical {
        width: 90%;
        max-width: 100;
        height: auto;
        max-height: 90%;
        padding: 0 1;
        border: round $rule-focused;
        border-title-color: $heading;
        background: $surface;
    }
    & OptionLines {
        height: auto;
        max-height: 16;
    }
    & Input {
        background: $cursor;
        height: 1;
        padding: 0;
    }
    & .hint {
        height: auto;
        color: $muted;
    }
"""


class ChoiceDialog(ModalScreen[str | None]):
    """Gives the key of the choice that was made, or None. What is typed narrows the list.

    It is added to the key of a choice that makes something new of it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="choice.cancel", tooltip="Choose nothing"),
        Binding("down", "step(1)", "Next", show=False, id="choice.next", tooltip="Next choice"),
        Binding("up", "step(-1)", "Previous", show=False, id="choice.previous", tooltip="Choice before"),
        Binding("pagedown", "step(10)", "Further down", show=False, id="choice.page-down", tooltip="Ten choices down"),
        Binding("pageup", "step(-10)", "Further up", show=False, id="choice.page-up", tooltip="Ten choices up"),
    ]

    DEFAULT_CSS = f"ChoiceDialog {{ align: center middle; background: $background 40%; {_BOX} }}"

    def __init__(
        self,
        title: Content,
        choices: Sequence[Choice],
        *,
        empty: str = "There is nothing to choose.",
        more: Callable[[], Sequence[Choice]] | None = None,
        hint: Content | None = None,
    ) -> None:
        """Make the dialog.

        Args:
            empty: what to say when there is nothing to choose, and what to do.
            more: gives further choices, slowly; called in a thread.
            hint: a line below the list instead of the usual one.
        """
        super().__init__()
        self._title = title
        self._choices = list(choices)
        self._empty = empty
        self._more = more
        self._loaded = asyncio.Event()
        if more is None:
            self._loaded.set()
        self._hint = hint

    def compose(self) -> ComposeResult:
        """Field, list, hint."""
        with Vertical():
            yield SafeInput(placeholder="type to narrow the list", compact=True, id="choice-filter")
            yield OptionLines(self._choices, id="choices")
            yield Static(id="choice-hint", classes="hint", markup=False)

    def on_mount(self) -> None:
        """Let the keys work at once."""
        self.query_one(Vertical).border_title = self._title
        self._narrow("")
        self.query_one(Input).focus()
        if self._more is not None:
            self.run_worker(self._load, thread=True, exit_on_error=False)

    @property
    def lines(self) -> OptionLines:
        """The list."""
        return self.query_one(OptionLines)

    def _load(self) -> None:
        assert self._more is not None
        more = self._more()
        self.app.call_from_thread(self._add, more)

    def _add(self, more: Sequence[Choice]) -> None:
        known = {choice.key for choice in self._choices}
        self._choices += [choice for choice in more if not choice.key or choice.key not in known]
        self._loaded.set()
        self.lines.set_choices(self._choices, self.lines.cursor)
        self._say()

    @on(Input.Changed, "#choice-filter")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._narrow(event.value)

    def _narrow(self, needle: str) -> None:
        self.lines.set_choices(self._choices)
        self.lines.narrow(needle)
        self._say()

    def _say(self) -> None:
        hint = self.query_one("#choice-hint", Static)
        count = sum(1 for choice in self.lines.shown if choice.key)
        self.lines.display = bool(count)
        if not count:
            hint.update(
                plain(
                    "Looking …" if not self._loaded.is_set() else self._empty if not self._choices else "Nothing fits."
                )
            )
        elif self._hint is not None:
            hint.update(self._hint)
        else:
            many = f"{count:,} choice{'' if count == 1 else 's'}"
            hint.update(plain(f"{many}   Enter chooses, Escape goes back"))

    @on(Input.Submitted)
    async def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        with suppress(TimeoutError):
            # What was typed may fit better what is still to come.
            await asyncio.wait_for(self._loaded.wait(), LONGEST_WAIT_SECONDS)
        self._take()

    @on(LineView.LineOpened)
    def _opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        self._take()

    @on(LineView.CursorMoved)
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        choice = self.lines.choice
        if choice is not None and choice.detail:
            self.query_one("#choice-hint", Static).update(plain(choice.detail))

    def _take(self) -> None:
        choice = self.lines.choice
        if choice is not None:
            self.dismiss(choice.key + self.query_one(Input).value.strip() if choice.makes_new else choice.key)

    def action_step(self, lines: int) -> None:
        """Move through the choices while typing."""
        self.lines.move_to(self.lines.cursor + lines, 1 if lines > 0 else -1)

    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)


class LineDialog(ModalScreen[str | None]):
    """Gives the line that was typed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="line.cancel", tooltip="Go back without an answer"),
    ]

    DEFAULT_CSS = f"LineDialog {{ align: center middle; background: $background 40%; {_BOX} }}"

    def __init__(
        self, title: Content, value: str, hint: Content, *, check: Callable[[str], str] = lambda _text: ""
    ) -> None:
        """Make the dialog.

        Args:
            value: what the field holds at first.
            hint: what is expected.
            check: says what is wrong with a text, or "".
        """
        super().__init__()
        self._title = title
        self._value = value
        self._hint = hint
        self._check = check

    def compose(self) -> ComposeResult:
        """Field and hint."""
        with Vertical():
            yield SafeInput(value=self._value, compact=True, id="line")
            yield Label(self._hint, id="line-hint", classes="hint")

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Vertical).border_title = self._title
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        wrong = self._check(text)
        if wrong:
            self.query_one("#line-hint", Label).update(line(("! ", "bold $verdict-denied"), plain(wrong)))
        else:
            self.dismiss(text)

    def action_cancel(self) -> None:
        """Go back."""
        self.dismiss(None)


_POLICY_NAME: Final = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
"""What IAM takes as the name of a policy (IAM API Reference: PutUserPolicy)."""


def policy_name_fault(name: str) -> str:
    """What is wrong with the name of a policy, or ""."""
    return "" if _POLICY_NAME.fullmatch(name) else "Use 1 to 128 letters, digits and characters of +=,.@-_."


def needed(text: str) -> str:
    """What is wrong with a text that must not be empty."""
    return "" if text else "Type something, or press Escape."


def label_of(text: str) -> str:
    """A raw text as a short label."""
    return safe_text(text, limit=64)
