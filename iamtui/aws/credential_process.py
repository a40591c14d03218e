"""The credential_process of a profile: approved where botocore is about to run it, and kept off our input."""

from __future__ import annotations

import atexit
import os
import shlex
import signal
import subprocess
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import PurePath
from typing import Any, Final, NamedTuple, TypeAlias

from iamtui.problem import Problem

OF_A_PROFILE: Final = "The credential_process of"
"""The beginning of what is said when one fails."""
DEPTH: Final = "IAMTUI_CREDENTIAL_PROCESS_DEPTH"
"""Counts, in the environment of a credential_process, how many of them run each other."""
MOST_DEPTH: Final = 4

FOLDER: Final = "/"
"""Where the commands run: what was confirmed in one folder must not run what lies in another one under the same name,
and nobody but root can put a file there for them to find."""


class CredentialCommand(NamedTuple):
    """Credential process of a profile, and the folder to run it in."""

    profile: str
    text: str
    folder: str = FOLDER


def check_command(profile: str, text: str) -> None:
    """Refuse what cannot be run as a command at all.

    Raises:
        Problem: it is not words in quotes that end, or holds what no command line can.
    """
    try:
        fault = "holds a NUL character" if "\0" in text else "" if shlex.split(text) else "is empty"
    except ValueError as error:
        fault = f"cannot be split into words: {str(error)[:1].lower()}{str(error)[1:]}"
    if fault:
        raise Problem(
            f"The credential_process of profile {profile} {fault}.",
            "Correct it in the AWS config file, or choose another profile.",
        )


Approve: TypeAlias = Callable[[CredentialCommand], bool]
"""Called with a command before each run of it; raises a Problem when it is not to be run.

Returns whether the command may have the terminal, to ask for a PIN: not where a screen or another program reads keys.
"""


def refuse_command(command: CredentialCommand) -> bool:
    """Approve no command.

    Raises:
        Problem: always.
    """
    raise Problem(f"The profile {command.profile} runs a command for its credentials, not run here: {command.text}")


def approved_run(
    profile: str, load_config: Callable[[], Mapping[str, Any]], approve: Approve
) -> Callable[..., subprocess.Popen[bytes]]:
    """Starts the command of a profile in place of subprocess.Popen, and has each run approved."""

    def run(words: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
        depth = credential_process_depth() + 1
        if depth > MOST_DEPTH:
            raise Problem(
                f"{OF_A_PROFILE} profile {profile} is one of more than {MOST_DEPTH} that iamtui runs, each for the one "
                "before: that is a circle.",
                "Name another profile in that command, as in iamtui assume ROLE --format json --profile BASE.",
            )
        text = str(load_config()["profiles"][profile]["credential_process"])
        may_ask = approve(CredentialCommand(profile, text))
        environ = {name: value for name, value in os.environ.items() if name != "OLDPWD"}
        how["cwd"] = FOLDER
        how["env"] = environ | {"PWD": FOLDER, DEPTH: str(depth)}
        with _terminal(may_ask) as more, _starting:
            child = subprocess.Popen(words, **how, **more)  # noqa: S603 - approved above
            if "start_new_session" in more:
                _of_their_own.add(child)
        return child

    return run


@contextmanager
def _terminal(may_ask: bool) -> Iterator[dict[str, Any]]:
    """The standard input of a command, which is never ours: that may be a screen's keys, or somebody's data.

    A command that may not ask has no terminal at all, or it would open that by its name.
    """
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        yield {"stdin": subprocess.DEVNULL}
        return
    try:
        yield {"stdin": terminal} if may_ask else {"stdin": subprocess.DEVNULL, "start_new_session": True}
    finally:
        os.close(terminal)


_of_their_own: Final[weakref.WeakSet[subprocess.Popen[bytes]]] = weakref.WeakSet()
"""The commands in a session of their own, which hear nothing of the end of our terminal."""


_starting: Final = threading.RLock()
"""Held while one is started: it may run before the thread that started it goes on."""
_LONGEST_START: Final = 1.0


@atexit.register
def end_commands() -> None:
    """End the commands in a session of their own. Called at the end of the process, unless a signal ends it."""
    started = _starting.acquire(timeout=_LONGEST_START)
    for child in list(_of_their_own):
        if child.poll() is None:
            with suppress(OSError):
                os.killpg(child.pid, signal.SIGTERM)
    if started:
        _starting.release()


def credential_process_depth() -> int:
    """How many commands of profiles run each other, of which this process is the last; 0: it is none."""
    found = os.environ.get(DEPTH, "")
    return int(found) if found.isascii() and found.isdigit() else 0


def is_credential_process() -> bool:
    """True if this iamtui runs as a profile's credential_process: another one may have a screen on the terminal."""
    return credential_process_depth() > 0


def remark_on(command: str) -> str:
    """Warning about a credential_process that is iamtui itself, or ""."""
    if not any(PurePath(word).name in ("iamtui", "iamtui.exe") for word in command.split()):
        return ""
    return (
        "That command is iamtui itself: each program that uses the profile calls STS again, and asks for an MFA code "
        "if the role needs one. iamtui serve asks once for many programs, and renews."
    )
