"""Who can: one question put to everybody it could concern, users and roles first, then whom the resource names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from iamtui.account.model import Role, User
from iamtui.analysis.question import Question
from iamtui.analysis.questions import Asker
from iamtui.evaluation.decision import Decision
from iamtui.evaluation.policies import MissingPolicy, NamedPolicy, NotEvaluated
from iamtui.evaluation.request import Principal, PrincipalKind, principal_from_text
from iamtui.policy.arn import is_account_id
from iamtui.policy.document import PrincipalEntry
from iamtui.problem import Problem
from iamtui.workspace.asking import Poll, check_question
from iamtui.workspace.principals import principal_for, resolve_principal
from iamtui.workspace.workspace import Workspace

Provider: TypeAlias = Callable[[Callable[[], bool]], Iterator[tuple[Principal, Decision]]]
"""Answers for one principal after the other; it is given what says whether the answers are still wanted."""


@dataclass(frozen=True, slots=True)
class Everybody:
    """Whom a question is put to.

    Args:
        principals: users and roles in the account's order, then those whom the resource's policy names besides:
            principals of other accounts, services, identity providers, anonymous.
        outside: how many of them, at the end, are none of the account's users and roles.
        everyone: whether an Allow of the resource's policy names everybody, so that users and roles of other
            accounts, which no list can hold, may come in too.
        unknown: why it is not known whom else the resource lets in, a phrase; "" when it is known.
    """

    principals: tuple[Principal, ...]
    outside: int = 0
    everyone: bool = False
    unknown: str = ""


def everybody(workspace: Workspace, question: Question) -> Everybody:
    """Whom to ask about.

    Raises:
        Problem: the question cannot be asked.
    """
    check_question(question)
    account = workspace.account
    entities: tuple[User | Role, ...] = (*account.users, *account.roles)
    inside = tuple(principal_for(workspace, entity) for entity in entities)
    _, policies = Asker(account, question).request_and_policies(Principal(PrincipalKind.ANONYMOUS, ""))
    resource = policies.resource
    if resource is None:
        return Everybody(inside)
    if isinstance(resource, NotEvaluated | MissingPolicy):
        return Everybody(inside, unknown=resource.reason or "the resource's policy is not loaded")
    return _with_outsiders(workspace, question, inside, resource)


def _with_outsiders(
    workspace: Workspace, question: Question, inside: tuple[Principal, ...], resource: NamedPolicy
) -> Everybody:
    if resource.document.error is not None:
        return Everybody(inside, unknown="the resource's policy cannot be read")
    found: dict[tuple[PrincipalKind, str], Principal] = {}
    known = {principal.arn for principal in inside}
    everyone = False
    for entry in _allowed_entries(resource):
        if entry is None or (entry.value == "*" and (entry.bare or entry.kind in ("AWS", "*"))):
            everyone = True
            principal: Principal | None = Principal(PrincipalKind.ANONYMOUS, "")
        else:
            principal = _principal_of(workspace, question, entry)
        if principal is not None and principal.arn not in known:
            found.setdefault((principal.kind, principal.arn), principal)
    return Everybody((*inside, *found.values()), len(found), everyone)


def _allowed_entries(resource: NamedPolicy) -> Iterator[PrincipalEntry | None]:
    """Whom the Allow statements name; None stands for everybody but a few (NotPrincipal)."""
    for statement in resource.document.policy.statements:
        if statement.effect != "Allow":
            continue
        if statement.not_principals is not None:
            yield None
        yield from statement.principals or ()


def _principal_of(workspace: Workspace, question: Question, entry: PrincipalEntry) -> Principal | None:
    """The caller that an entry names; None for this account as a whole and for what the engine cannot ask about."""
    value = entry.value
    try:
        if entry.kind == "AWS":
            own = workspace.account.id
            if value in (own, f"arn:{workspace.account.partition}:iam::{own}:root"):
                return None
            if not is_account_id(value) and not value.startswith("arn:"):
                return None
            return principal_from_text(value) if is_account_id(value) else resolve_principal(workspace, value)
        if entry.kind == "Service":
            return Principal(PrincipalKind.SERVICE, value)
        if entry.kind == "CanonicalUser":
            return Principal(PrincipalKind.CANONICAL_USER, value)
        if entry.kind == "Federated" and question.action.lower().startswith("sts:assumerolewith"):
            return Principal(PrincipalKind.IDENTITY_PROVIDER, value)
    except (Problem, ValueError):
        return None
    return None


def who_can(
    workspace: Workspace,
    question: Question,
    principals: Iterable[Principal],
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Principal, Decision]]:
    """The answer for each of the principals, in their order; stops when cancelled.

    Raises:
        Problem: the question cannot be asked.
    """
    poll = Poll(workspace, question)
    for principal in principals:
        if cancelled():
            return
        yield principal, poll.ask(principal)
