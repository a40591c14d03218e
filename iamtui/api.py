"""Public Python API: open an account, ask who may do what, decide scenarios, lint policies, explain denials.

It needs no credentials, calls nothing on the network, and answers as the command line does:

>>> from iamtui import api
>>> account = api.open_demo()
>>> verdict = account.ask("amara.diallo", "s3:GetObject", "arn:aws:s3:::puffin-data-lake/x")
>>> verdict.allowed, verdict.words
(True, '[+] ALLOWED')

The names in `__all__`, their parameters and the fields of their records follow semantic versioning: within a major
version they stay, and what is added has a default. So do the values of `decision`, `layer` and `code`. Sentences for
people (`words`, `why`, `notes`, `message`) may change at any time, and every other module of iamtui too.

Whatever cannot be answered raises `Problem`, whose text says what was wrong and what to do about it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, NoReturn, TypeAlias, get_args

from iamtui.account.model import Known
from iamtui.denials.reader import find_denials
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Decision, Outcome, ResourceScope
from iamtui.engine.request import Mode, Principal
from iamtui.engine.scenarios.scenario import parse_scenario
from iamtui.engine.words.explanation import explain
from iamtui.lint.check_document import DocumentKind, findings, guess_kind
from iamtui.policy.document import PolicyDocument
from iamtui.policy.patterns import is_account_id, is_pattern
from iamtui.presentation.verdict import as_far_as_loaded, unloaded_layers, verdict_words
from iamtui.presentation.who_can import not_evaluated
from iamtui.problem import Problem
from iamtui.questions.answers import Answer, Cell
from iamtui.questions.question import Question, QuestionMatrix
from iamtui.text import safe_text
from iamtui.workspace.ask.answers import answer, answer_all, check_matrix
from iamtui.workspace.ask.context_values import context_of, read_all_values
from iamtui.workspace.ask.denial_comparison import claim_words
from iamtui.workspace.ask.denials import explain_denials
from iamtui.workspace.ask.dependent_questions import answer_scenario
from iamtui.workspace.ask.questions import check_known
from iamtui.workspace.ask.who_can import everybody
from iamtui.workspace.source.opening import open_source, with_resource_policies
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import OrganizationSource, SourceChoice, SourceKind, Workspace

__all__ = [
    "ExplainedMessage",
    "LintFinding",
    "MatchedStatement",
    "OpenedAccount",
    "Problem",
    "ScenarioVerdict",
    "Verdict",
    "WhoCan",
    "lint",
    "open_demo",
    "open_snapshot",
    "simulate",
]

DecisionName: TypeAlias = Literal["allowed", "explicitDeny", "implicitDeny", "depends"]
PolicyKind: TypeAlias = Literal["identity", "boundary", "session", "resource", "trust", "scp", "rcp", "vpc_endpoint"]
Document: TypeAlias = str | Mapping[str, Any]
"""A policy document: its JSON text, or the same as a dict."""
Context: TypeAlias = Mapping[str, Any]
"""Condition keys, each with a text, number or boolean, a list of these, or None: the request lacks it."""

_HINT: Final = 'Write {"aws:SourceIp": "203.0.113.9"}, for example.'


class _NoTruth:
    """A record that is not taken for true by itself: `assert account.ask(...)` would pass whatever the answer is."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        raise TypeError(f"A {type(self).__name__} is neither true nor false: look at its fields, such as .allowed.")


