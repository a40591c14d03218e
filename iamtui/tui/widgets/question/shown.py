"""Shown: the answer on screen, and which of its cells is looked at. Pure, no widget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # They bring in the engine, which is not loaded before the first frame.
    from iamtui.analysis.inquiry import Inquiry
    from iamtui.analysis.question import Question
    from iamtui.evaluation.decision import Decision
    from iamtui.evaluation.request import Principal
    from iamtui.tui.widgets.question.asking import Asked
    from iamtui.workspace.questions.answers import Answer, Cell, Companion


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer on screen.

    Args:
        asked: what it answers.
        before: the answer without the draft, or None.
        index: which cell is looked at.
        left_out: what stands in the context or the caller's line and is not asked, being half typed; "" for none.
        remarks: sentences about what was asked with.
    """

    asked: Asked
    answer: Answer
    before: Answer | None = None
    index: int = 0
    left_out: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def cell(self) -> Cell:
        """The cell that is looked at."""
        return self.answer.cells[self.index]

    @property
    def decision(self) -> Decision:
        """What decides about the cell: its own decision, or that of another request behind the same call."""
        return self.cell.deciding

    @property
    def takes_part(self) -> bool:
        """Whether the cell that is looked at decides about the whole."""
        return any(cell is self.cell for cell in self.answer.taking_part)

    @property
    def decider(self) -> Companion | None:
        """The other request that decides about the cell, or None when its own decision does."""
        if self.decision is self.cell.decision:
            return None
        others = (*self.cell.companions, *((self.answer.chain,) if self.answer.chain is not None else ()))
        return next((other for other in others if other.decision is self.decision), None)

    @property
    def principal(self) -> Principal:
        """Whose request is decided: of a chain that decides, the role's that the session is chained from."""
        decider = self.decider
        if decider is not None and decider is self.answer.chain:
            return decider.decision.request.principal
        return self.answer.principal

    @property
    def question(self) -> Question:
        """The question that the decision answers."""
        decider = self.decider
        return decider.question if decider is not None else self.cell.question

    @property
    def cell_inquiry(self) -> Inquiry:
        """What asks about the cell alone."""
        cell, asked = self.cell, self.answer.inquiry
        # The name of an API call stands for itself, with its companions; a pattern for the action it found.
        call = cell.pattern if "*" not in cell.pattern and "?" not in cell.pattern else ""
        return replace(asked, actions=(call or cell.question.action,), resources=(cell.question.resource,))

    @property
    def before_decision(self) -> Decision | None:
        """What decided about the same cell without the draft, or None when that is not known."""
        if self.before is None:
            return None
        return next((c.deciding for c in self.before.cells if c.question == self.cell.question), None)
