"""AskRow: a field on one line at the foot of a screen, there only while something is asked."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label

from iamtui.text import safe_text
from iamtui.tui.safe import plain
from iamtui.tui.widgets.safe_input import SafeInput


class AskRow(Horizontal):
    """A label and a field, hidden until it is opened; its field submits as `Input.Submitted`.

    Args:
        label: what is asked for.
        placeholder: what may be typed.
        field_id: the id of the field.
    """

    DEFAULT_CSS: ClassVar[str] = """
    AskRow {
        height: 1;
        padding: 0 1;
        display: none;

        &.-open {
            display: block;
        }
        & Label {
            width: auto;
            margin-right: 1;
            color: $heading;
        }
        & Input {
            width: 1fr;
            background: $foreground 10%;
        }
    }
    """

    def __init__(self, label: str, *, placeholder: str, field_id: str) -> None:
        super().__init__()
        self._label = label
        self._placeholder = placeholder
        self._field_id = field_id

    def compose(self) -> ComposeResult:
        """The label and the field."""
        yield Label(plain(self._label))
        yield SafeInput(placeholder=safe_text(self._placeholder), compact=True, id=self._field_id)

    @property
    def is_open(self) -> bool:
        """Whether something is being asked."""
        return self.has_class("-open")

    def open(self) -> None:
        """Ask; what was typed before is still there."""
        self.add_class("-open")
        self.query_one(Input).focus()

    def close(self) -> None:
        """Ask no more."""
        self.remove_class("-open")
