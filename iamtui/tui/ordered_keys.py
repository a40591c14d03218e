"""OrderedKeysApp: an app that obeys keys one after the other, however fast they come."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import Final
from weakref import ref

from textual import events, on
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen

LAPS: Final = 3
"""How often to go the way of a key before it is done: what it made its target post comes behind the first time, and
what that made it post behind the second."""

PATIENCE_SECONDS: Final = 0.1
"""How long a key waits for one whose way ends, where a widget is taken away."""

MOST_SECONDS: Final = 6.0
"""How long a key waits for the one before at most."""


class OrderedKeysApp(App[None]):
    """Hands a key on when what the one before has done is done.

    Textual gives all keys that are there to the widget that has the focus, and looks for the binding of one only when
    it has gone up from there to the app. Of what is typed ahead, sent over a slow line or by a macro, everything
    behind a key that opens a screen or moves the focus would go to the wrong place, and characters would come before
    the Backspace in front of them.
    """

    class Lap(Message):
        """Goes the way of a key, behind it: from a widget up to the app."""

        def __init__(self, start: MessagePump, screen: Screen[object], left: int) -> None:
            super().__init__()
            self.start = start
            self.screen = screen
            self.left = left

    def __init__(self) -> None:
        """Make the app."""
        super().__init__()
        self._typed: deque[events.Event] = deque()
        self._lap: OrderedKeysApp.Lap | None = None
        self._handed: deque[tuple[ref[events.Event], ref[Screen[object]]]] = deque(maxlen=4)
        """The keys that were handed on last, and the screens they are for; neither what was typed nor a screen that
        was closed is kept for it."""

    async def on_event(self, event: events.Event) -> None:
        """Take a key or a paste from the terminal in its turn."""
        if not isinstance(event, (events.Key, events.Paste)) or event.is_forwarded:
            # A key that comes up only when another screen has come is not for that: it could unlock a lock.
            if not any(handed() is event and screen() is not self.screen for handed, screen in self._handed):
                await super().on_event(event)
            return
        self._typed.append(event)
        if self._lap is None:
            await self._hand_on()
        else:
            self._lose_patience_with(self._lap)

    async def _hand_on(self) -> None:
        while self._typed and self._lap is None:
            if not (self.screen_stack and self.screen.is_mounted):
                # Typed before the first screen is there.
                self.set_timer(PATIENCE_SECONDS, self._hand_on)
                return
            event, screen = self._typed.popleft(), self.screen
            target = self.focused or screen
            self._handed.append((ref(event), ref(screen)))
            await super().on_event(event)
            # Characters for a field stay in their order, and a pasted text has many.
            if not (isinstance(event, events.Key) and target.check_consume_key(event.key, event.character)):
                # A key that was obeyed before it was handed to anything has no way to go.
                self._go(target if event.is_forwarded else self, screen, LAPS)

    def _go(self, start: MessagePump, screen: Screen[object], left: int) -> None:
        """Send a lap from there, or, where that is being taken away, from the app."""
        lap = self._lap = self.Lap(start, screen, left)
        if not start.post_message(lap) and not self.post_message(lap):
            self._lap = None
        elif self._typed:
            self._lose_patience_with(lap)

    @on(Lap)
    async def _came_round(self, event: Lap) -> None:
        event.stop()
        if event is not self._lap or not self.is_running:
            return
        if self.screen is not event.screen:
            # What the key was for may be gone; what it has opened has to be ready.
            self._go(self.screen, self.screen, LAPS)
        elif event.left > 1:
            self._go(event.start, event.screen, event.left - 1)
        elif event.start is not self:
            # What moves the focus asks the app to, which does so in its turn.
            self._go(self, event.screen, 1)
        else:
            self._lap = None
            await self._hand_on()

    def _is_urgent(self, event: events.Event) -> bool:
        if not isinstance(event, events.Key):
            return False
        live = self.active_bindings.get(event.key)
        return live is not None and live.node is self and live.binding.priority

    def _lose_patience_with(self, lap: Lap) -> None:
        self.set_timer(PATIENCE_SECONDS, partial(self._look_for, lap, PATIENCE_SECONDS))

    async def _look_for(self, lap: Lap, waited: float) -> None:
        if self._lap is not lap:
            return
        urgent = next((at for at, event in enumerate(self._typed) if self._is_urgent(event)), None)
        if urgent is not None:
            # To lock or to quit waits for nothing that takes its time, and what was typed before it is void.
            for _ in range(urgent):
                self._typed.popleft()
            self._lap = None
            await self._hand_on()
        elif lap.screen is not self.screen:
            self._go(self.screen, self.screen, LAPS)
        elif lap.start.is_attached and waited < MOST_SECONDS:
            # Something on the way takes its time.
            self.set_timer(PATIENCE_SECONDS, partial(self._look_for, lap, waited + PATIENCE_SECONDS))
        else:
            self._lap = None
            await self._hand_on()
