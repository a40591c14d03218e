"""The frame of a dialog: a box in the middle of what it is about."""

from __future__ import annotations

from typing import TypeVar

from textual.containers import Vertical
from textual.screen import ModalScreen

Result = TypeVar("Result")


class Dialog(ModalScreen[Result]):
    """What is below stays in sight, so that one knows where one is."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 40%;

        & Static {
            height: auto;
        }
    }
    """


class DialogBox(Vertical):
    """As high as what it holds; a dialog sets its width."""

    DEFAULT_CSS = """
    DialogBox {
        max-width: 96%;
        height: auto;
        max-height: 96%;
        padding: 0 1;
        border: round $rule-focused;
        border-title-color: $heading;
        border-subtitle-color: $muted;
        background: $surface;

        &.-warning {
            border: round $session-warning;
            border-title-color: $session-warning;
        }
        &.-production {
            border: round $verdict-denied;
            border-title-color: $verdict-denied;
        }
    }
    """
