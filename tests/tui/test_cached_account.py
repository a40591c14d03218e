"""The account as it was read last: on screen at once, with its age, until it is read anew; what changed is marked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from textual.pilot import Pilot

from iamtui import paths
from iamtui.account.model import Known
from iamtui.aws.connection import Connection
from iamtui.cli.source_choice import choose_for_screen
from iamtui.cli.source_options import SourceOptions
from iamtui.tui.app import IamtuiApp
from iamtui.tui.opening.chooser import ChooserScreen
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.source import workspace as workspaces
from iamtui.workspace.source.opening import keep_account, kept_account
from iamtui.workspace.source.workspace import CacheUse, SourceChoice, SourceKind
from tests.support.fault_proxy import FaultProxy, Reset, Stall, error
from tests.support.live_account import load_live
from tests.support.moto_server import ACCOUNT, MotoServer, allow, policy, trust
from tests.support.panel_apps import screen_text, until
from tests.support.sample_account import NOW
from tests.support.screen_app import RecordingCopier, settle
from tests.support.slow import one_quick


@pytest.fixture
def url(moto: MotoServer, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where an account answers that was read three hours ago; since then a role is new, and a policy another one."""
    iam = moto.client("iam")
    iam.create_user(UserName="dora")
    iam.put_user_policy(UserName="dora", PolicyName="read", PolicyDocument=policy(allow("s3:*")))
    iam.create_role(RoleName="old", AssumeRolePolicyDocument=trust())
    iam.create_user(UserName="same")
    iam.put_user_policy(UserName="same", PolicyName="p", PolicyDocument=policy(allow(["s3:a*", "s3:b+c"])))
    monkeypatch.setattr(workspaces, "utc_now", lambda: NOW)
    keep_as_it_is(fault_proxy.url)
    iam.put_user_policy(UserName="dora", PolicyName="read", PolicyDocument=policy(allow("sqs:*")))
    iam.create_role(RoleName="new", AssumeRolePolicyDocument=trust())
    iam.delete_role(RoleName="old")
    return fault_proxy.url


def keep_as_it_is(url: str) -> None:
    account = load_live(Connection.open(profile=None, region=None, endpoint_url=url))
    assert keep_account(replace(account, taken_at=NOW - timedelta(hours=3)), url)


def live_app(url: str, cache: CacheUse = CacheUse.KEEP) -> IamtuiApp:
    return IamtuiApp(SourceChoice(SourceKind.LIVE, endpoint_url=url, cache=cache), copier=RecordingCopier())


def said(app: IamtuiApp) -> str:
    return app.main.query_one(MessageLine).words


def names(app: IamtuiApp) -> list[str]:
    return [role.name for role in app.main.workspace.account.roles] if app.main.workspace is not None else []


async def ask(app: IamtuiApp, pilot: Pilot[None]) -> None:
    app.main.browsing.go_to(f"arn:aws:iam::{ACCOUNT}:user/dora")
    app.main.question.ask("s3:ListAllMyBuckets")
    await settle(pilot)


@one_quick("size", [(80, 24), (120, 40)])
async def test_it_is_there_with_its_age_while_it_is_read_anew(
    url: str, fault_proxy: FaultProxy, size: tuple[int, int]
) -> None:
    fault_proxy.on("GetAccountAuthorizationDetails", Stall())
    app = live_app(url)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: names(app) == ["old"])
        app.main.browsing.go_to(f"arn:aws:iam::{ACCOUNT}:user/dora")
        app.main.question.ask("s3:ListAllMyBuckets")
        await until(pilot, lambda: "[+] ALLOWED (read 3h ago)" in screen_text(app))
        assert "read 3h ago" in screen_text(app).splitlines()[0]