@dataclass(frozen=True, slots=True)
class MatchedStatement:
    """A statement that took part in a decision.

    Args:
        effect: "Allow" or "Deny".
        layer: "identity", "resource", "session", "scope_down", "boundary", "scp", "rcp" or "vpc_endpoint".
        policy: the policy's name or ARN.
        sid: its Sid, or None.
        index: its place in the document, from 0.
        lines: its first and last line in the document as the screen shows it, or None.
    """

    effect: str
    layer: str
    policy: str
    sid: str | None
    index: int
    lines: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Verdict(_NoTruth):
    """The answer to one question: may this principal do this action on this resource, and why.

    Args:
        principal: its ARN, the name of a service, or "anonymous".
        action, resource: what was asked.
        decision: "allowed", "explicitDeny", "implicitDeny" or "depends": the worst of the action itself and of what
            every such call is checked for too.
        allowed: whether it is a plain yes: for all of the resources that were asked about, and of a request that AWS
            can get. Layers that are not loaded may still forbid it: see `complete`.
        denied: whether it is a denial, and not something that depends. Of a request that AWS never gets it is neither.
        complete: whether nothing that is not loaded could change it.
        on_some: whether "allowed" holds only on some of the resources that were asked about.
        words: the verdict as the command line prints it.
        why: the reason, in sentences.
        condition: what it depends on, or "".
        blocked_by: the layers that forbid it although something grants it.
        statements: what matched, the deciding one first.
        missing_keys: condition keys that were not given and matter.
        assumptions: what was taken for granted.
        never_asked: why AWS never gets such a request (a resource of another kind), or "".
        notes: what else to know, a sentence each.
    """

    principal: str
    action: str
    resource: str
    decision: DecisionName
    allowed: bool
    denied: bool
    complete: bool
    on_some: bool
    words: str
    why: str
    condition: str = ""
    blocked_by: tuple[str, ...] = ()
    statements: tuple[MatchedStatement, ...] = ()
    missing_keys: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    never_asked: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WhoCan(_NoTruth):
    """Everybody who may do something, or may under a condition.

    Args:
        verdicts: one for each of them.
        asked: how many principals were asked about.
        gaps: what the list does not know, a sentence each; empty when it is whole.
    """

    verdicts: tuple[Verdict, ...]
    asked: int
    gaps: tuple[str, ...] = ()

    @property
    def principals(self) -> frozenset[str]:
        """Their ARNs; also of those who may only under a condition."""
        return frozenset(verdict.principal for verdict in self.verdicts)


