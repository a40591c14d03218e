"""The panes of a screen in its window: one alone on the screen, by style classes; a window that is too small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

LEAST_COLUMNS: Final = 60
LEAST_ROWS: Final = 20


class Zoom:
    """Gives one pane of a screen the whole body, and everything its place back."""

    def __init__(self, screen: Screen[None]) -> None:
        self._screen = screen
        self._pane: Widget | None = None

    def zoom(self, panes: Sequence[Widget]) -> bool:
        """Zoom the pane that has the focus; False when none of them has."""
        focused = self._screen.focused
        holders = {*focused.ancestors_with_self} if focused is not None else set()
        for pane in panes:
            if pane in holders:
                self._pane = pane
                pane.add_class("-zoom-target")
                self._screen.add_class("-zoomed", f"-zoom-{pane.id}")
                return True
        return False

    def unzoom(self) -> bool:
        """Give everything its place back; False when nothing is zoomed."""
        if self._pane is None:
            return False
        self._pane.remove_class("-zoom-target")
        self._screen.remove_class("-zoomed", f"-zoom-{self._pane.id}")
        self._pane = None
        return True


def too_small(size: Size) -> str:
    """What to say in a window that is too small."""
    return (
        f"iamtui needs a window of at least {LEAST_COLUMNS} columns and {LEAST_ROWS} rows. "
        f"This one has {size.width} and {size.height}: please make it larger, or press q to quit."
    )


def is_too_small(size: Size) -> bool:
    """Whether only that can be said."""
    return size.width < LEAST_COLUMNS or size.height < LEAST_ROWS


class KeptFocus:
    """Gives the focus back to what a resized window hid, once there is room for it again."""

    def __init__(self, screen: Screen[None]) -> None:
        self._screen = screen
        self._had: Widget | None = None

    def resized(self, otherwise: Widget) -> None:
        """The window has another size. `otherwise` gets the focus where what had it has no place any more."""
        if self._screen.focused is not None:
            self._had = self._screen.focused
        self._screen.call_after_refresh(self._refocus, otherwise)

    def _refocus(self, otherwise: Widget) -> None:
        if self._screen.focused is not None:
            return
        at = next((widget for widget in (self._had, otherwise) if widget is not None and _is_shown(widget)), None)
        if at is not None:
            self._screen.set_focus(at)


def _is_shown(widget: Widget) -> bool:
    parts = [node for node in widget.ancestors_with_self if isinstance(node, Widget)]
    return widget.is_attached and widget.focusable and all(part.display for part in parts)
