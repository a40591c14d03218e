"""SaveQuestionDialog: a name for the question, and whether its answer is to stay as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Label

from iamtui.tui.dialogs.prompts import LineDialog
from iamtui.tui.safe import line, lines, plain

_NAME = "A name, such as lake-read. Enter saves."


class SaveQuestionDialog(LineDialog):
    """Gives the name, or None; `expecting` says whether the answer on screen is saved as what is expected.

    Args:
        who: who asks, raw.
        answer: what is answered now, as it is shown; None where there is nothing that could be expected.
        check: says what is wrong with a name, or "".
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "expect", "Expect", id="save-question.expect", tooltip="Save the answer as what is expected too"),
    ]

    def __init__(self, who: str, answer: Content | None, check: Callable[[str], str]) -> None:
        super().__init__(line("Save the question"), "", Content(""), check=check)
        self._who = who
        self._answer = answer
        self.expecting = False

    def on_mount(self) -> None:
        """Type at once."""
        super().on_mount()
        self._say()

    def action_expect(self) -> None:
        """Save the answer as what is expected, or not."""
        if self._answer is not None:
            self.expecting = not self.expecting
            self._say()

    def _say(self) -> None:
        words = plain(_NAME, "$muted")
        if self._answer is not None:
            who = (self._who, "bold")
            if self.expecting:
                below = line("Expected for ", who, ": ", self._answer, ("   F2 expects nothing", "$muted"))
            else:
                below = line(("F2", "bold"), (" also expects this answer for ", "$muted"), who, ": ", self._answer)
            words = lines(words, below)
        self.query_one("#line-hint", Label).update(words)
