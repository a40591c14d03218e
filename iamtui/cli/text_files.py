"""Reading what the user names: a text file or stdin, with a sentence for everything that can be wrong with it."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from iamtui.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def opened(name: str, what: str) -> Iterator[IO[bytes]]:
    """Open a file, or stdin for "-", for reading bytes.

    Args:
        name: as the user gave it; "" is no file.
        what: what it should be, for the sentence ("scenario file").

    Raises:
        Problem: no name, no such file, a directory, or unreadable.
    """
    if name == "-":
        if sys.stdin is None:
            raise Problem("There is no standard input to read.", f"Name the {what} instead of -.")
        yield sys.stdin.buffer
        return
    if not name:
        raise Problem(f"No {what} is named.", "Give its path, or - for standard input.")
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below; its errors must not be mixed with the reader's
    except FileNotFoundError:
        raise Problem(f"The {what} {name} does not exist.", "Check the path.") from None
    except IsADirectoryError:
        raise Problem(f"The {what} {name} is a directory.", "Name a file in it.") from None
    except PermissionError:
        raise Problem(f"The {what} {name} may not be read by this user.", "Check its permissions.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the path is not valid"
        raise Problem(f"The {what} {name} cannot be opened: {reason}.", "Check the path.") from None
    with file:
        yield file


def read_text(name: str, what: str, *, most: int) -> str:
    """Read a whole text file, or stdin for "-".

    Args:
        most: bytes that are read at most.

    Raises:
        Problem: it cannot be read, is too large, or is not UTF-8 text.
    """
    shown = "standard input" if name == "-" else name
    with opened(name, what) as file:
        try:
            data = file.read(most + 1)
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise Problem(f"The {what} {shown} cannot be read: {reason}.", "Check the file.") from None
    if len(data) > most:
        raise Problem(f"The {what} {shown} has more than the {most // 1024:,} kB that are read.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(
            f"The {what} {shown} is not UTF-8 text (byte {error.start + 1}).", "Is it the right file?"
        ) from None
    if "\0" in text:
        raise Problem(f"The {what} {shown} is not text.", "Is it the right file?")
    return text
