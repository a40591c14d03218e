"""Conditions and formulas in words: "aws:MultiFactorAuthPresent is true and aws:SourceIp is in 203.0.113.0/24".

All text that comes out is safe to show. With the request, policy variables are told with what they stand for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from iamtui.engine.decision import Decision, Layer, StatementRef, short_policy_name
from iamtui.engine.request import Mode, Request, caller_fixed_keys
from iamtui.policy.context import (
    And,
    CommonContext,
    ConditionLeaf,
    MissingLeaf,
    Node,
    Or,
    RequestContext,
    SessionLeaf,
    leaves,
)
from iamtui.policy.patterns import Unresolved, parse_pieces, resolve
from iamtui.policy.values import OPPOSITES
from iamtui.text import first_names, first_of_texts, safe_text


class LayerName(NamedTuple):
    """Names of a layer.

    Args:
        short: in a narrow column.
        title: where there is room.
        noun: in a sentence.
    """

    short: str
    title: str
    noun: str


LAYER_NAMES: Final = {
    Layer.IDENTITY: LayerName("identity", "identity policies", "identity policies"),
    Layer.RESOURCE: LayerName("resource", "resource policy", "resource policy"),
    Layer.SESSION: LayerName("session", "session policies", "session policy"),
    Layer.SCOPE_DOWN: LayerName("scope-down", "scope-down policies", "scope-down policy"),
    Layer.BOUNDARY: LayerName("boundary", "permissions boundary", "permissions boundary"),
    Layer.SCP: LayerName("SCP", "service control policies (SCP)", "service control policies"),
    Layer.RCP: LayerName("RCP", "resource control policies (RCP)", "resource control policies"),
    Layer.VPC_ENDPOINT: LayerName("endpoint", "VPC endpoint policy", "VPC endpoint policy"),
    Layer.BLOCK_PUBLIC_ACCESS: LayerName("public block", "S3 Block Public Access", "S3 Block Public Access"),
    Layer.SERVICE_RULE: LayerName("service rule", "service rule", "service rule"),
}

_PHRASES: Final = {
    "StringEquals": ("is", "is not"),
    "StringEqualsIgnoreCase": ("is (any case)", "is not (any case)"),
    "StringLike": ("matches", "does not match"),
    "NumericEquals": ("=", "≠"),
    "NumericLessThan": ("<", "is not <"),
    "NumericLessThanEquals": ("≤", "is not ≤"),
    "NumericGreaterThan": (">", "is not >"),
    "NumericGreaterThanEquals": ("≥", "is not ≥"),
    "DateEquals": ("is at", "is not at"),
    "DateLessThan": ("is before", "is not before"),
    "DateLessThanEquals": ("is at or before", "is not at or before"),
    "DateGreaterThan": ("is after", "is not after"),
    "DateGreaterThanEquals": ("is at or after", "is not at or after"),
    "Bool": ("is", "is not"),
    "BinaryEquals": ("is", "is not"),
    "IpAddress": ("is in", "is not in"),
    "ArnEquals": ("matches", "does not match"),
    "ArnLike": ("matches", "does not match"),
}
"""Condition operator to the words for "it holds" and "it must not hold" (IAM User Guide: condition operators).

