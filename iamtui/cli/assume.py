"""`iamtui assume`: a role's credentials on stdout, for `eval` or a program, and never on a screen by accident."""

from __future__ import annotations

import os
import sys

import click

from iamtui.cli.assume_options import DEFAULT, Wanted, assume_options, assumed, say_nested, wanted_format
from iamtui.cli.exits import Exit
from iamtui.cli.output import note, secret_on_stdout, stdout
from iamtui.cli.source_options import SourceOptions, option_words, source_options
from iamtui.credentials.credentials_file import check_profile, credentials_file, write_profile
from iamtui.credentials.export import FORMATS, Format, docker_options, find_format, hand_over
from iamtui.problem import Problem
from iamtui.text import safe_text


@click.command(epilog="Exit codes: 0 with the credentials handed over; 2 without.")
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
    answer goes to stderr first; a role of the demo account is assumed only if that answer is yes.
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
