"""What the policy variables in a policy's values stand for in a request, in words that are safe to show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from iamtui.engine.request import Request, caller_fixed_keys, common_context
from iamtui.policy.context import RequestContext
from iamtui.policy.patterns import Unresolved, parse_pieces, resolve
from iamtui.text import safe_text

_ARN_FIELDS: Final = 5
"""Variables mean something behind so many colons of a resource's ARN."""


def context_of(request: Request) -> RequestContext:
    """The condition keys of a request as far as it tells them."""
    return RequestContext(common_context(request), fixed=caller_fixed_keys(request.principal))


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
    """What `replaced` makes of a value: ` (= payments)`; "" without any variable, or where one is open."""
    if "${" not in value:
        return ""
    whole = replaced(value, context, is_resource=is_resource)
    if isinstance(whole, Unresolved):
        return " (no value)" if whole is Unresolved.NO_VALUE else ""
    return f" (= {safe_text(whole, limit=256)})" if whole != value else ""


def takes_variables(operator: str) -> bool:
    """Whether a condition operator replaces variables (IAM User Guide: policy variables, where they can be used)."""
    return operator.rpartition(":")[2].lower().startswith(("string", "arn"))


def value_words(values: Iterable[str], known: Iterable[str], limit: int = 256) -> list[str]:
    """Values as they are written, each with what it stands for (`stands_for`)."""
    return [f"{value_word(value, limit)}{what}" for value, what in zip(values, known, strict=True)]


def value_word(value: str, limit: int = 256) -> str:
    """A value that is safe to show; the empty text, which is a value as well, is shown as `""`."""
    return safe_text(value, limit=limit) or '""'
