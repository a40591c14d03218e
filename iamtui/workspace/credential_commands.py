"""The commands that profiles run for their credentials: shown before they run, and confirmed once.

A config file can come from somebody else, and asking a profile for credentials runs its `credential_process`. What
was confirmed is kept in `commands.json` of the data folder, as a digest of profile and command: a command may hold
secrets of its own, and one that was changed counts as new.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from iamtui.aws import process_loop
from iamtui.aws.profiles import Profile, available_profiles, some_profile_runs_a_command
from iamtui.credentials.folder_lock import locked
from iamtui.credentials.private_file import replace_file
from iamtui.paths import data_folder, exposure
from iamtui.problem import Problem
from iamtui.text import safe_text

_LARGEST: Final = 1024 * 1024
_MOST: Final = 1000


class RunsCommand(Protocol):
    """A profile as far as it counts here."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def command(self) -> str:
        """The command that choosing it runs, or ""."""


def profile_with_command(name: str | None) -> Profile | None:
    """The profile of this name (None: the default one), when it runs a command; nothing is run here.

    Raises:
        Problem: a config file cannot be parsed.
    """
    if not some_profile_runs_a_command():
        return None
    wanted = name or "default"
    return next((profile for profile in available_profiles() if profile.name == wanted and profile.command), None)


def remark_on(profile: RunsCommand) -> str:
    """What to know of the command that a profile runs, where that is iamtui itself; else ""."""
    return process_loop.remark_on(profile.command)


_run: dict[tuple[str, ...], str] = {}
"""The command that each profile of each set of files ran, or "", when this process opened it."""


def refuse_changed_command(name: str | None, environ: Mapping[str, str] = os.environ) -> None:
    """Before a profile is opened: refuse a command that is another than when this process first opened it.

    What a door has shown before the first time is not what stands in a file that was changed meanwhile.

    Args:
        name: the profile; None: the default one.

    Raises:
        Problem: the command has changed and was not confirmed since; or a config file cannot be parsed.
    """
    profile = profile_with_command(name)
    files = (environ.get(variable, "") for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"))
    key, command = (*files, name or "default"), profile.command if profile is not None else ""
    before = _run.setdefault(key, command)
    if profile is not None and command != before and not is_confirmed(profile):
        raise Problem(
            f"The profile {safe_text(profile.name)} now runs another command for its credentials: {safe_text(command)}",
            "Nothing was run. Choose the profile again (P), which shows it and asks.",
        )
    _run[key] = command


def is_confirmed(profile: RunsCommand, *, path: Path | None = None) -> bool:
    """Whether the command of a profile has been confirmed as it stands. Blocking for file access; never raises."""
    return _digest(profile) in _read(path or _path())


def confirm(profile: RunsCommand, *, path: Path | None = None) -> None:
    """Remember that the command of a profile was confirmed. Blocking for file access.

    Raises:
        Problem: the file cannot be written.
    """
    file = path or _path()
    if (found := exposure(file)) is not None:
        raise Problem(
            f"That the command was confirmed is not kept: {safe_text(found.path)} {found.reason}.",
            f"{safe_text(found.remedy)} It is asked again until then.",
        )
    with locked(file):
        digests = [one for one in _read(file) if one != _digest(profile)]
        try:
            replace_file(file, json.dumps({"confirmed": [_digest(profile), *digests][:_MOST]}).encode() + b"\n")
        except OSError as error:
            raise Problem(
                f"That the command was confirmed cannot be kept: {safe_text(file)}: {error.strerror}.",
                "Check the folder; it is asked again until then.",
            ) from None


def _path() -> Path:
    return data_folder() / "commands.json"


def _digest(profile: RunsCommand) -> str:
    text = f"{profile.name}\0{profile.command}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path) -> list[str]:
    if exposure(path) is not None:
        # Somebody else could have confirmed a command there.
        return []
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return []
    digests = found.get("confirmed") if isinstance(found, dict) else None
    return [one for one in digests if isinstance(one, str)] if isinstance(digests, list) else []
