"""`iamtui pick`: the screen as a picker: it is drawn on stderr, and what was picked goes to stdout."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click

from iamtui.cli.assume_options import DEFAULT, say_nested, wanted_format
from iamtui.cli.exits import Exit, Screen, refuse_dumb_terminal
from iamtui.cli.output import note, secret_on_stdout
from iamtui.cli.source_choice import choose
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.credentials.export import FORMATS, Format, hand_over
from iamtui.problem import Problem
from iamtui.text import safe_text

NAMES = ", ".join(name for name, entry in FORMATS.items() if entry.secret)


@click.command(epilog="Exit codes: 0 with a session handed over; 1 when nothing was picked; 2 for an error.")
@click.option("--format", "name", default=None, metavar="FORMAT", help=f"{NAMES}. {DEFAULT}")
@click.option("--reveal", is_flag=True, help="Print the credentials even to a terminal.")
@source_options
@click.pass_obj
def pick(screen: Screen, name: str | None, reveal: bool, source: SourceOptions) -> Exit:
    """Pick a role on the screen and print its credentials: eval "$(iamtui pick)".

    Assume a role there, then hand over its session with c (or Enter on it). Leaving with q hands over nothing. In
    fish: iamtui pick | source.
    """
    chosen = wanted_format(name)
    if not chosen.secret:
        raise Problem(f"The format {chosen.name} holds names only, so there is nothing to pick.", f"Formats: {NAMES}.")
    if sys.stdout is None:
        raise Problem(
            "There is no standard output to hand the credentials to.", f"Use {safe_text(picking(chosen, source))}."
        )
    if sys.stdout.isatty() and not reveal:
        raise Problem(
            "The credentials would be shown on the terminal.",
            f"Use {safe_text(picking(chosen, source))}, or use --reveal.",
        )
    if not (_is_terminal(sys.stdin) and _is_terminal(sys.stderr)):
        raise Problem(
            "The picker reads keys from stdin and is drawn on stderr, and one of them is not a terminal.",
            "In scripts use iamtui assume ROLE.",
        )
    refuse_dumb_terminal(os.environ)
    say_nested(os.environ)
    with _stdout_set_aside():
        session = screen.pick(choose(source, for_command=False).choice, chosen.name)
    if session is None:
        note("Nothing was picked.")
        return Exit.NO
    secret_on_stdout(hand_over(session, chosen.name))
    return Exit.OK


def picking(chosen: Format, source: SourceOptions) -> str:
    """The command line that picks for a shell, or writes what was picked to a file."""
    if chosen.syntax is None:
        return f"iamtui pick {shlex.join((*source.words, '--format', chosen.name))} > FILE"
    try:
        return chosen.command(*source.words or ("",), name="pick")
    except Problem:
        # A shell that cannot quote one of the options: the form is shown without them.
        return chosen.command("", name="pick")


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


@contextmanager
def _stdout_set_aside() -> Iterator[None]:
    """Make standard output the terminal that standard error is.

    The screen then finds a terminal of the right size and colours, and nothing but what was picked can get into what
    the caller reads.
    """
    assert sys.stdout is not None
    assert sys.stderr is not None
    sys.stdout.flush()
    number = sys.stdout.fileno()
    kept = os.dup(number)
    try:
        os.dup2(sys.stderr.fileno(), number)
        yield
        sys.stdout.flush()
    finally:
        os.dup2(kept, number)
        os.close(kept)
