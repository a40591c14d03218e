"""Condition operators, parsed (IAM User Guide: condition operators, set operators)."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Final

from msgspec import Struct


class SetOperator(Enum):
    """ForAllValues or ForAnyValue."""

    ALL = "forallvalues"
    ANY = "foranyvalue"


class Operator(Struct, frozen=True):
    """A condition operator taken apart: base in lower case ("stringequals"), negation, IfExists, set operator."""

    base: str
    negated: bool
    if_exists: bool
    over: SetOperator | None


OPPOSITES: Final = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
"""Each negated operator, and the one that it negates."""

OPERATORS: Final = (
    "StringEquals", "StringEqualsIgnoreCase", "StringLike", "NumericEquals", "NumericLessThan",
    "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals", "DateLessThan",
    "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals", "Bool", "BinaryEquals", "IpAddress",
    "ArnEquals", "ArnLike", "Null", *OPPOSITES,
)  # fmt: skip
"""The condition operators as AWS writes them, without set operator and IfExists."""

_SAME: Final = {"ArnEquals": "ArnLike"}

_PARSED: Final = {
    name.lower(): (_SAME.get(positive, positive).lower(), name in OPPOSITES)
    for name in OPERATORS
    for positive in (OPPOSITES.get(name, name),)
}
"""By the operator in lower case: its base, and whether it negates that."""


@lru_cache(maxsize=1024)
def parse_operator(text: str) -> Operator | None:
    """Take an operator apart, in any letter case; None when AWS has no such operator."""
    name = text.lower()
    over = None
    prefix, colon, rest = name.partition(":")
    if colon:
        over = next((kind for kind in SetOperator if kind.value == prefix), None)
        if over is None:
            return None
        name = rest
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    if name not in _PARSED or (name == "null" and if_exists):
        return None
    base, negated = _PARSED[name]
    return Operator(base, negated=negated, if_exists=if_exists, over=over)
