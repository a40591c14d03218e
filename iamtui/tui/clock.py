"""The clock of the screen, in one place so that a test can hold it still, and times in words."""

from __future__ import annotations

from datetime import UTC, datetime

from iamtui.credentials.session import utc_now

_UNITS = (("y", 365 * 86400), ("mo", 30 * 86400), ("d", 86400), ("h", 3600), ("m", 60))


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
    seconds = (now() - _utc(moment)).total_seconds()
    if abs(seconds) < 60:
        return "just now"
    for unit, size in _UNITS:
        if abs(seconds) >= size:
            count = f"{int(abs(seconds) // size)}{unit}"
            return f"{count} ago" if seconds > 0 else f"in {count}"
    return "just now"


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
