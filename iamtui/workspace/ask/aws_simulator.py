"""A second opinion: AWS's own simulator on the same question, beside our answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from iamtui.catalog.condition_keys import KeyType, condition_key
from iamtui.engine.condition_words import LAYER_NAMES
from iamtui.engine.decision import Decision, Layer, LayerReport, LayerState, Outcome
from iamtui.engine.request import Mode, NamedPolicy, Principal, PrincipalKind, Request
from iamtui.policy.patterns import is_account_id, parse_arn
from iamtui.problem import Problem
from iamtui.questions.evaluator import QuestionEvaluator
from iamtui.questions.question import Question
from iamtui.sources.simulator import ContextEntry, is_about_one_question, simulate
from iamtui.sources.simulator import SimulatedResult as SimulatedResult  # these two are what others name
from iamtui.sources.simulator import Simulation as Simulation
from iamtui.text import safe_text
from iamtui.workspace.ask.questions import ask, check_question
from iamtui.workspace.source.workspace import SourceKind, Workspace

# AWS's answer and ours to one question, compared, and why the two may differ.


UNEXPLAINED: Final = (
    "No known limit explains the difference: one of the two is wrong, or the account was changed since it was read; "
    "please check."
)

OUR_WORDS: Final = {
    Outcome.ALLOWED: "allowed",
    Outcome.EXPLICIT_DENY: "explicitDeny",
    Outcome.IMPLICIT_DENY: "implicitDeny",
}
"""Our outcomes in the words of AWS's simulator, which has none for "depends"."""

_SENT_BY_SERVICES: Final = frozenset(
    (
        "aws:calledvia",
        "aws:calledviafirst",
        "aws:calledvialast",
        "aws:viaawsservice",
        "aws:sourcearn",
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:principalisawsservice",
        "aws:principalservicename",
        "aws:principalservicenameslist",
    )
)
"""Global keys that only some services send, which AWS's simulator does not know."""


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """Two answers to one question.

    Args:
        ours: our answer to the question as it was asked.
        theirs: AWS's answer.
        sent: what AWS was asked.
        endpoint: the URL that answered when it is not AWS, or "".
        agree: whether both say the same; where ours depends: whether it does once keys nobody gave are absent.
        differences: the known limits that explain the difference, a sentence each, then UNEXPLAINED where they do
            not; empty when both agree.
        remarks: what AWS's answer leaves out although both agree, a sentence each.
    """

    ours: Decision
    theirs: SimulatedResult
    sent: Simulation
    endpoint: str
    agree: bool
    differences: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def unexplained(self) -> str:
        """The sentence for what no known limit explains, or ""."""
        return UNEXPLAINED if UNEXPLAINED in self.differences else ""


def compared(
    ours: Decision,
    strict: Decision,
    theirs: SimulatedResult,
    sent: Simulation,
    question: Question,
    *,
    endpoint: str = "",
) -> SecondOpinion:
    """Two answers compared.

    Args:
        ours: the answer as asked.
        strict: our answer to what AWS was asked: keys nobody gave are absent, and no layer is switched off.
    """
    unseen = _unseen_layers(strict, sent)
    limits = [_limit(report, strict, sent) for report in unseen]
    remarks = [f"AWS takes {', '.join(theirs.missing_context)} for absent."] if theirs.missing_context else []
    plain = ours if ours.outcome is not Outcome.DEPENDS else strict
    if OUR_WORDS.get(plain.outcome) == theirs.decision:
        if ours.outcome is Outcome.DEPENDS:
            remarks.insert(0, "With the keys that nobody gave absent, as AWS reads them, iamtui says the same.")
        return SecondOpinion(ours, theirs, sent, endpoint, True, (), (*remarks, *limits))
    caps = _same_caps_deny(plain, theirs)
    if caps:
        why = " ".join(safe_text(report.why) for report in caps)
        remarks.insert(0, f"Both deny it for the same cap; AWS and iamtui only word the denial otherwise. {why}")
        return SecondOpinion(ours, theirs, sent, endpoint, True, (), (*remarks, *limits))
    reasons = [*_asked_otherwise(ours, strict, question), *limits, *_organization(strict, theirs)]
    seen_alike = _as_aws_reads(strict, sent, theirs) == theirs.decision
    service_keys = sorted({entry.key for entry in sent.context if entry.key.lower() in _SENT_BY_SERVICES} - _ASSUMED)
    if service_keys:
        reasons.append(
            f"AWS's simulator does not know which service sends {', '.join(service_keys)}, and may read a key that the "
            "service never sends."
        )
    if not seen_alike or not reasons:
        reasons.append(UNEXPLAINED)
    return SecondOpinion(ours, theirs, sent, endpoint, False, tuple(reasons), tuple(remarks))


