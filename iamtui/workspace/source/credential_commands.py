"""Confirmation of the commands that profiles run for their credentials, and prompts for MFA codes.

A config file can come from somebody else, and asking a profile for credentials runs its `credential_process`. It is
approved where botocore is about to run it, by what the door that opens the account gives as `approve`. What
was confirmed is kept in `commands.json` of the data folder, as a digest of profile, command and folder: a command may
hold secrets of its own, and one that was changed counts as new.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

from iamtui.aws.credential_process import Approve as Approve  # for the doors
from iamtui.aws.credential_process import CredentialCommand as CredentialCommand  # for the doors
from iamtui.aws.credential_process import end_commands as end_commands  # for the doors
from iamtui.aws.credential_process import is_credential_process as is_credential_process  # for the doors
from iamtui.aws.credential_process import remark_on
from iamtui.credentials.secure_files import locked, replace_file
from iamtui.input_files import read_document
from iamtui.paths import data_folder, exposure
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import safe_text

_LARGEST: Final = 1024 * 1024
_MOST: Final = 1000


class UserNeeded(Problem):
    """The credentials of a profile take something of the user, whom the screen asks before it tries again.

    Attributes:
        refused: what is said when the user does not give it.
    """

    refused: Problem

    def answer(self, given: Any) -> None:
        """Use what the user gave. Blocking.

        Raises:
            UserNeeded: that failed, and the same is needed again.
        """
        raise NotImplementedError


class UnconfirmedCommand(UserNeeded):
    """A profile would run a command for its credentials that the user has not confirmed: it was not run."""

    def __init__(self, command: CredentialCommand) -> None:
        super().__init__(
            about_command(command)[0], "Nothing was run. Choose the profile with g a, which shows this and asks."
        )
        self.command = command
        name = command.profile
        self.refused = Problem(f"The command of the profile {name} was not run.", "Choose another source with g a.")

    def answer(self, given: bool) -> None:
        """Remember that it may be run; where that cannot be kept, for this run. Blocking for file access."""
        assert given
        with suppress(Problem):
            confirm(self.command)


class ProfileCodeNeeded(UserNeeded):
    """A profile's role takes an MFA code, and no session that is kept proves one (any more).

    Args:
        serial: the device.
        use: sends a code, once, and keeps the session that it gives.
        why: why another code is needed, one sentence, or "".
    """

    def __init__(self, profile: str, serial: str, use: Callable[[Secret], None], why: str = "") -> None:
        super().__init__(
            f"The profile {profile} needs an MFA code of {serial}.",
            "The screen asks for it when the profile is chosen (P) or read again (r); elsewhere, "
            f"iamtui exec {shlex.quote(profile)} -- COMMAND asks in a terminal.",
        )
        self.profile = profile
        self.serial = serial
        self.use = use
        self.why = why
        self.refused = Problem(
            f"No MFA code was given, so the profile {profile} was not opened.", "Choose another source with g a."
        )

    def answer(self, given: Secret) -> None:
        """Use a code that was typed; where that fails, the same is needed again, and says why. Blocking."""
        try:
            self.use(given)
        except Problem as problem:
            raise ProfileCodeNeeded(self.profile, self.serial, self.use, problem.sentence) from None
        finally:
            given.wipe()


Ask: TypeAlias = Callable[[ProfileCodeNeeded], Secret]

_ask: Ask | None = None


def ask_codes_with(ask: Ask | None) -> None:
    """Set the prompt for codes, as a command has on its terminal; None: a ProfileCodeNeeded is raised."""
    global _ask  # noqa: PLW0603 - as the terminal, there is one for the process
    _ask = ask


def asks_codes() -> Ask | None:
    """Current prompt for codes, if any."""
    return _ask


def about_command(command: CredentialCommand) -> tuple[str, ...]:
    """The command that a profile is about to run for its credentials, and remarks: a sentence or two."""
    # To its end: what is confirmed must have been seen.
    shown = safe_text(command.text, limit=None)
    sentence = f"The profile {safe_text(command.profile)} runs this command for its credentials: {shown}"
    return tuple(filter(None, (sentence, remark_on(command.text))))


def refuse_unconfirmed(command: CredentialCommand) -> bool:
    """Approve confirmed commands only: an `Approve` for the screen, which cannot prompt on the spot.

    The terminal is the screen's: a command that asks there would take its keys and write over it.
    """
    if not is_confirmed(command):
        raise UnconfirmedCommand(command)
    return False


_here: Final[set[tuple[Path, str]]] = set()
"""Confirmations of this process, also where the file cannot be written."""


def is_confirmed(command: CredentialCommand) -> bool:
    """True where this very command of the profile has been confirmed. Blocking for file access; never raises."""
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
            f"The confirmation of the command is not saved: {safe_text(found.path)} {found.reason}.",
            f"{safe_text(found.remedy)} You are asked again until then.",
        )
    with locked(file):
        digests = [one for one in _read(file) if one != digest]
        try:
            replace_file(file, json.dumps({"confirmed": [digest, *digests][:_MOST]}).encode() + b"\n")
        except OSError as error:
            raise Problem(
                f"The confirmation of the command cannot be saved: {safe_text(file)}: {error.strerror}.",
                "Check the folder; you are asked again until then.",
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