@dataclass(frozen=True, slots=True)
class ScenarioVerdict(_NoTruth):
    """The verdict of a scenario, beside what it expects.

    Args:
        id: the scenario's own, or None.
        expect: the decision that it expects, or None.
        met: whether the verdict is the expected one; None when it expects nothing.
    """

    id: str | int | None
    verdict: Verdict
    expect: str | None
    met: bool | None


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One thing that AWS would refuse or warn about in a policy document.

    Args:
        level: "error", "warning" or "suggestion".
        code: a stable name, such as "unknown-action".
        aws_code: the code of the same check of IAM Access Analyzer, or None.
        message: what is wrong, a sentence.
        path: where, such as "$.Statement[0].Action".
        line: the line of the text as it was given, or None.
    """

    level: Literal["error", "warning", "suggestion"]
    code: str
    aws_code: str | None
    message: str
    path: str
    line: int | None


@dataclass(frozen=True, slots=True)
class ExplainedMessage(_NoTruth):
    """An AccessDenied message or CloudTrail record, beside what the account says of the same request.

    Args:
        caller, action, resource: as the message tells them, or "".
        aws_said: why AWS refused it, as far as it says so.
        verdict: the account's own, or None when too little is known to ask.
        agreement: "agrees", "other_reason", "not_loaded", "allowed_here", "denied_here", "depends" or "not_asked".
        comparison: that in sentences.
        suggestions: what to change so that the request would be allowed, a sentence each.
        explained: whether nothing is left open.
        open: what could not be determined or loaded, a sentence each.
    """

    caller: str
    action: str
    resource: str
    aws_said: str
    verdict: Verdict | None
    agreement: str
    comparison: tuple[str, ...]
    suggestions: tuple[str, ...]
    explained: bool
    open: tuple[str, ...]


class OpenedAccount:
    """An account that answers; made by `open_snapshot` and `open_demo`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def __repr__(self) -> str:
        return f"OpenedAccount({self.account_id!r})"

    @property
    def account_id(self) -> str:
        """Its 12 digits."""
        return self._workspace.account.id

    @property
    def organization_known(self) -> bool:
        """True if the SCPs and RCPs are known (or that it has none), so that they take part in answers."""
        return isinstance(self._workspace.account.organization, Known)

    @property
    def gaps(self) -> tuple[str, ...]:
        """Parts of the account that could not be read, a phrase each."""
        return tuple(gap.what for gap in self._workspace.account.gaps)

    def ask(
        self,
        principal: str,
        action: str,
        resource: str = "*",
        *,
        context: Context | None = None,
        strict: bool = False,
        resource_account: str | None = None,
        session_policies: Sequence[Document] = (),
        scope_down_policies: Sequence[Document] = (),
    ) -> Verdict:
        """Evaluate one action of a principal on a resource.

        >>> account = open_demo()
        >>> verdict = account.ask("role/analytics-lake-reader", "s3:DeleteObject", "arn:aws:s3:::puffin-data-lake/x")
        >>> verdict.decision, verdict.statements[0].sid
        ('explicitDeny', 'NoDelete')

        Args:
            principal: an ARN, "user/NAME", "role/NAME", "root", a service's name, "anonymous" or an unambiguous name.
            action: one action, written out: "s3:GetObject".
            resource: an ARN, a pattern of ARNs, or "*".
            context: condition keys of the request. One that is not given is unknown, and the verdict says what
                depends on it.
            strict: take keys that are not given for absent, not for unknown, unless AWS always sends them.
            resource_account: who owns the resource, where its ARN does not say so.
            session_policies: those that the caller's session was made with.
            scope_down_policies: up to three, by which its temporary credentials are scoped down
                (sts:GetScopedCredentials); each has to allow.

        Raises:
            Problem: nobody has that name, or the question cannot be asked.
        """
        asked = _matrix(action, resource, context, strict, resource_account, session_policies, scope_down_policies)
        workspace, notes = self._with_policies(asked)
        found = answer(workspace, resolve_principal(workspace, principal, asked.actions), asked)
        assert found is not None, "nothing cancels it"
        return _verdict_of(found, notes)

    def who_can(
        self,
        action: str,
        resource: str = "*",
        *,
        context: Context | None = None,
        strict: bool = False,
        resource_account: str | None = None,
        scope_down_policies: Sequence[Document] = (),
    ) -> WhoCan:
        """Everybody who may do an action on a resource: users, roles, and whom the resource's policy names.

        >>> found = open_demo().who_can("s3:DeleteObject", "arn:aws:s3:::puffin-data-lake/*")
        >>> "arn:aws:iam::111122223333:role/data/analytics-lake-reader" in found.principals
        False

        Args: as of `ask`.
        """
        asked = _matrix(action, resource, context, strict, resource_account, (), scope_down_policies)
        workspace, notes = self._with_policies(asked)
        concerned = everybody(workspace, asked)
        answers = [found for _, found in answer_all(workspace, asked, concerned.asked, only_deciding=True)]
        possible = [found for found in answers if found.worst.deciding.outcome in (Outcome.ALLOWED, Outcome.DEPENDS)]
        unloaded = {layer for found in answers for layer in unloaded_layers(found.worst.deciding)}
        gaps = (
            not_evaluated(concerned, unloaded),
            *(f"Not read: {gap.what}." for gap in workspace.account.unlisted),
            *(notes if unloaded else ()),
            *(answers[0].never_asked if answers else ()),
        )
        return WhoCan(tuple(map(_verdict_of, possible)), len(answers), tuple(filter(None, gaps)))

    def explain(self, text: str, *, caller: str = "", strict: bool = False) -> tuple[ExplainedMessage, ...]:
        """Explain the AccessDenied messages and CloudTrail records in a text.

        >>> message = (
        ...     "User: arn:aws:sts::111122223333:assumed-role/analytics-lake-reader/etl is not authorized to perform: "
        ...     'sts:AssumeRole on resource: "arn:aws:iam::111122223333:role/deploy-prod"'
        ... )
        >>> [(one.action, one.verdict.denied) for one in open_demo().explain(message)]
        [('sts:AssumeRole', True)]

        Args:
            text: a message, a log that holds some, or records as JSON.
            caller: who called, where a message does not say so.
            strict: take condition keys that a message does not tell for absent, not for unknown, unless AWS always
                sends them.

        Returns:
            One for each request that was refused; none when the text holds no denial.

        Raises:
            Problem: the text holds more than 2,000 denials; nothing is passed over.
        """
        found = find_denials(text)
        if found.left_out:
            raise Problem(
                f"The text holds {found.left_out:,} more denials than are explained at once.", "Give parts of it."
            )
        explained = explain_denials(self._workspace, found.denials, caller=caller, strict=strict)
        return tuple(
            ExplainedMessage(
                caller=one.denial.caller,
                action=one.denial.action,
                resource=one.denial.resource,
                aws_said=claim_words(one.denial),
                verdict=None if one.decision is None else _verdict(one.decision, one.denial.action),
                agreement=one.comparison.agreement.value,
                comparison=one.comparison.sentences,
                suggestions=() if one.explanation is None else tuple(s.change for s in one.explanation.suggestions),
                explained=one.explained,
                open=tuple(dict.fromkeys((*one.open, *one.denial.unknown))),
            )
            for one in explained
        )

    def _with_policies(self, asked: QuestionMatrix) -> tuple[Workspace, tuple[str, ...]]:
        """Load the policies of the resources from the source, and list the ones that could not be loaded."""
        workspace, failed = with_resource_policies(self._workspace, asked.resources, asked.terms.resource_account)
        return workspace, tuple(f"The policy of {safe_text(arn)} is not loaded: {why}" for arn, why in failed.items())


