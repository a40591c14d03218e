"""Assuming a role: our own trust check first, then STS, then proof of who one has become."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from iamtui.account.availability import Missing
from iamtui.account.model import Role, User
from iamtui.aws.errors import AwsProblem
from iamtui.credentials.assume import InvalidRequest, assume_role
from iamtui.credentials.assume_request import CHAINED_SECONDS, LONGEST_SECONDS, AssumeRoleRequest
from iamtui.credentials.session import Clock, Session, utc_now
from iamtui.evaluation.decision import Decision, Layer, Outcome
from iamtui.evaluation.explanation import explain
from iamtui.evaluation.request import Principal, PrincipalKind
from iamtui.evaluation.wording import depends_text
from iamtui.policy.document import Statement
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import safe_text
from iamtui.workspace.asking import Question, ask
from iamtui.workspace.principals import caller_principal
from iamtui.workspace.workspace import SourceKind, Workspace

_EXTERNAL_ID: Final = "sts:ExternalId"
_MFA_PRESENT: Final = "aws:MultiFactorAuthPresent"
_MFA_AGE: Final = "aws:MultiFactorAuthAge"
_MFA_KEYS: Final = frozenset((_MFA_PRESENT.lower(), _MFA_AGE.lower()))
_SESSION_NAME: Final = "sts:RoleSessionName"
_REQUEST_TAG: Final = "aws:requesttag/"

_SOURCE_IDENTITY: Final = "sts:SourceIdentity"
_TAG_KEYS: Final = "aws:TagKeys"
_TRANSITIVE_KEYS: Final = "sts:TransitiveTagKeys"

_WITH_MFA: Final[dict[str, tuple[str, ...]]] = {_MFA_PRESENT: ("true",), _MFA_AGE: ("0",)}
"""What a fresh MFA code puts into the request."""

_NO_CONNECTION: Final = "A snapshot comes without a connection to AWS, so no role can be assumed from it."

_OTHER_TRUST_ACTIONS: Final = frozenset(
    ("sts:assumerolewithsaml", "sts:assumerolewithwebidentity", "sts:tagsession", "sts:setsourceidentity")
)

_TEMPORARY_KINDS: Final = (PrincipalKind.ROLE_SESSION, PrincipalKind.ROLE, PrincipalKind.FEDERATED_USER)


@dataclass(frozen=True, slots=True)
class AssumePlan:
    """What the assume dialog knows before the call.

    Args:
        role_arn: the role.
        decision: our own engine's answer to sts:AssumeRole for the caller, trust policy included; None
            when the role or the caller is not in the account (a foreign role): unknown, never "yes".
        refusal: one sentence when the call must not be made (demo: our refusal is final; no connection), or "".
        needs_external_id: the trust policy tests sts:ExternalId.
        needs_mfa: the trust policy tests aws:MultiFactorAuthPresent or aws:MultiFactorAuthAge, or another
            policy does and our answer depends on it.
        mfa_serial: the caller's MFA device, when known, or "".
        default_session_name: from the caller's name, valid for STS.
        longest_seconds: MaxSessionDuration, or 3600 when the caller's own credentials are temporary.
        duration_note: why it is bounded so, one sentence, or "".
    """

    role_arn: str
    decision: Decision | None
    refusal: str
    needs_external_id: bool
    needs_mfa: bool
    mfa_serial: str
    default_session_name: str
    longest_seconds: int
    duration_note: str


@dataclass(frozen=True, slots=True)
class AssumeExtras:
    """What few callers send: everything of sts:AssumeRole that has no answer in the role.

    Args:
        policy: JSON text of an inline session policy, or "".
        policy_arns: managed session policies.
        tags: session tags, as pairs of key and value.
        transitive_tag_keys: keys of `tags` that role chaining passes on.
        source_identity: what no later session can change, or "".
    """

    policy: str = ""
    policy_arns: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str = ""

    @property
    def actions(self) -> tuple[str, ...]:
        """What the trust policy and the caller's policies must allow (IAM User Guide: Pass session tags; Monitor
        and control actions taken with assumed roles)."""
        return (
            "sts:AssumeRole",
            *(("sts:TagSession",) if self.tags else ()),
            *(("sts:SetSourceIdentity",) if self.source_identity else ()),
        )

    @property
    def context(self) -> dict[str, tuple[str, ...]]:
        """The condition keys that these put into the request; an empty tuple says that it lacks the key."""
        return {
            _SOURCE_IDENTITY: (self.source_identity,) if self.source_identity else (),
            _TAG_KEYS: tuple(key for key, _ in self.tags),
            _TRANSITIVE_KEYS: self.transitive_tag_keys,
            **{f"{_REQUEST_TAG}{key.lower()}": (value,) for key, value in self.tags},
        }


@dataclass(frozen=True, slots=True)
class AssumeInput:
    """What the user entered. Durations in seconds; the MFA code is secret."""

    role_arn: str
    session_name: str
    duration_seconds: int
    external_id: str = ""
    mfa_serial: str = ""
    mfa_code: Secret | None = None
    extras: AssumeExtras = AssumeExtras()


def plan_assume(
    workspace: Workspace,
    role_arn: str,
    *,
    external_id: str = "",
    with_mfa: bool = False,
    extras: AssumeExtras = AssumeExtras(),
) -> AssumePlan:
    """Prepare the dialog for one role, answering the trust question with what has been entered so far.

    What has not been entered yet is unknown, so that the answer says what it depends on. Blocking: finding out
    whether the caller's credentials are temporary may fetch them.

    Args:
        external_id: as entered, or "" for not yet.
        with_mfa: whether an MFA code has been entered.
        extras: the rest of what has been entered; what is not in it is not sent.
    """
    name = _default_session_name(workspace)
    context: dict[str, tuple[str, ...]] = {_SESSION_NAME: (name,)}
    if external_id:
        context[_EXTERNAL_ID] = (external_id,)
    if with_mfa:
        context |= _WITH_MFA
    role = _role(workspace, role_arn)
    decision = _decide(workspace, role, caller_principal(workspace), context, extras)
    tested = _tested_keys(role)
    asked = tested | {key.lower() for key in decision.missing_context} if decision is not None else tested
    longest, note = _longest(workspace, role)
    return AssumePlan(
        role_arn=role_arn,
        decision=decision,
        refusal=_refusal(workspace, role_arn, decision),
        needs_external_id=_EXTERNAL_ID.lower() in tested,
        needs_mfa=not _MFA_KEYS.isdisjoint(asked),
        mfa_serial=_mfa_serial(workspace),
        default_session_name=name,
        longest_seconds=longest,
        duration_note=note,
    )


def check_input(plan: AssumePlan, entered: AssumeInput) -> tuple[str, ...]:
    """One sentence for each field that STS would refuse; empty when all is well."""
    problems = _request(entered).problems()
    if plan.longest_seconds < entered.duration_seconds <= LONGEST_SECONDS:
        longest = f"this session may last {plan.longest_seconds} at most. {plan.duration_note}".rstrip()
        problems += (f"The duration is {entered.duration_seconds} seconds; {longest}",)
    return problems


def assume(workspace: Workspace, entered: AssumeInput, *, clock: Clock = utc_now) -> Session:
    """Call sts:AssumeRole and then GetCallerIdentity with the new credentials. Blocking.

    Args:
        clock: the local time.

    Raises:
        Problem: refused by our own check (demo), by validation, or by STS; says why and what to do.
    """
    if workspace.connection is None:
        raise Problem(_NO_CONNECTION, "Open the account with --profile, or the demo with --demo.")
    role = _role(workspace, entered.role_arn)
    longest, note = _longest(workspace, role)
    problems = check_input(AssumePlan(entered.role_arn, None, "", False, False, "", "", longest, note), entered)
    if problems:
        raise InvalidRequest(problems)
    decision = _decide_as_entered(workspace, role, entered)
    if workspace.source.kind is SourceKind.DEMO:
        refusal = _refusal(workspace, entered.role_arn, decision) or _open_in_the_demo(decision)
        if refusal:
            step = _what_to_enter(workspace, role, entered)
            raise Problem(refusal, step or "Choose a role that trusts you, or another caller.")
    caller = workspace.account.caller_arn
    try:
        session = assume_role(
            workspace.connection,
            _request(entered),
            source_arn="" if isinstance(caller, Missing) else caller.value,
            demo=workspace.source.kind is SourceKind.DEMO,
            clock=clock,
        )
    except AwsProblem as problem:
        step = _what_to_enter(workspace, role, entered)
        failure = _explained(problem, decision, step, entered) if problem.denied else problem
    else:
        return replace(session, region=workspace.source.region or session.region)
    raise failure.with_traceback(None)


def _request(entered: AssumeInput) -> AssumeRoleRequest:
    return AssumeRoleRequest(
        entered.role_arn,
        entered.session_name,
        entered.duration_seconds,
        entered.external_id,
        entered.mfa_serial,
        entered.mfa_code,
        entered.extras.policy,
        entered.extras.policy_arns,
        entered.extras.tags,
        entered.extras.transitive_tag_keys,
        entered.extras.source_identity,
    )


def _role(workspace: Workspace, role_arn: str) -> Role | None:
    entity = workspace.account.by_arn(role_arn)
    return entity if isinstance(entity, Role) else None


def _is_temporary(workspace: Workspace) -> bool | None:
    """Whether the caller's own credentials are temporary; None when unknown."""
    caller = caller_principal(workspace)
    if caller is not None and (caller.kind in _TEMPORARY_KINDS or caller.credentials == "temporary"):
        return True
    if workspace.connection is None:
        return None
    try:
        return workspace.connection.is_temporary()
    except Problem:
        return None


