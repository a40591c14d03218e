"""Revoking older sessions from the screen: what is shown, what is copied, and that nothing is run."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from datetime import timedelta

import pytest

from iamtui.account.model import Role
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.tui.sessions.session_dialogs import RevokeDialog
from tests.support.hostile_text import assert_clean
from tests.support.panel_apps import ScreenApp, screen_text, settle, until
from tests.support.panel_sessions import START, RecordingCopier, session
from tests.support.sample_account import sample_workspace
from tests.support.screen_app import make_app, opened, press
from tests.support.sts_answers import CannedSts

NOW = START + timedelta(minutes=5)
ROLE = "arn:aws:iam::123456789012:role/deploy-prod"


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def dialog(arn: str = ROLE) -> tuple[ScreenApp, RecordingCopier]:
    copier = RecordingCopier()
    held = (session(), session("auditor", key="ASIAEXAMPLEKEY00ABCD"), session(minutes=4, key="ASIAEXAMPLEKEY00OLD1"))
    return ScreenApp(RevokeDialog(sample_workspace(), arn, held, copier)), copier


def words(app: ScreenApp) -> str:
    return " ".join(screen_text(app).replace("│", " ").split())


async def test_a_role_of_another_account_is_warned_of_before_anything_else() -> None:
    app, copier = dialog("arn:aws:iam::999999999999:role/deploy-prod")
    async with app.run_test(size=(120, 60)) as pilot:
        await until(pilot, lambda: "Cuts off every session" in words(app))
        warning = words(app).index("run the command with credentials of account 999999999999")
        assert warning < words(app).index("Cuts off")
        assert "The command, for account 999999999999 only" in words(app)
        await pilot.press("c")
        await until(pilot, lambda: bool(copier.texts))
    assert copier.texts[0].startswith('[ "$(aws sts get-caller-identity ')


async def test_effect_command_and_policy_are_shown_and_copied() -> None:
    app, copier = dialog()
    async with app.run_test(size=(120, 60)) as pilot:
        await until(pilot, lambda: "Cuts off every session issued before 2026-03-01T09:35:00Z" in words(app))
        assert "[x] cut off deploy-prod ASIA…WXYZ issued 2026-03-01T09:30:00Z" in words(app)
        assert "[+] goes on auditor ASIA…ABCD of another role" in words(app)
        assert "OLD1" not in words(app)
        assert '"aws:TokenIssueTime": "2026-03-01T09:35:00Z"' in words(app)
        for key, number in (("c", 1), ("p", 2), ("u", 3), ("enter", 4)):
            await pilot.press(key)
            await until(pilot, lambda: len(copier.texts) == number)  # noqa: B023 - awaited at once
        await until(pilot, lambda: "Copied the Command by xclip." in words(app))
        await pilot.press("escape")
        await settle(pilot)
    command, policy, undo, again = copier.texts
    assert command == again
    assert shlex.split(command)[:5] == ["aws", "iam", "put-role-policy", "--role-name", "deploy-prod"]
    assert json.loads(shlex.split(command)[8]) == json.loads(policy)
    assert shlex.split(undo)[:3] == ["aws", "iam", "delete-role-policy"]
    assert app.returned == [None]


async def test_a_small_window_scrolls() -> None:
    app, _ = dialog()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Cuts off" in words(app))
        assert '"aws:TokenIssueTime":' not in words(app)
        for _ in range(12):
            await pilot.press("pagedown")
        await settle(pilot)
        assert '"aws:TokenIssueTime":' in words(app)
        await pilot.press(*["k"] * 3, "pageup")


@pytest.mark.parametrize(
    ("arn", "said"),
    [
        ("arn:aws:iam::123456789012:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", "linked to a service"),
        ("arn:aws:iam::123456789012:role/[@click=app.quit]\x1b[31mx[/]", "IAM would not give"),
    ],
)
async def test_what_cannot_be_revoked_is_said_and_nothing_copied(arn: str, said: str) -> None:
    app, copier = dialog(arn)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: said in words(app))
        assert_clean(app)
        await pilot.press("c", "p", "u")
        await settle(pilot)
    assert copier.texts == []


async def test_without_sessions_aws_is_asked_for_its_time() -> None:
    workspace = replace(sample_workspace(), connection=CannedSts(now=NOW + timedelta(hours=2)).connection())
    app = ScreenApp(RevokeDialog(workspace, ROLE, (), RecordingCopier()))
    async with app.run_test(size=(120, 60)) as pilot:
        await until(pilot, lambda: "issued before 2026-03-01T11:35:00Z" in words(app))
        assert "none that is alive" in words(app)


async def test_a_clipboard_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    app, copier = dialog()

    def fail(_text: str, _what: str) -> str:
        raise Problem("No clipboard.")

    monkeypatch.setattr(copier, "copy_text", fail)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Cuts off" in words(app))
        await pilot.press("c")
        await until(pilot, lambda: "! No clipboard." in words(app))


@pytest.mark.slow
async def test_the_key_means_the_role_or_the_session() -> None:
    app = make_app()
    async with opened(app) as pilot:
        await press(pilot, "K")
        assert "Put the cursor on a role, or on a session" in screen_text(app)
        app.main.go_to(next(entity.arn for entity in sample_workspace().account.roles))
        await settle(pilot)
        assert isinstance(app.main.subject.node, Role)
        await press(pilot, "K")
        assert isinstance(app.screen, RevokeDialog)
        assert app.screen._role_arn == app.main.subject.node.arn
        await press(pilot, "escape")
        app.main.query_one(SessionsPanel).add_session(session("another"))
        app.main.query_one(SessionsPanel).focus()
        await press(pilot, "K")
        assert isinstance(app.screen, RevokeDialog)
        assert app.screen._role_arn.endswith("role/another")
