"""What is said on the message line goes with what it is about, or when its time is over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iamtui.tui import clock
from iamtui.tui.content import Severity, plain
from iamtui.tui.widgets.status import MessageLine, Notice
from tests.support.panel_sessions import START, session
from tests.support.sample_account import NOW
from tests.support.screen_app import make_app, opened, press, settle
from tests.support.slow import one_quick


def stand_at(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(seconds=seconds))


@one_quick(
    ("severity", "text", "until"),
    [
        (Severity.INFORMATION, "Copied.", 8),
        (Severity.WARNING, "Nothing was copied.", 8),
        (Severity.WARNING, "word " * 40, 16),
        (Severity.ERROR, "It failed.", 60),
    ],
)
async def test_a_message_stays_eight_seconds_a_line(
    monkeypatch: pytest.MonkeyPatch, severity: Severity, text: str, until: int
) -> None:
    async with opened() as pilot:
        messages = pilot.app.query_one(MessageLine)
        messages.say(text, severity)
        stand_at(monkeypatch, until - 0.1)
        messages.look_at_clock()
        assert messages.words
        stand_at(monkeypatch, until)
        messages.look_at_clock()
        assert not messages.words


@pytest.mark.slow
async def test_progress_stays_until_it_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as pilot:
        messages = pilot.app.query_one(MessageLine)
        messages.say("Reading roles …", stays=True)
        # Longer than any message stays, and not long enough for the machine to have been suspended.
        stand_at(monkeypatch, 29)
        messages.look_at_clock()
        await press(pilot, "j", "s")
        assert messages.words == "Reading roles …"


@pytest.mark.slow
async def test_a_message_goes_with_the_focus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: START)
    app = make_app()
    async with opened(app) as pilot:
        app.main.sessions.add_session(session(expires_at=NOW + timedelta(hours=1)))
        await press(pilot, "g", "s", "d")
        messages = pilot.app.query_one(MessageLine)
        assert messages.words.startswith("! Press d again to forget")
        await press(pilot, "g", "s")
        assert app.main.explorer.tree_view.has_focus
        assert not messages.words, "here d is another key"


@pytest.mark.parametrize("severity", [Severity.INFORMATION, Severity.WARNING])
async def test_a_message_goes_with_the_place(severity: Severity) -> None:
    async with opened() as pilot:
        messages = pilot.app.query_one(MessageLine)
        pilot.app.main.post_message(Notice(plain("Not in this account."), severity))
        await settle(pilot)
        assert "Not in this account." in messages.words
        await press(pilot, "j", "j")
        assert not messages.words


async def test_what_holds_for_the_whole_account_stays_while_one_moves() -> None:
    async with opened() as pilot:
        messages = pilot.app.query_one(MessageLine)
        pilot.app.say("Not loaded: SCPs.", Severity.WARNING)
        await press(pilot, "j", "slash")
        assert messages.words == "! Not loaded: SCPs."


async def test_a_message_outlives_another_window_of_the_desktop() -> None:
    async with opened() as pilot:
        messages = pilot.app.query_one(MessageLine)
        messages.say("Export lines copied.")
        focused = pilot.app.focused
        pilot.app.screen.set_focus(None)
        pilot.app.screen.set_focus(focused)
        await settle(pilot)
        assert messages.words == "Export lines copied."
