"""Asking: puts a question matrix to the engine in a thread that the next one cancels. It shows nothing.

What a thread finds comes back as a message to the widget that asks; an answer to an older question matrix is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.worker import Worker, WorkerState, get_current_worker

from iamtui.presentation.answer import AnsweredQuestion
from iamtui.presentation.verdict import verdict_words
from iamtui.problem import Problem
from iamtui.tui import clock, lazy
from iamtui.tui.background import giving_turns, making
from iamtui.tui.question.completion import SearchableCatalogue

if TYPE_CHECKING:
    from iamtui.engine.explanation import Explanation
    from iamtui.questions.answers import Answer
    from iamtui.questions.question import Question


SLOW_SECONDS: Final = 0.15
"""How long an answer may take before the old one is dimmed and the panel says that it is asking."""

_MOST_PUT_TOGETHER: Final = 32
"""Cells up to which all is put together before an answer is shown; of more, the worst, and the verdicts of all."""

_ANSWERS: Final = "question"
_EXPLANATIONS: Final = "explanation"


Alongside = Callable[[Callable[[], bool]], object]
"""Finds in the thread, once there is an answer, what is to be shown together with it; told whether to stop."""


class Asking:
    """Asks one question matrix at a time for a widget, which hears `Found`, `Slow`, `Explained` and `Failed`."""

    @dataclass(eq=False, repr=False)
    class Found(Message):
        """An answer, a problem, or (all None) that `unknown` is not the name of an action, or not yet.

        Args:
            before: the answer without the draft, when that was asked for.
            remarks: sentences about what was asked with.
        """

        ticket: int
        asked: AnsweredQuestion
        answer: Answer | None = None
        before: Answer | None = None
        problem: Problem | None = None
        unknown: str = ""
        remarks: tuple[str, ...] = ()

    @dataclass(eq=False, repr=False)
    class Slow(Message):
        """The answer takes long enough to say so."""

        ticket: int

    @dataclass(eq=False, repr=False)
    class Explained(Message):
        """What would help, found after the answer."""

        ticket: int
        question: Question
        explanation: Explanation

    def __init__(self, host: Widget, catalogue: SearchableCatalogue) -> None:
        self._host = host
        self._catalogue = catalogue
        self._ticket = 0
        self._slow: Timer | None = None

    def void(self) -> None:
        """Whatever was asked before no longer matters."""
        self._ticket += 1
        for group in (_ANSWERS, _EXPLANATIONS):
            self._host.workers.cancel_group(self._host, group)
        self._stop_timer()

    def ask(self, asked: AnsweredQuestion, *, entered: bool, alongside: Alongside | None = None) -> None:
        """Answer in a thread.

        Args:
            entered: whether the user means the actions as they stand, listed by AWS or not.
            alongside: what else is found before the answer is handed over; short, and it raises nothing.
        """
        self.void()
        ticket = self._ticket
        self._slow = self._host.set_timer(SLOW_SECONDS, lambda: self._host.post_message(self.Slow(ticket)))
        work = partial(self._answer, ticket, asked, entered, alongside)
        self._run(work, _ANSWERS)

    def explain(self, asked: AnsweredQuestion, question: Question) -> None:
        """Find in a thread what would help with one question of the question matrix that was answered last."""
        work = partial(self._explain, self._ticket, asked, question)
        self._run(work, _EXPLANATIONS)

    def _run(self, work: Callable[[], None], group: str) -> None:
        # Without a description Textual writes out the work with all that it is about.
        self._host.run_worker(work, thread=True, exclusive=True, group=group, description=group, exit_on_error=False)

    def is_current(self, ticket: int) -> bool:
        return ticket == self._ticket

    def arrived(self, found: Found) -> bool:
        """Whether an answer is still wanted; if so nothing is slow any more."""
        if not self.is_current(found.ticket):
            return False
        self._stop_timer()
        return True

    def failure(self, event: Worker.StateChanged) -> Problem | None:
        """What to say of a worker's end: an unforeseen error of the engine by its name, without its data; else None."""
        if event.state is not WorkerState.ERROR or event.worker.group != _ANSWERS:
            return None
        self._stop_timer()
        return Problem(
            f"The question could not be answered: {type(event.worker.error).__name__}, an error in iamtui.", ""
        )

    def _stop_timer(self) -> None:
        if self._slow is not None:
            self._slow.stop()
            self._slow = None

    # In the threads.

    def _answer(self, ticket: int, asked: AnsweredQuestion, entered: bool, alongside: Alongside | None) -> None:
        worker = get_current_worker()
        if worker.is_cancelled:
            return
        found, stopped = self.Found(ticket, asked), giving_turns(worker)
        try:
            with making():
                self._find(found, entered, stopped)
                if alongside is not None and found.answer is not None:
                    alongside(stopped)
        except Problem as problem:
            found.problem = problem
        if not worker.is_cancelled:
            self._host.post_message(found)

    def _find(self, found: Found, entered: bool, stopped: Callable[[], bool]) -> None:
        asked = found.asked
        unknown = () if entered else (a for a in asked.question_matrix.actions if not self._catalogue.known(a))
        found.unknown = next(iter(unknown), "")
        if found.unknown:
            return
        found.remarks = tuple(filter(None, map(lazy.context_values.undocumented, asked.question_matrix.terms.context)))
        # One time for both, or a condition on the time could look like the draft's doing.
        ask = partial(
            lazy.answers.answer,
            principal=asked.principal,
            question_matrix=asked.question_matrix,
            cancelled=stopped,
            now=clock.now(),
        )
        found.answer = ask(asked.workspace)
        if asked.before is not None:
            found.before = ask(asked.before)
        for answer in (found.answer, found.before):
            if answer is not None:
                put_together(answer, stopped)

    def _explain(self, ticket: int, asked: AnsweredQuestion, question: Question) -> None:
        worker = get_current_worker()
        if worker.is_cancelled:
            return
        with making():
            _decision, _traced, explanation = lazy.questions.ask_and_trace(asked.workspace, asked.principal, question)
        if not worker.is_cancelled:
            self._host.post_message(self.Explained(ticket, question, explanation))


def put_together(answer: Answer, stopped: Callable[[], bool]) -> None:
    """Put together what is drawn of an answer, so that drawing it does not evaluate anything."""
    if answer.chain is not None:
        verdict_words(answer.chain.decision)
    for cell in answer.cells if len(answer.cells) <= _MOST_PUT_TOGETHER else (answer.worst,):
        if stopped():
            return
        cell.deciding.put_together()
        for decision in (cell.decision, *(one.decision for one in cell.companions)):
            verdict_words(decision)
    for cell in answer.counted:
        if stopped():
            return
        verdict_words(cell.deciding)
