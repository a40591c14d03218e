"""SessionPolicyEditor: a session policy to write for the caller of a question, with findings while typing."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from iamtui.policy.kinds import PolicyType
from iamtui.tui.safe import line
from iamtui.tui.screens.drafts.editor import DraftEditorScreen


class SessionPolicyEditor(DraftEditorScreen):
    """Gives the text to ask with, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+s", "save", "Ask with it", priority=True, id="draft-editor.save",
            tooltip="Ask as a session made with this policy",
        ),
    ]  # fmt: skip

    def __init__(self, text: str, account: str) -> None:
        """Make the screen.

        Args:
            text: the policy to begin with.
            account: the account it belongs to, 12 digits.
        """
        super().__init__(line("Session policy"), text, PolicyType.SESSION, account, "session")
