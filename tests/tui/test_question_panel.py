from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from iamtui.engine.decision import Layer
from iamtui.engine.request import Principal
from iamtui.problem import Problem
from iamtui.questions.answers import Answer
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui.main.main_view import JumpToStatement
from iamtui.tui.question import asking
from iamtui.tui.question.answer_lists import LayersList
from iamtui.tui.question.completing_input import ActionField
from iamtui.tui.question.panel import QuestionPanel
from iamtui.tui.question.trace_screen import TraceScreen
from iamtui.workspace.ask import answers as matrix_answers
from iamtui.workspace.source.workspace import Workspace
from tests.support import panel_records as records
from tests.support import wording
from tests.support.panel_apps import screen_text, settle, type_text, until
from tests.support.question_panel import listener, opened, shown


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Principal, Question]]:
    """The engine replaced by canned answers; keeps what it was asked."""
    heard: list[tuple[Principal, Question]] = []

    def answer(
        workspace: Workspace, principal: Principal, question_matrix: QuestionMatrix, **options: Any
    ) -> Answer | None:
        heard.extend((principal, question) for question in question_matrix.questions())
        return records.canned_matrix(workspace, principal, question_matrix, **options)

    monkeypatch.setattr(matrix_answers, "answer", answer)
    return heard


async def test_says_what_to_do_before_there_is_a_question() -> None:
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Open an account" in shown(app, "verdict")

        await opened(pilot, app)
        assert "ype an action such as s3:GetObject" in shown(app, "verdict")


async def test_asking_takes_three_keys_beside_the_text(asked: list[tuple[Principal, Question]]) -> None:
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.action_ask()  # the screen's F5
        await type_text(pilot, "getobject")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await type_text(pilot, "lake/")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)

        principal, question = asked[-1]
        assert principal == records.role_principal()
        assert (question.action, question.resource) == ("s3:GetObject", "arn:aws:s3:::data-lake/*")
        says = f"{wording.ALLOWED} {wording.AS_LOADED} (SCP not evaluated)"
        assert shown(app, "verdict") == f"{says} by data-lake-read / ReadLake (lines 4-15)"
        assert panel.border_title is not None
        assert "role/deploy-prod" in panel.border_title


async def test_the_verdict_follows_every_key_once_the_action_is_whole(asked: list[tuple[Principal, Question]]) -> None:
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.action_ask()
        await type_text(pilot, "s3:GetObjec")
        await settle(pilot)
        assert asked == []
        assert "not a complete action yet" in shown(app, "verdict")

        await type_text(pilot, "t")
        await settle(pilot)
        assert asked[-1][1].action == "s3:GetObject"
        assert "ALLOWED" in shown(app, "verdict")


@pytest.mark.slow
async def test_enter_does_not_ask_about_an_action_that_aws_lacks(asked: list[tuple[Principal, Question]]) -> None:
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.action_ask()
        await type_text(pilot, "new:Thing")
        await settle(pilot)
        assert asked == []

        await pilot.press("enter")
        await settle(pilot)
        assert asked == [], "AWS has no such action"


