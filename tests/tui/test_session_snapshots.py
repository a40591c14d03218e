"""Sessions as they are kept: renewed, failing, served, locked; at the three sizes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.credentials.server import Counts, ServiceStatus
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.tui import clock
from iamtui.tui.sessions import session_dialogs as endpoint_module
from iamtui.workspace.assume.session_store import KeptSession, Origin
from tests.support.panel_sessions import START, session
from tests.support.screen_app import RecordingCopier, make_app, press, settle
from tests.support.slow import EACH_SIZE, SIZES

USER = "arn:aws:iam::123456789012:user/alice"
ENTRY = "arn:aws:sts::123456789012:assumed-role/entry/alice"
SnapCompare = Callable[..., bool]
Run = Callable[[Pilot[Any]], Awaitable[None]]

each_size = pytest.mark.parametrize("size", EACH_SIZE)


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: START)
    monkeypatch.setattr(endpoint_module, "default_profile_in_the_way", lambda: True)


def fail(_code: Secret | None) -> Session:
    raise Problem("STS cannot be reached.", "Check the network.")


def served(kept: KeptSession) -> None:
    """As if an endpoint ran, at a port that is always the same."""
    status = ServiceStatus(kept.renewer.held, Counts(12, 3), Counts(4, 0), running=True)
    kept.service = SimpleNamespace(  # type: ignore[assignment]
        endpoint=SimpleNamespace(authority="127.0.0.1:41234"),
        metadata=SimpleNamespace(url="http://127.0.0.1:41235/"),
        status=status,
        stop=lambda *, wait: None,
    )


async def hold(pilot: Pilot[Any]) -> None:
    """A chain of two, one that needs a code, and one whose renewal fails; the served one is active."""
    panel = pilot.app.main.sessions
    keeper = panel.keeper
    panel.add_session(session("entry", minutes=50, key="ASIAENTRYENTRY00ABCD", source_arn=USER), Origin(fail))
    parent = keeper.active
    panel.add_session(session("deploy-prod", minutes=47, source_arn=ENTRY), Origin(fail), parent=parent.key)
    keeper.active.forget_at = START + timedelta(minutes=30)
    keeper.active.renewer.switch(on=True)
    chained = keeper.active
    panel.add_session(session("break-glass", minutes=8, key="ASIAGLASSGLASS00ABCD"), Origin(fail, lambda: True))
    keeper.active.renewer.switch(on=True)
    panel.add_session(session("auditor", minutes=4, key="ASIAAUDITORKEY00ABCD"), Origin(fail))
    keeper.active.renewer.switch(on=True)
    keeper.active.renewer.renew_now()
    served(chained)
    keeper.activate(chained.key)
    panel.changed()
    # What a second would say and ask is said and asked now; the clock stands still, so there is no more.
    panel.tick()
    # A key that is pressed while the dialog comes up is not for it.
    await settle(pilot)
    await press(pilot, "escape", "g", "s")
    pilot.app.main.query_one("#message").clear()


def showing(*keys: str) -> Run:
    async def run(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await hold(pilot)
        # Which other keys the screen has is not the matter of these pictures.
        pilot.app.main.query_one("#keys").visible = False
        await press(pilot, *keys)
        for field in pilot.app.screen.query(Input):
            field.cursor_blink = False
        await pilot.pause()

    return run


@each_size
def test_sessions_kept(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=showing())


@pytest.mark.slow
@each_size
def test_a_renewal_that_fails(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=showing("j", "j"))


@each_size
def test_the_endpoint(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=showing("enter", "e"))


@pytest.mark.slow
def test_the_warning_before_metadata(snap_compare: SnapCompare) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await showing()(pilot)
        pilot.app.main.sessions.keeper.active.service.metadata = None
        await press(pilot, "enter", "e", "i")

    assert snap_compare(make_app(), terminal_size=SIZES["narrow"], run_before=run)


@pytest.mark.slow
@each_size
def test_asking_for_a_code(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=showing("j", "r"))


@each_size
def test_locked(snap_compare: SnapCompare, size: str) -> None:
    copier = RecordingCopier()
    copier.left = timedelta(seconds=9)
    assert snap_compare(make_app(copier=copier), terminal_size=SIZES[size], run_before=showing("f12"))
