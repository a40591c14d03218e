"""A document that goes to the user's own editor and comes back changed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from textual.app import App, SuspendNotSupported
from textual.content import Content

from iamtui.input_files import read_document, text_of
from iamtui.problem import Problem
from iamtui.tui.safe import line, plain
from iamtui.tui.screens.editor import editor_command, private_copy
from iamtui.tui.widgets.draft.json_editor import LONGEST
from iamtui.tui.widgets.notice import Severity


def edit_in_editor(app: App[object], text: str, name: str) -> tuple[str | None, Content, Severity]:
    """Suspend the screen, let the user's editor work on a private copy, and read what it wrote.

    Args:
        text: the document.
        name: what the file is called, raw.

    Returns:
        The text that came back, or None when nothing did; and the sentence for the message line.
    """
    try:
        command = editor_command(os.environ)
    except ValueError:
        return None, plain("$EDITOR cannot be read: its quotes do not match."), Severity.ERROR
    if command is None:
        return None, plain("No editor is set: export EDITOR=vim, for example. Edit here instead."), Severity.WARNING
    with private_copy(text, name) as path:
        try:
            with app.suspend():
                ended = subprocess.run([*command, str(path)], check=False).returncode  # noqa: S603 - the user's own editor
        except SuspendNotSupported:
            return None, plain("An editor needs the terminal, which iamtui cannot give away here."), Severity.ERROR
        except OSError as error:
            reason = error.strerror or type(error).__name__
            return None, line("The editor ", (command[0], "bold"), f" cannot be started: {reason}."), Severity.ERROR
        if ended:
            words = line("The editor ", (command[0], "bold"), f" ended with status {ended}: nothing was taken over.")
            return None, words, Severity.WARNING
        return _read(path)


def _read(path: Path) -> tuple[str | None, Content, Severity]:
    try:
        text = text_of(read_document(path, "The editor's file", most=4 * LONGEST, pipes=False), "The editor's file")
    except Problem as problem:
        return None, plain(f"{problem.sentence} Nothing was taken over."), Severity.ERROR
    return text.rstrip("\n"), plain("Taken over from the editor."), Severity.INFORMATION
