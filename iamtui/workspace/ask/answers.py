"""Answering a question matrix: its matrix of actions and resources, patterns expanded, companions answered with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct, structs

from iamtui.catalog.actions import catalogue
from iamtui.catalog.dependent_actions import Check
from iamtui.engine.decision import Decision, Outcome, severity
from iamtui.engine.evaluator import evaluate, read_all_layers, with_undocumented_behaviour
from iamtui.engine.request import Mode, PoliciesInForce, Principal, PrincipalKind, partition_of
from iamtui.policy.patterns import is_pattern, parse_arn
from iamtui.problem import Problem
from iamtui.questions.account_index import account_index
from iamtui.questions.answers import (
    Answer,
    Cell,
    DependentAnswer,
    fits,
    never_asked,
    no_action_matches,
    those_that_decide,
    worst_of,
)
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.text import safe_text
from iamtui.workspace.ask.dependent_questions import AuthorizedCall, check_named, companion_questions
from iamtui.workspace.ask.questions import (
    check_action,
    check_resource,
    check_scope_downs,
    check_terms,
    evaluator_of,
    with_region,
    without_a_session,
)
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import Workspace

MOST_CELLS: Final = 1_000
"""Pairs of action and resource that patterns may lead to; every service has fewer actions."""
_MOST_WRITTEN: Final = 10_000
"""Pairs of an action and a resource, of those that a question writes out."""

_MOST_WITH_OPEN_POINTS: Final = 32

_MFA: Final = "aws:MultiFactorAuthPresent"

_MFA_OF_A_ROLE: Final = (
    f"Rests on {_MFA} of a role session, on which AWS's pages differ: the list of condition keys has it after "
    "AssumeRole with an MFA code, and Secure API access with MFA says that such credentials carry no MFA information."
)
"""IAM User Guide: AWS global condition context keys, and Secure API access with MFA (the choice of AssumeRole)."""

_OF_BOTH_CALLS: Final = frozenset(
    (
        "aws:currenttime",
        "aws:epochtime",
        "aws:securetransport",
        "aws:sourceip",
        "aws:sourcevpc",
        "aws:sourcevpcarn",
        "aws:sourcevpce",
        "aws:useragent",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:vpcsourceip",
    )
)
"""Keys of the environment, which the call that assumes the role shares with the call in question."""


class _PreparedQuestion(Struct, frozen=True):
    """A question with what answers it for any principal."""

    question: Question
    asker: QuestionEvaluator

    def decide(
        self, principal: Principal, assumptions: tuple[str, ...], notes: tuple[str, ...] = (), *, open_points: bool
    ) -> Decision:
        if open_points:
            request, policies, asked = self.asker.put_by(principal)
            if assumptions:
                request = structs.replace(request, assumptions=(*request.assumptions, *assumptions))
            reading = read_all_layers(request, policies, asked=asked)
            decision = without_a_session(with_undocumented_behaviour(reading), self.question)
            if _rests_on_mfa_of_a_role(decision, policies):
                decision = decision.with_parts(notes=(*decision.notes, _MFA_OF_A_ROLE))
        else:
            decision = without_a_session(self.asker.decide(principal, assumptions=assumptions), self.question)
        return decision.with_parts(notes=(*decision.notes, *notes)) if notes else decision


class _PlannedCell(Struct, frozen=True):
    asked: _PreparedQuestion
    pattern: str
    notes: tuple[str, ...]
    never_asked: str
    fits: bool
    companions: tuple[tuple[Check, _PreparedQuestion, bool], ...]


def _companion(check: Check, asked: _PreparedQuestion, decision: Decision, decides: bool) -> DependentAnswer:
    by_deny = check.by_deny and decision.outcome is Outcome.EXPLICIT_DENY
    return DependentAnswer(check, asked.question, decision, decides or by_deny)


def answer(
    workspace: Workspace,
    principal: Principal,
    question_matrix: QuestionMatrix,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    now: datetime | None = None,
) -> Answer | None:
    """Answer a question matrix for one principal, locally.

    Args:
        cancelled: asked between the cells.
        now: time of the request, UTC; None: the clock.

    Returns:
        The answer, or None when cancelled. Notes on points that AWS leaves open come with up to 32 cells.

    Raises:
        Problem: something cannot be asked, or the principal's credentials cannot be scoped down.
    """
    check_scope_downs(principal, question_matrix.terms)
    return BulkMatrixEvaluator(workspace, question_matrix, now=now).answer(
        principal, cancelled=cancelled, open_points=True
    )


def answer_all(
    workspace: Workspace,
    question_matrix: QuestionMatrix,
    principals: Iterable[Principal],
    *,
    only_deciding: bool = False,
) -> Iterator[tuple[Principal, Answer]]:
    """Answer a question matrix for many, in their order.

    Args:
        principals: whom it is put to, as `everybody` lists them: of a chain of roles only roles.
        only_deciding: leave out the companions that do not decide, which is several times as fast.
    """
    poll = BulkMatrixEvaluator(workspace, question_matrix)
    indexed: set[str | None] = set()
    for principal in principals:
        if principal.account not in indexed:
            indexed.add(principal.account)
            account_index(workspace.at(principal.account).account)
        found = poll.answer(principal, only_deciding=only_deciding)
        assert found is not None, "nothing cancels it"
        yield principal, found


class BulkMatrixEvaluator:
    """One question matrix put to any number of principals; what they share is worked out once.

    Raises:
        Problem: something in it cannot be asked; a pattern that matches no action names the nearest ones.
    """

    def __init__(self, workspace: Workspace, question_matrix: QuestionMatrix, *, now: datetime | None = None) -> None:
        check_matrix(question_matrix)
        self.question_matrix = question_matrix
        self._workspace = workspace
        self._now = now or datetime.now(UTC)
        self._terms = with_region(workspace, question_matrix.terms)
        self._resources = tuple(dict.fromkeys(question_matrix.resources))
        self._actions, self.cut = expand_actions(question_matrix.actions, max(1, MOST_CELLS // len(self._resources)))
        self._calls = tuple(_calls(self._actions))
        self._named = {action.lower(): resources for action, resources in question_matrix.with_checks.items()}
        check_named(question_matrix.with_checks, [call for call, _, _ in self._calls])
        self._plans: dict[tuple[str, str], tuple[_PlannedCell, ...]] = {}

    @property
    def actions(self) -> tuple[str, ...]:
        """Actions of the question, patterns expanded."""
        return tuple(action for action, _ in self._actions)

    @property
    def never_asked(self) -> tuple[str, ...]:
        """Why AWS never asks some of what was written out; one sentence each."""
        account = self._workspace.account
        cells = self._cells(account.partition, account.id)
        return tuple(dict.fromkeys(cell.never_asked for cell in cells if cell.fits and cell.never_asked))

    def decide(self, principal: Principal) -> Decision:
        """The worst decision for one principal and nothing else, for verdicts of many: the deciding one of `answer`.

        Stops at an explicit deny, which nothing is worse than.
        """
        chain = self._chain(principal)
        assumptions = () if chain is None else self._of_a_chain()
        plan = self._plan_for(principal)
        worst = chain.decision if chain is not None else None
        for cell in those_that_decide(plan):
            companions = ((asked, decides) for check, asked, decides in cell.companions if decides or check.by_deny)
            for asked, decides in ((cell.asked, True), *companions):
                decision = asked.decide(principal, assumptions, open_points=False)
                if not decides and decision.outcome is not Outcome.EXPLICIT_DENY:
                    continue
                if worst is None or severity(decision) < severity(worst):
                    worst = decision
                if worst.outcome is Outcome.EXPLICIT_DENY:
                    return worst
        assert worst is not None, "a question matrix has at least one pair"
        return worst

    def answer(
        self,
        principal: Principal,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        open_points: bool = False,
        only_deciding: bool = False,
    ) -> Answer | None:
        """The answer for one principal, or None when cancelled.

        Args:
            open_points: whether the points that AWS leaves open are looked for, which takes longer.
            only_deciding: leave out the companions that do not decide.
        """
        chain = self._chain(principal)
        assumptions = () if chain is None else self._of_a_chain()
        plan = self._plan_for(principal)
        open_points = open_points and len(plan) <= _MOST_WITH_OPEN_POINTS
        cells: list[Cell] = []
        for planned in plan:
            if cancelled():
                return None
            decision = planned.asked.decide(principal, assumptions, planned.notes, open_points=open_points)
            answered = tuple(
                _companion(check, asked, asked.decide(principal, assumptions, open_points=open_points), decides)
                for check, asked, decides in planned.companions
                if decides or check.by_deny or not only_deciding
            )
            deciding = [decision]
            if answered:
                deciding += [one.decision for one in answered if one.decides]
            if chain is not None:
                deciding.append(chain.decision)
            cells.append(
                Cell(
                    planned.asked.question,
                    planned.pattern,
                    decision,
                    answered,
                    worst_of(deciding),
                    planned.fits,
                    planned.never_asked,
                )
            )
        return _whole(self.question_matrix, principal, cells, chain, self.cut)

    def _chain(self, principal: Principal) -> DependentAnswer | None:
        source = self.question_matrix.chained_from
        if not source:
            return None
        if principal.kind not in (PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION):
            raise Problem(
                f"{safe_text(principal.arn or 'anonymous')} is not a role, so it cannot be reached by role chaining.",
                "Ask as a role, or leave the role it is chained from out.",
            )
        arn = parse_arn(principal.arn)
        role = principal.role_arn or (
            f"arn:{arn.partition}:iam::{principal.account}:role/{principal.role_name}" if arn is not None else ""
        )
        first = resolve_principal(self._workspace, source)
        if first.kind not in (PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION):
            raise Problem(
                f"{safe_text(source)} is not a role: role chaining starts with the session of one.",
                "Name a role, such as role/NAME.",
            )
        context = {
            key: values
            for key, values in self._terms.context.items()
            if key.lower() in _OF_BOTH_CALLS or key.lower().startswith("sts:")
        }
        if principal.session_name and "sts:rolesessionname" not in {key.lower() for key in context}:
            context["sts:RoleSessionName"] = (principal.session_name,)
        asked = self._asked(
            Question("sts:AssumeRole", role, context, self._terms.mode, layers_off=self._terms.layers_off),
            first.account,
        )
        check = Check("sts:AssumeRole", "the asking role", note=f"Made by a session of {source}.")
        return DependentAnswer(check, asked.question, asked.decide(first, (), open_points=True), decides=True)

    def _of_a_chain(self) -> tuple[str, ...]:
        """Assumptions about a session made by role chaining, noted on each decision.

        A role session has no MFA device and so gives no code to AssumeRole, and AWS's pages differ on what the
        credentials that it gets carry (see the note on MFA of a role session).
        """
        if _MFA.lower() in {key.lower() for key in self._terms.context}:
            return ()
        read = "taken for absent" if self._terms.mode is Mode.STRICT else "left unknown"
        return (f"role chaining: AWS's pages differ on whether the session carries {_MFA}, so it is {read}",)

    def _asked(self, question: Question, caller_account: str | None) -> _PreparedQuestion:
        question = with_region(self._workspace, question)
        return _PreparedQuestion(question, evaluator_of(self._workspace.at(caller_account), question, self._now))

    def _plan_for(self, principal: Principal) -> tuple[_PlannedCell, ...]:
        """Planned cells of a principal; companions on other resources take those of the caller's account."""
        own = self._workspace.account
        # A service and an anonymous caller have neither: what they ask about is taken to be this account's.
        key = (partition_of(principal) or own.partition, principal.account or own.id)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = tuple(self._cells(*key))
        return plan

    def _cells(self, partition: str, account: str) -> Iterator[_PlannedCell]:
        named = self._named
        for call, pattern, typed_pattern in self._calls:
            fitting = {resource: fits(call.action, resource) for resource in self._resources}
            # An action that is written out and has none of the resources named is answered all the same.
            any_way = not typed_pattern and not any(fitting.values())
            for resource in self._resources:
                question = replace(self._terms, action=call.action, resource=resource)
                found = companion_questions(call, question, named, partition, account)
                doubt = never_asked(call.action, resource)
                yield _PlannedCell(
                    self._asked(question, account),
                    pattern,
                    tuple(filter(None, (call.note, doubt))),
                    doubt,
                    any_way or fitting[resource],
                    tuple((one.check, self._asked(one.question, account), one.decides) for one in found),
                )


