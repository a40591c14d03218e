"""Sessions count down, and a book holds several."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.credentials.session import Session, Urgency, time_left_words
from iamtui.secret import Secret

START = datetime(2026, 11, 25, 10, tzinfo=UTC)


def session(key: str = "ASIAIOSFODNN7EXAMPLE", minutes: float = 60, skew: timedelta = timedelta()) -> Session:
    return Session(
        role_arn="arn:aws:iam::123456789012:role/Deployer",
        session_name="alice",
        access_key_id=key,
        secret_access_key=Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        session_token=Secret("token"),
        expires_at=START + timedelta(minutes=minutes),
        assumed_at=START,
        clock_skew=skew,
    )


def after(**more: float) -> datetime:
    return START + timedelta(**more)


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(hours=12), "12h 00m"),
        (timedelta(hours=1, minutes=5), "1h 05m"),
        (timedelta(hours=1, minutes=5, seconds=59), "1h 05m"),
        (timedelta(hours=1), "1h 00m"),
        (timedelta(minutes=59, seconds=30), "59m 30s"),
        (timedelta(minutes=1), "1m 00s"),
        (timedelta(seconds=59), "59s"),
        (timedelta(seconds=1), "1s"),
        (timedelta(milliseconds=1), "1s"),
        (timedelta(minutes=59, seconds=59, milliseconds=1), "1h 00m"),
        (timedelta(), "EXPIRED"),
        (timedelta(seconds=-5), "EXPIRED"),
        (timedelta(hours=36), "36h 00m"),
    ],
)
def test_time_left_in_words(left: timedelta, words: str) -> None:
    assert time_left_words(left) == words


@given(st.timedeltas(min_value=timedelta(hours=-1), max_value=timedelta(hours=36)))
def test_expired_is_said_exactly_when_nothing_is_left(left: timedelta) -> None:
    assert (time_left_words(left) == "EXPIRED") is (left <= timedelta())


def test_a_session_counts_down_by_the_clock_it_is_given() -> None:
    held = session()
    assert held.time_left_words(after(seconds=30)) == "59m 30s"
    assert held.time_left_words(after(hours=2)) == "EXPIRED"
    assert held.expired(after(hours=1))
    assert not held.expired(after(minutes=59))


def test_a_wrong_local_clock_does_not_matter() -> None:
    """The local clock is seven minutes slow: when it shows 10:00 the server's shows 10:07."""
    held = session(skew=timedelta(minutes=7))
    assert held.time_left(after(minutes=10)) == timedelta(minutes=43)
    assert held.expired(after(minutes=53))


@pytest.mark.parametrize(
    ("minutes", "fraction"), [(-5, 1.0), (0, 1.0), (15, 0.75), (30, 0.5), (59.4, 0.01), (60, 0.0), (90, 0.0)]
)
def test_fraction_left(minutes: float, fraction: float) -> None:
    assert session().fraction_left(after(minutes=minutes)) == pytest.approx(fraction)


def test_a_session_without_a_life_has_an_empty_bar() -> None:
    assert session(minutes=0).fraction_left(after(minutes=-5)) == 0.0


@pytest.mark.parametrize(
    ("minutes", "urgency"),
    [
        (0, Urgency.CALM),
        (50, Urgency.CALM),
        (50.1, Urgency.SOON),
        (55, Urgency.SOON),
        (55.1, Urgency.URGENT),
        (59.9, Urgency.URGENT),
        (60, Urgency.EXPIRED),
    ],
)
def test_urgency_rises_at_ten_and_at_five_minutes(minutes: float, urgency: Urgency) -> None:
    assert session().urgency(after(minutes=minutes)) is urgency


def test_the_key_is_masked_for_the_screen() -> None:
    assert session().masked_access_key_id == "ASIA…MPLE"
