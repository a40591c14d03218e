"""The screens of answers as they look, at the three sizes: who can, the trace, the second opinion."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.engine.request import Principal
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.sources.demo import load_demo_account
from iamtui.sources.simulator import SimulatedResult, SimulatedStatement
from iamtui.tui.main.inventory import document_of
from iamtui.tui.question.simulator_screen import SecondOpinionScreen
from iamtui.tui.question.trace_screen import DocumentScreen, TraceScreen
from iamtui.tui.question.who_can_screen import WhoCanScreen
from iamtui.workspace.ask import questions as asking
from iamtui.workspace.ask.aws_simulator import SecondOpinion, compared, simulation_of
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.live_workspace import live_workspace
from tests.support.panel_apps import ScreenApp, settle, type_text
from tests.support.sample_account import NOW
from tests.support.slow import EACH_SIZE, NARROW_AND_MEDIUM, SIZES

SnapCompare = Callable[..., bool]
Run = Callable[[Pilot[object]], Awaitable[None]]

LOGS = "arn:aws:s3:::puffin-access-logs/2026/11/25.log"
WRITE = Question("s3:PutObject", LOGS)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ask_and_trace", partial(asking.ask_and_trace, now=NOW))


def demo() -> Workspace:
    return Workspace(load_demo_account(), SourceInfo(SourceKind.SNAPSHOT, "puffin.json", region="eu-west-1"))


def pressing(*keys: str, text: str = "") -> Run:
    async def run(pilot: Pilot[object]) -> None:
        await settle(pilot)
        await pilot.press(*keys)
        if text:
            await type_text(pilot, text)
        await settle(pilot)
        for field in pilot.app.screen.query(Input):
            field.cursor_blink = False
        await pilot.pause()

    return run


def everybody(question: Question) -> ScreenApp:
    return ScreenApp(WhoCanScreen(demo(), QuestionMatrix((question.action,), (question.resource,), question)))


@pytest.mark.parametrize("size", EACH_SIZE)
def test_who_can(snap_compare: SnapCompare, size: str) -> None:
    question = Question("s3:GetObject", LOGS, region="eu-west-1")
    assert snap_compare(everybody(question), terminal_size=SIZES[size], run_before=pressing("j", "j"))


@pytest.mark.parametrize("size", NARROW_AND_MEDIUM)
def test_who_can_filtered(snap_compare: SnapCompare, size: str) -> None:
    app = everybody(replace(WRITE, region="eu-west-1"))
    assert snap_compare(app, terminal_size=SIZES[size], run_before=pressing("4", "slash", text="lambda"))


def trace(name: str, question: Question) -> ScreenApp:
    workspace = demo()
    principal = resolve_principal(workspace, name)
    decision = asking.ask(workspace, principal, question, now=NOW)
    return ScreenApp(TraceScreen(workspace, decision, principal, question, name))


@pytest.mark.parametrize("size", EACH_SIZE)
def test_the_trace_of_a_denial(snap_compare: SnapCompare, size: str) -> None:
    app = trace("role/address-geocoder-lambda", WRITE)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=pressing())


@pytest.mark.parametrize("size", EACH_SIZE)
def test_the_top_of_the_trace_of_a_denial(snap_compare: SnapCompare, size: str) -> None:
    app = trace("role/address-geocoder-lambda", WRITE)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=pressing("g", "g"))


def test_a_search_in_the_trace(snap_compare: SnapCompare) -> None:
    app = trace("user/astrid.nilsen", Question("s3:GetObject", LOGS))
    assert snap_compare(app, terminal_size=SIZES["medium"], run_before=pressing("slash", text="s3"))


@pytest.mark.parametrize("size", NARROW_AND_MEDIUM)
def test_a_document_that_is_not_in_the_tree(snap_compare: SnapCompare, size: str) -> None:
    workspace = demo()
    principal = resolve_principal(workspace, "role/address-geocoder-lambda")
    decision = asking.ask(workspace, principal, WRITE, now=NOW)
    ref = decision.deciding
    assert ref is not None
    document = document_of(workspace.account, principal, LOGS, ref)
    assert document is not None
    app = ScreenApp(DocumentScreen(document, ref))
    assert snap_compare(app, terminal_size=SIZES[size], run_before=pressing())


def simulated(
    workspace: Workspace, principal: Principal, question: Question, _cancelled: Callable[[], bool]
) -> SecondOpinion:
    """AWS as one that knows no resource policy for a role, and no RCP."""
    ours = asking.ask(workspace, principal, question, now=NOW)
    theirs = SimulatedResult(
        question.action,
        question.resource,
        "allowed",
        (SimulatedStatement("AdministratorAccess", "IAM Policy", (4, 8)),),
        ("aws:PrincipalIsAWSService",),
        allowed_by_organizations=True,
    )
    sent = simulation_of(workspace, principal, question, now=NOW)
    return compared(ours, ours, theirs, sent, question)


def opinion() -> ScreenApp:
    account = load_demo_account()
    workspace = live_workspace(account)
    principal = resolve_principal(workspace, "role/nightly-maintenance")
    decision = asking.ask(workspace, principal, WRITE, now=NOW)
    return ScreenApp(SecondOpinionScreen(workspace, principal, WRITE, decision, asker=simulated, now=NOW))


@pytest.mark.parametrize("size", EACH_SIZE)
def test_two_answers(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(opinion(), terminal_size=SIZES[size], run_before=pressing("enter"))


@pytest.mark.parametrize("size", NARROW_AND_MEDIUM)
def test_what_aws_would_be_asked(snap_compare: SnapCompare, size: str) -> None:
    assert snap_compare(opinion(), terminal_size=SIZES[size], run_before=pressing())
