"""Answers to a question matrix: cells of one action on one resource, with the worst of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from msgspec import Struct

from iamtui.catalog.dependent_actions import Check
from iamtui.engine.decision import Decision, severity
from iamtui.engine.request import Principal
from iamtui.questions.never_asked import never_asked
from iamtui.questions.question import Question, QuestionMatrix


def worst_of(decisions: Iterable[Decision]) -> Decision:
    """The worst of one or more decisions; of equals the first."""
    first, *others = decisions
    # How far a single decision reaches, which takes a whole reading, need not be found out.
    return min((first, *others), key=severity) if others else first


def worst_first(cells: Iterable[Cell]) -> list[Cell]:
    """Cells with the worst first, those alike in their order."""
    return sorted(cells, key=lambda cell: severity(cell.deciding))


class DependentAnswer(Struct, frozen=True):
    """Another authorization request that the same API call leads to (PassRole, tagging, KMS), answered.

    Args:
        check: what is checked, on what and when, in words.
        question: the request it was answered as.
        decides: whether every such call makes this check, so that it can decide; else it is for information.
    """

    check: Check
    question: Question
    decision: Decision
    decides: bool


class Cell(Struct, frozen=True):
    """One action on one resource.

    Args:
        pattern: what was typed where it is not the action itself: a pattern ("s3:Get*") or the name of an API
            call ("s3:HeadObject") that is authorized as this action; else "".
        decision: the answer to the action itself.
        companions: the other requests behind the same API call.
        deciding: the worst of the decision, of the companions that decide, and of the chain.
        fits: whether the resource can be one of this action's; where it cannot ("s3:ListBucket" of "s3:*" on an
            object), AWS never sees such a request, and the cell takes no part in the whole. Always true of an
            action that is written out and has none of the resources asked about.
        never_asked: why AWS never asks this (no such action, no such resource of it), so that the decision is
            about no real request; one sentence, or "".
    """

    question: Question
    pattern: str
    decision: Decision
    companions: tuple[DependentAnswer, ...]
    deciding: Decision
    fits: bool = True
    never_asked: str = ""


class _MayDecide(Protocol):
    """A cell, or the plan of one."""

    @property
    def fits(self) -> bool:
        """Whether the resource can be one of the action's, or none of those asked about can."""

    @property
    def never_asked(self) -> str:
        """Why AWS never asks this, or ""."""


_T = TypeVar("_T", bound=_MayDecide)


def those_that_decide(cells: tuple[_T, ...]) -> tuple[_T, ...]:
    """The cells that decide about the whole: those that AWS may ask; where it asks none, those that fit, or all."""
    fitting = tuple(cell for cell in cells if cell.fits)
    return tuple(cell for cell in fitting if not cell.never_asked) or fitting or cells


class Answer(Struct, frozen=True):
    """The answer to a question matrix for one principal.

    Args:
        cells: row by row (actions, then resources), actions of a pattern in the catalogue's order.
        worst: the cell that decides about the whole (denied before depends before allowed in part before allowed).
        chain: whether the role in `chained_from` may assume the asking role, or None.
        cut: how many actions of a pattern were left out because they are too many to answer at once; where some
            were, an allowed whole says nothing of them.
    """

    question_matrix: QuestionMatrix
    principal: Principal
    cells: tuple[Cell, ...]
    worst: Cell
    chain: DependentAnswer | None = None
    cut: int = 0

    @property
    def taking_part(self) -> tuple[Cell, ...]:
        """The cells that decide about the whole: those that AWS may ask; where it asks none, those that fit, or all."""
        return those_that_decide(self.cells)

    @property
    def never_asked(self) -> tuple[str, ...]:
        """Why AWS never asks some of what was written out; one sentence each."""
        return tuple(dict.fromkeys(cell.never_asked for cell in self.cells if cell.fits and cell.never_asked))

    @property
    def counted(self) -> tuple[Cell, ...]:
        """The cells that are counted as allowed or not: those that decide, without what AWS never asks."""
        if len(self.cells) == 1:
            return self.cells
        return tuple(cell for cell in self.taking_part if not cell.never_asked)

    @property
    def is_ever_asked(self) -> bool:
        """Whether AWS may ask some of it; else it is misspelt, or not typed to its end."""
        return any(not never_asked(cell.question.action, cell.question.resource) for cell in self.taking_part)
