"""A profile whose credential_process is iamtui itself, and leads back to the same profile."""

from __future__ import annotations

import os
import shlex
from collections.abc import MutableMapping
from pathlib import PurePath
from typing import Final

from iamtui.aws.profiles import Profile, available_profiles
from iamtui.problem import Problem

ASKING: Final = "IAMTUI_CREDENTIAL_PROCESS_OF"
"""Names, in the environment of a credential_process, the profiles that iamtui is already asking: PID:PROFILE lines."""


def runs_iamtui(profile: Profile) -> bool:
    """Whether a command that the profile's credentials come from is iamtui."""
    try:
        words = shlex.split(profile.command)
    except ValueError:
        words = profile.command.split()
    return any(PurePath(word).name in ("iamtui", "iamtui.exe") for word in words)


def enter_profile(name: str, environ: MutableMapping[str, str] = os.environ) -> None:
    """Note that the credentials of this profile are about to be asked for, where that can run iamtui.

    Args:
        name: the profile; "" for the default one.
        environ: what a credential_process inherits.

    Raises:
        Problem: we are ourselves run to find the credentials of this profile.
    """
    wanted = name or "default"
    asking = [line for line in environ.get(ASKING, "").split("\n") if line]
    own = str(os.getpid())
    above = {profile for pid, _, profile in (line.partition(":") for line in asking) if pid != own}
    if wanted in above:
        raise Problem(
            f"The credential_process of profile {wanted} is iamtui, which would ask profile {wanted} for credentials: "
            "that is a circle.",
            "Name another profile in that command, as in iamtui assume ROLE --format json --profile BASE.",
        )
    found = next((profile for profile in available_profiles() if profile.name == wanted), None)
    if found is not None and runs_iamtui(found) and f"{own}:{wanted}" not in asking:
        environ[ASKING] = "\n".join((*asking, f"{own}:{wanted}"))
