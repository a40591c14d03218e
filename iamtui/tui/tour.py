"""The tour of five keys: a line that names the next one until it is pressed, and lies over nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from textual import events
from textual.widgets import Input, Static

from iamtui.tui.content import line
from iamtui.tui.widgets.status import MessageLine

if TYPE_CHECKING:
    from textual.binding import Binding
    from textual.content import Content

    from iamtui.tui.paned import PanedScreen


class TourStep(NamedTuple):
    """A key of the tour: the id of its binding, and what it is for."""

    binding: str
    words: str


STEPS: Final = (
    TourStep("go.filter", "filters by name or ARN; Enter goes to the hits."),
    TourStep("question.ask", "asks what a user or role may do: type an action."),
    TourStep("question.why", "shows why: every policy that took part."),
    TourStep("session.assume", "assumes a role; c then copies its credentials."),
    TourStep("app.help", "shows every key; T there takes this tour again."),
)


class Tour(Static):
    """The line; it goes when its last key was pressed, or with an Escape that has nothing else to leave."""

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
        self.watch(self._main, "focused", self._show, init=False)
        self.watch(self._main.explorer.filter_input, "value", self._show, init=False)
        self.begin()

    def begin(self) -> None:
        self._at = 0
        self._show()

    def saw(self, event: events.Key) -> None:
        """A key was pressed: the tour goes on where it is the one that is meant. What is typed into a field is text."""
        if self.app.screen is not self._main:
            return
        if any(binding.key == event.key for binding in self._bindings_here()):
            self._at += 1
            self.remove() if self._at == len(STEPS) else self._show()

    @property
    def _is_typing(self) -> bool:
        return isinstance(self._main.focused, Input)

    def _bindings_here(self) -> list[Binding]:
        """Those of the step, as the user's keymap has them; in a field, what does not print."""
        name, live = STEPS[self._at].binding, self._main.active_bindings.values()
        found = [active.binding for active in live if active.binding.id == name]
        return [one for one in found if not self._is_typing or len(self.app.get_key_display(one)) > 1]

    def _show(self) -> None:
        self.update(self._words())

    def _words(self) -> Content:
        shown = min(map(self.app.get_key_display, self._bindings_here()), key=len, default="")
        shown, does = (shown, STEPS[self._at].words) if shown else ("esc", "leaves the field.")
        explorer = self._main.explorer
        ends = self._main.focused is explorer.tree_view and not explorer.filter_input.value
        way_out = " (esc ends it)" if ends else ""
        return line((f"Tour {self._at + 1} of {len(STEPS)}{way_out}  ", "$muted"), (shown, "bold $match"), f" {does}")


def start_tour(main: PanedScreen) -> None:
    """Begin the tour, or begin it anew."""
    there = [*main.query(Tour)]
    if there:
        there[0].begin()
    else:
        main.mount(Tour(main), before=main.query_one(MessageLine))


def end_tour(main: PanedScreen) -> bool:
    """End the tour; False when there is none."""
    there = [*main.query(Tour)]
    for tour in there:
        tour.remove()
    return bool(there)