def _decide(
    workspace: Workspace,
    role: Role | None,
    caller: Principal | None,
    context: Mapping[str, tuple[str, ...]],
    extras: AssumeExtras,
) -> Decision | None:
    """The worst of our answers to the actions that the request needs; None when one cannot be asked."""
    if role is None or caller is None or caller.account != workspace.account.id:
        return None
    untagged = {key: () for key in _tested_keys(role) if key.startswith(_REQUEST_TAG)}
    given: dict[str, tuple[str, ...]] = {**untagged, **extras.context, **context}
    decisions = (ask(workspace, caller, Question(action, role.arn, given)) for action in extras.actions)
    return min(decisions, key=lambda decision: _FROM_WORST.index(decision.outcome))


_FROM_WORST: Final = (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY, Outcome.DEPENDS, Outcome.ALLOWED)


def _decide_as_entered(workspace: Workspace, role: Role | None, entered: AssumeInput) -> Decision | None:
    """Our answer to exactly the request that will be sent: what was not entered is absent."""
    context: dict[str, tuple[str, ...]] = {
        _SESSION_NAME: (entered.session_name,),
        _EXTERNAL_ID: (entered.external_id,) if entered.external_id else (),
    }
    caller = caller_principal(workspace)
    if entered.mfa_code:
        context |= _WITH_MFA
    elif caller is not None and caller.kind is PrincipalKind.USER and _is_temporary(workspace) is False:
        caller = replace(caller, credentials="long_term")
        context |= {_MFA_PRESENT: (), _MFA_AGE: ()}
    return _decide(workspace, role, caller, context, entered.extras)


