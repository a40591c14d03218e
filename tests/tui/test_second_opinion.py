"""The second opinion on screen: what is sent, both answers, cancelling, and where it is not offered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from iamtui.engine.request import Principal
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.sources.simulator import SimulatedResult, SimulatedStatement
from iamtui.tui.question.simulator_screen import SecondOpinionScreen
from iamtui.workspace.ask import questions as asking
from iamtui.workspace.ask.aws_simulator import UNEXPLAINED, SecondOpinion, compared, simulation_of
from iamtui.workspace.source.workspace import Workspace
from tests.support import wording
from tests.support.evil_account import EVIL
from tests.support.hostile_text import assert_clean
from tests.support.live_workspace import live_workspace
from tests.support.panel_apps import ScreenApp, screen_text, settle, until
from tests.support.panel_records import role_principal, small_account
from tests.support.sample_account import iam, sample_workspace
from tests.support.screen_app import make_app
from tests.support.screen_app import press as press_in_app
from tests.support.screen_app import settle as settle_app

READ = Question("s3:GetObject", "arn:aws:s3:::data-lake/x")


def saying(
    decision: str, *, missing: tuple[str, ...] = ()
) -> Callable[[Workspace, Principal, Question, Callable[[], bool]], SecondOpinion | None]:
    """AWS as one that says this."""

    def ask(
        workspace: Workspace, principal: Principal, question: Question, cancelled: Callable[[], bool]
    ) -> SecondOpinion | None:
        ours = asking.ask(workspace, principal, question)
        theirs = SimulatedResult(
            question.action,
            question.resource,
            decision,
            (SimulatedStatement("data-lake-read", "IAM Policy", (3, 9)),) if decision == "allowed" else (),
            missing,
            allowed_by_organizations=True,
        )
        return compared(ours, ours, theirs, simulation_of(workspace, principal, question), question)

    return ask


def opinion_app(
    asker: Callable[[Workspace, Principal, Question, Callable[[], bool]], SecondOpinion | None],
    left_out: str = "",
) -> ScreenApp:
    workspace = live_workspace(small_account())
    decision = asking.ask(workspace, role_principal(), READ)
    screen = SecondOpinionScreen(workspace, role_principal(), READ, decision, asker=asker, left_out=left_out)
    return ScreenApp(screen)


async def test_nothing_is_asked_before_it_is_said_what_is_sent() -> None:
    asked: list[Principal] = []

    def asker(
        _workspace: Workspace, principal: Principal, _question: Question, _cancelled: Callable[[], bool]
    ) -> SecondOpinion | None:
        asked.append(principal)
        return None

    app = opinion_app(asker)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        text = screen_text(app)
        assert asked == []
        assert "iam:SimulatePrincipalPolicy" in text
        assert "It changes nothing" in " ".join(text.split())
        assert "aws:SecureTransport" in text
        await pilot.press("enter")
        await settle(pilot)
        assert asked == [role_principal()]


async def test_both_answers_stand_side_by_side_where_there_is_room_else_above_each_other() -> None:
    for size, beside in (((120, 40), True), ((80, 24), False)):
        app = opinion_app(saying("allowed"))
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            await pilot.press("enter")
            await settle(pilot)
            screen = app.screen
            ours, theirs = screen.query_one("#opinion-ours").region, screen.query_one("#opinion-theirs").region
            assert (ours.y == theirs.y) is beside
            assert "Both agree." in screen_text(app)
            assert "data-lake-read" in screen_text(app)


async def test_what_is_half_typed_is_said_to_be_left_out() -> None:
    app = opinion_app(saying("allowed"), "aws:SourceI")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Second opinion  without aws:SourceI  role/deploy-prod  s3:GetObject" in screen_text(app)


async def test_a_difference_that_nothing_explains_is_said_in_words() -> None:
    app = opinion_app(saying("explicitDeny"))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("S")
        await settle(pilot)
        text = " ".join(screen_text(app).split())
        assert "The answers differ." in text
        assert UNEXPLAINED in text
        assert wording.EXPLICIT_DENY in text


async def test_a_refusal_is_shown_with_the_next_step_and_can_be_asked_again() -> None:
    answers = iter([Problem("The caller may not ask.", "It needs a permission."), None])

    def asker(*args: object) -> SecondOpinion | None:
        problem = next(answers)
        if problem is not None:
            raise problem
        return saying("allowed")(*args)  # type: ignore[arg-type]

    app = opinion_app(asker)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert "The caller may not ask." in screen_text(app)
        assert "It needs a permission." in screen_text(app)
        await pilot.press("enter")
        await settle(pilot)
        assert "Both agree." in screen_text(app)


async def test_escape_stops_waiting_first_and_then_goes_back() -> None:
    stopped = threading.Event()

    def asker(
        _workspace: Workspace, _principal: Principal, _question: Question, cancelled: Callable[[], bool]
    ) -> SecondOpinion | None:
        while not cancelled():
            threading.Event().wait(0.01)
        stopped.set()
        return None

    app = opinion_app(asker)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "Asking" in screen_text(app))
        await pilot.press("escape")
        await settle(pilot)
        assert stopped.wait(60)
        assert app.returned == []
        assert "Stopped." in screen_text(app)
        await pilot.press("escape")
        await settle(pilot)
        assert app.returned == [None]


async def test_a_failure_nobody_foresaw_is_a_sentence() -> None:
    def asker(*_args: object) -> SecondOpinion | None:
        raise ValueError("data")

    app = opinion_app(asker)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "an error in iamtui" in screen_text(app))
        assert "data" not in screen_text(app).replace("data-lake", "")


async def test_what_a_hostile_endpoint_says_cannot_leave_its_place() -> None:
    def asker(
        workspace: Workspace, principal: Principal, question: Question, _cancelled: Callable[[], bool]
    ) -> SecondOpinion | None:
        ours = asking.ask(workspace, principal, question)
        theirs = SimulatedResult(
            EVIL, EVIL, EVIL, (SimulatedStatement(EVIL, EVIL, (1, 2)),), (EVIL,), details={EVIL: EVIL}
        )
        sent = simulation_of(workspace, principal, question)
        return compared(ours, ours, theirs, sent, question, endpoint=EVIL)

    app = opinion_app(asker)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert "The answers differ." in assert_clean(app)


@pytest.mark.slow
async def test_a_snapshot_says_why_there_is_none() -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle_app(pilot)
        app.main.go_to(iam("role/deploy-prod"))
        app.main.question.ask("s3:GetObject", "arn:aws:s3:::data-lake/x")
        await settle_app(pilot)
        assert "second_opinion" in app.main.idle_actions()
        app.main.explorer.tree_view.focus()
        await press_in_app(pilot, "S")
        assert app.screen is app.main
        assert "A snapshot is a file" in screen_text(app)


async def test_a_live_account_offers_it() -> None:
    workspace = live_workspace(replace(sample_workspace().account))
    app = make_app(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle_app(pilot)
        app.main.go_to(iam("role/deploy-prod"))
        app.main.question.ask("s3:GetObject", "arn:aws:s3:::data-lake/x")
        await settle_app(pilot)
        assert "second_opinion" not in app.main.idle_actions()
        app.main.explorer.tree_view.focus()
        await press_in_app(pilot, "S")
        assert isinstance(app.screen, SecondOpinionScreen)
