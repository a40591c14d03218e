"""JsonEditor: a field of several lines for a policy document, which holds nothing a terminal obeys or hides."""

from __future__ import annotations

import re
from typing import Final

from textual import events
from textual.document._document import EditResult
from textual.document._edit import Edit as TextEdit
from textual.widgets import TextArea

from iamtui.text import safe_text

_INDENT: Final = re.compile(r"[ ]*")

LONGEST: Final = 200_000
"""Characters that may be edited on screen; AWS's longest policies have a tenth."""


def visible_json(text: str) -> str:
    r"""JSON text whose control, bidi and invisible characters stand as \uXXXX, which in a string means the same."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "  ")
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character == "\n" or safe_text(character) == character:
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


class JsonEditor(TextArea):
    """A TextArea draws its text raw, so whatever is typed or pasted is made visible on its way in."""

    def __init__(self, text: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(
            visible_json(text[:LONGEST]), id=id, soft_wrap=False, show_line_numbers=True, tab_behavior="focus"
        )

    def edit(self, edit: TextEdit) -> EditResult:
        """Make an edit with its text made visible; what would make the document too long is left out."""
        edit.text = visible_json(edit.text)[: max(0, LONGEST - len(self.document.text))]
        return super().edit(edit)

    def load_text(self, text: str) -> None:
        """Show another text."""
        super().load_text(visible_json(text[:LONGEST]))

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            row, column = self.cursor_location
            line = str(self.document.get_line(row))
            indent = _INDENT.match(line[:column])
            opens = line[:column].rstrip().endswith(("{", "["))
            spaces = (len(indent.group()) if indent is not None else 0) + (2 if opens else 0)
            self._replace_via_keyboard("\n" + " " * spaces, *self.selection)
            return
        await super()._on_key(event)
