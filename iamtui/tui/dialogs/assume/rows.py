"""The rows of the assume form: a label, a field with a hint beside it, and below it what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from iamtui.text import safe_text
from iamtui.tui.safe import line, lines, plain


class FormRow(Vertical):
    """One input of the form."""

    DEFAULT_CSS = """
    FormRow {
        height: auto;

        &.-unused {
            display: none;
        }
        & Horizontal {
            height: 1;
        }
        & Label {
            width: 16;
            color: $muted;
        }
        &.-here Label {
            color: $heading;
            text-style: bold;
        }
        & Input {
            width: 28;
            background: $foreground 6%;
        }
        & Input:focus {
            background: $foreground 14%;
        }
        &.-long Input {
            width: 1fr;
        }
        &.-long .hint {
            width: auto;
            max-width: 40%;
        }
        & .hint {
            width: 1fr;
            height: 1;
            padding-left: 1;
            color: $muted;
            text-wrap: nowrap;
            text-overflow: ellipsis;
        }
        & .note {
            display: none;
            height: auto;
            padding-left: 16;
            color: $muted;
        }
        &.-noted .note {
            display: block;
        }
        & .problem {
            display: none;
            height: auto;
            padding-left: 16;
            color: $verdict-denied;
        }
        &.-wrong .problem {
            display: block;
        }
    }
    """

    def __init__(
        self, label: str, field: Widget, *, hint: Content | None = None, classes: str = "", below: Widget | None = None
    ) -> None:
        """Make a row.

        Args:
            label: a literal.
            field: what is filled in.
            hint: what stands beside it.
            classes: "-long" for a field that takes the whole line, "-unused" to hide the row.
            below: what opens under the field.
        """
        super().__init__(classes=classes)
        self.field = field
        self._label = label
        self._hint = hint if hint is not None else Content("")
        self._below = below

    def compose(self) -> ComposeResult:
        """Label, field and hint on one line."""
        with Horizontal():
            yield Label(plain(self._label))
            yield self.field
            yield Static(self._hint, classes="hint")
        if self._below is not None:
            yield self._below
        yield Static(classes="note")
        yield Static(classes="problem")

    def on_descendant_focus(self) -> None:
        """Mark the row that the cursor is in."""
        self.add_class("-here")

    def on_descendant_blur(self) -> None:
        """Take the mark away."""
        self.remove_class("-here")

    @property
    def is_used(self) -> bool:
        """Whether the row is on screen."""
        return not self.has_class("-unused")

    def use(self, used: bool) -> None:
        """Show the row or hide it."""
        self.set_class(not used, "-unused")

    def hint(self, words: Content) -> None:
        """Say something else beside the field."""
        self.query_one(".hint", Static).update(words)

    def note(self, words: Content) -> None:
        """Say something below the field; nothing takes it away."""
        self.query_one(".note", Static).update(words)
        self.set_class(bool(words), "-noted")

    def show_problems(self, sentences: Sequence[str]) -> None:
        """Say what is wrong with the field; nothing clears it."""
        self.query_one(".problem", Static).update(lines(*(line(("! ", "bold"), sentence) for sentence in sentences)))
        self.set_class(bool(sentences), "-wrong")

    @property
    def is_wrong(self) -> bool:
        """Whether something is said to be wrong with the field."""
        return self.has_class("-wrong")


class InputRow(FormRow):
    """A row with a field to type into."""

    field: Input

    def __init__(
        self,
        label: str,
        field: Input,
        *,
        hint: Content | None = None,
        classes: str = "",
        below: Widget | None = None,
        shortest: int = 0,
    ) -> None:
        """Make a row; a field that has the focus and is shorter than `shortest` is not called wrong yet."""
        super().__init__(label, field, hint=hint, classes=classes, below=below)
        self._shortest = shortest

    @property
    def value(self) -> str:
        """What was typed, without blanks around it."""
        return self.field.value.strip()

    @value.setter
    def value(self, text: str) -> None:
        self.field.value = safe_text(text, limit=None)

    @property
    def is_unfinished(self) -> bool:
        """Whether the user is still typing what cannot be right yet."""
        return self.field.has_focus and len(self.value) < self._shortest
