"""What commands print for a shell to evaluate: in which format, and what makes the shell stop when there is nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from iamtui.config import load_config
from iamtui.credentials.formats import Format, evaluating_format, find_format
from iamtui.credentials.processes import parent_program
from iamtui.problem import Problem

DEFAULT: Final = "Default: that of the shell it is run from, or bash."


def wanted_format(name: str | None) -> Format:
    """The format that is named, or the one of the shell that is going to evaluate it.

    Raises:
        Problem: there is no format of this name.
    """
    return find_format(name if name is not None else _usual())


def _usual() -> str:
    return evaluating_format(load_config()[0].export.format, parent_program())


def fail_in_shell(arguments: Sequence[str]) -> None:
    """Print the line that lets `eval` fail, so that what follows does not run as somebody else.

    Nothing is printed to a terminal, or where what is printed is for no shell.

    Args:
        arguments: the words after the program's name.
    """
    if sys.stdout is None or sys.stdout.isatty() or any(word.startswith("--write-profile") for word in arguments):
        return
    try:
        syntax = wanted_format(_named(arguments)).syntax
    except Problem:
        # It was meant for the shell that runs it, mostly.
        syntax = find_format(_usual()).syntax
    if syntax is not None:
        sys.stdout.write(f"{syntax.failure}\n")
        sys.stdout.flush()


def _named(arguments: Sequence[str]) -> str | None:
    """What --format says, also where the rest of the words makes no sense."""
    found = None
    for number, word in enumerate(arguments):
        option, equals, value = word.partition("=")
        if option == "--format" and equals:
            found = value
        elif option == "--format" and number + 1 < len(arguments):
            found = arguments[number + 1]
    return found
