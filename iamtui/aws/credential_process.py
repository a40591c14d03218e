"""The credential_process of a profile: approved where botocore runs it, and refused where it leads back to itself."""

from __future__ import annotations

import atexit
import os
import re
import selectors
import shlex
import signal
import subprocess
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import Any, Final, NamedTuple, TypeAlias

from iamtui.aws.failures import CIRCLE
from iamtui.aws.profiles import Profile, profiles_of
from iamtui.problem import Problem

ASKING: Final = "IAMTUI_CREDENTIAL_PROCESS_OF"
"""Names, in the environment of a credential_process, the profiles that iamtui is asking already: PID:PROFILE lines."""

ANYWHERE: Final = "/"
"""The folder of the commands that name nothing of ours: nobody but root can put a file there for them to find."""


class CredentialCommand(NamedTuple):
    """What a profile runs for its credentials.

    Args:
        folder: where it is run; see `command_of`.
    """

    profile: str
    text: str
    folder: str


def command_of(profile: str, text: str, environ: Mapping[str, str] = os.environ) -> CredentialCommand:
    """The credential_process of a profile, to be run in our folder if it can name anything there, else in `/`.

    What was confirmed in one folder must not run what lies in another one under the same name. A command can name a
    file in more ways than anybody can list (`sh -c "python3 creds.py"`, `python3 -m creds`, `make`), so that its words
    decide only how well it works: one whose file is overlooked does not find it in the root folder.

    It names something if a part of a word, wherever in the command, or a file that the AWS variables set, is there: as
    a whole, or without what follows a dot (`creds` is `creds.py`). It can name anything if a shell would expand a part
    of it, or if it looks into /proc, where our folder can be found from the root folder too.
    """
    try:
        return CredentialCommand(
            profile, text, str(Path.cwd()) if _can_name_something_here(text, environ) else ANYWHERE
        )
    except OSError:
        # The folder is gone.
        return CredentialCommand(profile, text, ANYWHERE)


_EXPANDED: Final = re.compile(r"[$`*?\[]|/proc\b")
_BETWEEN_PARTS: Final = re.compile(r"[^\w.+@%~/-]+")


def _can_name_something_here(text: str, environ: Mapping[str, str]) -> bool:
    if _EXPANDED.search(text):
        return True
    settings = [
        value for name, value in environ.items() if name.startswith("AWS_") and name.endswith(("_FILE", "_BUNDLE"))
    ]
    program, *rest = text.split(maxsplit=1) or [""]
    # The first word is looked for on the PATH, unless it is a path.
    words = [*settings, *_BETWEEN_PARTS.split(text if "/" in program else "".join(rest))]
    relative = [word for word in words if not word.startswith(("/", "~"))]
    if any(".." in word.split("/") for word in relative):
        return True
    named = {name for word in relative for name in _names_in(word)}
    try:
        return any(not named.isdisjoint(_names_in(entry)) for entry in os.listdir())  # noqa: PTH208 - names alone
    except PermissionError:
        # Files can be opened all the same by whoever knows their names.
        return bool(named)


def _names_in(word: str) -> Iterator[str]:
    """The parts of a word or of a file's name, whole and without what follows a dot; alike whatever the case."""
    for part in re.split(rf"/|{_BETWEEN_PARTS.pattern}", word.casefold()):
        yield from filter(None, (part, part.partition(".")[0]))


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
    """Starts the command of a profile as botocore does, and has each run approved."""

    def run(words: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
        profiles = load_config()["profiles"]
        enter_profile(profile, profiles_of(profiles))
        command = command_of(profile, str(profiles[profile]["credential_process"]))
        may_ask = approve(command)
        # The folder that was approved: what is in it may have changed since.
        how["cwd"] = command.folder
        how["env"] = {name: value for name, value in os.environ.items() if name != "OLDPWD"} | {"PWD": command.folder}
        with _terminal(may_ask) as more, _starting:
            child = _Command(words, **how, **more)
            if "start_new_session" in more:
                _of_their_own.add(child)
        return child

    return run


_MOST_PRINTED: Final = 1024 * 1024
"""Bytes. The credentials of a profile are some kilobytes."""


class _Command(subprocess.Popen[bytes]):
    """A command whose output is held to a size: botocore would read all of it."""

    def communicate(self, *_given: Any, **_how: Any) -> tuple[bytes, bytes]:
        """Its whole output.

        Raises:
            Problem: it prints too much; it is ended.
        """
        printed: dict[object, bytearray] = {self.stdout: bytearray(), self.stderr: bytearray()}
        with self, selectors.DefaultSelector() as selector:
            for stream in (self.stdout, self.stderr):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    portion = os.read(key.fd, 65_536)
                    printed[key.fileobj] += portion
                    if not portion:
                        selector.unregister(key.fileobj)
                    if len(printed[key.fileobj]) > _MOST_PRINTED:
                        self.kill()
                        raise Problem(
                            "The credential_process of the profile printed more than 1 MiB and was ended.",
                            "Run that command by hand; it must print one JSON object with Version 1.",
                        )
        return bytes(printed[self.stdout]), bytes(printed[self.stderr])


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


def is_credential_process() -> bool:
    """Whether iamtui runs this process for a profile's credentials: it may have a screen on the terminal."""
    own = str(os.getpid())
    return any(line.partition(":")[0] != own for line in os.environ.get(ASKING, "").split("\n") if line)


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
