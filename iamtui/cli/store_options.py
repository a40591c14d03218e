"""Options of the commands about a store of accounts: which store, which of its accounts, and who does the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from iamtui.cli.opening import approval
from iamtui.cli.output import note
from iamtui.cli.source_choice import choose
from iamtui.cli.source_options import SourceOptions
from iamtui.policy.patterns import is_account_id
from iamtui.problem import Problem
from iamtui.workspace.organization_run import RayWorkers, Workers, workers_for
from iamtui.workspace.organization_store import OrganizationStore, StoreDay, open_store

F = TypeVar("F", bound=Callable[..., Any])


def store_options(command: F) -> F:
    """Add what says which store is meant, and how it is read."""
    options = (
        click.option("--store", "url", required=True, metavar="STORE", help="The folder, or s3://bucket/prefix."),
        click.option("--account", "accounts", multiple=True, metavar="ID", help="Only this account. Repeatable."),
        click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Processes; one for each core."),
        click.option("--ray", metavar="ADDRESS", help="Workers of this Ray cluster: its address, auto, or local."),
        click.option("--profile", metavar="NAME", help="Read S3 with this AWS profile."),
        click.option("--region", metavar="REGION", help="The Region of the bucket."),
        click.option("--endpoint-url", metavar="URL", help="Read an S3-compatible endpoint instead of AWS."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def open_named_store(url: str, profile: str | None, region: str | None, endpoint_url: str | None) -> OrganizationStore:
    source = SourceOptions(profile=(profile,) if profile else (), region=region, endpoint_url=endpoint_url)
    source.check()
    if not url.strip():
        raise Problem("--store is empty.", "Name a folder, or s3://bucket/prefix.")
    if endpoint_url:
        note(f"NOT AWS: the store is read from {endpoint_url}.")
    return open_store(url, choose(source, for_command=True).choice, approval(source))


def workers_of(accounts: int, wanted: int | None, ray: str | None) -> Workers:
    if ray is None:
        return workers_for(accounts, wanted)
    if not ray.strip():
        raise Problem("--ray is empty.", "Give the address of a cluster, auto, or local.")
    return RayWorkers(ray, wanted)


def picked_accounts(day: StoreDay, accounts: Sequence[str]) -> tuple[str, ...]:
    for one in accounts:
        if not is_account_id(one):
            raise Problem(f"--account {one} is not an account id.", "Give its 12 digits.")
        if one not in day.ids:
            raise Problem(f"The store has no account {one} on {day.date}.", "See what it has with `iamtui org ask`.")
    return tuple(dict.fromkeys(accounts)) or day.ids