def _same_caps_deny(ours: Decision, theirs: SimulatedResult) -> list[LayerReport]:
    """The SCPs' and the boundary's reports where both deny it because of them: AWS also calls an SCP's Deny implicit.

    Empty where one of the two does not deny it, or not for that.
    """
    denied = (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)
    if ours.outcome not in denied or theirs.decision not in ("explicitDeny", "implicitDeny"):
        return []
    said = {Layer.SCP: theirs.allowed_by_organizations, Layer.BOUNDARY: theirs.allowed_by_boundary}
    blocking = {reason.layer for reason in ours.reasons}
    same = {layer for layer, allowed in said.items() if allowed is False and layer in blocking}
    return [report for report in ours.layers if report.layer in same]


_ASSUMED: Final = frozenset(("aws:ViaAWSService",))
"""Sent with every question that does not say otherwise."""


def _unseen_layers(strict: Decision, sent: Simulation) -> list[LayerReport]:
    """The layers that AWS's simulator does not evaluate and that have a say in our answer."""
    unseen = {
        Layer.RCP,
        Layer.SESSION,
        Layer.SCOPE_DOWN,
        Layer.VPC_ENDPOINT,
        Layer.BLOCK_PUBLIC_ACCESS,
        Layer.SERVICE_RULE,
    }
    if not sent.resource_policy:
        unseen.add(Layer.RESOURCE)
    blocking = {reason.layer for reason in strict.reasons}
    speaking = (LayerState.ALLOWS, LayerState.DENIES)
    return [
        report
        for report in strict.layers
        if report.layer in unseen
        and (report.layer in blocking or report.state is LayerState.DENIES or _grants(report, speaking))
    ]


def _grants(report: LayerReport, speaking: tuple[LayerState, ...]) -> bool:
    return report.layer in (Layer.RESOURCE, Layer.SERVICE_RULE) and report.state in speaking


_VERBS: Final = {LayerState.ALLOWS: "allows it", LayerState.DENIES: "denies it", LayerState.SILENT: "does not allow it"}


def _limit(report: LayerReport, strict: Decision, sent: Simulation) -> str:
    verb = _VERBS.get(report.state, "is not evaluated")
    if report.layer is Layer.RCP:
        return f"AWS's simulator does not evaluate resource control policies; here an RCP {verb}."
    if report.layer in (Layer.SESSION, Layer.SCOPE_DOWN):
        names = LAYER_NAMES[report.layer]
        return f"AWS's simulator takes no {names.title}; here the {names.noun} {verb}."
    if report.layer is Layer.VPC_ENDPOINT:
        return f"AWS's simulator does not evaluate VPC endpoint policies; here the endpoint's policy {verb}."
    if report.layer is Layer.BLOCK_PUBLIC_ACCESS:
        return "AWS's simulator does not know S3 Block Public Access, which blocks this."
    if report.layer is Layer.SERVICE_RULE:
        return f"AWS's simulator knows no rules of the services themselves: {safe_text(report.why)}"
    if strict.request.action.lower().startswith("sts:assumerole"):
        return f"AWS's simulator judges only the caller's side and leaves out the trust policy; here that {verb}."
    if not sent.caller_arn:
        return f"AWS's simulator takes a resource policy only for users as callers; here that policy {verb}."
    return f"The policy of the resource was not sent to AWS's simulator; here it {verb}."


