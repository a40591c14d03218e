"""Explaining a refusal: STS never says which side refused, our own decision does."""

from __future__ import annotations

from typing import Final

from iamtui.account.availability import Missing
from iamtui.aws.errors import AwsProblem
from iamtui.credentials.assume_request import is_role_arn
from iamtui.evaluation.decision import Decision, Layer, LayerState, Outcome
from iamtui.evaluation.explanation import explain
from iamtui.evaluation.wording import depends_text
from iamtui.text import safe_text
from iamtui.workspace.assuming_decision import EXTERNAL_ID, MFA_KEYS, MfaProof, decide_so_far, role_of
from iamtui.workspace.assuming_input import AssumeInput
from iamtui.workspace.workspace import SourceKind, Workspace


def demo_refusal(workspace: Workspace, role_arn: str, decision: Decision | None) -> str:
    """Why the demo refuses, one sentence, or "": its own moto would grant almost anything."""
    if workspace.source.kind is not SourceKind.DEMO:
        return ""
    if decision is None or role_of(workspace, role_arn) is None:
        return f"The demo account has no role {safe_text(role_arn)}, or does not know its own caller."
    if decision.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY):
        return f"AWS would refuse this, so the demo does: {_why_denied(decision)}"
    return ""


_ASK_OWNER: Final = "Ask the role's owner whether its trust policy names you, and with which external id or MFA."


def open_in_the_demo(decision: Decision | None) -> str:
    """Why the demo does not guess, one sentence, or ""."""
    if decision is None or decision.depends_on is None or decision.outcome is not Outcome.DEPENDS:
        return ""
    return f"The demo cannot tell whether AWS would allow this: only if {depends_text(decision.depends_on)}."


def what_is_known(workspace: Workspace, role_arn: str, decision: Decision | None) -> str:
    """Where only one side is loaded, what it says and what is lacking, in a sentence or two; else "".

    AWS asks both: the caller's policies and the role's trust policy (IAM User Guide: Cross-account policy evaluation
    logic).
    """
    if not is_role_arn(role_arn):
        return ""
    role = role_of(workspace, role_arn)
    account = role_arn.split(":")[4]
    if decision is None:
        if isinstance(workspace.account.caller_arn, Missing):
            return "Who is calling is not known, so neither side can be told."
        return f"Your own policies{'' if role is not None else ' and the trust policy of the role'} are not loaded."
    if role is not None:
        caller = decision.request.principal
        if caller.account == workspace.account.id:
            return ""
        trusts = _state(decision, Layer.RESOURCE) is LayerState.ALLOWS
        lets = "lets you in" if trusts else "does not let you in"
        return f"The role's trust policy {lets}; the policies of your account {caller.account} are not loaded."
    if account == workspace.account.id:
        lacking = "the role is not in the data of this account: refresh, or check its name"
    else:
        lacking = f"the trust policy, in account {safe_text(account)}, is not loaded"
    if decision.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY):
        return f"Your side does not allow it, and both must; {lacking}."
    side = _state(decision, Layer.IDENTITY)
    return f"Your side allows it{'' if side is LayerState.ALLOWS else ' under conditions at most'}; {lacking}."


def _state(decision: Decision, layer: Layer) -> LayerState | None:
    return next((report.state for report in decision.layers if report.layer is layer), None)


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


def what_to_enter(workspace: Workspace, entered: AssumeInput, proof: MfaProof | None) -> str:
    """What was not entered although it would make the difference, as a next step, or ""."""
    decision = decide_so_far(
        workspace,
        entered.role_arn,
        session_name=entered.session_name,
        external_id=entered.external_id,
        proof=proof,
        extras=entered.extras,
    )
    if decision is None or decision.outcome is not Outcome.DEPENDS:
        return ""
    keys = {key.lower() for key in decision.missing_context}
    missing = []
    if EXTERNAL_ID.lower() in keys:
        missing.append("the external id")
    if not MFA_KEYS.isdisjoint(keys):
        missing.append("an MFA code")
    return f"Enter {' and '.join(missing)}: AWS's answer depends on it." if missing else ""


def explained(
    problem: AwsProblem, decision: Decision | None, known: str, step: str, entered: AssumeInput
) -> AwsProblem:
    """The refusal with what our own decision says about it.

    Args:
        known: see `what_is_known`.
        step: see `what_to_enter`.
    """
    if decision is None:
        ours = f"Why cannot be told here: {known[:1].lower()}{known[1:]}" if known else ""
        step = step or _ASK_OWNER
    elif decision.outcome is Outcome.DEPENDS and known:
        ours = f"By our own reading: {known[:1].lower()}{known[1:]}"
        step = step or _ASK_OWNER
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
    return AwsProblem(f"{problem.sentence} {ours}".rstrip(), step, code=problem.code, permission=problem.permission)
