"""A second opinion: AWS's own simulator on the same question, beside our answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from iamtui.analysis.question import Question
from iamtui.analysis.questions import Asker
from iamtui.catalog.keys import KeyType, condition_key
from iamtui.evaluation.policies import NamedPolicy
from iamtui.evaluation.request import Mode, Principal, PrincipalKind, Request
from iamtui.policy.arn import is_account_id, parse_arn
from iamtui.problem import Problem
from iamtui.sources.simulator import ContextEntry, SimulatedResult, Simulation, is_about_one_question, simulate
from iamtui.text import safe_text
from iamtui.workspace.questions.asking import ask, check_question
from iamtui.workspace.questions.opinion_comparison import SecondOpinion, compared
from iamtui.workspace.workspace import SourceKind, Workspace

__all__ = [
    "ContextEntry",
    "SimulatedResult",
    "Simulation",
    "can_ask_aws",
    "second_opinion",
    "second_opinions",
    "simulation_of",
]

_FILLED_BY_AWS: Final = frozenset(
    (
        "aws:principalaccount",
        "aws:principaltype",
        "aws:userid",
        "aws:username",
        "aws:principalorgid",
        "aws:principalorgpaths",
    )
)
"""Keys that AWS's simulator fills by itself from the principal."""

_TYPES: Final = {
    KeyType.STRING: "string",
    KeyType.ARN: "string",
    KeyType.BOOL: "boolean",
    KeyType.DATE: "date",
    KeyType.IP: "ip",
    KeyType.NUMERIC: "numeric",
    KeyType.BINARY: "binary",
}
"""Types of condition keys to ContextKeyType (IAM API Reference: ContextEntry); an ARN is sent as a string."""

_LONGEST_POLICY: Final = 131_072
"""Characters that ResourcePolicy may have."""


def can_ask_aws(workspace: Workspace, principal: Principal | None) -> Problem | None:
    """Why AWS's simulator cannot be asked about a principal here; None when it can.

    An endpoint that is not AWS may have a simulator: whether it does, the call itself says.
    """
    kind = workspace.source.kind
    if kind is SourceKind.DEMO:
        return Problem("The demo has no AWS behind it whose simulator could be asked.", "Open an account of yours.")
    if workspace.connection is None:
        return Problem(
            "A snapshot is a file: AWS's simulator can only be asked about the account itself.",
            "Open the account with --profile.",
        )
    if principal is None:
        return Problem("There is nobody to ask about.", "Put the cursor on a user or role.")
    if principal.kind not in (PrincipalKind.USER, PrincipalKind.ROLE, PrincipalKind.ROLE_SESSION):
        return Problem(
            "AWS's simulator takes users and roles only, not the root user, services, federated or anonymous callers.",
            "Put the cursor on a user or role.",
        )
    if principal.account != workspace.account.id:
        return Problem(
            f"{safe_text(principal.arn, limit=512)} belongs to another account, whose policies AWS does not read here.",
            "Open that account.",
        )
    if _source_arn(principal) is None:
        return Problem("The role behind this session is not in the account as loaded.", "Refresh.")
    return None


def _source_arn(principal: Principal) -> str | None:
    return principal.arn if principal.kind is PrincipalKind.USER else principal.role_arn


def simulation_of(
    workspace: Workspace, principal: Principal, question: Question, *, now: datetime | None = None
) -> Simulation:
    """What AWS would be asked.

    Raises:
        Problem: AWS cannot be asked about this principal, or the question cannot be asked.
    """
    refused = can_ask_aws(workspace, principal)
    if refused is not None:
        raise refused
    check_question(question)
    request, policies = Asker(workspace.account, question, now).request_and_policies(principal)
    source = _source_arn(principal)
    assert source is not None
    resource_policy = ""
    trust = question.action.lower().startswith("sts:assumerole")
    if principal.kind is PrincipalKind.USER and isinstance(policies.resource, NamedPolicy) and not trust:
        raw = policies.resource.document.raw
        resource_policy = raw if len(raw) <= _LONGEST_POLICY else ""
    return Simulation(
        source,
        question.action,
        (question.resource,),
        tuple(_context(request, source)),
        caller_arn=principal.arn if principal.kind is PrincipalKind.USER else "",
        resource_policy=resource_policy,
        resource_owner=_foreign_owner(workspace, question),
    )


def _foreign_owner(workspace: Workspace, question: Question) -> str:
    arn = parse_arn(question.resource)
    owner = question.resource_account or (arn.account if arn is not None and is_account_id(arn.account) else "")
    return owner if owner != workspace.account.id else ""


def _context(request: Request, source: str) -> Iterator[ContextEntry]:
    """The keys as AWS wants them: given ones, and those that we derive and AWS does not."""
    values: dict[str, tuple[str, tuple[str, ...]]] = {"aws:principalarn": ("aws:PrincipalArn", (source,))}
    for derived in reversed(request.derived):
        for key, value in derived.items():
            if key.lower() not in _FILLED_BY_AWS:
                values[key.lower()] = (key, value)
    for key, value in request.context.items():
        values[key.lower()] = (key, value)
    for key, value in values.values():
        if value:
            yield _entry(key, value)


def _entry(key: str, values: tuple[str, ...]) -> ContextEntry:
    known = condition_key(key)
    name, kind, many = key, "string", len(values) > 1
    if known is not None:
        template, _, family = known.name.partition("${")
        name = template + key[len(template) :] if family else known.name
        kind = _TYPES[known.types[0]] if known.types else "string"
        many = many or bool(known.multivalued)
    return ContextEntry(name, values, f"{kind}List" if many else kind)


def second_opinion(
    workspace: Workspace,
    principal: Principal,
    question: Question,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    now: datetime | None = None,
) -> SecondOpinion | None:
    """Ask AWS's simulator the same question and compare; None when cancelled meanwhile. Blocking.

    Raises:
        Problem: AWS cannot be asked, refused, or could not be reached.
    """
    simulation = simulation_of(workspace, principal, question, now=now)
    assert workspace.connection is not None
    ours = ask(workspace, principal, question, now=now)
    results = simulate(workspace.connection, simulation, cancelled)
    if cancelled() or not results:
        return None
    theirs = min(results, key=lambda result: _RANK.get(result.decision, 0))
    alike = replace(question, mode=Mode.STRICT, context=_context_sent(question, simulation), layers_off=frozenset())
    strict = ask(workspace, principal, alike, now=now)
    endpoint = workspace.source.endpoint_url
    return compared(ours, strict, theirs, simulation, question, endpoint=endpoint)


def second_opinions(
    workspace: Workspace, principal: Principal, questions: Iterable[Question]
) -> Iterator[SecondOpinion | Problem]:
    """Ask AWS's simulator each of several questions: its answer compared with ours, or why it could not be had.

    What is wrong with one question or its answer leaves the others to be asked; after any other problem, nothing more
    is asked, since it would be met again. Blocking.
    """
    refused: Problem | None = None
    for question in questions:
        if refused is not None:
            yield refused
            continue
        try:
            opinion = second_opinion(workspace, principal, question)
        except Problem as problem:
            yield problem
            if not is_about_one_question(problem):
                refused = problem
        else:
            assert opinion is not None, "nothing cancels it"
            yield opinion


_RANK: Final = {"explicitDeny": 0, "implicitDeny": 1, "allowed": 2}


def _context_sent(question: Question, simulation: Simulation) -> dict[str, tuple[str, ...]]:
    given = {key.lower() for key in question.context}
    context = dict(question.context)
    context.update({entry.key: entry.values for entry in simulation.context if entry.key.lower() not in given})
    return context
