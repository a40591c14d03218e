"""Planning: what the assume form knows about a role before anything is sent, and what it says about the input."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from iamtui.account.model import Missing, Role
from iamtui.credentials.assume_role import (
    CHAINED_SECONDS,
    LONGEST_SECONDS,
    AssumeRoleInput,
    InputName,
    InputProblem,
)
from iamtui.credentials.session_extras import NO_EXTRAS, AssumeExtras
from iamtui.engine.decision import Decision
from iamtui.policy.document import DocumentError, load_json, render
from iamtui.policy.json_text import json_text
from iamtui.problem import Problem
from iamtui.workspace.assume_decision import (
    EXTERNAL_ID,
    FRESH_CODE,
    MFA_KEYS,
    decide_as_entered,
    decide_so_far,
    is_denied,
    is_temporary,
    policy_problem,
    role_of,
    tested_keys,
)
from iamtui.workspace.assume_refusals import WRONG_EXTERNAL_ID, demo_refusal, what_is_known
from iamtui.workspace.mfa import MfaChoice, MfaSessions, known_mfa_devices
from iamtui.workspace.workspace import Workspace

NO_CONNECTION: Final = "A snapshot comes without a connection to AWS, so no role can be assumed from it."


@dataclass(frozen=True, slots=True)
class AssumePlan:
    """What the assume dialog knows before the call.

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
        known: where only one side or none is loaded, what is known and what is lacking, in a sentence or two; else "".
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
    known: str = ""
    mfa: MfaChoice | None = None
    wrong_external_id: bool = False

    @property
    def mfa_serial(self) -> str:
        """The device to offer first, or "" when none is known."""
        return self.mfa_serials[0] if self.mfa_serials else ""


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
    if entered.external_id and role is not None and decision is not None and is_denied(decision):
        shared = choice.proof if choice is not None and choice.session is not None else None
        open_id = decide_so_far(workspace, replace(so_far, external_id=""), FRESH_CODE if has_code else shared)
        wrong_id = open_id is not None and not is_denied(open_id)
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
        known=WRONG_EXTERNAL_ID if wrong_id else what_is_known(workspace, role_arn, decision),
        mfa=choice,
        wrong_external_id=wrong_id,
    )


def plan_without_code(workspace: Workspace, plan: AssumePlan, entered: AssumeRoleInput) -> AssumePlan:
    """The plan as it stands when exactly this is sent, and no MFA code with it: what is not in it is absent."""
    decision = decide_as_entered(workspace, entered, None)
    known = what_is_known(workspace, plan.role_arn, decision)
    return replace(
        plan,
        decision=decision,
        refusal=_refusal(workspace, plan.role_arn, decision),
        known=WRONG_EXTERNAL_ID if plan.wrong_external_id else known,
    )


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
    of_role = LONGEST_SECONDS if isinstance(fact, Missing) else fact.value
    if is_temporary(workspace):
        return min(CHAINED_SECONDS, of_role), (
            "Your own credentials are temporary, and a role assumed with such (role chaining) lasts one hour at most."
        )
    if isinstance(fact, Missing):
        return of_role, f"The longest session of the role is not known ({fact.reason}); STS refuses a longer one."
    return of_role, f"The role allows sessions of up to {_hours(of_role)}."


def _hours(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return ("1 hour" if hours == 1 else f"{hours} hours") if not rest else f"{seconds} seconds"


def default_session_name(workspace: Workspace) -> str:
    """The caller's own name, so that it stays visible in CloudTrail through role chaining."""
    caller = workspace.account.caller_arn
    last = "" if isinstance(caller, Missing) else re.split("[:/]", caller.value)[-1]
    name = re.sub("[^A-Za-z0-9_+=,.@-]", "-", last)[:64]
    return name if len(name) >= 2 else f"iamtui-{name}".rstrip("-")


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
"""What an editor begins with."""


def compact_policy(text: str) -> str:
    r"""The same document without blanks between its parts, and with what is not ASCII as \uXXXX.

    Raises:
        Problem: it is not a JSON object, or repeats a key, whose first value would be lost.
    """
    try:
        document = load_json(text)
    except DocumentError as error:
        where = f" (line {error.line})" if error.line is not None else ""
        raise Problem(f"The session policy cannot be read{where}: {error.message}.", "Correct it.") from None
    if not isinstance(document, dict):
        raise Problem("The session policy is not a JSON object.", "A policy is an object: { ... }.")
    return json_text(document, separators=(",", ":"), ensure_ascii=True)


def readable_policy(text: str) -> str:
    """The document with a line for each part; a text that cannot be read stays as it is."""
    try:
        return render(load_json(text))
    except DocumentError:
        return text
