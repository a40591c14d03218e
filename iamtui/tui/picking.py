"""Picking: the screen on which a session is made for another program, which gets it when the screen ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from textual import on

from iamtui.config import Config, load_config
from iamtui.problem import Problem
from iamtui.tui.app import IamtuiApp, open_blocking
from iamtui.tui.content import line
from iamtui.tui.sessions.hand_over import HandOver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iamtui.account.model import Account
    from iamtui.credentials.session import Session
    from iamtui.tui.app import Opener
    from iamtui.tui.clipboard import Copier
    from iamtui.workspace.workspace import SourceChoice

PICKING: Final = line(
    ("Pick for your shell: ", "bold"), ("a", "bold $match"), " assumes the role under the cursor, ",
    ("c", "bold $match"), " hands the session over, ", ("q", "bold $match"), " nothing.",
)  # fmt: skip
"""What the message line of a picker says first."""


class PickerApp(IamtuiApp):
    """The screen, ended by a key that hands the active session over."""

    def __init__(
        self,
        format_name: str,
        choice: SourceChoice | None = None,
        *,
        config: Config | None = None,
        opener: Opener = open_blocking,
        copier: Copier | None = None,
        problems: Sequence[str] = (),
    ) -> None:
        """Make the app.

        Args:
            format_name: the format that the session is picked for. IamtuiApp says what the other arguments mean.
        """
        super().__init__(choice, config=config, opener=opener, copier=copier, problems=problems)
        self.picked: Session | None = None
        """What was picked, once the app has ended."""
        self.main.hand_over.pick_for(format_name)

    def say_account(self, account: Account) -> None:  # noqa: ARG002 - declared by IamtuiApp
        self.say(PICKING, stays=True)

    def action_suspend_process(self) -> None:
        """Stop nothing: a shell that waits for what is picked could neither be used nor continue this."""
        self.say(line("Your shell waits for what is picked here; ", ("q", "bold $match"), " hands nothing over."))

    @on(HandOver.Picked)
    def _picked(self, event: HandOver.Picked) -> None:
        """End with a session for whoever started the picker."""

        def leave() -> None:
            self.picked = event.session
            self.main.sessions.keeper.let_go(event.session)
            self.exit()

        if event.agreed:
            leave()
        else:
            self.main.lifecycle.leave(leave, picked=True)


def run_picker(choice: SourceChoice | None, format_name: str) -> Session | None:
    """Run the screen until the user picks a session, or leaves.

    Args:
        choice: what to open; None: ask first.
        format_name: the format that the session is picked for.

    Raises:
        Problem: the screen ended by an error.
    """
    config, problems = load_config()
    app = PickerApp(format_name, choice, config=config, problems=problems)
    app.run(loop=asyncio.new_event_loop())
    if app.return_code:
        raise Problem("The screen ended by an error, so nothing was picked.", "Start it again.")
    return app.picked