def _rests_on_mfa_of_a_role(decision: Decision, policies: PoliciesInForce) -> bool:
    """True where a role session is evaluated with MFA, and the answer without it would be another."""
    request = decision.request
    if request.principal.kind not in (PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION):
        return False
    given = {key.lower(): values for key, values in request.context.items()}
    if tuple(value.lower() for value in given.get(_MFA.lower(), ())) != ("true",):
        return False
    without = {key: () if key.lower() == _MFA.lower() else values for key, values in request.context.items()}
    return evaluate(structs.replace(request, context=without), policies).outcome is not decision.outcome


def _whole(
    question_matrix: QuestionMatrix, principal: Principal, cells: list[Cell], chain: DependentAnswer | None, cut: int
) -> Answer:
    deciding = those_that_decide(tuple(cells)) if len(cells) > 1 else cells
    worst = deciding[0] if len(deciding) == 1 else min(deciding, key=lambda cell: severity(cell.deciding))
    return Answer(question_matrix, principal, tuple(cells), worst, chain, cut)


def _calls(actions: tuple[tuple[str, str], ...]) -> Iterator[tuple[AuthorizedCall, str, bool]]:
    """Each action's call, what was typed where that is not the action itself, and whether that is a pattern."""
    for typed, pattern in actions:
        call = AuthorizedCall.of(typed)
        yield call, pattern or ("" if call.action == typed else typed), bool(pattern)


