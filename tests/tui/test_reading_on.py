"""An account that is still being read: its first rows, cancelling, and going on where the reading broke off."""

from __future__ import annotations

from threading import Event

import pytest

from iamtui.account.model import REST_OF_ACCOUNT
from iamtui.tui.app import IamtuiApp
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.source.workspace import (
    OpeningCancelled,
    Progress,
    ProgressReport,
    SourceChoice,
    SourceKind,
    Workspace,
)
from tests.support.fault_proxy import Call, Fault, FaultProxy, Reset, Stall
from tests.support.panel_apps import screen_text, until
from tests.support.screen_app import RecordingCopier, make_app, settle

PAGE = 200


def live_app(url: str) -> IamtuiApp:
    return IamtuiApp(SourceChoice(SourceKind.LIVE, endpoint_url=url), copier=RecordingCopier())


def said(app: IamtuiApp) -> str:
    return app.main.query_one(MessageLine).words


def users_shown(app: IamtuiApp) -> int:
    return len(app.main.workspace.account.users) if app.main.workspace is not None else 0


def after_pages(proxy: FaultProxy, pages: int, fault: Fault) -> None:
    """A fault in place of every page of the listing after the first ones."""
    seen: list[str] = []

    def rule(call: Call) -> Fault | None:
        if call.operation != "GetAccountAuthorizationDetails":
            return None
        seen.append(call.parameters.get("Marker", ""))
        return fault if len(seen) > pages else None

    proxy.rules.append(rule)


async def test_first_rows_are_there_while_the_rest_is_read_and_cancelling_keeps_them(large_proxy: FaultProxy) -> None:
    after_pages(large_proxy, 1, Stall())
    app = live_app(large_proxy.url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: users_shown(app) == PAGE and "policies 200 …" in said(app))
        assert "esc cancels" in said(app)
        assert app.main.workspace is not None
        assert REST_OF_ACCOUNT in [gap.what for gap in app.main.workspace.account.gaps]

        app.main.explorer.tree_view.focus()
        await pilot.press("escape")
        words = "Cancelled. A part of the account is there, r reads the rest. g a chooses a source."
        await until(pilot, lambda: said(app) == words)
        assert users_shown(app) == PAGE
        await pilot.press("j", "j")
        await settle(pilot)
        assert "Groups: unknown" in screen_text(app)

        large_proxy.rules.clear()
        large_proxy.calls.clear()
        await pilot.press("r")
        await settle(pilot)
        assert users_shown(app) == 5_000
        assert not app.main.workspace.account.gaps
        pages = [call for call in large_proxy.calls if call.operation == "GetAccountAuthorizationDetails"]
        assert len(pages) == 30, "the first page is not read again"


@pytest.mark.slow
@pytest.mark.usefixtures("quick_retries")
async def test_what_broke_off_stays_and_r_reads_the_rest(large_proxy: FaultProxy) -> None:
    after_pages(large_proxy, 10, Reset())
    app = live_app(large_proxy.url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "r reads the rest" in said(app))
        assert users_shown(app) == 10 * PAGE
        assert "2,000 users, groups unknown, roles unknown, and no more: " in said(app)
        assert "was cut" in said(app)

        large_proxy.rules.clear()
        await pilot.press("r")
        await settle(pilot)
        assert users_shown(app) == 5_000
        assert "reads the rest" not in said(app)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_retries")
async def test_a_refresh_that_fails_leaves_what_is_there(large_proxy: FaultProxy) -> None:
    app = live_app(large_proxy.url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: users_shown(app) == 5_000)
        await settle(pilot)
        large_proxy.on("GetAccountAuthorizationDetails", Reset())
        await pilot.press("R")
        await settle(pilot)
        assert users_shown(app) == 5_000
        assert "was cut" in said(app)


async def test_what_comes_of_a_load_while_it_is_cancelled_is_not_said() -> None:
    started, goes_on, told = Event(), Event(), Event()

    def slow(_choice: SourceChoice, report: ProgressReport, _cancelled: object) -> Workspace:
        started.set()
        goes_on.wait()
        report(Progress("reading users", 1200, 5000))
        told.set()
        raise OpeningCancelled

    app = make_app(opener=slow)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, started.is_set)
        # The app handles nothing between the progress and the end.
        goes_on.set()
        told.wait()
        app.opening.stop()
        await settle(pilot)
        assert said(app).startswith("Cancelled.")
