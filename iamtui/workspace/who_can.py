"""Who can: one question put to everybody it could concern, users and roles first, then whom the resource names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from iamtui.account.model import Role, User
from iamtui.engine.decision import Decision
from iamtui.engine.request import MissingPolicy, NamedPolicy, NotEvaluated, Principal, PrincipalKind
from iamtui.policy.arn import is_account_id, parse_arn
from iamtui.policy.document import PrincipalEntry
from iamtui.problem import Problem
from iamtui.questions.account_index import account_index
from iamtui.questions.answers import Answer
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.never_asked import fits
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.text import safe_text
from iamtui.workspace.answers import BulkMatrixEvaluator
from iamtui.workspace.principals import principal_for, resolve_principal
from iamtui.workspace.questions import BulkEvaluator
from iamtui.workspace.workspace import Workspace

Provider: TypeAlias = Callable[
    [Workspace, QuestionMatrix, Iterable[Principal], Callable[[], bool]], Iterator[tuple[Principal, Decision]]
]
"""What answers for one principal after the other: `who_can`, or a faster way to the same answers."""


ANY_ROLE: Final = "any-role"
"""The name of the role that stands for the principals of an account that a trust policy names as a whole."""

_NOT_FOR_ROOT: Final = "sts:assumerole"


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
        by_arn: whether accounts are named as a whole and a condition asks for the ARN of their principals, so that
            the answer for an account is not that for each of them.
    """

    principals: tuple[Principal, ...]
    outside: int = 0
    everyone: bool = False
    unknown: str = ""
    by_arn: bool = False

    @property
    def lacks(self) -> str:
        """Whom the list lacks, one sentence, safe to show; "" when nobody."""
        if self.unknown:
            return f"Whom else the resource lets in is unknown: {safe_text(self.unknown)}."
        if self.everyone:
            return "The resource's policy names everybody (*): users and roles of other accounts are not listed."
        if self.by_arn:
            return "The policy asks for the ARN of other accounts' principals: those that have it are not listed."
        return ""


def everybody(workspace: Workspace, question_matrix: QuestionMatrix) -> Everybody:
    """Whom to ask about; in a chain of roles only roles can be.

    Raises:
        Problem: the question matrix cannot be asked.
    """
    actions = BulkMatrixEvaluator(workspace, question_matrix).actions
    account = workspace.account
    entities: tuple[User | Role, ...] = (*account.users, *account.roles)
    if question_matrix.chained_from:
        return Everybody(tuple(principal_for(workspace, role) for role in account.roles))
    found = Everybody(tuple(principal_for(workspace, entity) for entity in entities))
    for resource in dict.fromkeys(question_matrix.resources):
        for action in _naming_others(actions, resource):
            found = with_resource(workspace, replace(question_matrix.terms, action=action, resource=resource), found)
    return found


def _naming_others(actions: tuple[str, ...], resource: str) -> tuple[str, ...]:
    """The actions by which the policy of a resource is found: one of each service, and all that assume a role."""
    found: dict[str, str] = {}
    for action in [action for action in actions if fits(action, resource)] or actions[:1]:
        service = action.partition(":")[0].lower()
        found.setdefault(action.lower() if service == "sts" else service, action)
    return tuple(found.values())


def with_resource(workspace: Workspace, question: Question, found: Everybody) -> Everybody:
    """The same and whom the policy of one resource names besides."""
    nobody = Principal(PrincipalKind.ANONYMOUS, "")
    resource = QuestionEvaluator(workspace.account, question).request_and_policies(nobody)[1].resource
    if resource is None:
        return found
    if isinstance(resource, NotEvaluated | MissingPolicy):
        return replace(found, unknown=resource.reason or "the resource's policy is not loaded")
    return _with_outsiders(workspace, question, found, resource)


def _with_outsiders(workspace: Workspace, question: Question, found: Everybody, resource: NamedPolicy) -> Everybody:
    if resource.document.error is not None:
        return replace(found, unknown="the resource's policy cannot be read")
    known = {(principal.kind, principal.arn) for principal in found.principals}
    named: dict[tuple[PrincipalKind, str], Principal] = {}
    everyone = found.everyone
    for entry in _allowed_entries(resource):
        if entry is None or (entry.value == "*" and (entry.bare or entry.kind in ("AWS", "*"))):
            everyone = True
            principal: Principal | None = Principal(PrincipalKind.ANONYMOUS, "")
        else:
            principal = _principal_of(workspace, question, entry)
        if principal is not None and (principal.kind, principal.arn) not in known:
            named.setdefault((principal.kind, principal.arn), principal)
    return replace(
        found,
        principals=(*found.principals, *named.values()),
        outside=found.outside + len(named),
        everyone=everyone,
        by_arn=found.by_arn or (_names_other_accounts(workspace, resource) and _asks_for_arns(resource)),
    )


def _names_other_accounts(workspace: Workspace, resource: NamedPolicy) -> bool:
    accounts = (_account_named(entry.value) for entry in _allowed_entries(resource) if entry is not None)
    return any(account and account != workspace.account.id for account in accounts)


def _asks_for_arns(resource: NamedPolicy) -> bool:
    return any(
        line.key.lower() == "aws:principalarn"
        for statement in resource.document.policy.statements
        for line in statement.conditions
    )


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
            account = _account_named(value)
            if account and question.action.lower() == _NOT_FOR_ROOT:
                # The account's root user, for whom the entry stands by its name, is the one who may not.
                value = f"arn:{workspace.account.partition}:iam::{account}:role/{ANY_ROLE}"
            if is_account_id(value):
                value = f"arn:{workspace.account.partition}:iam::{value}:root"
            return resolve_principal(workspace, value)
        if entry.kind == "Service":
            return Principal(PrincipalKind.SERVICE, value)
        if entry.kind == "CanonicalUser":
            return Principal(PrincipalKind.CANONICAL_USER, value)
        if entry.kind == "Federated" and question.action.lower().startswith("sts:assumerolewith"):
            return Principal(PrincipalKind.IDENTITY_PROVIDER, value)
    except (Problem, ValueError):
        return None
    return None


def _account_named(value: str) -> str:
    if is_account_id(value):
        return value
    arn = parse_arn(value)
    return arn.account if arn is not None and arn.service == "iam" and arn.resource == "root" else ""


def who_can(
    workspace: Workspace,
    question_matrix: QuestionMatrix,
    principals: Iterable[Principal],
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Principal, Decision]]:
    """The deciding answer for each of the principals, in their order; stops when cancelled.

    Of several actions and resources, and of what the same API calls are checked for besides, the worst decides.

    Raises:
        Problem: the question matrix cannot be asked.
    """
    poll = BulkMatrixEvaluator(workspace, question_matrix)
    account_index(workspace.account)
    alone: dict[str | None, BulkEvaluator | None] = {}
    for principal in principals:
        if cancelled():
            return
        simple = alone.get(principal.account)
        if simple is not None:
            yield principal, simple.ask(principal)
            continue
        answer = poll.answer(principal, cancelled=cancelled)
        if answer is None:
            return
        if principal.account not in alone:
            alone[principal.account] = _alone(workspace, answer)
        yield principal, answer.worst.deciding


def _alone(workspace: Workspace, answer: Answer) -> BulkEvaluator | None:
    """What asks the one question that decides alone, for callers of the same account; None when others decide too."""
    cell = answer.cells[0]
    if len(answer.cells) > 1 or answer.chain is not None or any(one.decides for one in cell.companions):
        return None
    return BulkEvaluator(workspace, cell.question)
