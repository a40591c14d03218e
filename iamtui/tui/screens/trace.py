"""TraceScreen: the whole reasoning behind one answer, on its own screen, searchable."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from iamtui.evaluation.decision import Decision
from iamtui.evaluation.request import Principal
from iamtui.tui.safe import line
from iamtui.tui.screens.text_screen import TextScreen
from iamtui.tui.screens.trace_text import trace_rows
from iamtui.workspace.asking import Question
from iamtui.workspace.workspace import Workspace


class TraceScreen(TextScreen):
    """Shows the rows of `trace_rows`. The key that opened it closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f7,w", "back", "Back", show=False, id="trace.back", tooltip="Back to where you came from"),
    ]

    def __init__(
        self, workspace: Workspace, decision: Decision, principal: Principal, question: Question, label: str
    ) -> None:
        title = line(("Why  ", "bold $heading"), (label, "bold"), ("  ", ""), (question.action, "$muted"))
        super().__init__(title, trace_rows(workspace, decision, principal, question))
