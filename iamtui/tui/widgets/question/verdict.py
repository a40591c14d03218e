"""Decision -> what a person reads: mark, words, deciding statement, layers and conditions. Pure, no widget.

A verdict is always a mark and words; the colour (a theme variable) only repeats them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual.content import Content

from iamtui.evaluation.decision import Decision, Layer, LayerReport, LayerState, Outcome, ResourceScope, StatementRef
from iamtui.policy.formula import And, ConditionLeaf, MissingLeaf, Node, Or, SessionLeaf, leaves
from iamtui.text import safe_text

ALLOWED: Final = "$verdict-allowed"
DENIED: Final = "$verdict-denied"
DEPENDS: Final = "$verdict-depends"
"""Theme variables that colour verdicts."""

QUIET: Final = "$muted"

LAYER_NAMES: Final = {
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

_STATE_WORDS: Final = {
    LayerState.ALLOWS: ("[+]", "allows", ALLOWED),
    LayerState.DENIES: ("[x]", "denies", DENIED),
    LayerState.SILENT: ("[-]", "no allow", DENIED),
    LayerState.NOT_APPLICABLE: (" · ", "does not apply", QUIET),
    LayerState.NOT_EVALUATED: ("[?]", "not evaluated", DEPENDS),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The parts of a verdict. `mark` and `word` are plain ASCII; `style` is a theme variable.

    Args:
        mark: "[+]", "[x]", "[-]" or "[?]".
        word: "ALLOWED", "DENIED" or "DEPENDS".
        rest: the words behind it ("explicit", "on some: PATTERNS"), already safe to show, or "".
    """

    mark: str
    word: str
    rest: str
    style: str

    @property
    def text(self) -> str:
        """The verdict as plain text on one line."""
        return f"{self.mark} {self.word} {self.rest}".rstrip()

    @property
    def content(self) -> Content:
        """The verdict as styled content on one line."""
        parts = [(f"{self.mark} {self.word}", f"bold {self.style}")]
        if self.rest:
            parts.append((f" {self.rest}", self.style))
        return Content.assemble(*parts)


def verdict(decision: Decision) -> Verdict:
    """The verdict of a decision, in the words used everywhere on screen."""
    if decision.outcome is Outcome.EXPLICIT_DENY:
        return Verdict("[x]", "DENIED", "explicit", DENIED)
    if decision.outcome is Outcome.IMPLICIT_DENY:
        return Verdict("[-]", "DENIED", "no allow", DENIED)
    if decision.outcome is Outcome.DEPENDS:
        about = f"on {depends_summary(decision.depends_on)}" if decision.depends_on is not None else "on more facts"
        return Verdict("[?]", "DEPENDS", about, DEPENDS)
    rest: list[str] = []
    if decision.resource_scope is ResourceScope.SOME:
        patterns = ", ".join(safe_text(pattern) for pattern in decision.allowed_resources)
        rest.append(f"on some: {patterns}" if patterns else "on some resources")
    if not decision.complete:
        rest.append(f"as far as loaded ({unloaded_caps(decision)} not evaluated)")
    return Verdict("[+]", "ALLOWED", ", ".join(rest), ALLOWED)


def unloaded_caps(decision: Decision) -> str:
    """The names of the layers that could still cap an allowed decision, joined with commas."""
    return ", ".join(LAYER_NAMES[layer] for layer in decision.not_evaluated) or "some layers"


def statement_name(ref: StatementRef) -> str:
    """How a statement is named: `policy / Sid (lines 3-9)`, or `policy / statement 2 (line 5)` without a Sid."""
    sid = safe_text(ref.sid, limit=128) if ref.sid else f"statement {ref.statement + 1}"
    return f"{short_policy_name(ref.policy)} / {sid}{_lines(ref.lines)}"


def _lines(lines: tuple[int, int] | None) -> str:
    if lines is None:
        return ""
    first, last = lines
    return f" (line {first})" if first == last else f" (lines {first}-{last})"


