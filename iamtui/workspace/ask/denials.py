"""Explanation of denials: AWS's message, the account's answer, and their agreement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from iamtui.account.model import Account, Role, User
from iamtui.aws.answers import only
from iamtui.catalog.actions import ENGINE_CATALOGUE, catalogue
from iamtui.denials.denial import CALLER_UNKNOWN, Denial, DenialForm
from iamtui.denials.reader import ReadLog, find_denials, parse_decoded, read_log
from iamtui.engine.calls.api_calls import PROFILE, iam_action
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.request import Mode, Principal, PrincipalKind, principal_from_text
from iamtui.engine.words.explanation import Explanation
from iamtui.input_files import open_input
from iamtui.paths import home_expanded
from iamtui.policy.patterns import parse_arn
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.text import counted, safe_text
from iamtui.workspace.ask.denial_comparison import (
    USUAL_CAUSES,
    Agreement,
    DenialComparison,
    compare,
    federated_action,
    not_a_role,
    trusted_providers,
    with_advice,
)
from iamtui.workspace.ask.questions import ask_and_trace
from iamtui.workspace.source.opening import unloaded_policies, with_resource_policies
from iamtui.workspace.source.principals import UnknownPrincipal, resolve_principal
from iamtui.workspace.source.workspace import SourceKind, Workspace

# Why was this denied: what AWS said beside what the account says.


_NOT_TOLD = "who called"
_MOST_ROLES = 12
_NO_ROLE_TRUSTS = (
    "No role of this account trusts an identity provider for it: the role that was meant is in another account, or "
    "its trust policy lacks the statement."
)
_NONE_READ_TRUSTS = "No role of the part of this account that was read trusts an identity provider for it."
_NEITHER_TOLD = "STS names neither the role nor the identity provider; CloudTrail's record of the call names both."


@dataclass(frozen=True, slots=True)
class ExplainedDenial:
    """A denial and what the account says of the same request.

    Args:
        denial: what was found; with what was decoded, when that was asked for.
        principal: the caller, or None when nobody here answers to it.
        question: what the account was asked, or None when too little is known.
        decision, explanation: the account's answer, or None when it was not asked.
        comparison: whether both agree, in sentences.
        open: what could not be determined or loaded, one sentence each.
    """

    denial: Denial
    principal: Principal | None
    question: Question | None
    decision: Decision | None
    explanation: Explanation | None
    comparison: DenialComparison
    open: tuple[str, ...] = ()

    @property
    def explained(self) -> bool:
        """True where the denial is explained in full: the account denies the same request for the same reason."""
        return self.comparison.agreement.settles


class _Cancelled(Exception):
    """The reading is not wanted any more."""


def read_denial_file(path: str, cancelled: Callable[[], bool] = lambda: False) -> ReadLog:
    """The denials in a log, a message or a file of CloudTrail records, unpacked when it is gzip.

    Raises:
        Problem: it cannot be read, or is no text.
    """

    def told(_size: int) -> None:
        if cancelled():
            raise _Cancelled

    try:
        with open_input(home_expanded(path), f"The log {safe_text(path)}", told=told) as file:
            return read_log(file, cancelled)
    except _Cancelled:
        return ReadLog("", 0, find_denials(""))


def decode_authorization_message(workspace: Workspace, encoded: str) -> str:
    """Let STS decode an encoded authorization message. Only on the user's request.

    Returns:
        The decoded message, JSON text.

    Raises:
        Problem: the source makes no calls, the caller lacks sts:DecodeAuthorizationMessage, or the call failed.
    """
    connection = workspace.connection
    if connection is None:
        raise Problem(
            "A snapshot cannot decode the message: that takes a call to STS.",
            "Use a live source, or paste what `aws sts decode-authorization-message` prints.",
        )
    if workspace.source.kind is SourceKind.DEMO:
        raise Problem("The demo's STS decodes no messages.", "Open your own account to decode one.")
    form = only("DecodedMessage", str)
    return connection.call("sts", "DecodeAuthorizationMessage", form, EncodedMessage=encoded).value


def explain_denials(
    workspace: Workspace,
    denials: Iterable[Denial],
    *,
    decode: bool = False,
    caller: str = "",
    strict: bool = False,
    now: datetime | None = None,
) -> Iterator[ExplainedDenial]:
    """Explain denials one by one, loading the policies of the resources they name. Blocking.

    Args:
        decode: decode encoded authorization messages through STS.
        caller: who called, where a message does not say so.
        strict: take keys that a message does not tell for absent, not for unknown.
        now: time of the requests, UTC, where nothing tells it; None: the clock.
    """
    if caller:
        resolve_principal(workspace, caller)
    explainer = _Explainer(workspace, decode=decode, caller=caller, strict=strict, now=now)
    yield from map(explainer.explain, denials)


def explain_denial(workspace: Workspace, denial: Denial, *, decode: bool = False, caller: str = "") -> ExplainedDenial:
    """Explain one denial: as `explain_denials`."""
    if caller:
        resolve_principal(workspace, caller)
    return _Explainer(workspace, decode=decode, caller=caller).explain(denial)


@dataclass(slots=True)
class _Explainer:
    """Explains denials one after the other, over an account that grows with the resource policies they need."""

    workspace: Workspace
    decode: bool
    caller: str = ""
    strict: bool = False
    now: datetime | None = None
    failed: dict[str, Problem] = field(default_factory=dict)
    first: str = field(init=False)

    def __post_init__(self) -> None:
        self.first = self.workspace.account.id

    def explain(self, denial: Denial) -> ExplainedDenial:
        left_open: list[str] = []
        denial = _decoded(self.workspace, denial, self.decode, left_open)
        if not denial.caller and self.caller:
            note = "The caller is the one that was given."
            unknown = tuple(one for one in denial.unknown if one != CALLER_UNKNOWN)
            denial = replace(denial, caller=self.caller, unknown=unknown, notes=(*denial.notes, note))
        denial = _with_action(denial)
        self.workspace = self._concerned(denial)
        refused = not_a_role(self.workspace.account, denial)
        if refused:
            nothing = DenialComparison(Agreement.NOT_ASKED, (refused,))
            return ExplainedDenial(denial, None, None, None, None, nothing, tuple(left_open))
        if federated_action(denial) and not (denial.caller and denial.resource):
            return self._federated(denial, left_open)
        principal = caller_of(self.workspace, denial, left_open)
        about_question: list[str] = []
        question = _question(self.workspace, denial, about_question, strict=self.strict)
        if principal is None or question is None:
            nothing = DenialComparison(Agreement.NOT_ASKED, (_not_asked(denial, principal),))
            return ExplainedDenial(denial, principal, question, None, None, nothing, tuple(left_open))
        left_open += about_question
        self._load(question.resource, left_open)
        try:
            decision, traced, explanation = ask_and_trace(self.workspace, principal, question, now=self.now)
        except Problem as problem:
            nothing = DenialComparison(Agreement.NOT_ASKED, (f"This cannot be evaluated: {problem.sentence}",))
            return ExplainedDenial(denial, principal, question, None, None, nothing, tuple(left_open))
        explanation = with_advice(self.workspace.account, denial, decision, traced, explanation)
        comparison = compare(self.workspace.account, denial, decision)
        return ExplainedDenial(denial, principal, question, decision, explanation, comparison, tuple(left_open))

    def _concerned(self, denial: Denial) -> Workspace:
        """The workspace at the account of the caller, or else of the resource, where several are open."""
        arns = (parse_arn(text) for text in (denial.caller, denial.resource))
        named = (arn.account for arn in arns if arn is not None)
        ids = [account.id for account in self.workspace.accounts]
        return self.workspace.at(next((account for account in named if account in ids), self.first))

    def _federated(self, denial: Denial, left_open: list[str]) -> ExplainedDenial:
        """Which roles trust a provider for a federated sign-in: the message itself names neither."""
        account = self.workspace.account
        sentences = [
            self._of_trusting_role(denial, role, provider)
            for role in account.roles
            if denial.resource in (role.arn, "*", "")
            for provider in dict.fromkeys(trusted_providers(role, denial.action))
            if denial.caller in (provider, "")
        ]
        count = f"{counted(len(sentences), 'role')} of this account"
        none = _NONE_READ_TRUSTS if account.unlisted else _NO_ROLE_TRUSTS
        found = f"{count} can be meant, by the provider each trusts:" if sentences else none
        more = len(sentences) - _MOST_ROLES
        if more > 0:
            sentences[_MOST_ROLES:] = [
                f"{counted(more, 'more role')}: iamtui explain --as PROVIDER-ARN shows those of one."
            ]
        causes = USUAL_CAUSES[denial.action.lower()]
        comparison = DenialComparison(Agreement.DEPENDS, (found, *sentences, causes))
        denial = replace(denial, unknown=(_NEITHER_TOLD,) if not denial.caller else denial.unknown)
        return ExplainedDenial(denial, None, None, None, None, comparison, tuple(left_open))

    def _of_trusting_role(self, denial: Denial, role: Role, provider: str) -> str:
        principal = principal_from_text(provider, action=denial.action)
        question = Question(denial.action, role.arn, dict(denial.context))
        issuer = provider.partition(":oidc-provider/")[2]
        names = f"{safe_text(role.name, limit=128)} trusts {safe_text(issuer or provider, limit=256)}"
        try:
            decision, _, explanation = ask_and_trace(self.workspace, principal, question, now=self.now)
        except Problem as problem:
            return f"{names}; this cannot be evaluated: {problem.sentence}"
        if decision.outcome is Outcome.DEPENDS:
            condition = condition_of(decision).replace(f"{issuer}:", "") if issuer else condition_of(decision)
            return f"{names} if {condition} (the message does not say)."
        if decision.allowed:
            return f"{names} without a condition: its trust policy is not the cause."
        why = explanation.suggestions[0].change if explanation.suggestions else explanation.paragraph
        return f"{names}, but not with what the message contains: {why}"

    def _load(self, resource: str, left_open: list[str]) -> None:
        """Load the policy that decides about a resource; one that cannot be loaded is tried once."""
        needed = list(unloaded_policies(self.workspace, [resource])) if self.workspace.can_call_aws else []
        if any(carrier not in self.failed for carrier in needed):
            self.workspace, failed = with_resource_policies(self.workspace, [resource])
            self.failed |= failed
        for carrier in needed:
            problem = self.failed.get(carrier)
            if problem is not None:
                left_open.append(f"The policy of {carrier} is not loaded: {problem}")


def _decoded(workspace: Workspace, denial: Denial, decode: bool, left_open: list[str]) -> Denial:
    if not denial.encoded:
        return denial
    if not decode:
        if not denial.action:
            left_open.append("The request is only in the encoded message: decode it through STS.")
        elif not denial.resource:
            left_open.append("The resource is only in the encoded message: decode it through STS.")
        return denial
    try:
        text = decode_authorization_message(workspace, denial.encoded)
    except Problem as problem:
        left_open.append(f"The encoded message was not decoded: {problem}")
        return denial
    told = parse_decoded(text, denial.place)
    if told is None:
        left_open.append("STS decoded the message to something that is not an authorization message.")
        return denial
    claim = denial.claim if denial.claim.kind == told.claim.kind and denial.claim.layers else told.claim
    return replace(
        told,
        claim=claim,
        caller=told.caller or denial.caller,
        action=told.action or denial.action,
        resource=told.resource or denial.resource,
        code=denial.code,
        operation=denial.operation,
        service=denial.service,
        request_id=denial.request_id,
        authorization_id=denial.authorization_id,
        notes=(*denial.notes, *told.notes, "The request comes from the encoded message, decoded by STS."),
        # What the record around it tells besides.
        context={**denial.context, **told.context},
        credentials=denial.credentials,
        issuer=denial.issuer,
        account=denial.account,
        resource_account=denial.resource_account,
        count=denial.count,
    )


def _with_action(denial: Denial) -> Denial:
    """The denial with the action of the operation that was called, where it names no action."""
    if denial.action or not denial.operation:
        return denial
    action = iam_action(denial.service, denial.operation)
    note = f"The action is that of the call {denial.operation}."
    if not action and denial.form is DenialForm.BARE and not denial.service:
        # Several services may have a call of this name; only S3 leaves its errors as bare as this.
        action = iam_action("s3", denial.operation)
        note = f"The action is that of S3's call {denial.operation}: only S3's errors are this bare."
    if not action:
        return denial
    unknown = tuple(one for one in denial.unknown if "which action" not in one)
    return replace(denial, action=action, unknown=unknown, notes=(*denial.notes, note))


def caller_of(workspace: Workspace, denial: Denial, left_open: list[str]) -> Principal | None:
    """The caller of a request, or None when unknown or nobody here; open points are added."""
    if not denial.caller:
        return None
    try:
        principal = _provider(denial) or resolve_principal(workspace, denial.caller)
    except UnknownPrincipal as problem:
        left_open.append(str(problem))
        return None
    if principal.kind is PrincipalKind.USER and denial.credentials:
        principal = replace(principal, credentials=denial.credentials)
    if principal.kind is PrincipalKind.FEDERATED_USER and denial.issuer:
        principal = replace(principal, issuer=denial.issuer)
    account = workspace.account.id
    if principal.account is not None and principal.account != account:
        left_open.append(
            f"The caller belongs to account {principal.account}, and this is {account}: its own policies are not here."
        )
    return principal


def _provider(denial: Denial) -> Principal | None:
    """The identity provider that is named by its host: for other calls such a name is a service's."""
    if denial.caller.startswith("arn:"):
        return None
    named = principal_from_text(denial.caller, action=denial.action)
    return named if named.kind is PrincipalKind.IDENTITY_PROVIDER else None


