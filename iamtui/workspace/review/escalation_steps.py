"""Records of privilege escalation: steps as they were decided, paths of a principal, what was found in an account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from iamtui.account.model import Role, User
from iamtui.catalog.escalation_paths import EscalationPath
from iamtui.drafts.aws_values import entity_name
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Decision, Layer, Outcome

Entity: TypeAlias = User | Role


class Terms(NamedTuple):
    """Terms of a step besides its action and resource.

    Args:
        service: to which a role is passed, or which assumes it.
        boundary: the boundary that a new user or role gets, () for none; None: no matter.
        opened: whether the trust policy of the role names the principal, as an earlier step of the path made it.
        region: in which it is called; "" for that in use.
    """

    service: str = ""
    boundary: tuple[str, ...] | None = None
    opened: bool = False
    region: str = ""


NO_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """One permission of a path, as it was decided."""

    action: str
    resource: str
    decision: Decision
    terms: Terms = NO_TERMS

    @property
    def condition(self) -> str:
        return condition_of(self.decision)


@dataclass(frozen=True, slots=True)
class Move:
    """One path taken by one principal.

    Args:
        target: the ARN of what it is about; "" for the principal itself.
        needs: what has to be there that is not known ("a function with the role"), or "".
        becomes: the ARN of the principal whose rights it gains, or "" when it can give itself any.
    """

    path: EscalationPath
    principal: str
    target: str
    steps: tuple[EscalationStep, ...]
    needs: str = ""
    becomes: str = ""

    @property
    def certain(self) -> bool:
        return not self.needs and all(step.decision.outcome is Outcome.ALLOWED for step in self.steps)

    @property
    def condition(self) -> str:
        """Needs and conditions of its steps, in words; "" where it is certain."""
        needs = f"there is {self.needs}" if self.needs else ""
        return " and ".join(filter(None, dict.fromkeys((needs, *(step.condition for step in self.steps)))))


@dataclass(frozen=True, slots=True)
class Escalation:
    """A principal that is not an administrator and can become one.

    Args:
        moves: one after the other; the last gives any permission, or the rights of an administrator.
    """

    principal: Entity
    moves: tuple[Move, ...]

    @property
    def certain(self) -> bool:
        """True if it works as the account is; else it depends on conditions or on what is not known."""
        return all(move.certain for move in self.moves)


@dataclass(frozen=True, slots=True)
class EscalationReport:
    """Administrators and escalations of an account.

    Args:
        closing: statements (policy and name) each of which alone grants a step, with how many principals lose their
            path with it; the most first.
        left_out: why there may be more, a sentence each.
    """

    administrators: tuple[Entity, ...]
    escalations: tuple[Escalation, ...]
    closing: tuple[tuple[str, int], ...] = field(default=())
    left_out: tuple[str, ...] = ()


def closing_statements(found: Sequence[Escalation]) -> tuple[tuple[str, int], ...]:
    """Statements each of which alone grants a step of a path, with how many principals lose theirs with it."""
    counts: Counter[str] = Counter()
    for one in found:
        alone = {name for move in one.moves for step in move.steps if (name := only_grant(move, step)) is not None}
        counts.update(alone)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def only_grant(move: Move, step: EscalationStep) -> str | None:
    """The one statement that grants a step, when it is one; inline policies of one name are others for each holder."""
    allows = [one for one in step.decision.matched if one.effect == "Allow" and one.level is None]
    if len(allows) != 1 or allows[0].policy == GIVEN or step.terms.opened:
        return None
    policy = allows[0].policy
    if allows[0].layer is Layer.IDENTITY and not policy.startswith("arn:") and "/" not in policy:
        policy = f"{policy} of {entity_name(move.principal)}"
    return f"{policy} / {allows[0].sid or f'statement {allows[0].statement + 1}'}"


GIVEN = "given on the way"
"""The name of the policy that an earlier step of a path put on a user or role."""
