"""What the panel shows of an answer: one of its cells, in words. Pure, no widget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual.content import Content

from iamtui.analysis.inquiry import Inquiry
from iamtui.analysis.question import Question
from iamtui.evaluation.decision import Decision
from iamtui.tui.safe import line
from iamtui.tui.widgets.question.asking import Asked
from iamtui.tui.widgets.question.verdict import QUIET, verdict

if TYPE_CHECKING:
    # They bring in the engine, which is not loaded before the first frame.
    from iamtui.workspace.answers import Answer, Cell, Companion


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer on screen.

    Args:
        asked: what it answers.
        before: the answer without the draft, or None.
        index: which cell is looked at.
    """

    asked: Asked
    answer: Answer
    before: Answer | None = None
    index: int = 0

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


def verdict_line(shown: Shown) -> Content:
    """The verdict; among several of which action; where another request decides, of which one."""
    says = verdict(shown.decision).content
    if len(shown.answer.cells) > 1:
        if not shown.takes_part:
            says = line(("takes no part: the action is about other resources", "$muted"))
        says = line((f"{shown.cell.question.action}: ", "bold"), says)
    decider = shown.decider
    if decider is None:
        return says
    if decider is shown.answer.chain:
        return line(says, (" for the role chaining that comes first", "$muted"))
    return line(says, (f" for {decider.check.action}, which the call needs too", "$muted"))


def before_line(shown: Shown) -> Content:
    """What the verdict was without the draft; empty when no draft is open."""
    before = shown.before_decision
    if before is None:
        return Content("")
    was, now = verdict(before), verdict(shown.decision)
    if was.text == now.text:
        return line(("Without the draft: the same", QUIET))
    return line(("Without the draft: ", QUIET), was.content)


def companion_lines(shown: Shown, *, others: str) -> Iterator[Content]:
    """The other requests behind the call, those that decide first.

    Args:
        others: how to tell those that do not decide: "none", "marks" (all on one line), or "lines" (one each).
    """
    chain = shown.answer.chain
    if chain is not None:
        role = shown.answer.inquiry.chained_from
        yield line(_short(chain), (" chained from ", QUIET), role.rpartition(":")[2], (" (assuming this role)", QUIET))
    if shown.decider is not None:
        yield line(("The action itself: ", QUIET), verdict(shown.cell.decision).content)
    deciding = [one for one in shown.cell.companions if one.decides]
    for one in deciding:
        yield line(
            ("Needs also ", QUIET),
            (one.check.action, "bold"),
            (f" on {_on(one)}: ", QUIET),
            _short(one),
        )
    optional = [one for one in shown.cell.companions if not one.decides]
    if others == "lines":
        for one in optional:
            when = f" ({one.check.when})" if one.check.when else ""
            yield line(("May need ", QUIET), one.check.action, (f" on {_on(one)}{when}: ", QUIET), _short(one))
    elif others == "marks" and optional:
        parts: list[object] = [("May need also: ", QUIET)]
        for one in optional:
            says = verdict(one.decision)
            parts += [", " if len(parts) > 1 else "", f"{one.check.action} ", (says.mark, says.style)]
        yield line(*parts)


def _on(one: Companion) -> str:
    resource = one.question.resource
    return one.check.resource if resource == "*" or "*" in resource else resource


def _short(one: Companion) -> Content:
    shown = verdict(one.decision)
    return line((f"{shown.mark} {shown.word}", f"bold {shown.style}"))
