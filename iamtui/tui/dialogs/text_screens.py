"""SearchableScreen: a whole screen of text under a title, with a line to search in it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol

from textual import getters, on
from textual.app import App, ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen

from iamtui.paths import PRIVATE_FOLDER
from iamtui.problem import Problem
from iamtui.tui.content import Severity, line, plain
from iamtui.tui.explorer.document_view import FindLine
from iamtui.tui.widgets.lists.wrapped_text import WrappedText
from iamtui.tui.widgets.status import KeyLine, TitleLine

SEARCH_KEYS: Final[tuple[BindingType, ...]] = (
    Binding("slash", "search", "Find", key_display="/", id="text.search", tooltip="Find a text here"),
    Binding("n", "step(1)", "Next", id="text.next", tooltip="Go to the next hit"),
    Binding("N", "step(-1)", "Previous", show=False, id="text.previous", tooltip="Go to the hit before"),
)
BACK_KEYS: Final[tuple[BindingType, ...]] = (
    Binding("escape,q", "back", "Back", id="text.back", tooltip="End finding, or go back to where you came from"),
)


class Searched(Protocol):
    """A view of text that finds words in it."""

    def search(self, needle: str) -> str:
        """Mark every occurrence and go to one; returns which of how many, in words; "" ends the search."""

    def step(self, direction: int) -> str:
        """Go to the next (1) or previous (-1) hit; returns which of how many, in words."""

    def focus(self) -> object:
        """Take the keys."""


class SearchableScreen(Screen[None]):
    """`/` searches, `n` and `N` go on, Escape ends the search, then goes back.

    Whoever makes one of it binds `SEARCH_KEYS` and `BACK_KEYS`, in the order in which its keys are to be shown, and
    puts a `FindLine` below the text.
    """

    @property
    def view(self) -> Searched:
        raise NotImplementedError

    def on_mount(self) -> None:
        self.view.focus()

    def action_back(self) -> None:
        find = self.query_one(FindLine)
        if find.display:
            find.action_end()
        else:
            self.dismiss(None)

    async def action_search(self) -> None:
        await self.query_one(FindLine).open()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There are hits to step to only while something is looked for."""
        if action == "step" and not any(find.display for find in self.query(FindLine)):
            return False
        return super().check_action(action, parameters)

    def action_step(self, direction: int) -> None:
        self.query_one(FindLine).tell(self.view.step(direction))

    @on(FindLine.SearchChanged)
    def _needle_changed(self, event: FindLine.SearchChanged) -> None:
        event.stop()
        self.query_one(FindLine).tell(self.view.search(event.needle))
        self.query_one(KeyLine).look_again()

    @on(FindLine.SearchLeft)
    def _needle_left(self, event: FindLine.SearchLeft) -> None:
        event.stop()
        self.view.focus()


# Showing a text in the user's editor, from a private copy that is gone afterwards.


_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]+")


def editor_command(environ: Mapping[str, str]) -> list[str] | None:
    """The words of $VISUAL, else $EDITOR; None when neither names a program.

    Raises:
        ValueError: its quotes do not match.
    """
    return shlex.split(environ.get("VISUAL") or environ.get("EDITOR") or "") or None


@contextmanager
def private_copy(text: str, name: str) -> Iterator[Path]:
    """A private file for an editor, in a folder of its own (0700) that is removed at the end, whatever the umask says.

    Args:
        name: what the file is called, raw.

    Raises:
        Problem: it cannot be written.
    """
    with ExitStack() as at_end:
        try:
            # An editor may leave there what cannot be removed: what it wrote counts all the same.
            kept = tempfile.TemporaryDirectory(prefix="iamtui-", ignore_cleanup_errors=True)
            folder = Path(at_end.enter_context(kept))
            folder.chmod(PRIVATE_FOLDER)
            path = folder / f"{_UNUSUAL.sub('_', name)[:80].lstrip('.-') or 'document'}.json"
            path.touch(0o600, exist_ok=False)
            path.chmod(0o600)
            path.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Problem(
                f"The copy for the editor cannot be written: {reason}.",
                "Make room in the temporary folder, or set TMPDIR to another one.",
            ) from None
        yield path


def run_editor(app: App[Any], path: Path, *, unset: str, failed: str = "") -> tuple[Content, Severity] | None:
    """Suspend the screen, let the user's own editor open a file, and come back.

    Args:
        unset: what to do where no editor is set, in a sentence.
        failed: what it means that the editor ended with another status than 0.

    Returns:
        None, or what went wrong, for the message line.
    """
    try:
        command = editor_command(os.environ)
    except ValueError:
        return plain("$EDITOR cannot be read: its quotes do not match."), Severity.ERROR
    if command is None:
        return plain(f"No editor is set: {unset}"), Severity.WARNING
    try:
        with app.suspend():
            ended = subprocess.run([*command, str(path)], check=False).returncode  # noqa: S603 - the user's own editor
    except SuspendNotSupported:
        return plain("An editor needs the terminal, which iamtui cannot give away here."), Severity.ERROR
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return line("The editor ", (command[0], "bold"), f" cannot be started: {reason}."), Severity.ERROR
    if ended:
        return line("The editor ", (command[0], "bold"), f" ended with status {ended}{failed}."), Severity.WARNING
    return None


def show_in_editor(app: App[None], text: str, name: str) -> tuple[Content, Severity]:
    """Show a read-only copy of the text in the editor. What is changed in the copy is lost.

    Args:
        text: safe to show.
        name: what the file is called, raw.

    Returns:
        The sentence for the message line.
    """
    try:
        with private_copy(text, name) as path:
            path.chmod(0o400)
            failure = run_editor(app, path, unset="export EDITOR=vim, for example, and start iamtui again.")
    except Problem as problem:
        return plain(problem), Severity.ERROR
    return failure or (
        plain("Back from the editor: it had a copy, the account is as it was."),
        Severity.INFORMATION,
    )


# TextScreen: a whole screen of text that scrolls and can be searched, for reports and help.


class TextScreen(SearchableScreen):
    """Shows rows of content under a title."""

    BINDINGS: ClassVar[list[BindingType]] = [*BACK_KEYS, *SEARCH_KEYS]

    view = getters.query_one(WrappedText)

    def __init__(self, title: Content, rows: Sequence[Content]) -> None:
        super().__init__()
        self._title = title
        self._rows = rows

    def compose(self) -> ComposeResult:
        yield TitleLine(self._title)
        yield WrappedText(self._rows, id="text-body")
        yield FindLine()
        yield KeyLine(id="keys")
