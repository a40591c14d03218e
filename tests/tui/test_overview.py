"""The overview in the tree: its numbers, the ways to their lists, and what happens when it is left early."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from iamtui.presentation.overview import OverviewLine, overview_lines
from iamtui.presentation.styled_words import text_of
from iamtui.sources.demo import load_demo_account
from iamtui.tui.main.inventory import OVERVIEW, Branch, Kind, key_of
from iamtui.tui.reports.overview_view import OverviewView
from iamtui.tui.reports.report_screen import ReportScreen
from iamtui.tui.widgets.status import MessageLine
from iamtui.workspace.review import overview_counts
from iamtui.workspace.review.audit import suppression_of
from iamtui.workspace.review.escalations import EscalationReport
from iamtui.workspace.review.overview_counts import account_overview
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.panel_apps import until
from tests.support.screen_app import make_app, press, settle
from tests.support.slow import EACH_SIZE, SIZES, one_quick


def demo() -> Workspace:
    return Workspace(load_demo_account(), SourceInfo(SourceKind.SNAPSHOT, "puffin.json", region="eu-west-1"))


def labelled(lines: Sequence[OverviewLine], label: str) -> OverviewLine:
    return next(line for line in lines if line.label == label)


def test_every_number_has_its_list_and_bars_fit_their_room() -> None:
    lines = overview_lines(account_overview(demo()), 20, ascii_only=False)
    people = labelled(lines, "people")
    assert people.figure is not None
    assert sum(part.count for part in people.parts) == people.figure.count
    assert all(len(text_of(line.words)) <= 20 for line in lines if line.figure is not None)
    assert labelled(lines, "can become administrator").report == ("escalations", "certain")
    assert labelled(lines, "high").report == ("findings", "high")


def test_bars_are_ascii_where_block_characters_would_not_arrive() -> None:
    lines = overview_lines(account_overview(demo()), 20, ascii_only=True)
    assert all((line.label + text_of(line.words)).isascii() for line in lines)


@pytest.mark.slow
@one_quick(
    ("label", "kinds"),
    [
        ("high", {"high"}),
        ("can become administrator", {"certain"}),
        ("roles that trust outside", {"outside"}),
        ("administrators", {""}),
    ],
)
async def test_enter_on_a_number_lists_what_it_counts(label: str, kinds: set[str]) -> None:
    app = make_app(demo())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.main.go_to(key_of(OVERVIEW))
        await settle(pilot)
        await press(pilot, "l")
        view = app.main.query_one(OverviewView)
        assert view.has_focus
        at = next(index for index, line in enumerate(view.lines) if line.label == label)
        figure = view.lines[at].figure
        assert figure is not None
        view.move_to(at)
        await press(pilot, "enter")
        screen = app.screen
        assert isinstance(screen, ReportScreen)
        assert screen._problem is None
        assert screen.done
        assert {row.kind for row in screen.list.shown} == kinds
        assert len(screen.list.outer) == figure.count


@pytest.mark.parametrize("size", EACH_SIZE)
async def test_the_overview_is_the_first_thing_on_screen(size: str) -> None:
    app = make_app(demo(), first_branch=OVERVIEW)
    async with app.run_test(size=SIZES[size]) as pilot:
        await settle(pilot)
        assert app.main.explorer.node == OVERVIEW
        assert app.main.explorer.tree_view.has_focus
        assert labelled(app.main.query_one(OverviewView).lines, "people").figure is not None
        assert not app.main.query_one("#welcome").display
        await press(pilot, "enter")
        assert app.main.query_one(OverviewView).has_focus


async def test_what_was_typed_while_the_account_was_opened_is_found_first() -> None:
    begin = threading.Event()

    def opener(*_: object) -> Workspace:
        begin.wait()
        return demo()

    app = make_app(opener=opener, first_branch=OVERVIEW)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("slash", *"deploy-prod")
        begin.set()
        await settle(pilot)
        assert getattr(app.main.subject.node, "name", "") == "deploy-prod"


def test_legends_fit_a_small_window() -> None:
    lines = overview_lines(account_overview(demo()), 15, ascii_only=False)
    assert all(len(line.label) <= 51 for line in lines)
    assert any("░ older · never ? unknown" in line.label for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("size", EACH_SIZE)
async def test_what_is_not_known_is_said_in_full(size: str) -> None:
    app = make_app(demo(), first_branch=OVERVIEW)
    async with app.run_test(size=SIZES[size]) as pilot:
        await settle(pilot)
        view = app.main.query_one(OverviewView)
        drawn = [
            "".join(piece.text for piece in view.pieces(index, view.size.width)) for index in range(len(view.lines))
        ]
        assert max(map(len, drawn)) < view.size.width
        said = " ".join(" ".join(drawn).split())
        lacking = account_overview(demo()).lacking
        assert lacking
        assert all(text in said for text in lacking)


@pytest.mark.slow
async def test_sections_stand_apart_where_there_is_room_and_the_cursor_stays_on_its_number() -> None:
    app = make_app(demo(), first_branch=OVERVIEW)
    async with app.run_test(size=SIZES["wide"]) as pilot:
        await settle(pilot)
        view = app.main.query_one(OverviewView)
        lines = view.lines
        headings = [index for index, line in enumerate(lines) if line.is_heading and line.label]
        assert all(not lines[index - 1].label for index in headings[1:])
        at = next(index for index, line in enumerate(lines) if line.label == "medium")
        view.move_to(at)
        await pilot.resize_terminal(120, 30)
        await settle(pilot)
        assert all(line.label or line.words for line in view.lines), "no blank line where there is no room"
        assert view.lines[view.cursor].label == "medium"


@pytest.mark.slow
async def test_a_member_goes_to_its_place_in_the_tree() -> None:
    app = make_app(demo())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.main.go_to(key_of(OVERVIEW))
        await settle(pilot)
        await press(pilot, "l", "enter")
        assert isinstance(app.screen, ReportScreen)
        row = app.screen.list.row
        assert row is not None
        await press(pilot, "enter")
        assert app.main.subject.detail.entity is not None
        assert app.main.subject.detail.entity.arn == row.target.arn
        assert not app.main.query_one(OverviewView).display


def test_accepted_findings_are_not_counted() -> None:
    accepted = (suppression_of("console-without-mfa=sign-in goes through the identity center"),)
    every, fewer = account_overview(demo()), account_overview(demo(), accepted=accepted)
    high = every.figure("findings.high").count
    assert fewer.figure("findings.high").count == high - every.figure("without-mfa").count
    assert fewer.figure("without-mfa").count == every.figure("without-mfa").count, "the fact itself is counted"


async def test_leaving_the_overview_stops_the_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = threading.Event(), threading.Event()

    def endless(_workspace: Workspace, _saved: object, *, cancelled: Callable[[], bool], accepted: object) -> Any:
        begun.set()
        while not cancelled():
            time.sleep(0.01)  # else the test waits for it as for one that works
        ended.set()

    monkeypatch.setattr(overview_counts, "account_overview", endless)
    app = make_app(demo())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.main.go_to(key_of(OVERVIEW))
        await until(pilot, begun.is_set)
        app.main.go_to(key_of(Branch(Kind.USERS)))
        await until(pilot, ended.is_set)
        assert app.main.subject.table.display


@pytest.mark.parametrize("size", EACH_SIZE)
def test_the_overview(snap_compare: Callable[..., bool], size: str) -> None:
    async def run(pilot: Any) -> None:
        await settle(pilot)
        await press(pilot, "k", "l")
        # What was opened is said for some seconds only.
        pilot.app.screen.query_one(MessageLine).clear()
        await settle(pilot)

    assert snap_compare(make_app(demo()), terminal_size=SIZES[size], run_before=run)


async def test_what_the_records_say_is_shown_while_everybody_is_still_asked_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on, find = threading.Event(), overview_counts.find_escalations

    def wait_and_find(*args: Any) -> EscalationReport:
        go_on.wait()
        return find(*args)

    monkeypatch.setattr(overview_counts, "find_escalations", wait_and_find)
    app = make_app(demo(), first_branch=OVERVIEW)
    async with app.run_test(size=(120, 40)) as pilot:
        try:
            await until(pilot, lambda: bool(app.main.query(OverviewView)))
            view = app.main.query_one(OverviewView)
            await until(pilot, lambda: any(line.label == "people" for line in view.lines))
            people, administrators = (labelled(view.lines, label).figure for label in ("people", "administrators"))
            assert people is not None
            assert people.count
            assert administrators is not None
            assert administrators.words == "?"
            begun = [line.label for line in view.lines]
        finally:
            go_on.set()
        await settle(pilot)
        assert [line.label for line in view.lines] == begun
        administrators = labelled(view.lines, "administrators").figure
        assert administrators is not None
        assert administrators.count
        assert administrators.words != "?"
