"""Small apps that hold one panel or dialog, for tests and snapshots."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from iamtui.tui.themes import fallback_variables
from iamtui.tui.widgets.status import Notice
from tests.support.settling import settled


class HarnessApp(App[object]):
    """An app with the project's theme variables that keeps the notices it hears."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self) -> None:
        super().__init__()
        self.notices: list[str] = []
        self.heard: list[Message] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(fallback_variables(self.current_theme))

    def on_notice(self, event: Notice) -> None:
        self.notices.append(event.content.plain)


class PanelApp(HarnessApp):
    """One panel where it stands on the main screen: right of the tree, below the detail."""

    CSS = """
    #tree { width: 28; border-right: solid $rule; }
    #detail { height: 1fr; }
    #line { height: 1; }
    PanelApp.-wide #detail { display: none; }
    """

    def __init__(self, panel: Widget) -> None:
        super().__init__()
        self.panel = panel

    def compose(self) -> ComposeResult:
        yield Static("status", id="line")
        with Horizontal():
            yield Static("tree", id="tree")
            with Vertical():
                yield Static("detail", id="detail")
                yield self.panel
        yield Static("message")
        yield Static("keys")


class ScreenApp(HarnessApp):
    """Opens one screen or dialog at once and keeps what it returns."""

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__()
        self._first = screen
        self.returned: list[object] = []

    def compose(self) -> ComposeResult:
        yield Static("below")

    def on_mount(self) -> None:
        self.push_screen(self._first, self.returned.append)


async def settle(pilot: Pilot[object]) -> None:
    """Wait until every worker has ended and its messages are handled, and what they changed is drawn."""
    await settled(pilot)


async def until(pilot: Pilot[object], holds: Callable[[], bool], seconds: float = 90) -> None:
    """Wait until something holds, in steps; a test that goes on without it would fail at random."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"it did not come to hold in time:\n{screen_text(pilot.app)}"
        await pilot.pause(0.02)
    await pilot.pause()


async def type_text(pilot: Pilot[object], text: str) -> None:
    """Press the keys of a text, one after the other."""
    names = {
        ":": "colon",
        "/": "slash",
        "*": "asterisk",
        "=": "equals_sign",
        ".": "full_stop",
        "-": "minus",
        " ": "space",
    }
    await pilot.press(*(names.get(character, character) for character in text))


def screen_text(app: App[object]) -> str:
    """What is on screen, as text."""
    return "\n".join("".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips())


def strips_meta(app: App[object]) -> Iterable[dict[str, object]]:
    """The meta data of every segment on screen."""
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            if segment.style is not None and segment.style.meta:
                yield segment.style.meta


RunBefore = Callable[[Pilot[object]], Awaitable[None]]
