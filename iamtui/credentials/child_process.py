"""Child processes that get credentials: in place of iamtui, or as a child that lives and ends with it.

What a program needs to know goes through its environment, which other users cannot read, never through its
arguments, which they can.
"""

from __future__ import annotations

import errno
import os
import pwd
import re
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from iamtui.aws.credential_process import DEPTH
from iamtui.credentials import variables
from iamtui.credentials.export_values import environment_of, exportable
from iamtui.credentials.session import Session
from iamtui.paths import has_terminal
from iamtui.problem import Problem
from iamtui.secret import Secret

# The environment of a child that gets a session's credentials, and nothing older beside them.


SESSION_MARK: Final = "IAMTUI_SESSION"
"""Tells a child, and an iamtui inside it, whose session it has: ROLE@ACCOUNT. For prompts; nothing reads it."""

NO_DEFAULT_PROFILE: Final = "/dev/null"


class ChildEnvironment(dict[str, Secret]):
    """The environment of a child, whose values nothing prints by accident: a traceback may print local variables."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__((name, Secret(value)) for name, value in values.items())

    def reveal(self) -> dict[str, str]:
        """Names and values, for the one call that starts the child."""
        return {name: value.reveal() for name, value in self.items()}

    def path(self) -> list[str]:
        """The folders in which the child's program is looked for."""
        return os.get_exec_path({"PATH": self["PATH"].reveal()} if "PATH" in self else {})


def child_environment(
    session: Session, base_env: Mapping[str, str], *, with_region: bool = True, now: datetime | None = None
) -> ChildEnvironment:
    """A copy of the environment with the session's credentials, for a child process.

    Every other way to find credentials in the environment is removed first, the profile's too.

    Args:
        with_region: whether to set the session's region, where it has one; else the base's stays.

    Raises:
        Problem: the session cannot be exported.
    """
    environ = _of_session(session, base_env)
    for name, value in environment_of(exportable(session, now)):
        if with_region or name not in variables.REGIONS:
            environ[name] = value
    return environ


def endpoint_environment(
    wanted: Iterable[tuple[str, Secret]],
    base_env: Mapping[str, str],
    *,
    session: Session,
    hide_default_profile: bool = False,
) -> ChildEnvironment:
    """The environment of a child that asks an endpoint for credentials, instead of holding them.

    Args:
        wanted: the variables that name the endpoint.
        hide_default_profile: point the AWS files at nothing: the SDKs prefer a default profile to the endpoint.
    """
    environ = _of_session(session, base_env)
    environ.update(wanted)
    if hide_default_profile:
        environ.update(dict.fromkeys(("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"), Secret(NO_DEFAULT_PROFILE)))
    return environ


def _of_session(session: Session, base_env: Mapping[str, str]) -> ChildEnvironment:
    """A copy of the environment without anything that credentials come from, and with the session's mark.

    Credentials that are not AWS's come with their endpoint.
    """
    # The endpoint beside a mark is that of another session, around this one.
    old = {*variables.ALL, DEPTH, *(variables.ENDPOINT if SESSION_MARK in base_env else ())}
    environ = ChildEnvironment(
        {
            name: value
            for name, value in base_env.items()
            if name not in old and not name.upper().startswith(variables.BEARER_TOKENS)
        }
    )
    if session.endpoint_url:
        # Keys of an emulator must not go to AWS.
        environ.update(zip(variables.ENDPOINT, (Secret(session.endpoint_url), Secret("false")), strict=True))
    environ[SESSION_MARK] = Secret(session_mark(session))
    return environ


def session_mark(session: Session) -> str:
    """ROLE@ACCOUNT, in characters that no shell's prompt expands."""
    account = session.role_arn.split(":", 5)[4] if session.role_arn.count(":") >= 5 else ""
    name = re.sub(r"[^A-Za-z0-9_+=,.@-]", "-", session.role_arn.rsplit("/", 1)[-1])
    return f"{name}@{account}"


FAILED: Final = 125
NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127
"""Exit codes for what is not the program's own ending, as env, timeout and docker have them."""

PASSED_ON: Final = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""The signals that are passed on to a child."""

_OF_THE_TERMINAL: Final = (signal.SIGINT, signal.SIGQUIT)


@contextmanager
def handling(numbers: Iterable[int], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle signals, in the main thread. One that is ignored (nohup) stays so, here and in a child that is started."""
    before = {number: signal.getsignal(number) for number in numbers}
    before = {number: earlier for number, earlier in before.items() if earlier is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier if earlier is not None else signal.SIG_DFL)