def open_snapshot(
    path: str | Path, *, account: str | None = None, region: str | None = None, organization: str | Path | None = None
) -> OpenedAccount:
    """Open the account in a file: of `iamtui snapshot`, or what `aws iam get-account-authorization-details` prints.

    Args:
        path: the file; also .gz and .zst.
        account: which of the accounts in it, where it holds several.
        region: the Region of requests whose resource does not name one.
        organization: a file that says the organization's SCPs and RCPs, as of `--organization`.

    Raises:
        Problem: the file cannot be read as an account.
    """
    where = OrganizationSource(file=str(organization or ""))
    choice = SourceChoice(SourceKind.SNAPSHOT, Path(path), region=region, snapshot_account=account, organization=where)
    return OpenedAccount(open_source(choice))


def open_demo() -> OpenedAccount:
    """Open the built-in demo account, whose answers stay the same within a minor version."""
    return OpenedAccount(open_source(SourceChoice(SourceKind.DEMO)))


def simulate(scenario: Mapping[str, Any]) -> ScenarioVerdict:
    """Decide a scenario: a request and the policies in force, without an account.

    >>> found = simulate({
    ...     "expect": "allowed",
    ...     "request": {
    ...         "principal": "arn:aws:iam::111122223333:role/ci",
    ...         "action": "s3:PutObject",
    ...         "resource": "arn:aws:s3:::site/index.html",
    ...     },
    ...     "identity_policies": [{"name": "ci", "document": {"Statement": [
    ...         {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::site/*"},
    ...     ]}}],
    ... })
    >>> found.met, found.verdict.statements[0].policy
    (True, 'ci')

    Args:
        scenario: as `iamtui simulate --schema` describes it.

    Raises:
        Problem: it is malformed; the text begins with the path of what is wrong ("$.request.action").
    """
    entry = parse_scenario(dict(scenario))
    found = answer_scenario(entry)
    verdict = _verdict(found.deciding, entry.request.action, found.never_asked)
    met = None if entry.expect is None else not found.unmet(entry.expect)
    return ScenarioVerdict(entry.id, verdict, None if entry.expect is None else entry.expect.value, met)


