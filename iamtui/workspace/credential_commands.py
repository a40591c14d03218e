"""The commands that profiles run for their credentials: shown before they run, and confirmed once.

A config file can come from somebody else, and asking a profile for credentials runs its `credential_process`. It is
approved where botocore is about to run it, by what the door that opens the account gives as `approve`. What
was confirmed is kept in `commands.json` of the data folder, as a digest of profile and command: a command may hold
secrets of its own, and one that was changed counts as new, as does one that names files of the folder it is run in
when that is another one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from pathlib import Path
from typing import Final

from iamtui.aws.credential_process import end_commands as end_commands  # for the doors
from iamtui.aws.credential_process import is_credential_process as is_credential_process  # for the doors
from iamtui.aws.credential_process import remark_on
from iamtui.aws.errors import AwsProblem
from iamtui.credentials.secure_files import locked, replace_file
from iamtui.input_files import read_document
from iamtui.paths import data_folder, exposure
from iamtui.problem import Problem
from iamtui.text import safe_text

_LARGEST: Final = 1024 * 1024
_MOST: Final = 1000


class UnconfirmedCommand(Problem):
    """A profile would run a command for its credentials that the user has not confirmed: it was not run."""

    def __init__(self, profile: str, command: str) -> None:
        super().__init__(
            about_command(profile, command)[0], "Nothing was run. Choose the profile with P, which shows this and asks."
        )
        self.profile = profile
        self.command = command


def about_command(profile: str, command: str) -> tuple[str, ...]:
    """What a profile is about to run for its credentials, and what to know of that: a sentence or two."""
    # To its end: what is confirmed must have been seen.
    shown = safe_text(command, limit=None)
    sentence = f"The profile {safe_text(profile)} runs this command for its credentials: {shown}"
    folder = _folder_of(command)
    where = f"It names files of this folder: {safe_text(folder, limit=None)}" if folder else ""
    return tuple(filter(None, (sentence, where, remark_on(command))))


def login_command(problem: Problem) -> str:
    """The command that the user runs to sign in again, where that is what a problem needs; else ""."""
    return problem.login_command if isinstance(problem, AwsProblem) else ""


def refuse_unconfirmed(profile: str, command: str) -> bool:
    """Approve the commands that were confirmed, where nobody can be asked on the spot: an `Approve` for the screen.

    The terminal is the screen's: a command that asks there would take its keys and write over it.
    """
    if not is_confirmed(profile, command):
        raise UnconfirmedCommand(profile, command)
    return False


_here: Final[set[tuple[Path, str]]] = set()
"""What was confirmed in this process, also where the file cannot be written."""


def is_confirmed(profile: str, command: str, *, path: Path | None = None) -> bool:
    """Whether the command of a profile has been confirmed as it stands. Blocking for file access; never raises."""
    file, digest = path or _path(), _digest(profile, command)
    return (file, digest) in _here or digest in _read(file)


def confirm_here(profile: str, command: str, *, path: Path | None = None) -> None:
    """Remember for as long as this process lives that the command of a profile may be run."""
    _here.add((path or _path(), _digest(profile, command)))


def confirm(profile: str, command: str, *, path: Path | None = None) -> None:
    """Remember that the command of a profile was confirmed. Blocking for file access.

    Raises:
        Problem: the file cannot be written, or others can; it counts for this process all the same.
    """
    file, digest = path or _path(), _digest(profile, command)
    confirm_here(profile, command, path=file)
    if (found := exposure(file)) is not None:
        raise Problem(
            f"That the command was confirmed is not kept: {safe_text(found.path)} {found.reason}.",
            f"{safe_text(found.remedy)} It is asked again until then.",
        )
    with locked(file):
        digests = [one for one in _read(file) if one != digest]
        try:
            replace_file(file, json.dumps({"confirmed": [digest, *digests][:_MOST]}).encode() + b"\n")
        except OSError as error:
            raise Problem(
                f"That the command was confirmed cannot be kept: {safe_text(file)}: {error.strerror}.",
                "Check the folder; it is asked again until then.",
            ) from None


def _path() -> Path:
    return data_folder() / "commands.json"


def _folder_of(command: str) -> str:
    """The folder that we are in where a command names files of it, and is another one elsewhere; else ""."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    # The first word is looked for on the PATH, unless it is a path.
    relative = "./" in command or any("/" in word or number for number, word in enumerate(words) if _is_here(word))
    try:
        return str(Path.cwd()) if relative else ""
    except OSError:
        return ""


def _is_here(word: str) -> bool:
    # Path.is_file raises where a word is too long for a name.
    return not word.startswith("/") and os.path.isfile(word)  # noqa: PTH113


def _digest(profile: str, command: str) -> str:
    folder = _folder_of(command)
    text = f"{profile}\0{command}" + (f"\0{folder}" if folder else "")
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path) -> list[str]:
    if exposure(path) is not None:
        # Somebody else could have confirmed a command there.
        return []
    try:
        found = json.loads(read_document(path, "The confirmed commands", most=_LARGEST, pipes=False))
    except (Problem, ValueError, RecursionError):
        return []
    digests = found.get("confirmed") if isinstance(found, dict) else None
    return [one for one in digests if isinstance(one, str)] if isinstance(digests, list) else []