A key that is absent does not hold, so the second words must not say that it has another value.
"""

_MOST_VALUES: Final = 4

MOST_NAMED: Final = 5
"""Most items of a kind that are listed in full; policies may have thousands."""

_OR_ABSENT: Final = " or is absent"

_SETS: Final = {"ForAllValues": "every value of ", "ForAnyValue": "some value of "}


def leaf_text(leaf: ConditionLeaf | SessionLeaf | MissingLeaf, request: Request | None = None) -> str:
    """One thing that has to hold, as a phrase that is safe to show.

    Args:
        request: what is asked, to say what variables stand for.
    """
    if isinstance(leaf, SessionLeaf):
        return f"the session name {'is' if leaf.holds else 'is not'} {safe_text(leaf.name, limit=128)}"
    if isinstance(leaf, MissingLeaf) and leaf.effect == "Apart":
        asks = "does not ask" if leaf.holds else "asks"
        return f"AWS {asks} for {safe_text(leaf.document, limit=512)} (not documented)"
    if isinstance(leaf, MissingLeaf):
        must = (
            ("allows it" if leaf.holds else "does not allow it")
            if leaf.effect == "Allow"
            else ("denies it" if leaf.holds else "does not deny it")
        )
        need = f", needs {safe_text(leaf.permission, limit=128)}" if leaf.permission else ""
        state = "document unreadable" if leaf.unreadable else f"document not loaded{need}"
        return f"{short_policy_name(leaf.document)} {must} ({state})"
    if request is None or not _has_variables(leaf):
        return _condition_text(leaf, None)
    return _text_of_condition(leaf, request)


def _has_variables(leaf: ConditionLeaf) -> bool:
    """True if the values that are shown may contain variables."""
    some = any("${" in value for value in leaf.values[:_MOST_VALUES])
    return some and not leaf.literal and takes_variables(leaf.op)


def _text_of_condition(leaf: ConditionLeaf, request: Request | None) -> str:
    key = safe_text(leaf.key, limit=256)
    values = _values(leaf, request)
    if leaf.unknown_operator:
        return _unknown_operator_text(leaf, key, values)
    if leaf.of_resource:
        return _resource_text(leaf, key, values)
    qualifier, _, operator = leaf.op.rpartition(":")
    prefix = _SETS.get(qualifier, "")
    optional = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    if operator == "Null":
        absent = (tuple(value.lower() for value in leaf.values) == ("true",)) is leaf.holds
        return f"{key} is {'absent' if absent else 'present'}"
    if operator == "Bool" and optional and not leaf.holds and leaf.values in (("true",), ("false",)):
        return f"{prefix}{key} is {'false' if leaf.values == ('true',) else 'true'}"
    if prefix and not leaf.holds:
        words, _ = _comparison(operator, True, len(leaf.values))
        lead = f"{key} is present and " if optional else ""
        return f"{lead}it does not hold that {prefix}{key} {words} {values}"
    words, is_so = _comparison(operator, leaf.holds, len(leaf.values))
    # What is so is not absent, which need not be said.
    if_absent = _OR_ABSENT if leaf.holds else "" if is_so else " and is present"
    return f"{prefix}{key} {words} {values}{if_absent if optional else ''}"


_condition_text = lru_cache(maxsize=4096)(_text_of_condition)
"""Kept, because what depends on a condition depends on it for many callers."""


def _unknown_operator_text(leaf: ConditionLeaf, key: str, values: str) -> str:
    line = " ".join(filter(None, (safe_text(leaf.op, limit=128), key, values)))
    return f"the condition {line}, whose operator AWS does not have, {'is met' if leaf.holds else 'is not met'}"


def _resource_text(leaf: ConditionLeaf, key: str, values: str) -> str:
    if not leaf.key:
        return f"the policies, whose patterns overlap in too many ways to tell, allow some resource of {values}"
    wanted = leaf.holds is (leaf.op == "Resource")
    if leaf.whole:
        return f"{key} makes {values} {'cover' if wanted else 'leave out some of'} the resources asked about"
    return f"{key} makes the resource {'match' if wanted else 'miss'} {values}"


def _comparison(operator: str, holds: bool, count: int) -> tuple[str, bool]:
    """Words for a comparison with some values, and True if they state what the key is, not what it is not."""
    negated = operator in OPPOSITES
    phrases = _PHRASES.get(OPPOSITES.get(operator, operator))
    is_so = phrases is not None and holds is not negated
    if phrases is None:
        words = f"{'passes' if holds else 'fails'} {safe_text(operator, limit=64)}"
    else:
        words = phrases[0 if is_so else 1]
    if count > 1:
        words += " one of" if words in ("is", "is in", "matches") else " any of"
    return words, is_so


def _values(leaf: ConditionLeaf, request: Request | None) -> str:
    values = leaf.values[:_MOST_VALUES]
    known = [""] * len(values)
    if request is not None and _has_variables(leaf):
        context = context_of(request)
        known = [stands_for(value, context) for value in values]
    more = f" … {len(leaf.values) - _MOST_VALUES} more" if len(leaf.values) > _MOST_VALUES else ""
    return ", ".join(value_words(values, known)) + more


def depends_text(node: Node, request: Request | None = None) -> str:
    """A formula as readable text on one line: `A and (B or C)`; what two conditions say in the same words, once.

    Args:
        request: what is asked, to say what variables stand for.
    """
    if isinstance(node, And | Or):
        parts = dict.fromkeys(_grouped(part, request) for part in node.parts)
        return (" and " if isinstance(node, And) else " or ").join(parts)
    return leaf_text(node, request)


T = TypeVar("T")

_MOST_PARTS: Final = 16


def kept_by_formula(find: Callable[[Node], T]) -> Callable[[Node], T]:
    """A function of a formula whose results are kept, because thousands of callers wait for the same.

    Not of long ones, which may have thousands of parts each.
    """
    kept = lru_cache(maxsize=1024)(find)

    def found(node: Node) -> T:
        return find(node) if isinstance(node, And | Or) and len(node.parts) > _MOST_PARTS else kept(node)

    return found


_plain_text = kept_by_formula(depends_text)


def condition_of(decision: Decision) -> str:
    """Condition of a decision, as `depends_text` puts it; "" when it depends on nothing."""
    node = decision.depends_on
    if node is None:
        return ""
    if decision.principal.stands_for:
        # The name of the example says nothing.
        return " and ".join(filter(None, (outside_condition(decision), "its own account allows it")))
    # The request is put together only where it is needed: lists are of thousands.
    has_variables = any(isinstance(leaf, ConditionLeaf) and _has_variables(leaf) for leaf in leaves(node))
    return depends_text(node, decision.request) if has_variables else _plain_text(node)


def outside_condition(decision: Decision) -> str:
    """The same of a principal of another account, but for what its own policies have to allow."""
    node = decision.depends_on
    parts = node.parts if isinstance(node, And) else (node,) if node is not None else ()
    left = tuple(part for part in parts if not _is_own_policy(part))
    return depends_text(And(left), decision.request)


def _is_own_policy(node: Node) -> bool:
    return isinstance(node, MissingLeaf) and node.document.startswith("identity policies")


def _grouped(node: Node, request: Request | None) -> str:
    text = depends_text(node, request)
    return f"({text})" if isinstance(node, And | Or) or text.endswith(_OR_ABSENT) else text


@kept_by_formula
def depends_summary(node: Node) -> str:
    """Short summary of a formula: the keys and documents in it."""
    names: dict[str, None] = {}
    for leaf in leaves(node):
        if isinstance(leaf, ConditionLeaf) and leaf.unknown_operator:
            names[f"the unknown condition operator {safe_text(leaf.op, limit=128)}"] = None
        elif isinstance(leaf, ConditionLeaf):
            names[safe_text(leaf.key, limit=128) or "patterns that overlap in too many ways to tell"] = None
        elif isinstance(leaf, SessionLeaf):
            names["the session name"] = None
        elif leaf.effect == "Apart":
            names[f"whether AWS asks for {safe_text(leaf.document, limit=512)}"] = None
        else:
            names[f"{short_policy_name(leaf.document)} ({'unreadable' if leaf.unreadable else 'not loaded'})"] = None
    return first_of_texts([*names], 3)


def depends_lines(node: Node, indent: int = 0, request: Request | None = None) -> list[str]:
    """A formula as indented lines, for where there is room.

    Args:
        request: what is asked, to say what variables stand for.
    """
    lead = "  " * indent
    if isinstance(node, And | Or):
        head = "all of these hold:" if isinstance(node, And) else "one of these holds:"
        lines = [f"{lead}{head}"]
        for part in node.parts:
            lines += depends_lines(part, indent + 1, request)
        return lines
    return [f"{lead}{leaf_text(node, request)}{_origin(node)}"]


def _origin(leaf: ConditionLeaf | SessionLeaf | MissingLeaf) -> str:
    if leaf.source is None or isinstance(leaf, MissingLeaf):
        return ""
    source = leaf.source
    return f"  [{source.effect} in {short_policy_name(source.policy)}, statement {source.statement + 1}]"


def first_of(patterns: Sequence[str]) -> str:
    """`arn:aws:s3:::a*, arn:aws:s3:::b* and 3 more`, safe to show."""
    return first_names(patterns, MOST_NAMED, limit=256)


def all_named(names: Sequence[str]) -> str:
    """`a, b and c`."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def name_of(ref: StatementRef) -> str:
    """`policy / Sid (lines 3 to 9)`, safe to show."""
    lines = f" (lines {ref.lines[0]} to {ref.lines[1]})" if ref.lines else ""
    sid = safe_text(ref.sid, limit=128) if ref.sid else f"statement {ref.statement + 1}"
    return f"{short_policy_name(ref.policy)} / {sid}{lines}"


