"""Pictures of the screen through a life of sessions: a secret is in one only while the user shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.tui import clock
from iamtui.tui.app import IamtuiApp
from iamtui.tui.sessions.controller import LockScreen
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.workspace.assume.session_store import Origin
from tests.support.federation import SIGN_IN_TOKEN, Federation
from tests.support.panel_apps import screen_text, type_text, until
from tests.support.panel_sessions import SECRET, TOKEN, StillClock, session
from tests.support.screen_app import RecordingCopier, make_app, opened, press, settle
from tests.support.slow import one_quick

SIZES = [(80, 24), (120, 40)]
CODE = "271828"
ROLE_KEYS = ("slash", *"deploy-prod", "enter", "enter")


class Pictures:
    """Looks at the picture after every step.

    Args:
        known: every secret that exists, by what it is.
    """

    def __init__(self, pilot: Pilot[None]) -> None:
        self.pilot = pilot
        self.known = {"secret": SECRET, "token": TOKEN[:40], "url": SIGN_IN_TOKEN[:40], "code": CODE}
        self.taken = 0

    def found(self) -> set[str]:
        """What is in the picture of the screen now, blanks and line breaks left out."""
        picture = "".join(self.pilot.app.export_screenshot().replace("&#160;", "").split())
        self.taken += 1
        return {what for what, secret in self.known.items() if secret in picture}

    async def after(self, *keys: str) -> set[str]:
        await press(self.pilot, *keys)
        return self.found()


@asynccontextmanager
async def life(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> AsyncIterator[tuple[Pictures, SessionsPanel]]:
    monkeypatch.setattr(clock, "now", StillClock())
    async with opened(make_app(copier=RecordingCopier()), size=size) as pilot:
        app = pilot.app
        assert isinstance(app, IamtuiApp)
        yield Pictures(pilot), app.main.query_one(SessionsPanel)


def renewing(answers: list[Session | Exception]) -> Origin:
    """A session whose renewals take a code, and end like this."""

    def renew(_code: Secret | None) -> Session:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Origin(renew, needs_code=lambda: True, mfa_serial="arn:aws:iam::123456789012:mfa/alice")


@one_quick("size", SIZES)
async def test_no_picture_has_a_secret_that_is_not_shown(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch, federation: Federation
) -> None:
    async with life(monkeypatch, size) as (pictures, panel):
        held = session()
        renewed = replace(session(key="ASIARENEWED000000001"), expires_at=held.expires_at + timedelta(minutes=5))
        unforeseen = ValueError(f"{SECRET} {TOKEN} {SIGN_IN_TOKEN} {CODE}")
        panel.add_session(held, renewing([renewed, Problem("STS refused the code."), unforeseen]))
        pictures.known["endpoint"] = "is not there yet"
        assert await pictures.after(*ROLE_KEYS) == set()
        assert await pictures.after("g", "s") == set()

        # Shown, and hidden again.
        assert await pictures.after("enter", "s") == {"secret"}
        assert await pictures.after("enter") == set(), "the card hides it"
        assert await pictures.after("escape") == set()
        assert await pictures.after("enter", "t") in ({"token"}, set()), "a long token is broken over lines"
        assert await pictures.after("enter", "escape") == set()
        assert await pictures.after("enter", "s") == {"secret"}
        assert await pictures.after("y", "s") == set(), "a dialog over it hides it"
        assert await pictures.after("escape") == set()

        # Handed over.
        for keys in (("c",), ("Y",), ("escape",), ("x",), ("F",), ("escape",), ("K",), ("escape",)):
            assert await pictures.after(*keys) == set(), keys
        assert await pictures.after("b") == set()
        assert await pictures.after("enter") == set()
        await until(pictures.pilot, lambda: federation.asked != [])
        assert await pictures.after() == set()

        # Served.
        panel.focus()
        await settle(pictures.pilot)
        await press(pictures.pilot, "enter", "e")
        kept = panel.keeper.active
        assert kept is not None
        assert kept.service is not None
        pictures.known["endpoint"] = kept.service.endpoint.token.reveal()
        pictures.known["path"] = kept.service.endpoint.uri.reveal().rpartition("/")[2]
        assert pictures.found() == set()
        assert await pictures.after("c") == set()
        assert await pictures.after("escape") == set()

        # Renewed, and failing to.
        for said in ("Renewed", "STS refused the code", "Renewing failed in iamtui itself"):
            panel.focus()
            await press(pictures.pilot, "r")
            await type_text(pictures.pilot, CODE)
            assert pictures.pilot.app.screen.query_one(Input).value == CODE
            assert pictures.found() == set()
            assert await pictures.after("enter") == set()
            await until(pictures.pilot, lambda: said in " ".join(screen_text(pictures.pilot.app).split()))  # noqa: B023
            assert pictures.found() == set()
        assert kept.session.access_key_id == "ASIARENEWED000000001"

        # Locked while everything is open.
        pictures.pilot.app.main.show_sessions()  # type: ignore[attr-defined]
        assert await pictures.after("enter", "s") == {"secret"}
        assert await pictures.after("f12") == set()
        assert isinstance(pictures.pilot.app.screen, LockScreen)
        assert len(panel.keeper) == 0
        assert pictures.pilot.app.clipboard == ""
    assert pictures.taken > 25


@pytest.mark.slow
async def test_locking_leaves_the_dialogs_that_hold_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for keys in (("b",), ("K",), ("y",), ("enter",), ("x",)):
        async with life(monkeypatch, (120, 40)) as (pictures, panel):
            panel.add_session(session())
            await press(pictures.pilot, *ROLE_KEYS, "g", "s", *keys)
            app = pictures.pilot.app
            assert isinstance(app, IamtuiApp)
            assert app.screen is not app.main, keys
            app.main.lifecycle.lock_up()
            await settle(pictures.pilot)
            assert isinstance(app.screen, LockScreen)
            assert pictures.found() == set()
            assert len(panel.keeper) == 0
