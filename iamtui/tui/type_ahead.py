"""What is typed at once behind the key that opens a screen reaches the widget that had the focus before."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class TakesTypeAhead(Protocol):
    """A screen that wants such characters: the app hands them over."""

    def type_ahead(self, character: str) -> bool:
        """Take a character; False when it is none that was typed ahead."""
