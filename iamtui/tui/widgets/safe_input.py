"""SafeInput: a field that holds nothing a terminal obeys or hides, however it got there."""

from __future__ import annotations

from textual.widgets import Input

from iamtui.text import safe_text


class SafeInput(Input):
    """An Input draws its value raw, so pasted or completed text is made visible marks on its way in."""

    def validate_value(self, value: str) -> str:
        """The value as `safe_text` shows it, not cut."""
        return safe_text(value, limit=None)
