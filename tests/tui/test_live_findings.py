"""Findings of a live account: what they need is read when they are opened, from an account that answers."""

from __future__ import annotations

import pytest

from iamtui.account.model import Known, Missing
from iamtui.tui.app import IamtuiApp
from iamtui.tui.main.inventory import OVERVIEW, key_of
from iamtui.tui.reports.overview_view import OverviewView
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support.fault_proxy import FaultProxy, Reset, Stall, error
from tests.support.moto_server import MotoServer, allow, policy
from tests.support.panel_apps import screen_text, until
from tests.support.screen_app import RecordingCopier

SIZE = (120, 40)


@pytest.fixture
def url(moto: MotoServer, fault_proxy: FaultProxy) -> str:
    """Where an account answers with a user with a password, one with an access key and one with all permissions."""
    iam = moto.client("iam")
    for name in ("dora", "ci", "root-like"):
        iam.create_user(UserName=name)
    iam.create_login_profile(UserName="dora", Password="correct-Horse-7-battery")
    iam.create_access_key(UserName="ci")
    iam.put_user_policy(UserName="root-like", PolicyName="all", PolicyDocument=policy(allow("*")))
    return fault_proxy.url


def live_app(url: str) -> IamtuiApp:
    return IamtuiApp(SourceChoice(SourceKind.LIVE, endpoint_url=url), copier=RecordingCopier())


def users(app: IamtuiApp) -> list[str]:
    return [user.name for user in app.main.workspace.account.users] if app.main.workspace is not None else []


async def test_what_the_findings_need_is_read_when_they_are_opened(url: str) -> None:
    app = live_app(url)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: len(users(app)) == 3)
        assert app.main.workspace is not None
        assert isinstance(app.main.workspace.account.password_policy, Missing)
        await pilot.press("g", "f")
        await until(pilot, lambda: "No password policy is set" in screen_text(app))
        shown = screen_text(app)
        assert "The user has a console password and no MFA device." in shown
        assert "A program works as this user: it has access keys and no console password." in shown
        assert "all, statement 1: allows everything on everything." in shown
        assert "iam:GenerateServiceLastAccessedDetails" in shown
        await pilot.press("q")
        await until(pilot, lambda: app.screen is app.main)
        workspace = app.main.workspace
        assert workspace is not None
        assert workspace.account.password_policy == Known(None)
        ci = workspace.account.user("ci")
        assert ci is not None
        assert isinstance(workspace.account.with_report(ci).access_keys, Known)


async def test_r_on_the_overview_reads_what_its_numbers_lack(url: str) -> None:
    app = live_app(url)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: len(users(app)) == 3)
        app.main.go_to(key_of(OVERVIEW))
        await until(pilot, lambda: number(app, "administrators").isdecimal())
        assert not number(app, "high").isdecimal()
        before = app.main.workspace
        app.main.query_one(OverviewView).move_to(3)
        await pilot.press("r")
        await until(pilot, lambda: number(app, "high").isdecimal())
        assert "Loaded facts about the account." in screen_text(app)
        assert app.main.query_one(OverviewView).cursor == 3
        now = app.main.workspace
        assert before is not None
        assert now is not None
        assert now.account.groups is before.account.groups, "the account itself is not read again"


def number(app: IamtuiApp, label: str) -> str:
    views = app.main.query(OverviewView)
    lines = views.first().lines if views else ()
    return next((line.figure.words for line in lines if line.label == label and line.figure is not None), "")


@pytest.mark.slow
async def test_how_far_it_is_is_said_and_leaving_does_not_wait(url: str, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("GetAccountPasswordPolicy", Stall())
    app = live_app(url)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: len(users(app)) == 3)
        await pilot.press("g", "f")
        await until(pilot, lambda: "Reading facts about the account" in screen_text(app))
        await pilot.press("q")
        await until(pilot, lambda: app.screen is app.main)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_retries")
async def test_what_may_not_be_read_is_named_and_the_rest_is_there(url: str, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("GetAccountSummary", error(403, "AccessDenied"))
    fault_proxy.on("GetAccountPasswordPolicy", Reset())
    app = live_app(url)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: len(users(app)) == 3)
        await pilot.press("g", "f")
        await until(pilot, lambda: "The user has a console password and no MFA device." in screen_text(app))
        shown = screen_text(app)
        assert "iam:GetAccountSummary" in shown
        assert "iam:GetAccountPasswordPolicy" in shown
        assert "No password policy is set" not in shown
