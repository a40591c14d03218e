"""Renewing, forgetting in time, serving and locking, from the keys of the screen."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input

from iamtui.config import Config, LockConfig
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.tui import clock
from iamtui.tui.dialogs.assume.result import AssumeResult
from iamtui.tui.dialogs.confirm import ConfirmDialog
from iamtui.tui.dialogs.mfa_code import CodeDialog
from iamtui.tui.screens.sessions.endpoint import EndpointScreen
from iamtui.tui.screens.sessions.lock import LockScreen
from iamtui.tui.widgets.message_line import MessageLine
from iamtui.tui.widgets.sessions import SessionsPanel
from iamtui.tui.widgets.status_line import StatusLine
from iamtui.workspace.assume.assuming import AssumeInput
from iamtui.workspace.sessions.keeping import Origin
from tests.support.panel_apps import screen_text, type_text, until
from tests.support.panel_sessions import SECRET, StillClock, session
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
        return self.pilot.app.main.sessions  # type: ignore[attr-defined]

    @property
    def text(self) -> str:
        return screen_text(self.pilot.app)

    @property
    def words(self) -> str:
        """The screen without its lines and line ends."""
        return " ".join(self.text.replace("│", " ").split())

    @property
    def said(self) -> str:
        return self.pilot.app.main.query_one(MessageLine).words  # type: ignore[attr-defined,no-any-return]

    def again(self, code: Secret | None) -> Session:
        self.codes.append(code)
        if self.fails is not None:
            raise self.fails
        return self.lasting(60, key=f"ASIARENEWED{len(self.codes):09d}")

    def lasting(self, minutes: float, **more: object) -> Session:
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
        await press(self.pilot, "S")

    async def pass_minutes(self, minutes: float) -> None:
        for _ in range(round(minutes * 3)):
            self.clock.move(20)
            self.panel.tick()
        await settle(self.pilot)


@asynccontextmanager
async def stage(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int] = (120, 40), config: Config | None = None
) -> AsyncIterator[Stage]:
    still, copier = StillClock(), RecordingCopier()
    monkeypatch.setattr(clock, "now", still)
    async with opened(make_app(copier=copier, config=config), size=size) as pilot:
        on_stage = Stage(pilot, still, copier)
        line = pilot.app.query_one(MessageLine)
        say = line.say

        def hear(*args: Any, **options: Any) -> None:
            say(*args, **options)
            on_stage.heard.append(line.words)

        monkeypatch.setattr(line, "say", hear)
        yield on_stage


# Renewing


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


async def test_renewal_is_off_until_it_is_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60)
        assert "R renew off" in it.text
        await it.pass_minutes(41)
        assert it.codes == []
        await press(it.pilot, "R")
        assert any("is renewed from now on, at once; R switches it off." in said for said in it.heard)
        await it.pass_minutes(1 / 3)
        assert it.codes == [None]
        assert "R renews in" in it.text
        await press(it.pilot, "R")
        assert "is not renewed any more: it ends in" in it.said


async def test_a_renewal_that_fails_says_why_what_is_left_and_when_it_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60)
        await press(it.pilot, "R")
        it.fails = Problem("STS cannot be reached.", "Check the network.")
        await it.pass_minutes(40 + 1 / 3)
        words = "Renewing failed; the session is still good for 19m; next try in 15s. STS cannot be reached."
        assert any(words in said for said in it.heard)
        assert "! Renewing failed; the session is still good for 19m" in it.text
        it.fails = None
        await it.pass_minutes(1 / 3)
        assert it.heard[-1].startswith("Renewed deploy-prod")
        assert "! Renewing failed" not in it.text


async def test_a_renewal_that_is_denied_is_tried_once_more_before_a_short_session_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(15)
        await press(it.pilot, "R")
        it.fails = Problem("AWS refused: AccessDenied.")
        kept = it.panel.keeper.active
        assert kept is not None
        for _ in range(14 * 3):
            it.clock.move(20)
            kept.renewer.tick()
        it.panel.tick()
        await settle(it.pilot)
        assert "R tries again in 30s" in it.text
        assert "still good for 1m 00s; next try in 30s" in it.words
        before = len(it.codes)
        it.clock.move(30)
        kept.renewer.tick()
        assert len(it.codes) == before + 1
        it.clock.move(30)
        it.panel.tick()
        await settle(it.pilot)
        assert "EXPIRED" in it.text.split("\n")[0]
        assert re.search(r"R EXPIRED, tries again in \d", it.text)


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
            assert line._fade is None
            chip = it.pilot.app.query_one(StatusLine).render()
            assert style in {str(span.style) for span in chip.spans}
            await it.pass_minutes(2)
            assert f"ends in less than {minutes} minutes" in line.words


async def test_what_cannot_be_renewed_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(renews=False)
        assert "cannot be renewed" in it.text
        for key in ("r", "R"):
            await press(it.pilot, key)
            assert it.said == "! It cannot be renewed: how it was assumed is not known."


async def test_without_a_session_the_keys_say_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await press(it.pilot, "S")
        for key in ("r", "R", "e", "f", "d"):
            it.pilot.app.main.say("")  # type: ignore[attr-defined]
            await press(it.pilot, key)
            assert it.said.startswith("There is no session")


async def test_a_code_is_asked_for_ten_minutes_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60, needs_code=True)
        await press(it.pilot, "R")
        assert "you are asked for an MFA code ten minutes before its end" in it.said
        assert "R asks for a code in 50m" in it.text
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


async def test_no_dialog_opens_under_what_is_being_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60, needs_code=True)
        await press(it.pilot, "R", "slash", "1")
        await it.pass_minutes(50 + 1 / 3)
        assert not isinstance(it.pilot.app.screen, CodeDialog)
        assert "ends in less than 10 minutes" in it.said
        await press(it.pilot, "escape")
        it.pilot.app.main.ask_for_codes()  # type: ignore[attr-defined]
        await settle(it.pilot)
        assert isinstance(it.pilot.app.screen, CodeDialog)


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


async def test_production_is_marked_by_role_account_and_alias(monkeypatch: pytest.MonkeyPatch) -> None:
    def elsewhere(role: str) -> Session:
        """A session of another account, that has no alias here."""
        return session(
            role, identity=None, role_arn=f"arn:aws:iam::210987654321:role/{role}", key=f"ASIA{role.upper()}"
        )

    async with stage(monkeypatch, (200, 60)) as it:
        for held in (elsewhere("auditor"), elsewhere("deploy-prod"), session("reader")):
            it.panel.add_session(held)
        await press(it.pilot, "S")
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
            main.hold(AssumeResult(held, AssumeInput(held.role_arn, "alice", 3600), caller_key), main.source_workspace)
        await press(it.pilot, "S")
        first, second = it.panel.keeper
        assert second.parent == first.key
        assert "by user/alice → assumed-role/entry/iamtui-alice" in it.text
        assert second.renewer.possible
        assert not second.renewer.switched_on
        lost = AssumeResult(session("lost", key="ASIALOST"), AssumeInput(last.role_arn, "alice", 3600), "ASIAGONE")
        main.hold(lost, main.source_workspace)
        await press(it.pilot, "r")
        assert it.said == "! It cannot be renewed: the session that assumed it is gone."


# Forgetting


async def test_a_session_is_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60)
        await press(it.pilot, "f")
        await type_text(it.pilot, "15")
        await press(it.pilot, "enter")
        assert 'Write it as a time to wait ("15m"' in it.text
        await type_text(it.pilot, "m")
        await press(it.pilot, "enter")
        assert "is forgotten in 15m, at" in it.said
        assert "f forgotten in 15m" in it.text
        await it.pass_minutes(15)
        assert it.panel.sessions == ()
        assert it.said == "Forgot deploy-prod, as you had set."


async def test_an_empty_time_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60)
        await press(it.pilot, "f")
        await type_text(it.pilot, "15m")
        await press(it.pilot, "enter", "f", "enter")
        assert "f forget never" in it.text
        assert it.said == "The session of deploy-prod is kept until you forget it."


# Serving


def ask(url: str, token: str) -> dict[str, str]:
    """What a program gets; raises as urllib does."""
    request = urllib.request.Request(url, headers={"Authorization": token})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=20) as answer:
        return dict(json.load(answer))


def variable(copied: str, name: str) -> str:
    """The value that a copied line gives a variable."""
    line = next(line for line in copied.splitlines() if line.startswith(f" export {name}="))
    return line.partition("=")[2]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_session_is_served_from_a_key(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    async with stage(monkeypatch, size) as it:
        await it.hold(60)
        await press(it.pilot, "e")
        assert isinstance(it.pilot.app.screen, EndpointScreen)
        assert re.search(r"Endpoint of deploy-prod  123456789012 \S+ PROD", it.text)
        await press(it.pilot, "c")
        (copied,) = it.copier.copied
        url, token = (
            variable(copied, f"AWS_CONTAINER_{name}") for name in ("CREDENTIALS_FULL_URI", "AUTHORIZATION_TOKEN")
        )
        assert "unset AWS_ACCESS_KEY_ID" in copied
        assert ask(url, token)["SecretAccessKey"] == SECRET
        with pytest.raises(urllib.error.HTTPError):
            ask(url, "guess")
        await until(it.pilot, lambda: "1 answered, 1 refused" in it.text)
        assert url.rsplit("/", 1)[1] not in it.text
        assert token not in it.text
        assert "http://127.0.0.1:" in it.text
        assert "the endpoint ends with it" in " ".join(it.text.split())
        await press(it.pilot, "R")
        assert "renewed in 40m" in it.text
        await press(it.pilot, "escape")
        assert "1 answered, 1 refused" in it.text
        assert ask(url, token)["AccessKeyId"] == "ASIAEXAMPLEKEY00WXYZ"
        await press(it.pilot, "r")
        assert ask(url, token)["AccessKeyId"] == "ASIARENEWED000000001"
        await press(it.pilot, "e", "x")
        with pytest.raises(urllib.error.URLError):
            ask(url, token)
        assert "endpoint off" in it.text


async def test_metadata_is_offered_only_after_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(60)
        await press(it.pilot, "e", "i")
        assert isinstance(it.pilot.app.screen, ConfirmDialog)
        assert "knows no authentication" in it.text
        await press(it.pilot, "enter")
        assert isinstance(it.pilot.app.screen, ConfirmDialog)
        await press(it.pilot, "escape")
        kept = it.panel.keeper.active
        assert kept is not None
        assert kept.service is not None
        assert kept.service.metadata is None
        assert "IMDSv2 stays off." in it.text
        await press(it.pilot, "i", "y")
        assert kept.service.metadata is not None
        assert "open to everybody on this machine" in it.text
        await press(it.pilot, "c")
        assert variable(it.copier.copied[-1], "AWS_EC2_METADATA_SERVICE_ENDPOINT") == kept.service.metadata.url


async def test_an_endpoint_that_ended_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(1)
        await press(it.pilot, "e")
        kept = it.panel.keeper.active
        assert kept is not None
        service = kept.service
        assert service is not None
        it.clock.move(61)
        service.stop()
        it.panel.tick()
        await until(it.pilot, lambda: "It has stopped with its session." in it.text)
        assert "The endpoint of deploy-prod has stopped with its session." in it.said
        await press(it.pilot, "c")
        assert it.copier.copied == []


async def test_a_session_that_has_ended_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        await it.hold(1)
        it.clock.move(61)
        await press(it.pilot, "e")
        assert any("has expired" in said for said in it.heard)
        assert not isinstance(it.pilot.app.screen, EndpointScreen)


# Locking


async def test_locking_drops_everything_and_says_what(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as it:
        it.panel.add_session(session("auditor", key="ASIAAUDITORKEY00ABCD"))
        await it.hold(60)
        await press(it.pilot, "2", "e")
        kept = it.panel.keeper.active
        assert kept is not None
        assert kept.service is not None
        endpoint = kept.service.endpoint
        it.copier.left = timedelta(seconds=20)
        await press(it.pilot, "f12")
        assert isinstance(it.pilot.app.screen, LockScreen)
        assert "Dropped: 2 sessions and 1 endpoint." in it.text
        assert "Clipboard cleared (xclip, read back)." in it.text
        assert it.copier.left is None
        assert it.panel.sessions == ()
        assert "deploy-prod" not in it.text
        with pytest.raises(urllib.error.URLError):
            ask(endpoint.uri.reveal(), endpoint.token.reveal())
        await press(it.pilot, "f12", "colon", "P")
        assert len([screen for screen in it.pilot.app.screen_stack if isinstance(screen, LockScreen)]) == 1
        assert isinstance(it.pilot.app.screen, LockScreen)
        await press(it.pilot, "enter")
        assert it.pilot.app.screen is it.pilot.app.main  # type: ignore[attr-defined]
        assert SECRET not in it.text


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
        assert "There was no session to drop." in it.text


@pytest.mark.parametrize("keys", [("Y",), ("x",), ("e", "i"), ("f",), ("a",), ("e", "help")])
async def test_no_dialog_outlasts_the_lock(monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...]) -> None:
    async with stage(monkeypatch) as it:
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
        it.pilot.app.main._mfa_sessions = shared  # type: ignore[attr-defined]
        assert it.pilot.app.main.holds_secrets  # type: ignore[attr-defined]
        await it.hold(60)
        await press(it.pilot, "f12")
        assert "Dropped: 1 session and 1 MFA session." in it.text
        assert "forgotten" in it.heard


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
        await press(it.pilot, "f")
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
        await press(it.pilot, "e", "escape")
        kept = it.panel.keeper.active
        assert kept is not None
        assert kept.service is not None
        service = kept.service
    assert service.wait(20)
