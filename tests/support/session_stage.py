"""An app that holds sessions whose credentials are canned, with a clock of its own."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from iamtui.config import Config
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.tui import clock
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.assume.session_store import Origin
from tests.support.panel_apps import screen_text
from tests.support.panel_sessions import StillClock, session
from tests.support.screen_app import RecordingCopier, make_app, opened, press, settle


@dataclass
class Stage:
    """The whole app with a clock that tests move, and an STS that gives sessions or fails."""

    pilot: Pilot[None]
    clock: StillClock
    copier: RecordingCopier
    fails: Problem | None = None
    codes: list[Secret | None] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    """All that the message line has said: the panel counts by itself too, and may say the next thing at once."""

    @property
    def panel(self) -> SessionsPanel:
        """The list of sessions."""
        return self.pilot.app.main.sessions  # type: ignore[attr-defined]

    @property
    def text(self) -> str:
        """The screen."""
        return screen_text(self.pilot.app)

    @property
    def words(self) -> str:
        """The screen without its lines and line ends."""
        return " ".join(self.text.replace("│", " ").split())

    @property
    def said(self) -> str:
        """What the message line says."""
        return self.pilot.app.main.query_one(MessageLine).words  # type: ignore[attr-defined,no-any-return]

    def again(self, code: Secret | None) -> Session:
        """Renew, or fail."""
        self.codes.append(code)
        if self.fails is not None:
            raise self.fails
        return self.lasting(60, key=f"ASIARENEWED{len(self.codes):09d}")

    def lasting(self, minutes: float, **more: object) -> Session:
        """A session that ends in so many minutes."""
        now = self.clock()
        return session(expires_at=now + timedelta(minutes=minutes), assumed_at=now, **more)

    async def hold(self, minutes: float = 60, *, needs_code: bool = False, renews: bool = True) -> None:
        """Hold a session and go to it."""
        serial = "arn:aws:iam::123456789012:mfa/alice-phone" if needs_code else ""
        origin = Origin(self.again, lambda: needs_code, mfa_serial=serial)
        if renews:
            self.panel.add_session(self.lasting(minutes), origin)
        else:
            self.panel.add_session(self.lasting(minutes))
        await press(self.pilot, "g", "s")

    async def pass_minutes(self, minutes: float) -> None:
        """Let time pass, with a tick every twenty seconds."""
        for _ in range(round(minutes * 3)):
            self.clock.move(20)
            self.panel.tick()
        await settle(self.pilot)


@asynccontextmanager
async def stage(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int] = (120, 40), config: Config | None = None
) -> AsyncIterator[Stage]:
    """The app, opened on the sample account."""
    still, copier = StillClock(), RecordingCopier()
    monkeypatch.setattr(clock, "now", still)
    # Time passes where the test says so, and at no moment in between.
    monkeypatch.setattr(SessionsPanel, "set_interval", lambda *_args, **_options: None)
    async with opened(make_app(copier=copier, config=config), size=size) as pilot:
        on_stage = Stage(pilot, still, copier)
        line = pilot.app.query_one(MessageLine)
        say = line.say

        def hear(*args: Any, **options: Any) -> None:
            say(*args, **options)
            on_stage.heard.append(line.words)

        monkeypatch.setattr(line, "say", hear)
        yield on_stage


def ask(url: str, token: str) -> dict[str, str]:
    """What a program gets; raises as urllib does."""
    request = urllib.request.Request(url, headers={"Authorization": token})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        return dict(json.load(answer))