class NotStarted(Problem):
    """A program could not be started.

    Args:
        code: the exit code that says so (126, 127, or 125 for anything else).
    """

    def __init__(self, sentence: str, next_step: str, code: int) -> None:
        super().__init__(sentence, next_step)
        self.code = code


def check_program(program: str, base_env: Mapping[str, str]) -> None:
    """Refuse a program that cannot be started, before anything is done for it.

    Args:
        base_env: the environment that it will be looked for in.

    Raises:
        NotStarted: it does not exist, or may not be executed.
    """
    environ = ChildEnvironment({"PATH": base_env["PATH"]} if "PATH" in base_env else {})
    if not _exists(program, environ):
        raise _not_started(program, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)), environ)
    found = [Path(program)] if "/" in program else [Path(folder) / program for folder in environ.path()]
    if not any(path.is_file() and os.access(path, os.X_OK) for path in found):
        raise _not_started(program, PermissionError(errno.EACCES, os.strerror(errno.EACCES)), environ)


def replace_process(words: Sequence[str], environ: ChildEnvironment) -> NoReturn:
    """Become the program: signals, job control, the terminal and the exit code are then its own.

    Args:
        environ: its whole environment; its PATH finds the program.

    Raises:
        NotStarted: it does not exist, or cannot be executed.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()
    try:
        with _pipes_as_before_python():
            os.execvpe(words[0], list(words), environ.reveal())  # noqa: S606 - the user's own command
    except (OSError, ValueError) as error:
        problem = _not_started(words[0], error, environ)
    # The frames of the call hold the environment.
    raise problem.with_traceback(None)


@contextmanager
def _pipes_as_before_python() -> Iterator[None]:
    """Python ignores these two signals, and a program would inherit that."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGPIPE, signal.SIGXFSZ)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _not_started(program: str, error: Exception, environ: ChildEnvironment) -> NotStarted:
    number = error.errno if isinstance(error, OSError) else None
    why = (error.strerror if isinstance(error, OSError) else None) or "its words cannot be passed on"
    if number in (errno.ENOENT, errno.ENOTDIR, errno.EACCES) and not _exists(program, environ):
        # A folder of the PATH that may not be searched also says EACCES.
        step = "Check the path." if "/" in program else "Check the spelling and the PATH."
        return NotStarted(f"There is no program {program}.", step, NOT_FOUND)
    if number == errno.ENOENT:
        return NotStarted(
            f"{program} cannot be executed: the interpreter that its first line names does not exist.",
            "Correct its first line, or install the interpreter.",
            NOT_EXECUTABLE,
        )
    if number in (errno.EACCES, errno.ENOEXEC, errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ETXTBSY):
        return NotStarted(f"{program} cannot be executed: {why}.", "Check what it is, and its mode.", NOT_EXECUTABLE)
    return NotStarted(f"{program} could not be started: {why}.", "Check the command.", FAILED)


def _exists(program: str, environ: ChildEnvironment) -> bool:
    if "/" in program:
        return os.path.lexists(program)
    return bool(program) and any(os.path.lexists(Path(folder) / program) for folder in environ.path())


def run_child(
    words: Sequence[str],
    environ: ChildEnvironment,
    *,
    started: Callable[[subprocess.Popen[bytes]], None] = lambda _child: None,
    relay: _Relay | None = None,
) -> int:
    """Run a program as a child and wait for it; it shares our terminal and process group.

    Signals that reach us are passed on to it; a Ctrl+C at the terminal reaches both, and is the child's to answer,
    as is Ctrl+Z.

    Args:
        started: called with the child once it runs.
        relay: what passes the signals on; None: one for a program that is no shell.

    Returns:
        Its exit code, as a shell tells it: 128 and the signal's number when a signal ended it.

    Raises:
        NotStarted: it does not exist, or cannot be executed.
    """
    relay = relay or _Relay()
    with relay.listening():
        try:
            child = subprocess.Popen([*words], env=environ.reveal())  # noqa: S603 - the user's own command
        except (OSError, ValueError) as error:
            problem = _not_started(words[0], error, environ)
        else:
            relay.to(child)
            started(child)
            code = relay.wait(child)
            return 128 - code if code < 0 else code
    raise problem.with_traceback(None)


