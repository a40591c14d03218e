"""LeavingScreen: the main screen's part that asks before something is lost by leaving."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content

from iamtui.tui import clock
from iamtui.tui.screens.sessions.serving import ServingScreen
from iamtui.tui.widgets.leaving_text import leaving_words, losses


class LeavingScreen(ServingScreen):
    """Asks once about drafts that are not saved, sessions that live, and endpoints that run."""

    def leave(self, leaving: Callable[[], object], *, picked: bool = False) -> None:
        """Leave the app; what would be lost is asked about once.

        Asking to leave again agrees, unless drafts that are not saved would be lost.

        Args:
            picked: whether the user leaves with a session that they picked; those they did not pick are then no loss.
        """
        from iamtui.tui.dialogs.leave import LeaveDialog, Leaving  # noqa: PLC0415 - not before a frame

        asking = next((screen for screen in self.app.screen_stack if isinstance(screen, LeaveDialog)), None)
        if asking is not None:
            if not asking.unsaved:
                leaving()
            return
        drafts = (found.draft.name for found in self.unsaved_drafts)
        lost = losses(drafts, self.sessions.keeper, clock.now(), picked=picked)
        if not lost:
            leaving()
            return
        wanted = bool(self.picking) and not picked

        def words() -> Content:
            return leaving_words(lost, clock.now(), picking=wanted)

        def answered(decided: Leaving | None) -> None:
            if decided is Leaving.LEAVE:
                leaving()
            elif decided is Leaving.PICK:
                self.pick(agreed=True)
            elif decided is Leaving.DRAFT and self.draft_screen is None:
                self.action_draft()

        active, here = self.sessions.keeper.active, self.open_draft
        can_pick = wanted and active is not None and not active.session.expired(clock.now())
        can_show = here is not None and here.unsaved
        self.app.push_screen(LeaveDialog(words, unsaved=bool(lost.drafts), draft=can_show, pick=can_pick), answered)
