"""Drawing an answer reads records: what the engine has to work out for it is worked out in the thread."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import pytest

from iamtui.engine import decision_details
from iamtui.engine.combined_layers import Evaluation
from iamtui.engine.decision import LayerReport
from iamtui.presentation.answer import AnsweredQuestion, Shown, answer_words, matrix_words
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.tui.question import asking
from iamtui.tui.question.answer_lists import layer_rows
from iamtui.tui.question.answer_view import AnswerView, more, reasons
from iamtui.tui.question.asking import put_together
from iamtui.tui.question.panel_text import MEDIUM, NARROW, WIDE
from iamtui.workspace.ask.answers import answer
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support.panel_apps import settle, type_text
from tests.support.question_panel import listener, opened, shown
from tools.trace_walk import walk

WORDS = {
    *("engine/decision.py", "engine/condition_words.py", "engine/condition_words.py"),
    *("questions/question.py", "questions/answers.py", "workspace/source/workspace.py"),
}
"""The modules that making the words of an answer may pass through: records (how old the account is), their words."""


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:DeleteObject", "arn:aws:s3:::puffin-data-lake/x"),
        ("s3:GetObject", "arn:aws:s3:::puffin-data-lake/*"),
        ("s3:Get*", "arn:aws:s3:::puffin-data-lake/*"),
    ],
)
def test_drawing_evaluates_nothing(action: str, resource: str) -> None:
    workspace = open_source(SourceChoice(SourceKind.DEMO))
    principal = resolve_principal(workspace, "role/analytics-lake-reader")
    matrix = QuestionMatrix((action,), (resource,), Question(action, resource))
    found = answer(workspace, principal, matrix)
    assert found is not None
    at = next(index for index, cell in enumerate(found.cells) if cell is found.worst)
    seen = Shown(AnsweredQuestion(workspace, principal, matrix, "it"), found, index=at)

    def draw() -> None:
        for room in (NARROW, MEDIUM, WIDE):
            list(reasons(words, (), room, 80))
        layer_rows(words.layers)
        list(more(words, (), (), 80))
        cells.rows(grid=False)

    def rooms(files: Iterable[tuple[str, str]]) -> set[str]:
        return {file for file, _ in files if file.startswith(("engine/", "questions/", "workspace/"))}

    put_together(found, lambda: False)
    assert rooms(walk(lambda: (answer_words(seen), matrix_words(found)))) <= WORDS
    words, cells = answer_words(seen), matrix_words(found)
    assert not rooms(walk(draw))


async def test_the_panel_leaves_the_engine_to_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    work_out = decision_details.layer_reports

    def noted(reading: Evaluation) -> tuple[LayerReport, ...]:
        threads.append(threading.current_thread())
        return work_out(reading)

    monkeypatch.setattr(decision_details, "layer_reports", noted)
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        panel.action_ask()
        await type_text(pilot, "s3:GetObject")
        await settle(pilot)
        assert shown(app, "verdict")
        assert threads
        assert threading.main_thread() not in threads


@pytest.mark.parametrize(("seconds", "draws"), [(60.0, 1), (0.0, 2)])
async def test_what_would_help_comes_with_an_answer_that_took_no_time(
    monkeypatch: pytest.MonkeyPatch, seconds: float, draws: int
) -> None:
    monkeypatch.setattr(asking, "_NO_TIME_SECONDS", seconds)
    app = listener()
    async with app.run_test(size=(120, 40)) as pilot:
        panel = await opened(pilot, app)
        drawn: list[object] = []
        draw = AnswerView._lay_out

        def noted(self: AnswerView, *parts: Any) -> Any:
            drawn.append(parts)
            return draw(self, *parts)

        monkeypatch.setattr(AnswerView, "_lay_out", noted)
        panel.ask("iam:CreateUser", "*")
        await settle(pilot)
        assert "Would help" in shown(app, "because")
        assert len(drawn) == draws
