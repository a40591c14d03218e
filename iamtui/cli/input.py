"""Input of the command line: files that are named, or standard input for "-", and answers on the terminal."""

from __future__ import annotations

import getpass
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

from iamtui.cli.output import ProgressNotes, note, stderr
from iamtui.input_files import (
    Readable,
    open_input,
    open_standard_input,
    read_whole,
    text_of,
    wait_for_input,
)
from iamtui.paths import has_terminal
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import safe_text


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


_PAUSE_SECONDS: Final = 0.2


@contextmanager
def opened_as_it_comes(what: str) -> Iterator[tuple[Readable, Callable[[], bool]]]:
    """Standard input as it is written to, and whether nothing more has come for a moment."""
    with opened("-", what) as file:
        buffered = cast("io.BufferedReader", file)
        try:
            descriptor = buffered.fileno()
        except OSError:
            # Python runs inside something that has put its own in place.
            yield _AsItComes(buffered), lambda: False
        else:
            yield _AsItComes(buffered), lambda: not wait_for_input(descriptor, _PAUSE_SECONDS)


class _AsItComes:
    """A pipe of which each read gives what is there."""

    def __init__(self, pipe: io.BufferedReader) -> None:
        self.read = pipe.read1


def shown_name(name: str) -> str:
    """Name of the file in messages."""
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


TERMINAL: Final = Path("/dev/tty")

_TRIES: Final = 3


_lent = False


@contextmanager
def lending_terminal() -> Iterator[None]:
    """Leave the terminal to a child that reads it; no thread prompts the user meanwhile."""
    global _lent  # noqa: PLW0603 - as the terminal, there is one for the process
    _lent = True
    try:
        yield
    finally:
        _lent = False


def can_ask() -> bool:
    """True if the user can answer: there is a controlling terminal, and this program is in its foreground."""
    return not _lent and has_terminal(TERMINAL)


def says_yes(about: Iterable[str], question: str) -> bool:
    """Ask on the terminal itself, wherever stderr leads; everything but "y" and "yes" is no.

    Args:
        about: the sentences that are shown before it.
    """
    with TERMINAL.open("w", encoding="utf-8", errors="replace") as terminal:
        terminal.writelines(f"{safe_text(line, limit=None)}\n" for line in (*about, f"{question} [y/N]"))
    return _answer().strip().lower() in ("y", "yes")


def choose(heading: str, options: Sequence[str], *, instead: str) -> str:
    """Have the user choose one of several by its number; Enter takes the first.

    Args:
        heading: what is chosen from, a few words.
        instead: what to do where nobody can be asked.
    """
    _need_terminal(f"{heading}, and there is no terminal to ask which one", instead)
    out = stderr()
    out.line(f"{heading}:")
    for number, option in enumerate(options, 1):
        out.line(f"  {number}  {option}")
    for _ in range(_TRIES):
        line = _line(f"Which one, 1 to {len(options)}? [1]")
        if not line:
            break
        answer = line.strip() or "1"
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(options):
            return options[int(answer) - 1]
        note(f"{answer} is not a number in the list.")
    raise Problem(f"{heading}, and none of them was chosen.", instead)


def ask_code(
    serial: str,
    needed: str = "An MFA code is needed",
    instead: str = "Run the command in a terminal.",
    about: str = "",
) -> Secret:
    """The MFA code of a device, typed on the controlling terminal without being shown; never from argv or a pipe.

    Args:
        needed: that it is, a few words, where it cannot be asked for.
        instead: what to do then.
        about: a sentence above the question, or "".
    """
    _need_terminal(f"{needed}, and there is no terminal to ask for it", instead)
    if about:
        note(about)
    try:
        return Secret(getpass.getpass(f"MFA code of {safe_text(serial)}: ").strip())
    except EOFError:
        raise Problem("No MFA code was given.", "Type the six digits that the device shows.") from None


def _need_terminal(otherwise: str, next_step: str) -> None:
    try:
        if not _lent:
            with TERMINAL.open("r+b", buffering=0):
                return
    except OSError:
        pass
    raise Problem(f"{otherwise}.", next_step)


def _line(question: str) -> str:
    """Prompt for a line, returned with its line end; "" at Ctrl+D."""
    out = stderr()
    out.line(question, whole=True)
    out.flush()
    return _answer()


def _answer() -> str:
    with TERMINAL.open(encoding="utf-8", errors="replace") as terminal:
        return terminal.readline(100)
