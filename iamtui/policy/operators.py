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


_POSITIVE: Final = {
    "stringequals": "stringequals",
    "stringequalsignorecase": "stringequalsignorecase",
    "stringlike": "stringlike",
    "numericequals": "numericequals",
    "numericlessthan": "numericlessthan",
    "numericlessthanequals": "numericlessthanequals",
    "numericgreaterthan": "numericgreaterthan",
    "numericgreaterthanequals": "numericgreaterthanequals",
    "dateequals": "dateequals",
    "datelessthan": "datelessthan",
    "datelessthanequals": "datelessthanequals",
    "dategreaterthan": "dategreaterthan",
    "dategreaterthanequals": "dategreaterthanequals",
    "bool": "bool",
    "binaryequals": "binaryequals",
    "ipaddress": "ipaddress",
    "arnequals": "arnlike",
    "arnlike": "arnlike",
}
_NEGATED: Final = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
    "notipaddress": "ipaddress",
    "arnnotequals": "arnlike",
    "arnnotlike": "arnlike",
}


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
    if name == "null":
        return Operator("null", negated=False, if_exists=False, over=over)
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    if name in _POSITIVE:
        return Operator(_POSITIVE[name], negated=False, if_exists=if_exists, over=over)
    if name in _NEGATED:
        return Operator(_NEGATED[name], negated=True, if_exists=if_exists, over=over)
    return None
