"""The answer: a decision, the state of every layer, what blocked it and what it depends on."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from iamtui.engine.request import Principal, Request
from iamtui.policy.context import Node
from iamtui.text import safe_text


class Outcome(StrEnum):
    """Outcome of a request; `depends` only in discover mode or when a document is missing."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"
    DEPENDS = "depends"


class Layer(StrEnum):
    """The kinds of policy and rule that take part in a decision."""

    IDENTITY = "identity"
    RESOURCE = "resource"
    SESSION = "session"
    SCOPE_DOWN = "scope_down"
    BOUNDARY = "boundary"
    SCP = "scp"
    RCP = "rcp"
    VPC_ENDPOINT = "vpc_endpoint"
    BLOCK_PUBLIC_ACCESS = "block_public_access"
    SERVICE_RULE = "service_rule"


class LayerState(StrEnum):
    """Result of a layer. `not_evaluated` means not loaded or switched off, and is never "no objection"."""

    ALLOWS = "allows"
    DENIES = "denies"
    SILENT = "silent"
    NOT_APPLICABLE = "not_applicable"
    NOT_EVALUATED = "not_evaluated"


class ResourceScope(StrEnum):
    """Extent of an allowed decision over the request's resources."""

    ONE = "one"
    SOME = "some"
    ALL = "all"


class StatementRef(Struct, frozen=True):
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


def short_policy_name(policy: str) -> str:
    """A policy's name without the front of its ARN, safe to show."""
    return safe_text(policy.rsplit("/", 1)[-1] if policy.startswith("arn:") and "/" in policy else policy, limit=256)


ONLY_UNDER_CONDITIONS: Final = "only under conditions"
"""How a silent layer's report says that an Allow of it waits for something that is not known."""


class LayerReport(Struct, frozen=True):
    """The state of one layer and one sentence saying why."""

    layer: Layer
    state: LayerState
    why: str


class Reason(Struct, frozen=True):
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


@dataclass(frozen=True, eq=False)
class Decision:
    """The answer to one request (DESIGN: Decision as JSON).

    The evaluator gives an `EvaluatedDecision`, whose parts are put together when they are first read; it equals a
    decision that was made with all of its parts.

    Args:
        request: the question, with the context as evaluated.
        outcome: the decision.
        layers: every layer's state, in evaluation order.
        blocked_by: layers that stand in the way of something that does grant this; sorted.
        reasons: every layer that does not pass; empty when allowed.
        identity_needed: whether nothing grants this without an identity policy that allows it; False when allowed.
        matched: every statement that matched, Allow and Deny.
        resource_scope, allowed_resources: for a question about a pattern, how far "allowed" reaches.
        denied_resources: the patterns, among those asked about, that a Deny takes out.
        example_resource: for an allowed question about a pattern, one resource on which the same question, asked
            alone, is allowed.
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
    identity_needed: bool = False
    matched: tuple[StatementRef, ...] = ()
    resource_scope: ResourceScope = ResourceScope.ONE
    allowed_resources: tuple[str, ...] = ()
    denied_resources: tuple[str, ...] = ()
    example_resource: str | None = None
    depends_on: Node | None = None
    missing_context: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    complete: bool = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Decision) and self._parts() == other._parts()

    __hash__ = None  # type: ignore[assignment] # its request's context is a mapping

    def _parts(self) -> dict[str, Any]:
        return {part.name: getattr(self, part.name) for part in fields(Decision)}

    def with_parts(self, **changed: Any) -> Decision:
        """The same decision with some parts replaced."""
        return Decision(**(self._parts() | changed))

    def put_together(self) -> None:
        """Put all parts together now, in the thread that found the decision: who shows it reads records alone."""
        self._parts()

    @property
    def principal(self) -> Principal:
        return self.request.principal

    @property
    def allowed(self) -> bool:
        """True if the outcome is ALLOWED (perhaps only as far as loaded, or on some resources)."""
        return self.outcome is Outcome.ALLOWED

    @property
    def denied(self) -> bool:
        """True for a denial, explicit or not, that does not depend on anything unknown."""
        return self.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)

    @property
    def allowed_parts(self) -> tuple[str, ...]:
        """The resources where it holds; () when only the request's whole resource can be named.

        "Only on X" in the answer to a question about X would read as "on X".
        """
        allowed = self.allowed_resources
        return () if self.request.resource in allowed else allowed

    @property
    def not_evaluated(self) -> tuple[Layer, ...]:
        """The layers that were not loaded or switched off."""
        if self.complete:
            return ()
        return tuple(report.layer for report in self.layers if report.state is LayerState.NOT_EVALUATED)

    @property
    def is_capped(self) -> bool:
        """True if a layer does not pass for which no Allow elsewhere can make up."""
        return any(reason.layer in _CAPS for reason in self.reasons)

    @property
    def deciding(self) -> StatementRef | None:
        """The statement to show first: the first denying one, else the first allowing one of a granting layer.

        Where it depends, one that waits for something comes before one that allows in any case.
        """
        denying = [ref for ref in self.matched if ref.effect == "Deny"]
        if self.outcome is Outcome.EXPLICIT_DENY and denying:
            return denying[0]
        granting = [
            ref for ref in self.matched if ref.effect == "Allow" and ref.layer in (Layer.IDENTITY, Layer.RESOURCE)
        ]
        if self.outcome in (Outcome.ALLOWED, Outcome.DEPENDS) and granting:
            return next((ref for ref in granting if ref.undetermined), granting[0])
        return denying[0] if denying else None


_CAPS: Final = frozenset(
    (
        Layer.SCOPE_DOWN,
        Layer.SCP,
        Layer.RCP,
        Layer.VPC_ENDPOINT,
        Layer.BLOCK_PUBLIC_ACCESS,
        Layer.SERVICE_RULE,
    ),
)
"""Layers that no Allow elsewhere makes up for."""


# What somebody expects an answer to be: a decision, or a denial of either kind.


class Expectation(StrEnum):
    """An expected decision, as `--expect` and saved questions name it."""

    ALLOWED = "allowed"
    DENIED = "denied"
    """Explicitly or implicitly: who only wants to know that it is not allowed need not know by what."""
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"
    DEPENDS = "depends"

    def met_by(self, outcome: Outcome) -> bool:
        if self is Expectation.DENIED:
            return outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY)
        return outcome.value == self.value


_SEVERITIES: Final = {Outcome.EXPLICIT_DENY: 0, Outcome.IMPLICIT_DENY: 1, Outcome.DEPENDS: 2}


def severity(decision: Decision) -> int:
    """How bad a decision is among several, 0 the worst.

    Explicit deny, implicit deny, depends, allowed on some resources, allowed as far as loaded, allowed.
    """
    if decision.outcome is not Outcome.ALLOWED:
        return _SEVERITIES[decision.outcome]
    if decision.resource_scope is ResourceScope.SOME:
        return 3
    return 5 if decision.complete else 4
