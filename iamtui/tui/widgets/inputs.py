"""SafeInput: a field that holds nothing a terminal obeys or hides; PathInput: one that Tab completes like a shell."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from os.path import commonprefix
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.strip import Strip
from textual.widgets import Input, Label

from iamtui.paths import home_expanded
from iamtui.secret import Secret
from iamtui.text import safe_text
from iamtui.tui.background import get_in_thread
from iamtui.tui.content import line, plain
from iamtui.tui.widgets.status import Notice


class SafeInput(Input):
    """An Input draws its value raw, so pasted or completed text is made visible marks on its way in."""

    _refused_at = -1
    """How long the value was when more was refused last."""

    virtual_size: Reactive[Size] = Reactive(Size(0, 0), layout=False)
    """The size of the text. No field here is as wide as its text, so typing need not have the screen laid out again."""

    def validate_max_length(self, length: int | None) -> int:
        return length or LONGEST_INPUT

    def restricted(self) -> None:
        if self.max_length != LONGEST_INPUT:
            super().restricted()
        elif self._refused_at != len(self.value):
            # Of what a terminal types instead of pasting it, each character comes here.
            self._refused_at = len(self.value)
            super().restricted()
            self.post_message(Notice(plain(f"A field takes {LONGEST_INPUT:,} characters at most; more is left out.")))

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


LONGEST_INPUT: Final = 4_096
"""Default limit of a field's characters: its text is drawn, and kept by what draws it, at each key."""

_LEAST_CUT = 4
"""Narrower fields say more with their text than with ellipses."""


def _with_ellipsis(strip: Strip, at: int) -> Strip:
    style = next((segment.style for segment in strip.crop(at, at + 1)), None)
    return Strip([*strip.crop(0, at), Segment("…", style), *strip.crop(at + 1)])


# AskRow: a field on one line at the foot of a screen, there only while something is asked.


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
        yield Label(plain(self._label))
        yield SafeInput(placeholder=safe_text(self._placeholder), compact=True, id=self._field_id)

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def open(self) -> None:
        """Ask; what was typed before is still there."""
        self.add_class("-open")
        self.query_one(Input).focus()

    def close(self) -> None:
        self.remove_class("-open")


# SecretInput: a field for a secret, such as an MFA code.


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


_MOST_ENTRIES: Final = 10_000
"""How many entries of a folder are looked at."""

_MOST_NAMED: Final = 8
"""How many names are shown."""


class PathMatches(NamedTuple):
    """Completions of a path that is being typed.

    Args:
        typed: the text that was completed.
        names: of files and, with a `/` behind, folders, in their order; each is safe to show.
        completed: the text with all that these names begin with.
    """

    typed: str = ""
    names: tuple[str, ...] = ()
    completed: str = ""

    def words(self) -> Content:
        """The names, and the key that takes them; "" for none."""
        if not self.names or (self.completed == self.typed and len(self.names) == 1):
            return Content("")
        named = "  ".join(safe_text(name, limit=32) for name in self.names[:_MOST_NAMED])
        more = len(self.names) - _MOST_NAMED
        return line(("Tab ", "bold $match"), (named, "$muted"), (f"  and {more:,} more" if more > 0 else "", "$muted"))


def path_matches(text: str, suffixes: Collection[str] = ()) -> PathMatches:
    """Find what a path can be completed to; reads one folder, blocking.

    Args:
        suffixes: how files end that are offered; none: all of them.
    """
    front, slash, name = text.rpartition("/")
    try:
        names = sorted(_names(home_expanded(front + slash or "."), name, suffixes))
    except (OSError, ValueError):
        return PathMatches(text)
    return PathMatches(text, tuple(names), front + slash + (commonprefix(names) or name))  # noqa: RUF071 - names


def _names(folder: Path, name: str, suffixes: Collection[str]) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in islice(entries, _MOST_ENTRIES):
            # What a field cannot hold as it is cannot be completed to.
            is_offered = entry.name.startswith(name) and safe_text(entry.name, limit=None) == entry.name
            if not is_offered or (entry.name.startswith(".") and not name):
                continue
            if entry.is_dir():
                yield f"{entry.name}/"
            elif not suffixes or entry.name.endswith(tuple(suffixes)):
                yield entry.name


class PathInput(SafeInput):
    """Looks in the folder that was typed, in a thread, and says what Tab could make of the name.

    Args:
        suffixes: how files end that are offered; none: all of them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", id="path.complete", tooltip="Complete the path of a file or folder"),
    ]

    @dataclass(eq=False, repr=False)
    class Matched(Message):
        """There are other matches than before."""

        matches: PathMatches

    def __init__(self, value: str = "", *, suffixes: Collection[str] = (), id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(value, placeholder="path of the file", compact=True, id=id)
        self._suffixes = suffixes
        self._matches = PathMatches()

    def on_input_changed(self) -> None:
        text, suffixes = self.value, self._suffixes
        get_in_thread(
            self, lambda: path_matches(text, suffixes), self._matched, name="looking at the folder", group="paths"
        )

    def _matched(self, matches: PathMatches) -> None:
        if matches.typed == self.value:
            self._matches = matches
            self.post_message(self.Matched(matches))

    def action_complete(self) -> None:
        """Take what all matches begin with; with nothing to take, go on to the next widget."""
        if self._matches.typed == self.value and self._matches.completed != self.value:
            self.value = self._matches.completed
            self.cursor_position = len(self.value)
        elif not self._matches.names:
            self.screen.focus_next()
