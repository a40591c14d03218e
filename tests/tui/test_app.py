"""Failures, messages and the promises of the app as a whole."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import msgspec
import pytest
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Input

from iamtui.account.model import Gap, Known
from iamtui.aws.errors import AwsProblem
from iamtui.config import Config
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.app import IamtuiApp
from iamtui.tui.content import Severity
from iamtui.tui.explorer.children_table import ChildrenTable
from iamtui.tui.explorer.detail_pane import DetailPane
from iamtui.tui.explorer.explorer import ExplorerTree, FilterInput
from iamtui.tui.explorer.listings import RowsView
from iamtui.tui.main.main_screen import MainScreen
from iamtui.tui.question.panel import QuestionPanel
from iamtui.tui.widgets.status import MessageLine, StatusLine, fitted
from iamtui.workspace.source.workspace import (
    OpeningCancelled,
    Progress,
    ProgressReport,
    SourceChoice,
    SourceInfo,
    SourceKind,
    Workspace,
)
from tests.support.panel_apps import screen_text, until
from tests.support.panel_sessions import session
from tests.support.sample_account import iam, sample_account, sample_workspace
from tests.support.screen_app import RecordingCopier, make_app, opened, press, settle
from tests.support.slow import one_quick


def said(app: IamtuiApp) -> str:
    return app.query_one(MessageLine).words


def status(app: IamtuiApp) -> str:
    return app.query_one(StatusLine).render().plain


@pytest.mark.slow
async def test_an_opened_account_is_named_in_the_status_line() -> None:
    async with opened() as pilot:
        text = status(pilot.app)
        for part in ("example-prod", "123456789012", "user/alice", "us-east-1", "snapshot sample.json", "READ-ONLY"):
            assert part in text
        assert "read 2m ago" in text
        assert "NOT AWS" not in text
        assert "4 users, 3 groups, 4 roles" in said(pilot.app)


@pytest.mark.slow
async def test_account_and_read_only_stay_when_the_window_gets_narrow() -> None:
    async with opened(size=(60, 20)) as pilot:
        text = status(pilot.app)
        assert "123456789012" in text
        assert "READ-ONLY" in text
        assert len(text) <= 58


async def test_an_endpoint_that_is_not_aws_is_said_in_a_banner() -> None:
    source = SourceInfo(SourceKind.LIVE, "dev", endpoint_url="http://127.0.0.1:5000", region="us-east-1")
    async with opened(make_app(Workspace(sample_account(), source))) as pilot:
        assert "NOT AWS http://127.0.0.1:5000" in status(pilot.app)


@pytest.mark.slow
@pytest.mark.parametrize("url", ["http://127.0.0.1:5000", "https://iam.a-long-name-of-an-emulator.example:8443"])
async def test_an_endpoint_hides_neither_session_nor_time_left_nor_the_clipboard(url: str) -> None:
    source = SourceInfo(SourceKind.LIVE, "dev", endpoint_url=url, region="us-east-1")
    async with opened(make_app(Workspace(sample_account(), source)), size=(80, 24)) as pilot:
        line = pilot.app.query_one(StatusLine)
        held = session()
        line.set_session(held, production=True)
        for clipboard in (None, timedelta(seconds=30)):
            line.set_clipboard(clipboard)
            text = status(pilot.app)
            left = held.time_left_words(clock.now())
            for part in ("NOT AWS", "example-prod", "deploy", "PROD", left, "READ-ONLY"):
                assert part in text, part
            assert ("clip 30 s" in text) is (clipboard is not None)
            assert len(text) <= 78


@pytest.mark.slow
async def test_that_there_is_no_answer_yet_goes_when_one_comes() -> None:
    async with opened() as pilot:
        await press(pilot, "w")
        assert said(pilot.app) == "There is no answer to explain yet: press s and type an action."
        await press(pilot, "f5", *"s3:ListBucket")
        await until(pilot, lambda: said(pilot.app) == "")
        assert any(mark in screen_text(pilot.app) for mark in ("ALLOWED", "DENIED", "DEPENDS"))


async def test_demo_is_marked() -> None:
    async with opened(make_app(Workspace(sample_account(), SourceInfo(SourceKind.DEMO, "DEMO")))) as pilot:
        assert " DEMO " in status(pilot.app)


async def test_demo_stays_marked_beside_a_draft_in_a_narrow_window() -> None:
    account = replace(sample_account(), alias=Known("a-company-production"))
    app = make_app(Workspace(account, SourceInfo(SourceKind.DEMO, "DEMO", region="eu-west-1")))
    async with opened(app, size=(80, 24)) as pilot:
        pilot.app.screen.query_one(StatusLine).set_draft("DRAFT a-long-name-of-one (12 edits, unsaved)")
        await settle(pilot)
        shown = status(pilot.app)
        assert " DEMO " in shown
        assert "DRAFT" in shown
        assert "READ-ONLY" in shown
        assert len(shown) <= 80


@pytest.mark.parametrize(
    ("width", "draft"), [(80, "DRAFT (3 edits,"), (120, "DRAFT (3 edits, unsaved)")], ids=["narrow", "medium"]
)
async def test_demo_stays_marked_beside_a_draft_a_session_and_the_clipboard(width: int, draft: str) -> None:
    account = replace(sample_account(), alias=Known("puffin-prod"))
    app = make_app(Workspace(account, SourceInfo(SourceKind.DEMO, "DEMO", region="eu-west-1")))
    async with opened(app, size=(width, 40)) as pilot:
        line = pilot.app.screen.query_one(StatusLine)
        line.set_draft("DRAFT (3 edits, unsaved)")
        line.set_session(session(), production=True)
        line.set_clipboard(timedelta(seconds=30))
        shown = status(pilot.app)
        for part in (" DEMO ", draft, "30 s", session().time_left_words(clock.now())):
            assert part in shown, part
        assert len(shown) <= width


@pytest.mark.slow
async def test_the_name_of_the_account_and_that_nothing_is_written_stay_longest() -> None:
    app = make_app(Workspace(sample_account(), SourceInfo(SourceKind.DEMO, "DEMO", region="eu-west-1")))
    async with opened(app, size=(64, 24)) as pilot:
        pilot.app.screen.query_one(StatusLine).set_session(session(), production=True)
        await settle(pilot)
        shown = status(pilot.app)
        for part in ("example-prod", "PROD", session().time_left_words(clock.now()), " DEMO ", "READ-ONLY"):
            assert part in shown, part
        assert "123456789012" not in shown
        await pilot.resize_terminal(80, 24)
        pilot.app.screen.query_one(StatusLine).set_clipboard(timedelta(seconds=30))
        await settle(pilot)
        shown = status(pilot.app)
        for part in ("example-prod", "clip 30 s", session().time_left_words(clock.now()), " DEMO ", "READ-ONLY"):
            assert part in shown, part


async def test_what_a_source_lacks_is_said() -> None:
    account = replace(sample_account(), gaps=(Gap("organization", "organizations:DescribeOrganization"),))
    async with opened(account=account) as pilot:
        assert "Not loaded: organization" in said(pilot.app)


async def test_of_much_that_a_source_lacks_the_message_names_the_first_and_counts_the_rest() -> None:
    gaps = tuple(Gap(f"part {number}", "iam:ListX") for number in range(14))
    async with opened(account=replace(sample_account(), gaps=gaps), size=(80, 24)) as pilot:
        assert "Not loaded: part 0, part 1, part 2, part 3 and 10 more" in said(pilot.app)


async def test_a_source_that_cannot_be_read_is_a_sentence_on_the_message_line() -> None:
    def fail(_choice: SourceChoice, _report: ProgressReport, _cancelled: object) -> Workspace:
        raise Problem("The file sample.json is not JSON (at line 3).", "Give another file.")

    async with opened(make_app(opener=fail)) as pilot:
        assert said(pilot.app) == "x The file sample.json is not JSON (at line 3). Give another file."
        assert "No account is open" in str(pilot.app.query_one("#welcome").render())


@pytest.mark.slow
async def test_the_command_that_signs_in_stays_on_the_message_line_and_its_key_tries_again() -> None:
    tries = []
    command = "aws sso login --profile sso"

    def expired(_choice: SourceChoice, _report: ProgressReport, _cancelled: object) -> Workspace:
        tries.append(1)
        if len(tries) > 1:
            return sample_workspace()
        raise AwsProblem(
            'The IAM Identity Center session of profile "sso" is missing or has expired (Error when retrieving token '
            "from sso: Token has expired and refresh failed).",
            f"Run: {command}",
            login_command=command,
        )

    async with opened(make_app(opener=expired), size=(80, 24)) as pilot:
        # The dialog that waits for it is left.
        await press(pilot, "escape")
        words = " ".join(screen_text(pilot.app).split())
        assert f"Run: {command} (F5 then tries again.)" in words
        await press(pilot, "f5")
        await until(pilot, lambda: "READ-ONLY" in status(pilot.app) and "123456789012" in status(pilot.app))
        assert len(tries) == 2
        await press(pilot, "f5")
        assert len(tries) == 2


def test_of_a_message_that_is_too_long_the_middle_goes_and_what_to_do_stays() -> None:
    said_long = Content("Renewing failed. " + "Because of this and that. " * 60 + "Run: aws sso login --profile sso")
    for width in (58, 78, 118, 198):
        shown = fitted(said_long, width)
        assert len(shown.wrap(width)) <= 5
        assert shown.plain.startswith("Renewing failed.")
        assert " … " in shown.plain
        assert shown.plain.endswith("Run: aws sso login --profile sso")
    assert fitted(said_long[:60], 78) == said_long[:60]


async def test_an_unforeseen_error_in_a_worker_ends_nothing_and_shows_no_data() -> None:
    def fail(_choice: SourceChoice, _report: ProgressReport, _cancelled: object) -> Workspace:
        raise KeyError("hunter2")

    async with opened(make_app(opener=fail)) as pilot:
        assert said(pilot.app) == "x KeyError, an error in iamtui while opening the account."


async def test_progress_is_said_and_escape_cancels_the_load() -> None:
    started, stopped = Event(), Event()

    def slow(_choice: SourceChoice, report: ProgressReport, cancelled: object) -> Workspace:
        assert callable(cancelled)
        report(Progress("reading users", 1200, 5000))
        started.set()
        while not cancelled():
            stopped.wait(0.005)
        stopped.set()
        raise OpeningCancelled

    app = make_app(opener=slow)
    async with app.run_test(size=(120, 40)) as pilot:
        while not started.is_set():
            await pilot.pause(0.01)
        await pilot.pause()
        assert said(app) == "Reading users 1,200 of 5,000 …  esc cancels"
        await pilot.press("escape")
        await settle(pilot)
        assert stopped.is_set()
        assert "Cancelled" in said(app)
        assert app.main.workspace is None


async def test_a_message_replaces_the_one_before_and_marks_its_severity_without_colour() -> None:
    async with opened() as pilot:
        pilot.app.say("[red]one[/red]")
        assert said(pilot.app) == "[red]one[/red]"
        pilot.app.say("two", Severity.WARNING)
        assert said(pilot.app) == "! two"


@pytest.mark.parametrize(
    "widget", [IamtuiApp, MainScreen, ExplorerTree, ChildrenTable, RowsView, FilterInput, DetailPane]
)
def test_every_binding_has_an_id_a_description_and_a_tooltip(widget: type) -> None:
    for binding in widget.__dict__.get("BINDINGS", []):
        assert isinstance(binding, Binding)
        assert binding.id, binding
        assert binding.description, binding
        assert binding.tooltip, binding


async def test_a_key_can_be_remapped_by_the_id_of_its_binding() -> None:
    app = make_app(config=Config(keymap={"list.down": "n", "question.ask": "f5,Z"}))
    async with opened(app) as pilot:
        tree = app.query_one(ExplorerTree)
        first = tree.cursor
        await press(pilot, "n")
        assert tree.cursor == first + 1
        await press(pilot, "j")
        assert tree.cursor == first + 1
        await press(pilot, "Z")
        assert app.query_one(QuestionPanel).has_focus_within


async def test_the_keys_of_the_sample_config_reach_what_they_name() -> None:
    document = Path(__file__).parents[2].joinpath("docs/configuration.md").read_text(encoding="utf-8")
    keymap = tomllib.loads(document.partition("```toml\n")[2].partition("```")[0])["keymap"]
    for key in keymap["question.ask"].split(","):
        async with opened(make_app(config=Config(keymap=keymap))) as pilot:
            assert pilot.app.query_one(ExplorerTree).has_focus
            await press(pilot, key)
            assert pilot.app.query_one(QuestionPanel).has_focus_within, f"{key} does something else in the tree"


@pytest.mark.slow
async def test_a_wrong_keymap_or_theme_is_said_with_the_nearest_and_the_default_used() -> None:
    async with opened(make_app(config=Config(theme="iamtui-drak"))) as pilot:
        assert pilot.app.theme == "iamtui-dark"
        assert said(pilot.app) == "! There is no theme iamtui-drak; did you mean iamtui-dark?"
    async with opened(make_app(config=Config(keymap={"list.dwon": "n"}))) as pilot:
        assert "list.dwon, which no binding has; did you mean list.down?" in said(pilot.app)


@pytest.mark.slow
async def test_a_key_given_to_two_actions_is_said() -> None:
    async with opened(make_app(config=Config(keymap={"endpoint.copy": "g", "assume.cancel": "f9"}))) as pilot:
        assert not said(pilot.app).startswith("!"), "bindings of dialogs that are not loaded yet are known"
    async with opened(make_app(config=Config(keymap={"view.zoom": "i"}))) as pilot:
        assert said(pilot.app) == "! The keymap gives the key i to draft.impact and view.zoom; only one of them has it."


async def test_the_configured_theme_is_used() -> None:
    async with opened(make_app(config=Config(theme="iamtui-light"))) as pilot:
        assert pilot.app.theme == "iamtui-light"


async def test_help_and_palette_open_and_close() -> None:
    async with opened() as pilot:
        await press(pilot, "question_mark")
        assert type(pilot.app.screen).__name__ == "HelpScreen"
        await press(pilot, "escape")
        await press(pilot, "colon")
        assert type(pilot.app.screen).__name__ == "ActionPalette"
        await press(pilot, "escape")
        assert pilot.app.screen is pilot.app.main


@pytest.mark.slow
async def test_the_help_has_a_page_about_what_the_thing_under_the_cursor_is_and_means_here() -> None:
    async with opened() as pilot:
        pilot.app.main.go_to("arn:aws:iam::123456789012:role/web-server")
        await press(pilot, "question_mark", "tab")
        text = screen_text(pilot.app)
        assert text.index("A role") < text.index("In this account") < text.index("ec2.amazonaws.com")
        await press(pilot, "escape")
        assert pilot.app.screen is pilot.app.main


@pytest.mark.slow
async def test_ctrl_c_says_on_the_message_line_what_quits() -> None:
    async with opened(make_app(config=Config(keymap={"app.quit": "ctrl+x"}))) as pilot:
        await press(pilot, "ctrl+c")
        assert said(pilot.app) == "ctrl+c does not quit; ctrl+x does."
        assert not pilot.app._notifications


async def test_without_a_source_the_chooser_asks() -> None:
    app = IamtuiApp(None, opener=lambda *_: sample_workspace(), copier=RecordingCopier())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert type(app.screen).__name__ == "ChooserScreen"
        await press(pilot, "escape")
        assert "Nothing chosen" in said(app)
        await press(pilot, "g", "a")
        await press(pilot, "enter")
        assert app.main.workspace is not None


async def test_tab_only_moves_the_focus() -> None:
    async with opened() as pilot:
        before = pilot.app.main.explorer.node
        focused = pilot.app.focused
        await press(pilot, "tab")
        assert pilot.app.focused is not focused
        await press(pilot, "shift+tab")
        assert pilot.app.focused is focused
        assert pilot.app.main.explorer.node == before


async def test_letters_are_text_while_typing_in_a_field() -> None:
    async with opened() as pilot:
        await press(pilot, "slash", "q", "z", "t", "y")
        assert pilot.app.query_one(FilterInput).value == "qzty"
        assert pilot.app.is_running


@pytest.mark.parametrize(("size", "small"), [((59, 24), True), ((80, 19), True), ((60, 20), False)])
async def test_a_window_that_is_too_small_gets_one_sentence(size: tuple[int, int], small: bool) -> None:
    async with opened(size=size) as pilot:
        assert bool(pilot.app.query_one("#too-small").region.area) is small
        assert bool(pilot.app.query_one("#body").region.area) is not small
        assert (f"This one has {size[0]} and {size[1]}" in " ".join(screen_text(pilot.app).split())) is small


@pytest.mark.slow
@one_quick("focused", ["ExplorerTree", "FilterInput", "#question-action"])
async def test_in_a_window_that_is_too_small_only_quitting_works(focused: str) -> None:
    copier = RecordingCopier()
    app = make_app(copier=copier)
    async with opened(app, size=(120, 40)) as pilot:
        app.main.go_to(iam("role/deploy-prod"))
        await settle(pilot)
        app.main.query_one(focused).focus()
        await pilot.resize_terminal(50, 15)
        await settle(pilot)
        before = app.main.explorer.node
        await press(
            pilot, "j", "slash", "x", "s", "f5", "y", "d", "E", "P", "r", "z", "colon", "question_mark", "a", "t"
        )
        await press(pilot, "ctrl+p", "tab", "f2", "f6", "D", "ctrl+o", "ctrl+r", "f3", "ctrl+y", "enter", "c")
        assert app.screen is app.main
        assert app.main.explorer.node == before
        assert not copier.copied
        assert app.query_one(FilterInput).value == ""
        await pilot.resize_terminal(120, 40)
        await settle(pilot)
        assert app.main.query_one("#question-action", Input).value == ""
        await press(pilot, "escape", "escape", "y", "y")
        assert copier.copied
        await pilot.resize_terminal(50, 15)
        await settle(pilot)
        await press(pilot, "q")
        assert app._exit


async def test_while_an_account_is_being_opened_nobody_is_told_that_none_is_open() -> None:
    go_on = Event()

    def slow(_choice: SourceChoice, _report: ProgressReport, _cancelled: object) -> Workspace:
        go_on.wait(60)
        return sample_workspace()

    async with make_app(opener=slow).run_test() as pilot:
        await until(pilot, lambda: "Opening" in str(pilot.app.main.query_one("#welcome").render()))  # type: ignore[attr-defined]
        go_on.set()
        await settle(pilot)


@pytest.mark.slow
async def test_what_had_the_focus_has_it_again_once_the_window_is_large_enough() -> None:
    async with opened() as pilot:
        pilot.app.query_one(FilterInput).focus()
        await pilot.resize_terminal(50, 15)
        await until(pilot, lambda: pilot.app.focused is None)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: isinstance(pilot.app.focused, FilterInput))


@pytest.mark.slow
async def test_the_chooser_shows_progress_failure_and_the_next_step_and_goes_when_it_is_open() -> None:
    release = Event()
    outcomes: list[Problem | None] = [Problem("The file is no snapshot.", "Make one with the AWS CLI."), None]

    def opener(choice: SourceChoice, report: ProgressReport, _cancelled: object) -> Workspace:
        if choice.kind is not SourceKind.DEMO:
            return sample_workspace()
        report(Progress("reading the demo", 3))
        release.wait(60)
        problem = outcomes.pop(0)
        if problem is not None:
            raise problem
        return sample_workspace()

    app = make_app(opener=opener)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        before = app.opening.choice
        await pilot.press("g", "a")
        await until(pilot, lambda: "Demo account" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Reading the demo 3" in screen_text(app))
        release.set()
        await settle(pilot)
        assert "The file is no snapshot." in screen_text(app)
        assert "Make one with the AWS CLI." in screen_text(app)
        assert app.opening.choice == before
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, MainScreen)
        assert app.opening.choice == SourceChoice(SourceKind.DEMO)


@pytest.mark.slow
async def test_escape_in_the_chooser_cancels_and_what_was_open_stays() -> None:
    begun, ended = Event(), Event()

    def opener(choice: SourceChoice, _report: ProgressReport, cancelled: object) -> Workspace:
        assert callable(cancelled)
        if choice.kind is not SourceKind.DEMO:
            return sample_workspace()
        begun.set()
        while not cancelled():
            ended.wait(0.005)
        raise OpeningCancelled

    app = make_app(opener=opener)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        before, workspace = app.opening.choice, app.main.workspace
        await pilot.press("g", "a")
        await until(pilot, lambda: "Demo account" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, begun.is_set)
        await pilot.press("escape")
        await settle(pilot)
        assert "Cancelled." in screen_text(app)
        await pilot.press("escape")
        await settle(pilot)
        assert isinstance(app.screen, MainScreen)
        assert (app.opening.choice, app.main.workspace) == (before, workspace)


@pytest.mark.slow
@one_quick("columns", [80, 90, 100, 120])
async def test_the_header_drops_a_badge_before_the_name_of_the_account(columns: int) -> None:
    workspace = sample_workspace()
    source = msgspec.structs.replace(workspace.source, endpoint_url="http://127.0.0.1:5000")
    app = make_app(replace(workspace, source=source))
    async with opened(app, size=(columns, 30)) as pilot:
        assert "READ-ONLY" in status(pilot.app)
        app.main.sessions.add_session(session(role_arn=iam("role/deploy-prod")))
        await settle(pilot)
        assert "example-prod" in status(pilot.app)


async def test_news_of_a_place_goes_when_the_user_leaves_it_and_warnings_stay() -> None:
    async with opened() as pilot:
        main, line = pilot.app.main, pilot.app.query_one(MessageLine)
        main.say("A key was copied.")
        await press(pilot, "j")
        assert line.words == ""
        main.say("Not loaded: the organization.", Severity.WARNING)
        main.say("Not loaded: the organization.", Severity.WARNING)
        await press(pilot, "j")
        assert "Not loaded" in line.words
        main.say("Zoomed: z gives the other panes their place back.", stays=True)
        await press(pilot, "k")
        assert "Zoomed" in line.words
