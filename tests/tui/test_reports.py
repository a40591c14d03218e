"""Findings and escalation paths on the screen: filter, kinds, ways to the tree and to the question, and back."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Callable

import pytest

from iamtui.presentation.reports import Report
from iamtui.problem import Problem
from iamtui.sources.demo import load_demo_account
from iamtui.tui.export_screen import ExportScreen
from iamtui.tui.reports import report_screen
from iamtui.tui.reports.report_screen import ReportScreen, findings
from iamtui.workspace.workspace import SourceInfo, SourceKind, Workspace
from tests.support.evil_account import evil_account
from tests.support.hostile_text import assert_clean
from tests.support.panel_apps import ScreenApp, screen_text, settle, type_text, until
from tests.support.panel_records import small_workspace
from tests.support.screen_app import make_app
from tests.support.screen_app import press as press_in_app
from tests.support.screen_app import settle as settle_app
from tests.support.slow import NARROW_AND_MEDIUM, SIZES

SIZE = (120, 40)


def demo() -> Workspace:
    return Workspace(load_demo_account(), SourceInfo(SourceKind.SNAPSHOT, "puffin.json", region="eu-west-1"))


def report_on(screen: object) -> ReportScreen:
    assert isinstance(screen, ReportScreen)
    return screen


async def test_findings_are_narrowed_by_severity_and_by_text() -> None:
    screen = ReportScreen(demo(), "Findings", findings)
    async with ScreenApp(screen).run_test(size=SIZE) as pilot:
        await settle(pilot)
        everything = len(screen.list.shown)
        await pilot.press("2")
        await settle(pilot)
        assert {row.kind for row in screen.list.shown} == {"high"}
        await pilot.press("l")
        await settle(pilot)
        assert {row.kind for row in screen.list.shown} == {"medium"}
        await pilot.press("1", "slash")
        await type_text(pilot, "mfa")
        await settle(pilot)
        assert 0 < len(screen.list.shown) < everything
        await pilot.press("escape")
        await settle(pilot)
        assert len(screen.list.shown) == everything


async def test_enter_on_a_finding_in_a_policy_shows_its_statement_and_back_shows_the_finding() -> None:
    app = make_app(demo())
    async with app.run_test(size=SIZE) as pilot:
        await settle_app(pilot)
        await press_in_app(pilot, "H")
        screen = report_on(app.screen)
        at = next(i for i, row in enumerate(screen.list.shown) if row.place is not None and row.place.policy)
        row = screen.list.shown[at]
        screen.list.move_to(at)
        await press_in_app(pilot, "enter")
        assert app.screen is app.main
        assert app.main.subject.detail.entity is not None
        assert app.main.subject.detail.entity.arn == row.target
        assert app.main.subject.detail.active_tab == "policies"

        await press_in_app(pilot, "left_square_bracket")
        again = report_on(app.screen)
        assert again.list.row is row
        # And Enter goes there once more.
        await press_in_app(pilot, "enter")
        assert app.screen is app.main
        assert app.main.subject.detail.active_tab == "policies"


async def test_a_list_is_exported_as_it_is_shown() -> None:
    app = make_app(demo())
    async with app.run_test(size=SIZE) as pilot:
        await settle_app(pilot)
        await press_in_app(pilot, "H", "2")
        rows = report_on(app.screen).list.shown
        await press_in_app(pilot, "x", "enter")
        export = app.screen
        assert isinstance(export, ExportScreen)
        [columns, *lines] = csv.reader(io.StringIO(export.text))
        assert columns == ["mark", "name", "text", "kind", "arn"]
        assert [line[1] for line in lines] == [row.name for row in rows]


async def test_enter_on_a_step_asks_its_question() -> None:
    app = make_app(demo())
    async with app.run_test(size=SIZE) as pilot:
        await settle_app(pilot)
        await press_in_app(pilot, "U")
        screen = report_on(app.screen)
        first, step = screen.list.shown[:2]
        assert not first.inner
        assert step.asked is not None
        await press_in_app(pilot, "j", "enter")
        assert app.screen is app.main
        assert app.main.subject.detail.entity is not None
        assert app.main.subject.detail.entity.arn == first.target
        asked = app.main.question.question
        assert asked is not None
        assert (asked.action, asked.resource) == (step.asked.question.action, step.asked.question.resource)
        assert app.main.question.answer is not None
        assert app.main.question.answer.outcome.value == "allowed"


async def test_leaving_cancels_what_is_being_looked_for() -> None:
    ended = threading.Event()

    def endless(_workspace: Workspace, cancelled: Callable[[], bool]) -> Report:
        while not cancelled():
            pass
        ended.set()
        return Report("Findings")

    screen = ReportScreen(small_workspace(), "Findings", endless)
    app = ScreenApp(screen)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "looking" in screen_text(app))
        await pilot.press("q")
        await until(pilot, ended.is_set)
        assert app.returned == [None]


async def test_what_fails_is_said_in_a_sentence() -> None:
    def refuse(_workspace: Workspace, _cancelled: Callable[[], bool]) -> Report:
        raise Problem("It cannot be read.", "Try another account.")

    def fail(_workspace: Workspace, _cancelled: Callable[[], bool]) -> Report:
        raise ValueError("AKIA")

    for load, words in ((refuse, "It cannot be read."), (fail, "ValueError, an error in iamtui")):
        app = ScreenApp(ReportScreen(small_workspace(), "Findings", load))
        async with app.run_test(size=SIZE) as pilot:
            await settle(pilot)
            assert words in screen_text(app)


@pytest.mark.parametrize("name", ["findings", "escalations"])
async def test_hostile_names_are_shown_harmless(name: str) -> None:
    workspace = small_workspace().with_account(evil_account())
    app = ScreenApp(ReportScreen(workspace, name.capitalize(), report_screen.REPORTS[name]))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert_clean(app)


@pytest.mark.parametrize("size", NARROW_AND_MEDIUM)
@pytest.mark.parametrize("name", ["findings", "escalations"])
def test_a_report(snap_compare: Callable[..., bool], size: str, name: str) -> None:
    screen = ReportScreen(demo(), name.capitalize(), report_screen.REPORTS[name])
    assert snap_compare(ScreenApp(screen), terminal_size=SIZES[size], run_before=settle)
