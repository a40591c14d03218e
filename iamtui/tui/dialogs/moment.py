"""Moments as a person types them: "in 15m", "at 18:00". Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo
from typing import Final

from iamtui.credentials.durations import parse_duration

_CLOCK: Final = re.compile(r"(?:at\s+)?([01]?\d|2[0-3])[:.]([0-5]\d)", re.IGNORECASE | re.ASCII)
_AFTER: Final = re.compile(r"(?:in\s+)?(.*)", re.IGNORECASE)

MOMENT_HINT: Final = 'Write it as a time to wait ("15m", "1h30m") or a time of day ("18:00").'


def parse_moment(text: str, now: datetime, zone: tzinfo | None = None) -> datetime | None:
    """Read "15m", "in 1h30m" or "18:00" (today or, when that is past, tomorrow); None when it is none of them.

    A bare number is none: it could mean minutes as well as seconds.

    Args:
        now: the time, aware; the result has its zone.
        zone: where the time of day is meant; None: where this machine is.
    """
    text = text.strip()
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        here = now.astimezone(zone).replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        while here <= now:
            # Without its zone, so that the same time of day is meant where daylight saving begins or ends.
            naive = here.replace(tzinfo=None) + timedelta(days=1)
            here = naive.astimezone() if zone is None else naive.replace(tzinfo=zone)
        return here.astimezone(now.tzinfo)
    after = _AFTER.fullmatch(text)
    seconds = parse_duration(after[1]) if after is not None and not after[1].strip().isdigit() else None
    return now + timedelta(seconds=seconds) if seconds else None
