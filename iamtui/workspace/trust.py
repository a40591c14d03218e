"""Trust over a whole account: who may assume each role, and which roles a principal reaches through chains of roles."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from iamtui.account.model import Role
from iamtui.engine.condition_words import condition_of, depends_text
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.policy.truth import And, MissingLeaf, Node
from iamtui.questions.account_index import account_index
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.workspace.principals import resolve_principal
from iamtui.workspace.questions import with_region
from iamtui.workspace.who_can import ANY_ROLE, Everybody, with_resource
from iamtui.workspace.workspace import Workspace

_ACTIONS: Final = {
    "sts:AssumeRole": None,
    "sts:AssumeRoleWithWebIdentity": PrincipalKind.IDENTITY_PROVIDER,
    "sts:AssumeRoleWithSAML": PrincipalKind.IDENTITY_PROVIDER,
}
"""The calls that give a session of a role, and the only kind of caller that can make them; None: several kinds."""

_STRANGER: Final = "000000000000"
"""The account of the role that stands for everyone: an account of nobody's, so that no other statement names it."""


class Trustee(StrEnum):
    """What kind of principal a role trusts."""

    USER = "user"
    ROLE = "role"
    OTHER_ACCOUNT = "otherAccount"
    SERVICE = "service"
    IDENTITY_PROVIDER = "identityProvider"
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class TrustEdge:
    """A principal that may assume a role, or may on a condition.

    Args:
        trustee: what kind of principal it is.
        decision: allowed or depends: AWS's decision on the call, the principal's own policies and all caps included.
    """

    trustee: Trustee
    principal: Principal
    role: Role
    action: str
    decision: Decision

    @property
    def name(self) -> str:
        """The principal's ARN, account, service or provider; "*" for everyone. Raw text."""
        if self.trustee is Trustee.EVERYONE:
            return "*"
        if self.principal.arn.endswith(f":role/{ANY_ROLE}"):
            return self.principal.account or self.principal.arn
        return self.principal.arn

    @property
    def condition(self) -> str:
        """What the decision depends on, safe to show; "" when on nothing. Of another account only what can be known
        here: that its own policies have to allow the call too goes without saying."""
        node = self.decision.depends_on
        if node is None or not self.is_outside:
            return condition_of(self.decision)
        parts = node.parts if isinstance(node, And) else (node,)
        texts = (depends_text(And((part,)), self.decision.request) for part in parts if not _is_own_policy(part))
        return " and ".join(dict.fromkeys(texts))

    @property
    def is_outside(self) -> bool:
        return self.trustee in (Trustee.OTHER_ACCOUNT, Trustee.EVERYONE)

    @property
    def lacks_external_id(self) -> bool:
        """Whether an account outside the organization comes in without an external ID.

        IAM User Guide: the confused deputy problem; accounts of an organization are told apart by its id.
        """
        condition = self.condition.lower()
        return self.is_outside and not any(key in condition for key in ("sts:externalid", "aws:principalorg"))


def _is_own_policy(node: Node) -> bool:
    return isinstance(node, MissingLeaf) and node.document.startswith("identity policies")


Chain: TypeAlias = tuple[TrustEdge, ...]
"""The roles that are assumed one after the other, the first by the principal that the chain starts with."""


def who_may_assume(
    workspace: Workspace, role: Role, cancelled: Callable[[], bool] = lambda: False, *, inside: bool = True
) -> Iterator[TrustEdge]:
    """Who may assume a role: users and roles of the account in its order, then whom the trust policy names besides.

    Args:
        inside: whether the account's own users and roles are asked about.
    """
    for action, only in _ACTIONS.items():
        question = with_region(workspace, Question(action, role.arn))
        evaluator = QuestionEvaluator(workspace.account, question)
        if only is None and inside:
            yield from _of_the_account(workspace, role, action, evaluator, cancelled)
        named = with_resource(workspace, question, Everybody(()))
        strangers = (_everyone(workspace),) if named.everyone and only is None else ()
        for principal in (*named.principals, *strangers):
            if cancelled():
                return
            if (only is not None and principal.kind is not only) or _is_own(workspace, principal):
                continue
            decision = evaluator.decide(principal)
            if decision.outcome in (Outcome.ALLOWED, Outcome.DEPENDS):
                yield TrustEdge(_kind_of(principal), principal, role, action, decision)


def _of_the_account(
    workspace: Workspace, role: Role, action: str, evaluator: QuestionEvaluator, cancelled: Callable[[], bool]
) -> Iterator[TrustEdge]:
    """The users and roles of the account that may: only those whom the index does not find denied are looked at."""
    outcomes = evaluator.outcomes()
    index = account_index(workspace.account)
    who = (1 << len(index.principals)) - 1
    if outcomes is not None:
        who &= ~(outcomes.explicit_deny | outcomes.implicit_deny)
    while who and not cancelled():
        place = (who & -who).bit_length() - 1
        who &= who - 1
        principal = index.principals[place].principal
        decision = evaluator.decide(principal)
        if decision.outcome in (Outcome.ALLOWED, Outcome.DEPENDS):
            kind = Trustee.USER if principal.kind is PrincipalKind.USER else Trustee.ROLE
            yield TrustEdge(kind, principal, role, action, decision)


def _everyone(workspace: Workspace) -> Principal:
    partition = workspace.account.partition
    return resolve_principal(workspace, f"arn:{partition}:iam::{_STRANGER}:role/{ANY_ROLE}")


def _is_own(workspace: Workspace, principal: Principal) -> bool:
    return workspace.account.by_arn(principal.arn) is not None and principal.kind is not PrincipalKind.IDENTITY_PROVIDER


def _kind_of(principal: Principal) -> Trustee:
    if principal.kind is PrincipalKind.SERVICE:
        return Trustee.SERVICE
    if principal.kind is PrincipalKind.IDENTITY_PROVIDER:
        return Trustee.IDENTITY_PROVIDER
    return Trustee.EVERYONE if principal.account == _STRANGER else Trustee.OTHER_ACCOUNT


def by_principal(edges: Iterable[TrustEdge]) -> Mapping[str, tuple[TrustEdge, ...]]:
    """The edges of each principal, by its ARN; those that hold without a condition first."""
    found: dict[str, list[TrustEdge]] = {}
    for edge in edges:
        found.setdefault(edge.principal.arn, []).append(edge)
    return {
        arn: tuple(sorted(own, key=lambda edge: edge.decision.outcome is not Outcome.ALLOWED))
        for arn, own in found.items()
    }


def chains_from(principal: Principal, edges: Mapping[str, tuple[TrustEdge, ...]]) -> Iterator[Chain]:
    """A shortest chain to every role that a principal reaches, the shortest chains first.

    Every edge is looked at once. AWS limits a session got by role chaining to one hour (IAM User Guide: role chaining).
    """
    reached = {principal.arn}
    waiting: deque[Chain] = deque([()])
    while waiting:
        chain = waiting.popleft()
        if chain:
            yield chain
        for edge in edges.get(chain[-1].role.arn if chain else principal.arn, ()):
            if edge.role.arn not in reached:
                reached.add(edge.role.arn)
                waiting.append((*chain, edge))
