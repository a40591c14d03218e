"""Where the user has been: back and forward, as in a browser. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from iamtui.workspace.workspace import Workspace

_MOST: Final = 200

ScreenAbove: TypeAlias = "Callable[[Workspace], object]"
"""Shows the screen anew that lay over a place, unless its answer is not that of the workspace any more."""


@dataclass(frozen=True, slots=True)
class VisitedPlace:
    """Where the user was.

    Args:
        key: of the node.
        tab: the tab of the detail pane that was shown, or "".
        above: shows the screen that lay over the place, or None.
    """

    key: str
    tab: str = ""
    above: ScreenAbove | None = None


class History:
    """Places. Moving the cursor replaces the present one; a jump makes a new one."""

    def __init__(self) -> None:
        self._back: list[VisitedPlace] = []
        self._here = ""
        self._forward: list[VisitedPlace] = []

    @property
    def here(self) -> str:
        """The key of the present place, or ""."""
        return self._here

    def move(self, key: str) -> None:
        """The cursor moved: this is the present place now."""
        self._here = key

    def jump(self, tab: str = "", above: ScreenAbove | None = None) -> None:
        """The user is about to jump: remember the present place, as which tab it is shown and what lies over it."""
        if self._here:
            here = VisitedPlace(self._here, tab, above)
            if self._back and replace(self._back[-1], above=above) == here:
                del self._back[-1]
            self._back.append(here)
            del self._back[:-_MOST]
        self._forward.clear()

    def back(self, tab: str = "") -> VisitedPlace | None:
        """The place before, which becomes the present one; None when there is none. `tab` is that of the present."""
        return self._travel(self._back, self._forward, tab)

    def forward(self, tab: str = "") -> VisitedPlace | None:
        """The place that was left by going back; None when there is none. `tab` is that of the present one."""
        return self._travel(self._forward, self._back, tab)

    def _travel(self, there: list[VisitedPlace], behind: list[VisitedPlace], tab: str) -> VisitedPlace | None:
        if not there:
            return None
        behind.append(VisitedPlace(self._here, tab))
        place = there.pop()
        self._here = place.key
        return place
