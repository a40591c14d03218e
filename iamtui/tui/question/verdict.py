"""Decision -> what a person reads: mark, words, deciding statement, layers and conditions. Pure, no widget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.content import Content

from iamtui.engine.decision import Decision, Layer, Outcome, StatementRef
from iamtui.engine.wording import condition_of, depends_lines, short_policy_name
from iamtui.policy.truth import And, ConditionLeaf, Or, leaves
from iamtui.text import safe_text
from iamtui.workspace.verdict import SHORT_LAYER_NAMES as LAYER_NAMES
from iamtui.workspace.verdict import VerdictWords, verdict_words

# What a verdict looks like: mark, words, colour. Knows no engine, so that it is there before the first frame.


ALLOWED: Final = "$verdict-allowed"
DENIED: Final = "$verdict-denied"
DEPENDS: Final = "$verdict-depends"
"""Theme variables that colour verdicts."""

QUIET: Final = "$muted"


@dataclass(frozen=True, slots=True)
class Verdict(VerdictWords):
    """A verdict and how it looks.

    Args:
        style: a theme variable.
    """

    style: str = ""

    @property
    def is_pending(self) -> bool:
        """Whether it is still being found."""
        return not self.word

    @property
    def text(self) -> str:
        return str(self)

    @property
    def content(self) -> Content:
        """The verdict as styled content on one line."""
        parts = [(f"{self.mark} {self.word}", f"bold {self.style}")]
        if self.rest:
            parts.append((f" {self.rest}", self.style))
        return Content.assemble(*parts)


PENDING: Final = Verdict("   ", "", "")
"""In place of a verdict that is still being found."""


LAYER_TITLES: Final = {
    Layer.IDENTITY: "identity policies",
    Layer.RESOURCE: "resource policy",
    Layer.SESSION: "session policies",
    Layer.BOUNDARY: "permissions boundary",
    Layer.SCP: "service control policies (SCP)",
    Layer.RCP: "resource control policies (RCP)",
    Layer.VPC_ENDPOINT: "VPC endpoint policy",
    Layer.BLOCK_PUBLIC_ACCESS: "S3 Block Public Access",
    Layer.SERVICE_RULE: "service rule",
}
"""What a layer is called where there is room."""


_STYLES: Final = {"ALLOWED": ALLOWED, "DENIED": DENIED, "DEPENDS": DEPENDS}


def verdict(decision: Decision) -> Verdict:
    """The verdict of a decision, in the words used everywhere on screen."""
    words = verdict_words(decision)
    return Verdict(words.mark, words.word, words.rest, words.limit, _STYLES[words.word])


def statement_name(ref: StatementRef) -> str:
    """How a statement is named: `policy / Sid (lines 3-9)`, or `policy / statement 2 (line 5)` without a Sid."""
    sid = safe_text(ref.sid, limit=128) if ref.sid else f"statement {ref.statement + 1}"
    return f"{short_policy_name(ref.policy)} / {sid}{_lines(ref.lines)}"


def _lines(lines: tuple[int, int] | None) -> str:
    if lines is None:
        return ""
    first, last = lines
    return f" (line {first})" if first == last else f" (lines {first}-{last})"


def deciding_line(decision: Decision) -> Content:
    """Which statement decided, or which layers stand in the way, as one line."""
    ref = decision.deciding
    if ref is not None:
        verb = "denied by " if ref.effect == "Deny" else "by "
        parts: list[str | tuple[str, str]] = [(verb, QUIET), (statement_name(ref), "bold")]
        if decision.outcome is Outcome.DEPENDS and ref.effect == "Allow":
            parts[0] = ("would be allowed by ", QUIET)
        if ref.layer is not Layer.IDENTITY:
            parts.append((f" in the {LAYER_NAMES[ref.layer]} layer", QUIET))
        others = sum(1 for other in decision.matched if (other.effect, other.layer) == (ref.effect, ref.layer)) - 1
        if others > 0:
            parts.append((f" and {others} more", QUIET))
        return Content.assemble(*parts)
    if decision.outcome is Outcome.IMPLICIT_DENY:
        return Content.assemble((_why_no_allow(decision), QUIET))
    return Content("")


def _why_no_allow(decision: Decision) -> str:
    """Which layers lack an Allow, in words."""
    blocked = decision.blocked_by or tuple(reason.layer for reason in decision.reasons)
    if not blocked:
        return "no statement allows it"
    names: list[str] = []
    for layer in dict.fromkeys(blocked):
        level = next((r for r in decision.reasons if r.layer is layer and r.level is not None), None)
        trust = layer is Layer.RESOURCE and decision.request.action.lower().startswith("sts:")
        name = "trust policy" if trust else LAYER_TITLES[layer]
        if level is not None:
            name += f" at level {level.level}"
            if level.level_name:
                name += f" ({safe_text(level.level_name, limit=64)})"
        names.append(name)
    return f"no Allow in: {', '.join(names)}"


def because(decision: Decision, *, short: bool = False) -> Content:
    """Why, in one line: the condition on which it depends (`short`: unless `conditions` lists it), the statement."""
    deciding = deciding_line(decision)
    listed = short and isinstance(decision.depends_on, And | Or)
    if decision.outcome is not Outcome.DEPENDS or decision.depends_on is None or listed:
        return deciding
    parts: list[str | Content | tuple[str, str]] = [
        ("if ", QUIET),
        (condition_of(decision), "bold"),
    ]
    if deciding:
        parts += [(" · ", QUIET), deciding]
    return Content.assemble(*parts)


def conditions(decision: Decision) -> Content:
    """What the answer depends on as an indented list; empty when one line (`because`) says it all."""
    if not isinstance(decision.depends_on, And | Or):
        return Content("")
    return Content("\n").join([Content(row) for row in depends_lines(decision.depends_on, request=decision.request)])


def notes(decision: Decision, *, long: bool = False, besides: str = "") -> list[Content]:
    """What else there is to know, a line each: keys not given, notes.

    Args:
        long: what was taken for granted, too.
        besides: a note that is told already.
    """
    rows: list[Content] = []
    named = _keys_named(decision)
    missing = [safe_text(key, limit=128) for key in decision.missing_context if key not in named]
    if missing:
        rows.append(Content.assemble(("Not given: ", QUIET), ", ".join(missing)))
    rows += [Content.styled(safe_text(note), QUIET) for note in decision.notes if note != besides]
    if long and decision.assumptions:
        taken = ", ".join(safe_text(assumption) for assumption in decision.assumptions)
        rows.append(Content.styled(f"Assumed: {taken}", "$faint"))
    return rows


def _keys_named(decision: Decision) -> set[str]:
    if decision.depends_on is None:
        return set()
    return {leaf.key for leaf in leaves(decision.depends_on) if isinstance(leaf, ConditionLeaf)}
