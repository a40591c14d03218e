"""Nothing there, not yet there, and failed: each says what is missing and what to do, in a picture of its own."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator
from types import ModuleType
from typing import Final

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.account.model import Account
from iamtui.drafts.edits.principals import AttachPolicy
from iamtui.problem import Problem
from iamtui.tui.app import IamtuiApp
from iamtui.tui.drafts import impact_screen
from iamtui.tui.question import trace_screen
from iamtui.tui.reports import report_screen
from iamtui.tui.widgets.status import KeyLine, MessageLine
from iamtui.workspace.source import workspace as opening
from iamtui.workspace.source.workspace import Workspace
from tests.support.drafting import lay
from tests.support.panel_apps import screen_text, type_text, until
from tests.support.question_asked import asked
from tests.support.sample_account import ADMIN_ARN, ID, iam, sample_workspace
from tests.support.screen_app import RecordingCopier, make_app, opened, press, settle
from tests.support.slow import SIZES, one_quick

SnapCompare = Callable[..., bool]
Steps = Callable[[Pilot[None]], Awaitable[None]]


def nothing() -> Workspace:
    return sample_workspace().with_account(Account(id=ID))


def fails(*_args: object) -> Workspace:
    raise Problem("The file account.json has no UserDetailList.", "Write it again: iamtui snapshot FILE.")


@pytest.fixture(autouse=True)
def _no_profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "list_profiles", list)


def keys(*pressed: str, ask: bool = False) -> Steps:
    """Press keys; what is longer than the name of a key and begins with `=` is typed."""

    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        if ask:
            await asked(pilot)
            await press(pilot, "escape", "escape")
        for key in pressed:
            if key.startswith("="):
                await type_text(pilot, key[1:])
                await settle(pilot)
            else:
                await press(pilot, key)
        pilot.app.query_one(MessageLine).clear()
        for field in pilot.app.screen.query(Input):
            field.cursor_blink = False
        await settle(pilot)

    return run


EMPTY: Final[dict[str, tuple[Callable[[], IamtuiApp], Steps]]] = {
    "an account of nobody": (lambda: make_app(nothing()), keys()),
    "no hit of the filter": (make_app, keys("slash", "=zzz")),
    "no questions": (make_app, keys("f3")),
    "no findings": (lambda: make_app(nothing()), keys("g", "f")),
    "no escalations": (lambda: make_app(nothing()), keys("g", "e")),
    "nobody to ask about": (lambda: make_app(nothing()), keys("s", "=s3:GetObject", "enter", "f6")),
    "no hit among who can": (make_app, keys("W", "slash", "=zzz", ask=True)),
    "no hit in a document": (make_app, keys("j", "j", "j", "4", "enter", "slash", "=zzz")),
    "no theme of that name": (make_app, keys("t", "=zzz")),
    "no session": (make_app, keys("g", "s")),
    "no account": (lambda: IamtuiApp(None, copier=RecordingCopier()), keys("escape")),
    "the start": (lambda: IamtuiApp(None, copier=RecordingCopier()), keys()),
    "an account that cannot be opened": (lambda: make_app(opener=fails), keys()),
}


@one_quick("name", list(EMPTY))
def test_what_is_not_there(snap_compare: SnapCompare, name: str) -> None:
    make, steps = EMPTY[name]
    assert snap_compare(make(), terminal_size=(80, 24), run_before=steps)


async def impact(pilot: Pilot[None]) -> None:
    await settle(pilot)
    await lay(pilot, AttachPolicy(iam("user/carol"), ADMIN_ARN))
    await keys("i")(pilot)


LOADING: Final[dict[str, tuple[ModuleType, Steps]]] = {
    "who can": (report_screen, keys("W", ask=True)),
    "findings": (report_screen, keys("g", "f")),
    "impact": (impact_screen, impact),
    "trace": (trace_screen, keys("w", ask=True)),
}


@one_quick("size", ["narrow", "medium"])
@one_quick("name", list(LOADING))
def test_what_is_still_looked_for(
    snap_compare: SnapCompare, monkeypatch: pytest.MonkeyPatch, name: str, size: str
) -> None:
    module, steps = LOADING[name]
    # Nothing is ever found.
    monkeypatch.setattr(module, "in_thread", lambda *_args, **_named: None)
    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=steps)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opens at the end of a test at the latest."""
    event = threading.Event()
    yield event
    event.set()


async def test_an_account_that_is_being_opened_says_so_and_how_to_stop(gate: threading.Event) -> None:
    def waits(*_args: object) -> Workspace:
        gate.wait()
        return sample_workspace()

    app = make_app(opener=waits)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Opening" in screen_text(app))
        shown = screen_text(app)
        assert "Esc stops it." in shown
        assert "g then a: open an account" in shown.splitlines()[-1]
        await pilot.press("escape")
        await until(pilot, lambda: "No account is open." in screen_text(app))
        gate.set()
        await settle(pilot)


async def test_before_an_account_is_open_only_keys_that_do_something_are_shown() -> None:
    app = make_app(opener=fails)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        shown = app.query_one(KeyLine).render().plain
        assert "g then a: open an account" in shown
        for words in ("Ask", "Filter", "Draft", "Edit", "Zoom", "Findings", "Open  "):
            assert words not in shown
        app.query_one(MessageLine).clear()
        await settle(pilot)
        assert "! The file account.json has no UserDetailList." in screen_text(app)
        assert "r tries the same again." in screen_text(app)


async def test_an_empty_report_offers_no_keys_for_its_rows() -> None:
    async with opened(make_app(nothing())) as pilot:
        await press(pilot, "g", "f")
        shown = pilot.app.screen.query_one(KeyLine).render().plain
        assert "Back" in shown
        for words in ("Go there", "Export", "Draft a fix"):
            assert words not in shown
