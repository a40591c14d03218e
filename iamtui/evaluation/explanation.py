"""A Decision in plain sentences: why it is so, everything that blocks it, and the smallest change that helps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from iamtui.evaluation.decision import Decision, Layer, LayerState, Outcome, Reason, ResourceScope
from iamtui.evaluation.suggestions import Suggestion, lacks_session_policy, owner_alone, suggest
from iamtui.evaluation.trace import TracedLayer
from iamtui.evaluation.wording import condition_of, first_of, name_of
from iamtui.text import safe_text

LAYER_WORDS = {
    Layer.IDENTITY: "identity policies",
    Layer.RESOURCE: "resource policy",
    Layer.SESSION: "session policy",
    Layer.BOUNDARY: "permissions boundary",
    Layer.SCP: "service control policies",
    Layer.RCP: "resource control policies",
    Layer.VPC_ENDPOINT: "VPC endpoint policy",
    Layer.BLOCK_PUBLIC_ACCESS: "S3 Block Public Access",
    Layer.SERVICE_RULE: "a service rule",
}


def layer_words(decision: Decision, layer: Layer) -> str:
    """What a layer is called in an answer: the resource policy of a role is its trust policy."""
    trust = layer is Layer.RESOURCE and decision.request.action.lower().startswith("sts:")
    return "trust policy" if trust else LAYER_WORDS[layer]


_NEVER_BOTH: Final = "Whatever the keys that were not given are, nothing grants it or something denies it."
"""No layer stands in the way for certain, and still there is no request that is granted and let through."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision in words.

    Args:
        paragraph: why it is so.
        blockers: one sentence for each layer that does not pass.
        suggestions: what to change, each curing one blocker; all of them together allow the request, and inside
            one account a resource policy that names the caller can make the others needless.
    """

    paragraph: str
    blockers: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]


def explain(decision: Decision, traced: Iterable[TracedLayer] = ()) -> Explanation:
    """Explain a decision.

    Args:
        traced: the trace of the same request; with it near misses are found (a statement that would allow but
            for one element), without it new statements are suggested.
    """
    layers = tuple(traced)
    blockers = tuple(_blocker(decision, reason) for reason in decision.reasons)
    suggestions: list[Suggestion] = []
    curable = not any(reason.layer is Layer.SERVICE_RULE for reason in decision.reasons)
    if curable and decision.outcome in (Outcome.EXPLICIT_DENY, Outcome.IMPLICIT_DENY):
        suggestions.extend(suggest(decision, layers))
    return Explanation(_paragraph(decision), blockers, tuple(suggestions))


def _sentence(decision: Decision, verb: str) -> str:
    """`WHO may call ACTION on RESOURCE`, without its end."""
    request = decision.request
    who = request.principal.arn or "An anonymous caller"
    on = "" if request.resource == "*" else f" on {safe_text(request.resource, limit=512)}"
    return f"{safe_text(who, limit=512)} {verb} {safe_text(request.action, limit=128)}{on}"


def _paragraph(decision: Decision) -> str:
    if decision.outcome is Outcome.ALLOWED:
        text = _sentence(decision, "may call") + _granted_by(decision)
        if decision.resource_scope is ResourceScope.SOME:
            text += f", but only on some resources{_which(decision)}"
        return text + "." + _as_far_as_loaded(decision)
    if decision.outcome is Outcome.DEPENDS:
        assert decision.depends_on is not None
        return _sentence(decision, "may call") + f" only if {condition_of(decision)}." + _as_far_as_loaded(decision)
    how = "is explicitly denied" if decision.outcome is Outcome.EXPLICIT_DENY else "is not allowed"
    text = _sentence(decision, "may not call") + f": it {how}. "
    text += " ".join(_blocker(decision, reason) for reason in decision.reasons) or _NEVER_BOTH
    if decision.blocked_by:
        words = ", ".join(layer_words(decision, layer) for layer in decision.blocked_by)
        text += f" Something does grant this; what stands in the way: {words}."
    return text.rstrip() + _as_far_as_loaded(decision)


def _which(decision: Decision) -> str:
    """On which resources an answer holds, or those on which it does not, as far as they can be named."""
    if decision.allowed_parts:
        return ": " + first_of(decision.allowed_parts)
    return f", not on {first_of(decision.denied_resources)}" if decision.denied_resources else ""


def _granted_by(decision: Decision) -> str:
    rule = next(report for report in decision.layers if report.layer is Layer.SERVICE_RULE)
    if rule.state is LayerState.ALLOWS:
        return f": {rule.why[0].lower()}{rule.why[1:-1]}" if not rule.why.startswith("sts:") else f": {rule.why[:-1]}"
    granting = [
        ref for ref in decision.matched if ref.effect == "Allow" and ref.layer in (Layer.IDENTITY, Layer.RESOURCE)
    ]
    if not granting:
        return ": the root user has full access in its own account"
    names = " and ".join(
        dict.fromkeys(f"{name_of(ref)} in the {layer_words(decision, ref.layer)}" for ref in granting[:2])
    )
    more = f" (and {len(granting) - 2} more)" if len(granting) > 2 else ""
    return f", granted by {names}{more}"


def _as_far_as_loaded(decision: Decision) -> str:
    unloaded = [layer_words(decision, layer) for layer in decision.not_evaluated]
    return f" As far as loaded: not evaluated: {', '.join(unloaded)}." if unloaded else ""


def _blocker(decision: Decision, reason: Reason) -> str:
    where = layer_words(decision, reason.layer)
    at = "" if reason.level is None else f" at level {reason.level}"
    if reason.level_name:
        at += f" ({safe_text(reason.level_name, limit=128)})"
    if reason.statements:
        names = ", ".join(name_of(ref) for ref in reason.statements[:3])
        more = f" and {len(reason.statements) - 3} more" if len(reason.statements) > 3 else ""
        return f"Denied by the {where}{at}: {names}{more}."
    if reason.layer in (Layer.SERVICE_RULE, Layer.BLOCK_PUBLIC_ACCESS) or owner_alone(decision, reason):
        return _why(decision, reason.layer)
    if lacks_session_policy(decision, reason):
        return _why(decision, reason.layer)
    return f"No statement of the {where}{at} allows it."


def _why(decision: Decision, layer: Layer) -> str:
    return next(report.why for report in decision.layers if report.layer is layer)


def explanation_to_json(explanation: Explanation) -> dict[str, Any]:
    """The explanation as JSON values."""
    return {
        "text": explanation.paragraph,
        "blockers": list(explanation.blockers),
        "suggestions": [
            {"layer": s.layer.value, "policy": s.policy or None, "change": s.change, "statement": s.statement}
            for s in explanation.suggestions
        ],
    }
