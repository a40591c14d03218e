"""FindLine: where one types what to find in a document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label

from iamtui.tui.safe import plain
from iamtui.tui.widgets.safe_input import SafeInput


class FindLine(Horizontal):
    """Hidden until it is opened. Enter keeps the hits marked, Escape ends the search."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "end", "End the search", id="find.end", tooltip="End the search"),
    ]

    DEFAULT_CSS = """
    FindLine {
        height: 1;
        padding: 0 1;
        display: none;

        & Label {
            width: auto;
            color: $heading;
        }
        & Input {
            width: 1fr;
            background: $foreground 10%;
        }
        & #find-count {
            padding-left: 1;
            color: $muted;
        }
    }
    """

    @dataclass(eq=False, repr=False)
    class Changed(Message):
        """What is looked for changed; "" ends it."""

        needle: str

    @dataclass(eq=False, repr=False)
    class Left(Message):
        """The focus belongs back into the document."""

    async def open(self) -> None:
        """Show the line and start anew."""
        self.display = True
        if not self.children:
            # Nobody needs a slash, the field, and which hit of how many in the first frame.
            needle = SafeInput(placeholder="find in the document: Enter, then n and N", compact=True, id="find-needle")
            await self.mount(Label("/"), needle, Label(id="find-count"))
        field = self.query_one(Input)
        field.value = ""
        field.focus()

    def tell(self, words: str) -> None:
        """Say where the search is, once there was one."""
        if self.children:
            self.query_one("#find-count", Label).update(plain(words))

    def action_end(self) -> None:
        """End the search."""
        self.display = False
        self.post_message(self.Changed(""))
        self.post_message(self.Left())

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Left())
