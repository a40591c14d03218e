"""SafeInput: a field that holds nothing a terminal obeys or hides, however it got there."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Size
from textual.reactive import Reactive
from textual.strip import Strip
from textual.widgets import Input

from iamtui.text import safe_text


class SafeInput(Input):
    """An Input draws its value raw, so pasted or completed text is made visible marks on its way in."""

    virtual_size: Reactive[Size] = Reactive(Size(0, 0), layout=False)
    """The size of the text. No field here is as wide as its text, so typing need not have the screen laid out again."""

    def validate_value(self, value: str) -> str:
        """The value as `safe_text` shows it, not cut."""
        return safe_text(value, limit=None)

    def render_line(self, y: int) -> Strip:
        """The text, with an ellipsis at an edge that cuts it, unless the cursor is there."""
        strip, width = super().render_line(y), self.scrollable_content_region.width
        if y or width < _LEAST_CUT:
            return strip
        shown = self.value or self.placeholder
        start = self.scroll_offset.x if self.value else 0
        cursor = cell_len(self.value[: self.cursor_position]) - start if self.has_focus else -1
        if start and cursor != 0:
            strip = _with_ellipsis(strip, 0)
        if cell_len(shown) > start + width and cursor != width - 1:
            strip = _with_ellipsis(strip, width - 1)
        return strip


_LEAST_CUT = 4
"""Narrower fields say more with their text than with ellipses."""


def _with_ellipsis(strip: Strip, at: int) -> Strip:
    """The line with one cell replaced."""
    style = next((segment.style for segment in strip.crop(at, at + 1)), None)
    return Strip([*strip.crop(0, at), Segment("…", style), *strip.crop(at + 1)])
