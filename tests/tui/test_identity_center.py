"""The people behind a role of IAM Identity Center: loaded with L, shown beside the role, and named by who can."""

from __future__ import annotations

import pytest

from iamtui import paths
from iamtui.tui.app import IamtuiApp
from iamtui.tui.question.who_can_screen import WhoCanScreen
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.source.workspace import CacheUse, SourceChoice, SourceKind
from tests.support.fault_proxy import FaultProxy, Stall, json_error
from tests.support.moto_server import MotoServer
from tests.support.panel_apps import screen_text, until
from tests.support.screen_app import RecordingCopier, press, settle
from tests.support.sign_in_people import SSO_ARN, add_people, add_role
from tests.support.slow import one_quick


@pytest.fixture
def app(moto: MotoServer, fault_proxy: FaultProxy) -> IamtuiApp:
    add_role(moto.client("iam"))
    add_people(moto)
    return IamtuiApp(SourceChoice(SourceKind.LIVE, endpoint_url=fault_proxy.url), copier=RecordingCopier())


def words(app: IamtuiApp) -> str:
    return " ".join(screen_text(app).replace("│", " ").replace("▏", " ").split())


def said(app: IamtuiApp) -> str:
    return app.main.query_one(MessageLine).words


@one_quick("size", [(80, 24), (120, 40)])
async def test_l_loads_who_can_sign_in_and_who_can_names_them(app: IamtuiApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.main.workspace is not None and app.main.workspace.reading is None)
        app.main.browsing.go_to(SSO_ARN)
        await until(pilot, lambda: "needs sso:List" in words(app))
        assert "Developer edited and provisioned" in words(app)
        await press(pilot, "L")
        await until(pilot, lambda: "Loaded the people behind roles of IAM Identity Center" in said(app))
        assert "People Ana Ruiz (ana@corp.example)" in words(app)
        assert "Ben [red] (ben)" in words(app)
        app.main.question.ask("sqs:SendMessage")
        await press(pilot, "f6")
        await until(pilot, lambda: isinstance(app.screen, WhoCanScreen))
        await until(pilot, lambda: "People: Ana Ruiz (ana@corp.example), Ben [red] (ben)" in words(app))


async def test_what_may_not_be_read_is_said_with_its_permission(app: IamtuiApp, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("ListPermissionSetsProvisionedToAccount", json_error(400, "AccessDeniedException"))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.main.workspace is not None and app.main.workspace.reading is None)
        app.main.browsing.go_to(SSO_ARN)
        await press(pilot, "L")
        await until(pilot, lambda: "is not known: access denied" in said(app))
        assert "management account" in said(app)
        assert "It needs sso:ListPermissionSetsProvisionedToAccount." in said(app)
        assert "Ana" not in words(app)


@pytest.mark.slow
async def test_they_are_kept_with_the_account_and_read_anew_with_it(app: IamtuiApp, fault_proxy: FaultProxy) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.opening.is_settled)
        app.main.browsing.go_to(SSO_ARN)
        await press(pilot, "L")
        await until(pilot, lambda: "Ana Ruiz" in words(app))
        await settle(pilot)
    fault_proxy.on("GetAccountAuthorizationDetails", Stall())
    again = IamtuiApp(SourceChoice(SourceKind.LIVE, endpoint_url=fault_proxy.url), copier=RecordingCopier())
    async with again.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: again.main.workspace is not None)
        again.main.browsing.go_to(SSO_ARN)
        await until(pilot, lambda: "Ana Ruiz" in words(again))
        assert "read" in screen_text(again).splitlines()[0]
        fault_proxy.rules.clear()
        await pilot.press("R")
        await until(pilot, lambda: "Nothing has changed since" in said(again))
        assert again.main.workspace is not None
        assert not again.main.workspace.age
        assert "Ana Ruiz" in words(again)


@pytest.mark.slow
async def test_without_the_cache_they_are_not_kept(app: IamtuiApp, fault_proxy: FaultProxy) -> None:
    choice = SourceChoice(SourceKind.LIVE, endpoint_url=fault_proxy.url, cache=CacheUse.NOTHING)
    other = IamtuiApp(choice, copier=RecordingCopier())
    async with other.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: other.opening.is_settled)
        other.main.browsing.go_to(SSO_ARN)
        await press(pilot, "L")
        await until(pilot, lambda: "Ana Ruiz" in words(other))
        await settle(pilot)
    assert not paths.accounts_folder().exists()
