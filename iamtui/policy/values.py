"""Reading the values of typed condition operators (IAM User Guide: condition operators)."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Final, TypeAlias

from msgspec import Struct

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_PREFIX_LENGTH: Final = re.compile(r"0|[1-9][0-9]{0,2}")
_PRIVATE: Final = tuple(
    ipaddress.ip_network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)


@lru_cache(maxsize=4096)
def parse_network(text: str) -> Network | None:
    """An IPv4 or IPv6 address or CIDR block, host bits masked; a missing prefix length is a single host."""
    address, slash, length = text.partition("/")
    if "%" in text or (slash and not _PREFIX_LENGTH.fullmatch(length)):
        return None
    try:
        return ipaddress.ip_network(f"{address}/{length}" if slash else address, strict=False)
    except ValueError:
        return None


def network_contains(outer: Network, inner: Network) -> bool:
    """True if an address or block lies in a block; never across IPv4 and IPv6."""
    if outer.version != inner.version or outer.prefixlen > inner.prefixlen:
        return False
    shift = outer.max_prefixlen - outer.prefixlen
    return int(outer.network_address) >> shift == int(inner.network_address) >> shift


def is_private(network: Network) -> bool:
    """True if an address or block is private, which aws:SourceIp never holds."""
    return any(network_contains(block, network) for block in _PRIVATE)


_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_EPOCH: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_DATE: Final = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?(Z|[+-][0-9]{2}:[0-9]{2}))?)?)?"
)
_EPOCH_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM: Final = Decimal(10) ** 11


@lru_cache(maxsize=4096)
def parse_number(text: str) -> Decimal | None:
    """A decimal number with optional sign and decimals, without exponent or blanks; else None."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


@lru_cache(maxsize=4096)
def parse_date(text: str) -> Decimal | None:
    """Seconds since the epoch of a W3C date-time (ISO 8601 profile) or an epoch; else None.

    Four digits are a year, any other run of digits an epoch: milliseconds from 10^11 up, else seconds. A
    date without time is midnight UTC; a time needs Z or an offset.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        if not _EPOCH.fullmatch(text):
            return None
        epoch = Decimal(text)
        return epoch / 1000 if epoch >= _MILLISECONDS_FROM else epoch
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=_zone(zone),
        )
        since = moment - _EPOCH_START
    except (ValueError, OverflowError):
        return None
    seconds = Decimal(since.days * 86400 + since.seconds)
    return seconds + Decimal(f"0.{fraction}") if fraction else seconds


def _zone(text: str | None) -> timezone:
    if text in (None, "Z"):
        return UTC
    assert text is not None
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError(text)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def parse_binary(text: str) -> bytes | None:
    """The bytes of padded base64; else None."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def parse_policy_bool(text: str) -> bool | None:
    """A policy's `true` or `false` in any letter case; else None."""
    lowered = text.lower()
    return lowered == "true" if lowered in ("true", "false") else None


def lower_each(text: str) -> str:
    """Lower the letters one by one, without case folding."""
    return text.lower() if text.isascii() else "".join(character.lower() for character in text)


# Condition operators, parsed (IAM User Guide: condition operators, set operators).


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
