"""`B` on a session opens its account anew with its credentials; forgetting the session ends that."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.account.model import Known
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.tui.app import IamtuiApp
from iamtui.tui.main.main_screen import MainScreen
from iamtui.tui.widgets.status import MessageLine, StatusLine
from iamtui.workspace.ask.questions import as_command
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support.moto_server import ACCOUNT, MotoServer, allow, policy, trust
from tests.support.panel_apps import screen_text, until
from tests.support.screen_app import RecordingCopier, press, settle
from tests.support.slow import one_quick

OTHER = "222222222222"
OTHER_ROLE = f"arn:aws:iam::{OTHER}:role/reader"
HERE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/here"


@pytest.fixture(autouse=True)
def private_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.fixture
def app(moto: MotoServer) -> IamtuiApp:
    """Two accounts, each with a role that the first one's caller may assume."""
    iam = moto.client("iam")
    iam.create_user(UserName="dora")
    iam.create_role(RoleName="here", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    keys = moto.client("sts").assume_role(RoleArn=OTHER_ROLE, RoleSessionName="setup")["Credentials"]
    there = moto.client_with("iam", keys)
    there.create_role(RoleName="reader", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    there.put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=policy(allow("sqs:*")))
    there.create_user(UserName="far-away")
    choice = SourceChoice(SourceKind.LIVE, endpoint_url=moto.url)
    return IamtuiApp(choice, copier=RecordingCopier())


def status(app: IamtuiApp) -> str:
    return app.main.query_one(StatusLine).render().plain


def words(app: IamtuiApp) -> str:
    return " ".join(screen_text(app).split())


async def assume(pilot: Pilot[None], app: IamtuiApp, role: str) -> None:
    count = len(app.main.sessions.keeper)
    await press(pilot, "ctrl+r")
    app.screen.query_one("#assume-role", Input).value = role
    await settle(pilot)
    await press(pilot, "enter")
    await until(pilot, lambda: len(app.main.sessions.keeper) == count + 1)


async def browse(pilot: Pilot[None], app: IamtuiApp, role: str) -> None:
    await assume(pilot, app, role)
    await press(pilot, "g", "s")
    await press(pilot, "enter", "w")
    await until(pilot, lambda: "AS " in status(app))


@one_quick("size", [(80, 24), (120, 40)])
async def test_the_account_of_a_session_is_opened_and_the_header_says_so(app: IamtuiApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: ACCOUNT in status(app))
        await browse(pilot, app, OTHER_ROLE)
        assert "AS reader" in status(app)
        assert OTHER in status(app)
        workspace = app.main.source_workspace
        assert workspace is not None
        assert [user.name for user in workspace.account.users] == ["far-away"]
        assert isinstance(workspace.account.caller_arn, Known)
        assert f"{OTHER}:assumed-role/reader/" in workspace.account.caller_arn.value
        asked = Question("sqs:SendMessage", "*", {})
        line = as_command(workspace, resolve_principal(workspace, OTHER_ROLE), asked)
        inner = f"iamtui can {OTHER_ROLE} sqs:SendMessage"
        assert line.startswith(f"iamtui exec {OTHER_ROLE} --region us-east-1 --endpoint-url http://")
        assert f" -- {inner} " in line, "asked with other credentials it would be of another account"
        await press(pilot, "enter", "w")
        await until(pilot, lambda: ACCOUNT in status(app))
        assert "AS " not in status(app)
        assert len(app.main.sessions.keeper) == 1
        assert [kept.lent_key for kept in app.main.sessions.keeper] == [""]


@pytest.mark.slow
async def test_another_region_for_a_session_that_has_expired_is_refused(
    app: IamtuiApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: ACCOUNT in status(app))
        await browse(pilot, app, OTHER_ROLE)
        await until(pilot, lambda: OTHER in status(app))
        await settle(pilot)
        monkeypatch.setattr(Session, "expired", lambda *_: True)
        await press(pilot, "ctrl+g")
        await press(pilot, "enter")
        await until(pilot, lambda: "EXPIRED" in app.main.query_one(MessageLine).words)
        workspace = app.main.source_workspace
        assert workspace is not None
        assert workspace.source.region == "us-east-1"


@pytest.mark.slow
@one_quick("keys", [("d", "d"), ("f12", "enter")])
async def test_forgetting_the_session_ends_it_at_once(app: IamtuiApp, keys: tuple[str, ...]) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: ACCOUNT in status(app))
        await browse(pilot, app, OTHER_ROLE)
        workspace = app.main.source_workspace
        assert workspace is not None
        assert workspace.connection is not None
        await pilot.press(*keys)
        await until(pilot, lambda: not len(app.main.sessions.keeper))
        with pytest.raises(Problem, match="forgotten"):
            workspace.connection.call("iam", "ListUsers", dict)
        await until(pilot, lambda: ACCOUNT in status(app))
        assert "AS " not in status(app)


@pytest.mark.slow
async def test_a_renewed_session_goes_on_being_browsed_as(app: IamtuiApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: ACCOUNT in status(app))
        await browse(pilot, app, OTHER_ROLE)
        before = app.main.source_workspace
        await press(pilot, "r")
        await until(pilot, lambda: "Renewed" in app.main.query_one(MessageLine).words)
        await until(pilot, lambda: app.main.source_workspace is not before)
        workspace, (kept,) = app.main.source_workspace, app.main.sessions.keeper
        assert workspace is not None
        assert workspace.connection is not None
        assert kept.lent_key == kept.session.access_key_id
        assert workspace.connection.caller().account == OTHER


@pytest.mark.slow
async def test_a_role_that_is_assumed_there_is_chained_to_the_session(app: IamtuiApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: ACCOUNT in status(app))
        await browse(pilot, app, OTHER_ROLE)
        await assume(pilot, app, HERE_ROLE)
        first, second = app.main.sessions.keeper
        assert second.parent == first.key
        assert second.renewer.possible


@pytest.mark.slow
async def test_another_account_leaves_it_and_a_failure_keeps_what_is_open(app: IamtuiApp, moto: MotoServer) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: ACCOUNT in status(app))
        await assume(pilot, app, HERE_ROLE)
        moto.enforce_policies()
        await press(pilot, "g", "s", "enter", "w")
        await until(pilot, lambda: "ccess denied" in app.main.query_one(MessageLine).words)
        assert "AS " not in status(app)
        assert [kept.lent_key for kept in app.main.sessions.keeper] == [""]
        assert isinstance(app.screen, MainScreen)


@pytest.mark.slow
async def test_the_demo_browses_as_a_role_of_its_own_account_alone() -> None:
    app = IamtuiApp(SourceChoice(SourceKind.DEMO), copier=RecordingCopier())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.main.workspace is not None)
        await browse(pilot, app, "arn:aws:iam::111122223333:role/ops-readonly")
        assert "DEMO" in status(app)
        assert "AS ops-readonly" in status(app)