def _question(workspace: Workspace, denial: Denial, left_open: list[str], *, strict: bool) -> Question | None:
    if not denial.action:
        return None
    known = catalogue().names.proper(denial.action)
    if known is None and "*" not in denial.action:
        left_open.append(f"AWS lists no action {denial.action}; it is evaluated as written.")
    resource = _resource(workspace, denial, left_open)
    region = denial.context.get("aws:RequestedRegion", ())
    return Question(
        action=known or denial.action,
        resource=resource,
        context=dict(denial.context),
        mode=Mode.STRICT if strict else Mode.DISCOVER,
        resource_account=_owner(denial, resource),
        region=region[0] if region else "",
    )


def _owner(denial: Denial, resource: str) -> str | None:
    arn = parse_arn(resource)
    return denial.resource_account or None if arn is not None and not arn.account else None


def _resource(workspace: Workspace, denial: Denial, left_open: list[str]) -> str:
    resource = denial.resource
    if not resource:
        if ENGINE_CATALOGUE.has_resource_type(denial.action) is not False:
            left_open.append("The resource is not known, so any resource is assumed. Name it where a change says *.")
        return "*"
    arn = parse_arn(resource)
    if arn is None:
        if resource != "*":
            left_open.append(f"{resource} is not an ARN, so any resource is assumed.")
        return "*"
    if arn.service == "iam" and arn.account == workspace.account.id:
        return with_path(workspace, resource, arn.resource_type, arn.name)
    return resource


def with_path(workspace: Workspace, resource: str, kind: str, name: str) -> str:
    """The ARN of a user or role of this name, whose path a CloudTrail record does not tell."""
    account = workspace.account
    if account.by_arn(resource) is not None:
        return resource
    entity: User | Role | None = (
        account.role(name) if kind == "role" else account.user(name) if kind == "user" else None
    )
    return entity.arn if entity is not None else resource


def roles_of_profile(account: Account, parameters: Mapping[str, object]) -> list[str]:
    """ARNs of the roles of the instance profile that a call names, as far as the account has it."""
    given = next((value for key, value in parameters.items() if key.lower() == PROFILE), None)
    names = {str(value).rpartition("/")[2] for value in given.values()} if isinstance(given, dict) else set()
    found = (account.role(role) for one in account.instance_profiles if one.name in names for role in one.roles)
    return [role.arn for role in found if role is not None]


def _not_asked(denial: Denial, principal: Principal | None) -> str:
    lacking = []
    if principal is None:
        lacking.append(_NOT_TOLD if not denial.caller else f"who {safe_text(denial.caller, limit=256)} is")
    if not denial.action:
        lacking.append("which action was refused")
    return f"The account was not compared, because it is not known {' and '.join(lacking)}."
