"""`iamtui cache`: the accounts that are kept as they were read last."""

from __future__ import annotations

import click

from iamtui import paths
from iamtui.cli.exits import Exit
from iamtui.cli.output import note
from iamtui.text import safe_text
from iamtui.workspace.account_cache import clear_accounts


@click.command("cache")
@click.argument("verb", type=click.Choice(["clear"]))
def cache(verb: str) -> Exit:  # noqa: ARG001 - there is one
    """Remove every account that is kept as it was read last, for --cached and for the start of the screen."""
    count = clear_accounts()
    note(f"Removed {count} account{'' if count == 1 else 's'} from {safe_text(paths.accounts_folder())}.")
    return Exit.OK
