"""Preview of a session under session policies: the same questions before and after them.

A session may do what the role's own policies and its session policies both allow (IAM User Guide: Session policies).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from iamtui.account.model import Role
from iamtui.catalog.actions import catalogue
from iamtui.credentials.assume_role import AssumeRoleInput, policy_characters
from iamtui.credentials.session import AssumeExtras
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.request import MissingPolicy, NamedPolicy, Principal
from iamtui.lint.actions import action_glob
from iamtui.lint.check_document import DocumentKind, findings
from iamtui.lint.subject import Finding
from iamtui.policy.document import PolicyDocument, Statement
from iamtui.policy.patterns import is_pattern
from iamtui.problem import Problem
from iamtui.questions.policies_in_force import principal_policies
from iamtui.questions.question import Question
from iamtui.text import safe_text
from iamtui.workspace.ask.questions import ask
from iamtui.workspace.assume.assume_decision import role_of, session_policies
from iamtui.workspace.source.principals import principal_for
from iamtui.workspace.source.workspace import Workspace

MOST_TYPICAL: Final = 8
"""Most typical actions beside the given questions."""

_MOST_TRIED: Final = 60
"""Most candidates to evaluate: a preview is made anew while the policy is typed."""

_OF_ONE_SERVICE: Final = 3
_MOST_RESOURCES: Final = 6

_WELL_KNOWN: Final = (
    "s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject", "ec2:DescribeInstances", "ec2:RunInstances",
    "ec2:TerminateInstances", "iam:ListUsers", "iam:PassRole", "iam:CreateUser", "sts:AssumeRole", "kms:Decrypt",
    "secretsmanager:GetSecretValue", "ssm:GetParameter", "lambda:InvokeFunction", "lambda:UpdateFunctionCode",
    "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteTable", "logs:GetLogEvents", "logs:DeleteLogGroup",
    "sqs:SendMessage", "sqs:ReceiveMessage", "sns:Publish", "rds:DescribeDBInstances", "rds:DeleteDBInstance",
    "cloudformation:DescribeStacks", "cloudformation:UpdateStack", "ecr:BatchGetImage", "ecs:UpdateService",
    "route53:ChangeResourceRecordSets", "cloudtrail:StopLogging",
)  # fmt: skip
"""Well-known actions, examples for entries such as `s3:*`; the first come first."""


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One question, answered for a session of the role.

    Args:
        question: action and resource.
        asked: whether it was asked for; else it is a typical action that the role's own policies allow.
        before: the answer without session policies.
        after: the answer with them.
    """

    question: Question
    asked: bool
    before: Decision
    after: Decision

    @property
    def lost(self) -> bool:
        """True where the session policies take the permission away."""
        return self.before.allowed and self.after.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)

    @property
    def doubtful(self) -> bool:
        """True where the session policies make the permission depend on something unknown."""
        return self.before.allowed and self.after.outcome is Outcome.DEPENDS

    @property
    def changed(self) -> bool:
        """True where the session policies make a difference."""
        return (self.before.outcome, self.before.allowed_resources) != (
            self.after.outcome,
            self.after.allowed_resources,
        )


