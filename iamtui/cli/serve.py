"""`iamtui serve`: a role's credentials on the loopback address, renewed for as long as somebody may ask."""

from __future__ import annotations

import os
import select
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import FrameType
from typing import Final, NoReturn

import click

from iamtui.cli.assume_options import DEFAULT, Assumed, Wanted, assume_options, assumed, say_nested, wanted_format
from iamtui.cli.command import command
from iamtui.cli.input import lending_terminal
from iamtui.cli.output import Exit, ProgramExit, note, secret_on_stdout, stdout
from iamtui.cli.source_options import SourceOptions, option_words, source_options
from iamtui.config import load_config
from iamtui.credentials.child_process import NotStarted, check_program, endpoint_environment, handling, run_child
from iamtui.credentials.export import Format, ShellSyntax, assignments, shell_format
from iamtui.credentials.export_values import DEMO_LABEL
from iamtui.credentials.renewal import Held, Renewer
from iamtui.credentials.server import WHO_IS_ANSWERED, CredentialsService
from iamtui.credentials.session import time_left_words
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import counted, safe_text
from iamtui.workspace.assume.mfa import MfaSessions
from iamtui.workspace.assume.session_store import ENDPOINT_STALE, default_profile_in_the_way, endpoint_variables

ENDPOINT_PID: Final = "IAMTUI_ENDPOINT_PID"
"""The process to end when the endpoint is no longer wanted."""

_STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_SECONDS: Final = 0.25


@command(epilog="Exit codes: 0 if it was stopped, 2 if it failed. With a COMMAND: as for `iamtui exec`.")
@click.argument("role")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
@click.option("--format", "name", default=None, metavar="SHELL", help=f"Whose lines to print. {DEFAULT}")
@click.option("--foreground", is_flag=True, help="Stay in the foreground even if stdout is not a terminal.")
@click.option("--imds", is_flag=True, help="Also serve as an instance metadata service (IMDSv2): no authentication!")
@click.option("--reveal", is_flag=True, help="Print the endpoint's token even to a terminal.")
@assume_options
@source_options
def serve(
    role: str,
    command: tuple[str, ...],
    name: str | None,
    foreground: bool,
    imds: bool,
    reveal: bool,
    wanted: Wanted,
    source: SourceOptions,
) -> Exit | ProgramExit:
    """Assume ROLE and offer its credentials to SDKs on 127.0.0.1, renewed in time.

    iamtui serve ROLE -- COMMAND runs a program that uses the endpoint, and ends with it. eval "$(iamtui serve ROLE)"
    leaves the endpoint in the background for this shell: it ends with the terminal, with kill $IAMTUI_ENDPOINT_PID, or
    with the session if nothing can renew it. One MFA code renews sessions of at most one hour for as long as
    assume.mfa_seconds says. Nobody gets credentials without the URL and the token.
    """
    chosen, syntax = shell_format(wanted_format(name).name)
    stdout()  # Nothing is assumed where it is closed.
    if not command and sys.stdout.isatty() and not reveal:
        words = (role, *(("--imds",) if imds else ()), *option_words(wanted), *source.words)
        raise Problem("The token of the endpoint would be shown on the terminal.", _instead(chosen, words))
    if command:
        try:
            check_program(command[0], os.environ)
        except NotStarted as problem:
            note(f"iamtui: {problem}")
            return ProgramExit(problem.code)
    say_nested(os.environ)
    mfa_sessions = MfaSessions(load_config()[0].assume.mfa_seconds)
    found = assumed(role, wanted, source, mfa_sessions=mfa_sessions)
    if found.with_mfa:
        _say_mfa(found, mfa_sessions)
    if imds:
        note(
            f"WARNING: the instance metadata service has no authentication: {WHO_IS_ANSWERED} that finds its port gets "
            "these credentials."
        )
    service = _service(found, imds)
    if command:
        return _with_program(service, command)
    pid = None if foreground or sys.stdout.isatty() else _fork()
    if pid == 0:
        _stay_behind(service)
    if pid is not None:
        service.let_go()
    try:
        secret_on_stdout(_lines(service, syntax, os.getpid() if pid is None else pid, demo=found.session.demo))
        return Exit.OK if pid is not None else _stay(service)
    except BaseException:
        # Nobody was told of the endpoint.
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
        raise
    finally:
        if pid is None:
            service.stop()


def _instead(chosen: Format, words: tuple[str, ...]) -> str:
    with_program = f"iamtui serve {shlex.join(words)} -- COMMAND, or use --reveal."
    try:
        command = f"Use {chosen.command(*words, name='serve')}, or run"
    except Problem:
        command = "Run"
    return safe_text(f"{command} a program with {with_program}")


