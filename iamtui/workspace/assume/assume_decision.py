"""Our own answer to sts:AssumeRole, for what has been entered so far or for exactly what is sent, and its words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from typing import Final

from iamtui.account.model import Account, Missing, Role
from iamtui.aws.errors import AwsProblem, permission_in
from iamtui.credentials.assume_role import AssumeRoleInput, is_role_arn
from iamtui.credentials.session import NO_EXTRAS, REQUEST_TAG, AssumeExtras
from iamtui.engine.condition_words import condition_of
from iamtui.engine.decision import Decision, Layer, LayerState, Outcome
from iamtui.engine.request import MissingPolicy, NamedPolicy, PolicyInForce, Principal, PrincipalKind
from iamtui.engine.words.explanation import explain
from iamtui.policy.document import PolicyDocument, Statement
from iamtui.problem import Problem
from iamtui.questions.policies_in_force import managed_policy
from iamtui.questions.question import Question
from iamtui.sources.managed_policies import managed_policy_document
from iamtui.text import safe_text
from iamtui.workspace.ask.questions import ask
from iamtui.workspace.source.principals import caller_principal
from iamtui.workspace.source.workspace import SourceKind, Workspace

# The policies that a session is made with, as they are in force for it.


INLINE_NAME = "session policy"
"""Name of the inline session policy in answers; it has none of its own."""


def session_policies(account: Account, extras: AssumeExtras) -> tuple[PolicyInForce, ...]:
    """The inline and the managed session policies (IAM User Guide: Session policies); empty when there are none.

    A managed one whose document is not loaded is missing, and the answer depends on it; those of AWS are known even
    where the account uses none of them.
    """
    found: list[PolicyInForce] = []
    if extras.policy:
        found.append(NamedPolicy(INLINE_NAME, PolicyDocument(extras.policy)))
    found += (_managed(account, arn) for arn in extras.policy_arns)
    return tuple(found)


def _managed(account: Account, arn: str) -> PolicyInForce:
    policy = managed_policy(account, arn)
    if isinstance(policy, MissingPolicy):
        document = managed_policy_document(arn)
        if document is not None:
            return NamedPolicy(arn, document)
    return policy


EXTERNAL_ID: Final = "sts:ExternalId"
SESSION_NAME: Final = "sts:RoleSessionName"
MFA_PRESENT: Final = "aws:MultiFactorAuthPresent"
MFA_AGE: Final = "aws:MultiFactorAuthAge"
MFA_KEYS: Final = frozenset((MFA_PRESENT.lower(), MFA_AGE.lower()))

_OTHER_TRUST_ACTIONS: Final = frozenset(
    ("sts:assumerolewithsaml", "sts:assumerolewithwebidentity", "sts:tagsession", "sts:setsourceidentity")
)

_TEMPORARY_KINDS: Final = (PrincipalKind.ROLE_SESSION, PrincipalKind.ROLE, PrincipalKind.FEDERATED_USER)

_FROM_WORST: Final = (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY, Outcome.DEPENDS, Outcome.ALLOWED)


@dataclass(frozen=True, slots=True)
class MfaProof:
    """MFA context of a request.

    Args:
        age_seconds: how long ago the code was given; 0 for one that goes with the call.
        by_session: whether a session of the caller proves it, which makes the caller's credentials temporary.
    """

    age_seconds: int = 0
    by_session: bool = False

    @property
    def context(self) -> dict[str, tuple[str, ...]]:
        """The condition keys that it puts into the request."""
        return {MFA_PRESENT: ("true",), MFA_AGE: (str(self.age_seconds),)}


FRESH_CODE: Final = MfaProof()
"""A code that goes with the call."""


def role_of(workspace: Workspace, role_arn: str) -> Role | None:
    entity = workspace.account.by_arn(role_arn)
    return entity if isinstance(entity, Role) else None


def is_temporary(workspace: Workspace) -> bool | None:
    """True where the caller's own credentials are temporary; None when unknown. May fetch or renew them."""
    caller = caller_principal(workspace)
    if caller is not None and (caller.kind in _TEMPORARY_KINDS or caller.credentials == "temporary"):
        return True
    if workspace.connection is None:
        return None
    try:
        return workspace.connection.is_temporary()
    except Problem:
        return None


