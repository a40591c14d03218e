"""Planning: what the assume form knows about a role before anything is sent, and what it says about the input."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from iamtui.account.model import Known, Missing, Role
from iamtui.credentials.assume_role import (
    CHAINED_SECONDS,
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    AssumeRoleInput,
    InputName,
    InputProblem,
    MfaWay,
)
from iamtui.credentials.session import NO_EXTRAS, AssumeExtras, duration_text
from iamtui.engine.condition_words import depends_text
from iamtui.engine.decision import ONLY_UNDER_CONDITIONS, Decision, Layer, LayerReport, LayerState, Outcome
from iamtui.policy.context import And, Node, leaves
from iamtui.policy.document import DocumentError, PolicyDocument, load_json, render
from iamtui.policy.json_text import json_text
from iamtui.policy.patterns import parse_arn
from iamtui.problem import Problem
from iamtui.text import counted
from iamtui.workspace.assume.assume_decision import (
    EXTERNAL_ID,
    FRESH_CODE,
    MFA_KEYS,
    WRONG_EXTERNAL_ID,
    decide_as_entered,
    decide_so_far,
    demo_refusal,
    is_temporary,
    role_of,
    tested_keys,
    what_is_known,
)
from iamtui.workspace.assume.mfa import MfaChoice, MfaSessions, known_mfa_devices
from iamtui.workspace.source.principals import caller_principal
from iamtui.workspace.source.workspace import SourceKind, Workspace

NO_CONNECTION: Final = "A snapshot comes without a connection to AWS, so no role can be assumed from it."


@dataclass(frozen=True, slots=True)
class AssumePlan:
    """Knowledge of the assume dialog before the call.

    Args:
        role_arn: the role.
        decision: our own engine's answer to sts:AssumeRole for the caller, trust policy included. Where one side is
            not loaded (a role of another account) it depends on that side or is a refusal already; None when neither
            is loaded: unknown, never "yes".
        refusal: one sentence when the call must not be made (demo: our refusal is final; no connection), or "".
        needs_external_id: the trust policy tests sts:ExternalId.
        needs_mfa: the trust policy tests aws:MultiFactorAuthPresent or aws:MultiFactorAuthAge, or another
            policy does and our answer depends on it.
        mfa_serials: the caller's MFA devices, when the account's data has them: `find_mfa_devices` asks AWS.
        default_session_name: from the caller's name, valid for STS.
        longest_seconds: MaxSessionDuration, or 3600 when the caller's own credentials are temporary.
        duration_note: why it is bounded so, one sentence, or "".
        caller_temporary: whether the caller's own credentials are temporary; None when unknown.
        inherited: what the caller's own session was made with, which no other may contradict (role chaining).
        mfa: how an MFA code would be proved: see MfaChoice; None when none is asked for, or no `MfaSessions` were
            given.
        wrong_external_id: whether our answer is no for the external id alone that was entered.
    """

    role_arn: str
    decision: Decision | None
    refusal: str
    needs_external_id: bool
    needs_mfa: bool
    mfa_serials: tuple[str, ...]
    default_session_name: str
    longest_seconds: int
    duration_note: str
    caller_temporary: bool | None = None
    inherited: AssumeExtras = NO_EXTRAS
    mfa: MfaChoice | None = None
    wrong_external_id: bool = False

    @property
    def mfa_serial(self) -> str:
        """The device to offer first, or "" when none is known."""
        return self.mfa_serials[0] if self.mfa_serials else ""

    def what_is_known(self, workspace: Workspace) -> str:
        """Where only one side or none is loaded, what is known and what is lacking, in a sentence or two; else "".

        A wrong external id is said whatever is loaded.
        """
        return WRONG_EXTERNAL_ID if self.wrong_external_id else what_is_known(workspace, self.role_arn, self.decision)


def plan_assume(
    workspace: Workspace, entered: AssumeRoleInput, *, mfa_sessions: MfaSessions | None = None
) -> AssumePlan:
    """Prepare the dialog for one role, answering the trust question with what has been entered so far.

    What has not been entered yet is unknown, so that the answer says what it depends on; a session name that is ""
    is the default. A shared MFA session that serves counts as entered. Blocking: finding out whether the caller's
    credentials are temporary may fetch them.

    Args:
        entered: what has been entered so far; ANY_CODE says that there is an MFA code.
        mfa_sessions: those of the running program; without them every code goes with its call.
    """
    role_arn, has_code = entered.role_arn, entered.mfa_code is not None
    default_name = default_session_name(workspace)
    so_far = replace(entered, session_name=entered.session_name or default_name, mfa_code=None)
    role = role_of(workspace, role_arn)
    decision = decide_so_far(workspace, so_far, FRESH_CODE if has_code else None)
    tested = tested_keys(role)
    asked = tested | {key.lower() for key in decision.missing_context} if decision is not None else tested
    needs_mfa = not MFA_KEYS.isdisjoint(asked)
    longest, note = longest_session(workspace, role)
    choice = None
    if mfa_sessions is not None and (needs_mfa or entered.mfa_serial):
        # A shared MFA session gives one hour at most.
        seconds = min(entered.duration_seconds, longest)
        choice = mfa_sessions.choice(workspace, replace(so_far, duration_seconds=seconds))
        if choice.session is not None and not has_code:
            decision = decide_so_far(workspace, so_far, choice.proof)
    known = known_mfa_devices(workspace)
    wrong_id = False
    if entered.external_id and role is not None and decision is not None and decision.denied:
        shared = choice.proof if choice is not None and choice.session is not None else None
        open_id = decide_so_far(workspace, replace(so_far, external_id=""), FRESH_CODE if has_code else shared)
        wrong_id = open_id is not None and not open_id.denied
    return AssumePlan(
        role_arn=role_arn,
        decision=decision,
        refusal=_refusal(workspace, role_arn, decision),
        needs_external_id=EXTERNAL_ID.lower() in tested,
        needs_mfa=needs_mfa,
        mfa_serials=known.serials if known is not None else (),
        default_session_name=default_name,
        longest_seconds=longest,
        duration_note=note,
        caller_temporary=is_temporary(workspace),
        inherited=workspace.caller_extras,
        mfa=choice,
        wrong_external_id=wrong_id,
    )


def plan_without_code(workspace: Workspace, plan: AssumePlan, entered: AssumeRoleInput) -> AssumePlan:
    """The plan for exactly this input without an MFA code: other keys are absent."""
    decision = decide_as_entered(workspace, entered, None)
    return replace(plan, decision=decision, refusal=_refusal(workspace, plan.role_arn, decision))


def check_input(plan: AssumePlan, entered: AssumeRoleInput) -> tuple[InputProblem, ...]:
    """Everything that STS would refuse, with the input it is about; empty when all is well."""
    return input_problems(entered, plan.longest_seconds, plan.duration_note, plan.inherited)


def input_problems(
    entered: AssumeRoleInput, longest_seconds: int, duration_note: str, inherited: AssumeExtras
) -> tuple[InputProblem, ...]:
    """As `check_input`, without a plan."""
    problems = entered.problems(longest_seconds, duration_note, inherited)
    unreadable = policy_problem(entered.extras.policy)
    return (*problems, InputProblem(InputName.POLICY, unreadable)) if unreadable else problems


def _refusal(workspace: Workspace, role_arn: str, decision: Decision | None) -> str:
    return NO_CONNECTION if workspace.connection is None else demo_refusal(workspace, role_arn, decision)


def longest_session(workspace: Workspace, role: Role | None) -> tuple[int, str]:
    """The longest session STS will give, in seconds, and why (IAM User Guide: Methods to assume a role)."""
    fact = role.max_session_seconds if role is not None else Missing("the role is not in this account")
    of_role = fact.value_or(LONGEST_SECONDS)
    if is_temporary(workspace):
        return min(CHAINED_SECONDS, of_role), (
            "Your own credentials are temporary, and a role assumed with such (role chaining) lasts one hour at most."
        )
    if isinstance(fact, Missing):
        return of_role, f"The longest session of the role is not known ({fact.reason}); STS refuses a longer one."
    return of_role, f"The role allows sessions of up to {_hours(of_role)}."


def _hours(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return counted(hours, "hour") if not rest else f"{seconds} seconds"


def default_session_name(workspace: Workspace) -> str:
    """The caller's own name, so that it stays visible in CloudTrail through role chaining."""
    caller = workspace.account.caller_arn
    last = "" if isinstance(caller, Missing) else re.split("[:/]", caller.value)[-1]
    name = re.sub("[^A-Za-z0-9_+=,.@-]", "-", last)[:64]
    return name if len(name) >= 2 else f"iamtui-{name}".rstrip("-")


