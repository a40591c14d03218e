"""Which source is meant: options, then the environment, then the config, then what the screen asks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from iamtui.cli.source_options import SourceOptions
from iamtui.config import load_config
from iamtui.problem import Problem
from iamtui.workspace.workspace import CacheUse, SourceChoice, SourceKind, choice_from_environment


class Chosen(NamedTuple):
    """The source that would be opened (None: the user has to choose), and why this one."""

    choice: SourceChoice | None
    why: str


def choose(source: SourceOptions, *, for_command: bool) -> Chosen:
    """Decide which source is meant: options, then the environment, then the config.

    Args:
        source: the options, already checked.
        for_command: a command goes on to boto3's own chain where the screen would ask.
    """

    if source.demo:
        return Chosen(SourceChoice(SourceKind.DEMO), "--demo")
    config, _ = load_config()
    region = source.region or (None if _region_in_environment() else config.source.region or None)
    if source.snapshot is not None:
        return Chosen(
            SourceChoice(
                SourceKind.SNAPSHOT, Path(source.snapshot), region=region, snapshot_account=source.snapshot_account
            ),
            "--snapshot",
        )
    found = choice_from_environment(os.environ)
    if source.profile is not None:
        profile: str | None = source.profile
        why = "--profile"
    elif found is not None:
        profile, why = found.profile, "AWS_PROFILE" if found.profile else "credentials in the environment"
    elif config.source.profile:
        profile, why = config.source.profile, f"source.profile in the {config.origin('source.profile')}"
    elif source.given or for_command:
        profile, why = None, " and ".join(source.given) or "no source option: the AWS credential chain"
    else:
        return Chosen(None, "nothing names a source: the screen asks")
    cache = CacheUse.ANSWER if source.cached else CacheUse.NOTHING if source.no_cache else CacheUse.KEEP
    return Chosen(SourceChoice(SourceKind.LIVE, None, profile, region, source.endpoint_url, cache=cache), why)


def choose_for_screen(source: SourceOptions) -> SourceChoice | None:
    """The source that the screen opens; None: it asks."""
    if source.cached:
        raise Problem(
            "--cached does not apply to the screen.",
            "Leave it out: the account is shown as it was read last while it is read anew.",
        )
    return choose(source, for_command=False).choice


def _region_in_environment() -> bool:
    return bool(os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"))
