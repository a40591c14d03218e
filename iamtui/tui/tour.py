"""The tour of five keys: a line that names the next one until it is pressed, and lies over nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from textual import events
from textual.widgets import Input, Static

from iamtui.tui.content import line
from iamtui.tui.widgets.status import MessageLine

if TYPE_CHECKING:
    from textual.content import Content

    from iamtui.tui.paned import PanedScreen


class TourStep(NamedTuple):
    """A key of the tour: the id of its binding, and what it is for."""

    binding: str
    words: str


STEPS: Final = (
    TourStep("go.filter", "filters: type part of a name or ARN; Enter goes to the hits."),
    TourStep("question.ask", "asks what the principal under the cursor may do: type an action, the answer is live."),
    TourStep("question.why", "shows why: every policy that took part in the answer."),
    TourStep("session.assume", "assumes the role under the cursor; c then copies its credentials."),
    TourStep("app.help", "shows every key that works; T there takes this tour again."),
)


class Tour(Static):
    """The line; it goes when its last key was pressed, or Escape on the main screen."""

    DEFAULT_CSS = """
    Tour {
        height: auto;
        padding: 0 1;
        background: $chip;
    }
    """

    def __init__(self, main: PanedScreen) -> None:
        super().__init__(id="tour", markup=False)
        self._main = main
        self._at = 0

    def on_mount(self) -> None:
        self.begin()

    def begin(self) -> None:
        self._at = 0
        self._show()

    def saw(self, event: events.Key) -> None:
        """A key was pressed: the tour goes on where it is the one that is meant. What is typed into a field is text."""
        if self.app.screen is not self._main or isinstance(self._main.focused, Input):
            return
        if event.key == "escape":
            self.remove()
        elif event.key in self._keys():
            self._at += 1
            self.remove() if self._at == len(STEPS) else self._show()

    def _keys(self) -> list[str]:
        """The keys of the step, as the user's keymap has them."""
        name = STEPS[self._at].binding
        live = self._main.active_bindings.items()
        return [key for key, active in live if (active.binding.id or "") == name]

    def _show(self) -> None:
        self.update(self._words())

    def _words(self) -> Content:
        live = [active.binding for key, active in self._main.active_bindings.items() if key in self._keys()]
        shown = min((self.app.get_key_display(binding) for binding in live), key=len, default="")
        return line(
            (f"Tour {self._at + 1} of {len(STEPS)}  ", "$muted"), (shown, "bold $match"), f" {STEPS[self._at].words}  ",
            ("esc ends it", "$muted"),
        )  # fmt: skip


def start_tour(main: PanedScreen) -> None:
    """Begin the tour, or begin it anew."""
    there = [*main.query(Tour)]
    if there:
        there[0].begin()
    else:
        main.mount(Tour(main), before=main.query_one(MessageLine))