# Both sides of sts:AssumeRole apart: whether the role's account lets the caller in, and whether the caller may ask.
# STS never says which side refused, so the form says it before the call and beside a refusal.


class SideAnswer(StrEnum):
    """Answer of one side."""

    YES = "yes"
    DENIED = "denied"
    NOTHING = "nothing allows it"
    DEPENDS = "depends"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Side:
    """One side's answer with its reason: a sentence or part of one, raw text."""

    answer: SideAnswer
    why: str


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides.

    Args:
        trust: the role's: its trust policy and the RCPs of its account.
        own: the caller's: identity policies, permissions boundary, session policies and SCPs.
    """

    trust: Side
    own: Side


_OF_ROLE: Final = (Layer.RESOURCE, Layer.RCP)
_OF_CALLER: Final = (Layer.IDENTITY, Layer.SESSION, Layer.BOUNDARY, Layer.SCP, Layer.VPC_ENDPOINT, Layer.SERVICE_RULE)

_TRUST_POLICY: Final = re.compile(r"^trust policy of \S+ / ")
"""How the engine names statements of a trust policy; whose it is goes without saying here."""

_NO_STATEMENT: Final = "No statement allows it."

_WHO: Final = Side(SideAnswer.UNKNOWN, "who you are is not known here")


def sides_of(workspace: Workspace, plan: AssumePlan) -> Sides:
    """Tell both sides of a plan apart; what is not loaded is unknown.

    Args:
        workspace: that of the caller the plan was made for.
    """
    caller = caller_principal(workspace)
    arn = parse_arn(plan.role_arn)
    if arn is None:
        unclear = Side(SideAnswer.UNKNOWN, "which role is meant is not known yet")
        return Sides(unclear, unclear)
    if caller is None or plan.decision is None:
        return Sides(_WHO, _WHO)
    here = workspace.account.id
    if plan.wrong_external_id:
        denied = plan.decision.outcome is Outcome.EXPLICIT_DENY
        answer = SideAnswer.DENIED if denied else SideAnswer.NOTHING
        trust = Side(answer, "the external id is not the one that the trust policy asks for")
    elif isinstance(workspace.account.by_arn(plan.role_arn), Role):
        trust = _side(plan.decision, _OF_ROLE)
    elif arn.account == here:
        trust = Side(SideAnswer.UNKNOWN, "the role is not in the data of this account")
    else:
        trust = Side(SideAnswer.UNKNOWN, f"the role is in account {arn.account}, whose trust policy is not loaded")
    if caller.account == here:
        return Sides(trust, _side(plan.decision, _OF_CALLER))
    return Sides(trust, Side(SideAnswer.UNKNOWN, f"you are in account {caller.account}, whose policies are not loaded"))


def _side(decision: Decision, layers: tuple[Layer, ...]) -> Side:
    reports = [report for report in decision.layers if report.layer in layers]
    side = (
        _denied(reports)
        or _not_allowed(decision, reports)
        or _dependent(decision, layers, reports)
        or _silent(decision, reports)
    )
    what = "" if decision.request.action == "sts:AssumeRole" else f" ({decision.request.action})"
    return Side(side.answer, f"{side.why}{what}") if side else _allowed(decision, reports, what)


def _denied(reports: list[LayerReport]) -> Side | None:
    denying = (report for report in reports if report.state is LayerState.DENIES)
    return next((Side(SideAnswer.DENIED, _shortened(report.why)) for report in denying), None)


def _not_allowed(decision: Decision, reports: list[LayerReport]) -> Side | None:
    stopping = {reason.layer for reason in decision.reasons}
    report = next((report for report in reports if report.layer in stopping), None)
    if report is None:
        return None
    return _nothing(report)


def _nothing(report: LayerReport) -> Side:
    nobody = report.layer is Layer.IDENTITY and report.why == _NO_STATEMENT
    return Side(SideAnswer.NOTHING, "no policy of yours allows it" if nobody else _shortened(report.why))


def _dependent(decision: Decision, layers: tuple[Layer, ...], reports: list[LayerReport]) -> Side | None:
    open_layers = {ref.layer for ref in decision.matched if ref.undetermined}
    silent = (report for report in reports if report.state is LayerState.SILENT and report.layer in open_layers)
    if (report := next(silent, None)) is not None:
        return Side(SideAnswer.DEPENDS, _condition(decision, layers) or _shortened(report.why))
    condition = _condition(decision, layers) if decision.outcome is Outcome.DEPENDS else ""
    return Side(SideAnswer.DEPENDS, condition) if condition else None


_SPARED_BY_RESOURCE: Final = (Layer.IDENTITY, Layer.BOUNDARY, Layer.SESSION)
"""Layers that need not allow what the trust policy allows the caller by name (IAM User Guide: evaluation logic)."""


def _silent(decision: Decision, reports: list[LayerReport]) -> Side | None:
    """Result of this side's layers that do not allow, where the other side decided already."""
    named = any(report.layer is Layer.RESOURCE and report.state is LayerState.ALLOWS for report in decision.layers)
    for report in reports:
        if report.state is LayerState.SILENT and not (named and report.layer in _SPARED_BY_RESOURCE):
            if ONLY_UNDER_CONDITIONS in report.why:
                return Side(SideAnswer.DEPENDS, _shortened(report.why))
            return _nothing(report)
    return None


