"""The clock of the screen, in one place so that a test can hold it still, and times in words."""

from __future__ import annotations

from datetime import UTC, datetime

from iamtui import text
from iamtui.credentials.session import utc_now


def now() -> datetime:
    """The current time, UTC, as it is counted: a clock that somebody sets does not move it (see SteadyClock)."""
    return utc_now()


def stamp(moment: datetime) -> str:
    """A moment as `2026-03-01 09:30 UTC`; a moment without a zone is taken as UTC."""
    return f"{_utc(moment):%Y-%m-%d %H:%M} UTC"


def day(moment: datetime) -> str:
    return f"{_utc(moment):%Y-%m-%d}"


def ago(moment: datetime) -> str:
    """How long ago, in one unit: `3d ago`, `just now`; `in 2h` for the future."""
    return text.ago(_utc(moment), now())


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
