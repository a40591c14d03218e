"""What an answer means for the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from iamtui.cli.exits import Exit
from iamtui.evaluation.decision import Decision, Outcome, ResourceScope

OUTCOMES: Final = tuple(outcome.value for outcome in Outcome)


@dataclass(frozen=True, slots=True)
class Demands:
    """How sure an answer must be.

    Args:
        any_resource: allowed on some of the resources is enough.
        complete: allowed as far as loaded is not enough.
    """

    any_resource: bool = False
    complete: bool = False

    def doubt(self, decision: Decision) -> str:
        """Why an allowed decision is no plain yes, or ""."""
        if decision.allowed and decision.resource_scope is ResourceScope.SOME and not self.any_resource:
            return "it is allowed only on some of the resources (--any-resource says that this is enough)"
        if decision.allowed and not decision.complete and self.complete:
            return "it is allowed only as far as loaded"
        return ""

    def code(self, decision: Decision) -> Exit:
        """The exit code of one decision."""
        if decision.outcome is Outcome.DEPENDS or self.doubt(decision):
            return Exit.OPEN
        return Exit.OK if decision.allowed else Exit.NO

    def worst(self, decisions: Sequence[Decision]) -> Exit:
        """The exit code of several decisions: denied is worse than open, open worse than allowed."""
        codes = {self.code(decision) for decision in decisions}
        return next(code for code in (Exit.NO, Exit.OPEN, Exit.OK) if code in codes)

    def unmet(self, decision: Decision, expected: str) -> str:
        """Why a decision is not the expected one, as a clause, or "" when it is."""
        if decision.outcome.value != expected:
            return f"it is {decision.outcome.value}"
        return self.doubt(decision)