def _allowed(decision: Decision, reports: list[LayerReport], what: str) -> Side:
    """The side of layers that neither deny nor depend, with those that were not evaluated."""
    allowing = {report.layer for report in decision.layers if report.state is LayerState.ALLOWS}
    skipped = ", ".join(report.layer.value.upper() for report in reports if report.state is LayerState.NOT_EVALUATED)
    unloaded = f" ({skipped} not evaluated)" if skipped else ""
    silent = any(report.layer is Layer.IDENTITY and report.state is LayerState.SILENT for report in reports)
    if silent and Layer.RESOURCE in allowing:
        return Side(SideAnswer.YES, f"you need no policy of your own: the trust policy names you{unloaded}")
    for report in reports:
        if report.state is LayerState.ALLOWS:
            return Side(SideAnswer.YES, f"{_shortened(report.why)}{what}{unloaded}")
    if skipped:
        return Side(SideAnswer.UNKNOWN, f"{skipped} not loaded")
    return Side(SideAnswer.YES, "nothing stands in the way")


def _shortened(why: str) -> str:
    """A sentence about a layer for behind a colon, in words for the caller."""
    why = _TRUST_POLICY.sub("", why).removesuffix(".").replace("lets the caller in", "lets you in")
    return f"no{why[2:]}" if why.startswith("No ") else why


