"""KeyLine: the keys that matter where the focus is, as many as fit on one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol, runtime_checkable

from rich.cells import cell_len
from textual import events
from textual.app import App
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from iamtui.tui.safe import line, plain

LAST: Final = ("back_or_quit", "help")
"""The actions that always have room, at the right end: the way out, and the rest of the keys."""


@runtime_checkable
class KnowsWhatMatters(Protocol):
    """A screen that can say which of its keys would do nothing now."""

    def idle_actions(self) -> frozenset[str]:
        """The actions whose keys need not be shown."""


class _Hint(NamedTuple):
    key: str
    words: str
    binding: Binding

    @property
    def width(self) -> int:
        return cell_len(self.key) + cell_len(self.words) + 3


class KeyLine(Widget):
    """One line in place of a footer. The focused pane's keys come first; what does not fit is left to the help."""

    DEFAULT_CSS = """
    KeyLine {
        height: 1;
        dock: bottom;
        background: $footer-background;
    }
    """

    _shown: Sequence[_Hint] | None = None
    """The hints that are drawn; None: they were not looked for yet."""
    _looks_again = False

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_updated)

    def on_resize(self) -> None:
        """Show as many as fit now."""
        self._look()

    def _bindings_updated(self, _screen: Screen[object]) -> None:
        self.look_again()

    def look_again(self) -> None:
        """Draw the keys that matter now, where they are others than those that were drawn.

        They are looked for once what made them matter is on screen: that need not wait for them.
        """
        if not self._looks_again:
            self._looks_again = True
            self.call_after_refresh(self._look)

    def _look(self) -> None:
        self._looks_again = False
        if not self.is_attached:
            # Its screen was left meanwhile.
            return
        hints = self._hints()
        if self._shown is None or _words(hints) != _words(self._shown):
            self.refresh()
        self._shown = hints

    def render(self) -> Content:
        """Key and words of every hint."""
        if self._shown is None:
            self._shown = self._hints()
        parts = [
            line(
                (f" {hint.key} ", "bold $footer-key-foreground"),
                plain(f"{hint.words} ", "$footer-description-foreground"),
            )
            for hint in self._shown
        ]
        return Content("").join(parts)

    def on_click(self, event: events.Click) -> None:
        """A click on a hint presses its key."""
        at = 0
        for hint in self._shown or ():
            if at <= event.x < at + hint.width:
                self.app.simulate_key(hint.binding.key)
                return
            at += hint.width

    def _hints(self) -> list[_Hint]:
        """The hints that fit, the focused pane's first."""
        screen, typing = self.screen, isinstance(self.screen.focused, Input)
        idle = screen.idle_actions() if isinstance(screen, KnowsWhatMatters) else frozenset()
        own: list[_Hint] = []
        common: list[_Hint] = []
        last: list[_Hint] = []
        for (action, is_own), keys in self._live(idle).items():
            hint = self._hint(keys, typing)
            if hint is not None:
                (last if action in LAST else own if is_own else common).append(hint)
        room = self.size.width - sum(hint.width for hint in last)
        shown: list[_Hint] = []
        for hint in (*own, *common):
            if hint.width <= room:
                shown.append(hint)
                room -= hint.width
        return [*shown, *last]

    def _live(self, idle: frozenset[str]) -> dict[tuple[str, bool], list[Binding]]:
        """The bindings to show, by action and whether they are the focused pane's own."""
        found: dict[tuple[str, bool], list[Binding]] = {}
        for node, binding, enabled, _tooltip in self.screen.active_bindings.values():
            if binding.show and enabled and binding.action not in idle:
                found.setdefault((binding.action, not isinstance(node, Screen | App)), []).append(binding)
        return found

    def _hint(self, bindings: list[Binding], typing: bool) -> _Hint | None:
        """The shortest key of an action; in a field only one that does not print."""
        keys = [(self.app.get_key_display(binding), binding) for binding in bindings]
        if typing:
            keys = [(key, binding) for key, binding in keys if binding.key == "enter" or len(key) > 1]
        if not keys:
            return None
        key, binding = min(keys, key=lambda pair: len(pair[0]))
        return _Hint(key, binding.description, binding)


def _words(hints: Sequence[_Hint]) -> list[tuple[str, str]]:
    return [(hint.key, hint.words) for hint in hints]
