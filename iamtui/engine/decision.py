"""The answer: a decision, the state of every layer, what blocked it and what it depends on."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

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


def _none() -> tuple[()]:
    return ()


@dataclass(frozen=True)
class Decision:
    """The answer to one request (DESIGN: Decision as JSON).

    The evaluator gives the outcome at once; each other part is put together when it is first read, and kept. That
    shows nowhere: such a decision equals, hashes and prints as one that was made with all of its parts.

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
    # No default stands in the class, where it would be found before a part that is still to be put together.
    blocked_by: tuple[Layer, ...] = field(default_factory=_none)
    reasons: tuple[Reason, ...] = field(default_factory=_none)
    identity_needed: bool = field(default_factory=lambda: False)
    matched: tuple[StatementRef, ...] = field(default_factory=_none)
    resource_scope: ResourceScope = field(default_factory=lambda: ResourceScope.ONE)
    allowed_resources: tuple[str, ...] = field(default_factory=_none)
    denied_resources: tuple[str, ...] = field(default_factory=_none)
    example_resource: str | None = field(default_factory=lambda: None)
    depends_on: Node | None = field(default_factory=lambda: None)
    missing_context: tuple[str, ...] = field(default_factory=_none)
    assumptions: tuple[str, ...] = field(default_factory=_none)
    notes: tuple[str, ...] = field(default_factory=_none)
    complete: bool = True

    if not TYPE_CHECKING:  # a type checker that saw this would take any name for a part

        def __getattr__(self, name: str) -> Any:
            """Put a part together that was not read before; two threads that do so at once come to the same.

            What has a method for each part comes from `_conclude`, which the evaluator gives (`decision_of`).
            """
            conclude = self.__dict__.get("_conclude")
            if conclude is None or name not in _PARTS:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            if name in _SHARED and (find := self.__dict__.pop("_find_alike", None)) is not None:
                self.__dict__["_alike"] = find()
            alike = self.__dict__.get("_alike") if name in _SHARED else None
            if alike is not None:
                part = self.__dict__[name] = getattr(alike, name)
                return part
            conclusion = self.__dict__.get("_conclusion")
            if conclusion is None:
                conclusion = self.__dict__["_conclusion"] = conclude()
            part = self.__dict__[name] = getattr(conclusion, name)()
            return part

    def put_together(self) -> None:
        """Put all parts together now, in the thread that found the decision: who shows it reads records alone."""
        for part in _PARTS:
            getattr(self, part)

    @property
    def principal(self) -> Principal:
        """Who asks, which is known before the request is put together."""
        known: Principal | None = self.__dict__.get("_principal")
        return self.request.principal if known is None else known

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
        # The same is asked of all, and of those whose parts are shared one has put its request together.
        asked: Decision = self.__dict__.get("_alike") or self
        return () if asked.request.resource in allowed else allowed

    @property
    def not_evaluated(self) -> tuple[Layer, ...]:
        """The layers that were not loaded or switched off."""
        if self.complete and "layers" not in self.__dict__:
            return ()
        known: tuple[Layer, ...] | None = self.__dict__.get("_not_evaluated")
        if known is not None:
            return known
        return tuple(report.layer for report in self.layers if report.state is LayerState.NOT_EVALUATED)

    @property
    def is_capped(self) -> bool:
        """True if a layer does not pass for which no Allow elsewhere can make up."""
        known: bool | None = self.__dict__.get("_capped")
        return any(reason.layer in _CAPS for reason in self.reasons) if known is None else known

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

_PARTS: Final = frozenset(part.name for part in fields(Decision)) - {"outcome", "complete"}
_SHARED: Final = frozenset(("matched", "depends_on", "resource_scope", "allowed_resources", "denied_resources"))
"""The parts that are the same for all principals of a class; others name the principal, or what is its own."""


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
