"""The answer: a decision, the state of every layer, what blocked it and what it depends on."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from iamtui.evaluation.request import Request
from iamtui.policy.formula import Node


class Outcome(StrEnum):
    """What AWS would decide; `depends` only in discover mode or when a document is missing."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"
    DEPENDS = "depends"


class Layer(StrEnum):
    """The kinds of policy and rule that take part in a decision."""

    IDENTITY = "identity"
    RESOURCE = "resource"
    SESSION = "session"
    BOUNDARY = "boundary"
    SCP = "scp"
    RCP = "rcp"
    VPC_ENDPOINT = "vpc_endpoint"
    BLOCK_PUBLIC_ACCESS = "block_public_access"
    SERVICE_RULE = "service_rule"


class LayerState(StrEnum):
    """What a layer says. `not_evaluated` means not loaded or switched off, and is never "no objection"."""

    ALLOWS = "allows"
    DENIES = "denies"
    SILENT = "silent"
    NOT_APPLICABLE = "not_applicable"
    NOT_EVALUATED = "not_evaluated"


class ResourceScope(StrEnum):
    """For which of the resources asked about an allowed decision holds."""

    ONE = "one"
    SOME = "some"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class StatementRef:
    """A statement that took part.

    Args:
        layer: the layer it was evaluated in.
        effect: "Allow" or "Deny".
        policy: policy name or ARN.
        sid: its Sid, or None.
        statement: its index in the document, from 0.
        lines: first and last line in the canonical rendering, 1-based.
        level: SCP and RCP level from the root (0), else None.
        undetermined: whether its match depends on something unknown.
    """

    layer: Layer
    effect: str
    policy: str
    sid: str | None
    statement: int
    lines: tuple[int, int] | None
    level: int | None = None
    undetermined: bool = False


@dataclass(frozen=True, slots=True)
class LayerReport:
    """The state of one layer and one sentence saying why."""

    layer: Layer
    state: LayerState
    why: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One layer that does not pass.

    Args:
        kind: "explicit" (a Deny matched) or "implicit" (no Allow matched).
        level, level_name: for SCPs and RCPs, counted from the root.
        statements: the denying statements.
    """

    layer: Layer
    kind: str
    level: int | None = None
    level_name: str | None = None
    statements: tuple[StatementRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request (DESIGN: Decision as JSON).

    Args:
        request: the question, with the context as evaluated.
        outcome: the decision.
        layers: every layer's state, in evaluation order.
        blocked_by: layers that stand in the way of something that does grant this; sorted.
        reasons: every layer that does not pass; empty when allowed.
        matched: every statement that matched, Allow and Deny.
        resource_scope, allowed_resources: for a question about a pattern, how far "allowed" reaches.
        depends_on: what would have to hold, when the outcome is DEPENDS.
        missing_context: keys nobody gave that matter for this request.
        assumptions: what was taken for granted, as "key = value" or a sentence.
        notes: one sentence each.
        complete: False when a layer that could cap this was not evaluated.
    """

    request: Request
    outcome: Outcome
    layers: tuple[LayerReport, ...]
    blocked_by: tuple[Layer, ...] = ()
    reasons: tuple[Reason, ...] = ()
    matched: tuple[StatementRef, ...] = ()
    resource_scope: ResourceScope = ResourceScope.ONE
    allowed_resources: tuple[str, ...] = ()
    depends_on: Node | None = None
    missing_context: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    complete: bool = True

    @property
    def allowed(self) -> bool:
        """Whether the outcome is ALLOWED (perhaps only as far as loaded, or on some resources)."""
        return self.outcome is Outcome.ALLOWED

    @property
    def not_evaluated(self) -> tuple[Layer, ...]:
        """The layers that were not loaded or switched off."""
        return tuple(report.layer for report in self.layers if report.state is LayerState.NOT_EVALUATED)

    @property
    def deciding(self) -> StatementRef | None:
        """The statement to show first: the first denying one, else the first allowing one of a granting layer."""
        denying = [ref for ref in self.matched if ref.effect == "Deny"]
        if self.outcome is Outcome.EXPLICIT_DENY and denying:
            return denying[0]
        granting = [
            ref for ref in self.matched if ref.effect == "Allow" and ref.layer in (Layer.IDENTITY, Layer.RESOURCE)
        ]
        if self.outcome in (Outcome.ALLOWED, Outcome.DEPENDS) and granting:
            return granting[0]
        return denying[0] if denying else None