def _tested_keys(role: Role | None) -> frozenset[str]:
    """The condition keys, in lower case, that the trust policy tests for sts:AssumeRole."""
    if role is None or role.trust.error is not None:
        return frozenset()
    return frozenset(
        line.key.lower()
        for statement in role.trust.policy.statements
        if _is_about_assume_role(statement)
        for line in statement.conditions
    )


def _is_about_assume_role(statement: Statement) -> bool:
    actions = statement.actions
    return actions is None or any(action.lower() not in _OTHER_TRUST_ACTIONS for action in actions)


def _refusal(workspace: Workspace, role_arn: str, decision: Decision | None) -> str:
    if workspace.connection is None:
        return _NO_CONNECTION
    if workspace.source.kind is not SourceKind.DEMO:
        return ""
    if decision is None:
        return f"The demo account has no role {safe_text(role_arn)}, or does not know its own caller."
    if decision.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY):
        return f"AWS would refuse this, so the demo does: {_why_denied(decision)}"
    return ""


def _open_in_the_demo(decision: Decision | None) -> str:
    if decision is None or decision.depends_on is None or decision.outcome is not Outcome.DEPENDS:
        return ""
    return f"The demo cannot tell whether AWS would allow this: only if {depends_text(decision.depends_on)}."


def _why_denied(decision: Decision) -> str:
    """What stands in the way, one sentence for each layer."""
    sentences = []
    for reason, blocker in zip(decision.reasons, explain(decision).blockers, strict=True):
        if reason.kind == "implicit" and reason.layer is Layer.RESOURCE:
            sentences.append(f"No statement of the role's trust policy lets the caller in{_for_what(decision)}.")
        elif reason.kind == "implicit" and reason.layer is Layer.IDENTITY:
            sentences.append(f"No identity policy of the caller allows {decision.request.action} on the role.")
        else:
            sentences.append(blocker.replace("Denied by the resource policy", "Denied by the role's trust policy"))
    return " ".join(sentences)


