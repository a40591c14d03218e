"""Explaining a refusal: STS never says which side refused, our own decision does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from iamtui.account.model import Missing
from iamtui.aws.errors import AwsProblem, permission_in
from iamtui.credentials.assume_role import AssumeRoleInput, is_role_arn
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Decision, Layer, LayerState, Outcome
from iamtui.engine.explanation import explain
from iamtui.problem import Problem
from iamtui.text import safe_text
from iamtui.workspace.assume_decision import (
    MFA_KEYS,
    MfaProof,
    TestedInput,
    deciding_inputs,
    role_of,
    tested_keys,
)
from iamtui.workspace.workspace import SourceKind, Workspace


def demo_refusal(workspace: Workspace, role_arn: str, decision: Decision | None) -> str:
    """Why the demo refuses, one sentence, or "": its own moto would grant almost anything."""
    if workspace.source.kind is not SourceKind.DEMO:
        return ""
    if decision is None or role_of(workspace, role_arn) is None:
        return f"The demo account has no role {safe_text(role_arn)}, or does not know its own caller."
    if decision.denied:
        return f"AWS would refuse this, so the demo does: {_why_denied(decision)}"
    return ""


WRONG_EXTERNAL_ID: Final = "The external id is not the one that the role's trust policy asks for."

_ASK_OWNER: Final = "Ask the role's owner whether its trust policy names you, and with which external id or MFA."


def open_in_the_demo(decision: Decision | None) -> str:
    """Why the demo does not guess, one sentence, or ""."""
    if decision is None or decision.depends_on is None or decision.outcome is not Outcome.DEPENDS:
        return ""
    return f"The demo cannot tell whether AWS would allow this: only if {condition_of(decision)}."


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
            return "Who is calling is not known, so neither side can be evaluated."
        return f"Your own policies{'' if role is not None else ' and the trust policy of the role'} are not loaded."
    if role is not None:
        caller = decision.request.principal
        if caller.account == workspace.account.id:
            return ""
        if decision.denied:
            lets = "does not let you in"
        else:
            trusts = _state(decision, Layer.RESOURCE) is LayerState.ALLOWS
            lets = "lets you in" if trusts else "lets you in under conditions at most"
        return f"The role's trust policy {lets}; the policies of your account {caller.account} are not loaded."
    allows = _state(decision, Layer.IDENTITY) is LayerState.ALLOWS
    if account == workspace.account.id:
        lacking = "the role is not in the data of this account: refresh, or check its name"
        if decision.denied:
            return f"Your side forbids it; {lacking}."
        # In one account a trust policy that names the caller needs no other Allow.
        own = "Your side allows it" if allows else "Only a trust policy that names you could let you in"
        return f"{own}; {lacking}."
    lacking = f"the trust policy, in account {safe_text(account)}, is not loaded"
    if decision.denied:
        return f"Your side does not allow it, and both must; {lacking}."
    return f"Your side allows it{'' if allows else ' under conditions at most'}; {lacking}."


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
            sentences.append(blocker.replace("Denied by the trust policy", "Denied by the role's trust policy"))
    return " ".join(sentences)


def _for_what(decision: Decision) -> str:
    """Which of the actions is meant, when it is not the usual one."""
    action = decision.request.action
    if action == "sts:TagSession":
        return " with session tags (sts:TagSession)"
    return " with a source identity (sts:SetSourceIdentity)" if action == "sts:SetSourceIdentity" else ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is or was refused, by our own reading of both sides.

    Args:
        reading: in sentences, or "" when nothing can be said.
        next_step: what to do about it.
    """

    reading: str
    next_step: str


def read_refusal(
    workspace: Workspace, entered: AssumeRoleInput, proof: MfaProof | None, decision: Decision | None, said: str = ""
) -> Refusal:
    """Say which side refuses this request: trust policy, caller's policies, MFA, external id, boundary, SCP.

    Args:
        proof: what proves the MFA; None when nothing does.
        decision: our own answer to exactly this request.
        said: what AWS said of it, which may name a kind of policy; "" where it was not asked.
    """
    known = what_is_known(workspace, entered.role_arn, decision)
    if decision is None:
        return Refusal(f"The reason is not known: {_lower(known)}" if known else "", _ASK_OWNER)
    if decision.denied:
        inputs = deciding_inputs(workspace, entered, proof)
        if inputs:
            words = [_input_words(workspace, entered, proof, one) for one in inputs]
            return Refusal(
                f"By our own reading: {' '.join(sentence for sentence, _ in words)}",
                f"Enter {' and '.join(what for _, what in words)}.",
            )
        return Refusal(f"By our own reading: {_why_denied(decision)}", "Have that changed, or assume another role.")
    if decision.outcome is Outcome.DEPENDS and known:
        return Refusal(f"By our own reading: {_lower(known)}", _ASK_OWNER)
    if decision.depends_on is not None:
        step = "Check that this holds."
        if proof is None and not MFA_KEYS.isdisjoint(key.lower() for key in decision.missing_context):
            step = "Enter an MFA code: AWS's answer depends on it."
        return Refusal(f"By our own reading it is allowed only if {condition_of(decision)}.", step)
    return Refusal("By our own reading the policies that are loaded allow it.", _what_else(decision, proof, said))


