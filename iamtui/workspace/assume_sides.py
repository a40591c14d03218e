"""Both sides of sts:AssumeRole apart: whether the role's account lets the caller in, and whether the caller may ask.

STS never says which side refused, so the form says it before the call and beside a refusal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from iamtui.account.model import Role
from iamtui.engine.decision import Decision, Layer, LayerState, Outcome
from iamtui.engine.wording import depends_text
from iamtui.policy.arn import parse_arn
from iamtui.policy.truth import And, Leaf, Node, leaves
from iamtui.workspace.assume import AssumePlan
from iamtui.workspace.principals import caller_principal
from iamtui.workspace.workspace import Workspace


class SideAnswer(StrEnum):
    """What one side says."""

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
    what = "" if decision.request.action == "sts:AssumeRole" else f" ({decision.request.action})"
    for report in reports:
        if report.state is LayerState.DENIES:
            return Side(SideAnswer.DENIED, f"{_shortened(report.why)}{what}")
    stopping = {reason.layer for reason in decision.reasons}
    for report in reports:
        if report.layer in stopping:
            nobody = report.layer is Layer.IDENTITY and report.why == _NO_STATEMENT
            why = "no policy of yours allows it" if nobody else _shortened(report.why)
            return Side(SideAnswer.NOTHING, f"{why}{what}")
    named = {report.layer for report in decision.layers if report.state is LayerState.ALLOWS}
    open_layers = {ref.layer for ref in decision.matched if ref.undetermined}
    for report in reports:
        if report.state is LayerState.SILENT and report.layer in open_layers:
            return Side(SideAnswer.DEPENDS, f"{_condition(decision, layers) or _shortened(report.why)}{what}")
    if decision.outcome is Outcome.DEPENDS and (condition := _condition(decision, layers)):
        return Side(SideAnswer.DEPENDS, f"{condition}{what}")
    skipped = [report.layer.value.upper() for report in reports if report.state is LayerState.NOT_EVALUATED]
    unloaded = f" ({', '.join(skipped)} not evaluated)" if skipped else ""
    for report in reports:
        if report.layer is Layer.IDENTITY and report.state is LayerState.SILENT and Layer.RESOURCE in named:
            return Side(SideAnswer.YES, f"you need no policy of your own: the trust policy names you{unloaded}")
    for report in reports:
        if report.state is LayerState.ALLOWS:
            return Side(SideAnswer.YES, f"{_shortened(report.why)}{what}{unloaded}")
    if skipped:
        return Side(SideAnswer.UNKNOWN, f"{', '.join(skipped)} not loaded")
    return Side(SideAnswer.YES, "nothing stands in the way")


def _shortened(why: str) -> str:
    """A sentence about a layer for behind a colon, in words for the caller."""
    why = _TRUST_POLICY.sub("", why).removesuffix(".").replace("lets the caller in", "lets you in")
    return f"no{why[2:]}" if why.startswith("No ") else why


def _condition(decision: Decision, layers: tuple[Layer, ...]) -> str:
    """What these layers' part of the answer depends on, or "" when the parts cannot be told apart."""
    node = decision.depends_on
    if node is None:
        return ""
    parts: tuple[Node, ...] = node.parts if isinstance(node, And) else (node,)
    own = [part for part in parts if all(_layer_of(leaf) in layers for leaf in leaves(part))]
    return "only if " + " and ".join(depends_text(part, decision.request) for part in own) if own else ""


def _layer_of(leaf: Leaf) -> Layer | None:
    return Layer(leaf.source.layer) if leaf.source is not None else None
