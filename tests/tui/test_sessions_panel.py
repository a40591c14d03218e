from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from textual.pilot import Pilot

from iamtui.credentials.session import Session
from iamtui.tui.sessions.panel import REVEAL_SECONDS, SessionsPanel
from iamtui.tui.sessions.text import chip
from tests.support.panel_apps import PanelApp, screen_text, settle
from tests.support.panel_sessions import SECRET, TOKEN, StillClock, session


class Listener(PanelApp):
    """Keeps the panel's messages."""

    def on_sessions_panel_session_changed(self, event: SessionsPanel.SessionChanged) -> None:
        self.heard.append(event)


@dataclass
class Stage:
    """A running app with the panel in it."""

    app: Listener
    pilot: Pilot[object]
    panel: SessionsPanel
    clock: StillClock

    @property
    def text(self) -> str:
        return screen_text(self.app)

    @property
    def chip(self) -> str:
        """What the status line says."""
        return chip(self.panel.active, self.clock()).plain

    async def pass_seconds(self, seconds: float) -> None:
        while seconds > 0:
            self.clock.move(min(seconds, 20))
            self.panel.tick()
            seconds -= 20
        await self.pilot.pause()


@asynccontextmanager
async def stage(*sessions: Session, size: tuple[int, int] = (120, 40), ticking: bool = False) -> AsyncIterator[Stage]:
    clock = StillClock()
    panel = SessionsPanel(clock=clock, monotonic=clock.monotonic, off=lambda: clock.off)
    if not ticking:
        # The clock stands still, and so does the panel: a tick at any moment would say something in between.
        panel.set_interval = lambda *_args, **_options: None  # type: ignore[assignment]
    app = Listener(panel)
    async with app.run_test(size=size) as pilot:
        for held in sessions:
            panel.add_session(held)
        panel.focus()
        await settle(pilot)
        yield Stage(app, pilot, panel, clock)


def auditor(**changes: object) -> Session:
    return session("auditor", minutes=8, key="ASIAAUDITORKEY00ABCD", **changes)


async def test_without_sessions_it_says_how_to_get_one() -> None:
    async with stage() as it:
        assert "Press a (F8) on a role" in it.text
        await it.pilot.press("d")
        await settle(it.pilot)
        assert "There is no session" in it.app.notices[-1]


async def test_without_credentials_it_says_that_nothing_can_be_assumed() -> None:
    async with stage() as it:
        it.panel.can_assume(possible=False)
        await settle(it.pilot)
        assert "No role can be assumed from a snapshot" in it.text
        assert "press a" not in it.text


async def test_secrets_are_masked_and_the_rest_is_said() -> None:
    async with stage(session()) as it:
        assert "deploy-prod  123456789012  1h 00m left" in it.text
        assert "[+] confirmed arn:aws:sts::123456789012:assumed-role/deploy-prod/iamtui-alice" in it.text
        assert "ASIA…WXYZ" in it.text
        assert "ASIAEXAMPLEKEY00WXYZ" not in it.text
        assert SECRET not in it.text
        assert TOKEN[:20] not in it.text


async def test_an_identity_that_was_not_proved_is_marked_so() -> None:
    async with stage(session(identity=None, identity_error="timed out after 10 s")) as it:
        assert "[?] NOT confirmed: timed out after 10 s" in it.text
        assert "123456789012" in it.text


async def test_a_demo_session_says_demo() -> None:
    async with stage(session(demo=True)) as it:
        assert "DEMO" in it.text


@pytest.mark.parametrize(("key", "text"), [("i", "ASIAEXAMPLEKEY00WXYZ"), ("s", SECRET), ("t", TOKEN[:60])])
async def test_a_field_is_revealed_alone_and_for_fifteen_seconds_at_most(key: str, text: str) -> None:
    async with stage(session()) as it:
        everything = {"ASIAEXAMPLEKEY00WXYZ", SECRET, TOKEN[:60]}
        await it.pilot.press("enter", key)
        await it.pilot.pause()
        assert text in it.text
        assert not [other for other in everything - {text} if other in it.text]

        await it.pass_seconds(REVEAL_SECONDS - 1)
        assert text in it.text
        await it.pass_seconds(1)
        assert text not in it.text
    assert REVEAL_SECONDS <= 15


@pytest.mark.slow
async def test_the_card_of_the_session_hides_what_was_revealed() -> None:
    async with stage(session()) as it:
        await it.pilot.press("enter", "s", "enter")
        await it.pilot.pause()
        assert SECRET not in it.text


async def test_leaving_the_panel_hides_what_was_revealed() -> None:
    async with stage(session()) as it:
        await it.pilot.press("enter", "s")
        it.app.set_focus(None)
        await settle(it.pilot)
        assert SECRET not in it.text


async def test_losing_the_terminals_focus_hides_what_was_revealed() -> None:
    async with stage(session()) as it:
        await it.pilot.press("enter", "s")
        it.app.app_focus = False
        await settle(it.pilot)
        assert SECRET not in it.text