class _Relay:
    """Hands the signals that reach us on to a child, those too that came before it was there.

    Args:
        interactive: the child is a shell at a terminal: those ignore SIGTERM, and are told to end by SIGHUP.
    """

    def __init__(self, *, interactive: bool = False) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._interactive = interactive
        self.ending: int | None = None
        """SIGTERM or SIGHUP, when one of them came."""

    def to(self, child: subprocess.Popen[bytes]) -> None:
        """From now on, and for what came before."""
        self._child = child
        while self._early:
            self._send(self._early.pop(0))

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Only the main thread can set handlers; elsewhere nothing is changed."""
        if not _is_main_thread():
            yield
            return
        with handling(PASSED_ON, self._receive):
            yield

    def wait(self, child: subprocess.Popen[bytes]) -> int:
        """Wait for the child's end. A shell that stops itself (`suspend`) goes on: nothing above it would wake it."""
        if not self._interactive:
            return child.wait()
        while True:
            _, status = os.waitpid(child.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                child.returncode = os.waitstatus_to_exitcode(status)
                return child.returncode
            time.sleep(0.1)  # one that stops again and again must not keep us busy
            # Give its group the terminal, and wake it.
            with suppress(OSError), _terminal() as terminal:
                os.tcsetpgrp(terminal, os.getpgid(child.pid))
            with suppress(OSError):
                os.killpg(os.getpgid(child.pid), signal.SIGCONT)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if number in _OF_THE_TERMINAL and has_terminal():
            # The terminal sends it to the whole process group, and so to the child.
            return
        if number in (signal.SIGTERM, signal.SIGHUP):
            self.ending = number
        if self._child is None:
            self._early.append(number)
        else:
            self._send(number)

    def _send(self, number: int) -> None:
        assert self._child is not None
        if self._interactive and number == signal.SIGTERM:
            number = signal.SIGHUP
        with suppress(ProcessLookupError):
            self._child.send_signal(number)


@contextmanager
def _terminal() -> Iterator[int]:
    """The controlling terminal, for setting who is in front: doing so from the background would stop us.

    Raises:
        OSError: there is none.
    """
    terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN) if _is_main_thread() else None
    try:
        yield terminal
    finally:
        if before is not None:
            signal.signal(signal.SIGTTOU, before)
        os.close(terminal)


def shell_of(environ: Mapping[str, str]) -> str:
    """The user's shell: SHELL, else the one of the password database, else /bin/sh."""
    shell = environ.get("SHELL", "")
    if shell and os.access(shell, os.X_OK):
        return shell
    try:
        shell = pwd.getpwuid(os.getuid()).pw_shell
    except KeyError:
        shell = ""
    return shell if shell and os.access(shell, os.X_OK) else "/bin/sh"


def parent_program() -> str:
    """The name of the program that started this one, or "" where it cannot be determined."""
    try:
        return Path(f"/proc/{os.getppid()}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        pass
    try:
        told = subprocess.run(  # noqa: S603 - no word of it comes from outside
            ["/bin/ps", "-o", "comm=", "-p", str(os.getppid())], capture_output=True, timeout=2, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.decode(errors="replace").strip()


def run_shell(session: Session) -> int:
    """Run the user's shell with a session's credentials, for the screen, which must have left the terminal.

    Blocking, until the shell ends. The terminal is ours again afterwards, with the settings it had. A SIGTERM or
    SIGHUP ends the shell, and is then raised again, for us.

    Returns:
        The shell's exit code.

    Raises:
        Problem: the session cannot be exported, or the shell cannot be started.
    """
    environ = child_environment(session, os.environ)
    relay = _Relay(interactive=True)
    with _terminal_kept():
        code = run_child([shell_of(os.environ)], environ, relay=relay)
    if relay.ending is not None:
        os.kill(os.getpid(), relay.ending)
    return code


@contextmanager
def _terminal_kept() -> Iterator[None]:
    """Give the terminal back to our process group, with its settings, after an interactive shell had it."""
    try:
        with _terminal() as terminal:
            settings, group = termios.tcgetattr(terminal), os.tcgetpgrp(terminal)
    except (OSError, termios.error):
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError, termios.error), _terminal() as terminal:
            os.tcsetpgrp(terminal, group)
            termios.tcsetattr(terminal, termios.TCSADRAIN, settings)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
