"""PathInput: a field for the path of a file, which Tab completes as a shell does."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from os.path import commonprefix
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from iamtui.paths import home_expanded
from iamtui.text import safe_text
from iamtui.tui.background import get_in_thread
from iamtui.tui.content import line
from iamtui.tui.widgets.inputs import SafeInput

_MOST_ENTRIES: Final = 10_000
"""How many entries of a folder are looked at."""

_MOST_NAMED: Final = 8
"""How many names are shown."""


class PathMatches(NamedTuple):
    """What a path that is being typed could become.

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
