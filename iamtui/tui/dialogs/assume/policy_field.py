"""PolicyField: the session policy in one line; Enter opens its editor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from iamtui.credentials.assume_request import LONGEST_POLICIES
from iamtui.tui.safe import line, plain


class PolicyField(Widget, can_focus=True):
    """Holds the policy as STS gets it, "" for none."""

    HELP_TITLE: ClassVar[str] = "Session policy"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "write", "Write", id="assume.policy-write", tooltip="Write the session policy"),
        Binding("delete,backspace", "drop", "Drop", id="assume.policy-drop", tooltip="Send no session policy"),
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
        """The policy as STS gets it, or ""."""
        return self._text

    def set_text(self, text: str) -> None:
        """Hold another policy, or "" for none."""
        if text != self._text:
            self._text = text
            self.refresh()
            self.post_message(self.Changed())

    def render(self) -> Content:
        """How long it is."""
        if not self._text:
            return plain("none", "$muted")
        used = len(self._text)
        style = "bold" if used <= LONGEST_POLICIES else "bold $verdict-denied"
        return line((f"{used:,} of {LONGEST_POLICIES:,} characters", style), ("  Delete drops it", "$faint"))

    def action_write(self) -> None:
        """Open the editor."""
        self.post_message(self.Write())

    def action_drop(self) -> None:
        """Hold none."""
        self.set_text("")

    def on_click(self) -> None:
        """Open the editor."""
        self.action_write()