def through_session(problem: AwsProblem) -> Problem:
    """What it means that the session, as which the role was assumed, is not accepted."""
    if not problem.expired:
        return problem
    return AwsProblem(
        "The session that this role is assumed from has expired.",
        "Renew it or assume its role again, then go on from it.",
        code=problem.code,
        permission=problem.permission,
    )


def with_code_used(problem: Problem) -> Problem:
    """The same failure of a call that carried an MFA code and may have reached STS: a code works once."""
    step = "The MFA code may have been used up, so wait for the next one."
    if isinstance(problem, AwsProblem):
        return AwsProblem(
            problem.sentence,
            f"{step} {problem.next_step}".rstrip(),
            code=problem.code,
            permission=problem.permission,
            login_command=problem.login_command,
        )
    return problem


def explained(problem: AwsProblem, refusal: Refusal) -> AwsProblem:
    """The refusal of STS, which never says enough, with our own reading of it."""
    action = permission_in(problem.sentence) or "sts:AssumeRole"
    because = _BECAUSE.search(problem.sentence)
    said = f": {because.group(1)}" if because else ""
    return AwsProblem(
        f"AWS denied {action}{said}. {refusal.reading}".rstrip(),
        refusal.next_step,
        code=problem.code,
        permission=problem.permission,
    )


_BECAUSE: Final = re.compile(
    r"not authorized to perform:? \S+ on resource: \S+ (because .+?|with an explicit deny.*?)\.?$"
)
"""What AWS adds to an AccessDenied of late: "because no identity-based policy allows the sts:AssumeRole action"."""


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _input_words(
    workspace: Workspace, entered: AssumeRoleInput, proof: MfaProof | None, which: TestedInput
) -> tuple[str, str]:
    """What is wrong with one field, as a sentence, and what to enter. No values: an external id is sensitive."""
    tested = tested_keys(role_of(workspace, entered.role_arn))
    if which is TestedInput.EXTERNAL_ID:
        if entered.external_id:
            return WRONG_EXTERNAL_ID, "the right external id"
        return "The role's trust policy asks for an external id, and none was entered.", "the external id"
    if which is TestedInput.SESSION_NAME:
        return "The role's trust policy does not accept this session name.", "another session name"
    who = "The role's trust policy" if not MFA_KEYS.isdisjoint(tested) else "A policy"
    if proof is not None:
        return f"{who} asks for a more recent MFA code.", "a new MFA code"
    return f"{who} asks for MFA, and no code was entered.", "an MFA code"


_NAMED: Final = {
    "service control polic": (Layer.SCP, "a service control policy (SCP)"),
    "resource control polic": (Layer.RCP, "a resource control policy (RCP)"),
    "permissions boundary": (Layer.BOUNDARY, "a permissions boundary"),
    "session polic": (Layer.SESSION, "a session policy"),
}
"""How AWS names what refused, in lower case."""


def _what_else(decision: Decision, proof: MfaProof | None, said: str) -> str:
    """What can be behind a refusal that our own reading does not share."""
    for name, (layer, words) in _NAMED.items():
        if name in said.lower():
            if _state(decision, layer) in (LayerState.ALLOWS, LayerState.DENIES):
                return f"AWS names {words}: it was changed after the data was read, or is another one (refresh)."
            whom = "whoever manages the organization" if layer in (Layer.SCP, Layer.RCP) else "whoever manages it"
            return f"AWS names {words}, and none is loaded here: ask {whom}."
    unloaded = ", ".join(layer.value.upper() for layer in decision.not_evaluated)
    causes = (
        *(("the MFA code was wrong or used already",) if proof is not None and not proof.by_session else ()),
        *((f"something that is not loaded forbids it ({unloaded})",) if unloaded else ()),
        "the policies were changed after the data was read (refresh)",
    )
    return f"Perhaps {', or '.join(causes)}."
