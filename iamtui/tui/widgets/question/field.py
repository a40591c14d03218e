"""A one-line field with completion: the list opens while typing and never takes the focus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from iamtui.text import safe_text
from iamtui.tui.widgets.safe_input import SafeInput


class Completions(OptionList, can_focus=False):
    """The list under a field. It lies over what is below and shows what the field offers."""

    DEFAULT_CSS = """
    Completions {
        overlay: screen;
        constrain: inside inflect;
        display: none;
        width: 100%;
        height: auto;
        max-height: 10;
        margin: 0 1 1 10;
        padding: 0;
        border: none;
        background: $surface-lighten-1;
        scrollbar-size-vertical: 1;

        & > .option-list--option-highlighted {
            background: $primary;
            color: $text;
            text-style: bold;
        }
        &.-open {
            display: block;
        }
    }
    """


class CompletingInput(SafeInput):
    """A field whose completions are driven from the keyboard without leaving it.

    Down and Up choose, Enter takes (`Entered`), Escape closes the list; with the list closed these keys are
    the surroundings' own. Whoever hears `Changed` calls `offer` with what fits.
    """

    HELP_TITLE: ClassVar[str] = "Fields of the question, while they offer completions"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "choose(1)", "Next completion", show=False, id="completion.next"),
        Binding("up", "choose(-1)", "Previous completion", show=False, id="completion.previous"),
        Binding("pagedown", "choose(9)", "Completions further down", show=False, id="completion.page-down"),
        Binding("pageup", "choose(-9)", "Completions further up", show=False, id="completion.page-up"),
        Binding("escape", "close", "Close completions", show=False, id="completion.close"),
    ]

    @dataclass
    class Entered(Message):
        """Enter was pressed; a completion that was to be taken has been."""

        field: CompletingInput

        @property
        def control(self) -> CompletingInput:
            """The field."""
            return self.field

    def __init__(self, completions: Completions, *, placeholder: str, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(placeholder=safe_text(placeholder), id=id, compact=True)
        self.completions = completions
        self._offered: tuple[str, ...] = ()
        self._chosen = False

    def offer(self, values: Sequence[str], needle: str) -> None:
        """Show completions (raw values); none closes the list. The first one is taken by Enter unless refused."""
        self._chosen = False
        # A value that the field could not hold as it is would be another one once taken.
        offered = tuple(value for value in values if safe_text(value, limit=None) == value)
        self._offered = offered if self.has_focus else ()
        self.completions.clear_options()
        if not self._offered:
            self.completions.remove_class("-open")
            return
        self.completions.add_options([Option(_emphasised(value, needle)) for value in self._offered])
        self.completions.highlighted = 0
        self.completions.add_class("-open")

    @property
    def is_open(self) -> bool:
        """Whether the list of completions is on screen."""
        return bool(self._offered)

    def close(self) -> None:
        """Close the list of completions."""
        self._offered = ()
        self._chosen = False
        self.completions.remove_class("-open")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's signature
        """Leave the list's keys to the surroundings while it is closed."""
        if action in ("choose", "close"):
            return self.is_open
        return True

    def action_choose(self, step: int) -> None:
        """Move through the completions."""
        at = self.completions.highlighted or 0
        self.completions.highlighted = max(0, min(len(self._offered) - 1, at + step))
        self._chosen = True

    def action_close(self) -> None:
        """Close the list of completions."""
        self.close()

    async def action_submit(self) -> None:
        """Take the chosen completion, or the first one unless the text stands by itself, and say so."""
        if self.is_open and (self._chosen or not self.stands_alone(self.value)):
            value = self._offered[self.completions.highlighted or 0]
            self.take(value)
            if self.is_part(value):
                self.close()
                return
        self.close()
        self.post_message(self.Entered(self))

    def stands_alone(self, text: str) -> bool:
        """Whether Enter keeps the text as it is when no completion was chosen."""
        return text in self._offered

    def is_part(self, value: str) -> bool:  # noqa: ARG002 - for subclasses
        """Whether a completion needs more typing, so that Enter only takes it."""
        return False

    def take(self, value: str) -> None:
        """Put a completion into the field."""
        self.value = value
        self.cursor_position = len(value)

    def _on_blur(self, event: events.Blur) -> None:
        super()._on_blur(event)
        self.close()


def _emphasised(value: str, needle: str) -> Content:
    """A completion with the first occurrence of what was typed made bold."""
    text = safe_text(value)
    at = text.lower().find(needle.lower()) if needle else -1
    content = Content(text)
    return content.stylize("bold underline", at, at + len(needle)) if at >= 0 else content
