"""IdleLock: when a screen that was left alone is to be locked."""

from __future__ import annotations

from datetime import timedelta

from iamtui.tui import clock


class IdleLock:
    """Counts from the last time the user was there.

    Args:
        minutes: how long the user may be away; 0: for ever.
    """

    def __init__(self, minutes: int) -> None:
        self._minutes = minutes
        self._used_at = clock.now()

    def touch(self) -> None:
        """The user is there."""
        self._used_at = clock.now()

    @property
    def since(self) -> timedelta:
        """How long the user has been away."""
        return clock.now() - self._used_at

    @property
    def is_over(self) -> bool:
        """Whether the user was away for too long."""
        return bool(self._minutes) and self.since >= timedelta(minutes=self._minutes)

    @property
    def why(self) -> str:
        """Why the screen is locked, as a sentence."""
        return f"Nothing was pressed for {self._minutes} minute{'' if self._minutes == 1 else 's'}."