def decide_so_far(workspace: Workspace, entered: AssumeRoleInput, proof: MfaProof | None = None) -> Decision | None:
    """Our answer to what has been entered so far: what was not entered is unknown, not absent.

    None when neither side is loaded; with one of them the answer depends on the other, or is a refusal already.
    """
    context: dict[str, tuple[str, ...]] = {SESSION_NAME: (entered.session_name,)}
    if entered.external_id:
        context[EXTERNAL_ID] = (entered.external_id,)
    caller = caller_principal(workspace)
    if proof is not None:
        context |= proof.context
        if proof.by_session and caller is not None:
            caller = replace(caller, credentials="temporary")
    return _decide(workspace, entered.role_arn, caller, context, entered.extras)


def decide_before_entering(workspace: Workspace, role_arn: str) -> Decision | None:
    """Our answer while nothing was entered: session name, MFA and external ID are open, tags are not sent."""
    return _decide(workspace, role_arn, caller_principal(workspace), {}, NO_EXTRAS)


class TestedInput(StrEnum):
    """Inputs of a user that a policy may test."""

    EXTERNAL_ID = "external id"
    MFA = "MFA"
    SESSION_NAME = "session name"


def decide_as_entered(
    workspace: Workspace,
    entered: AssumeRoleInput,
    proof: MfaProof | None,
    *,
    unknown: Collection[TestedInput] = (),
) -> Decision | None:
    """Our answer to exactly the request that will be sent: what was not entered is absent.

    Args:
        proof: what proves the MFA; None when nothing does.
        unknown: what to leave open all the same, to see whether it makes the difference.
    """
    context: dict[str, tuple[str, ...]] = {}
    if TestedInput.SESSION_NAME not in unknown:
        context[SESSION_NAME] = (entered.session_name,)
    if TestedInput.EXTERNAL_ID not in unknown:
        context[EXTERNAL_ID] = (entered.external_id,) if entered.external_id else ()
    caller = caller_principal(workspace)
    if TestedInput.MFA in unknown:
        pass
    elif proof is not None:
        context |= proof.context
        if proof.by_session and caller is not None:
            caller = replace(caller, credentials="temporary")
    elif caller is not None and caller.kind is PrincipalKind.USER and is_temporary(workspace) is False:
        caller = replace(caller, credentials="long_term")
        context |= {MFA_PRESENT: (), MFA_AGE: ()}
    return _decide(workspace, entered.role_arn, caller, context, entered.extras)


def deciding_inputs(workspace: Workspace, entered: AssumeRoleInput, proof: MfaProof | None) -> tuple[TestedInput, ...]:
    """The fewest of what was entered, or not, that the refusal of this request rests on; () when on other things."""
    for count in range(1, len(TestedInput) + 1):
        for some in combinations(TestedInput, count):
            decision = decide_as_entered(workspace, entered, proof, unknown=some)
            if decision is None:
                return ()
            if not decision.denied:
                return some
    return ()


def is_worse(one: Decision, other: Decision) -> bool:
    """True where the first allows less than the second."""
    return _FROM_WORST.index(one.outcome) < _FROM_WORST.index(other.outcome)


def _decide(
    workspace: Workspace,
    role_arn: str,
    caller: Principal | None,
    context: Mapping[str, tuple[str, ...]],
    extras: AssumeExtras,
) -> Decision | None:
    """The worst of our answers to the actions that the request needs; None when neither side is loaded."""
    role = role_of(workspace, role_arn)
    if caller is None or not is_role_arn(role_arn) or (role is None and caller.account != workspace.account.id):
        return None
    untagged = {key: () for key in tested_keys(role) if key.startswith(REQUEST_TAG)}
    own = workspace.caller_extras
    given: dict[str, tuple[str, ...]] = {**own.principal_context, **untagged, **extras.context, **context}
    session = session_policies(workspace.account, own)
    decisions = (
        ask(workspace, caller, Question(action, role_arn, given), session=session) for action in extras.actions
    )
    return min(decisions, key=lambda decision: _FROM_WORST.index(decision.outcome))


def tested_keys(role: Role | None) -> frozenset[str]:
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


# Refusals in words: STS never says which side refused, our own decision does.


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
    """Blockers of the call, one sentence for each layer."""
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
    """The problem of a session that is no longer accepted as the caller of the role."""
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
"""AWS's addition to a recent AccessDenied: "because no identity-based policy allows the sts:AssumeRole action"."""


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _input_words(
    workspace: Workspace, entered: AssumeRoleInput, proof: MfaProof | None, which: TestedInput
) -> tuple[str, str]:
    """Problem with one field, as a sentence, and the input it needs. No values: an external id is sensitive."""
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
    """Possible causes of a refusal that our own reading does not share."""
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
