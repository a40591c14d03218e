"""`iamtui assume`, `exec` and `pick`: a role's credentials for a shell or a program, never on a screen by accident."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click

from iamtui.cli.assume_options import DEFAULT, Wanted, assume_options, assumed, say_nested, wanted_format
from iamtui.cli.command import command
from iamtui.cli.output import Exit, ProgramExit, Screen, note, refuse_dumb_terminal, secret_on_stdout, stdout
from iamtui.cli.source_choice import choose_for_screen
from iamtui.cli.source_options import SourceOptions, option_words, source_options
from iamtui.credentials.child_process import NotStarted, check_program, child_environment, replace_process
from iamtui.credentials.credentials_file import check_profile, credentials_file, write_profile
from iamtui.credentials.export import FORMATS, Format, docker_options, find_format, hand_over
from iamtui.problem import Problem
from iamtui.text import safe_text


@command(epilog="Exit codes: 0 with the credentials handed over; 2 without.")
@click.argument("role")
@click.option("--format", "name", default=None, metavar="FORMAT", help=f"{', '.join(FORMATS)}. {DEFAULT}")
@click.option("--write-profile", "written", metavar="NAME", help="Write them into ~/.aws/credentials, as this profile.")
@click.option("--overwrite", is_flag=True, help="Also replace a profile that iamtui did not write.")
@assume_options
@click.option("--reveal", is_flag=True, help="Print the credentials even to a terminal.")
@source_options
def assume(
    role: str,
    name: str | None,
    written: str | None,
    overwrite: bool,
    wanted: Wanted,
    reveal: bool,
    source: SourceOptions,
) -> Exit:
    """Assume ROLE and print its credentials: eval "$(iamtui assume ROLE)".

    ROLE is a name, or an ARN or a profile with a role_arn, which need no permission to read the account. iamtui's own
    answer goes to stderr first, for an ARN or a profile by the account as it was read last; a role of the demo account
    is assumed only if that answer is yes.
    """
    if written is not None:
        if name is not None:
            raise Problem("--format and --write-profile cannot be combined.", "Choose one.")
        return _write(role, written, overwrite, wanted, source)
    if overwrite:
        raise Problem("--overwrite applies only with --write-profile.", "Leave it out.")
    chosen = wanted_format(name)
    stdout()  # Nothing is assumed where it is closed.
    if not chosen.secret:
        return _name_variables((role, *option_words(wanted), *source.words))
    if sys.stdout.isatty() and not reveal:
        raise Problem(
            "The credentials would be shown on the terminal.",
            _instead(chosen, (role, *option_words(wanted), *source.words)),
        )
    say_nested(os.environ)
    secret_on_stdout(hand_over(assumed(role, wanted, source).session, chosen.name))
    return Exit.OK


def _instead(chosen: Format, words: tuple[str, ...]) -> str:
    try:
        command = f"Use {chosen.command(*words)}, send"
    except Problem:
        command = "Send"
    return f"{safe_text(command)} them to a program, or use --reveal."


def _name_variables(words: tuple[str, ...]) -> Exit:
    """Print docker's options, which hold names only: for those no role need be assumed."""
    note(
        "These options name the variables and hold no values, so nothing was assumed, and the role was not looked up: "
        f"use them where the variables are set, as in {safe_text(find_format('docker').command(*words))}"
    )
    out = stdout()
    out.raw(docker_options().reveal())
    out.flush()
    return Exit.OK


def _write(role: str, profile: str, overwrite: bool, wanted: Wanted, source: SourceOptions) -> Exit:
    path = credentials_file()
    check_profile(profile, path, overwrite=overwrite)
    say_nested(os.environ)
    session = assumed(role, wanted, source).session
    write_profile(session, profile, path, overwrite=overwrite)
    note(f"Written to {path} as profile {profile}; nothing renews it. Use it with --profile {profile}.")
    return Exit.OK


# `iamtui exec`: a program with a role's credentials in its environment, and nowhere else.


EPILOG = (
    "Exit codes: the program's own; 125 if iamtui fails, 126 if the program cannot be executed, 127 if it is not found."
)


@command(name="exec", epilog=EPILOG)
@click.argument("role")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True, metavar="-- COMMAND...")
@click.option("--no-region", is_flag=True, help="Do not set the region.")
@assume_options
@source_options
def exec_(role: str, command: tuple[str, ...], no_region: bool, wanted: Wanted, source: SourceOptions) -> ProgramExit:
    """Assume ROLE and run COMMAND with its credentials: iamtui exec ROLE -- terraform plan.

    COMMAND replaces iamtui, with its signals, terminal and exit code. Profiles and credentials are removed from its
    environment first. The credentials are not renewed: for a program that runs longer than the session, use iamtui
    serve ROLE -- COMMAND.
    """
    if not command[0]:
        raise Problem("The command is empty.", "Name a program after --.")
    say_nested(os.environ)
    try:
        check_program(command[0], os.environ)
        session = assumed(role, wanted, source).session
        environ = child_environment(session, os.environ, with_region=not no_region)
        replace_process(command, environ)
    except NotStarted as problem:
        note(f"iamtui: {problem}")
        return ProgramExit(problem.code)


# `iamtui pick`: the screen as a picker: it is drawn on stderr, and what was picked goes to stdout.


NAMES = ", ".join(name for name, entry in FORMATS.items() if entry.secret)


@command(epilog="Exit codes: 0 with a session handed over; 1 when nothing was picked; 2 for an error.")
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
        session = screen.pick(choose_for_screen(source), chosen.name)
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
