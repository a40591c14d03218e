"""The dialogs about sessions as they look at the three sizes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.tui import clock
from iamtui.tui.sessions.session_dialogs import ConsoleDialog, RevokeDialog
from tests.support.panel_apps import ScreenApp, settle
from tests.support.panel_sessions import START, RecordingCopier, session
from tests.support.sample_account import sample_workspace
from tests.support.slow import EACH_SIZE, SIZES

SnapCompare = Callable[..., bool]


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: START + timedelta(minutes=5))


async def _finish(pilot: Pilot[object]) -> None:
    await settle(pilot)
    for field in pilot.app.screen.query(Input):
        field.cursor_blink = False
    await pilot.pause()


@pytest.mark.parametrize("size", EACH_SIZE)
def test_the_console(snap_compare: SnapCompare, size: str) -> None:
    app = ScreenApp(ConsoleDialog(sample_workspace(), session(from_long_term=True), RecordingCopier()))
    assert snap_compare(app, terminal_size=SIZES[size], run_before=_finish)


@pytest.mark.parametrize("size", EACH_SIZE)
def test_revoking(snap_compare: SnapCompare, size: str) -> None:
    held = (session(), session("auditor", key="ASIAEXAMPLEKEY00ABCD"))
    app = ScreenApp(RevokeDialog(sample_workspace(), session().role_arn, held, RecordingCopier()))
    assert snap_compare(app, terminal_size=SIZES[size], run_before=_finish)