def short_policy_name(policy: str) -> str:
    """A policy's name without the front of its ARN, safe to show."""
    return safe_text(policy.rsplit("/", 1)[-1] if policy.startswith("arn:") and "/" in policy else policy, limit=256)


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
        name = LAYER_TITLES[layer]
        if level is not None:
            name += f" at level {level.level}"
            if level.level_name:
                name += f" ({safe_text(level.level_name, limit=64)})"
        names.append(name)
    return f"no Allow in: {', '.join(names)}"


def layer_parts(report: LayerReport) -> tuple[str, str, str]:
    """Mark, words and style of a layer's state."""
    return _STATE_WORDS[report.state]


def layer_line(report: LayerReport, *, compact: bool = False) -> Content:
    """One layer as one line: mark, name, state in words and why; `compact` does without columns."""
    mark, words, style = layer_parts(report)
    name = LAYER_NAMES[report.layer]
    return Content.assemble(
        (f"{mark} ", style),
        f"{name} " if compact else name.ljust(13),
        (f"{words}: " if compact else words.ljust(15), style),
        (safe_text(report.why), QUIET),
    )


def absent_layers_line(reports: Sequence[LayerReport]) -> Content:
    """The layers that do not apply, together on one line."""
    mark, words, style = _STATE_WORDS[LayerState.NOT_APPLICABLE]
    names = ", ".join(LAYER_NAMES[report.layer] for report in reports)
    return Content.assemble((f"{mark} {words}: {names}", style))


_PHRASES: Final = {
    "StringEquals": ("is", "is not"),
    "StringEqualsIgnoreCase": ("is (any case)", "is not (any case)"),
    "StringLike": ("matches", "does not match"),
    "NumericEquals": ("=", "≠"),
    "NumericLessThan": ("<", "≥"),
    "NumericLessThanEquals": ("≤", ">"),
    "NumericGreaterThan": (">", "≤"),
    "NumericGreaterThanEquals": ("≥", "<"),
    "DateEquals": ("is at", "is not at"),
    "DateLessThan": ("is before", "is not before"),
    "DateLessThanEquals": ("is at or before", "is after"),
    "DateGreaterThan": ("is after", "is not after"),
    "DateGreaterThanEquals": ("is at or after", "is before"),
    "Bool": ("is", "is not"),
    "BinaryEquals": ("is", "is not"),
    "IpAddress": ("is in", "is not in"),
    "ArnEquals": ("matches", "does not match"),
    "ArnLike": ("matches", "does not match"),
}
"""Condition operator to the words for "it holds" and "it must not hold" (IAM User Guide: condition operators)."""

_OPPOSITES: Final = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}

_SETS: Final = {"ForAllValues": "every value of ", "ForAnyValue": "some value of "}


def leaf_text(leaf: ConditionLeaf | SessionLeaf | MissingLeaf) -> str:
    """One thing that has to hold, as a phrase that is safe to show."""
    if isinstance(leaf, SessionLeaf):
        return f"the session name {'is' if leaf.holds else 'is not'} {safe_text(leaf.name, limit=128)}"
    if isinstance(leaf, MissingLeaf):
        must = "allows it" if leaf.holds else "does not deny it"
        need = f", needs {safe_text(leaf.permission, limit=128)}" if leaf.permission else ""
        return f"{short_policy_name(leaf.document)} {must} (document not loaded{need})"
    return _condition_text(leaf)


def _condition_text(leaf: ConditionLeaf) -> str:
    key = safe_text(leaf.key, limit=256)
    values = _values(leaf.values)
    if leaf.op in ("Resource", "NotResource"):
        wanted = leaf.holds is (leaf.op == "Resource")
        return f"{key} makes the resource {'match' if wanted else 'miss'} {values}"
    qualifier, _, operator = leaf.op.rpartition(":")
    prefix = _SETS.get(qualifier, "")
    optional = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    holds = leaf.holds
    if operator == "Null":
        absent = (tuple(value.lower() for value in leaf.values) == ("true",)) is holds
        return f"{key} is {'absent' if absent else 'present'}"
    if operator == "Bool" and optional and not holds and leaf.values in (("true",), ("false",)):
        return f"{prefix}{key} is {'false' if leaf.values == ('true',) else 'true'}"
    if prefix and not holds:
        prefix = f"it does not hold that {prefix}"
        holds = True
    if operator in _OPPOSITES:
        operator = _OPPOSITES[operator]
        words = _PHRASES[operator][1 if holds else 0]
    elif operator in _PHRASES:
        words = _PHRASES[operator][0 if holds else 1]
    else:
        words = f"{'passes' if holds else 'fails'} {safe_text(operator, limit=64)}"
    if len(leaf.values) > 1:
        words += " one of" if words in ("is", "is in", "matches") else " any of"
    tail = ""
    if optional:
        tail = " or is absent" if leaf.holds else " and is present"
    return f"{prefix}{key} {words} {values}{tail}"


