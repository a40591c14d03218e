"""Pictures of the assume dialog at three sizes, with the real engine behind it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from iamtui.account.model import Known
from iamtui.credentials.assume_role import AssumeRoleInput
from iamtui.credentials.session import AssumeExtras
from iamtui.questions.question import Question
from iamtui.tui import clock
from iamtui.tui.assume.dialog import AssumeDialog, AssumeOptions
from iamtui.tui.drafts import editor_screen as draft_editor
from iamtui.workspace.assume.mfa import MfaSessions
from iamtui.workspace.source.workspace import Workspace
from tests.support.assume_account import DENIED, EXTERNAL, FOREIGN, MFA, ROLE, ROOT, trust, workspace
from tests.support.panel_apps import ScreenApp, settle, type_text
from tests.support.panel_sessions import session
from tests.support.slow import EACH_SIZE, SIZES
from tests.support.sts_answers import CannedSts

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
BOTH = {"Condition": {**MFA["Condition"], **EXTERNAL["Condition"]}}

SnapCompare = Callable[..., bool]
RunBefore = Callable[[Pilot[object]], Awaitable[None]]

pytestmark = pytest.mark.usefixtures("still")


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def shot(
    snap_compare: SnapCompare,
    size: str,
    space: Workspace,
    run_before: RunBefore,
    role: str | None = ROLE,
    **more: Any,
) -> bool:
    app = ScreenApp(AssumeDialog(space, role, AssumeOptions(list_roles=lambda _dialog: None, **more)))
    return snap_compare(app, terminal_size=SIZES[size], run_before=run_before)


def pressing(*steps: str) -> RunBefore:
    """Presses keys, or types what begins with a blank."""

    async def run(pilot: Pilot[object]) -> None:
        await settle(pilot)
        for step in steps:
            if step.startswith(" "):
                await type_text(pilot, step[1:])
            else:
                await pilot.press(step)
            # What fails is planned once more.
            await settle(pilot)
            await settle(pilot)
        for entry in pilot.app.screen.query(Input):
            entry.cursor_blink = False
        for area in pilot.app.screen.query(TextArea):
            area.cursor_blink = False
        await pilot.pause()

    return run


@pytest.mark.parametrize("size", EACH_SIZE)
def test_a_role_that_trusts_the_caller(snap_compare: SnapCompare, size: str) -> None:
    assert shot(snap_compare, size, workspace(trust()), pressing())


@pytest.mark.parametrize("size", EACH_SIZE)
def test_a_role_that_asks_for_external_id_and_mfa(snap_compare: SnapCompare, size: str) -> None:
    space = workspace(trust(**BOTH))
    assert shot(snap_compare, size, space, pressing(), mfa_sessions=MfaSessions(clock=lambda: NOW))


@pytest.mark.slow
@pytest.mark.parametrize("size", EACH_SIZE)
def test_all_inputs_with_what_is_wrong(snap_compare: SnapCompare, size: str) -> None:
    extras = AssumeExtras(tags=(("team", "x"),), transitive_tag_keys=("cost",), source_identity="a")
    before = AssumeRoleInput(ROLE, "bad name", 99_999, extras=extras)
    assert shot(snap_compare, size, workspace(trust()), pressing("f2", "f5"), prefilled=before)


@pytest.mark.parametrize("size", EACH_SIZE)
def test_a_denial_that_is_explained(snap_compare: SnapCompare, size: str) -> None:
    space = workspace(trust({"AWS": FOREIGN}), sts=CannedSts(refusal=DENIED))
    assert shot(snap_compare, size, space, pressing("enter"))


@pytest.mark.parametrize("size", EACH_SIZE)
def test_a_session_as_the_caller(snap_compare: SnapCompare, size: str) -> None:
    hub = session("hub", key="ASIAHUBHUBHUBHUB0001", assumed_at=NOW, expires_at=NOW + timedelta(minutes=50))
    assert shot(snap_compare, size, workspace(trust(ROOT)), pressing("f3"), callers=[hub])


@pytest.mark.parametrize("size", EACH_SIZE)
def test_any_role(snap_compare: SnapCompare, size: str) -> None:
    assert shot(snap_compare, size, workspace(trust()), pressing(" dep"), None)


@pytest.mark.slow
@pytest.mark.parametrize("size", EACH_SIZE)
def test_the_editor_of_a_session_policy(snap_compare: SnapCompare, size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft_editor, "PAUSE_SECONDS", 0.001)
    question = Question("s3:PutObject", "arn:aws:s3:::logs/x")
    assert shot(snap_compare, size, workspace(trust()), pressing("f2", "enter", " x"), questions=[question])


@pytest.mark.parametrize("size", EACH_SIZE)
def test_production(snap_compare: SnapCompare, size: str) -> None:
    space = workspace(trust())
    space = space.with_account(replace(space.account, alias=Known("acme-prod")))
    assert shot(snap_compare, size, space, pressing(), production="prod")


def test_a_role_of_another_account(snap_compare: SnapCompare) -> None:
    assert shot(snap_compare, "narrow", workspace(trust()), pressing(), FOREIGN)