def check_matrix(question_matrix: QuestionMatrix) -> None:
    """Refuse an invalid question matrix; patterns are looked up only when it is answered.

    Raises:
        Problem: an action without a service, a resource that is neither `*` nor an ARN, and the like.
    """
    if not question_matrix.actions:
        raise Problem("No action is named.", "Give one as service:Operation, such as s3:GetObject.")
    if not question_matrix.resources:
        raise Problem("No resource is named.", "Give an ARN, or * for any.")
    pairs = len(question_matrix.actions) * len(question_matrix.resources)
    pairs += sum(map(len, question_matrix.with_checks.values()))
    if pairs > _MOST_WRITTEN:
        raise Problem(
            f"The question names {pairs:,} pairs of an action and a resource, more than the {_MOST_WRITTEN:,} that are "
            "answered at once.",
            "Split it, or name resources by a pattern.",
        )
    for action in question_matrix.actions:
        check_action(action, pattern=True)
    for resource in question_matrix.resources:
        check_resource(resource, question_matrix.actions[0])
    for action, resources in question_matrix.with_checks.items():
        for resource in resources:
            check_resource(resource, action)
    check_terms(question_matrix.terms)


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
            raise no_action_matches(action)
        for name in matching:
            if name.lower() in found:
                continue
            if len(found) + written < most:
                found[name.lower()] = (name, action)
            else:
                cut.add(name.lower())
    return tuple(found.values()), len(cut - found.keys())
