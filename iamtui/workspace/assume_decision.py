"""Our own answer to sts:AssumeRole: for what has been entered so far, and for exactly what will be sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from typing import Final

from iamtui.account.model import Account, Role
from iamtui.credentials.assume_role import AssumeRoleInput, is_role_arn
from iamtui.credentials.session import REQUEST_TAG, AssumeExtras
from iamtui.engine.decision import Decision, Outcome
from iamtui.engine.request import MissingPolicy, NamedPolicy, PolicyInForce, Principal, PrincipalKind
from iamtui.policy.document import PolicyDocument, Statement
from iamtui.problem import Problem
from iamtui.questions.account_facts import managed_policy
from iamtui.questions.question import Question
from iamtui.sources.managed_policies import managed_policy_document
from iamtui.workspace.principals import caller_principal
from iamtui.workspace.questions import ask
from iamtui.workspace.workspace import Workspace

# The policies that a session is made with, as they are in force for it.


INLINE_NAME = "session policy"
"""What the inline session policy is called in answers; it has no name of its own."""


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


def policy_problem(text: str) -> str:
    """Why STS cannot read this inline session policy, one sentence, or "" (also for none)."""
    error = PolicyDocument(text).error if text else None
    if error is None:
        return ""
    return f"The session policy cannot be read: {error.message}."


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
    """What a request carries of an MFA code.

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
    """Whether the caller's own credentials are temporary; None when unknown. May fetch or renew them."""
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


class TestedInput(StrEnum):
    """What a user enters that a policy may test."""

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
    """Whether the first lets less through than the second."""
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
