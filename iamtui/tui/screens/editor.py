"""Showing a text in the user's editor, from a private copy that is gone afterwards."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from textual.app import App, SuspendNotSupported
from textual.content import Content

from iamtui.paths import PRIVATE_FOLDER
from iamtui.tui.safe import line, plain
from iamtui.tui.widgets.notice import Severity

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
    """
    with tempfile.TemporaryDirectory(prefix="iamtui-") as folder:
        Path(folder).chmod(PRIVATE_FOLDER)
        path = Path(folder, f"{_UNUSUAL.sub('_', name)[:80].lstrip('.-') or 'document'}.json")
        path.touch(0o600, exist_ok=False)
        path.chmod(0o600)
        path.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
        yield path


def show_in_editor(app: App[None], text: str, name: str) -> tuple[Content, Severity]:
    """Suspend the screen, show a read-only copy of the text in the editor, and come back.

    What is changed in the copy is lost.

    Args:
        text: safe to show.
        name: what the file is called, raw.

    Returns:
        The sentence for the message line.
    """
    try:
        command = editor_command(os.environ)
    except ValueError:
        return plain("$EDITOR cannot be read: its quotes do not match."), Severity.ERROR
    if command is None:
        return plain("No editor is set: export EDITOR=vim, for example, and start iamtui again."), Severity.WARNING
    with private_copy(text, name) as path:
        path.chmod(0o400)
        try:
            with app.suspend():
                ended = subprocess.run([*command, str(path)], check=False).returncode  # noqa: S603 - the user's own editor
        except SuspendNotSupported:
            return plain("An editor needs the terminal, which iamtui cannot give away here."), Severity.ERROR
        except OSError as error:
            reason = error.strerror or type(error).__name__
            return line("The editor ", (command[0], "bold"), f" cannot be started: {reason}."), Severity.ERROR
    if ended:
        return line("The editor ", (command[0], "bold"), f" ended with status {ended}."), Severity.WARNING
    return plain("Back from the editor: it had a copy, the account is as it was."), Severity.INFORMATION