def _asked_otherwise(ours: Decision, strict: Decision, question: Question) -> Iterator[str]:
    """Where our question was another than AWS's: layers switched off, unknown keys, several resources."""
    if question.layers_off and ours.outcome is not strict.outcome:
        names = ", ".join(sorted(layer.value.replace("_", " ") for layer in question.layers_off))
        yield f"Switched off here: {names}. AWS's simulator cannot leave a layer out."
    if question.mode is Mode.DISCOVER and ours.missing_context and ours.outcome is not strict.outcome:
        keys = ", ".join(safe_text(key, limit=128) for key in ours.missing_context)
        yield f"AWS treats {keys} as absent; here they are unknown. With them absent iamtui says {_word(strict)}."
    if ours.allowed and ours.resource_scope.value == "some":
        yield "The question is about several resources, of which only some are allowed; AWS answers for all of them."


def _word(decision: Decision) -> str:
    return OUR_WORDS.get(decision.outcome, "depends")


_SCPS_DO_NOT_ALLOW: Final = (
    "AWS says that the SCPs do not allow it, not whether one denies it or none of a level allows it"
)


def _organization(strict: Decision, theirs: SimulatedResult) -> Iterator[str]:
    """Differences about the SCPs; AWS does not reveal whether one denies or none allows."""
    report = next(report for report in strict.layers if report.layer is Layer.SCP)
    if theirs.allowed_by_organizations is False and report.state is LayerState.NOT_EVALUATED:
        yield f"{_SCPS_DO_NOT_ALLOW}; the SCPs are not loaded here."
    elif theirs.allowed_by_organizations is False and report.state in (LayerState.ALLOWS, LayerState.NOT_APPLICABLE):
        yield f"{_SCPS_DO_NOT_ALLOW}. As loaded here: {safe_text(report.why)}"
    elif theirs.allowed_by_organizations is True and report.state in (LayerState.DENIES, LayerState.SILENT):
        yield f"AWS says that the SCPs allow it. As loaded here: {safe_text(report.why)}"


def _as_aws_reads(strict: Decision, sent: Simulation, theirs: SimulatedResult) -> str:
    """The decision that our own layers give when only those count that AWS's simulator evaluates."""
    states = {report.layer: report.state for report in strict.layers}
    seen = [Layer.IDENTITY, Layer.BOUNDARY, Layer.SCP, *([Layer.RESOURCE] if sent.resource_policy else [])]
    scp = states.get(Layer.SCP)
    if scp is LayerState.NOT_EVALUATED and theirs.allowed_by_organizations is False:
        return theirs.decision
    if any(states.get(layer) is LayerState.DENIES for layer in seen):
        return "explicitDeny"
    granted = states.get(Layer.IDENTITY) is LayerState.ALLOWS
    if sent.resource_policy and states.get(Layer.RESOURCE) is LayerState.ALLOWS and not sent.resource_owner:
        granted = True
    capped = any(states.get(layer) is LayerState.SILENT for layer in (Layer.BOUNDARY, Layer.SCP))
    return "allowed" if granted and not capped else "implicitDeny"


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
    """Reason why AWS's simulator cannot answer about a principal here; None when it can.

    An endpoint that is not AWS may have a simulator: whether it does, the call itself says.
    """
    kind = workspace.source.kind
    if kind is SourceKind.DEMO:
        return Problem(
            "The demo account is not in AWS, so AWS's simulator cannot answer for it.", "Open an account of yours."
        )
    if workspace.connection is None:
        return Problem(
            "A snapshot is a file: AWS's simulator only answers for the account itself.",
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
    refused = can_ask_aws(workspace, principal)
    if refused is not None:
        raise refused
    check_question(question)
    request, policies = QuestionEvaluator(workspace.account, question, now).request_and_policies(principal)
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
            if key.lower() not in _FILLED_BY_AWS and isinstance(value, tuple):
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
    alike = replace(question, mode=Mode.RAW, context=_context_sent(question, simulation), layers_off=frozenset())
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