async def test_moving_to_another_principal_answers_the_same_question(asked: list[tuple[Principal, Question]]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", "*")
        await settle(pilot)
        panel.set_principal(records.user_principal("bob"), "user/bob")
        await settle(pilot)

        assert [principal.arn.rsplit("/")[-1] for principal, _ in asked[-2:]] == ["deploy-prod", "bob"]
        answered = app.of(QuestionPanel.Answered)[-1]
        assert isinstance(answered, QuestionPanel.Answered)
        assert answered.label == "user/bob"
        assert answered.question.action == "s3:GetObject"


@pytest.mark.slow
async def test_a_group_keeps_the_last_principal_and_says_so(asked: list[tuple[Principal, Question]]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", "*")
        await settle(pilot)
        before = len(asked)
        panel.set_principal(None, "group/developers")
        await settle(pilot)

        assert len(asked) == before
        assert "Can role/deploy-prod" in screen_text(app)
        assert "group/developers cannot ask" in screen_text(app)

        panel.set_principal(records.role_principal(), "role/deploy-prod")
        await settle(pilot)
        assert "cannot ask" not in screen_text(app)


class SlowEngine:
    """Answers for one principal only when it is let go."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.go_on = threading.Event()

    def __call__(
        self, workspace: Workspace, principal: Principal, question_matrix: QuestionMatrix, **_options: object
    ) -> Answer | None:
        if principal.arn.endswith("deploy-prod"):
            self.started.set()
            assert self.go_on.wait(60)
            return records.answer_of(principal, question_matrix, [records.denied()])
        return records.canned_matrix(workspace, principal, question_matrix)


@pytest.fixture
def slow_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowEngine]:
    engine = SlowEngine()
    monkeypatch.setattr(matrix_answers, "answer", engine)
    yield engine
    engine.go_on.set()


async def test_an_answer_to_an_older_question_is_dropped(slow_engine: SlowEngine) -> None:
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", "*")
        await pilot.pause()
        assert slow_engine.started.wait(60)
        panel.set_principal(records.user_principal("bob"), "user/bob")
        await until(pilot, lambda: "ALLOWED" in shown(app, "verdict"))

        slow_engine.go_on.set()
        await settle(pilot)
        assert "ALLOWED" in shown(app, "verdict")
        assert len(app.of(QuestionPanel.Answered)) == 1


async def test_a_slow_answer_never_leaves_the_old_verdict_under_the_new_name(slow_engine: SlowEngine) -> None:
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.set_principal(records.user_principal("bob"), "user/bob")
        panel.ask("s3:GetObject", "*")
        await until(pilot, lambda: "Can user/bob" in screen_text(app))

        panel.set_principal(records.role_principal(), "role/deploy-prod")
        await pilot.pause()
        assert slow_engine.started.wait(60)
        assert "Can role/deploy-prod" not in screen_text(app)
        await until(pilot, lambda: "Asking for role/deploy-prod" in screen_text(app))

        slow_engine.go_on.set()
        await settle(pilot)
        assert "Can role/deploy-prod" in screen_text(app)
        assert "DENIED explicit" in shown(app, "verdict")


async def test_the_list_goes_with_the_answer_to_the_name_that_was_completed(
    slow_engine: SlowEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "SLOW_SECONDS", 1_000_000)
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.action_ask()
        await type_text(pilot, "s3:GetObjec")
        field = panel.query_one(ActionField)
        await until(pilot, lambda: field.completions.display)
        await type_text(pilot, "t")
        await until(pilot, lambda: not field.is_open)
        assert field.completions.display, "else all would be laid out now, and again for the answer"
        assert screen_text(app).count("s3:GetObject") > 1

        slow_engine.go_on.set()
        await until(pilot, lambda: panel.answer is not None)
        assert not field.completions.display


@pytest.mark.parametrize("further", ["slow", "backspace", "ctrl+u"])
async def test_a_list_that_waits_for_an_answer_gives_way(
    slow_engine: SlowEngine, monkeypatch: pytest.MonkeyPatch, further: str
) -> None:
    monkeypatch.setattr(asking, "SLOW_SECONDS", 0.01 if further == "slow" else 1_000_000)
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.action_ask()
        await type_text(pilot, "s3:GetObject")
        field = panel.query_one(ActionField)
        await until(pilot, lambda: slow_engine.started.is_set() and not field.is_open and not field.is_waiting)
        if further != "slow":
            await pilot.press(further)
            await settle(pilot)
        await until(pilot, lambda: field.completions.display is field.is_open)
        assert field.is_open is (further == "backspace")
        slow_engine.go_on.set()


async def test_a_problem_is_said_with_its_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise Problem("The resource is not an ARN.", "Write * for any.")

    monkeypatch.setattr(matrix_answers, "answer", refuse)
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", "arn:nonsense")
        await settle(pilot)

        assert shown(app, "verdict") == "! The resource is not an ARN."
        assert shown(app, "because") == "Write * for any."
        assert panel.answer is None


async def test_a_context_that_cannot_be_read_takes_the_verdict_away(asked: list[tuple[Principal, Question]]) -> None:
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", "*")
        await settle(pilot)
        panel.ask("s3:GetObject", "*", "aws:SourceIp")
        await settle(pilot)

        assert "without a value" in shown(app, "verdict")
        assert panel.answer is None
        assert panel.question is None


async def test_an_error_of_our_own_ends_nothing_and_shows_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise ValueError("with data in it")

    monkeypatch.setattr(matrix_answers, "answer", fail)
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", "*")
        await until(
            pilot, lambda: "ValueError, an error in iamtui" in f"{shown(app, 'verdict')} {shown(app, 'because')}"
        )

        assert "with data in it" not in screen_text(app)


async def test_mfa_toggle_writes_the_context(asked: list[tuple[Principal, Question]]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", "*")
        panel.action_ask()
        await pilot.press("ctrl+t")
        await settle(pilot)

        assert asked[-1][1].context == {"aws:MultiFactorAuthPresent": ("true",)}
        assert "MFA yes" in screen_text(app)


@pytest.mark.slow
async def test_missing_keys_of_the_answer_are_offered_in_the_context(asked: list[tuple[Principal, Question]]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObjectAcl", "*")
        await settle(pilot)
        app.query_one("#question-context").focus()
        await type_text(pilot, "sourceip")
        await settle(pilot)
        await pilot.press("enter")
        await type_text(pilot, "10.0.0.1")
        await settle(pilot)

        assert asked[-1][1].context == {"aws:SourceIp": ("10.0.0.1",)}


async def test_enter_on_a_layer_jumps_to_its_statement(asked: list[tuple[Principal, Question]]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:DeleteObject", "*")
        await settle(pilot)
        app.query_one(LayersList).focus()
        await pilot.press("enter")
        await settle(pilot)

        [jump] = app.of(JumpToStatement)
        assert isinstance(jump, JumpToStatement)
        assert (jump.ref.sid, jump.ref.effect) == ("NoDelete", "Deny")


@pytest.mark.slow
async def test_a_layer_without_statements_says_so(asked: list[tuple[Principal, Question]]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:DeleteObject", "*")
        await settle(pilot)
        app.query_one(LayersList).focus()
        await pilot.press("j", "enter")
        await settle(pilot)

        assert app.of(JumpToStatement) == []
        assert app.notices == ["No statement of the scp layer took part in this decision."]


async def test_space_switches_a_layer_off_and_on(asked: list[tuple[Principal, Question]]) -> None:
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", "*")
        await settle(pilot)
        app.query_one(LayersList).focus()
        await pilot.press("j", "space")
        await settle(pilot)
        assert asked[-1][1].layers_off == frozenset({Layer.SCP})

        await pilot.press("space")
        await settle(pilot)
        assert asked[-1][1].layers_off == frozenset()


async def test_why_opens_the_trace_and_goes_back(asked: list[tuple[Principal, Question]]) -> None:
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.action_why()
        await settle(pilot)
        assert "no answer to explain" in app.notices[0]

        panel.ask("s3:GetObject", "arn:aws:s3:::data-lake/x")
        await settle(pilot)
        panel.action_why()
        await settle(pilot)
        assert isinstance(app.screen, TraceScreen)
        assert '"Sid": "ReadLake"' in screen_text(app) or "ReadLake" in screen_text(app)

        await pilot.press("f7")
        assert not isinstance(app.screen, TraceScreen)


async def test_escape_closes_the_list_first_and_then_leaves() -> None:
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.action_ask()
        await type_text(pilot, "get")
        await settle(pilot)
        await pilot.press("escape")
        assert app.of(QuestionPanel.QuestionLeft) == []
        await pilot.press("escape")
        await settle(pilot)
        assert len(app.of(QuestionPanel.QuestionLeft)) == 1


@pytest.mark.slow
async def test_tab_takes_the_first_completion_and_goes_to_the_next_field() -> None:
    app = listener()
    async with app.run_test(size=(80, 24)) as pilot:
        panel = await opened(pilot, app)
        panel.action_ask()
        await type_text(pilot, "getobj")
        await settle(pilot)
        await pilot.press("tab")
        await settle(pilot)

        assert app.query_one("#question-action").value == "s3:GetObject"  # type: ignore[attr-defined]
        assert app.focused is app.query_one("#question-resource")


@pytest.mark.slow
@pytest.mark.parametrize(("size", "most"), [((80, 24), 8), ((120, 40), 14)])
async def test_the_panel_stays_small(size: tuple[int, int], most: int, asked: list[tuple[Principal, Question]]) -> None:
    app = listener()
    async with app.run_test(size=size) as pilot:
        panel = await opened(pilot, app)
        panel.ask("s3:GetObject", "arn:aws:s3:::data-lake/x")
        await settle(pilot)

        assert 7 <= panel.region.height <= most
