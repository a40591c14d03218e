"""What an answer means for the exit code: --expect, --anyway, and how sure the answer must be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from iamtui.cli.exits import Exit
from iamtui.engine.decision import Decision, Expectation, Outcome, ResourceScope
from iamtui.problem import Problem

if TYPE_CHECKING:
    from iamtui.questions.answers import Answer

F = TypeVar("F", bound=Callable[..., Any])

ANYWAY = click.option(
    "--anyway",
    is_flag=True,
    help="Accept an action that the catalogue does not know, or a resource that the action does not work on.",
)


def expect_option(words: str) -> Callable[[F], F]:
    """`--expect DECISION`, given at most once: of two, neither would surely be meant.

    Args:
        words: the help text.

    Returns:
        What adds the option to a command, which then gets an `expect: Expectation | None`.
    """

    def read(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> Expectation | None:
        if len(given) > 1:
            raise Problem("--expect is given more than once.", "Give it once; denied is met by both kinds of denial.")
        return Expectation(given[0]) if given else None

    choices = click.Choice(tuple(item.value for item in Expectation))
    return click.option("--expect", multiple=True, type=choices, callback=read, help=words)


@dataclass(frozen=True, slots=True)
class Demands:
    """How sure an answer must be.

    Args:
        any_resource: allowed on some of the resources is enough.
        complete: allowed as far as loaded is not enough.
        anyway: the answer to what AWS never asks, as far as the catalogue knows, is enough.
    """

    any_resource: bool = False
    complete: bool = False
    anyway: bool = False

    def check_asked(self, found: Answer) -> None:
        """Refuse to hold an answer against an expectation where AWS never asks the question: it would prove nothing."""
        if found.never_asked and not self.anyway:
            raise Problem(found.never_asked[0], "An expectation of it would test nothing; --anyway accepts it.")

    def doubt(self, decision: Decision) -> str:
        """Why an allowed decision is no plain yes, or ""."""
        if decision.allowed and decision.resource_scope is ResourceScope.SOME and not self.any_resource:
            return "it is allowed only on some of the resources (--any-resource says that this is enough)"
        if decision.allowed and not decision.complete and self.complete:
            return "it is allowed only as far as loaded"
        return ""

    def code(self, decision: Decision) -> Exit:
        if decision.outcome is Outcome.DEPENDS or self.doubt(decision):
            return Exit.OPEN
        return Exit.OK if decision.allowed else Exit.NO

    def worst(self, decisions: Sequence[Decision]) -> Exit:
        """The exit code of several decisions: denied is worse than open, open worse than allowed."""
        codes = {self.code(decision) for decision in decisions}
        return next(code for code in (Exit.NO, Exit.OPEN, Exit.OK) if code in codes)

    def why_unmet(self, found: Answer, expected: Expectation | None) -> str:
        """Why an answer is not what is expected of it, as a clause, or "" when it is, or nothing is expected."""
        if expected is None:
            return ""
        for cell in found.taking_part:
            why = self.unmet(cell.deciding, expected)
            if why:
                return f"{cell.question.action} on {cell.question.resource}: {why}"
        return f"{found.cut} actions are not answered" if found.cut else ""

    def unmet(self, decision: Decision, expected: Expectation) -> str:
        """Why a decision is not the expected one, as a clause, or "" when it is."""
        if not expected.met_by(decision.outcome):
            return f"it is {decision.outcome.value}"
        return self.doubt(decision)