def _values(values: tuple[str, ...]) -> str:
    shown = [safe_text(value, limit=256) for value in values[:4]]
    more = f" … {len(values) - 4} more" if len(values) > 4 else ""
    return ", ".join(shown) + more


def depends_text(node: Node) -> str:
    """A formula as readable text on one line: `A and (B or C)`."""
    if isinstance(node, And):
        return " and ".join(_grouped(part) for part in node.parts)
    if isinstance(node, Or):
        return " or ".join(_grouped(part) for part in node.parts)
    return leaf_text(node)


def _grouped(node: Node) -> str:
    return f"({depends_text(node)})" if isinstance(node, And | Or) else depends_text(node)


def depends_summary(node: Node) -> str:
    """What a formula is about, short: the keys and documents in it."""
    names: dict[str, None] = {}
    for leaf in leaves(node):
        if isinstance(leaf, ConditionLeaf):
            names[safe_text(leaf.key, limit=128)] = None
        elif isinstance(leaf, SessionLeaf):
            names["the session name"] = None
        else:
            names[f"{short_policy_name(leaf.document)} (not loaded)"] = None
    shown = list(names)[:3]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(shown) + more


def depends_lines(node: Node, indent: int = 0) -> list[str]:
    """A formula as indented lines, for where there is room."""
    lead = "  " * indent
    if isinstance(node, And | Or):
        head = "all of these hold:" if isinstance(node, And) else "one of these holds:"
        lines = [f"{lead}{head}"]
        for part in node.parts:
            lines += depends_lines(part, indent + 1)
        return lines
    return [f"{lead}{leaf_text(node)}{_origin(node)}"]


def _origin(leaf: ConditionLeaf | SessionLeaf | MissingLeaf) -> str:
    if leaf.source is None or isinstance(leaf, MissingLeaf):
        return ""
    source = leaf.source
    return f"  [{source.effect} in {short_policy_name(source.policy)}, statement {source.statement + 1}]"


def because(decision: Decision, *, short: bool = False) -> Content:
    """Why, in one line: the condition on which it depends (`short`: unless `notes` lists it), the statement."""
    deciding = deciding_line(decision)
    listed = short and isinstance(decision.depends_on, And | Or)
    if decision.outcome is not Outcome.DEPENDS or decision.depends_on is None or listed:
        return deciding
    parts: list[str | Content | tuple[str, str]] = [("if ", QUIET), (depends_text(decision.depends_on), "bold")]
    if deciding:
        parts += [(" · ", QUIET), deciding]
    return Content.assemble(*parts)


def notes(decision: Decision, *, long: bool = False) -> Content:
    """What else there is to know, a line each: keys not given, assumptions, notes; `long`: the conditions, too."""
    rows: list[Content] = []
    if long and isinstance(decision.depends_on, And | Or):
        rows += [Content(row) for row in depends_lines(decision.depends_on)]
    if decision.missing_context:
        keys = ", ".join(safe_text(key, limit=128) for key in decision.missing_context)
        rows.append(Content.assemble(("Not given: ", QUIET), keys))
    if decision.assumptions:
        taken = ", ".join(safe_text(assumption) for assumption in decision.assumptions)
        rows.append(Content.assemble(("Assumed: ", QUIET), taken))
    rows += [Content(safe_text(note)) for note in decision.notes]
    return Content("\n").join(rows)
