"""Answering an inquiry: its matrix of actions and resources, patterns expanded, companions answered with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from iamtui.analysis.inquiry import Inquiry
from iamtui.analysis.question import Question
from iamtui.analysis.questions import Asker
from iamtui.catalog.actions import catalogue
from iamtui.catalog.tables import Check, companions
from iamtui.evaluation.caller import partition_of
from iamtui.evaluation.decision import Decision
from iamtui.evaluation.evaluator import evaluate
from iamtui.evaluation.open_points import with_open_points
from iamtui.evaluation.request import Principal, PrincipalKind
from iamtui.policy.arn import parse_arn
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.workspace.answers import Answer, Cell, Companion, severity, worst_of
from iamtui.workspace.asking import check_action, check_resource, check_terms, is_pattern, with_region
from iamtui.workspace.principals import resolve_principal
from iamtui.workspace.workspace import Workspace

MOST_CELLS: Final = 1_000
"""Pairs of action and resource that patterns may lead to; every service has fewer actions."""

_MOST_WITH_OPEN_POINTS: Final = 32
_MOST_SUGGESTIONS: Final = 5

_CHAINED: Final = (
    "role chaining: whether the session carries aws:MultiFactorAuthPresent is not documented, so it is left unknown"
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question with what answers it for any principal."""

    question: Question
    asker: Asker


@dataclass(frozen=True, slots=True)
class _PlannedCheck:
    check: Check
    asked: _Asked
    decides: bool


@dataclass(frozen=True, slots=True)
class _PlannedCell:
    asked: _Asked
    pattern: str
    checks: tuple[_PlannedCheck, ...]


def answer(
    workspace: Workspace,
    principal: Principal,
    inquiry: Inquiry,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    now: datetime | None = None,
) -> Answer | None:
    """Answer an inquiry for one principal, locally.

    Args:
        cancelled: asked between the cells.
        now: time of the request, UTC; None: the clock.

    Returns:
        The answer, or None when cancelled. Notes on points that AWS leaves open come with up to 32 cells.

    Raises:
        Problem: something in it cannot be asked; a pattern that matches no action names the nearest ones.
    """
    return InquiryPoll(workspace, inquiry, now=now).answer(principal, cancelled=cancelled, open_points=True)


