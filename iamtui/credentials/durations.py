"""Durations as a person types them. Pure."""

from __future__ import annotations

import re

_PARTS = re.compile(r"(?:(\d{1,4})\s*h)?\s*(?:(\d{1,4})\s*m)?\s*(?:(\d{1,6})\s*s?)?", re.IGNORECASE | re.ASCII)


def parse_duration(text: str) -> int | None:
    """Read "1h", "90m", "1h30m", "45m" or a number of seconds ("3600"); None when it is none of them."""
    match = _PARTS.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def duration_text(seconds: int) -> str:
    """Seconds as the shortest text that `parse_duration` reads back: "1h", "1h30m", "900s" as "15m"."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{rest}s" if rest else ""]
    return "".join(parts) or "0s"


def duration_words(seconds: int) -> str:
    """Seconds for a sentence, as they are typed and as STS counts them: "9h (32,400 seconds)"."""
    return f"{duration_text(seconds)} ({seconds:,} seconds)"
