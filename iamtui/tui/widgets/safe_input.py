"""SafeInput: a field that holds nothing a terminal obeys or hides, however it got there."""

from __future__ import annotations

from textual.geometry import Size
from textual.reactive import Reactive
from textual.widgets import Input

from iamtui.text import safe_text


class SafeInput(Input):
    """An Input draws its value raw, so pasted or completed text is made visible marks on its way in."""

    virtual_size: Reactive[Size] = Reactive(Size(0, 0), layout=False)
    """The size of the text. No field here is as wide as its text, so typing need not have the screen laid out again."""

    def validate_value(self, value: str) -> str:
        """The value as `safe_text` shows it, not cut."""
        return safe_text(value, limit=None)
