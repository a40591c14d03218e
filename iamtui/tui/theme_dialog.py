"""ThemeDialog: the themes to choose from, each shown on the screen below as the cursor comes to it."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar, Final

from textual import on
from textual.binding import BindingType
from textual.timer import Timer

from iamtui.tui.content import line
from iamtui.tui.dialogs import Choice, ChoiceDialog
from iamtui.tui.widgets.lists.line_list import LineView

_PAUSE_SECONDS: Final = 0.1
"""How long the cursor rests on a theme before the screen is drawn in it."""


class ThemeDialog(ChoiceDialog):
    """Gives the name of the theme that was chosen; None leaves the one that it was opened in."""

    BINDINGS: ClassVar[list[BindingType]] = []

    DEFAULT_CSS = """
    ThemeDialog {
        align: right top;
        background: transparent;
        & > Vertical {
            width: 46;
            max-height: 100%;
        }
    }
    """

    def __init__(self, names: Collection[str], own: Collection[str], now: str) -> None:
        """Make the dialog.

        Args:
            names: every theme there is.
            own: those that are not Textual's, listed first.
            now: the one on screen.
        """
        ours = [name for name in names if name in own]
        others = [name for name in names if name not in own]
        self._before = now
        self._pause: Timer | None = None
        choices = [Choice("", "iamtui and yours"), *(self._choice(name) for name in ours)]
        choices += [Choice("", "Textual"), *(self._choice(name) for name in others)]
        super().__init__(line("Theme"), choices, keys="Enter keep  Esc as before")

    def _choice(self, name: str) -> Choice:
        return Choice(name, name, "now" if name == self._before else "")

    def _narrow(self, needle: str) -> None:
        super()._narrow(needle)
        if not needle:
            self.lines.move_to(next(at for at, one in enumerate(self.lines.shown) if one.key == self._before))
        elif self.lines.choice is None:
            self._show_before()

    @on(LineView.CursorMoved)
    def _preview(self) -> None:
        """Show the theme once the cursor rests: the styles of the whole screen are worked out again for each."""
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(_PAUSE_SECONDS, self._show)

    def _show(self) -> None:
        choice = self.lines.choice
        if choice is not None and choice.key != self.app.theme:
            self.app.theme = choice.key

    def _take(self) -> None:
        self._show()
        super()._take()

    def _show_before(self) -> None:
        if self._pause is not None:
            self._pause.stop()
        self.app.theme = self._before

    def action_cancel(self) -> None:
        self._show_before()
        super().action_cancel()
