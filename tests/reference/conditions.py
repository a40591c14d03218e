"""Condition operators, one comparison at a time."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .context import Context, values_of
from .logic import kleene_and, kleene_not, kleene_or
from .patterns import NO_VALUE, Pairs, Unknown, covers, glob, plain, resolve, text_of, tokens_of

BAD = "bad value"
"""A policy value that is not of the operator's type."""

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda asked, wanted: asked == wanted,
    "lessthan": lambda asked, wanted: asked < wanted,
    "lessthanequals": lambda asked, wanted: asked <= wanted,
    "greaterthan": lambda asked, wanted: asked > wanted,
    "greaterthanequals": lambda asked, wanted: asked >= wanted,
}

# Operator: (family, comparison, negated).
OPERATORS: dict[str, tuple[str, str, bool]] = {
    "stringequals": ("string", "exact", False),
    "stringnotequals": ("string", "exact", True),
    "stringequalsignorecase": ("string", "anycase", False),
    "stringnotequalsignorecase": ("string", "anycase", True),
    "stringlike": ("string", "glob", False),
    "stringnotlike": ("string", "glob", True),
    "arnequals": ("arn", "", False),
    "arnlike": ("arn", "", False),
    "arnnotequals": ("arn", "", True),
    "arnnotlike": ("arn", "", True),
    "bool": ("bool", "equals", False),
    "binaryequals": ("binary", "equals", False),
    "ipaddress": ("ip", "", False),
    "notipaddress": ("ip", "", True),
    "numericnotequals": ("numeric", "equals", True),
    "datenotequals": ("date", "equals", True),
    "null": ("null", "", False),
    **{f"numeric{name}": ("numeric", name, False) for name in COMPARISONS},
    **{f"date{name}": ("date", name, False) for name in COMPARISONS},
}


def number(text: str) -> Decimal | None:
    """A plain decimal number."""
    return Decimal(text) if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text) else None


def _days(year: int, month: int, day: int) -> int | None:
    """Days since 1970-01-01 in the Gregorian calendar, None for a day that does not exist."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    if not 1 <= month <= 12 or not 1 <= day <= lengths[month - 1]:
        return None

    def before(of_year: int) -> int:
        """Days before the first of January of a year, from year 0."""
        last = of_year - 1
        return of_year * 365 + last // 4 - last // 100 + last // 400

    return before(year) - before(1970) + sum(lengths[: month - 1]) + day - 1


def instant(text: str) -> Fraction | None:
    """Seconds since 1970 of a W3C date or an epoch; None when it is neither."""
    date = re.fullmatch(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(.*))?)?", text)
    if date is None:
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
            return None
        epoch = Fraction(text)
        return epoch / 1000 if epoch >= 10**11 else epoch
    days = _days(int(date[1]), int(date[2] or 1), int(date[3] or 1))
    if days is None:
        return None
    seconds = Fraction(days * 86400)
    if not date[4]:
        return seconds
    clock = re.fullmatch(
        r"T([0-9]{2}):([0-9]{2})(?::([0-9]{2}(?:\.[0-9]+)?))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))", date[4]
    )
    if clock is None:
        return None
    hour, minute, second = int(clock[1]), int(clock[2]), Fraction(clock[3] or 0)
    zone_hour, zone_minute = int(clock[5] or 0), int(clock[6] or 0)
    if hour > 23 or minute > 59 or second >= 60 or zone_hour > 23 or zone_minute > 59:
        return None
    offset = (zone_hour * 60 + zone_minute) * 60 * (-1 if clock[4] == "-" else 1)
    return seconds + hour * 3600 + minute * 60 + second - offset


def network(text: str) -> Any:
    """An address or CIDR block as a network with its host bits cleared; None when it is neither."""
    address, slash, prefix = text.partition("/")
    if "%" in address or (slash and not re.fullmatch(r"0|[1-9][0-9]*", prefix)):
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def decoded(text: str) -> bytes | None:
    """The bytes behind padded base64."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None


def lowered(text: str) -> str:
    """Lower case letter by letter."""
    return "".join(character.lower() for character in text)


def split_arn(pairs: Pairs) -> list[Pairs] | None:
    """The six parts of an ARN, or None when there are fewer."""
    parts: list[Pairs] = [[]]
    for character, literal in pairs:
        if character == ":" and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append((character, literal))
    return parts if len(parts) == 6 else None


