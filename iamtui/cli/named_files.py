"""Files that the user names on the command line, or standard input for "-"."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from iamtui.cli.output import ProgressNotes
from iamtui.input_files import open_input, open_standard_input, read_whole, text_of
from iamtui.problem import Problem


@contextmanager
def opened(name: str, what: str) -> Iterator[IO[bytes]]:
    """Open a file, or stdin for "-", for reading bytes. What takes long says so on a terminal.

    Args:
        name: as the user gave it; "" is not a file.
        what: what it should be, for the sentence ("scenario file").

    Raises:
        Problem: no name, no such file, a directory or device, or unreadable.
    """
    if not name:
        raise Problem(f"No {what} is named.", "Give its path, or - for standard input.")
    told = ProgressNotes(shown_name(name)).tell
    if name == "-":
        with open_standard_input(f"The {what} on standard input", told=told) as file:
            yield file
    else:
        with open_input(name, f"The {what} {name}", told=told) as file:
            yield file


def shown_name(name: str) -> str:
    """What a sentence calls the file."""
    return "standard input" if name == "-" else name


def read_text(name: str, what: str, *, most: int) -> str:
    """Read a whole text file, or stdin for "-".

    Args:
        most: bytes that are read at most.

    Raises:
        Problem: it cannot be read, is too large, or is not UTF-8 text.
    """
    subject = f"The {what} {'on standard input' if name == '-' else name}"
    with opened(name, what) as file:
        return text_of(read_whole(file, subject, most=most), subject)
