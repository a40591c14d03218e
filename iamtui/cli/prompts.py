"""Prompts on the controlling terminal, never on standard input, which may be a pipe."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from iamtui.cli.output import note, stderr
from iamtui.paths import has_terminal
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import safe_text

TERMINAL: Final = Path("/dev/tty")

_TRIES: Final = 3


_lent = False


@contextmanager
def lending_terminal() -> Iterator[None]:
    """Leave the terminal to a child that reads it; nobody is asked meanwhile, in whichever thread."""
    global _lent  # noqa: PLW0603 - as the terminal, there is one for the process
    _lent = True
    try:
        yield
    finally:
        _lent = False


def can_ask() -> bool:
    """Whether somebody is there to answer: there is a controlling terminal, and this program is in its foreground."""
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


def ask_code(serial: str) -> Secret:
    """The MFA code of a device, typed on the controlling terminal without being shown; never from argv or a pipe."""
    _need_terminal("An MFA code is needed, and there is no terminal to ask for it", "Run the command in a terminal.")
    try:
        return Secret(getpass.getpass(f"MFA code of {safe_text(serial)}: ").strip())
    except EOFError:
        raise Problem("No MFA code was given.", "Type the six digits that the device shows.") from None


def _need_terminal(otherwise: str, next_step: str) -> None:
    try:
        with TERMINAL.open("r+b", buffering=0):
            pass
    except OSError:
        raise Problem(f"{otherwise}.", next_step) from None


def _line(question: str) -> str:
    """What the user answers, with its line end; "" at Ctrl+D."""
    out = stderr()
    out.line(question, whole=True)
    out.flush()
    return _answer()


def _answer() -> str:
    with TERMINAL.open(encoding="utf-8", errors="replace") as terminal:
        return terminal.readline(100)
