"""How much room a panel has: the class names by which styles and texts know it."""

from __future__ import annotations

from typing import Final

from textual.geometry import Size

NARROW, MEDIUM, WIDE = "-compact", "-medium", "-wide"
"""The verdict and two layers; all layers; a whole column."""

_COMPACT_COLUMNS: Final = 100
_COMPACT_ROWS: Final = 30
_WIDE_COLUMNS: Final = 180


def room_in(window: Size) -> str:
    """The room that a window of this size leaves to the panel."""
    if window.width < _COMPACT_COLUMNS or window.height < _COMPACT_ROWS:
        return NARROW
    return WIDE if window.width >= _WIDE_COLUMNS else MEDIUM
