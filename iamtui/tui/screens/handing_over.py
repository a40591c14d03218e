"""HandingOverScreen: the main screen's part that hands the active session over, and takes copies of secrets back."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from textual import work

from iamtui.tui.safe import plain
from iamtui.tui.screens.drafting import DraftingScreen
from iamtui.tui.widgets.notice import Notice
from iamtui.tui.widgets.status_line import StatusLine

_CLEARING: Final = "clear"


class HandingOverScreen(DraftingScreen):
    """Hands the active session over; counts down until a copied secret is taken off the clipboard."""

    def on_mount(self) -> None:
        """Watch the clipboard."""
        self.set_interval(1, self.watch_clipboard)

    # The clipboard.

    def watch_clipboard(self) -> None:
        """Show how long a copied secret stays on the clipboard, and take it back when its time is over."""
        left = self._copier.time_left()
        self.query_one(StatusLine).set_clipboard(left)
        if left is not None and left <= timedelta() and not self._is_clearing:
            self._clear_clipboard()

    @property
    def _is_clearing(self) -> bool:
        return any(worker.group == _CLEARING and not worker.is_finished for worker in self.workers)

    @work(thread=True, exit_on_error=False, group=_CLEARING, name="clearing the clipboard")
    def _clear_clipboard(self) -> None:
        said = self._copier.clear_now()
        if said:
            self.post_message(Notice(plain(f"{said[:1].upper()}{said[1:]}.")))
