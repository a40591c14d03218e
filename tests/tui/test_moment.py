"""Moments as a person types them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from iamtui.tui.sessions.export_dialog import parse_moment

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("text", "minutes"), [("15m", 15), ("in 15m", 15), ("IN 1h30m", 90), (" 2h ", 120), ("90s", 1.5), ("in 1h", 60)]
)
def test_a_time_to_wait(text: str, minutes: float) -> None:
    assert parse_moment(text, NOW) == NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("18:00", 6.5),
        ("at 18:00", 6.5),
        ("18.00", 6.5),
        ("11:31", 1 / 60),
        ("11:30", 24),
        ("9:00", 21.5),
        ("0:00", 12.5),
    ],
)
def test_a_time_of_day_is_the_next_one_where_the_user_is(text: str, hours: float) -> None:
    found = parse_moment(text, NOW, EAST)
    assert found is not None
    assert abs(found - (NOW + timedelta(hours=hours))) < timedelta(seconds=1)
    assert found.tzinfo is UTC


def test_the_same_time_of_day_is_meant_over_a_change_of_daylight_saving() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    evening = datetime(2026, 3, 28, 18, 30, tzinfo=berlin)
    found = parse_moment("18:00", evening, berlin)
    assert found is not None
    assert (found.day, found.hour) == (29, 18)


@pytest.mark.parametrize(
    "text", ["", "15", "in 15", "0m", "24:00", "18:60", "soon", "-5m", "at", "in", "18:00:00", "١٥m"]
)
def test_what_is_none_of_them(text: str) -> None:
    assert parse_moment(text, NOW) is None
