"""Presets: the context keys behind "with MFA", "from this address", "through this endpoint" and "at this time"."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from iamtui.problem import Problem
from iamtui.text import safe_text

_OFFSET: Final = re.compile(r"now(?:([+-])(\d{1,6})([smhdw]))?", re.IGNORECASE)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_ENDPOINT: Final = re.compile(r"vpce-[0-9a-f]{8,32}")


def with_mfa(used: bool) -> Mapping[str, tuple[str, ...]]:
    """Temporary credentials got with an MFA code, or without one.

    Access keys of a user are another case: with them aws:MultiFactorAuthPresent is absent (IAM User Guide: global
    condition context keys). How long ago the code was used stays open. Of a role session it is the code that was
    given to AssumeRole; AWS's pages differ on whether such a session carries the key.
    """
    if used:
        return {"aws:MultiFactorAuthPresent": ("true",)}
    return {"aws:MultiFactorAuthPresent": ("false",), "aws:MultiFactorAuthAge": ()}


def from_ip(address: str) -> Mapping[str, tuple[str, ...]]:
    """A request from a public address, and so through no VPC endpoint."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise Problem(f"{safe_text(address)} is no IP address.", "Write 203.0.113.9 or 2001:db8::1.") from None
    absent = ("aws:SourceVpc", "aws:SourceVpcArn", "aws:SourceVpce", "aws:VpcSourceIp")
    return {"aws:SourceIp": (address,), **dict.fromkeys(absent, ())}


def through_endpoint(endpoint: str) -> Mapping[str, tuple[str, ...]]:
    """A request through a VPC endpoint, and so without aws:SourceIp."""
    if not _ENDPOINT.fullmatch(endpoint):
        raise Problem(f"{safe_text(endpoint)} is no VPC endpoint.", "Write its id, such as vpce-0123456789abcdef0.")
    return {"aws:SourceVpce": (endpoint,), "aws:SourceIp": ()}


def at_time(text: str, now: datetime) -> Mapping[str, tuple[str, ...]]:
    """A request at another time.

    Args:
        text: `now`, `now+1h` (s, m, h, d, w), or an ISO 8601 date or time; without a zone it is UTC.
        now: UTC.
    """
    when = _time(text.strip(), now)
    if when is None:
        raise Problem(
            f"{safe_text(text)} is not a time.", "Write now, now+1h, now-30m, 2026-12-24 or 2026-12-24T18:00:00Z."
        )
    return {
        "aws:CurrentTime": (f"{when.isoformat()[:19]}Z",),
        "aws:EpochTime": (str(int(when.timestamp())),),
    }


def _time(text: str, now: datetime) -> datetime | None:
    found = _OFFSET.fullmatch(text)
    try:
        if found is not None:
            sign, number, unit = found.groups()
            seconds = int(number) * _SECONDS[unit.lower()] if number else 0
            return now + timedelta(seconds=-seconds if sign == "-" else seconds)
        when = datetime.fromisoformat(text)
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


# A condition key and its values in one word: `key=value,value`. Pure.


_KEPT: Final = re.compile(r"\\([=,\\])")
_TO_KEEP: Final = re.compile(r"\\(?=[=,\\]|\Z)")
_KEY: Final = re.compile(r"(?:\\[=,\\]|[^=])*")
_VALUE: Final = re.compile(r"((?:\\[=,\\]|[^,])*)(,|\Z)")


def split_key(word: str) -> tuple[str, str, str]:
    """The key, the `=` ("" without one), and the raw text behind it."""
    found = _KEY.match(word)
    assert found is not None
    end = found.end()
    return _unescaped(word[:end]), word[end : end + 1], word[end + 1 :]


def split_values(text: str) -> tuple[str, ...]:
    """Comma-separated values of the text behind the `=`."""
    found, at = [], 0
    while True:
        value = _VALUE.match(text, at)
        assert value is not None
        found.append(_unescaped(value[1]))
        if not value[2]:
            return tuple(found)
        at = value.end()


def written_key(key: str) -> str:
    return _TO_KEEP.sub(r"\\\\", key).replace("=", r"\=")


def written_values(values: tuple[str, ...]) -> str:
    return ",".join(_TO_KEEP.sub(r"\\\\", value).replace(",", r"\,") for value in values)


def _unescaped(text: str) -> str:
    return _KEPT.sub(r"\1", text)
