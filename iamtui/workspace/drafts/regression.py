"""The saved questions as a regression set: what a draft does to each, and whether it stays as expected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from iamtui.evaluation.decision import ResourceScope
from iamtui.evaluation.expectation import Expectation
from iamtui.evaluation.request import Principal
from iamtui.problem import Problem
from iamtui.workspace.drafts.drafting import Comparison, Drafted, Effect, compare
from iamtui.workspace.principals import resolve_principal
from iamtui.workspace.questions.answers import Answer
from iamtui.workspace.questions.saved_questions import SavedQuestion


@dataclass(frozen=True, slots=True)
class SavedComparison:
    """A saved question before and after a draft.

    Args:
        saved: the question.
        comparison: its answers, or None when it cannot be asked.
        problem: why it cannot be asked, or None.
    """

    saved: SavedQuestion
    comparison: Comparison | None
    problem: Problem | None = None

    @property
    def effect(self) -> Effect | None:
        """What the draft does to the answer; None when there is none."""
        return self.comparison.effect if self.comparison is not None else None

    @property
    def met_before(self) -> bool | None:
        """Whether the expectation was met before the draft; None: none was saved, or there is no answer."""
        return self._met(self.comparison.before) if self.comparison is not None else None

    @property
    def met_after(self) -> bool | None:
        """Whether the expectation is met with the draft; None: none was saved, or there is no answer."""
        return self._met(self.comparison.after) if self.comparison is not None else None

    def _met(self, answer: Answer) -> bool | None:
        expect = self.saved.expect
        if expect is None:
            return None
        decisions = [cell.deciding for cell in answer.taking_part]
        # Allowed on some of the resources only, or with actions left unanswered, is no plain yes.
        return not answer.cut and all(
            expect.met_by(decision.outcome)
            and not (expect is Expectation.ALLOWED and decision.resource_scope is ResourceScope.SOME)
            for decision in decisions
        )


def compare_saved(
    drafted: Drafted,
    saved: Iterable[SavedQuestion],
    cancelled: Callable[[], bool] = lambda: False,
    *,
    asking: Principal | None = None,
    now: datetime | None = None,
) -> Iterator[SavedComparison]:
    """Ask every saved question before and after the draft, in their order; stops when cancelled.

    A question that cannot be asked (its principal is gone, its pattern matches nothing) comes with the problem.

    Args:
        asking: who asks the questions that were saved without a principal; None: they come with a problem.

    Raises:
        DraftProblem: the draft does not fit.
    """
    drafted.check()
    now = now or datetime.now(UTC)
    for entry in saved:
        if cancelled():
            return
        try:
            principal = _principal(drafted, entry, asking)
            comparison = compare(drafted, entry.inquiry, principal, cancelled=cancelled, now=now)
        except Problem as problem:
            yield SavedComparison(entry, None, problem)
            continue
        if comparison is None:
            return
        yield SavedComparison(entry, comparison)


def _principal(drafted: Drafted, entry: SavedQuestion, asking: Principal | None) -> Principal:
    if entry.principal:
        return resolve_principal(drafted.base, entry.principal)
    if asking is None:
        raise Problem("The question was saved without a principal.", "Name one with it, or choose who asks.")
    return asking
