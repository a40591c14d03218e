"""`iamtui console`: into the AWS console as a role, by a URL that is a password for 15 minutes."""

from __future__ import annotations

import os
import shlex
import sys
import time
from contextlib import suppress
from functools import partial
from typing import Final

import click
from msgspec import structs

from iamtui.cli.assume_options import Wanted, assume_options, assumed, read_time, say_nested
from iamtui.cli.command import command
from iamtui.cli.output import Exit, note, secret_on_stdout, stdout
from iamtui.cli.source_options import SourceOptions, option_words, source_options
from iamtui.config import load_config
from iamtui.credentials.clipboard import ClearOnExit, ClipboardLease, ClipboardOptions
from iamtui.credentials.clipboard import copy as copy_text
from iamtui.credentials.console_url import (
    VISIBLE_WARNING,
    SignIn,
    check_endpoint,
    check_wanted,
    duration_problem,
    open_in_browser,
)
from iamtui.credentials.session import Session, utc_now
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import safe_text
from iamtui.workspace.assume.assume import open_console


@command(epilog="Exit codes: 0 with the URL handed over; 2 without.")
@click.argument("role")
@click.option("--service", metavar="WHERE", default="", help="A service (iam), a path of the console, or its URL.")
@click.option("--copy", is_flag=True, help="Copy the URL, and clear the clipboard after a while.")
@click.option("--open", "opens", is_flag=True, help="Open it in a browser; its argument is visible to local users.")
@click.option("--reveal", is_flag=True, help="Print the URL even to a terminal.")
@click.option(
    "--console-duration",
    callback=read_time,
    metavar="TIME",
    help="Stay signed in this long. Default: as long as the session.",
)
@click.option("--regional", is_flag=True, help="Sign in at the region's own host, for when us-east-1 is down.")
@assume_options
@source_options
def console(
    role: str,
    service: str,
    copy: bool,
    opens: bool,
    reveal: bool,
    console_duration: int | None,
    regional: bool,
    wanted: Wanted,
    source: SourceOptions,
) -> Exit:
    """Assume ROLE and print a URL that signs in to the AWS console as that role.

    Whoever opens the URL within 15 minutes is the role: iamtui console ROLE --copy keeps it off the screen. Only an
    assumed role can sign in this way, not long-term keys or those of GetSessionToken. --console-duration, 15m to 12h,
    works only if the role is assumed with long-term keys of a user, and may outlive the session.
    """
    if source.demo:
        raise Problem(
            "The demo account has no AWS console: its credentials work nowhere else.",
            "Try it on your own account, with --profile.",
        )
    check_wanted(service)
    check_endpoint(source.endpoint_url or "")
    shown = not (copy or opens) or reveal
    if shown and sys.stdout.isatty() and not reveal:
        page = ("--service", service) if service else ()
        again = shlex.join((role, *page, *option_words(wanted), *source.words))
        raise Problem(
            "The sign-in URL would be shown on the terminal.",
            f"Use iamtui console {safe_text(again)} --copy or --open, send it to a program, or use --reveal.",
        )
    if console_duration is not None and (wrong := duration_problem(console_duration, from_long_term=True)):
        raise wrong
    stdout()  # Nothing is assumed where it is closed.
    say_nested(os.environ)

    def check(temporary: bool) -> None:
        """Refuse a duration that AWS would."""
        problem = (
            duration_problem(console_duration, from_long_term=not temporary) if console_duration is not None else None
        )
        if problem is not None:
            raise problem

    found = assumed(role, wanted, source, check=check)
    made = open_console(found.workspace, found.session, wanted=service, seconds=console_duration, regional=regional)
    _say(made, found.session)
    if shown:
        secret_on_stdout(Secret(made.url.reveal() + "\n"))
    if opens:
        note(VISIBLE_WARNING)
        open_in_browser(made.url)
        note("The browser has been started.")
    if copy:
        _copy_and_wait(made.url)
    return Exit.OK


def _say(made: SignIn, session: Session) -> None:
    who = session.identity.arn if session.identity is not None else session.role_arn
    note(f"Whoever opens the URL within 15 minutes is {who} in the console: treat it as a password.")
    note(f"It leads to {made.destination}; the console stays signed in {made.lasts}.")


# Copying: the command stays in the foreground until the clipboard is cleared again.


_LOOK_SECONDS: Final = 0.5


def _copy_and_wait(text: Secret) -> None:
    """Copy the URL, say by which route, and clear after the configured time, or at Ctrl+C."""
    settings = load_config()[0].clipboard
    found = ClipboardOptions.from_environment(os.environ)
    options = structs.replace(
        found,
        command=settings.command or found.command,
        local_over_ssh=settings.local_over_ssh,
        secrets_through_terminal=settings.secrets_through_terminal,
        terminal=sys.stderr is not None and sys.stderr.isatty(),
        clear_after_seconds=settings.seconds,
    )
    on_exit = ClearOnExit(_write_to_clipboard)
    on_exit.install()
    try:
        lease = on_exit.copy(partial(copy_text, text, options, clock=utc_now))
        if lease.expires_at is None:
            note(f"Sign-in URL: {lease.result.sentence}. It stays there.")
            return
        note(f"Sign-in URL: {lease.result.sentence}. Cleared in {settings.seconds} s, or now with Ctrl+C.")
        _wait(lease)
    finally:
        result = on_exit.clear()
        if result is not None:
            note(f"{result.sentence[:1].upper()}{result.sentence[1:]}.")
        on_exit.uninstall()


def _wait(lease: ClipboardLease) -> None:
    """Wait until a copy has been on the clipboard for long enough, or Ctrl+C."""
    with suppress(KeyboardInterrupt):
        while lease.time_left(utc_now()):
            time.sleep(_LOOK_SECONDS)


def _write_to_clipboard(sequence: str) -> None:
    if sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write(sequence)
        sys.stderr.flush()
