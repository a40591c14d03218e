"""`iamtui permissions`: the least IAM policy for each feature."""

from __future__ import annotations

import click

from iamtui.cli.exits import Exit
from iamtui.cli.output import note, stdout
from iamtui.workspace.permissions import FEATURES, find_feature, policy_for


@click.command()
@click.argument("features", nargs=-1, metavar="[FEATURE...]")
def permissions(features: tuple[str, ...]) -> Exit:
    """Print the least IAM policy that the features need; without FEATURE, that of all features.

    The purpose of each permission goes to stderr. Assuming a role also needs sts:AssumeRole on that role.
    """
    chosen = [find_feature(name) for name in dict.fromkeys(features)] or list(FEATURES)
    stdout().json(policy_for(chosen), indent=2)
    for feature in chosen:
        note(f"{feature.name}: {feature.summary}; without it {feature.without}.")
    return Exit.OK