@pytest.mark.slow
async def test_every_screen_with_verdicts_says_how_old_they_are(url: str, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("GetAccountAuthorizationDetails", Stall())
    app = live_app(url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: names(app) == ["old"])
        app.main.browsing.go_to(f"arn:aws:iam::{ACCOUNT}:user/dora")
        app.main.question.ask("s3:ListAllMyBuckets")
        await until(pilot, lambda: "[+] ALLOWED (read 3h ago)" in screen_text(app))
        app.main.explorer.tree_view.focus()
        for keys in ("w", "W", "gf", "ge"):
            await pilot.press(*keys)
            await until(pilot, lambda: app.screen is not app.main and "(read 3h ago)" in screen_text(app))
            await pilot.press("q")
            await until(pilot, lambda: app.screen is app.main)
        app.main.browsing.go_to(f"arn:aws:iam::{ACCOUNT}:role/old")
        await pilot.press("a")
        await until(pilot, lambda: "Assume old  (read 3h ago)" in screen_text(app))


async def test_what_was_read_anew_takes_its_place_and_says_what_changed(url: str) -> None:
    app = live_app(url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Since it was read 3h ago" in said(app))
        assert "1 changed (user/dora), 1 removed (role/old), 1 added (role/new)" in said(app)
        await ask(app, pilot)
        assert "(read 3h ago)" not in screen_text(app)
        assert "[-] DENIED" in screen_text(app)
        assert app.main.workspace is not None
        assert not app.main.workspace.source.cached
        app.main.explorer.tree_view.reveal(f"arn:aws:iam::{ACCOUNT}:role/new")
        await settle(pilot)
        lines = [line for line in screen_text(app).splitlines() if "•" in line[:36]]
        assert [line.split()[0].strip("▌▏│") or line.split()[1] for line in lines] == ["dora", "new"]
        await until(pilot, lambda: kept_roles(app, url) == ["new"])


def kept_roles(app: IamtuiApp, url: str) -> list[str]:
    assert app.main.workspace is not None
    arn = app.main.workspace.account.caller_arn
    assert isinstance(arn, Known)
    kept = kept_account(ACCOUNT, arn.value, url)
    return [role.name for role in kept.roles] if kept is not None else []


@pytest.mark.slow
async def test_without_a_change_that_is_said(url: str) -> None:
    keep_as_it_is(url)
    app = live_app(url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Nothing has changed since it was read 3h ago." in said(app))
        assert "•" not in screen_text(app)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_retries")
async def test_where_it_cannot_be_read_anew_it_stays_with_its_age(url: str, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("GetAccountAuthorizationDetails", Reset())
    app = live_app(url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "The account is shown as read 3h ago." in said(app))
        assert names(app) == ["old"]
        assert "read 3h ago" in screen_text(app).splitlines()[0]
        fault_proxy.rules.clear()
        await pilot.press("r")
        await until(pilot, lambda: names(app) == ["new"])
        assert "read 3h ago" not in screen_text(app).splitlines()[0]


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("code", ["AccessDenied", "ExpiredToken"])
async def test_without_knowing_who_is_calling_it_is_not_shown(url: str, fault_proxy: FaultProxy, code: str) -> None:
    fault_proxy.on("GetCallerIdentity", error(403, code))
    fault_proxy.on("GetAccountAuthorizationDetails", Stall())
    app = live_app(url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "ntities" in said(app) or "groups, roles" in said(app) or "xpired" in said(app))
        assert app.main.workspace is None


async def test_another_caller_does_not_see_it(
    moto: MotoServer, url: str, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = moto.client("iam").create_access_key(UserName="dora")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    fault_proxy.on("GetAccountAuthorizationDetails", Stall())
    app = live_app(url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "groups, roles" in said(app))
        assert app.main.workspace is None


@pytest.mark.slow
async def test_a_damaged_file_is_said_and_the_account_read(url: str) -> None:
    next(paths.accounts_folder().iterdir()).write_bytes(b"{}")
    app = live_app(url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "The account in the cache is not used: it is damaged." in said(app))
        assert names(app) == ["new"]


async def test_without_the_cache_it_is_neither_shown_nor_written(url: str, fault_proxy: FaultProxy) -> None:
    before = next(paths.accounts_folder().iterdir()).read_bytes()
    app = live_app(url, CacheUse.NOTHING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: names(app) == ["new"])
        assert "Since" not in said(app)
        # Another account that is chosen later is not kept either.
        app.opening.open(SourceChoice(SourceKind.LIVE, endpoint_url=url))
        await settle(pilot)
        assert names(app) == ["new"]
        assert next(paths.accounts_folder().iterdir()).read_bytes() == before


@pytest.mark.slow
async def test_without_the_cache_alone_it_asks_and_then_keeps_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch, fault_proxy: FaultProxy
) -> None:
    before = next(paths.accounts_folder().iterdir()).read_bytes()
    with monkeypatch.context() as elsewhere:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            elsewhere.delenv(name, raising=False)
        choice = choose_for_screen(SourceOptions(no_cache=True))
    calls = len(fault_proxy.calls)
    app = IamtuiApp(choice, copier=RecordingCopier())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ChooserScreen))
        assert app.opening.choice is None
        assert len(fault_proxy.calls) == calls
        app.opening.open(SourceChoice(SourceKind.LIVE, endpoint_url=url))
        await until(pilot, lambda: names(app) == ["new"])
        await settle(pilot)
    assert next(paths.accounts_folder().iterdir()).read_bytes() == before


@pytest.mark.slow
@pytest.mark.usefixtures("quick_retries")
async def test_a_part_that_is_read_anew_does_not_replace_the_whole(
    large_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspaces, "utc_now", lambda: NOW)
    keep_as_it_is(large_proxy.url)
    before = next(paths.accounts_folder().iterdir()).read_bytes()
    pages: list[str] = []

    def breaks_off(call: object) -> Reset | None:
        if getattr(call, "operation", "") == "GetAccountAuthorizationDetails":
            pages.append("")
        return Reset() if len(pages) > 10 else None

    large_proxy.rules.append(breaks_off)
    app = live_app(large_proxy.url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Only a part could be read anew" in said(app))
        assert "r reads the rest" in said(app)
        assert app.main.workspace is not None
        assert len(app.main.workspace.account.users) == 5_000
        assert app.main.workspace.age == "read 3h ago"
        assert next(paths.accounts_folder().iterdir()).read_bytes() == before
        large_proxy.rules.clear()
        large_proxy.calls.clear()
        await pilot.press("r")
        await until(pilot, lambda: "Nothing has changed since it was read 3h ago." in said(app))
        assert app.main.workspace.age == ""
        read = [call for call in large_proxy.calls if call.operation == "GetAccountAuthorizationDetails"]
        assert len(read) < 31, "the first pages are not read again"
        assert next(paths.accounts_folder().iterdir()).read_bytes() != before


async def test_r_reads_what_is_under_the_cursor_and_nothing_else(url: str, fault_proxy: FaultProxy) -> None:
    fault_proxy.on("GetAccountAuthorizationDetails", Stall())
    app = live_app(url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: names(app) == ["old"])
        app.main.browsing.go_to(f"arn:aws:iam::{ACCOUNT}:user/dora")
        app.main.question.ask("s3:ListAllMyBuckets")
        await until(pilot, lambda: "[+] ALLOWED (read 3h ago)" in screen_text(app))
        app.opening.stop()
        app.main.explorer.tree_view.focus()
        fault_proxy.calls.clear()
        await pilot.press("r")
        await until(pilot, lambda: said(app).startswith("Read dora again: user/dora changed (inline policies: ~read)"))
        await until(pilot, lambda: "[-] DENIED (read 3h ago)" in screen_text(app))
        assert set(fault_proxy.operations()) == {
            "GetUser", "ListGroupsForUser", "ListUserPolicies", "GetUserPolicy", "ListAttachedUserPolicies",
        }  # fmt: skip
        assert names(app) == ["old"]
        assert "read 3h ago" in screen_text(app).splitlines()[0]
        await pilot.press("r")
        await until(pilot, lambda: said(app) == "Read dora again: nothing has changed.")


@pytest.mark.slow
async def test_capital_r_reads_everything(url: str, fault_proxy: FaultProxy, moto: MotoServer) -> None:
    app = live_app(url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: names(app) == ["new"])
        await settle(pilot)
        app.main.browsing.go_to(f"arn:aws:iam::{ACCOUNT}:user/dora")
        moto.client("iam").delete_role(RoleName="new")
        app.main.explorer.tree_view.focus()
        await pilot.press("R")
        await until(pilot, lambda: names(app) == [])
        await until(pilot, lambda: "1 removed (role/new)" in said(app))


@pytest.mark.slow
async def test_what_may_not_be_read_by_itself_stays_as_it_was(url: str, fault_proxy: FaultProxy) -> None:
    app = live_app(url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: names(app) == ["new"])
        await settle(pilot)
        shown = app.main.workspace
        app.main.browsing.go_to(f"arn:aws:iam::{ACCOUNT}:user/dora")
        fault_proxy.on("ListUserPolicies", error(403, "AccessDenied"))
        app.main.explorer.tree_view.focus()
        await pilot.press("r")
        words = "dora stays as it was: inline policies could not be read again (needs iam:ListUserPolicies)."
        await until(pilot, lambda: words in said(app))
        assert app.main.workspace is shown
        fault_proxy.on("GetUser", error(403, "AccessDenied"))
        await pilot.press("r")
        await until(pilot, lambda: "iam:GetUser" in said(app))


@pytest.mark.slow
async def test_what_is_gone_leaves_the_screen(url: str, moto: MotoServer) -> None:
    app = live_app(url)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: names(app) == ["new"])
        await settle(pilot)
        app.main.browsing.go_to(f"arn:aws:iam::{ACCOUNT}:role/new")
        moto.client("iam").delete_role(RoleName="new")
        app.main.explorer.tree_view.focus()
        await pilot.press("r")
        await until(pilot, lambda: "role/new removed" in said(app))
        assert names(app) == []
