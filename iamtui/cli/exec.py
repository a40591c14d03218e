"""`iamtui exec`: a program with a role's credentials in its environment, and nowhere else."""

from __future__ import annotations

import os

import click

from iamtui.cli.assume_options import Wanted, assume_options, assumed, say_nested
from iamtui.cli.exits import ProgramExit
from iamtui.cli.output import note
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.credentials.child_process import NotStarted, check_program, child_environment, replace_process
from iamtui.problem import Problem

EPILOG = (
    "Exit codes: the program's own; 125 if iamtui fails, 126 if the program cannot be executed, 127 if it is not found."
)


@click.command(name="exec", epilog=EPILOG)
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