def lint(document: Document, *, kind: PolicyKind | None = None, account: str | None = None) -> tuple[LintFinding, ...]:
    """Errors and warnings that AWS would give for a policy document, the worst first.

    >>> policy = '{"Statement": [{"Effect": "Allow", "Action": "s3:GetObjekt", "Resource": "*"}]}'
    >>> [(finding.level, finding.code) for finding in lint(policy)]
    [('error', 'unknown-action'), ('suggestion', 'old-version')]

    Args:
        document: the JSON text, whose lines the findings name, or a dict.
        kind: what the document is used as; None: guessed from its elements.
        account: the account that it belongs to, so that its own account is not called a third party.
    """
    kinds = get_args(PolicyKind)
    if kind is not None and kind not in kinds:
        raise Problem(f"{safe_text(str(kind))} is not a kind of policy.", f"Kinds are {', '.join(kinds)}.")
    _check_account(account)
    read = PolicyDocument(_text(document))
    return tuple(
        LintFinding(one.level.value, one.code, one.aws_code, one.message, one.path, one.source_line)
        for one in findings(read, DocumentKind(kind) if kind else guess_kind(read), account=account)
    )


def _text(document: Document) -> str:
    return document if isinstance(document, str) else json.dumps(document, indent=2, ensure_ascii=False)


def _check_account(account: str | None) -> None:
    if account is not None and not is_account_id(account):
        raise Problem(f"{safe_text(account)} is not an account ID.", "An account ID has 12 digits.")


def _matrix(
    action: str,
    resource: str,
    context: Context | None,
    strict: bool,
    resource_account: str | None,
    session_policies: Sequence[Document],
    scope_down_policies: Sequence[Document],
) -> QuestionMatrix:
    if is_pattern(action):
        raise Problem(f"{safe_text(action)} is a pattern of actions.", "Ask about one action after the other.")
    _check_account(resource_account)
    session, scope_downs = tuple(map(_text, session_policies)), tuple(map(_text, scope_down_policies))
    for what, texts in (("session", session), ("scope-down", scope_downs)):
        for text in texts:
            error = PolicyDocument(text).error
            if error is not None:
                raise Problem(f"A {what} policy is not a policy document: {error}", "lint() says more.")
    terms = Question(
        "",
        "*",
        read_all_values(context_of(context or {}, "", _HINT)),
        Mode.STRICT if strict else Mode.DISCOVER,
        resource_account,
        session,
        scope_downs=scope_downs,
    )
    made = QuestionMatrix((action,), (resource,), terms)
    check_matrix(made)
    check_known(made.actions)
    return made


def _verdict_of(found: Answer, notes: tuple[str, ...] = ()) -> Verdict:
    cell: Cell = found.worst
    verdict = _verdict(cell.deciding, cell.question.action, cell.never_asked)
    verdict = replace(verdict, principal=_name(found.principal), resource=cell.question.resource)
    return replace(verdict, notes=(*verdict.notes, *notes)) if notes and not verdict.complete else verdict


def _verdict(decision: Decision, action: str, never_asked: str = "") -> Verdict:
    on_some = decision.allowed and decision.resource_scope is ResourceScope.SOME
    deciding = decision.deciding
    matched = sorted(decision.matched, key=lambda ref: ref != deciding)
    return Verdict(
        principal=_name(decision.request.principal),
        action=action,
        resource=decision.request.resource,
        decision=decision.outcome.value,
        allowed=decision.allowed and not on_some and not never_asked,
        denied=decision.denied and not never_asked,
        complete=not as_far_as_loaded(decision),
        on_some=on_some,
        words=str(verdict_words(decision)),
        why=explain(decision).paragraph,
        condition=condition_of(decision),
        blocked_by=tuple(layer.value for layer in decision.blocked_by),
        statements=tuple(
            MatchedStatement(ref.effect, ref.layer.value, ref.policy, ref.sid, ref.statement, ref.lines)
            for ref in matched
        ),
        missing_keys=decision.missing_context,
        assumptions=decision.assumptions,
        never_asked=never_asked,
        notes=decision.notes,
    )


def _name(principal: Principal) -> str:
    return principal.stands_for or principal.arn or "anonymous"
