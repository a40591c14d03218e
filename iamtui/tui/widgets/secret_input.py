"""SecretInput: a field for a secret, such as an MFA code."""

from __future__ import annotations

import re
from typing import Final

from iamtui.secret import Secret
from iamtui.tui.widgets.safe_input import SafeInput

CODE_LENGTH: Final = 6
"""Digits of an MFA code (STS API Reference: TokenCode)."""

_BLANKS: Final = re.compile(r"\s+")


class SecretInput(SafeInput):
    """Shown as dots, and neither copy nor cut gives it out. Blanks around and in it are lost."""

    def __init__(self, *, id: str, max_length: int) -> None:  # noqa: A002 - Textual's name
        # The base class refuses a paste that is too long for its own limit, blanks included.
        super().__init__(password=True, id=id, compact=True)
        self._longest = max_length

    def validate_value(self, value: str) -> str:
        """The value without blanks, which authenticator apps show between digits, and no longer than it may be."""
        return super().validate_value(_BLANKS.sub("", value))[: self._longest]

    def action_copy(self) -> None:
        """Copy nothing."""

    def action_cut(self) -> None:
        """Cut nothing."""

    def take(self) -> Secret | None:
        """Give out the text once and clear the field; None when it is empty."""
        text, self.value = self.value, ""
        return Secret(text) if text else None
