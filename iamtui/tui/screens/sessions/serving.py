"""ServingScreen: the main screen's part that offers sessions to programs."""

from __future__ import annotations

from functools import partial

from iamtui.problem import Problem
from iamtui.tui.screens.sessions.care import SessionCareScreen
from iamtui.tui.widgets.notice import Severity


class ServingScreen(SessionCareScreen):
    """Runs the endpoints of sessions."""

    def action_endpoint(self) -> None:
        """Offer the active session to programs, and show how it is asked."""
        from iamtui.tui.screens.sessions.endpoint import EndpointScreen  # noqa: PLC0415 - brings the engine: not before a frame

        kept = self.sessions.kept_or_say()
        if kept is None:
            return
        try:
            self.sessions.keeper.serve(kept)
        except Problem as problem:
            self.say(str(problem), Severity.ERROR)
            return
        self.sessions.draw()
        switch = partial(self.switch_renewal, kept)
        title = self.title_of("Endpoint of", kept.session, counting=False)
        self.app.push_screen(
            EndpointScreen(self.sessions.keeper, kept, self._copier, switch, title), self._endpoint_left
        )

    def _endpoint_left(self, _result: None) -> None:
        self.sessions.draw()
