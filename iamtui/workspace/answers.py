"""Answers to an inquiry: a matrix of cells, each with its decision and those of the calls that come with it."""

from __future__ import annotations

from dataclasses import dataclass

from iamtui.analysis.inquiry import Inquiry
from iamtui.analysis.question import Question
from iamtui.catalog.tables import Check
from iamtui.evaluation.decision import Decision
from iamtui.evaluation.request import Principal


@dataclass(frozen=True, slots=True)
class Companion:
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


@dataclass(frozen=True, slots=True)
class Cell:
    """One action on one resource.

    Args:
        pattern: the action pattern as typed that this action comes from, or "".
        decision: the answer to the action itself.
        companions: the other requests behind the same API call.
        deciding: the worst of the decision and of the companions that decide.
    """

    question: Question
    pattern: str
    decision: Decision
    companions: tuple[Companion, ...]
    deciding: Decision


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to an inquiry for one principal.

    Args:
        cells: row by row (actions, then resources), actions of a pattern in the catalogue's order.
        chain: whether the role in `chained_from` may assume the asking role, or None.
        worst: the cell that decides about the whole (denied before depends before allowed in part before allowed).
        cut: how many actions of a pattern were left out because they are too many to answer at once.
    """

    inquiry: Inquiry
    principal: Principal
    cells: tuple[Cell, ...]
    worst: Cell
    chain: Companion | None = None
    cut: int = 0
