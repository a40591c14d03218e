"""Records of privilege escalation: steps as they were decided, paths of a principal, findings; and administrators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from iamtui.account.model import Account, Group, Role, User
from iamtui.catalog.escalation_paths import ESCALATING_ACTIONS, EscalationPath
from iamtui.drafts.aws_values import entity_name
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Decision, Layer, Outcome
from iamtui.policy.document import PolicyDocument, Statement
from iamtui.policy.statement import ActionElement, ActionName, action_name

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


# Administrators: statements and policies that allow everything, who holds one, and what a boundary holds back.


_LEADING_ON: Final = tuple(map(action_name, ESCALATING_ACTIONS))
MOST_BOUNDARIES: Final = 64
"""Boundaries named in conditions that a new user or role is tried with."""


def allows_everything(statement: Statement) -> bool:
    whole = any(action in ("*", "*:*") for action in statement.actions or ())
    return whole and is_everywhere(statement)


def is_everywhere(statement: Statement) -> bool:
    return statement.resources is not None and "*" in statement.resources and not statement.conditions


def is_held_back(account: Account, holder: User | Role) -> bool:
    """True where the boundary of a user or role is known, and denies something."""
    document = account.document(holder.boundary_arn) if holder.boundary_arn is not None else None
    return document is not None and document.error is None and not allows_all(document)


def leads_on(document: PolicyDocument) -> bool:
    """True where a policy allows something that may lead to somebody else's permissions."""
    statements = (one for one in document.policy.statements if one.effect == "Allow")
    return any(is_about(one, *_LEADING_ON) for one in statements)


def is_about(statement: Statement, *actions: ActionName) -> bool:
    """True where a statement is about any of some actions."""
    negated = statement.not_actions is not None
    return any(map(ActionElement(statement.actions or statement.not_actions or (), negated=negated).matches, actions))


def denies_something(account: Account, group: Group) -> bool:
    """True where a policy of a group denies anything, or is unknown."""
    documents = [
        *(inline.document for inline in group.inline_policies),
        *(account.document(attached.arn) for attached in group.attached_policies),
    ]
    return bool(group.unread) or any(one is None or one.error is not None or denies(one) for one in documents)


def denies(document: PolicyDocument) -> bool:
    return any(one.effect != "Allow" for one in document.policy.statements)


def group_leads_on(account: Account, group: Group) -> bool:
    """True where a policy of a group allows something that may lead to somebody else's permissions."""
    return any(one.error is None and leads_on(one) for one in documents_of(account, group))


def named_boundaries(statements: Iterable[Statement]) -> tuple[str, ...] | None:
    """The permissions boundaries that the conditions of some statements name; None where they ask for none."""
    lines = [line for one in statements for line in one.conditions if line.key.lower() == "iam:permissionsboundary"]
    return tuple(dict.fromkeys(value for line in lines for value in line.values)) if lines else None


def boundaries_of_new(account: Account, named: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Boundaries that do not hold a new user or role back from all, that without one first.

    Args:
        named: those that conditions name.
    """
    found: list[tuple[str, ...]] = [(), (f"arn:{account.partition}:iam::aws:policy/AdministratorAccess",)]
    for value in named[:MOST_BOUNDARIES]:
        document = account.document(value)
        if document is None or document.error is not None or leads_on(document):
            found.append((value.replace("*", "x").replace("?", "x"),))
    return tuple(found)


def strong_holders(account: Account) -> frozenset[str]:
    """The ARNs of the users, groups and roles with a policy that allows everything, or in a group with one."""
    seen: dict[PolicyDocument, bool] = {}

    def strong(holder: User | Role | Group) -> bool:
        for document in documents_of(account, holder):
            if document not in seen:
                seen[document] = is_full_access(document)
            if seen[document]:
                return True
        return False

    groups = {group.name: group.arn for group in account.groups if strong(group)}
    own = {entity.arn for entity in account.principals if strong(entity)}
    return frozenset((*own, *groups.values(), *(user.arn for name in groups for user in account.members(name))))


def documents_of(account: Account, holder: User | Role | Group) -> Iterator[PolicyDocument]:
    yield from (inline.document for inline in holder.inline_policies)
    yield from filter(None, (account.document(attached.arn) for attached in holder.attached_policies))


def is_full_access(document: PolicyDocument) -> bool:
    return document.error is None and any(
        statement.effect == "Allow" and allows_everything(statement) for statement in document.policy.statements
    )


def allows_all(document: PolicyDocument) -> bool:
    """True where a policy allows everything and denies nothing."""
    return is_full_access(document) and not denies(document)
