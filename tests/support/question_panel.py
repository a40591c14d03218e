"""A question panel alone, with canned answers, that keeps what it says."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from iamtui.engine.request import Principal
from iamtui.questions.answers import Answer
from iamtui.questions.question import QuestionMatrix
from iamtui.tui.main.main_view import JumpToStatement
from iamtui.tui.question.panel import QuestionPanel
from iamtui.workspace.ask import answers as matrix_answers
from iamtui.workspace.source.workspace import Workspace
from tests.support import panel_records as records
from tests.support.panel_apps import PanelApp, settle

X, Y = "arn:aws:s3:::data-lake/x", "arn:aws:s3:::data-lake/y"


class Listener(PanelApp):
    """Keeps what the panel says."""

    def __init__(self, panel: QuestionPanel) -> None:
        super().__init__(panel)
        self.question_panel = panel

    def on_question_panel_answered(self, event: QuestionPanel.Answered) -> None:
        self.heard.append(event)

    def on_question_panel_copy(self, event: QuestionPanel.Copy) -> None:
        self.heard.append(event)

    def on_question_panel_unanswered(self, event: QuestionPanel.Unanswered) -> None:
        self.heard.append(event)

    def on_question_panel_jump_to_statement(self, event: JumpToStatement) -> None:
        self.heard.append(event)

    def on_question_panel_question_left(self, event: QuestionPanel.QuestionLeft) -> None:
        self.heard.append(event)

    def of(self, kind: type) -> list[object]:
        """The messages of one kind."""
        return [event for event in self.heard if isinstance(event, kind)]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[QuestionMatrix]:
    """The engine replaced by canned answers; keeps what it was asked."""
    heard: list[QuestionMatrix] = []

    def answer(
        workspace: Workspace, principal: Principal, question_matrix: QuestionMatrix, **options: Any
    ) -> Answer | None:
        heard.append(question_matrix)
        return records.canned_matrix(workspace, principal, question_matrix, **options)

    monkeypatch.setattr(matrix_answers, "answer", answer)
    return heard


def listener() -> Listener:
    """An app with the panel."""
    return Listener(QuestionPanel(catalogue=records.FewActions()))


async def opened(pilot: Pilot[object], app: Listener) -> QuestionPanel:
    """The panel, with the small account and a role."""
    app.question_panel.set_workspace(records.small_workspace())
    app.question_panel.set_principal(records.role_principal(), "role/deploy-prod")
    await settle(pilot)
    return app.question_panel


def shown(app: PanelApp, name: str) -> str:
    """A text of the answer."""
    return " ".join(str(app.query_one(f"#question-{name}", Static).content).split())
