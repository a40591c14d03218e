"""Assuming a role: our own trust check first, then STS, then proof of who one has become."""

from __future__ import annotations

from dataclasses import dataclass

from iamtui.credentials.session import Session
from iamtui.evaluation.decision import Decision
from iamtui.secret import Secret
from iamtui.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class AssumePlan:
    """What the assume dialog knows before the call.

    Args:
        role_arn: the role.
        decision: our own engine's answer to sts:AssumeRole for the caller, trust policy included; None
            when the role or the caller is not in the account (a foreign role): unknown, never "yes".
        refusal: one sentence when the call must not be made (demo: our refusal is final; no connection), or "".
        needs_external_id: the trust policy tests sts:ExternalId.
        needs_mfa: the trust policy tests aws:MultiFactorAuthPresent or aws:MultiFactorAuthAge.
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
class AssumeInput:
    """What the user entered. Durations in seconds; the MFA code is secret."""

    role_arn: str
    session_name: str
    duration_seconds: int
    external_id: str = ""
    mfa_serial: str = ""
    mfa_code: Secret | None = None


def plan_assume(workspace: Workspace, role_arn: str, *, external_id: str = "", with_mfa: bool = False) -> AssumePlan:
    """Prepare the dialog for one role, answering the trust question with what has been entered so far."""
    raise NotImplementedError


def check_input(plan: AssumePlan, entered: AssumeInput) -> tuple[str, ...]:
    """One sentence for each field that STS would refuse; empty when all is well."""
    raise NotImplementedError


def assume(workspace: Workspace, entered: AssumeInput) -> Session:
    """Call sts:AssumeRole and then GetCallerIdentity with the new credentials. Blocking.

    Raises:
        Problem: refused by our own check (demo), by validation, or by STS; says why and what to do.
    """
    raise NotImplementedError