async def test_another_session_under_the_cursor_hides_what_was_revealed() -> None:
    async with stage(auditor(), session()) as it:
        await it.pilot.press("enter", "s", "k")
        await settle(it.pilot)
        assert SECRET not in it.text


async def test_a_screenshot_after_mask_holds_none_of_what_was_revealed() -> None:
    async with stage(session()) as it:
        await it.pilot.press("enter", "s")
        await it.pilot.pause()
        assert SECRET in it.app.export_screenshot()

        it.panel.mask()
        assert SECRET not in it.app.export_screenshot()


async def test_it_counts_down_and_warns_once_at_each_threshold() -> None:
    async with stage(session(minutes=12)) as it:
        assert "12m 00s left" in it.text
        await it.pass_seconds(1)
        assert "11m 59s left" in it.text
        assert it.chip == "deploy-prod 11m 59s"
        assert it.app.notices == []

        for _ in range(2):
            await it.pass_seconds(121)
        assert it.app.notices == ["The session of deploy-prod ends in less than 10 minutes."]

        await it.pass_seconds(200)
        await it.pass_seconds(60)
        assert it.app.notices[1:] == ["The session of deploy-prod ends in less than 5 minutes."]

        await it.pass_seconds(600)
        assert it.app.notices[2:] == ["The session of deploy-prod has EXPIRED; assume the role again."]
        assert "EXPIRED" in it.text
        assert it.chip == "deploy-prod EXPIRED"


async def test_sessions_that_end_together_are_told_in_one_message_the_most_urgent_first() -> None:
    lapsed = session("old", minutes=14, key="ASIAOLD0000000000000")
    urgent = session("late", minutes=19.5, key="ASIALATE000000000000")
    async with stage(session(minutes=24.5), urgent, lapsed) as it:
        it.panel.tick()
        it.clock.move(15 * 60)
        it.panel.tick()
        await it.pilot.pause()
        (said,) = it.app.notices
        assert said.startswith(
            "The session of old has EXPIRED; assume the role again. The session of late ends in less than 5 minutes. "
            "The session of deploy-prod ends in less than 10 minutes. iamtui was suspended for 15m"
        )


async def test_a_suspended_laptop_is_told_with_what_ended_meanwhile() -> None:
    async with stage(session()) as it:
        it.panel.tick()
        it.clock.move(2 * 3600 + 60)
        it.panel.tick()
        await it.pilot.pause()
        assert it.app.notices == [
            (
                "The session of deploy-prod has EXPIRED; assume the role again. "
                "iamtui was suspended for 2h 01m; the times are right again."
            )
        ]


async def test_a_clock_that_is_set_is_told_and_moves_no_session() -> None:
    async with stage(session()) as it:
        it.clock.off = timedelta(minutes=3)
        it.panel.tick()
        await it.pilot.pause()
        assert it.app.notices == ["This machine's clock was set ahead by 3m; sessions go on by AWS's clock."]
        it.clock.off = timedelta(hours=-2)
        it.panel.tick()
        await it.pilot.pause()
        assert it.app.notices[1:] == [
            (
                "This machine's clock was set back by 2h 03m; sessions go on by AWS's clock. AWS refuses calls from a "
                "clock that is more than 5 minutes off: set it right."
            )
        ]
        assert "1h 00m left" in it.text


async def test_the_session_under_the_cursor_is_the_active_one() -> None:
    async with stage(auditor(), session()) as it:
        assert it.panel.active == session()
        await it.pilot.press("k")
        await settle(it.pilot)

        assert it.panel.active is not None
        assert it.panel.active.key == "ASIAAUDITORKEY00ABCD"
        changed = it.app.heard[-1]
        assert isinstance(changed, SessionsPanel.SessionChanged)
        assert changed.active == it.panel.active
        assert "confirmed arn:aws:sts::123456789012:assumed-role/auditor" in it.text


async def test_d_forgets_only_when_pressed_twice_in_time() -> None:
    async with stage(auditor(), session()) as it:
        await it.pilot.press("d")
        await settle(it.pilot)
        assert len(it.panel.sessions) == 2
        assert it.app.notices[-1] == "Press d again to forget the session of deploy-prod."

        it.clock.move(30)
        await it.pilot.press("d")
        await settle(it.pilot)
        assert len(it.panel.sessions) == 2

        await it.pilot.press("d")
        await settle(it.pilot)
        assert [held.key for held in it.panel.sessions] == ["ASIAAUDITORKEY00ABCD"]
        assert it.panel.active is not None


@pytest.mark.slow
async def test_confirming_for_one_session_forgets_no_other() -> None:
    async with stage(auditor(), session()) as it:
        await it.pilot.press("d", "k", "d")
        await settle(it.pilot)
        assert len(it.panel.sessions) == 2


async def test_the_bar_shows_the_share_of_life_left() -> None:
    async with stage(session(minutes=60)) as it:
        full = it.text.count("━")
        await it.pass_seconds(timedelta(minutes=30).total_seconds())
        assert 0 < it.text.count("━") < full