def _for_what(decision: Decision) -> str:
    """Which of the actions is meant, when it is not the usual one."""
    action = decision.request.action
    if action == "sts:TagSession":
        return " with session tags (sts:TagSession)"
    return " with a source identity (sts:SetSourceIdentity)" if action == "sts:SetSourceIdentity" else ""


def _what_to_enter(workspace: Workspace, role: Role | None, entered: AssumeInput) -> str:
    """What was not entered although it would make the difference, as a next step, or ""."""
    context: dict[str, tuple[str, ...]] = {_SESSION_NAME: (entered.session_name,)}
    if entered.external_id:
        context[_EXTERNAL_ID] = (entered.external_id,)
    if entered.mfa_code:
        context |= _WITH_MFA
    decision = _decide(workspace, role, caller_principal(workspace), context, entered.extras)
    if decision is None or decision.outcome is not Outcome.DEPENDS:
        return ""
    keys = {key.lower() for key in decision.missing_context}
    missing = []
    if _EXTERNAL_ID.lower() in keys:
        missing.append("the external id")
    if not _MFA_KEYS.isdisjoint(keys):
        missing.append("an MFA code")
    return f"Enter {' and '.join(missing)}: AWS's answer depends on it." if missing else ""


def _explained(problem: AwsProblem, decision: Decision | None, step: str, entered: AssumeInput) -> AwsProblem:
    """STS never says which side refused; our own decision does."""
    if decision is None:
        ours = "Whether the role trusts the caller cannot be told here: one of them is not in the data that is loaded."
        step = step or "Ask the role's owner whether its trust policy names you, and with which external id or MFA."
    elif decision.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY):
        ours = f"By our own reading: {_why_denied(decision)}"
        step = step or "Have the policy named here changed, or assume another role."
    elif decision.depends_on is not None:
        ours = f"By our own reading it is allowed only if {depends_text(decision.depends_on)}."
        step = step or "Check that this holds."
    else:
        ours = "By our own reading the policies that are loaded allow it."
        wrong = "the MFA code may be wrong or used already, or " if entered.mfa_code else ""
        unloaded = ", ".join(layer.value.upper() for layer in decision.not_evaluated)
        not_loaded = f"something that is not loaded may forbid it ({unloaded}), or " if unloaded else ""
        step = f"Check again: {wrong}{not_loaded}the data is older than a change of the policies (refresh)."
    return AwsProblem(f"{problem.sentence} {ours}", step, code=problem.code, permission=problem.permission)


def _longest(workspace: Workspace, role: Role | None) -> tuple[int, str]:
    """The longest session STS will give, in seconds, and why (IAM User Guide: Methods to assume a role)."""
    fact = role.max_session_seconds if role is not None else Missing("the role is not in this account")
    of_role = LONGEST_SECONDS if isinstance(fact, Missing) else fact.value
    if _is_temporary(workspace):
        return min(CHAINED_SECONDS, of_role), (
            "Your own credentials are temporary, and a role assumed with such (role chaining) lasts one hour at most."
        )
    if isinstance(fact, Missing):
        return of_role, f"The longest session of the role is not known ({fact.reason}); STS refuses a longer one."
    return of_role, f"The role allows sessions of up to {_hours(of_role)}."


def _hours(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return ("1 hour" if hours == 1 else f"{hours} hours") if not rest else f"{seconds} seconds"


def _mfa_serial(workspace: Workspace) -> str:
    caller = caller_principal(workspace)
    user = workspace.account.by_arn(caller.arn) if caller is not None else None
    if not isinstance(user, User) or isinstance(user.mfa_devices, Missing) or not user.mfa_devices.value:
        return ""
    return user.mfa_devices.value[0].serial


def _default_session_name(workspace: Workspace) -> str:
    """The caller's own name, so that it stays visible in CloudTrail through role chaining."""
    caller = workspace.account.caller_arn
    last = "" if isinstance(caller, Missing) else re.split("[:/]", caller.value)[-1]
    name = re.sub("[^A-Za-z0-9_+=,.@-]", "-", last)[:64]
    return name if len(name) >= 2 else f"iamtui-{name}".rstrip("-")
