"""Leaving asks once, and names everything that would be lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from textual import events
from textual.pilot import Pilot

from iamtui.drafts.edits.principals import AttachPolicy
from iamtui.tui import clock
from iamtui.tui.app import IamtuiApp, PickerApp
from iamtui.tui.drafts.draft_screen import DraftScreen
from iamtui.tui.sessions.controller import LockScreen
from iamtui.tui.sessions.export_dialog import LeaveDialog
from iamtui.tui.sessions.text import leaving_words, losses
from iamtui.workspace.assume.session_store import Origin, SessionsKeeper
from tests.support.drafting import app_of, lay
from tests.support.panel_apps import screen_text, until
from tests.support.panel_sessions import StillClock, session
from tests.support.sample_account import LAKE_READ, NOW, iam, sample_workspace
from tests.support.screen_app import SAMPLE, RecordingCopier, make_app, opened, press, settle
from tests.support.slow import one_quick
from tests.tui.test_handing_over import held

CAROL = iam("user/carol")


def words(app: IamtuiApp) -> str:
    """The screen without its lines and line ends."""
    return " ".join(screen_text(app).replace("│", " ").split())


async def hold(pilot: Pilot[None], *roles: str, **more: object) -> None:
    for role in roles or ("deploy-prod",):
        app_of(pilot).main.sessions.add_session(held(role=role, **more))
    app_of(pilot).main.explorer.tree_view.focus()
    await settle(pilot)


@one_quick("key", ["q", "ctrl+q"])
@one_quick("agreeing", ["y", "enter", "q", "ctrl+q"])
async def test_leaving_with_a_live_session_asks_once(key: str, agreeing: str) -> None:
    app = make_app()
    async with opened(app) as pilot:
        await hold(pilot, "deploy-prod", "ops-readonly")
        await press(pilot, key)
        assert isinstance(app.screen, LeaveDialog)
        assert "deploy-prod 1h 00m left" in words(app)
        assert "ops-readonly 1h 00m left" in words(app)
        await pilot.press(agreeing)
        await until(pilot, lambda: app._exit)


@one_quick("key", ["q", "ctrl+q"])
@one_quick("agreeing", ["y", "enter"])
async def test_the_same_key_twice_drops_no_draft(key: str, agreeing: str) -> None:
    app = make_app()
    async with opened(app) as pilot:
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        app.main.explorer.tree_view.focus()
        await press(pilot, key, "q", "q", "ctrl+q", "ctrl+q")
        assert not app._exit
        assert isinstance(app.screen, LeaveDialog)
        assert "y or Enter leaves without saving" in words(app)
        assert "q leaves" not in words(app)
        await pilot.press(agreeing)
        await until(pilot, lambda: app._exit)


@one_quick("staying", ["escape", "n"])
async def test_one_can_stay_and_is_asked_again(staying: str) -> None:
    app = make_app()
    async with opened(app) as pilot:
        await hold(pilot)
        await press(pilot, "q", staying)
        assert app.screen is app.main
        assert not app._exit
        await press(pilot, "q")
        assert isinstance(app.screen, LeaveDialog)


async def test_keys_that_come_at_once_do_the_same() -> None:
    app = make_app()
    async with opened(app) as pilot:
        await hold(pilot)
        for key in "qy":
            app.post_message(events.Key(key, key))
        await until(pilot, lambda: app._exit)


async def test_an_expired_session_is_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    async with opened(app) as pilot:
        await hold(pilot)
        monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=1, seconds=1))
        await pilot.press("q")
        await until(pilot, lambda: app._exit)


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_nothing_to_lose_nothing_to_ask(key: str) -> None:
    app = make_app()
    async with opened(app) as pilot:
        await press(pilot, key)
        assert app._exit


@pytest.mark.slow
async def test_time_left_counts_down_while_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    async with opened(app) as pilot:
        await hold(pilot)
        await press(pilot, "q")
        monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=20))
        await until(pilot, lambda: "deploy-prod 40m left" in words(app))


async def test_all_that_would_be_lost_is_asked_about_at_once() -> None:
    app = make_app()
    async with opened(app) as pilot:
        await hold(pilot)
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await press(pilot, "g", "s", "enter", "e", "escape", "ctrl+q")
        shown = words(app)
        assert "The edits of a draft are not saved: a draft without a name" in shown
        assert "deploy-prod 1h 00m left endpoint on" in shown
        assert "Programs that ask the endpoint (0 requests so far) get no credentials any more" in shown
        await press(pilot, "d")
        assert isinstance(app.screen, DraftScreen)
        kept = app.main.sessions.keeper.active
        assert kept is not None
        assert kept.service is not None
        service = kept.service
        await press(pilot, "ctrl+q")
        assert isinstance(app.screen, LeaveDialog)
        await pilot.press("y")
        await until(pilot, lambda: not app.is_running)
    assert service.wait(60)


@pytest.mark.slow
async def test_without_a_draft_no_draft_is_shown() -> None:
    app = make_app()
    async with opened(app) as pilot:
        await hold(pilot)
        await press(pilot, "q", "d", "c")
        assert isinstance(app.screen, LeaveDialog)
        assert "shows the draft" not in words(app)
        assert "hands the session over" not in words(app)


@pytest.mark.slow
async def test_a_lock_takes_the_question_away() -> None:
    app = make_app()
    async with opened(app) as pilot:
        await hold(pilot)
        await press(pilot, "q", "f12")
        assert isinstance(app.screen, LockScreen)
        assert not any(isinstance(screen, LeaveDialog) for screen in app.screen_stack)
        assert not app._exit


def test_many_sessions_are_counted_and_a_served_one_counts_after_its_end() -> None:
    now = StillClock()
    keeper = SessionsKeeper(clock=now)
    for number in range(8):
        keeper.add(session(role=f"role-{number}"), Origin(mfa_serial=iam("mfa/phone") if not number else ""))
    said = leaving_words(losses((), keeper, now()), now()).plain
    assert "role-0  1h 00m left  took an MFA code" in said
    assert "role-5" in said
    assert "role-6" not in said
    assert "and 2 more" in said
    now.move(3601)
    assert not losses((), keeper, now())
    kept = keeper.active
    assert kept is not None
    kept.service = object()  # type: ignore[assignment]
    assert losses((), keeper, now()).sessions == (kept,)
    assert losses((), keeper, now(), picked=True).sessions == (kept,)


# As a picker.


def picker() -> PickerApp:
    opened_account = sample_workspace()
    return PickerApp("bash", SAMPLE, opener=lambda *_: opened_account, copier=RecordingCopier())


@pytest.mark.slow
async def test_a_pick_leaves_the_sessions_that_led_to_it_without_a_question() -> None:
    app = picker()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await hold(pilot, "first", "second")
        await press(pilot, "c")
        assert app._exit
        assert app.picked == held(role="second")


@pytest.mark.slow
async def test_leaving_a_picker_without_what_was_made_for_it_asks_and_offers_it() -> None:
    app = picker()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await hold(pilot)
        await lay(pilot, AttachPolicy(CAROL, LAKE_READ.arn))
        await press(pilot, "q")
        assert "Nothing was handed to your shell." in words(app)
        await press(pilot, "c")
        assert app._exit, "the draft was named already"
        assert app.picked == held(role="deploy-prod")


@pytest.mark.slow
async def test_a_picker_left_all_the_same_hands_nothing_over() -> None:
    app = picker()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await hold(pilot)
        await press(pilot, "q", "q")
        assert app._exit
        assert app.picked is None
