"""Renewing sessions, and what marks them, from the keys of the screen."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from textual.widgets import Input

from iamtui.credentials.assume_role import AssumeRoleInput
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.tui.assume.dialog import AssumeResult
from iamtui.tui.sessions.export_dialog import CodeDialog
from iamtui.tui.widgets.status import MessageLine, StatusLine
from tests.support.panel_apps import type_text
from tests.support.panel_sessions import session
from tests.support.screen_app import press, settle
from tests.support.session_stage import stage


async def test_r_renews_now_and_everything_shows_the_new_session(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(30)
        assert "30m 00s left" in it.text
        await press(it.pilot, "r")
        assert it.panel.active is not None
        assert it.panel.active.access_key_id == "ASIARENEWED000000001"
        assert it.said == "Renewed deploy-prod: 1h 00m left."
        assert "ASIA…0001" in it.text
        assert "deploy-prod PROD 1h 00m" in it.text.split("\n")[0]


@pytest.mark.slow
async def test_enter_goes_to_the_role_of_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60)
        role = it.panel.active
        assert role is not None
        await press(it.pilot, "enter", "enter")
        subject = it.pilot.app.main.subject  # type: ignore[attr-defined]
        assert subject.node.arn == role.role_arn
        assert subject.active_view.has_focus


@pytest.mark.slow
async def test_renewal_is_off_until_it_is_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60)
        assert "renew off" in it.text
        await it.pass_minutes(41)
        assert it.codes == []
        await press(it.pilot, "enter", "R")
        assert any("is renewed from now on, at once." in said for said in it.heard)
        await it.pass_minutes(1 / 3)
        assert it.codes == [None]
        assert "renews in" in it.text
        await press(it.pilot, "enter", "R")
        assert "is not renewed any more: it ends in" in it.said


async def test_a_renewal_that_fails_says_why_what_is_left_and_when_it_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60)
        await press(it.pilot, "enter", "R")
        it.fails = Problem("STS cannot be reached.", "Check the network.")
        await it.pass_minutes(40 + 1 / 3)
        words = "Renewing failed; the session is still good for 19m; next try in 15s. STS cannot be reached."
        assert any(words in said for said in it.heard)
        assert "! Renewing failed; the session is still good for 19m" in it.text
        it.fails = None
        await it.pass_minutes(1 / 3)
        assert it.heard[-1].startswith("Renewed deploy-prod")
        assert "! Renewing failed" not in it.text


@pytest.mark.slow
async def test_a_renewal_that_is_denied_is_tried_once_more_before_a_short_session_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(15)
        await press(it.pilot, "enter", "R")
        it.fails = Problem("AWS refused: AccessDenied.")
        kept = it.panel.keeper.active
        assert kept is not None
        for _ in range(14 * 3):
            it.clock.move(20)
            kept.renewer.tick()
        it.panel.tick()
        await settle(it.pilot)
        assert "tries again in 30s" in it.text
        assert "still good for 1m 00s; next try in 30s" in it.words
        before = len(it.codes)
        it.clock.move(30)
        kept.renewer.tick()
        assert len(it.codes) == before + 1
        it.clock.move(30)
        it.panel.tick()
        await settle(it.pilot)
        assert "EXPIRED" in it.text.split("\n")[0]
        assert re.search(r"EXPIRED, tries again in \d", it.text)


async def test_ten_and_five_minutes_are_said_and_stay_until_they_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(12)
        for minutes, style in ((10, "$session-warning"), (5, "bold $session-warning")):
            while it.panel.active.time_left(it.clock()) >= timedelta(minutes=minutes):  # type: ignore[union-attr]
                it.clock.move(20)
                it.panel.tick()
            await settle(it.pilot)
            line = it.pilot.app.query_one(MessageLine)
            assert line.words == f"! The session of deploy-prod ends in less than {minutes} minutes."
            assert line.waits, "no timer takes it away"
            assert line.waits
            chip = it.pilot.app.query_one(StatusLine).render()
            assert style in {str(span.style) for span in chip.spans}
            await it.pass_minutes(2)
            assert f"ends in less than {minutes} minutes" in line.words


async def test_what_cannot_be_renewed_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(renews=False)
        assert "cannot be renewed" in it.text
        for keys in (["r"], ["enter", "R"]):
            await press(it.pilot, *keys)
            assert it.said == "! It cannot be renewed: how it was assumed is not known."


@pytest.mark.slow
async def test_without_a_session_the_keys_say_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await press(it.pilot, "g", "s")
        for key in ("r", "c", "a", "d"):
            it.pilot.app.main.say("")  # type: ignore[attr-defined]
            await press(it.pilot, key)
            assert it.said.startswith("There is no session")


async def test_a_code_is_asked_for_ten_minutes_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60, needs_code=True)
        await press(it.pilot, "enter", "R")
        assert "you are asked for an MFA code ten minutes before its end" in it.said
        assert "asks for a code in 50m" in it.text
        await it.pass_minutes(50)
        assert not isinstance(it.pilot.app.screen, CodeDialog)
        await it.pass_minutes(1 / 3)
        assert isinstance(it.pilot.app.screen, CodeDialog)
        assert "The session ends in 9m 40s. Renewing it takes a code of" in it.text
        assert "mfa/alice-phone" in it.text
        await type_text(it.pilot, "864209")
        assert "864209" not in it.text
        await press(it.pilot, "enter")
        assert [code.reveal() for code in it.codes if code] == ["864209"]
        assert it.said == "Renewed deploy-prod: 1h 00m left."


@pytest.mark.slow
async def test_what_is_no_code_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60, needs_code=True)
        await press(it.pilot, "r")
        for wrong in ("12345", "abcdef"):
            await type_text(it.pilot, wrong)
            await press(it.pilot, "enter")
            assert "A code has 6 digits" in it.text
            assert it.pilot.app.screen.query_one(Input).value == ""
        await press(it.pilot, "escape")
        assert it.codes == []


@pytest.mark.slow
async def test_no_dialog_opens_under_what_is_being_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60, needs_code=True)
        await press(it.pilot, "enter", "R", "slash", "1")
        await it.pass_minutes(50 + 1 / 3)
        assert not isinstance(it.pilot.app.screen, CodeDialog)
        assert "ends in less than 10 minutes" in it.said
        await press(it.pilot, "escape")
        it.pilot.app.main.lifecycle.ask_for_codes()  # type: ignore[attr-defined]
        await settle(it.pilot)
        assert isinstance(it.pilot.app.screen, CodeDialog)


@pytest.mark.slow
async def test_a_code_that_is_refused_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(8, needs_code=True)
        it.fails = Problem("The MFA code was wrong or used before.", "Wait for the next.")
        await press(it.pilot, "r")
        await type_text(it.pilot, "000000")
        await press(it.pilot, "enter")
        said = next(said for said in it.heard if "Renewing failed" in said)
        assert "still good for 8m. The MFA code was wrong or used before." in said
        assert "next try" not in said
        it.fails = None
        await press(it.pilot, "r")
        await type_text(it.pilot, "864209")
        await press(it.pilot, "enter")
        assert any(said.startswith("Renewed") for said in it.heard)


@pytest.mark.slow
async def test_production_is_marked_by_role_account_and_alias(monkeypatch: pytest.MonkeyPatch) -> None:
    def elsewhere(role: str) -> Session:
        """A session of another account, that has no alias here."""
        return session(
            role, identity=None, role_arn=f"arn:aws:iam::210987654321:role/{role}", key=f"ASIA{role.upper()}"
        )

    async with stage(monkeypatch, (200, 60)) as it:
        for held in (elsewhere("auditor"), elsewhere("deploy-prod"), session("reader")):
            it.panel.add_session(held)
        await press(it.pilot, "g", "s")
        rows = [row for row in it.text.split("\n") if "left" in row]
        marked = {name: any(name in row and "PROD" in row for row in rows) for name in ("auditor", "deploy", "reader")}
        assert marked == {"auditor": False, "deploy": True, "reader": True}
        assert "reader PROD" in it.text.split("\n")[0]
        await press(it.pilot, "k", "k")
        assert "PROD" not in it.text.split("\n")[0]


async def test_what_the_assume_form_gives_is_held_with_who_assumed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        main = it.pilot.app.main  # type: ignore[attr-defined]
        entry = session("entry", key="ASIAENTRYENTRY00ABCD", source_arn="arn:aws:iam::123456789012:user/alice")
        assert entry.identity is not None
        last = session(source_arn=entry.identity.arn)
        for held, caller_key in ((entry, ""), (last, "ASIAENTRYENTRY00ABCD")):
            main.lifecycle.hold(
                AssumeResult(held, AssumeRoleInput(held.role_arn, "alice", 3600), caller_key), main.source_workspace
            )
        await press(it.pilot, "g", "s")
        first, second = it.panel.keeper
        assert second.parent == first.key
        assert "by user/alice → assumed-role/entry/iamtui-alice" in it.text
        assert second.renewer.possible
        assert not second.renewer.switched_on
        lost = AssumeResult(session("lost", key="ASIALOST"), AssumeRoleInput(last.role_arn, "alice", 3600), "ASIAGONE")
        main.lifecycle.hold(lost, main.source_workspace)
        await press(it.pilot, "r")
        assert it.said == "! It cannot be renewed: the session that assumed it is gone."
