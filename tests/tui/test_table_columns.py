"""The columns of tables: more where there is room, those that the user wants, and what is not known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from textual.pilot import Pilot

from iamtui.account.model import (
    AccessKey,
    Account,
    CredentialReport,
    CredentialReportRow,
    Entity,
    Gap,
    Group,
    Known,
    LoginProfile,
    ManagedPolicy,
    MfaDevice,
    Missing,
    Unread,
    User,
)
from iamtui.tui.app import IamtuiApp
from iamtui.tui.dialogs.list_dialogs import ColumnsDialog
from iamtui.tui.explorer.children_table import ChildrenTable
from iamtui.tui.explorer.table_columns import MOST_COLUMNS, ColumnLayout, TableColumn, columns_of
from iamtui.tui.main.inventory import Branch, Inventory, Kind
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support.panel_apps import screen_text
from tests.support.sample_account import iam, sample_workspace
from tests.support.screen_app import RecordingCopier, make_app, opened, press, settle
from tests.support.slow import EACH_SIZE, SIZES

SnapCompare = Callable[..., bool]

NEVER_READ = Missing("not loaded", "iam:ListAccessKeys")
MADE = datetime(2025, 1, 2, 3, 4, tzinfo=UTC)


def user(name: str = "amy", **facts: object) -> User:
    made = User(name, "/", iam(f"user/{name}"), f"AIDA{name.upper()}", MADE)
    return replace(made, **facts)  # type: ignore[arg-type]


def column(kind: Kind, name: str) -> TableColumn:
    return next(one for one in columns_of(Branch(kind)) if one.id == name)


def shown(entity: Entity, name: str, account: Account | None = None, kind: Kind = Kind.USERS) -> str:
    return column(kind, name).cell(account or Account("123456789012"), entity).text


UNKNOWN_COLUMNS = ("used", "password", "mfa", "keys", "key-age")


@pytest.mark.parametrize("name", UNKNOWN_COLUMNS)
def test_a_fact_that_is_missing_is_unknown_and_not_none(name: str) -> None:
    account, lacking = Account("123456789012"), user()
    none = user(password_last_used=Known(None), access_keys=Known(()), mfa_devices=Known(()), login_profile=Known(None))
    assert shown(lacking, name) == "unknown"
    assert shown(none, name) in ("never", "no", "0", "no key")
    sort = column(Kind.USERS, name).sort
    assert sort(account, lacking) < sort(account, none)


@pytest.mark.parametrize(
    ("name", "part"),
    [("groups", "groups"), ("boundary", "permissions boundary"), ("tags", "tags"), ("policies", "inline policies")],
)
def test_a_part_that_could_not_be_read_is_unknown(name: str, part: str) -> None:
    unread = user(unread=(Unread(part, "iam:X"),))  # type: ignore[arg-type]
    assert shown(unread, name) == "unknown"
    assert shown(user(), name) in ("none", "0")


def test_counts_of_what_is_partly_known_say_that_they_are_the_least() -> None:
    group = Group("devs", "/", iam("group/devs"), "AGPA", MADE)
    member = user(groups=("devs", "gone"))
    account = Account("123456789012", users=(member,), groups=(group,))
    assert shown(member, "policies", account) == "unknown"
    assert shown(group, "members", account, Kind.GROUPS) == "1"
    assert shown(member, "admin", account) == "?"
    for cut in (
        replace(account, gaps=(Gap("all users"),)),
        replace(account, users=(member, user("bob", unread=(Unread("groups"),)))),
    ):
        assert shown(group, "members", cut, Kind.GROUPS) == "≥ 1"
    policy = ManagedPolicy("p", "/", iam("policy/p"), "ANPA", MADE)
    assert shown(policy, "attached", account, Kind.POLICIES) == "unknown"
    assert shown(policy, "bounds", account, Kind.POLICIES) == "unknown"
    assert shown(replace(policy, attachment_count=Known(0)), "attached", account, Kind.POLICIES) == "0"


def test_the_credential_report_tells_what_a_user_lacks() -> None:
    keys = (AccessKey("", "Active", MADE), AccessKey("", "Inactive", datetime(2020, 1, 1, tzinfo=UTC)))
    row = CredentialReportRow("amy", iam("user/amy"), access_keys=keys, mfa_devices=(MfaDevice("", None),))
    account = Account("123456789012", credential_report=Known(CredentialReport(MADE, (row,))))
    assert shown(user(), "mfa", account) == "1"
    assert shown(user(), "keys", account) == "1"
    assert column(Kind.USERS, "key-age").sort(account, user()) == (True, MADE)
    assert shown(user(), "password", account) == "no"
    assert shown(user(login_profile=Known(LoginProfile(MADE))), "password", account) == "yes"


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.OVERVIEW, Kind.ORGANIZATION)])
def test_every_column_shows_and_sorts_everything(kind: Kind) -> None:
    account = sample_workspace().account
    branch = Branch(kind)
    entities = Inventory(account).entities(branch)
    columns = columns_of(branch)
    assert len({one.id for one in columns}) == len(columns) <= MOST_COLUMNS
    for one in columns:
        sorted(entities, key=lambda entity, one=one: one.sort(account, entity))  # type: ignore[misc]
        for exact in (False, True):
            layout = ColumnLayout(account, branch, entities, exact=exact)
            for entity in entities:
                pieces = layout.cell(one, entity, 22, "", ())
                assert sum(len(piece.text) for piece in pieces) == 22


@pytest.mark.parametrize("chosen", [None, ("mfa", "tags", "nosuch")])
def test_columns_fit_any_width_and_the_name_is_always_there(chosen: tuple[str, ...] | None) -> None:
    account, branch = sample_workspace().account, Branch(Kind.USERS)
    entities = Inventory(account).entities(branch)
    layout = ColumnLayout(account, branch, entities, chosen)
    before = 0
    for width in range(20, 400):
        fitted = layout.fitting(width, 12)
        assert fitted[0][0] is not None
        assert fitted[0][0].id == "name"
        # The first cell is the cursor's; a gap behind the last column may lie beyond the edge.
        assert 1 + sum(size + 2 for _column, size in fitted) - 2 <= max(width, 31)
        assert len(layout.hidden(width, 12)) + len(fitted) - 1 >= (3 if chosen else 6)
        assert len(fitted) >= before, "never less in a wider table"
        before = len(fitted)
    assert not layout.hidden(399, 12)


@pytest.mark.slow
async def test_slack_goes_to_columns_and_the_rest_is_counted() -> None:
    async with opened(size=(300, 50)) as pilot:
        pilot.app.main.go_to("users:")
        await settle(pilot)
        header = screen_text(pilot.app).split("\n")[2]
        for title in ("groups", "MFA", "key made", "policies", "tags"):
            assert title in header
    async with opened(size=(80, 24)) as pilot:
        pilot.app.main.go_to("users:")
        await settle(pilot)
        assert "MFA" not in screen_text(pilot.app)
        assert "more columns" in screen_text(pilot.app)


async def test_columns_are_chosen_by_keys_and_by_the_mouse() -> None:
    async with opened() as pilot:
        app = pilot.app
        app.main.go_to("users:")
        await settle(pilot)
        table = app.main.subject.table
        await press(pilot, "v")
        assert isinstance(app.screen, ColumnsDialog)
        # Groups come first; created, then last used are shown already.
        await press(pilot, "space", "j", "space")
        assert "groups" in table.chosen_columns["users"]
        assert "created" not in table.chosen_columns["users"]
        assert "used" in table.chosen_columns["users"]
        rows = screen_text(app).split("\n")
        y = next(at for at, row in enumerate(rows) if "[ ] unique id" in row)
        x = rows[y].index("[ ] unique id")
        await pilot.click(offset=(x + 2, y), times=2)
        await settle(pilot)
        assert "id" in table.chosen_columns["users"]
        await press(pilot, "u")
        assert table.chosen_columns == {}
        assert "[x] created" in screen_text(app)
        await press(pilot, "escape")
        assert app.screen is app.main
        await press(pilot, "v", "q")
        assert app.screen is app.main
        app.main.go_to(iam("role/deploy-prod"))
        await press(pilot, "v")
        assert app.screen is app.main, "there is no table"


@pytest.mark.slow
async def test_what_has_no_room_stays_wanted_when_columns_are_chosen() -> None:
    async with opened(size=(80, 24)) as pilot:
        pilot.app.main.go_to("users:")
        await press(pilot, "v")
        assert "[x] created" in screen_text(pilot.app)
        assert "no room" in screen_text(pilot.app)
        await press(pilot, "space", "escape")
        assert {"groups", "created", "policies"} < {*pilot.app.main.subject.table.chosen_columns["users"]}


async def test_a_table_sorts_by_a_column_that_was_chosen() -> None:
    async with opened() as pilot:
        app = pilot.app
        app.main.go_to("users:")
        table = app.main.subject.table
        table.arrange_as({}, {"users": ("keys", "key-age")})
        table.focus()
        await press(pilot, "greater_than_sign")
        assert table.sort == ("keys", False)
        await press(pilot, "greater_than_sign", "o")
        assert table.sort == ("key-age", True)
        made = [column(Kind.USERS, "key-age").sort(app.main.workspace.account, one) for one in table.entities]
        assert made == sorted(made, reverse=True)


@pytest.mark.slow
async def test_times_are_told_exactly_on_demand() -> None:
    async with opened(size=(160, 40)) as pilot:
        pilot.app.main.go_to("roles:")
        await settle(pilot)
        assert "ago" in screen_text(pilot.app)
        await press(pilot, "T")
        said = screen_text(pilot.app)
        assert "created, UTC" in said
        assert "2025-04-04 12:00" in said
        await press(pilot, "T")
        assert "2025-04-04 12:00" not in screen_text(pilot.app)


def app_of(*, fresh: bool = False) -> IamtuiApp:
    workspace = sample_workspace()
    choice = SourceChoice(SourceKind.SNAPSHOT, snapshot=Path("/tmp/account.json"))
    return IamtuiApp(choice, opener=lambda *_: workspace, copier=RecordingCopier(), fresh=fresh)


@pytest.mark.slow
async def test_columns_come_back_in_the_next_run_but_for_a_fresh_one() -> None:
    async with opened(app_of()) as pilot:
        pilot.app.main.go_to("users:")
        await press(pilot, "v", "space", "escape")
        wanted = dict(pilot.app.main.subject.table.chosen_columns)
        assert wanted
        pilot.app.exit()
    for fresh, found in ((True, {}), (False, wanted)):
        async with opened(app_of(fresh=fresh)) as pilot:
            assert pilot.app.main.subject.table.chosen_columns == found
            pilot.app.exit()


async def test_a_sorted_title_moves_no_column() -> None:
    async with opened(size=(140, 40)) as pilot:
        pilot.app.main.go_to("users:")
        table = pilot.app.main.subject.query_one(ChildrenTable)
        await settle(pilot)
        before = screen_text(pilot.app).split("\n")[2]
        for one in ("created", "policies"):
            table.arrange_as({"users": (one, True)}, {})
            await settle(pilot)
            after = screen_text(pilot.app).split("\n")[2]
            assert after.replace("▼", " ").rstrip() == before.replace("▲", " ").rstrip()


def chooser(*keys: str, theme: str = "iamtui-dark") -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        pilot.app.theme = theme
        pilot.app.main.go_to("users:")  # type: ignore[attr-defined]
        await press(pilot, *keys)

    return run


@pytest.mark.parametrize("size", EACH_SIZE)
def test_choosing_columns(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=chooser("v", "space"))


@pytest.mark.slow
def test_a_very_wide_table(snap_compare: SnapCompare) -> None:
    assert snap_compare(make_app(), terminal_size=(300, 40), run_before=chooser(theme="iamtui-light"))


def test_a_column_in_which_nothing_stands_takes_no_slack() -> None:
    branch = Branch(Kind.USERS)
    plain, tagged = (user(),), (user(tags=(("team", "x"),)),)
    for entities, is_there in ((plain, False), (tagged, True)):
        layout = ColumnLayout(Account("123456789012"), branch, entities)
        shown_ids = [one.id for one, _size in layout.fitting(300, 0) if one is not None]
        assert ("tags" in shown_ids) is is_there
        assert "mfa" in shown_ids, "unknown is worth knowing"
    chosen = ColumnLayout(Account("123456789012"), branch, plain, ("tags",))
    assert [one.id for one, _size in chosen.fitting(300, 0) if one is not None] == ["name", "tags"]
