"""Where the user has been: back and forward, as in a browser. Pure."""

from __future__ import annotations

from typing import Final

_MOST: Final = 200


class History:
    """Keys of nodes. Moving the cursor replaces the present place; a jump makes a new one."""

    def __init__(self) -> None:
        self._back: list[str] = []
        self._here = ""
        self._forward: list[str] = []

    @property
    def here(self) -> str:
        """The present place, or ""."""
        return self._here

    def move(self, key: str) -> None:
        """The cursor moved: this is the present place now."""
        self._here = key

    def jump(self) -> None:
        """The user is about to jump: remember the present place."""
        if self._here and (not self._back or self._back[-1] != self._here):
            self._back.append(self._here)
            del self._back[:-_MOST]
        self._forward.clear()

    def back(self) -> str | None:
        """The place before, which becomes the present one; None when there is none."""
        if not self._back:
            return None
        self._forward.append(self._here)
        self._here = self._back.pop()
        return self._here

    def forward(self) -> str | None:
        """The place that was left by going back; None when there is none."""
        if not self._forward:
            return None
        self._back.append(self._here)
        self._here = self._forward.pop()
        return self._here
