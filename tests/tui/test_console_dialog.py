"""The AWS console from the screen: what is said first, what is made of the URL, and that nobody sees it."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input

from iamtui.credentials import console_url as signin
from iamtui.credentials.console_url import Host, PrivateAnswer
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.tui import clock
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.tui.sessions.session_dialogs import ConsoleDialog
from tests.support import panel_records as records
from tests.support.fault_proxy import Answer
from tests.support.federation import SIGN_IN_TOKEN, Federation
from tests.support.panel_apps import ScreenApp, screen_text, settle, type_text, until
from tests.support.panel_sessions import START, RecordingCopier, session
from tests.support.screen_app import make_app, opened, press

SIZES = [(80, 24), (120, 40), (200, 60)]


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: START)
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


def dialog(held: Session | None = None) -> tuple[ScreenApp, RecordingCopier]:
    copier = RecordingCopier()
    return ScreenApp(ConsoleDialog(records.small_workspace(), held or session(from_long_term=True), copier)), copier


def words(app: ScreenApp) -> str:
    return " ".join(screen_text(app).replace("│", " ").split())


@pytest.mark.parametrize("size", SIZES)
async def test_it_says_what_the_url_is_and_copies_it_unseen(size: tuple[int, int], federation: Federation) -> None:
    app, copier = dialog()
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert "it is a password" in words(app)
        assert "every user of this machine can read the URL" in words(app)
        assert "assumed-role/deploy-prod/iamtui-alice" in words(app)
        await type_text(pilot, "iam")
        await pilot.press("enter")
        await until(pilot, lambda: app.returned != [])
        assert SIGN_IN_TOKEN not in app.export_screenshot()

    assert app.returned == ["Copied the Sign-in URL by xclip; cleared in 30 s."]
    assert SIGN_IN_TOKEN in copier.texts[0]
    assert "Destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fiam%2Fhome" in copier.texts[0]
    assert "SessionDuration" not in federation.asked[0]
    assert app.clipboard == ""


async def test_a_time_to_stay_is_sent(federation: Federation) -> None:
    app, _ = dialog()
    async with app.run_test() as pilot:
        await pilot.press("tab")
        await type_text(pilot, "8h")
        await pilot.press("enter")
        await until(pilot, lambda: app.returned != [])
    assert federation.asked[0]["SessionDuration"] == "28800"


async def test_chained_sessions_are_offered_no_time(federation: Federation) -> None:
    app, _ = dialog(session())
    async with app.run_test() as pilot:
        await settle(pilot)
        assert len(app.screen.query(Input)) == 1
        assert "as long as the credentials: 1h 00m." in words(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.returned != [])
    assert "SessionDuration" not in federation.asked[0]


async def test_bad_input_is_said_before_anything_is_sent(federation: Federation) -> None:
    app, _ = dialog()
    async with app.run_test(size=(120, 40)) as pilot:
        for page, time, said in (
            ("https://evil.example/", "", "is not on the console's hosts"),
            ("s3 x", "", "cannot be an address"),
            ("", "soon", "The time to stay is not a time."),
            ("", "1m", "cannot stay signed in for 1m (60 seconds)"),
            ("", "13h", "for 13h (46,800 seconds). Give 15m to 12h."),
        ):
            app.screen.query_one("#console-page", Input).value = page
            app.screen.query_one("#console-time", Input).value = time
            await pilot.press("enter")
            await settle(pilot)
            assert said in words(app)
            await pilot.press("x")
            await settle(pilot)
            assert said not in words(app)
    assert federation.asked == []


async def test_a_console_that_outlives_the_session_is_told() -> None:
    app, _ = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        field = app.screen.query_one("#console-time", Input)
        for time, told in (("1h", False), ("8h", True), ("", False)):
            field.value = time
            await settle(pilot)
            assert ("longer than the session" in words(app)) is told, time


async def test_what_aws_refuses_is_said_and_can_be_tried_again(federation: Federation) -> None:
    app, copier = dialog()
    federation.fault = Answer(400, b"Invalid credentials parameter")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "refused the credentials (HTTP 400" in words(app))
        assert copier.texts == []
        federation.fault = None
        await pilot.press("enter")
        await until(pilot, lambda: app.returned != [])
    assert len(copier.texts) == 1


async def test_a_url_that_comes_after_a_cancel_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    app, copier = dialog()
    asked, answered = threading.Event(), threading.Event()

    def wait(_host: Host, _path: Secret, **_more: str) -> PrivateAnswer:
        asked.set()
        assert answered.wait(60)
        return PrivateAnswer(200, Secret(f'{{"SigninToken": "{SIGN_IN_TOKEN}"}}'))

    monkeypatch.setattr(signin, "private_get", wait)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("enter")
        await until(pilot, asked.is_set)
        assert "Asking AWS's sign-in … 0 s Esc cancel" in words(app)
        await pilot.press("escape")
        answered.set()
        await settle(pilot)
        assert "Cancelled." in words(app)
        await pilot.press("escape")
        await settle(pilot)
    assert app.returned == [None]
    assert copier.texts == []


async def test_opening_starts_the_browser(
    federation: Federation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    app, copier = dialog()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "no desktop here" in words(app))
        monkeypatch.setenv("BROWSER", f"{browser} %s")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: app.returned != [])
    assert SIGN_IN_TOKEN in (tmp_path / "opened").read_text()
    assert app.returned == ["The browser has been started with the sign-in URL."]
    assert copier.texts == []


async def test_a_clipboard_that_fails_and_a_bug_are_one_sentence(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, copier = dialog()

    def fail(_text: Secret, _what: str) -> str:
        raise Problem("No clipboard.")

    monkeypatch.setattr(copier, "copy_secret", fail)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "! No clipboard." in words(app))

        def crash(text: Secret, _what: str) -> str:
            raise ValueError(text.reveal())

        monkeypatch.setattr(copier, "copy_secret", crash)
        await pilot.press("enter")
        await until(pilot, lambda: "ValueError, an error in iamtui" in words(app))
        assert SIGN_IN_TOKEN not in app.export_screenshot()


# From the main screen.


async def test_the_key_opens_it_for_the_active_session() -> None:
    app = make_app()
    async with opened(app) as pilot:
        await press(pilot, "b")
        assert "There is no session" in screen_text(app)
        app.main.query_one(SessionsPanel).add_session(session(demo=True))
        await press(pilot, "b")
        assert "The demo account has no AWS console" in screen_text(app)
        app.main.query_one(SessionsPanel).add_session(replace(session(), access_key_id="ASIAEXAMPLEKEY00ABCD"))
        await press(pilot, "b")
        assert isinstance(app.screen, ConsoleDialog)
        assert "in 123456789012 example-prod PROD" in screen_text(app)
        await press(pilot, "escape")
        assert app.screen is app.main


@pytest.mark.slow
async def test_what_was_done_is_said_on_the_message_line(federation: Federation) -> None:
    app = make_app()
    async with opened(app) as pilot:
        app.main.query_one(SessionsPanel).add_session(session())
        await press(pilot, "b", "enter")
        await until(pilot, lambda: app.screen is app.main)
        await settle(pilot)
        assert "Sign-in URL copied" in screen_text(app)
