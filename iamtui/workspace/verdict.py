"""A decision as a mark and words, the same wherever it is shown; never a bare "allowed" that is not one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from iamtui.evaluation.decision import Decision, Layer, Outcome, ResourceScope
from iamtui.evaluation.wording import depends_summary
from iamtui.text import safe_text

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


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """A verdict. All of it is safe to show.

    Args:
        mark: "[+]", "[x]", "[-]" or "[?]".
        word: "ALLOWED", "DENIED" or "DEPENDS".
        rest: the words behind it, or "".
    """

    mark: str
    word: str
    rest: str

    def __str__(self) -> str:
        return f"{self.mark} {self.word} {self.rest}".rstrip()


def verdict_words(decision: Decision) -> VerdictWords:
    """The verdict of a decision."""
    if decision.outcome is Outcome.EXPLICIT_DENY:
        return VerdictWords("[x]", "DENIED", "explicit")
    if decision.outcome is Outcome.IMPLICIT_DENY:
        return VerdictWords("[-]", "DENIED", "no allow")
    if decision.outcome is Outcome.DEPENDS:
        about = depends_summary(decision.depends_on) if decision.depends_on is not None else "more facts"
        return VerdictWords("[?]", "DEPENDS", f"on {about}")
    rest: list[str] = []
    if decision.resource_scope is ResourceScope.SOME:
        patterns = ", ".join(safe_text(pattern, limit=512) for pattern in decision.allowed_resources)
        rest.append(f"on some: {patterns}" if patterns else "on some resources")
    if not decision.complete:
        layers = ", ".join(SHORT_LAYER_NAMES[layer] for layer in decision.not_evaluated) or "some layers"
        rest.append(f"as far as loaded ({layers} not evaluated)")
    return VerdictWords("[+]", "ALLOWED", ", ".join(rest))
