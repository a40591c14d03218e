"""The exit codes, and the one type that a command may end with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from iamtui.problem import Problem

if TYPE_CHECKING:
    from iamtui.config import Config
    from iamtui.credentials.session import Session
    from iamtui.workspace.source.workspace import SourceChoice


class Exit(IntEnum):
    """How a command ended. OK, NO and OPEN are returned only by code that holds an answer.

    OK: allowed, met, done. NO: denied, not met. ERROR: no answer. OPEN: it depends, or holds only for some
    resources. INTERRUPTED and BROKEN_PIPE are what a shell reports for SIGINT and SIGPIPE. NOT_RUN is ERROR for the
    commands that end with the exit code of a program, which may well be 2.
    """

    OK = 0
    NO = 1
    ERROR = 2
    OPEN = 3
    NOT_RUN = 125
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class ProgramExit(int):
    """The exit code of a program that a command ran, handed on as it is."""


COMPLETE_VARIABLE: Final = "_IAMTUI_COMPLETE"
"""The environment variable with which a completion script asks for completions."""

OPENED: Final = "iamtui.opened"
"""Where the context of a command keeps the account that it opened."""

# What the command line is told of the screen, which it must not import.


class KeyBinding(NamedTuple):
    """One key of the screen: the id the config names it by, the keys, and what they do."""

    id: str
    keys: str
    description: str


class Screen(NamedTuple):
    """The other door.

    Args:
        open: runs the screen on a source (None: the user is asked), with or (True) without what it remembers from runs
            before, and with a Terraform plan as its draft or without (None), and returns its exit code.
        bindings: the keys that the config can change.
        pick: runs the screen on a source until the user picks a session for the format of this name; gives None when
            the user picks none, and raises Problem when the screen ends by an error.
        config_problems: what is wrong with the keymap and the themes, a sentence each.
    """

    open: Callable[[SourceChoice | None, bool, str | None], int]
    bindings: Callable[[], Sequence[KeyBinding]]
    pick: Callable[[SourceChoice | None, str], Session | None]
    config_problems: Callable[[Config], Sequence[str]] = lambda _config: ()


_WITHOUT_CURSOR: Final = frozenset(("dumb", "unknown"))
"""Values of TERM for terminals that can only print: those of editors, logs and CI."""


def refuse_dumb_terminal(environ: Mapping[str, str]) -> None:
    """Refuse to draw the screen where the cursor cannot be moved: nothing would be seen."""
    name = environ.get("TERM", "").lower()
    if name in _WITHOUT_CURSOR:
        raise Problem(
            f"The screen cannot be drawn on this terminal (TERM={name}).",
            "Use a command (iamtui --help), or set TERM to what the terminal really is, such as xterm-256color.",
        )
