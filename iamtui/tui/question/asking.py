"""Asking: puts a question matrix to the engine in a thread that the next one cancels, and the catalogue it reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from textual.timer import Timer
from textual.widget import Widget

from iamtui.presentation.answer import AnsweredQuestion, Shown
from iamtui.presentation.verdict import verdict_words
from iamtui.problem import Problem
from iamtui.tui import clock
from iamtui.tui.background import Work, in_thread

if TYPE_CHECKING:
    from iamtui.catalog.actions import ActionInfo, Catalogue
    from iamtui.engine.words.explanation import Explanation
    from iamtui.questions.answers import Answer
    from iamtui.questions.question import Question


SLOW_SECONDS: Final = 0.15
"""How long an answer may take before the old one is dimmed and the panel says that it is asking."""

_MOST_PUT_TOGETHER: Final = 32
"""Cells up to which all is put together before an answer is shown; of more, the worst, and the verdicts of all."""

_NO_TIME_SECONDS: Final = 0.02
"""How long an answer may take for what would help to be found before it is shown."""

_ANSWERS: Final = "question"
_EXPLANATIONS: Final = "explanation"


Alongside = Callable[[Callable[[], bool]], object]
"""Work in the thread after an answer, for what is shown with it; its argument is true when it should stop."""


class Found(Struct):
    """An answer, or without one that `unknown` is not the name of an action, or not yet.

    Args:
        before: the answer without the draft, when that was asked for.
        remarks: sentences about what was asked with.
        explained: the question that is looked at first, and what would help with it, where both were found at once.
    """

    asked: AnsweredQuestion
    answer: Answer | None = None
    before: Answer | None = None
    unknown: str = ""
    remarks: tuple[str, ...] = ()
    explained: tuple[Question, Explanation] | None = None


class Asking:
    """Asks one question matrix at a time for a widget.

    Args:
        found: is given what was found.
        slow: is called when the answer takes long enough to say so.
        explained: is given the question and what would help with it, where that is found after the answer.
        failed: is told why there is no answer.
    """

    def __init__(
        self,
        host: Widget,
        catalogue: SearchableCatalogue,
        *,
        found: Callable[[Found], None],
        slow: Callable[[], None],
        explained: Callable[[Question, Explanation], None],
        failed: Callable[[Problem], None],
    ) -> None:
        self._host = host
        self._catalogue = catalogue
        self._found = found
        self._slow = slow
        self._explained = explained
        self._failed = failed
        self._timer: Timer | None = None
        self._with_answer: Callable[[], object] | None = None

    def void(self) -> None:
        """Cancel earlier questions."""
        for group in (_ANSWERS, _EXPLANATIONS):
            self._host.workers.cancel_group(self._host, group)
        self._stop_timer()

    def ask(
        self, asked: AnsweredQuestion, *, entered: bool, explains: bool = False, alongside: Alongside | None = None
    ) -> None:
        """Answer in a thread.

        Args:
            entered: whether the user has typed the actions to their end: one that AWS does not have is refused.
            explains: whether what would help is wanted; it comes with the answer where that took no time.
            alongside: what else is found before the answer is handed over; short, and it raises nothing.
        """
        self.void()
        self._timer = self._host.set_timer(SLOW_SECONDS, self._be_slow)
        answer = partial(self._answer, asked, entered, explains, alongside)
        in_thread(self._host, answer, self._refuse, name="answering the question", group=_ANSWERS)

    def explain(self, asked: AnsweredQuestion, question: Question) -> None:
        """Find in a thread what would help with one question of the question matrix that was answered last."""
        explain = partial(self._explain, asked, question)
        in_thread(self._host, explain, lambda _problem: None, name="explaining the answer", group=_EXPLANATIONS)

    def do_with_answer(self, do: Callable[[], object]) -> None:
        """Change something on the screen together with the answer, or at once where none is awaited, or it is slow."""
        self._with_answer = do
        if self._timer is None:
            self._do_now()

    def _do_now(self) -> None:
        do, self._with_answer = self._with_answer, None
        if do is not None:
            do()

    def _be_slow(self) -> None:
        self._do_now()
        if self._timer is not None:
            self._slow()

    def _arrive(self, found: Found) -> None:
        self._stop_timer()
        self._found(found)

    def _refuse(self, problem: Problem) -> None:
        self._stop_timer()
        self._failed(problem)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._do_now()

    # In the threads.

    def _answer(
        self, asked: AnsweredQuestion, entered: bool, explains: bool, alongside: Alongside | None, work: Work
    ) -> None:
        if work.cancelled():
            return
        found = Found(asked)
        start = monotonic()
        self._find(found, entered, work.cancelled)
        if found.answer is not None:
            if explains and not work.cancelled() and monotonic() - start < _NO_TIME_SECONDS:
                _explain_worst(found, found.answer)
            if alongside is not None:
                alongside(work.cancelled)
        work.tell(self._arrive, found)

    def _find(self, found: Found, entered: bool, stopped: Callable[[], bool]) -> None:
        from iamtui.workspace.ask.answers import answer
        from iamtui.workspace.ask.context_values import undocumented
        from iamtui.workspace.ask.questions import check_known

        asked = found.asked
        if entered:
            check_known(asked.question_matrix.actions)
        unknown = (action for action in asked.question_matrix.actions if not self._catalogue.known(action))
        found.unknown = next(unknown, "")
        if found.unknown:
            return
        found.remarks = tuple(filter(None, map(undocumented, asked.question_matrix.terms.context)))
        # One time for both, or a condition on the time could look like the draft's doing.
        ask = partial(
            answer,
            principal=asked.principal,
            question_matrix=asked.question_matrix,
            cancelled=stopped,
            now=clock.now(),
        )
        found.answer = ask(asked.workspace)
        if asked.before is not None:
            found.before = ask(asked.before)
        for made in (found.answer, found.before):
            if made is not None:
                put_together(made, stopped)

    def _explain(self, asked: AnsweredQuestion, question: Question, work: Work) -> None:
        from iamtui.workspace.ask.questions import explained

        if work.cancelled():
            return
        explanation = explained(asked.workspace, asked.principal, question)
        work.tell(self._explained, question, explanation)


def _explain_worst(found: Found, answer: Answer) -> None:
    """Find what would help, which takes about as long as the answer, so that it need not be drawn again for it."""
    from iamtui.workspace.ask.questions import explained

    shown = Shown(found.asked, answer, index=worst_of(answer))
    # The answer stands without it.
    with suppress(Exception):
        if not shown.decision.allowed:
            explanation = explained(found.asked.workspace, shown.principal, shown.question)
            found.explained = shown.question, explanation


def worst_of(answer: Answer) -> int:
    """Which cell of an answer decides, and is looked at first."""
    return next(index for index, cell in enumerate(answer.cells) if cell is answer.worst)


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


_MOST_OF_A_PATTERN: Final = 200
"""Actions of a pattern whose ARN forms are looked up."""


class SearchableCatalogue:
    """The actions of `iamtui.catalog`. Its data takes a while to load, so every method is called in a thread."""

    def search(self, text: str, limit: int) -> Sequence[str]:
        return self._catalogue().search_actions(text, limit)

    def described(self, action: str) -> tuple[str, str]:
        info = self._info(action)
        if info is None:
            return "", ""
        words = info.description.removeprefix("Grants permission to ")
        # "Permissions management" has no room there.
        return info.access_levels[0].partition(" ")[0], words[:1].upper() + words[1:]

    def known(self, action: str) -> bool:
        """True for an action or API call that AWS lists, or a pattern that matches some action."""
        if "*" in action or "?" in action:
            return bool(self._catalogue().count(action))

        from iamtui.catalog.actions import Knowledge, knowledge
        from iamtui.catalog.dependent_actions import companions

        known = knowledge(action) is not Knowledge.UNKNOWN
        return known or bool(companions(action))

    def arn_forms(self, action: str) -> Sequence[str] | None:
        """ARN forms of the action's resource types; of a pattern's actions, those of the first few."""
        if "*" not in action and "?" not in action:
            info = self._info(action)
            return info.arn_forms if info is not None else None
        forms: dict[str, None] = {}
        for name in self._catalogue().expand(action)[:_MOST_OF_A_PATTERN]:
            forms.update(dict.fromkeys(self.arn_forms(name) or ()))
        return tuple(forms) or None

    def condition_keys(self, action: str) -> Sequence[str]:
        info = self._info(action)
        return info.all_condition_keys if info is not None else ()

    def _info(self, action: str) -> ActionInfo | None:
        return self._catalogue().action(action)

    def _catalogue(self) -> Catalogue:
        from iamtui.catalog.actions import catalogue

        return catalogue()
