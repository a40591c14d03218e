"""Where the user has been: back and forward, as in a browser. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec import Struct, structs

if TYPE_CHECKING:
    from iamtui.workspace.source.workspace import Workspace

_MOST: Final = 200

ScreenAbove: TypeAlias = "Callable[[Workspace], object]"
"""Shows the screen anew that lay over a place, unless its answer is not that of the workspace any more."""


class Look(NamedTuple):
    """How a place was looked at.

    Args:
        filter: of the tree.
        line, top: of the list beside the tree: the line under the cursor, and the first one in sight.
        is_focused: whether the keys went to that list.
    """

    filter: str = ""
    line: int = 0
    top: int = 0
    is_focused: bool = False


_AT_FIRST: Final = Look()


class VisitedPlace(Struct, frozen=True):
    """Where the user was.

    Args:
        key: of the node.
        tab: the tab of the detail pane that was shown, or "".
        above: shows the screen that lay over the place, or None.
        look: how it was looked at.
    """

    key: str
    tab: str = ""
    above: ScreenAbove | None = None
    look: Look = _AT_FIRST


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

    @property
    def has_back(self) -> bool:
        return bool(self._back)

    def move(self, key: str) -> None:
        """The cursor moved: this is the present place now."""
        self._here = key

    def jump(self, tab: str = "", above: ScreenAbove | None = None, look: Look = _AT_FIRST) -> None:
        """The user is about to jump: remember the present place, how it is shown and what lies over it."""
        if self._here:
            here = VisitedPlace(self._here, tab, above, look)
            if self._back and structs.replace(self._back[-1], above=above, look=look) == here:
                del self._back[-1]
            self._back.append(here)
            del self._back[:-_MOST]
        self._forward.clear()

    def back(self, tab: str = "", look: Look = _AT_FIRST) -> VisitedPlace | None:
        """The place before, which becomes the present one; None when there is none. `tab` and `look` are of now."""
        return self._travel(self._back, self._forward, VisitedPlace(self._here, tab, look=look))

    def forward(self, tab: str = "", look: Look = _AT_FIRST) -> VisitedPlace | None:
        """The place that was left by going back; None when there is none. `tab` and `look` are of now."""
        return self._travel(self._forward, self._back, VisitedPlace(self._here, tab, look=look))

    def _travel(self, there: list[VisitedPlace], behind: list[VisitedPlace], here: VisitedPlace) -> VisitedPlace | None:
        if not there:
            return None
        behind.append(here)
        place = there.pop()
        self._here = place.key
        return place