def _condition(decision: Decision, layers: tuple[Layer, ...]) -> str:
    """Condition of these layers in the answer, or "" when the parts cannot be separated."""
    node = decision.depends_on
    if node is None:
        return ""
    if isinstance(node, And):
        parts = tuple(part for part in node.parts if _is_of(part, layers))
        own = And(parts) if len(parts) != 1 else parts[0]
    else:
        own = node if _is_of(node, layers) else And(())
    words = depends_text(own, decision.request)
    return f"only if {words}" if words else ""


def _is_of(node: Node, layers: tuple[Layer, ...]) -> bool:
    return all((Layer(leaf.source.layer) if leaf.source is not None else None) in layers for leaf in leaves(node))


# Planned: what is known about a call before it is made. Blocking: for a thread.


@dataclass(frozen=True, slots=True)
class Planned:
    """Plan of a call that has not been made.

    Args:
        typed: what had been entered; ANY_CODE in the place of an MFA code.
        plan: our own answer and what the role asks for.
        sides: the same answer, the role's side and the caller's apart.
        bounds: how long the session may last, in a few words.
        why_bounds: why, when that is not simply the role's maximum, else "".
        chained: whether a session assumes the role.
        is_foreign: whether the role's trust policy is not known, so that it may ask for anything.
        is_demo: whether our own answer is final.
    """

    typed: AssumeRoleInput
    plan: AssumePlan
    sides: Sides
    bounds: str
    why_bounds: str
    chained: bool
    is_foreign: bool
    is_demo: bool

    @property
    def reuses_a_code(self) -> bool:
        """True where an earlier MFA code counts."""
        return self.plan.mfa is not None and self.plan.mfa.way is MfaWay.REUSED

    @property
    def wants_external_id(self) -> bool:
        return self.plan.needs_external_id and self._depends_on(frozenset((EXTERNAL_ID.lower(),)))

    @property
    def wants_mfa(self) -> bool:
        return self.plan.needs_mfa and self._depends_on(MFA_KEYS)

    @property
    def will_be_refused(self) -> bool:
        decision = self.plan.decision
        return decision is not None and decision.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)

    def _depends_on(self, keys: frozenset[str]) -> bool:
        decision = self.plan.decision
        if decision is None or decision.outcome is not Outcome.DEPENDS:
            return False
        return not keys.isdisjoint(key.lower() for key in decision.missing_context)


