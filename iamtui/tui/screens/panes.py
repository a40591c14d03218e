"""Zooming: one pane alone on the screen, by style classes."""

from __future__ import annotations

from collections.abc import Sequence

from textual.screen import Screen
from textual.widget import Widget


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
