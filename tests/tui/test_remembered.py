"""What the screen remembers from one run to the next, for each account as its caller sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.widgets import Input, OptionList

from iamtui.account.model import Known
from iamtui.paths import screen_state
from iamtui.problem import Problem
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui.app import IamtuiApp
from iamtui.tui.main.inventory import key_of
from iamtui.tui.main.screen_state import LARGEST, MOST_ACCOUNTS, AccountState, ScreenState
from iamtui.tui.opening.chooser import ChooserScreen
from iamtui.workspace.ask.saved_questions import QuestionStore, account_key
from iamtui.workspace.source.workspace import SourceChoice, SourceKind, Workspace
from tests.support.panel_apps import screen_text, type_text, until
from tests.support.sample_account import sample_workspace
from tests.support.screen_app import RecordingCopier, make_app, opened, press, settle
from tests.support.slow import one_quick

DEPLOY = "arn:aws:iam::111122223333:role/deploy-prod"
ASKED = QuestionMatrix(("s3:GetObject",), ("arn:aws:s3:::data-lake/x",), Question("", "*"))


def app_of(workspace: Workspace, *, fresh: bool = False) -> IamtuiApp:
    choice = SourceChoice(SourceKind.SNAPSHOT, snapshot=Path("/tmp/account.json"))
    return IamtuiApp(choice, opener=lambda *_: workspace, copier=RecordingCopier(), fresh=fresh)


def seen_by(caller: str, endpoint: str = "", account: str = "") -> Workspace:
    workspace = sample_workspace()
    source = msgspec.structs.replace(workspace.source, endpoint_url=endpoint)
    changed = replace(workspace.account, caller_arn=Known(caller), id=account or workspace.account.id)
    return replace(workspace, source=source, account=changed)


def a_role() -> str:
    return sample_workspace().account.roles[0].arn


async def be_somewhere(app: IamtuiApp, question: QuestionMatrix = ASKED) -> None:
    """Go to a tab of a role, ask, sort the roles, and leave."""
    async with opened(app) as pilot:
        app.main.go_to(a_role())
        app.main.subject.detail.select_tab("policies")
        app.main.subject.table.sorts["roles"] = ("created", True)
        app.main.question.ask_matrix(question)
        await settle(pilot)
        assert app.main.question.whole_answer is not None
        app.exit()


_LEFT: list[bytes] = []


async def leave_what_a_run_leaves() -> None:
    """As `be_somewhere` does in the sample; one run for all tests."""
    if not _LEFT:
        await be_somewhere(app_of(sample_workspace()))
        _LEFT.append(screen_state().read_bytes())
    screen_state().parent.mkdir(parents=True, exist_ok=True)
    screen_state().write_bytes(_LEFT[0])


def place_of(app: IamtuiApp) -> str:
    assert app.main.explorer.node is not None
    return key_of(app.main.explorer.node)


async def test_place_tab_question_and_sort_come_back() -> None:
    await be_somewhere(app_of(sample_workspace()))
    assert screen_state().stat().st_mode & 0o777 == 0o600
    app = app_of(sample_workspace())
    async with opened(app) as pilot:
        await until(pilot, lambda: app.main.question.whole_answer is not None)
        assert place_of(app) == a_role()
        assert app.main.subject.tab == "policies"
        assert app.main.question.question_matrix is not None
        assert app.main.question.question_matrix.actions == ASKED.actions
        assert app.main.subject.table.sorts == {"roles": ("created", True)}
        assert app.main.explorer.tree_view.has_focus
        await press(pilot, "left_square_bracket")
        assert "There is no place to go back to." in screen_text(app), "it is where the run begins"


async def test_fresh_neither_reads_nor_writes_it() -> None:
    await leave_what_a_run_leaves()
    before = screen_state().read_bytes()
    app = app_of(sample_workspace(), fresh=True)
    async with opened(app):
        assert place_of(app) == "overview:"
        assert not app.main.question.is_begun
        app.exit()
    assert screen_state().read_bytes() == before


@pytest.mark.slow
async def test_fresh_neither_offers_nor_keeps_questions() -> None:
    store = QuestionStore(account_key(sample_workspace()))
    store.add_to_history(ASKED)
    app = app_of(sample_workspace(), fresh=True)
    async with opened(app) as pilot:
        app.main.go_to(a_role())
        await settle(pilot)
        await press(pilot, "f5", "up")
        action = app.query_one("#question-action", Input)
        assert not action.value
        await type_text(pilot, "s3:PutObject")
        await press(pilot, "escape", "enter")
        await type_text(pilot, ASKED.resources[0])
        await press(pilot, "enter")
        await settle(pilot)
        assert app.main.question.whole_answer is not None
    assert [entry.question_matrix.actions for entry in store.history()] == [ASKED.actions]


async def test_nothing_of_an_account_is_shown_for_another_caller_endpoint_or_account() -> None:
    await be_somewhere(app_of(seen_by("arn:aws:iam::111122223333:user/me")))
    for other in (
        seen_by("arn:aws:iam::111122223333:user/somebody-else"),
        seen_by("arn:aws:iam::111122223333:user/me", endpoint="http://127.0.0.1:5000"),
        seen_by("arn:aws:iam::111122223333:user/me", account="999988887777"),
    ):
        app = app_of(other)
        async with opened(app):
            assert place_of(app) == "overview:"
            assert not app.main.question.is_begun
            assert not app.main.subject.table.sorts


async def test_the_place_is_put_back_when_one_comes_back_to_an_account_in_the_same_run() -> None:
    ours, theirs = sample_workspace(), seen_by("", account="999988887777")
    shown = [ours]
    app = make_app(opener=lambda *_: shown[-1])
    async with opened(app) as pilot:
        app.main.go_to(a_role())
        await settle(pilot)
        for workspace in (theirs, ours):
            shown.append(workspace)
            app.opening.open(SourceChoice(SourceKind.SNAPSHOT, profile=workspace.account.id))
            await settle(pilot)
            assert app.main.workspace is not None
            assert app.main.workspace.account.id == workspace.account.id
            assert place_of(app) == (a_role() if workspace is ours else "users:")


async def test_an_external_id_is_never_in_it() -> None:
    terms = Question("", "*", {"sts:ExternalId": ("between-us-two",), "aws:SourceIp": ("203.0.113.9",)})
    await be_somewhere(app_of(sample_workspace()), QuestionMatrix(("s3:GetObject",), ("*",), terms))
    assert b"203.0.113.9" in screen_state().read_bytes()
    assert b"between-us-two" not in screen_state().read_bytes()


async def test_a_place_that_is_gone_is_no_place() -> None:
    await leave_what_a_run_leaves()
    workspace = sample_workspace()
    app = app_of(workspace.with_account(replace(workspace.account, roles=())))
    async with opened(app):
        assert place_of(app) == "overview:"


HOSTILE: Mapping[str, bytes] = {
    "empty": b"",
    "a list": b"[]",
    "cut off": b'{"accounts": [',
    "deep": b"[" * 100_000,
    "not UTF-8": b"\xff\xfe",
    "large": b'{"theme": "' + b"x" * LARGEST + b'"}',
    "newer": b'{"version": 2, "theme": "iamtui-light"}',
}


@one_quick("name", HOSTILE)
async def test_a_damaged_file_is_said_and_left_out(name: str) -> None:
    screen_state().parent.mkdir(parents=True)
    screen_state().write_bytes(HOSTILE[name])
    app = app_of(sample_workspace())
    async with opened(app):
        said = " ".join(screen_text(app).split())
        assert "What the screen remembers" in said
        assert "is not used" in said
        assert app.theme == "iamtui-dark"
        app.exit()
    assert (screen_state().read_bytes() == HOSTILE[name]) is (name == "newer"), "what a newer iamtui wrote stays"


ODD: tuple[dict[str, Any], ...] = (
    {"accounts": 7},
    {"accounts": [7, {}, {"key": 1}, {"key": "k", "place": 3}]},
    {"accounts": [{"place": "arn:aws:iam::1:role/[red]\x1b[2J", "tab": "[bold]"}]},
    {"accounts": [{"place": "x" * 100_000}]},
    {"accounts": [{"question": {"actions": ["[red]", "\x1b]52;c;eA==\x07"], "resources": ["\x00"]}}]},
    {"accounts": [{"question": {"actions": "s3:*"}}]},
    {"accounts": [{"sorts": {"roles": ["nosuch", True]}, "tab": "nosuch", "place": "roles:"}]},
    {"accounts": [{"sorts": {"roles": 1}}]},
    {"accounts": [{"sizes": {"medium tree": 2000, "medium side": 1, "[red]": 7, "wide sessions": 2000}}]},
    {"accounts": [{"sizes": {"medium tree": -5}}, {"sizes": {"medium tree": 1e9}}, {"sizes": [1]}]},
    {"accounts": [{"columns": {"users": ["nosuch", "[red]"], "nosuch": [], "who can": ["why", "\x1b[2J"]}}]},
    {"accounts": [{"columns": {"users": "name"}}, {"columns": {"users": ["x" * 99]}}]},
    {"source": 7, "theme": []},
    {"source": {"kind": "live", "profile": 7, "file": "[red]\x1b[2J"}},
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "odd",
    [pytest.param(odd, marks=[] if at % 4 == 2 else pytest.mark.slow) for at, odd in enumerate(ODD)],
    ids=range(len(ODD)),
)
async def test_odd_values_are_left_out(odd: dict[str, Any]) -> None:
    await leave_what_a_run_leaves()
    kept = json.loads(screen_state().read_text())
    key = kept["accounts"][0]["key"]
    if isinstance(odd.get("accounts"), list):
        odd = {"accounts": [{"key": key, **one} if isinstance(one, dict) else one for one in odd["accounts"]]}
    screen_state().write_text(json.dumps({"version": 1, **odd}))
    app = app_of(sample_workspace())
    async with opened(app) as pilot:
        await press(pilot, "s", "escape", "j", "k")
        assert "\x1b" not in screen_text(app)
        app.exit()
    assert ScreenState().problem == ""


def test_the_file_holds_so_many_accounts_of_so_many_bytes_and_keeps_what_else_it_has() -> None:
    state = ScreenState()
    state.keep(theme="iamtui-frost", later="kept")
    for number in range(MOST_ACCOUNTS + 5):
        state.keep_places({f"k{number}": AccountState(f"k{number}", place="x" * 700)}, {"kind": "demo"})
    again = ScreenState()
    assert len(again.accounts) == MOST_ACCOUNTS
    assert next(iter(again.accounts)) == f"k{MOST_ACCOUNTS + 4}", "the latest first"
    assert again.theme == "iamtui-frost"
    assert json.loads(screen_state().read_text())["later"] == "kept"


def test_what_two_programs_keep_at_once_is_both_kept() -> None:
    one, other = ScreenState(), ScreenState()
    one.keep_places({"a": AccountState("a")}, {"kind": "demo"})
    other.keep_places({"b": AccountState("b")}, {})
    assert [*ScreenState().accounts] == ["b", "a"]
    assert ScreenState().source == {"kind": "demo"}


def test_a_link_that_others_may_have_made_is_not_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "target").mkdir()
    (tmp_path / "open" / "state").symlink_to(tmp_path / "target")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "open" / "state"))
    with pytest.raises(Problem):
        ScreenState().keep(theme="iamtui-light")
    assert not any((tmp_path / "target").iterdir())


# The source that was opened last.


async def test_that_it_cannot_be_kept_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def refuse(_state: ScreenState, states: Mapping[str, AccountState], _source: object) -> None:
        tried.extend(one.place for one in states.values())
        raise Problem("It cannot be kept.")

    monkeypatch.setattr(ScreenState, "keep_places", refuse)
    monkeypatch.setattr("iamtui.tui.main.screen_state.LOOK_SECONDS", 0.02)
    app = app_of(sample_workspace())
    said: list[str] = []
    monkeypatch.setattr(app.main, "say", lambda text, *_, **_how: said.append(str(text)))
    async with opened(app) as pilot:
        for role in sample_workspace().account.roles[:3]:
            app.main.go_to(role.arn)
            await until(pilot, lambda arn=role.arn: arn in tried)  # type: ignore[misc]
        await settle(pilot)
    assert said.count("It cannot be kept.") == 1


async def choose(app: IamtuiApp, *keys: str) -> str:
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert isinstance(app.screen, ChooserScreen)
        at = app.screen.query_one(OptionList).highlighted_option
        assert at is not None
        assert app.main.workspace is None, "nothing is opened unasked"
        if keys:
            await press(pilot, *keys)
        return str(at.id)


def asking(opened_by: list[SourceChoice]) -> IamtuiApp:
    def opener(choice: SourceChoice, *_: object) -> Workspace:
        opened_by.append(choice)
        return sample_workspace()

    return IamtuiApp(None, opener=opener, copier=RecordingCopier())


@pytest.mark.slow
async def test_the_profile_that_was_opened_last_is_preselected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "aws"
    config.write_text("[profile dev]\nregion=us-east-1\n[profile prod]\nregion=us-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    ScreenState().keep(source={"kind": "live", "profile": "prod"})
    found: list[SourceChoice] = []
    assert await choose(asking(found)) == "profile:prod"
    assert not found
    await choose(asking(found), "enter")
    assert [(choice.kind, choice.profile) for choice in found] == [(SourceKind.LIVE, "prod")]
    config.write_text("[profile dev]\nregion=us-east-1\n")
    assert await choose(asking(found)) == "demo", "there is no such profile any more"


@pytest.mark.slow
async def test_the_file_that_was_opened_last_is_preselected() -> None:
    await be_somewhere(app_of(sample_workspace()))
    app = asking([])
    assert await choose(app, "enter") == "snapshot"
    async with (again := asking([])).run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "enter")
        assert "/tmp/account.json" in screen_text(again)


@pytest.mark.slow
async def test_the_demo_is_what_an_empty_folder_begins_with() -> None:
    assert await choose(asking([])) == "demo"


@pytest.mark.slow
async def test_a_name_that_is_no_text_is_not_remembered_and_does_no_harm() -> None:
    workspace = seen_by("arn:aws:iam::111122223333:user/\udfff")
    role = replace(workspace.account.roles[0], arn="arn:aws:iam::111122223333:role/\udfff", name="\udfff")
    workspace = workspace.with_account(replace(workspace.account, roles=(role,)))
    app = app_of(workspace)
    async with opened(app):
        app.main.go_to(role.arn)
        app.main.browsing.bookmark(role.arn)
        app.exit()
    assert ScreenState().problem == ""
    async with opened(app_of(workspace)) as pilot:
        assert pilot.app.is_running
