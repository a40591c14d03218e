"""The panels and dialogs as they look, each in a small app, at the three sizes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.aws.profiles import Profile
from iamtui.questions.question import Question
from iamtui.tui.opening.chooser import ChooserScreen
from iamtui.tui.question.answer_lists import LayersList
from iamtui.tui.question.panel import QuestionPanel
from iamtui.tui.question.trace_screen import TraceScreen
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.workspace.ask import answers as matrix_answers
from iamtui.workspace.ask import questions as asking
from tests.support import panel_records as records
from tests.support.panel_apps import PanelApp, ScreenApp, settle, type_text
from tests.support.panel_sessions import START, StillClock, session
from tests.support.slow import EACH_SIZE, NARROW_AND_MEDIUM, SIZES, one_quick

SnapCompare = Callable[..., bool]
Run = Callable[[Pilot[object]], Awaitable[None]]
ROLE = "arn:aws:iam::123456789012:role/deploy-prod"


@pytest.fixture(autouse=True)
def _canned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_answers, "answer", records.canned_matrix)


async def _finish(pilot: Pilot[object]) -> None:
    await settle(pilot)
    for field in pilot.app.screen.query(Input):
        field.cursor_blink = False
    await pilot.pause()


def question_app() -> PanelApp:
    return PanelApp(QuestionPanel(catalogue=records.FewActions()))


def asked(action: str, context: str = "") -> Run:
    async def run(pilot: Pilot[object]) -> None:
        panel = pilot.app.query_one(QuestionPanel)
        panel.set_workspace(records.small_workspace())
        panel.set_principal(records.role_principal(), "role/deploy-prod")
        pilot.app.query_one(LayersList).focus()
        panel.ask(action, "arn:aws:s3:::data-lake/x", context)
        await _finish(pilot)

    return run


async def completing(pilot: Pilot[object]) -> None:
    await asked("s3:GetObject")(pilot)
    pilot.app.query_one(QuestionPanel).action_ask()
    await type_text(pilot, "obj")
    await _finish(pilot)


async def on_a_group(pilot: Pilot[object]) -> None:
    await asked("s3:GetObject")(pilot)
    pilot.app.query_one(QuestionPanel).set_principal(None, "group/developers")
    await _finish(pilot)


@pytest.mark.parametrize("size", EACH_SIZE)
@one_quick("action", ["s3:GetObject", "s3:GetObjectAcl", "s3:DeleteObject", "iam:CreateUser"])
def test_an_answer(snap_compare: SnapCompare, size: str, action: str) -> None:
    assert snap_compare(question_app(), terminal_size=SIZES[size], run_before=asked(action))


@pytest.mark.parametrize("size", NARROW_AND_MEDIUM)
def test_completions(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(question_app(), terminal_size=SIZES[size], run_before=completing)


@pytest.mark.slow
def test_a_group_keeps_the_principal(snap_compare: SnapCompare) -> None:
    assert snap_compare(question_app(), terminal_size=SIZES["medium"], run_before=on_a_group)


def test_nothing_asked_yet(snap_compare: SnapCompare) -> None:
    assert snap_compare(question_app(), terminal_size=SIZES["narrow"], run_before=_finish)


def sessions_app() -> PanelApp:
    clock = StillClock()
    return PanelApp(SessionsPanel(clock=clock, monotonic=clock.monotonic))


async def holding_sessions(pilot: Pilot[object]) -> None:
    panel = pilot.app.query_one(SessionsPanel)
    auditor = session("auditor", minutes=4, key="ASIAAUDITORKEY00ABCD", identity=None, identity_error="timed out")
    panel.add_session(auditor)
    panel.add_session(session("old", minutes=0, key="ASIAOLDOLDKEY000OLDX"))
    panel.add_session(session(minutes=47))
    panel.focus()
    await _finish(pilot)


@pytest.mark.parametrize("size", EACH_SIZE)
def test_sessions(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(sessions_app(), terminal_size=SIZES[size], run_before=holding_sessions)


def test_no_session(snap_compare: SnapCompare) -> None:
    assert snap_compare(sessions_app(), terminal_size=SIZES["medium"], run_before=_finish)


@pytest.mark.parametrize("size", EACH_SIZE)
def test_the_trace(snap_compare: SnapCompare, size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ask_and_trace", partial(asking.ask_and_trace, now=START))
    question = Question("s3:GetObject", "arn:aws:s3:::data-lake/x", {"aws:SourceIp": ("203.0.113.9",)})
    app = ScreenApp(
        TraceScreen(
            records.small_workspace(), records.allowed(), records.role_principal(), question, "role/deploy-prod"
        )
    )
    assert snap_compare(app, terminal_size=SIZES[size], run_before=_finish)


@pytest.mark.parametrize("size", NARROW_AND_MEDIUM)
def test_the_chooser(snap_compare: SnapCompare, size: str) -> None:
    profiles = [
        Profile("default", "eu-west-1", "access key"),
        Profile("ci", "", "runs a command", command="/opt/get-keys"),
    ]
    app = ScreenApp(ChooserScreen(lambda: profiles))
    assert snap_compare(app, terminal_size=SIZES[size], run_before=_finish)
