"""The assume dialog: who assumes the role, and which role."""

from __future__ import annotations

from datetime import timedelta

import pytest

from iamtui.credentials.assume_role import AssumeRoleInput
from iamtui.credentials.session import AssumeExtras, Session
from iamtui.tui import clock
from iamtui.tui.assume.rows import CallerChoice
from tests.support.assume_account import ROLE, ROOT, trust, workspace
from tests.support.assume_dialog import dialog, field, press, result, words
from tests.support.panel_apps import screen_text, settle, type_text
from tests.support.panel_sessions import session
from tests.support.sts_answers import CannedSts

ENTERED = AssumeRoleInput(ROLE, "alice", 3600)
HUB, SPOKE = "ASIAHUBHUBHUBHUB0001", "ASIASPOKESPOKE000002"


# Who assumes it


def live_session(role: str, key: str) -> Session:
    now = clock.now()
    return session(role, key=key, assumed_at=now, expires_at=now + timedelta(minutes=50))


async def test_a_session_can_be_chosen_as_the_caller() -> None:
    sts = CannedSts()
    app = dialog(workspace(trust(ROOT), sts=sts), callers=[live_session("hub", HUB), session("ended", minutes=-9)])
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "F3 another of 2" in words(app), "what has ended cannot assume anything"
        await press(pilot, "f3")
        assert "As the session of hub," in words(app)
        assert "15m to 1h (role chaining)" in words(app)
        assert "lasts one hour at most" in words(app)
        field(app, "name").value = "alice"
        await press(pilot, "enter")
        assert result(app).caller_key == HUB
        assert sts.signed_by[0] == HUB


async def test_the_arrows_choose_the_caller_too() -> None:
    app = dialog(workspace(trust()), callers=[live_session("hub", HUB), live_session("spoke", SPOKE)])
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        choice = app.screen.query_one(CallerChoice)
        await press(pilot, "shift+tab")
        assert app.focused is choice
        seen = []
        for key in ("down", "down", "down", "up"):
            await press(pilot, key)
            seen.append(choice.caller.key if choice.caller is not None else "")
        assert seen == [HUB, SPOKE, "", SPOKE]


async def test_without_sessions_there_is_nobody_else() -> None:
    app = dialog(workspace(trust()))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "f3")
        assert "There is no session yet that could assume it" in words(app)


async def test_the_inputs_of_a_session_are_the_beginning_of_the_next() -> None:
    before = AssumeRoleInput(
        ROLE, "nightly", 1800, extras=AssumeExtras(policy_arns=("arn:aws:iam::aws:policy/ReadOnlyAccess",))
    )
    held = live_session("hub", HUB)
    app = dialog(workspace(trust(ROOT)), caller=held, prefilled=before)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "More: 1 managed policy" in words(app)
        await press(pilot, "enter")
        assert result(app).entered == before
        assert result(app).caller_key == HUB


async def test_a_session_that_has_ended_cannot_be_the_caller() -> None:
    sts = CannedSts()
    app = dialog(workspace(trust(), sts=sts), caller=session(minutes=-60))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "this cannot be assumed from here" in words(app)
        assert "!" in words(app)
        await press(pilot, "enter")
        assert sts.requests == []


# Any role


@pytest.mark.slow
async def test_without_a_role_its_arn_is_asked_for() -> None:
    app = dialog(workspace(trust()), None)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "enter the role's ARN" in words(app)
        await press(pilot, "enter")
        assert app.returned == []
        await type_text(pilot, ROLE)
        await settle(pilot)
        assert "Trust [+] yes" in words(app)
        await press(pilot, "enter")
        assert result(app).entered == ENTERED


async def test_part_of_a_name_is_completed_and_enter_first_shows_the_role() -> None:
    app = dialog(workspace(trust()), None)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await type_text(pilot, "deploy")
        await settle(pilot)
        assert ROLE in screen_text(app)
        await press(pilot, "enter")
        assert field(app, "role").value == ROLE
        assert app.returned == []
        assert "Trust [+] yes" in words(app)
        await press(pilot, "enter")
        assert result(app).entered == ENTERED
