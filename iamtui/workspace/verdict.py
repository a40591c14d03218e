"""A decision as a mark and words, the same wherever it is shown; never a bare "allowed" that is not one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from iamtui.engine.decision import ONLY_UNDER_CONDITIONS, Decision, Layer, LayerState, Outcome, ResourceScope
from iamtui.engine.wording import depends_summary, first_of
from iamtui.policy.truth import MissingLeaf, leaves

# A verdict in words: what is shown wherever there is one. Knows no engine, so that the screen can load it first.


LIMITED: Final = "*"
"""Behind a verdict, or its mark alone, that holds only on some resources, or only as far as loaded."""


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """A verdict. All of it is safe to show.

    Args:
        mark: "[+]", "[x]", "[-]" or "[?]".
        word: "ALLOWED", "DENIED" or "DEPENDS".
        rest: the words behind it, or "".
        limit: where the answer is not all that its word says ("on some", "as loaded"), that in few words; else "".
    """

    mark: str
    word: str
    rest: str
    limit: str = ""

    def __str__(self) -> str:
        return f"{self.mark} {self.word} {self.rest}".rstrip()

    @property
    def star(self) -> str:
        """What stands behind the mark or the word where the limit is not written out, or ""."""
        return LIMITED if self.limit else ""

    @property
    def short(self) -> str:
        """Mark and word, for where there is no room for more; a star stands for a limit."""
        return f"{self.mark} {self.word}{self.star}"


SHORT_LAYER_NAMES: Final = {
    Layer.IDENTITY: "identity",
    Layer.RESOURCE: "resource",
    Layer.SESSION: "session",
    Layer.BOUNDARY: "boundary",
    Layer.SCP: "SCP",
    Layer.RCP: "RCP",
    Layer.VPC_ENDPOINT: "endpoint",
    Layer.BLOCK_PUBLIC_ACCESS: "public block",
    Layer.SERVICE_RULE: "service rule",
}
"""What a layer is called in a narrow column."""


_ON_SOME, _AS_LOADED = "on some", "as loaded"

_CAPS: Final = frozenset(
    (Layer.SCP, Layer.RCP, Layer.VPC_ENDPOINT, Layer.BLOCK_PUBLIC_ACCESS, Layer.SERVICE_RULE),
)
"""Layers that no Allow elsewhere makes up for."""


def unloaded_layers(decision: Decision) -> tuple[Layer, ...]:
    """The layers that were not evaluated and could make the decision another one.

    An explicit deny stands whatever the rest says, and a missing allow stands where a cap is silent; elsewhere only
    a layer that grants could change that. A document that the decision waits for is named by its condition.
    """
    missing = decision.not_evaluated
    if decision.outcome is Outcome.EXPLICIT_DENY:
        return ()
    if decision.outcome is Outcome.IMPLICIT_DENY:
        if any(reason.layer in _CAPS for reason in decision.reasons):
            return ()
        return tuple(layer for layer in missing if layer in (Layer.IDENTITY, Layer.RESOURCE))
    if decision.outcome is Outcome.DEPENDS and decision.depends_on is not None:
        waited_for = {
            leaf.source.layer for leaf in leaves(decision.depends_on) if isinstance(leaf, MissingLeaf) and leaf.source
        }
        return tuple(layer for layer in missing if layer.value not in waited_for)
    return missing


def layers_that_depend(decision: Decision) -> frozenset[str]:
    """The layers (by value) whose Allow waits for something unknown; of a denial also such that do not deny it."""
    if decision.outcome is Outcome.IMPLICIT_DENY:
        open_ones = (report for report in decision.layers if report.state is LayerState.SILENT)
        return frozenset(report.layer.value for report in open_ones if ONLY_UNDER_CONDITIONS in report.why)
    if decision.outcome is not Outcome.DEPENDS or decision.depends_on is None:
        return frozenset()
    return frozenset(leaf.source.layer for leaf in leaves(decision.depends_on) if leaf.source is not None)


def as_far_as_loaded(decision: Decision) -> str:
    """`as far as loaded (SCP not evaluated)`; empty where nothing that was left out could change the decision."""
    layers = unloaded_layers(decision)
    if layers:
        return f"as far as loaded ({', '.join(SHORT_LAYER_NAMES[layer] for layer in layers)} not evaluated)"
    allowed = decision.outcome is Outcome.ALLOWED
    return "as far as loaded (some layers not evaluated)" if allowed and not decision.complete else ""


def verdict_words(decision: Decision) -> VerdictWords:
    unloaded = as_far_as_loaded(decision)
    if decision.outcome is Outcome.EXPLICIT_DENY:
        return VerdictWords("[x]", "DENIED", "explicit")
    if decision.outcome is Outcome.IMPLICIT_DENY:
        return VerdictWords("[-]", "DENIED", _joined("no allow", unloaded), _AS_LOADED if unloaded else "")
    if decision.outcome is Outcome.DEPENDS:
        about = depends_summary(decision.depends_on) if decision.depends_on is not None else "more facts"
        return VerdictWords("[?]", "DEPENDS", _joined(f"on {about}", unloaded))
    if decision.resource_scope is not ResourceScope.SOME:
        return VerdictWords("[+]", "ALLOWED", unloaded, _AS_LOADED if unloaded else "")
    # The patterns last: there may be many, and lines are cut at their end.
    patterns = _scope_patterns(decision)
    some = _joined("on some" if patterns else "on some resources", unloaded)
    return VerdictWords("[+]", "ALLOWED", f"{some}: {patterns}" if patterns else some, _ON_SOME)


def _scope_patterns(decision: Decision) -> str:
    """Where an answer that holds on some resources holds, or where it does not, as far as either can be named."""
    if decision.allowed_parts:
        return first_of(decision.allowed_parts)
    return f"not on {first_of(decision.denied_resources)}" if decision.denied_resources else ""


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
