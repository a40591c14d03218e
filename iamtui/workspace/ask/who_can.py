"""Who can: one question put to everybody it could concern, users and roles first, then whom the resource names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from msgspec import Struct, structs

from iamtui.engine.condition_words import outside_condition
from iamtui.engine.decision import Decision
from iamtui.engine.request import WITH_CREDENTIALS, MissingPolicy, NamedPolicy, NotEvaluated, Principal, PrincipalKind
from iamtui.questions.account_index import account_index, principal_of
from iamtui.questions.answers import Answer, fits
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.text import safe_text
from iamtui.workspace.ask.answers import BulkMatrixEvaluator
from iamtui.workspace.ask.outsiders import LISTED, Outsiders, policy_of_resource
from iamtui.workspace.ask.policy_reads import refused_statements
from iamtui.workspace.ask.questions import BulkEvaluator, evaluator_of
from iamtui.workspace.ask.trust import POSSIBLE
from iamtui.workspace.source.workspace import Workspace

Provider: TypeAlias = Callable[
    [Workspace, QuestionMatrix, Iterable[Principal], Callable[[], bool]], Iterator[tuple[Principal, Decision]]
]
"""Answers for one principal after the other: `who_can`, or a faster way to the same answers."""


class Everybody(Struct, frozen=True):
    """Principals of a who-can question.

    Args:
        principals: users and roles of all accounts that are open, in their order, then those whom the resource's
            policy names besides: principals of other accounts, services, identity providers, anonymous.
        outside: how many of them, at the end, are none of these users and roles.
        described: examples of those whom the policy describes and no list can hold: users and roles of every account,
            and those whose ARN matches a pattern.
        unknown: why it is not known whom else the resource lets in, a phrase; "" when it is known.
        refused: what AWS would refuse of the policies that the answers rest on, one sentence, safe to show.
        never_asked: why AWS never asks some of what is asked, so that the answers say nothing of it; sentences.
    """

    principals: tuple[Principal, ...]
    outside: int = 0
    described: tuple[Principal, ...] = ()
    unknown: str = ""
    refused: str = ""
    never_asked: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[Principal, ...]:
        """All of them, the examples at the end."""
        return (*self.principals, *self.described)

    @property
    def lacks(self) -> str:
        """Gap of the list, one sentence, safe to show; "" without any."""
        return f"Who else the resource lets in is unknown: {safe_text(self.unknown)}." if self.unknown else ""


def everybody(workspace: Workspace, question_matrix: QuestionMatrix) -> Everybody:
    """Principals to evaluate; in a chain of roles only roles can be.

    Raises:
        Problem: the question matrix cannot be asked.
    """
    asked = BulkMatrixEvaluator(workspace, question_matrix)
    actions, never_asked = asked.actions, asked.never_asked
    only_roles = bool(question_matrix.chained_from)
    principals: tuple[Principal, ...] = ()
    for account in workspace.accounts:
        entities = account.roles if only_roles else account.principals
        principals += tuple(principal_of(account, entity) for entity in entities)
    if only_roles:
        return Everybody(principals, never_asked=never_asked)
    refused = " ".join(filter(None, (refused_statements(account, actions) for account in workspace.accounts)))
    found = Everybody(principals, refused=refused, never_asked=never_asked)
    for resource in dict.fromkeys(question_matrix.resources):
        for action in _naming_others(actions, resource):
            found = _with_resource(workspace, replace(question_matrix.terms, action=action, resource=resource), found)
    return found


def _naming_others(actions: tuple[str, ...], resource: str) -> tuple[str, ...]:
    """The actions by which the policy of a resource is found: one of each service, and all that assume a role."""
    found: dict[str, str] = {}
    for action in [action for action in actions if fits(action, resource)] or actions[:1]:
        service = action.partition(":")[0].lower()
        found.setdefault(action.lower() if service == "sts" else service, action)
    return tuple(found.values())


def _with_resource(workspace: Workspace, question: Question, found: Everybody) -> Everybody:
    """The same and whom the policy of one resource names besides."""
    evaluator = evaluator_of(workspace, question)
    workspace = workspace.at(evaluator.account.id)
    resource = policy_of_resource(evaluator)
    if resource is None:
        return found
    if isinstance(resource, NotEvaluated | MissingPolicy):
        return structs.replace(found, unknown=resource.reason or "the resource's policy is not loaded")
    return _with_outsiders(workspace, evaluator, question, found, resource)


def _with_outsiders(
    workspace: Workspace, evaluator: QuestionEvaluator, question: Question, found: Everybody, resource: NamedPolicy
) -> Everybody:
    if resource.document.error is not None:
        return structs.replace(found, unknown="the resource's policy cannot be read")
    known = {(principal.kind, principal.arn) for principal in found.principals}
    outsiders = Outsiders(workspace, question.action, resource)
    named: dict[tuple[PrincipalKind, str], Principal] = {}
    for principal in (*map(outsiders.asked_about, outsiders.entries), *outsiders.asked_for()):
        if principal is None or (principal.account in workspace.others and principal.kind in LISTED):
            continue
        if question.scope_downs and principal.kind not in WITH_CREDENTIALS:
            # Without temporary credentials there is nothing that could be scoped down.
            continue
        if (principal.kind, principal.arn) not in known:
            named.setdefault((principal.kind, principal.arn), principal)
    described = dict.fromkeys(found.described)
    for group in outsiders.groups():
        # A whole account that is named is asked by one principal, and by other kinds of its principals if they differ.
        account = group[0].principal.account if group[:1] and group[0].name == group[0].principal.account else None
        answers = {_in_general(evaluator, outsiders.of_account(account))} if account else set()
        for one in group:
            if one.name == one.principal.arn or one.principal.account in workspace.others:
                continue
            if one.general:
                answer = _in_general(evaluator, one.principal)
                if answer in answers:
                    continue
                answers.add(answer)
            described[replace(one.principal, stands_for=one.name)] = None
    return structs.replace(
        found,
        principals=(*found.principals, *named.values()),
        outside=found.outside + len(named),
        described=tuple(described),
    )


def _in_general(evaluator: QuestionEvaluator, principal: Principal) -> tuple[bool, str]:
    """True where a principal of another account may, if that allows it; and the condition."""
    decision = evaluator.decide(principal)
    return decision.outcome in POSSIBLE, outside_condition(decision)


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
    alone: dict[str | None, BulkEvaluator | None] = {}
    for principal in principals:
        if cancelled():
            return
        simple = alone.get(principal.account)
        if simple is not None:
            yield principal, simple.ask(principal)
            continue
        if principal.account not in alone:
            account_index(workspace.at(principal.account).account)
        answer = poll.answer(principal, cancelled=cancelled)
        if answer is None:
            return
        if principal.account not in alone:
            alone[principal.account] = _alone(workspace.at(principal.account), answer)
        yield principal, answer.worst.deciding


def _alone(workspace: Workspace, answer: Answer) -> BulkEvaluator | None:
    """Evaluator of the one deciding question, for callers of the same account; None when others decide too."""
    cell = answer.cells[0]
    if (
        len(answer.cells) > 1
        or answer.chain is not None
        or any(one.decides or one.check.by_deny for one in cell.companions)
    ):
        return None
    return BulkEvaluator(workspace, cell.question)
