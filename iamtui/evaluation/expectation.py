"""What somebody expects an answer to be: a decision, or a denial of either kind."""

from __future__ import annotations

from enum import StrEnum

from iamtui.evaluation.decision import Outcome


class Expectation(StrEnum):
    """An expected decision, as `--expect` and saved questions name it."""

    ALLOWED = "allowed"
    DENIED = "denied"
    """Explicitly or implicitly: who only wants to know that it is not allowed need not know by what."""
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"
    DEPENDS = "depends"

    def met_by(self, outcome: Outcome) -> bool:
        """Whether a decision is the expected one."""
        if self is Expectation.DENIED:
            return outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)
        return outcome.value == self.value
