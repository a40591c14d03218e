"""Options of the commands about a store of accounts: which store, which of its accounts, and who does the work."""

from __future__ import annotations

from dataclasses import dataclass

import click

from iamtui.cli.opening import approval, ask_codes_on_terminal
from iamtui.cli.output import note
from iamtui.cli.source_choice import choose
from iamtui.cli.source_options import SourceOptions, record_options
from iamtui.policy.patterns import is_account_id
from iamtui.problem import Problem
from iamtui.workspace.organization.organization_run import RayWorkers, Workers, workers_for
from iamtui.workspace.organization.organization_store import OrganizationStore, StoreDay, open_store


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """Options that select a store and how it is read, as given."""

    url: str
    accounts: tuple[str, ...]
    workers: int | None
    ray: str | None
    profile: str | None
    region: str | None
    endpoint_url: str | None

    def open(self) -> OrganizationStore:
        profiles = (self.profile,) if self.profile else ()
        source = SourceOptions(profile=profiles, region=self.region, endpoint_url=self.endpoint_url)
        source.check()
        if not self.url.strip():
            raise Problem("--store is empty.", "Name a folder, or s3://bucket/prefix.")
        if self.endpoint_url:
            note(f"NOT AWS: the store is read from {self.endpoint_url}.")
        if self.url.startswith("s3:"):
            ask_codes_on_terminal()
        return open_store(self.url, choose(source, for_command=True).choice, approval(source))

    def workers_for(self, accounts: int) -> Workers:
        """Who does the work for so many accounts."""
        if self.ray is None:
            return workers_for(accounts, self.workers)
        if not self.ray.strip():
            raise Problem("--ray is empty.", "Give the address of a cluster, auto, or local.")
        return RayWorkers(self.ray, self.workers)

    def picked(self, day: StoreDay) -> tuple[str, ...]:
        """Selected accounts of a day: all, unless some are named."""
        for one in self.accounts:
            if not is_account_id(one):
                raise Problem(f"--account {one} is not an account id.", "Give its 12 digits.")
            if one not in day.ids:
                raise Problem(
                    f"The store has no account {one} on {day.date}.", "See what it has with `iamtui org ask`."
                )
        return tuple(dict.fromkeys(self.accounts)) or day.ids


store_options = record_options(
    StoreOptions,
    "stored",
    click.option("--store", "url", required=True, metavar="STORE", help="The folder, or s3://bucket/prefix."),
    click.option("--account", "accounts", multiple=True, metavar="ID", help="Only this account. Repeatable."),
    click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Processes; one for each core."),
    click.option("--ray", metavar="ADDRESS", help="Workers of this Ray cluster: its address, auto, or local."),
    click.option("--profile", metavar="NAME", help="Read S3 with this AWS profile."),
    click.option("--region", metavar="REGION", help="The Region of the bucket."),
    click.option("--endpoint-url", metavar="URL", help="Read an S3-compatible endpoint instead of AWS."),
)
"""Adds these options to a command, which gets them as one `stored: StoreOptions`."""
