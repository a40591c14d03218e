"""Who can: counts, filters, order, ways out, progress, and the draft's before and after."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from iamtui.account.model import InlinePolicy, ResourcePolicy
from iamtui.engine.decision import Decision
from iamtui.engine.request import Mode, Principal
from iamtui.policy.document import PolicyDocument
from iamtui.presentation.listing import Target
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui.file_exports import ExportScreen
from iamtui.tui.question.trace_screen import TraceScreen
from iamtui.tui.question.who_can_screen import WhoCanScreen
from iamtui.tui.reports.report_screen import Chosen
from iamtui.tui.widgets.lists.listing_view import shared_out
from iamtui.workspace.ask import who_can as asking_everybody
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import SourceChoice, SourceInfo, SourceKind, Workspace
from tests.support import wording
from tests.support.cli_runner import Cli, cli, snapshot
from tests.support.evil_account import EVIL, EVIL_RESOURCE, evil_account
from tests.support.hostile_text import assert_clean
from tests.support.panel_apps import ScreenApp, screen_text, settle, type_text, until
from tests.support.panel_records import small_account, small_workspace
from tests.support.sample_account import iam
from tests.support.screen_app import make_app
from tests.support.screen_app import press as press_in_app
from tests.support.screen_app import settle as settle_app
from tests.support.slow import one_quick

__all__ = ["cli", "snapshot"]

OBJECT = "arn:aws:s3:::data-lake/x"
READ = QuestionMatrix(("s3:GetObject",), (OBJECT,), Question("s3:GetObject", OBJECT))
SIZE = (120, 40)


def shared_workspace() -> Workspace:
    """alice denied explicitly, bob without an Allow, the role allowed, another account let in."""
    account = small_account()
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    alice = replace(
        account.users[0],
        inline_policies=(InlinePolicy("no-s3", PolicyDocument.of({"Version": "2012-10-17", "Statement": [deny]})),),
    )
    policy = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::data-lake/*",
    }
    document = PolicyDocument.of({"Version": "2012-10-17", "Statement": [policy]})
    return small_workspace().with_account(
        replace(
            account,
            users=(alice, *account.users[1:]),
            resource_policies={"arn:aws:s3:::data-lake": ResourcePolicy("present", document)},
        )
    )


def names(screen: WhoCanScreen) -> list[str]:
    return [row.name for row in screen.list.shown]


async def test_everybody_is_listed_with_counts_the_best_answer_first() -> None:
    screen = WhoCanScreen(shared_workspace(), READ)
    app = ScreenApp(screen)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        text = screen_text(app)
        assert names(screen) == ["deploy-prod", "999999999999", "alice", "bob"]
        assert "▸1 all 2 [+] allowed (2) 3 [?] depends (0) 4 [x] explicit (1) 5 [-] no allow (1)" in text
        assert all(f"{wording.ALLOWED}*" in row for row in text.split("\n") if "deploy-prod" in row and "  role" in row)
        assert names(screen)[0] == "deploy-prod"
        assert "inline / ReadLake" in text or "data-lake-read / ReadLake" in text
        assert wording.AS_LOADED in text

        await pilot.press("o")
        await settle(pilot)
        assert names(screen) == ["bob", "alice", "999999999999", "deploy-prod"]


async def test_numbers_and_arrows_filter_by_verdict() -> None:
    screen = WhoCanScreen(shared_workspace(), READ)
    app = ScreenApp(screen)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        keys = app.screen.active_bindings
        assert ("5" in keys, "6" in keys) == (True, False), "nothing has changed without a draft"
        await pilot.press("4")
        await settle(pilot)
        assert names(screen) == ["alice"]
        assert "▸4 [x] explicit (1)" in screen_text(app)
        await pilot.press("l")
        await settle(pilot)
        assert names(screen) == ["bob"]
        await pilot.press("l")
        await settle(pilot)
        assert len(names(screen)) == 4
        await pilot.press("3")
        await settle(pilot)
        assert "Nothing matches" in screen_text(app)
        await pilot.press("1")
        await settle(pilot)
        assert screen.list.display
        assert len(names(screen)) == 4


async def test_a_text_filters_by_name_kind_and_policy_and_escape_ends_it() -> None:
    screen = WhoCanScreen(shared_workspace(), READ)
    app = ScreenApp(screen)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("slash")
        await type_text(pilot, "no-s3")
        await settle(pilot)
        assert names(screen) == ["alice"]
        await pilot.press("enter")
        assert screen.focused is screen.list
        await pilot.press("escape")
        await settle(pilot)
        assert len(names(screen)) == 4
        assert app.returned == []
        await pilot.press("escape")
        await settle(pilot)
        assert app.returned == [None]


async def test_enter_returns_whom_to_go_to_but_stays_with_somebody_from_outside() -> None:
    screen = WhoCanScreen(shared_workspace(), READ)
    app = ScreenApp(screen)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("j", "enter")
        await settle(pilot)
        assert app.returned == []
        assert "not in the tree" in screen_text(app)
        await pilot.press("k", "enter")
        await settle(pilot)
        assert app.returned == [Chosen(Target("arn:aws:iam::123456789012:role/deploy-prod"))]


async def test_w_explains_the_answer_of_the_row() -> None:
    screen = WhoCanScreen(shared_workspace(), READ)
    app = ScreenApp(screen)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("j", "j", "w")
        await settle(pilot)
        assert isinstance(app.screen, TraceScreen)
        assert "Why  Can user/alice do s3:GetObject?" in screen_text(app)
        assert wording.EXPLICIT_DENY in screen_text(app)
        await pilot.press("escape")
        await settle(pilot)
        assert app.screen is screen


async def test_a_resource_that_is_not_loaded_and_one_open_to_all_are_said() -> None:
    unknown = small_workspace().with_account(replace(small_account(), resource_policies={}))
    app = ScreenApp(WhoCanScreen(unknown, READ))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Who else the resource lets in is unknown" in screen_text(app)


async def test_what_aws_never_asks_is_said_with_the_answers() -> None:
    secret = replace(READ, actions=("secretsmanager:GetSecretValue",))
    app = ScreenApp(WhoCanScreen(small_workspace(), secret))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "AWS never asks this: secretsmanager:GetSecretValue is about" in screen_text(app)
        assert "[+] allowed (0)" in screen_text(app)


async def test_what_cannot_be_asked_is_a_sentence() -> None:
    app = ScreenApp(WhoCanScreen(small_workspace(), replace(READ, resources=("no-arn",))))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "no-arn is not a resource" in screen_text(app)


class Slow:
    """A provider that gives one answer and then waits until nobody wants the others."""

    def __init__(self) -> None:
        self.stopped = threading.Event()

    def __call__(
        self,
        workspace: Workspace,
        question_matrix: QuestionMatrix,
        principals: Iterable[Principal],
        cancelled: Callable[[], bool],
    ) -> Iterator[tuple[Principal, Decision]]:
        answers = asking_everybody.who_can(workspace, question_matrix, principals, cancelled)
        yield next(answers)
        threading.Event().wait(0.1)
        yield next(answers)
        while not cancelled():
            threading.Event().wait(0.01)
        self.stopped.set()


async def test_rows_show_while_others_are_still_asked_and_leaving_stops_the_thread() -> None:
    slow = Slow()
    screen = WhoCanScreen(shared_workspace(), READ, provider=slow)
    app = ScreenApp(screen)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: len(screen.list.shown) == 2)
        assert "2  looking … 50 %" in screen_text(app)
        assert not screen.done
        await pilot.press("f6")
        await settle(pilot)
        assert slow.stopped.wait(60)
        assert app.returned == [None]


async def test_a_provider_that_fails_is_a_sentence() -> None:
    def broken(*_args: object) -> Iterator[tuple[Principal, Decision]]:
        raise ValueError("data")

    screen = WhoCanScreen(shared_workspace(), READ, provider=broken)
    app = ScreenApp(screen)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "an error in iamtui" in screen_text(app))
        assert "ValueError" in screen_text(app)
        assert "data" not in str(screen.query_one(".-instead", Static).content)


async def test_a_draft_shows_before_and_after_and_what_it_changes() -> None:
    before = shared_workspace()
    after = before.with_account(replace(before.account, users=small_account().users))
    allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    bob = replace(
        small_account().users[1],
        inline_policies=(InlinePolicy("new", PolicyDocument.of({"Version": "2012-10-17", "Statement": [allow]})),),
    )
    after = after.with_account(replace(after.account, users=(before.account.users[0], bob)))
    screen = WhoCanScreen(after, READ, before=before)
    app = ScreenApp(screen)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert "6 changed (1)" in screen_text(app)
        await pilot.press("6")
        await settle(pilot)
        assert names(screen) == ["bob"]
        assert "[-] →" in screen_text(app)
        assert f"{wording.IMPLICIT_DENY} → {wording.ALLOWED}" in screen_text(app)


async def test_newer_data_is_asked_anew_with_the_same_filter() -> None:
    screen = WhoCanScreen(shared_workspace(), READ)
    app = ScreenApp(screen)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("2")
        await settle(pilot)
        assert len(names(screen)) == 2
        screen.set_workspace(small_workspace())
        await settle(pilot)
        assert "▸2 [+] allowed (1)" in screen_text(app)
        assert names(screen) == ["deploy-prod"]


async def test_f6_turns_can_into_who_can_and_enter_keeps_the_question() -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settle_app(pilot)
        app.main.go_to(iam("user/alice"))
        await press_in_app(pilot, "f6")
        assert app.screen is app.main
        app.main.question.ask("s3:GetObject", OBJECT)
        await settle_app(pilot)
        await press_in_app(pilot, "f6")
        screen = app.screen
        assert isinstance(screen, WhoCanScreen)
        target = screen.list.shown[1].principal.arn
        await press_in_app(pilot, "j", "enter")
        assert app.screen is app.main
        assert getattr(app.main.subject.node, "arn", "") == target
        question = app.main.question.question
        assert question is not None
        assert (question.action, question.resource) == ("s3:GetObject", OBJECT)
        assert app.main.question.principal is not None
        assert app.main.question.principal.arn == target


async def test_hostile_names_cannot_leave_the_list() -> None:
    workspace = Workspace(evil_account(), SourceInfo(SourceKind.SNAPSHOT, EVIL))
    # No question is asked about a resource with control characters; names may have them.
    resource = re.sub(r"[\x00-\x1f\x7f]", "", EVIL_RESOURCE)
    question_matrix = QuestionMatrix(("s3:GetObject",), (resource,), Question("s3:GetObject", resource))
    screen = WhoCanScreen(workspace, question_matrix)
    app = ScreenApp(screen)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert screen.list.shown
        assert_clean(app)
        for key in ("j", "j", "w", "G", "g", "g", "enter"):
            await pilot.press(key)
            await settle(pilot)
            assert_clean(app)


async def test_columns_give_way_where_there_is_no_room_and_sort_where_there_is() -> None:
    screen = WhoCanScreen(shared_workspace(), READ)
    app = ScreenApp(screen)
    async with app.run_test(size=(200, 60)) as pilot:
        await settle(pilot)
        assert screen.list.shown_columns == ["verdict", "name", "kind", "statement", "limit"], "nothing has a condition"
        rows = screen_text(app).split("\n")
        header = next(row for row in rows if "verdict" in row and "kind" in row)
        assert "no-s3 / statement 1 (lines 4-8)" in next(row for row in rows if "alice" in row)
        assert "no Allow in: identity policies" in next(row for row in rows if " bob " in row)
        assert "SCP, RCP not evaluated" in next(row for row in rows if "deploy-prod" in row)
        await pilot.press("comma")
        await settle(pilot)
        assert screen.list.order.by == "limit"
        y = rows.index(header)
        for reverse in (False, True):
            await pilot.click(offset=(header.index("statement") + 1, y))
            await settle(pilot)
            assert screen.list.order == ("statement", reverse)
        await pilot.resize_terminal(70, 24)
        await settle(pilot)
        assert screen.list.shown_columns == ["verdict", "name", "statement"]


def test_columns_share_what_there_is_and_the_widest_gives_most() -> None:
    for room in range(60, 260):
        for wanted in ([24, 9, 120, 90], [80, 9, 20], [24], [200, 200, 200, 200]):
            sizes = shared_out(room, wanted)
            assert all(size <= most for size, most in zip(sizes, wanted, strict=True))
            assert sum(sizes) <= max(room, 12 * len(wanted))
            assert sum(sizes) == min(room, sum(wanted)) or max(sizes) <= 12
            assert all(size == most for size, most in zip(sizes, wanted, strict=True) if most <= 12)


async def test_w_explains_the_role_chaining_where_that_decides() -> None:
    chained = QuestionMatrix(("s3:GetObject",), ("*",), Question(""), chained_from=iam("role/deploy-prod"))
    screen = WhoCanScreen(shared_workspace(), chained)
    app = ScreenApp(screen)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        row = screen.list.row
        assert row is not None
        assert (row.request.principal.arn, row.request.action) == (iam("role/deploy-prod"), "sts:AssumeRole")
        await pilot.press("w")
        await settle(pilot)
        assert isinstance(app.screen, TraceScreen)
        assert f"Principal  {iam('role/deploy-prod')}" in app.screen.view.plain_text()
        assert str(row.words) in screen_text(app)


@pytest.mark.slow
async def test_filter_order_and_selection_are_there_again_on_the_way_back() -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settle_app(pilot)
        app.main.go_to(iam("role/deploy-prod"))
        app.main.question.ask("s3:GetObject", OBJECT)
        await settle_app(pilot)
        app.main.explorer.tree_view.focus()
        await press_in_app(pilot, "W", "s", "o", "slash")
        await type_text(pilot, "user/")
        await press_in_app(pilot, "enter", "j")
        screen = app.screen
        assert isinstance(screen, WhoCanScreen)
        chosen, shown, order = screen.list.row, names(screen), screen.list.order
        assert chosen is not None
        assert screen.list.cursor
        assert f"{len(shown)} of " in screen_text(app)
        await press_in_app(pilot, "enter")
        assert app.screen is app.main
        await press_in_app(pilot, "left_square_bracket")
        again = app.screen
        assert isinstance(again, WhoCanScreen)
        await until(pilot, lambda: again.done)
        assert names(again) == shown
        assert again.list.order == order
        assert again.list.row is not None
        assert again.list.row.principal == chosen.principal
        # From there it goes on as before.
        await press_in_app(pilot, "enter")
        assert app.screen is app.main
        assert app.main.subject.node is not None
        assert getattr(app.main.subject.node, "arn", "") == chosen.principal.arn


def without_time(text: str) -> str:
    """A line without the time of the question, in any of the ways that JSON says it."""
    return re.sub(r'20\d\d-\d\d-\d\dT[0-9:]+Z|(?<="aws:epochtime": ")\d+', "", text)


@one_quick("form", ["csv", "json", "markdown"])
async def test_what_is_shown_is_exported_as_the_command_prints_it(
    form: str, cli: Cli, snapshot: str, tmp_path: Path
) -> None:
    option = ("-o", "jsonl" if form == "json" else form)
    asked = ("who-can", "s3:GetObject", "--on", OBJECT, "--all", "--snapshot", snapshot, *option)
    lines = cli(*asked).out.splitlines()
    asked_as_the_command = replace(READ, terms=replace(READ.terms, mode=Mode.DISCOVER))
    workspace = open_source(SourceChoice(SourceKind.SNAPSHOT, Path(snapshot)))
    screen = WhoCanScreen(workspace, asked_as_the_command)
    app = ScreenApp(screen)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("x")
        await settle(pilot)
        await pilot.press(*{"csv": (), "json": ("down",), "markdown": ("down", "down")}[form], "enter")
        await settle(pilot)
        export = app.screen
        assert isinstance(export, ExportScreen)
        assert sorted(map(without_time, export.text.splitlines())) == sorted(map(without_time, lines))
        await pilot.press("ctrl+s")
        await settle(pilot)
        field = app.screen.query_one(Input)
        field.value = str(tmp_path / "out")
        await pilot.press("enter")
        await settle(pilot)
        assert (tmp_path / "out").read_text() == export.text


async def test_columns_are_chosen_and_kept_for_the_next_time() -> None:
    columns: dict[str, tuple[str, ...]] = {}
    screen = WhoCanScreen(shared_workspace(), READ)
    screen.columns = columns
    app = ScreenApp(screen)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("v", "G", "space", "escape")
        await settle(pilot)
        assert columns == {"who can": ("verdict", "name", "kind", "statement", "limit", "why")}
        again = screen.again()(shared_workspace(), None)
        again.columns = columns
    app = ScreenApp(again)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert "why" in again.list.shown_columns
        await pilot.press("v", "u", "escape")
        await settle(pilot)
        assert columns == {}
        assert "why" not in again.list.shown_columns


async def test_after_a_choice_keys_go_to_the_tree_and_not_into_the_question() -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settle_app(pilot)
        app.main.go_to(iam("role/deploy-prod"))
        await press_in_app(pilot, "s")
        await type_text(pilot, "s3:GetObject")
        await settle_app(pilot)
        await press_in_app(pilot, "f6", "enter")
        assert app.screen is app.main
        await press_in_app(pilot, "left_square_bracket")
        assert isinstance(app.screen, WhoCanScreen)