# What the policy variables in a policy's values stand for in a request.


_ARN_FIELDS: Final = 5
"""Variables mean something behind so many colons of a resource's ARN."""


def context_of(request: Request) -> RequestContext:
    """The condition keys of a request as far as it tells them."""
    common = CommonContext.of(request, discover=request.mode is Mode.DISCOVER)
    return RequestContext(common, fixed=caller_fixed_keys(request.principal))


def replaced(value: str, context: RequestContext, *, is_resource: bool = False) -> str | Unresolved:
    """A value of a policy with its variables replaced; raw text.

    Args:
        is_resource: whether it is an entry of a Resource element.

    Returns:
        The text, or why there is none: a variable without a value, or one whose value is not known.
    """
    front, rest = "", value
    if is_resource:
        parts = value.split(":", _ARN_FIELDS)
        front, rest = "".join(f"{part}:" for part in parts[:-1]), parts[-1]
    pieces = resolve(parse_pieces(rest, variables=True, wildcards=False), context)
    if isinstance(pieces, Unresolved):
        return pieces
    return front + "".join(piece for piece in pieces if isinstance(piece, str))


def stands_for(value: str, context: RequestContext, *, is_resource: bool = False) -> str:
    """Resolved value of a text with variables, as ` (= payments)`; "" without any variable, or where one is open."""
    if "${" not in value:
        return ""
    whole = replaced(value, context, is_resource=is_resource)
    if isinstance(whole, Unresolved):
        return " (no value)" if whole is Unresolved.NO_VALUE else ""
    return f" (= {safe_text(whole, limit=256)})" if whole != value else ""


def takes_variables(operator: str) -> bool:
    """True if a condition operator replaces variables (IAM User Guide: policy variables, where they can be used)."""
    return operator.rpartition(":")[2].lower().startswith(("string", "arn"))


def value_words(values: Iterable[str], known: Iterable[str], limit: int = 256) -> list[str]:
    """Values as they are written, each followed by its resolved value (`stands_for`)."""
    return [f"{value_word(value, limit)}{what}" for value, what in zip(values, known, strict=True)]


def value_word(value: str, limit: int = 256) -> str:
    """A value that is safe to show; the empty text, which is a value as well, is shown as `""`."""
    return safe_text(value, limit=limit) or '""'
