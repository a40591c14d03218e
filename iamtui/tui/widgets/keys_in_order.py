"""KeysInOrder: a field that obeys its keys in the order in which they were pressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events

if TYPE_CHECKING:
    from textual.widget import Widget as _Base
else:
    # Textual takes styles and component classes from the first base class that is a widget: that is to be the field.
    _Base = object


class KeysInOrder(_Base):
    """What edits the text is done at once, as characters are put in.

    Textual puts characters in when they arrive, but looks for the binding of any other key only when it has gone up
    to the app: of what is typed, pasted as keys or sent over a slow line at once, all characters would come before
    the first Backspace. A class that stands before its Textual base class uses this.
    """

    async def _on_key(self, event: events.Key) -> None:
        if event.is_printable:
            return
        bound = self.screen.active_bindings.get(event.key)
        if bound is None or bound.node is not self or not bound.enabled:
            return
        if await self.app.run_action(bound.binding.action, self):
            event.stop()
            event.prevent_default()
