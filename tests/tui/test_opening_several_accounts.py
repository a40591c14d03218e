"""Several live accounts while they are read: each is on screen as soon as there is anything of it."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual.widgets import Static

from iamtui.aws.connection import Connection
from iamtui.tui.app import IamtuiApp
from iamtui.tui.main.inventory import IndexedAccount
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.source import workspace as workspaces
from iamtui.workspace.source.open_accounts import open_accounts
from iamtui.workspace.source.opening import keep_account
from iamtui.workspace.source.workspace import Progress, ProgressReport, SourceChoice, SourceKind, Workspace
from tests.support.fault_proxy import Call, Fault, FaultProxy, Stall, error
from tests.support.live_account import load_live
from tests.support.moto_accounts import client_in, profiles
from tests.support.moto_server import ACCOUNT, KEY_ID, REGION, MotoServer, trust
from tests.support.panel_apps import screen_text, until
from tests.support.sample_account import NOW
from tests.support.screen_app import RecordingCopier, press
from tests.support.slow import one_quick
from tests.support.snapshot_builder import ID
from tests.support.two_accounts import OTHER, files

__all__ = ["files"]


@pytest.fixture
def url(moto: MotoServer, no_aws_settings: Path, fault_proxy: FaultProxy) -> str:
    """Where two accounts answer, each with a role of its own, by the profiles one and other."""
    moto.client("iam").create_role(RoleName="mine", AssumeRolePolicyDocument=trust())
    client_in(moto, OTHER, "iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=trust())
    profiles(moto, no_aws_settings, one=ACCOUNT, other=OTHER)
    return fault_proxy.url


def in_other(proxy: FaultProxy, operation: str, fault: Fault) -> None:
    """A fault for a call of the second account alone."""

    def rule(call: Call) -> Fault | None:
        mine = f"Credential={KEY_ID}/" in call.headers.get("authorization", "")
        return fault if call.operation == operation and not mine else None

    proxy.rules.append(rule)


def after_first(proxy: FaultProxy) -> threading.Event:
    """Let the second account answer only once the first is on screen: that is looked at which comes first."""
    is_there = threading.Event()

    def rule(call: Call) -> None:
        if f"Credential={KEY_ID}/" not in call.headers.get("authorization", ""):
            is_there.wait()

    proxy.rules.append(rule)
    return is_there


def app_with_both(url: str) -> IamtuiApp:
    one, other = (SourceChoice(SourceKind.LIVE, profile=name, endpoint_url=url) for name in ("one", "other"))
    choice = SourceChoice(SourceKind.LIVE, profile=one.profile, endpoint_url=url, beside=(other,))
    return IamtuiApp(choice, copier=RecordingCopier())


def open_now(app: IamtuiApp) -> dict[str, list[str]]:
    """The roles of each account on screen."""
    workspace = app.main.workspace
    return {} if workspace is None else {one.id: [role.name for role in one.roles] for one in workspace.accounts}


def said(app: IamtuiApp) -> str:
    return app.main.query_one(MessageLine).words


def keep_both(moto: MotoServer, url: str) -> None:
    """Have both accounts in the cache, read three hours ago."""
    for name in ("one", "other"):
        account = load_live(Connection.open(profile=name, region=None, endpoint_url=url))
        assert keep_account(replace(account, taken_at=NOW - timedelta(hours=3)), url)


@one_quick("size", [(80, 24), (120, 40)])
async def test_an_account_is_there_while_the_other_is_still_read(
    url: str, fault_proxy: FaultProxy, size: tuple[int, int]
) -> None:
    in_other(fault_proxy, "GetAccountAuthorizationDetails", Stall())
    app = app_with_both(url)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: open_now(app) == {ACCOUNT: ["mine"]})
        await until(pilot, lambda: "1 of 2 accounts; profile other: users, groups" in said(app))
        await pilot.press("slash", *"mine")
        await until(pilot, lambda: "1 match" in screen_text(app))
        app.main.explorer.tree_view.focus()
        await pilot.press("escape")
        await pilot.press("escape")
        words = "Cancelled. Some of the accounts are there, r reads the rest. g a chooses a source."
        await until(pilot, lambda: said(app) == words)
        assert open_now(app) == {ACCOUNT: ["mine"]}
        fault_proxy.rules.clear()
        fault_proxy.calls.clear()
        await pilot.press("r")
        await until(pilot, lambda: open_now(app) == {ACCOUNT: ["mine"], OTHER: ["theirs"]})
        assert fault_proxy.operations().count("GetAccountAuthorizationDetails") == 1, "the first is not read again"
        await until(pilot, lambda: app.opening.is_settled)
        await pilot.press("R")
        await until(pilot, lambda: fault_proxy.operations().count("GetAccountAuthorizationDetails") == 3)


@pytest.mark.slow
async def test_what_one_account_refuses_is_named_and_the_other_is_there(url: str, fault_proxy: FaultProxy) -> None:
    in_other(fault_proxy, "GetCallerIdentity", error(403, "InvalidClientTokenId"))
    in_other(fault_proxy, "GetAccountAuthorizationDetails", error(403, "InvalidClientTokenId"))
    app = app_with_both(url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "The profile other could not be opened: " in said(app))
        assert open_now(app) == {ACCOUNT: ["mine"]}
        assert "✗ The profile other" in screen_text(app)


@pytest.mark.slow
async def test_what_the_cache_holds_is_there_at_once_with_its_age(
    url: str, moto: MotoServer, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspaces, "utc_now", lambda: NOW)
    keep_both(moto, url)
    client_in(moto, OTHER, "iam").create_role(RoleName="new", AssumeRolePolicyDocument=trust())
    in_other(fault_proxy, "GetAccountAuthorizationDetails", Stall())
    first = after_first(fault_proxy)
    app = app_with_both(url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: ACCOUNT in open_now(app))
        first.set()
        await until(pilot, lambda: open_now(app) == {ACCOUNT: ["mine"], OTHER: ["theirs"]})
        # The account that is looked at is read anew; an answer still rests on what the other was.
        await until(pilot, lambda: "others read 3h ago" in screen_text(app).splitlines()[0])
        await pilot.press("end")
        welcome = " ".join(str(app.main.query_one("#welcome", Static).render()).split())
        assert welcome == f"{OTHER} other Read 3h ago. Enter goes there."
        fault_proxy.rules.clear()
        await pilot.press("R")
        await until(pilot, lambda: f"Since it was read 3h ago: 1 added ({OTHER} role/new)" in said(app))
        assert sorted(open_now(app)[OTHER]) == ["new", "theirs"]
        assert "read 3h ago" not in screen_text(app).splitlines()[0]


@pytest.mark.slow
async def test_an_account_that_cannot_be_read_anew_stays_as_it_was_read_last(
    url: str, moto: MotoServer, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspaces, "utc_now", lambda: NOW)
    keep_both(moto, url)
    denied = error(403, "AccessDenied")
    for operation in ("GetAccountAuthorizationDetails", "ListUsers", "ListRoles", "ListGroups", "ListPolicies"):
        in_other(fault_proxy, operation, denied)
    first = after_first(fault_proxy)
    app = app_with_both(url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: ACCOUNT in open_now(app))
        first.set()
        await until(pilot, lambda: "The profile other could not be opened: " in said(app))
        assert open_now(app) == {ACCOUNT: ["mine"], OTHER: ["theirs"]}
        await press(pilot, "end")
        welcome = " ".join(str(app.main.query_one("#welcome", Static).render()).split())
        assert "It is shown as read 3h ago." in welcome
        await press(pilot, "up")
        assert f"{OTHER} other Read 3h ago." in " ".join(str(app.main.query_one("#welcome", Static).render()).split())


@pytest.mark.slow
async def test_a_region_is_that_of_all_accounts_also_when_they_are_read_again(
    url: str, fault_proxy: FaultProxy
) -> None:
    app = app_with_both(url)

    def regions() -> set[str]:
        workspace = app.main.source_workspace
        open_ones = (workspace, *workspace.beside) if workspace is not None else ()
        return {one.source.region for one in open_ones if one.connection and one.connection.region == one.source.region}

    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.opening.is_settled)
        assert regions() == {REGION}
        await press(pilot, "ctrl+g", *"sa-e", "enter")
        await until(pilot, lambda: regions() == {"sa-east-1"})
        was = app.main.source_workspace
        await press(pilot, "R")
        await until(pilot, lambda: app.main.source_workspace is not was)
        assert regions() == {"sa-east-1"}


async def test_going_to_another_account_while_more_is_read_ends_there(files: tuple[str, str]) -> None:
    one, other = (SourceChoice(SourceKind.SNAPSHOT, Path(file)) for file in files)
    choice = SourceChoice(SourceKind.SNAPSHOT, one.snapshot, beside=(other,))
    goes_on = threading.Event()

    def opener(wanted: SourceChoice, report: ProgressReport, _cancelled: object) -> Workspace:
        report(Progress("", part=open_accounts(wanted)))
        goes_on.wait()
        return open_accounts(wanted)

    app = IamtuiApp(choice, opener=opener, copier=RecordingCopier())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.main.workspace is not None)
        given = app.main.source_workspace
        assert given is not None
        # More of them is shown before the other account could be made ready.
        app.main.drafts.look_at(OTHER)
        app.main.drafts.show_account(IndexedAccount.of(given))
        await until(pilot, lambda: next(iter(open_now(app))) == OTHER)
        goes_on.set()
        await until(pilot, lambda: app.opening.is_settled)
        assert list(open_now(app)) == [OTHER, ID]


async def test_files_are_there_one_after_the_other(files: tuple[str, str]) -> None:
    one, other = (SourceChoice(SourceKind.SNAPSHOT, Path(file)) for file in files)
    told: list[Progress] = []
    open_accounts(SourceChoice(SourceKind.SNAPSHOT, one.snapshot, beside=(other,)), told.append, parts=True)
    parts = [[account.id for account in one.part.accounts] for one in told if one.part is not None]
    assert parts == [[ID]]
    assert "1 of 2 accounts; reading other.json …" in [one.words for one in told]
