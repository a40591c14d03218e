"""TypedAheadDialog: keeps what is typed before the dialog knows which field is meant."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from iamtui.secret import Secret
from iamtui.tui.dialogs.frame import Dialog, Result


class TypedAheadDialog(Dialog[Result]):
    """Who knows that a role wants a code types it at once; in a field that shows its text it would be readable."""

    _typed_ahead = Secret("")

    def on_key(self, event: events.Key) -> None:
        """Keep what is typed before the first answer for the field that turns out to be meant."""
        if event.is_printable and event.character and self.focused is None:
            self._typed_ahead = Secret(self._typed_ahead.reveal() + event.character)
            event.stop()

    def put_typed_ahead(self) -> None:
        """Put it into the field that has the focus, behind what stands there."""
        field, ahead = self.focused, self._typed_ahead
        self.drop_typed_ahead()
        if isinstance(field, Input):
            # Selected by its focus, the text would give way to the next key.
            field.select_on_focus = False
            field.cursor_position = len(field.value)
            field.insert_text_at_cursor(ahead.reveal())

    def drop_typed_ahead(self) -> None:
        """Forget it."""
        self._typed_ahead = Secret("")
