"""Presets for the context."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from iamtui.problem import Problem
from iamtui.workspace.ask.context_syntax import at_time, from_ip, through_endpoint, with_mfa

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def test_mfa_used_leaves_its_age_open_and_not_used_has_none() -> None:
    assert with_mfa(True) == {"aws:MultiFactorAuthPresent": ("true",)}
    assert with_mfa(False) == {"aws:MultiFactorAuthPresent": ("false",), "aws:MultiFactorAuthAge": ()}


def test_a_request_comes_from_an_address_or_through_an_endpoint() -> None:
    assert from_ip("2001:db8::1")["aws:SourceIp"] == ("2001:db8::1",)
    assert from_ip("203.0.113.9")["aws:SourceVpce"] == ()
    assert through_endpoint("vpce-0123456789abcdef0") == {
        "aws:SourceVpce": ("vpce-0123456789abcdef0",),
        "aws:SourceIp": (),
    }
    for wrong in ("203.0.113.0/24", "here", "\x1b[2J"):
        with pytest.raises(Problem, match="no IP address"):
            from_ip(wrong)
    for wrong in ("vpc-01234567", "vpce-", "vpce-0123456789abcdefg"):
        with pytest.raises(Problem, match="no VPC endpoint"):
            through_endpoint(wrong)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-11-25T12:00:00Z"),
        ("NOW+1h", "2026-11-25T13:00:00Z"),
        ("now-90m", "2026-11-25T10:30:00Z"),
        ("now+2w", "2026-12-09T12:00:00Z"),
        ("2026-12-24", "2026-12-24T00:00:00Z"),
        ("2026-12-24T18:00:00+01:00", "2026-12-24T17:00:00Z"),
    ],
)
def test_times(text: str, expected: str) -> None:
    found = at_time(text, NOW)
    assert found["aws:CurrentTime"] == (expected,)
    assert datetime.fromtimestamp(int(found["aws:EpochTime"][0]), UTC).isoformat()[:19] == expected[:19]


@pytest.mark.parametrize("text", ["", "soon", "now+", "now+1y", "now+999999w", "24.12.2026", "now +1h"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(Problem, match="is not a time"):
        at_time(text, NOW)