class InquiryPoll:
    """One inquiry put to any number of principals; what they share is worked out once.

    Raises:
        Problem: something in it cannot be asked; a pattern that matches no action names the nearest ones.
    """

    def __init__(self, workspace: Workspace, inquiry: Inquiry, *, now: datetime | None = None) -> None:
        check_inquiry(inquiry)
        self.inquiry = inquiry
        self._workspace = workspace
        self._now = now or datetime.now(UTC)
        self._terms = with_region(workspace, inquiry.terms)
        self._resources = tuple(dict.fromkeys(inquiry.resources))
        self._actions, self.cut = expand_actions(inquiry.actions, max(1, MOST_CELLS // len(self._resources)))
        self._plans: dict[tuple[str, str], tuple[_PlannedCell, ...]] = {}

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions that are asked about, patterns expanded."""
        return tuple(action for action, _ in self._actions)

    def answer(
        self, principal: Principal, *, cancelled: Callable[[], bool] = lambda: False, open_points: bool = False
    ) -> Answer | None:
        """The answer for one principal, or None when cancelled.

        Args:
            open_points: whether the points that AWS leaves open are looked for, which takes longer.

        Raises:
            Problem: the inquiry is about a chain of roles, and this principal is no role.
        """
        chain = self._chain(principal)
        assumptions = () if chain is None else (_CHAINED,)
        plan = self._plan_for(principal)
        open_points = open_points and len(plan) <= _MOST_WITH_OPEN_POINTS
        cells: list[Cell] = []
        for planned in plan:
            if cancelled():
                return None
            decision = _decide(planned.asked, principal, assumptions, open_points)
            answered = tuple(
                Companion(
                    check.check,
                    check.asked.question,
                    _decide(check.asked, principal, assumptions, open_points),
                    check.decides,
                )
                for check in planned.checks
            )
            deciding = [decision, *(one.decision for one in answered if one.decides)]
            if chain is not None:
                deciding.append(chain.decision)
            cells.append(Cell(planned.asked.question, planned.pattern, decision, answered, worst_of(deciding)))
        worst = min(cells, key=lambda cell: severity(cell.deciding))
        return Answer(self.inquiry, principal, tuple(cells), worst, chain, self.cut)

    def _chain(self, principal: Principal) -> Companion | None:
        source = self.inquiry.chained_from
        if not source:
            return None
        if principal.kind not in (PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION):
            raise Problem(
                f"{safe_text(principal.arn or 'anonymous')} is no role, so it cannot be reached by role chaining.",
                "Ask as a role, or leave the role it is chained from out.",
            )
        arn = parse_arn(principal.arn)
        role = principal.role_arn or (
            f"arn:{arn.partition}:iam::{principal.account}:role/{principal.role_name}" if arn is not None else ""
        )
        first = resolve_principal(self._workspace, source)
        context = {"sts:RoleSessionName": (principal.session_name,)} if principal.session_name else {}
        asked = self._asked(
            Question("sts:AssumeRole", role, context, self._terms.mode, layers_off=self._terms.layers_off)
        )
        check = Check("sts:AssumeRole", "the asking role", note=f"Made by a session of {source}.")
        return Companion(check, asked.question, _decide(asked, first, (), True), decides=True)

    def _asked(self, question: Question) -> _Asked:
        question = with_region(self._workspace, question)
        return _Asked(question, Asker(self._workspace.account, question, self._now))

    def _plan_for(self, principal: Principal) -> tuple[_PlannedCell, ...]:
        """What is asked; companions on other resources are asked about those of the caller's account."""
        account = principal.account or self._workspace.account.id
        key = (partition_of(principal), account)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = tuple(self._cells(*key))
        return plan

    def _cells(self, partition: str, account: str) -> Iterator[_PlannedCell]:
        wanted = {action.lower(): resources for action, resources in self.inquiry.with_checks.items()}
        for typed, pattern in self._actions:
            call = companions(typed)
            action = typed
            if call and not catalogue().knows(typed):
                # An API call without an action of its own name: its first check stands for it.
                action, pattern = call[0].action, pattern or typed
            for resource in self._resources:
                question = replace(self._terms, action=action, resource=resource)
                checks = tuple(
                    _PlannedCheck(check, self._asked(asked), decides)
                    for check, asked, decides in _checks(call, question, wanted, partition, account)
                )
                yield _PlannedCell(self._asked(question), pattern, checks)


def _checks(
    call: tuple[Check, ...],
    question: Question,
    wanted: Mapping[str, tuple[str, ...]],
    partition: str,
    account: str,
) -> Iterator[tuple[Check, Question, bool]]:
    """The companions of a question: the check, what is asked, and whether it decides."""
    for check in call:
        named = wanted.get(check.action.lower())
        resources = named or (_resource_of(check, question.resource, partition, account),)
        for resource in resources:
            if check.action.lower() == question.action.lower() and resource == question.resource:
                continue
            given = {key.lower() for key in question.context}
            context = {
                **question.context,
                **{key: (value,) for key, value in check.context if key.lower() not in given},
            }
            asked = replace(question, action=check.action, resource=resource, context=context)
            yield check, asked, named is not None or not check.when


def _resource_of(check: Check, resource: str, partition: str, account: str) -> str:
    if not check.arn:
        return resource
    arn = parse_arn(resource)
    bucket = arn.resource.split("/", 1)[0] if arn is not None and arn.service == "s3" else "*"
    return check.arn.format(partition=partition, account=account, bucket=bucket)


def _decide(asked: _Asked, principal: Principal, assumptions: tuple[str, ...], open_points: bool) -> Decision:
    request, policies = asked.asker.request_and_policies(principal)
    if assumptions:
        request = replace(request, assumptions=(*request.assumptions, *assumptions))
    decision = evaluate(request, policies)
    return with_open_points(decision, request, policies) if open_points else decision


def check_inquiry(inquiry: Inquiry) -> None:
    """Refuse an inquiry that cannot be asked; patterns are looked up only when it is answered.

    Raises:
        Problem: an action without a service, a resource that is neither `*` nor an ARN, and the like.
    """
    if not inquiry.actions:
        raise Problem("No action is named.", "Give one as service:Operation, such as s3:GetObject.")
    if not inquiry.resources:
        raise Problem("No resource is named.", "Give an ARN, or * for any.")
    for action in inquiry.actions:
        check_action(action, pattern=True)
    for resource in inquiry.resources:
        check_resource(resource)
    for resources in inquiry.with_checks.values():
        for resource in resources:
            check_resource(resource)
    check_terms(inquiry.terms)


def expand_actions(actions: tuple[str, ...], most: int = MOST_CELLS) -> tuple[tuple[tuple[str, str], ...], int]:
    """The actions meant, each with the pattern it comes from ("" for one written out), and how many were cut.

    Args:
        actions: as typed; an action that is named twice is taken once, whatever its letter case.
        most: actions at most; those written out are never cut.

    Raises:
        Problem: a pattern matches no action; names the nearest ones.
    """
    found: dict[str, tuple[str, str]] = {}
    cut: set[str] = set()
    written = sum(1 for action in actions if not is_pattern(action))
    for action in actions:
        if not is_pattern(action):
            found.setdefault(action.lower(), (action, ""))
            written -= 1
            continue
        matching = catalogue().expand(action)
        if not matching:
            raise _no_action(action)
        for name in matching:
            if name.lower() in found:
                continue
            if len(found) + written < most:
                found[name.lower()] = (name, action)
            else:
                cut.add(name.lower())
    return tuple(found.values()), len(cut - found.keys())


def _no_action(pattern: str) -> Problem:
    service, _, name = pattern.partition(":")
    wanted = "".join(c for c in (f"{service}:{name}" if catalogue().is_service(service) else pattern) if c not in "*?")
    near = catalogue().search_actions(wanted, _MOST_SUGGESTIONS)
    hint = f"Nearest: {', '.join(near)}." if near else "See the actions of the service in its documentation."
    return Problem(f"{safe_text(pattern)} matches no action of AWS.", hint)
