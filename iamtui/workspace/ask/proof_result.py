"""Result of a proof: proved, a counterexample, or the reasons for neither."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from iamtui.engine.decision import Decision
from iamtui.engine.possible_requests import Values
from iamtui.engine.request import Mode, Principal
from iamtui.problem import Problem
from iamtui.questions.question import Question


class NothingNamed(Problem):
    """The subject of a proof is not in the account."""


class ProofStatus(StrEnum):
    """How a proof ended."""

    PROVED = "proved"
    COUNTEREXAMPLE = "counterexample"
    NOT_PROVED = "not proved"


@dataclass(frozen=True)
class Counterexample:
    """A request that the evaluator allows.

    Args:
        context: by key as it is written; () is absent.
        decision: of the evaluator, for this request.
        alike: the other known actions for which it is answered alike.
    """

    principal: Principal
    action: str
    resource: str
    context: Mapping[str, Values]
    decision: Decision
    resource_account: str = ""
    alike: tuple[str, ...] = ()

    @property
    def question(self) -> Question:
        return Question(self.action, self.resource, self.context, Mode.STRICT, self.resource_account or None)


@dataclass(frozen=True)
class Proof:
    """Result of a proof for all resources and all contexts.

    Args:
        reasons: of what is not proved, what stands in the way, each with how often it does.
        principals, classes: how many principals and pairs of a principal and a class of actions were looked at.
        actions: how many actions these stand for, those that AWS's catalogue lacks not counted.
        examples: all counterexamples that were looked for, one for each principal and class of actions.
        services: AWS services that policies of resources let in, as they name them, where these are not counted.
    """

    status: ProofStatus
    counterexample: Counterexample | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)
    principals: int = 0
    classes: int = 0
    actions: int = 0
    services: tuple[str, ...] = ()
    examples: tuple[Counterexample, ...] = ()

    @property
    def is_proved(self) -> bool:
        return self.status is ProofStatus.PROVED
