"""Accounts and screens that are gone from the screen are freed, whatever was asked of them."""

from __future__ import annotations

import gc
from weakref import ref

import pytest
from textual.app import App
from textual.pilot import Pilot

from iamtui.account.model import Account
from iamtui.presentation.who_can import WhoCanRow
from iamtui.tui import background
from iamtui.tui.app import IamtuiApp
from iamtui.tui.main.inventory import OVERVIEW, key_of
from iamtui.tui.question.who_can_screen import WhoCanScreen
from iamtui.tui.reports.overview_view import OverviewView
from iamtui.workspace.source.workspace import SourceChoice, SourceKind, Workspace
from tests.support.drafting import app_of, until
from tests.support.own_process import in_own_process
from tests.support.sample_account import sample_workspace
from tests.support.screen_app import RecordingCopier, opened, press, settle


@in_own_process
async def test_one_account_is_there_after_each_refresh() -> None:
    background._REST_SECONDS = 0.1
    read: list[ref[Account]] = []

    def opener(*_more: object) -> Workspace:
        workspace = sample_workspace()
        read.append(ref(workspace.account))
        return workspace

    async def open_findings(pilot: Pilot[None]) -> None:
        await press(pilot, "g", "f")

    async def open_escalations(pilot: Pilot[None]) -> None:
        await press(pilot, "g", "e")

    async def ask_everybody(pilot: Pilot[None]) -> None:
        app.main.question.ask("s3:GetObject", "arn:aws:s3:::data-lake/key")
        app.main.explorer.tree_view.focus()
        await press(pilot, "W")

    async def list_members(pilot: Pilot[None]) -> None:
        app.main.go_to(key_of(OVERVIEW))
        await settle(pilot)
        view = app.main.query_one(OverviewView)
        view.focus()
        view.move_to(next(at for at, each in enumerate(view.lines) if each.label == "people"))
        await press(pilot, "enter")

    async def compare_two(pilot: Pilot[None]) -> None:
        one, other = (key_of(user) for user in sample_workspace().account.users[:2])
        app.main.go_to(other)
        await press(pilot, "space")
        app.main.go_to(one)
        await press(pilot, "equals_sign")

    # A mark stays, with the account that it was set in, to be compared with the next: it is moved and taken away.
    unmark = ("space", "space")
    app = IamtuiApp(SourceChoice(SourceKind.LIVE), opener=opener, copier=RecordingCopier())
    async with app.run_test() as pilot:
        reports = ((open_findings, ()), (open_escalations, ()), (ask_everybody, ()), (list_members, ()))
        for number, (open_one, more) in enumerate((*reports, (compare_two, unmark)), 1):
            await until(pilot, lambda times=number: len(read) == times and app.opening.is_settled)
            await settle(pilot)
            await open_one(pilot)
            assert app.screen is not app.main, open_one.__name__
            await press(pilot, "escape", *more, "R")
            await until(pilot, lambda: sum(one() is not None for one in read) == 1)


@in_own_process
async def test_an_account_that_was_held_when_it_was_replaced_is_freed_later() -> None:
    # As in a large account, where Python's own collector seldom looks at what is old.
    gc.disable()
    background._REST_SECONDS = 0.1
    read: list[ref[Account]] = []
    held: list[Account] = []

    def opener(*_more: object) -> Workspace:
        workspace = sample_workspace()
        read.append(ref(workspace.account))
        return workspace

    app = IamtuiApp(SourceChoice(SourceKind.LIVE), opener=opener, copier=RecordingCopier())
    async with app.run_test() as pilot:
        await until(pilot, lambda: len(read) == 1 and app.opening.is_settled)
        assert app.main.workspace is not None
        held.append(app.main.workspace.account)
        held[0].memo["evaluator"] = held[0]  # A circle, as an evaluator and its closures are.
        await press(pilot, "R")
        await until(pilot, lambda: len(read) == 2 and app.opening.is_settled)
        await pilot.pause(1)
        assert read[0]() is not None
        held.clear()
        await until(pilot, lambda: read[0]() is None)


async def test_an_idle_thread_keeps_nothing_of_the_work_it_did() -> None:
    class Held:
        def work(self) -> None: ...

    app = App[None]()
    async with app.run_test() as pilot:
        held = Held()
        left = ref(held)
        background.run_worker_in_thread(app, held.work)
        del held
        await app.workers.wait_for_complete()
        app.call_later(lambda: None)  # The app keeps the last message that it handled, that the worker ended.
        await pilot.pause()
        gc.collect()
        assert left() is None


@pytest.mark.slow
async def test_of_screens_that_were_closed_only_the_last_is_still_there() -> None:
    # What other tests of this process hold is not counted.
    screens, rows = living(WhoCanScreen), living(WhoCanRow)
    async with opened() as pilot:
        for number in range(5):
            app_of(pilot).main.question.ask("s3:GetObject", f"arn:aws:s3:::bucket-{number}/key")
            app_of(pilot).main.explorer.tree_view.focus()
            await settle(pilot)
            await press(pilot, "W")
            assert isinstance(pilot.app.screen, WhoCanScreen)
            await press(pilot, "escape")
        # It has thousands of rows in a large account.
        await until(pilot, lambda: living(WhoCanScreen) <= screens + 1 and living(WhoCanRow) <= rows)


def living(kind: type) -> int:
    """How many objects of a class are left when all garbage is taken away."""
    gc.collect()
    return sum(type(one) is kind for one in gc.get_objects())
