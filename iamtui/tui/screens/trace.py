"""TraceScreen: the whole reasoning behind one answer, on its own screen, searchable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.worker import Worker, WorkerState, get_current_worker

from iamtui.evaluation.decision import Decision
from iamtui.evaluation.request import Principal
from iamtui.problem import Problem
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.text_screen import TextScreen
from iamtui.tui.screens.trace_text import trace_rows
from iamtui.workspace import asking
from iamtui.workspace.asking import Question
from iamtui.workspace.workspace import Workspace


class TraceScreen(TextScreen):
    """Shows the answer at once and every statement that was looked at when a thread has traced them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f7,w", "back", "Back", show=False, id="trace.back", tooltip="Back to where you came from"),
    ]

    @dataclass
    class _Traced(Message):
        rows: Sequence[Content]

    def __init__(
        self, workspace: Workspace, decision: Decision, principal: Principal, question: Question, label: str
    ) -> None:
        title = line(("Why  ", "bold $heading"), (label, "bold"), ("  ", ""), (question.action, "$muted"))
        super().__init__(title, trace_rows(workspace, decision, principal, question))
        self._workspace = workspace
        self._principal = principal
        self._question = question

    def on_mount(self) -> None:
        """Trace in a thread."""
        self.run_worker(self._trace, thread=True, group="trace", exit_on_error=False)

    def _trace(self) -> None:
        worker = get_current_worker()
        try:
            decision, traced, explanation = asking.ask_and_trace(self._workspace, self._principal, self._question)
        except Problem as problem:
            self.post_message(self._Traced([plain(problem, "$verdict-denied", limit=None)]))
            return
        rows = trace_rows(self._workspace, decision, self._principal, self._question, traced, explanation)
        if not worker.is_cancelled:
            self.post_message(self._Traced(rows))

    @on(_Traced)
    def _show(self, event: _Traced) -> None:
        event.stop()
        self.body.show(event.rows)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """What is there stays when the trace cannot be made."""
        event.stop()
        if event.state is WorkerState.ERROR:
            name = type(event.worker.error).__name__
            note = plain(f"The trace could not be made: {name}, an error in iamtui.", "$verdict-denied")
            self.body.show([*self._rows, plain(""), note])
