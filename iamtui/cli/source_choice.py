"""Which source is meant: options, then the environment, then the config, then what the screen asks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import click
from msgspec.structs import replace

from iamtui.cli.source_options import SourceOptions
from iamtui.config import load_config
from iamtui.problem import Problem
from iamtui.workspace.source.workspace import (
    CacheUse,
    OrganizationSource,
    SourceChoice,
    SourceKind,
    choice_from_environment,
)


class ChosenSource(NamedTuple):
    """The source that would be opened (None: the user has to choose), and why this one."""

    choice: SourceChoice | None
    why: str


def choose(source: SourceOptions, *, for_command: bool) -> ChosenSource:
    """Decide which source is meant: options, then the environment, then the config.

    Args:
        source: the options, already checked.
        for_command: a command goes on to boto3's own chain where the screen would ask.
    """
    if source.several:
        raise Problem(
            f"`{click.get_current_context().command_path}` is about one account, and {source.several} names several.",
            "Leave it out." if source.org_role else "Give one source alone.",
        )
    return _chosen(source, for_command=for_command)


def _chosen(source: SourceOptions, *, for_command: bool) -> ChosenSource:
    if source.demo:
        return ChosenSource(SourceChoice(SourceKind.DEMO), "--demo")
    config, _ = load_config()
    given = (source.snapshot, source.snapshot_account, source.profile)
    snapshot, account, named = (next(iter(one), None) for one in given)
    in_environment = any(map(os.environ.get, ("AWS_REGION", "AWS_DEFAULT_REGION")))
    region = source.region or (None if in_environment else config.source.region or None)
    if snapshot is not None:
        where = OrganizationSource(file=source.organization or "")
        choice = SourceChoice(
            SourceKind.SNAPSHOT, Path(snapshot), region=region, snapshot_account=account, organization=where
        )
        return ChosenSource(choice, "--snapshot")
    found = choice_from_environment(os.environ)
    if named is not None:
        profile: str | None = named
        why = "--profile"
    elif found is not None:
        profile, why = found.profile, "AWS_PROFILE" if found.profile else "credentials in the environment"
    elif config.source.profile:
        profile, why = config.source.profile, f"source.profile in the {config.origin('source.profile')}"
    elif set(source.given) - {"--no-cache"} or for_command:
        profile, why = None, " and ".join(source.given) or "no source option: the AWS credential chain"
    else:
        return ChosenSource(None, "nothing names a source: the screen asks")
    organization = OrganizationSource(
        profile=source.organization_profile or config.organization.profile,
        role=config.organization.role,
        file=source.organization or "",
        profile_named=source.organization_profile is not None,
    )
    cache = CacheUse.ANSWER if source.cached else CacheUse.NOTHING if source.no_cache else CacheUse.KEEP
    choice = SourceChoice(
        SourceKind.LIVE, None, profile, region, source.endpoint_url, cache=cache, organization=organization
    )
    return ChosenSource(choice, why)


def choose_all(source: SourceOptions, *, for_command: bool) -> SourceChoice | None:
    """The source that would be opened, which may be several accounts; None: the user has to choose."""
    each = [_chosen(one, for_command=for_command).choice for one in source.each]
    first, *beside = (one for one in each if one is not None) if any(each) else (None,)
    if first is None:
        return None
    role, unit = source.org_role or "", source.org_unit or ""
    return replace(first, beside=tuple(filter(None, beside)), org_role=role, org_unit=unit)


def choose_for_screen(source: SourceOptions) -> SourceChoice | None:
    """The source that the screen opens; None: it asks, as it does for one that `asks`."""
    if source.cached:
        raise Problem(
            "--cached does not apply to the screen.",
            "Leave it out: the account is shown as it was read last while it is read anew.",
        )
    asks = SourceChoice(SourceKind.LIVE, cache=CacheUse.NOTHING, asks=True) if source.no_cache else None
    return choose_all(source, for_command=False) or asks
