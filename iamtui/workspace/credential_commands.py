"""The commands that profiles run for their credentials: shown before they run, and confirmed once.

A config file can come from somebody else, and asking a profile for credentials runs its `credential_process`. It is
approved where botocore is about to run it, by what the door that opens the account gives as `approve`. What
was confirmed is kept in `commands.json` of the data folder, as a digest of profile, command and folder: a command may
hold secrets of its own, and one that was changed counts as new, as does one that can name files of the folder it is run
in when that is another one.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from iamtui.aws.credential_process import ANYWHERE, remark_on
from iamtui.aws.credential_process import Approve as Approve  # for the doors
from iamtui.aws.credential_process import CredentialCommand as CredentialCommand  # for the doors
from iamtui.aws.credential_process import end_commands as end_commands  # for the doors
from iamtui.aws.credential_process import is_credential_process as is_credential_process  # for the doors
from iamtui.credentials.secure_files import locked, replace_file
from iamtui.input_files import read_document
from iamtui.paths import data_folder, exposure
from iamtui.problem import Problem
from iamtui.text import safe_text

_LARGEST: Final = 1024 * 1024
_MOST: Final = 1000


class UnconfirmedCommand(Problem):
    """A profile would run a command for its credentials that the user has not confirmed: it was not run."""

    def __init__(self, command: CredentialCommand) -> None:
        super().__init__(
            about_command(command)[0], "Nothing was run. Choose the profile with P, which shows this and asks."
        )
        self.command = command


def about_command(command: CredentialCommand) -> tuple[str, ...]:
    """What a profile is about to run for its credentials, and what to know of that: a sentence or two."""
    # To its end: what is confirmed must have been seen.
    shown = safe_text(command.text, limit=None)
    sentence = f"The profile {safe_text(command.profile)} runs this command for its credentials: {shown}"
    folder = safe_text(command.folder, limit=None)
    where = f"It can name files of this folder: {folder}" if command.folder != ANYWHERE else ""
    return tuple(filter(None, (sentence, where, remark_on(command.text))))


def refuse_unconfirmed(command: CredentialCommand) -> bool:
    """Approve the commands that were confirmed, where nobody can be asked on the spot: an `Approve` for the screen.

    The terminal is the screen's: a command that asks there would take its keys and write over it.
    """
    if not is_confirmed(command):
        raise UnconfirmedCommand(command)
    return False


_here: Final[set[tuple[Path, str]]] = set()
"""What was confirmed in this process, also where the file cannot be written."""


def is_confirmed(command: CredentialCommand) -> bool:
    """Whether the command of a profile has been confirmed as it stands. Blocking for file access; never raises."""
    file, digest = _path(), _digest(command)
    return (file, digest) in _here or digest in _read(file)


def confirm_here(command: CredentialCommand) -> None:
    """Remember for as long as this process lives that the command of a profile may be run."""
    _here.add((_path(), _digest(command)))


def confirm(command: CredentialCommand) -> None:
    """Remember that the command of a profile was confirmed. Blocking for file access.

    Raises:
        Problem: the file cannot be written, or others can; it counts for this process all the same.
    """
    file, digest = _path(), _digest(command)
    confirm_here(command)
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


def _digest(command: CredentialCommand) -> str:
    return hashlib.sha256(json.dumps(command).encode()).hexdigest()


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