def _say_mfa(found: Assumed, mfa_sessions: MfaSessions) -> None:
    """Say for how long the MFA code renews the session."""
    if found.needs_code():
        words = "The session needed an MFA code, so it is not renewed: the endpoint ends with it."
        note(f"{words} {found.unshared}".rstrip())
        return
    left = max((session.time_left() for session in mfa_sessions.live()), default=timedelta())
    note(
        f"With this MFA code the session is renewed for {time_left_words(left)} more (assume.mfa_seconds); then the "
        "endpoint ends with it."
    )


def _service(found: Assumed, imds: bool) -> CredentialsService:
    renewer = Renewer(found.session, found.again, needs_code=found.needs_code, changed=_say_change)
    return CredentialsService(renewer, with_metadata=imds)


def _say_change(held: Held) -> None:
    if not held.failures.count:
        note(f"Renewed: {held.session.time_left_words()} left.")
        return
    left = held.session.time_left_words()
    state = "the session has EXPIRED" if left == "EXPIRED" else f"the current session is still valid for {left}"
    note(f"Renewing failed and will be tried again; {state}. {held.failures.sentence}")


def _with_program(service: CredentialsService, command: tuple[str, ...]) -> ProgramExit:
    """Run a program beside the endpoint; both end together."""
    hide = default_profile_in_the_way()
    if hide:
        note("The AWS files are hidden from the program: SDKs prefer their default profile to the endpoint.")
    session = service.renewer.held.session
    wanted = endpoint_variables(service, os.environ)
    environ = endpoint_environment(wanted, os.environ, session=session, hide_default_profile=hide)
    service.start()
    try:
        with lending_terminal():
            return ProgramExit(run_child(command, environ))
    except NotStarted as problem:
        note(f"iamtui: {problem}")
        return ProgramExit(problem.code)
    finally:
        service.stop()
        _say_counts(service)


def _lines(service: CredentialsService, syntax: ShellSyntax, pid: int, *, demo: bool) -> Secret:
    """Shell lines that point a shell's programs to the endpoint."""
    if default_profile_in_the_way():
        note(
            "The default profile of the AWS files has credentials, which SDKs prefer to the endpoint: rename it, or "
            "set AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE to /dev/null."
        )
    variables = (*endpoint_variables(service, os.environ), (ENDPOINT_PID, Secret(str(pid))))
    label = DEMO_LABEL if demo else ""
    return assignments(syntax, variables, ENDPOINT_STALE, label=label, for_paste=False)


def _say_counts(service: CredentialsService) -> None:
    served, refused = service.status.answered
    note(f"The endpoint has stopped: {counted(served, 'request')} answered, {refused} refused.")


def _stay(service: CredentialsService) -> Exit:
    """Answer until a signal comes, or the session has ended for good."""
    with _stop_asked_for() as asked:
        service.start()
        note("The endpoint answers until Ctrl+C.")
        while not (asked.is_set() or service.wait(_LOOK_SECONDS)):
            pass
    if not asked.is_set():
        note("The session has expired.")
    service.stop()
    _say_counts(service)
    return Exit.OK


@contextmanager
def _stop_asked_for() -> Iterator[threading.Event]:
    asked = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.set()

    with handling(_STOPPING, ask):
        yield asked


def _fork() -> int:
    """Split the process, before it has any thread; 0 in the new one."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    return os.fork()


def _stay_behind(service: CredentialsService) -> NoReturn:
    """Answer in the background until a signal comes, the terminal is closed, or the session has ended."""
    code = 1
    try:
        terminal = _terminal()
        os.setsid()
        _let_go_of_streams()
        with _stop_asked_for() as asked:
            service.start()
            while not (asked.is_set() or service.wait(_LOOK_SECONDS) or _closed(terminal)):
                pass
        service.stop()
        code = 0
    finally:
        # Nothing of what the process before registered for its end may run twice.
        os._exit(code)


def _terminal() -> int | None:
    with suppress(OSError):
        return os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    return None


def _closed(terminal: int | None) -> bool:
    if terminal is None:
        return False
    poll = select.poll()
    poll.register(terminal, 0)
    return any(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0))


def _let_go_of_streams() -> None:
    """Whoever reads our output waits for its end, and must not wait for ours."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    if nowhere > 2:
        os.close(nowhere)
    # A script's lock, or a pipe that somebody reads to its end. What is ours is not inheritable.
    with suppress(OSError):
        for descriptor in map(int, os.listdir("/dev/fd")):  # noqa: PTH208 - names alone
            with suppress(OSError):
                if descriptor > 2 and os.get_inheritable(descriptor):
                    os.close(descriptor)
