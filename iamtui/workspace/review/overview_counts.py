"""The overview with what takes asking about everybody: administrators, trust, findings, saved questions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from iamtui.account.model import Missing, Role, User
from iamtui.engine.decision import Outcome
from iamtui.problem import Problem
from iamtui.workspace.ask.saved_questions import SavedQuestion
from iamtui.workspace.ask.trust import TrustEdge, TrustReader, unread_trust
from iamtui.workspace.ask.who_can import who_can
from iamtui.workspace.review.audit import AuditFinding, AuditLimits, AuditSuppression, audit
from iamtui.workspace.review.escalation_steps import EscalationReport
from iamtui.workspace.review.escalations import find_escalations
from iamtui.workspace.review.overview import Figure, Overview, QuestionBar, begun_overview, risk, unlisted
from iamtui.workspace.source.inventory import last_used
from iamtui.workspace.source.principals import principal_for, resolve_principal
from iamtui.workspace.source.unknown_facts import FindingSeverity, UnknownFact, is_searched_unasked, unknown_facts
from iamtui.workspace.source.workspace import Workspace


def account_overview(
    workspace: Workspace,
    saved: Iterable[SavedQuestion] = (),
    now: datetime | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    accepted: Sequence[AuditSuppression] = (),
) -> Overview:
    """The numbers of an account. Blocking: seconds for thousands of principals.

    Args:
        saved: the questions to answer for everybody.
        now: UTC; default: when the account was read, else the clock.
        accepted: findings that are not counted among those of their severity.
    """
    account = workspace.account
    moment = now or account.taken_at or datetime.now(UTC)
    reader = TrustReader(workspace, across=False)
    trusting: list[str] = []

    def trust_outside(role: Role) -> Iterator[TrustEdge]:
        edges = tuple(reader.edges(role, cancelled, inside=False))
        trusting.extend([role.arn] if any(edge.is_outside for edge in edges) else [])
        return iter(edges)

    # Asked at each finding, what cancels lets others have their turn meanwhile.
    found = audit(workspace, moment, cancelled, AuditLimits(), trust_outside)
    findings = tuple(one for one in found if not cancelled())
    return replace(
        begun_overview(workspace, moment),
        risks=_risks(workspace, [account.with_report(user) for user in account.users], findings, trusting, cancelled),
        findings=tuple(
            by_severity(
                [one for one in findings if not any(each.covers(one) for each in accepted)], unknown_facts(account)
            )
        ),
        questions=tuple(_question_bar(workspace, question, cancelled) for question in saved),
    )


def _risks(
    workspace: Workspace,
    users: Sequence[User],
    findings: Sequence[AuditFinding],
    trusting: Sequence[str],
    cancelled: Callable[[], bool],
) -> tuple[Figure, ...]:
    account = workspace.account
    everybody = 0
    if is_searched_unasked(account):
        report = find_escalations(workspace, cancelled)
    else:
        report, everybody = EscalationReport((), ()), len(account.users) + len(account.roles)
    certain = tuple(one.principal.arn for one in report.escalations if one.certain)
    possible = tuple(one.principal.arn for one in report.escalations if not one.certain)

    def found(*codes: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.subject for one in findings if one.code in codes))

    unknown_mfa = sum(
        isinstance(user.login_profile, Missing) or isinstance(user.mfa_devices, Missing) for user in users
    )
    more_users, more_roles = unlisted(account, "users"), unlisted(account, "roles")
    unknown_mfa += more_users
    unknown_use = sum(bool(last_used(user)[1]) for user in users) + more_users
    unknown_roles = sum(isinstance(role.last_used, Missing) for role in account.roles) + more_roles
    everybody += more_users + more_roles
    return (
        risk("administrators", tuple(entity.arn for entity in report.administrators), everybody),
        risk("escalations", certain, everybody),
        risk("escalations.possible", possible, everybody),
        risk("trust-outside", tuple(trusting), more_roles + sum(map(bool, map(unread_trust, account.roles)))),
        risk("without-mfa", found("console-without-mfa"), unknown_mfa),
        risk("unused-users", found("user-unused"), unknown_use),
        risk("unused-roles", found("role-unused"), unknown_roles),
    )


def by_severity(findings: Sequence[AuditFinding], lacking: Sequence[UnknownFact]) -> Iterator[Figure]:
    """The number of findings of each severity, the worst first, with how much is unknown that could be one."""
    for severity in FindingSeverity:
        found = [f"{one.code} {one.subject}" for one in findings if one.severity is severity]
        unknown = sum(max(1, fact.count) for fact in lacking if severity in fact.severities)
        # One subject may have a finding more than once: each of its keys.
        yield Figure(f"findings.{severity}", severity, tuple(found), unknown)


_ANSWERS: Final = (
    ("allowed", (Outcome.ALLOWED,)),
    ("depends", (Outcome.DEPENDS,)),
    ("denied", (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)),
)


def _question_bar(workspace: Workspace, question: SavedQuestion, cancelled: Callable[[], bool]) -> QuestionBar:
    account = workspace.account
    chained = bool(question.question_matrix.chained_from)
    entities = account.roles if chained else account.principals
    everybody = [principal_for(workspace, entity) for entity in entities]
    try:
        named = resolve_principal(workspace, question.principal) if question.principal else None
        # The decisions themselves are much to keep, of thousands.
        answered = who_can(workspace, question.question_matrix, everybody, cancelled)
        found = [(principal.arn, decision.outcome) for principal, decision in answered]
        asked = who_can(workspace, question.question_matrix, [] if named is None else [named], cancelled)
        alone = next((decision for _, decision in asked), None)
    except Problem as problem:
        return QuestionBar(question.name, None, (), problem.sentence)
    more = unlisted(account, "roles") + (0 if chained else unlisted(account, "users"))
    answers = tuple(
        Figure(
            f"questions.{question.name}.{name}",
            f"{question.name}: {name}",
            tuple(arn for arn, outcome in found if outcome in outcomes),
            more,
        )
        for name, outcomes in _ANSWERS
    )
    return QuestionBar(question.name, alone, answers)
