"""Forgetting sessions in time and locking, from the keys of the screen."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from textual.screen import ModalScreen

from iamtui.aws.connection import Connection
from iamtui.config import Config, LockConfig
from iamtui.tui.sessions.controller import LockScreen
from iamtui.workspace.assume.session_store import Origin
from tests.support.panel_apps import type_text, until
from tests.support.panel_sessions import SECRET, session
from tests.support.screen_app import press, settle
from tests.support.session_stage import ask, stage


@pytest.mark.slow
async def test_a_session_is_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60)
        await press(it.pilot, "enter", "f")
        await type_text(it.pilot, "15")
        await press(it.pilot, "enter")
        assert 'Write it as a time to wait ("15m"' in it.text
        await type_text(it.pilot, "m")
        await press(it.pilot, "enter")
        assert "is forgotten in 15m, at" in it.said
        assert "forgotten in 15m" in it.text
        await it.pass_minutes(15)
        assert it.panel.sessions == ()
        assert it.said == "Forgot deploy-prod, as you had set."


@pytest.mark.slow
async def test_an_empty_time_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60)
        await press(it.pilot, "enter", "f")
        await type_text(it.pilot, "15m")
        await press(it.pilot, "enter", "enter", "f", "enter")
        assert "forget never" in it.text
        assert it.said == "The session of deploy-prod is kept until you forget it."


async def test_locking_drops_everything_and_says_what(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        it.panel.add_session(session("auditor", key="ASIAAUDITORKEY00ABCD"))
        await it.hold(60)
        await press(it.pilot, "enter", "s", "enter", "e")
        kept = it.panel.keeper.active
        assert kept is not None
        assert kept.service is not None
        endpoint = kept.service.endpoint
        it.copier.left = timedelta(seconds=20)
        await press(it.pilot, "f12")
        assert isinstance(it.pilot.app.screen, LockScreen)
        assert "Forgotten: 2 sessions and 1 endpoint." in it.text
        assert "Clipboard cleared (xclip)." in it.text
        assert it.copier.left is None
        assert it.panel.sessions == ()
        assert "deploy-prod" not in it.text
        with pytest.raises(urllib.error.URLError):
            ask(endpoint.uri.reveal(), endpoint.token.reveal())
        await press(it.pilot, "f12", "colon", "g", "a")
        assert len([screen for screen in it.pilot.app.screen_stack if isinstance(screen, LockScreen)]) == 1
        assert isinstance(it.pilot.app.screen, LockScreen)
        await press(it.pilot, "enter")
        assert it.pilot.app.screen is it.pilot.app.main  # type: ignore[attr-defined]
        assert SECRET not in it.text


@pytest.mark.slow
async def test_locking_works_while_typing_and_takes_a_code_along(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60, needs_code=True)
        await press(it.pilot, "r")
        await type_text(it.pilot, "12345")
        await press(it.pilot, "f12")
        assert isinstance(it.pilot.app.screen, LockScreen)
        await press(it.pilot, "enter")
        assert it.pilot.app.screen is it.pilot.app.main  # type: ignore[attr-defined]
        assert it.codes == []
        await press(it.pilot, "slash", "f12")
        assert "There was no session to forget." in it.text


@pytest.mark.slow
async def test_no_dialog_outlasts_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        for keys in (("enter",), ("x",), ("enter", "e", "i"), ("enter", "f"), ("a",), ("enter", "e", "help")):
            it.pilot.app.main.explorer.tree_view.focus()  # type: ignore[attr-defined]
            await it.hold(60)
            await press(it.pilot, *(key for key in keys if key != "help"))
            if "help" in keys:
                it.pilot.app.action_help()  # type: ignore[attr-defined]
                await settle(it.pilot)
                assert not isinstance(it.pilot.app.screen, ModalScreen)
            assert len(it.pilot.app.screen_stack) > 1
            await press(it.pilot, "f12", "enter")
            assert it.pilot.app.screen_stack == [it.pilot.app.main]  # type: ignore[attr-defined]


async def test_the_lock_drops_shared_mfa_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        shared = SimpleNamespace(live=lambda: ("one",), forget_all=lambda: it.heard.append("forgotten"))
        it.pilot.app.main.lifecycle._mfa_sessions = shared  # type: ignore[attr-defined]
        assert it.pilot.app.main.lifecycle.holds_secrets  # type: ignore[attr-defined]
        await it.hold(60)
        await press(it.pilot, "f12")
        assert "Forgotten: 1 session and 1 MFA session." in it.text
        assert "forgotten" in it.heard


async def test_the_lock_forgets_the_sessions_that_read_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[Connection] = []

    def forget(connection: Connection) -> None:
        forgotten.append(connection)

    monkeypatch.setattr(Connection, "forget_renewed", forget)
    async with stage(monkeypatch) as it:
        main = it.pilot.app.main  # type: ignore[attr-defined]
        connection = Connection(region="us-east-1")
        source = replace(main.drafts.source_workspace, connection=connection)
        monkeypatch.setattr(type(main.drafts), "source_workspace", source)
        await press(it.pilot, "f12")
        assert forgotten == [connection]


async def test_a_renewal_that_ends_after_the_lock_brings_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60)
        kept = it.panel.keeper.active
        assert kept is not None
        await press(it.pilot, "f12")
        kept.renewer.renew_now()
        await press(it.pilot, "enter")
        assert it.panel.sessions == ()
        assert not it.said.startswith("Renewed")


async def test_it_locks_itself_when_nothing_is_pressed_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, config=Config(lock=LockConfig(idle_minutes=5))) as it:
        it.clock.move(400)
        await it.pilot.pause(1.2)
        assert not isinstance(it.pilot.app.screen, LockScreen), "there is nothing to drop"
        await it.hold(60)
        it.clock.move(200)
        await press(it.pilot, "k")
        it.clock.move(200)
        it.pilot.app._lock_when_idle()  # type: ignore[attr-defined]
        assert not isinstance(it.pilot.app.screen, LockScreen)
        it.clock.move(101)
        await until(it.pilot, lambda: isinstance(it.pilot.app.screen, LockScreen))
        assert "Nothing was pressed for 5 minutes." in it.text


@pytest.mark.slow
async def test_forgetting_says_what_it_does_to_sessions_that_it_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60)
        parent = it.panel.keeper.active
        assert parent is not None
        it.panel.add_session(
            it.lasting(60, role="last", key="ASIALASTLASTLAST0001"), Origin(it.again), parent=parent.key
        )
        [child] = it.panel.keeper.children(parent.key)
        await press(it.pilot, "k")
        assert it.panel.keeper.active is parent
        await press(it.pilot, "enter", "f")
        await type_text(it.pilot, "15m")
        await press(it.pilot, "enter")
        assert it.said.endswith("What it assumed, last, can then not be renewed any more.")
        await press(it.pilot, "d")
        assert it.said == (
            "! Press d again to forget the session of deploy-prod. What it assumed, last, can then not be renewed any "
            "more."
        )
        assert child.renewer.possible
        await press(it.pilot, "d")
        assert it.said == "Forgot the session of deploy-prod. What it assumed, last, cannot be renewed any more."
        assert "cannot be renewed" in it.text
        await press(it.pilot, "r")
        assert it.said == "! It cannot be renewed: the session that assumed it is gone."


@pytest.mark.slow
async def test_a_session_that_is_forgotten_in_time_says_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60)
        parent = it.panel.keeper.active
        assert parent is not None
        for name in ("one", "two"):
            it.panel.add_session(it.lasting(60, role=name, key=f"ASIA{name}"), Origin(it.again), parent=parent.key)
        parent.forget_at = it.clock() + timedelta(minutes=15)
        await it.pass_minutes(15)
        assert it.said == (
            "Forgot deploy-prod, as you had set. What it assumed (2 sessions) cannot be renewed any more."
        )


async def test_leaving_the_app_stops_the_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60)
        await press(it.pilot, "enter", "e", "escape")
        kept = it.panel.keeper.active
        assert kept is not None
        assert kept.service is not None
        service = kept.service
    assert service.wait(60)
