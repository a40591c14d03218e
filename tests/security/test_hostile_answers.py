"""Answers of an endpoint that lies about the time: refused or shown, but never an error of our own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from iamtui.credentials.assume_role import AssumeRoleInput, assume_role
from iamtui.credentials.session import Urgency
from iamtui.problem import Problem
from tests.support.sts_answers import ROLE_ARN, CannedSts

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
REQUEST = AssumeRoleInput(ROLE_ARN, "alice")
LAST_DAY = datetime(9999, 12, 31, 12, tzinfo=UTC)


def test_a_server_at_the_end_of_the_calendar() -> None:
    life = timedelta(hours=11)
    session = assume_role(CannedSts(now=LAST_DAY, life=life).connection(), REQUEST, clock=lambda: NOW)
    assert session.time_left(NOW) == life
    assert session.expired(NOW + timedelta(days=2))
    assert session.expired(NOW + timedelta(days=40_000))
    assert session.urgency(NOW + life - timedelta(minutes=1)) is Urgency.URGENT


def test_credentials_until_the_end_of_the_calendar_are_refused() -> None:
    forever = {"Expiration": "9999-12-31T23:59:59Z"}
    with pytest.raises(Problem, match="36 hours"):
        assume_role(CannedSts(now=NOW, credentials=dict(forever)).connection(), REQUEST, clock=lambda: NOW)
