"""The credential_process of a profile: approved where botocore runs it, and refused where it leads back to itself."""

from __future__ import annotations

import atexit
import os
import shlex
import signal
import subprocess
import weakref
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import PurePath
from typing import Any, Final, TypeAlias

from iamtui.aws.failures import CIRCLE
from iamtui.aws.profiles import Profile, profiles_of
from iamtui.problem import Problem

ASKING: Final = "IAMTUI_CREDENTIAL_PROCESS_OF"
"""Names, in the environment of a credential_process, the profiles that iamtui is asking already: PID:PROFILE lines."""

Approve: TypeAlias = Callable[[str, str], bool]
"""Called with a profile and its command before each run of that; raises a Problem when it is not to be run.

Returns whether the command may have the terminal, to ask for a PIN: not where a screen or another program reads keys.
"""


def refuse_command(profile: str, command: str) -> bool:
    """Approve no command.

    Raises:
        Problem: always.
    """
    raise Problem(f"The profile {profile} runs a command for its credentials, which was not run: {command}")


def approved_run(
    profile: str, load_config: Callable[[], Mapping[str, Any]], approve: Approve
) -> Callable[..., subprocess.Popen[bytes]]:
    """Starts the command of a profile as botocore does, and has each run approved."""

    def run(words: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
        profiles = load_config()["profiles"]
        enter_profile(profile, profiles_of(profiles))
        may_ask = approve(profile, str(profiles[profile]["credential_process"]))
        with _terminal(may_ask) as more:
            child = subprocess.Popen(words, **how, **more)  # noqa: S603 - approved, and as the profile says
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


@atexit.register
def end_commands() -> None:
    """End the commands in a session of their own. Called at the end of the process, unless a signal ends it."""
    for child in list(_of_their_own):
        if child.poll() is None:
            with suppress(OSError):
                os.killpg(child.pid, signal.SIGTERM)


def is_credential_process(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether iamtui runs this process for a profile's credentials: it may have a screen on the terminal."""
    own = str(os.getpid())
    return any(line.partition(":")[0] != own for line in environ.get(ASKING, "").split("\n") if line)


def runs_iamtui(profile: Profile) -> bool:
    """Whether a command that the profile's credentials come from is iamtui."""
    return any(_is_iamtui(word) for word in _words(profile.command))


def remark_on(command: str) -> str:
    """What to know of a credential_process that is iamtui itself, or ""."""
    if not any(map(_is_iamtui, _words(command))):
        return ""
    return (
        "That command is iamtui itself: each program that uses the profile calls STS again, and asks for an MFA code "
        "if the role needs one. iamtui serve asks once for many programs, and renews."
    )


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _is_iamtui(word: str) -> bool:
    return PurePath(word).name in ("iamtui", "iamtui.exe")


def enter_profile(name: str, available: Sequence[Profile], environ: MutableMapping[str, str] = os.environ) -> None:
    """Note that the credentials of this profile are about to be asked for, where that runs a command.

    What can be seen of a circle in the AWS files is refused before anything is run. A command may be iamtui under
    another name, too: so each process that asks says so to those that it runs.

    Args:
        name: the profile; "" for the default one.

    Raises:
        Problem: we are ourselves run to find the credentials of this profile, or would be.
    """
    wanted = name or "default"
    asking = [line for line in environ.get(ASKING, "").split("\n") if line]
    own = str(os.getpid())
    above = [profile for pid, _, profile in (line.partition(":") for line in asking) if pid != own]
    if wanted in above:
        raise _circle((*above[above.index(wanted) :], wanted))
    profiles = {profile.name: profile for profile in available}
    found = profiles.get(wanted)
    if found is None or not found.command:
        return
    way = _way_from(wanted, profiles, environ)
    if way[-1] in (*above, *way[:-1]):
        raise _circle(way)
    if f"{own}:{wanted}" not in asking:
        environ[ASKING] = "\n".join((*asking, f"{own}:{wanted}"))


def _circle(way: Sequence[str]) -> Problem:
    through = f" ({' → '.join(way)})" if len(set(way)) > 1 else ""
    return Problem(
        f"The credential_process of profile {way[0]} is iamtui, which would ask profile {way[-1]} for "
        f"credentials{through}: {CIRCLE}.",
        "Name another profile in that command, as in iamtui assume ROLE --format json --profile BASE.",
    )


def _way_from(name: str, profiles: Mapping[str, Profile], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The profiles that iamtui would ask one after the other, as far as it can be read; a circle ends with the
    profile that it comes back to."""
    way = [name]
    while (after := _asked_by(way[-1], profiles, environ)) is not None:
        way.append(after)
        if after in way[:-1]:
            break
    return tuple(way)


def _asked_by(name: str, profiles: Mapping[str, Profile], environ: Mapping[str, str]) -> str | None:
    """The profile that the iamtui which this profile runs would ask, or None where none is run or it asks none."""
    seen: set[str] = set()
    profile = profiles.get(name)
    while profile is not None and profile.kind == "assumes a role" and profile.source_profile not in seen:
        seen.add(profile.name)
        profile = profiles.get(profile.source_profile)
    # Keys of its own come first, and then no command is run.
    if profile is None or profile.kind != "runs a command" or not runs_iamtui(profile):
        return None
    words = _words(profile.command)
    start = next(number for number, word in enumerate(words) if _is_iamtui(word))
    before, after = words[:start], words[start + 1 :]
    if "--demo" in after or any(word.startswith("--snapshot") for word in after):
        return None
    for number, word in enumerate(after):
        if word == "--profile" and number + 1 < len(after):
            return after[number + 1]
        if word.startswith("--profile="):
            return word.partition("=")[2]
    set_before = [word.partition("=")[2] for word in before if word.startswith("AWS_PROFILE=")]
    return set_before[-1] if set_before else environ.get("AWS_PROFILE") or "default"
