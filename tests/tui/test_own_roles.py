"""The roles that the user may assume: the list, its ways in, and the assume form that a row opens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iamtui.tui.assume.dialog import AssumeDialog
from iamtui.tui.reports.report_screen import ReportScreen
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support.drafting import app_of
from tests.support.panel_apps import screen_text
from tests.support.sample_account import sample_workspace
from tests.support.screen_app import make_app, opened, press

ADMIN = "arn:aws:iam::111122223333:role/admin/break-glass-admin"
READONLY = "arn:aws:iam::111122223333:role/ops-readonly"


@pytest.mark.parametrize("size", [(80, 24), pytest.param((200, 60), marks=pytest.mark.slow)])
async def test_after_a_refusal_the_form_leads_to_a_role_that_lets_one_in(size: tuple[int, int]) -> None:
    async with opened(make_app(open_source(SourceChoice(SourceKind.DEMO))), size=size) as pilot:
        app = app_of(pilot)
        app.main.go_to(ADMIN)
        app.main.explorer.tree_view.focus()
        await press(pilot, "a")
        refused = app.screen
        assert isinstance(refused, AssumeDialog)
        text = screen_text(app)
        assert "> F7 lists the roles that you may assume." in text
        assert "F7 roles" in text, "in the foot of the frame"
        await press(pilot, "f7")
        screen = app.screen
        assert isinstance(screen, ReportScreen)
        assert "Roles that you may assume as user/platform/maya.okafor" in screen_text(app)
        assert "Enter Assume" in screen_text(app) or "⏎ Assume" in screen_text(app)
        assert screen.list.shown[0].target.arn == READONLY
        assert screen.list.shown[0].mark.text == "[+] ALLOWED"
        await press(pilot, "escape")
        assert app.screen is refused, "back to the form as it was"
        await press(pilot, "f7")
        await press(pilot, "enter")
        assert isinstance(app.screen, AssumeDialog)
        assert "Your side [+] yes" in " ".join(screen_text(app).split())
        assert app.screen.form.inputs.role_arn == READONLY
        await press(pilot, "escape")
        assert app.screen is app.main, "one form, not two"


async def test_the_list_has_a_key_and_says_when_there_is_nothing_to_say() -> None:
    account = sample_workspace().account
    async with opened(account=replace(account, roles=account.roles[1:])) as pilot:
        app = app_of(pilot)
        app.main.explorer.tree_view.focus()
        await press(pilot, "p")
        screen = app.screen
        assert isinstance(screen, ReportScreen)
        assert screen.list.shown == []
        assert "None of the roles that are known here lets you in." in screen_text(app)
