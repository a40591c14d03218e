"""PastedText: a field of several lines for anything that is pasted, made safe to show on its way in."""

from __future__ import annotations

from typing import Final

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import Edit as TextEdit
from textual.widgets.text_area import EditResult

from iamtui.text import safe_document

LONGEST: Final = 60_000
"""Characters that are kept as text to be edited; what is longer is announced and held by whoever asked for it."""


def with_line_ends(text: str) -> str:
    """A text with the line ends of other systems, and of terminals, which send CR for each, as LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class PastedText(TextArea):
    """A TextArea draws its text raw, so whatever is typed or pasted is made visible first."""

    class TooLong(Message):
        """A text was pasted that is too long to edit. Its `text` is raw."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Pasted(Message):
        """A text was pasted into the field."""

    def __init__(self, *, placeholder: Content, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, soft_wrap=True, tab_behavior="focus", placeholder=placeholder)

    def edit(self, edit: TextEdit) -> EditResult:
        """Make an edit with its text made visible; what would make the text too long is left out."""
        edit.text = safe_document(with_line_ends(edit.text))[: max(0, LONGEST - len(self.document.text))]
        return super().edit(edit)

    def load_text(self, text: str) -> None:
        super().load_text(safe_document(with_line_ends(text[:LONGEST])))

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        if len(event.text) > LONGEST:
            event.prevent_default()
            self.post_message(self.TooLong(with_line_ends(event.text)))
        else:
            # It arrives when the base class has put the text in.
            self.post_message(self.Pasted())