def make_plan(
    own: Workspace, typed: AssumeRoleInput, mfa_sessions: MfaSessions | None = None, *, chained: bool
) -> Planned:
    """Ask our own engine about a call.

    Args:
        own: the workspace of whoever is to assume the role.
        mfa_sessions: where an MFA code that was given before may still count.
        chained: whether that is a session.

    Raises:
        Problem: the call cannot be planned.
    """
    plan = plan_assume(own, typed, mfa_sessions=mfa_sessions)
    role = role_of(own, typed.role_arn)
    if role is None and plan.mfa is None and plan.mfa_serial and mfa_sessions is not None:
        # Whether this role asks for MFA is not known, so the caller's device may be needed.
        plan = plan_assume(own, replace(typed, mfa_serial=plan.mfa_serial), mfa_sessions=mfa_sessions)
    longest = duration_text(plan.longest_seconds)
    most = role.max_session_seconds if role is not None else None
    of_role = most == Known(plan.longest_seconds)
    if chained:
        bounds = f"{duration_text(SHORTEST_SECONDS)} to {longest} (role chaining)"
    elif of_role:
        bounds = f"{duration_text(SHORTEST_SECONDS)} to {longest}, the role's most"
    else:
        bounds = f"{duration_text(SHORTEST_SECONDS)} to {longest}"
    why = "" if of_role and not chained else plan.duration_note
    return Planned(
        typed, plan, sides_of(own, plan), bounds, why, chained, role is None, own.source.kind is SourceKind.DEMO
    )


# Inline session policies: as short as JSON can say them for STS, which counts characters, and readable for people.


STARTING_POLICY: Final = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "s3:GetObject",
      "Resource": "*"
    }
  ]
}
"""
"""First text of an editor."""


def policy_problem(text: str) -> str:
    """Why STS cannot read this inline session policy, one sentence, or "" (also for none)."""
    error = PolicyDocument(text).error if text else None
    if error is None:
        return ""
    return f"The session policy cannot be read: {error.message}."


def compact_policy(text: str, what: str = "session policy") -> str:
    r"""The same document without blanks between its parts, and with what is not ASCII as \uXXXX.

    Raises:
        Problem: it is not a JSON object, or repeats a key, whose first value would be lost.
    """
    try:
        document = load_json(text)
    except DocumentError as error:
        where = f" (line {error.line})" if error.line is not None else ""
        raise Problem(f"The {what} cannot be read{where}: {error.message}.", "Correct it.") from None
    if not isinstance(document, dict):
        raise Problem(f"The {what} is not a JSON object.", "A policy is an object: { ... }.")
    return json_text(document, separators=(",", ":"), ensure_ascii=True)


def readable_policy(text: str) -> str:
    """The document with a line for each part; a text that cannot be read stays as it is."""
    try:
        return render(load_json(text))
    except DocumentError:
        return text