class Line:
    """One operator with one key: works out its truth for a context."""

    def __init__(
        self, operator: str, *, version: str | None, context: Context, options: dict[str, Any], allows: bool = True
    ) -> None:
        # Nobody knows what AWS makes of an operator that it lacks: it allows nothing, and may deny.
        self.if_unknown = False if allows else None
        name = operator.lower()
        self.quantifier = ""
        if ":" in name:
            self.quantifier, name = name.split(":", 1)
        self.if_exists = name.endswith("ifexists")
        name = name.removesuffix("ifexists")
        self.known = (
            name in OPERATORS
            and self.quantifier in ("", "forallvalues", "foranyvalue")
            and not (name == "null" and self.if_exists)
        )
        self.family, self.comparison, self.negated = OPERATORS.get(name, ("", "", False))
        self.version = version
        self.context = context
        self.options = options

    def truth(self, key: str, raw_values: Any) -> bool | None:
        """True, False, or None when it depends on a key that is not known."""
        if not self.known:
            return self.if_unknown
        wanted = values_of(raw_values)
        state, asked = self.context.state(key)
        if self.family == "null":
            return self._null(state, asked, wanted)
        if state in ("unknown", "present"):
            return None
        if state == "at least":
            found = [None, *(self._one(value, wanted) for value in asked)]
            if self.quantifier == "forallvalues":
                return kleene_and(found)
            return kleene_or(found) if self.quantifier == "foranyvalue" else None
        if state == "absent":
            if self.if_exists:
                return True
            if self.quantifier == "forallvalues" and self.negated:
                return bool(self.options["for_all_negated_holds_when_absent"])
            if self.quantifier:
                return self.quantifier == "forallvalues"
            return self.negated
        if self.quantifier == "forallvalues":
            return kleene_and(self._one(value, wanted) for value in ([] if asked == [""] else asked))
        if self.quantifier == "foranyvalue":
            return kleene_or(self._one(value, wanted) for value in asked)
        if len(asked) > 1:
            return self.negated
        return self._one(asked[0], wanted)

    def _null(self, state: str, asked: list[str], wanted: list[str]) -> bool | None:
        if state == "unknown":
            either = {"true", "false"} <= {text.lower() for text in wanted}
            return True if either and not self.quantifier else None
        if state in ("present", "at least"):
            nulls = [False]
        elif not self.quantifier:
            nulls = [asked in ([], [""])]
        else:
            nulls = [] if asked == [""] else [value == "" for value in asked]
        truths = [any(text.lower() == ("true" if null else "false") for text in wanted) for null in nulls]
        return any(truths) if self.quantifier == "foranyvalue" else all(truths)

    def _one(self, asked: str, wanted: list[str]) -> bool | None:
        """The truth for one value of the request against all values of the policy."""
        if not wanted:
            return self.negated
        value = self._read(asked)
        if self.family == "arn" and value is None:
            return not self.negated and any(self._matches_everything(text) for text in wanted)
        if value is None:
            return False
        found = [self._compare(value, text) for text in wanted]
        if self.negated:
            return kleene_and(False if truth == BAD else kleene_not(truth) for truth in found)  # type: ignore[arg-type]
        return kleene_or(False if truth == BAD else truth for truth in found)  # type: ignore[misc]

    def _read(self, text: str) -> Any:
        """A value of the request as the operator's type, or None."""
        if self.family == "string":
            return text
        if self.family == "arn":
            return split_arn(plain(text))
        if self.family == "bool":
            return text.lower() == "true"
        readers: dict[str, Callable[[str], Any]] = {
            "numeric": number,
            "date": instant,
            "ip": network,
            "binary": decoded,
        }
        return readers[self.family](text)

    def _matches_everything(self, text: str) -> bool:
        return text == "*" and bool(self.options["bare_star_in_arn_operator"])

    def _compare(self, asked: Any, wanted: str) -> bool | str | None:
        """Whether a value of the request and one of the policy match; None not known; BAD not comparable."""
        if self.family in ("string", "arn") or (self.family == "bool" and self.options["substitute_variables_in_bool"]):
            resolved = resolve(
                wanted,
                self.context,
                version=self.version,
                wildcards_in_values=self.options["wildcards_in_substituted_values"],
            )
            if resolved == NO_VALUE:
                return False
            if isinstance(resolved, Unknown):
                return None
            assert isinstance(resolved, list)
            if self.family == "string":
                return self._compare_text(asked, resolved)
            if self.family == "arn":
                return self._compare_arn(asked, wanted, resolved)
            wanted = text_of(resolved)
        if self.family == "bool":
            return asked is (wanted.lower() == "true") if wanted.lower() in ("true", "false") else BAD
        if self.family == "ip":
            block = network(wanted)
            if block is None:
                return BAD
            return bool(asked.version == block.version and asked.subnet_of(block))
        other = self._read(wanted)
        return BAD if other is None else COMPARISONS[self.comparison](asked, other)

    def _compare_text(self, asked: str, wanted: Pairs) -> bool:
        if self.comparison == "glob":
            return glob(tokens_of(wanted), asked)
        if self.comparison == "anycase":
            return lowered(asked) == lowered(text_of(wanted))
        return asked == text_of(wanted)

    def _compare_arn(self, asked: list[Pairs], raw: str, wanted: Pairs) -> bool | str:
        if self._matches_everything(raw):
            return True
        parts = split_arn(wanted)
        if parts is None:
            return BAD
        return all(
            covers(tokens_of(part), [("char", character) for character, _ in value])
            for part, value in zip(parts, asked, strict=True)
        )