@dataclass(frozen=True, slots=True)
class SessionPreview:
    """Effect of session policies on a session.

    Args:
        rows: the questions asked, then typical ones.
        characters: the meter: inline text and ARNs together.
        findings: what the linter says of the inline policy, the worst first.
        problems: what STS would refuse about the policies, one sentence each.
        notes: what is not known, one sentence each.
    """

    rows: tuple[PreviewRow, ...]
    characters: int
    findings: tuple[Finding, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def lost(self) -> int:
        """How many of the questions the session policies answer with no."""
        return sum(row.lost for row in self.rows)

    @property
    def doubtful(self) -> int:
        """How many of the questions the session policies make depend on what is not known."""
        return sum(row.doubtful for row in self.rows)


def preview_session(
    workspace: Workspace,
    role_arn: str,
    extras: AssumeExtras,
    questions: Iterable[Question] = (),
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> SessionPreview:
    """Answer questions for a session of a role, before and after its session policies. For a worker.

    Both answers are those for a session with the tags and the source identity of `extras`; only the policies differ.

    Args:
        questions: what to answer first (the pinned question); one that cannot be asked is a note.
        cancelled: asked between questions; the rows so far are given then.
    """
    request = AssumeRoleInput(role_arn, "preview", extras=extras)
    document = PolicyDocument(extras.policy) if extras.policy else None
    role = role_of(workspace, role_arn)
    notes: list[str] = []
    rows: tuple[PreviewRow, ...] = ()
    if role is None:
        notes.append("What the role may do is not known: its policies are not loaded.")
    else:
        rows = tuple(_rows(workspace, role, extras, questions, notes, cancelled))
    notes += _unknown_policies(workspace, extras)
    return SessionPreview(
        rows,
        policy_characters(extras.policy, extras.policy_arns),
        findings(document, DocumentKind.SESSION, account=request.account or None) if document is not None else (),
        tuple(problem.sentence for problem in request.policy_problems()),
        tuple(notes),
    )


def _unknown_policies(workspace: Workspace, extras: AssumeExtras) -> Iterator[str]:
    for policy in session_policies(workspace.account, extras):
        if isinstance(policy, MissingPolicy):
            yield f"{safe_text(policy.name)} is not loaded, so what it allows is not known."


def _rows(
    workspace: Workspace,
    role: Role,
    extras: AssumeExtras,
    questions: Iterable[Question],
    notes: list[str],
    cancelled: Callable[[], bool],
) -> Iterator[PreviewRow]:
    principal = principal_for(workspace, role)
    session = session_policies(workspace.account, extras)

    def row(question: Question, *, asked: bool) -> PreviewRow:
        context = {**extras.principal_context, **question.context}
        bare = replace(question, context=context, session_policies=())
        before = ask(workspace, principal, bare)
        return PreviewRow(question, asked, before, ask(workspace, principal, bare, session=session))

    seen: set[tuple[str, str]] = set()
    for question in questions:
        if cancelled():
            return
        seen.add((question.action.lower(), question.resource))
        try:
            yield row(question, asked=True)
        except Problem as problem:
            notes.append(problem.sentence)
    for question in typical_questions(workspace, role, extras, cancelled=cancelled):
        if cancelled():
            return
        if (question.action.lower(), question.resource) not in seen:
            yield row(question, asked=False)


def typical_questions(
    workspace: Workspace,
    role: Role,
    extras: AssumeExtras,
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Question, ...]:
    """A few actions that the role may do by our own answer, spread over the services that its policies name.

    They are worked out once for an account, role and tags: the session policy is typed meanwhile.
    """
    memo = workspace.account.memo
    key = ("typical questions", role.arn, tuple(sorted(extras.principal_context.items())))
    kept = memo.get(key)
    if isinstance(kept, tuple):
        return kept
    found = _typical_questions(workspace, role, extras, cancelled)
    if not cancelled():
        memo[key] = found
    return found


def _typical_questions(
    workspace: Workspace, role: Role, extras: AssumeExtras, cancelled: Callable[[], bool]
) -> tuple[Question, ...]:
    principal = principal_for(workspace, role)
    by_service: dict[str, list[Question]] = {}
    tried: set[tuple[str, str]] = set()
    total = 0
    for question in _candidates(tuple(_allowing(workspace, principal))):
        if total >= 2 * MOST_TYPICAL or len(tried) >= _MOST_TRIED or cancelled():
            break
        key = (question.action.lower(), question.resource)
        found = by_service.setdefault(question.action.partition(":")[0].lower(), [])
        known = any(other.action.lower() == key[0] for other in found)
        if key in tried or known or len(found) >= _OF_ONE_SERVICE:
            continue
        tried.add(key)
        if _may(workspace, principal, replace(question, context=extras.principal_context)):
            found.append(question)
            total += 1
    return tuple(_in_turns(by_service.values()))[:MOST_TYPICAL]


def _may(workspace: Workspace, principal: Principal, question: Question) -> bool:
    try:
        return ask(workspace, principal, question).outcome in (Outcome.ALLOWED, Outcome.DEPENDS)
    except Problem:
        return False


def _in_turns(groups: Iterable[list[Question]]) -> Iterator[Question]:
    """The first of each group, then the second of each."""
    waiting = [list(group) for group in groups]
    while any(waiting):
        for group in waiting:
            if group:
                yield group.pop(0)


def _allowing(workspace: Workspace, principal: Principal) -> Iterator[Statement]:
    for policy in principal_policies(workspace.account, principal).identity:
        if isinstance(policy, NamedPolicy) and policy.document.error is None:
            yield from (one for one in policy.document.policy.statements if one.effect == "Allow")


def _candidates(statements: tuple[Statement, ...]) -> Iterator[Question]:
    """Concrete actions of Allow statements, each with a resource of its statement: the well-known ones first."""
    entries = [(action_glob(entry), statement) for statement in statements for entry in _entries(statement)]
    for action in _WELL_KNOWN:
        for glob, statement in entries:
            if glob.matches(action.lower()):
                yield from _on_resources(action, statement)
    for statement in statements:
        for entry in _entries(statement):
            if not is_pattern(entry):
                yield from _on_resources(entry, statement)
    for statement in statements:
        for entry in _entries(statement):
            if is_pattern(entry):
                for action in catalogue().expand(entry)[:2]:
                    yield from _on_resources(action, statement)


def _entries(statement: Statement) -> tuple[str, ...]:
    return statement.actions if statement.actions is not None else ("*",)


def _on_resources(action: str, statement: Statement) -> Iterator[Question]:
    info = catalogue().action(action)
    if info is None or not info.arn_forms:
        yield Question(action)
        return
    for resource in (statement.resources or ("*",))[:_MOST_RESOURCES]:
        if resource == "*" or ("${" not in resource and any(_can_be(resource, form) for form in info.arn_forms)):
            yield Question(action, resource)


def _can_be(resource: str, form: str) -> bool:
    """True where a resource is of an ARN form: of its service, and with a path where the form has one."""
    given, wanted = resource.split(":", 5), form.split(":", 5)
    if len(given) < 6 or len(wanted) < 6 or given[2] != wanted[2]:
        return False
    return ("/" in given[5]) == ("/" in wanted[5])
