"""`iamtui snapshot` and `iamtui cache`: an account as a file, and the accounts that are kept as they were read last."""

from __future__ import annotations

from collections.abc import Callable

import click

from iamtui import paths
from iamtui.account.model import Missing
from iamtui.account.snapshot_format import snapshot_schema
from iamtui.cli.command import command
from iamtui.cli.opening import (
    open_workspace,
    whole_or_open,
    with_account_facts,
    with_people,
)
from iamtui.cli.output import Exit, note, progress_report, stdout
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.credentials.secure_files import AlreadyThere
from iamtui.leaves import WRITE_STORE
from iamtui.paths import home_expanded
from iamtui.policy.resource import resource_policy_arn
from iamtui.problem import Problem
from iamtui.text import counted, safe_text
from iamtui.workspace.source.opening import clear_accounts, load_last_accessed, with_resource_policies
from iamtui.workspace.source.snapshot_file import account_to_write, redacted_bytes, snapshot_bytes, write_snapshot
from iamtui.workspace.source.unknown_facts import unasked_principals


@command("snapshot")
@click.argument("file", required=False)
@click.option("--on", multiple=True, metavar="ARN", help="Read the policy of this resource too; may be repeated.")
@click.option("--last-accessed", is_flag=True, help="Also ask AWS when each principal last used each service.")
@click.option("--redact", is_flag=True, help="Replace names, ids, ARNs, tags, addresses and dates, to share it.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@click.option("--org", "org_store", metavar="FOLDER", help="Write each account into this store, for `iamtui org`.")
@click.option("--date", metavar="DATE", help="Go on with the store's accounts of an earlier day (with --org).")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a snapshot and stop.")
@source_options
def snapshot(
    file: str | None,
    on: tuple[str, ...],
    last_accessed: bool,
    redact: bool,
    overwrite: bool,
    org_store: str | None,
    date: str | None,
    schema: bool,
    source: SourceOptions,
) -> Exit:
    """Write everything that can be read of an account to FILE (- for standard output), for --snapshot FILE.

    FILE is readable by you alone, and complete or not there. A name that ends in .gz or .zst packs it. What could not
    be read stays unknown to whoever asks the snapshot. It holds no secrets.

    With --redact the answers stay the same, but nothing can be recognized: each word has a made-up one in its place
    everywhere, and patterns still cut names where they did. Services, actions, Regions and AWS's own policies stay.
    A policy that cannot be redacted is left out and listed; answers that depend on it are open.

    With --org, each account of the sources goes into a store of many accounts as soon as it is read: what is there of
    the day is not read again, and what was refused is listed and tried again the next time.
    """
    if schema:
        stdout().json(snapshot_schema(), indent=2)
        return Exit.OK
    if org_store is not None:
        given = {"FILE": file, "--on": on, "--redact": redact, "--overwrite": overwrite}
        if (option := next(filter(given.get, given), None)) is not None:
            raise Problem(f"{option} does not apply with --org.", "Leave it out.")
        write_store: Callable[..., Exit] = WRITE_STORE.needed()
        return write_store(org_store, date, source, last_accessed=last_accessed)
    if date is not None:
        raise Problem("--date applies only with --org.", "Leave it out.")
    if not file:
        raise Problem("No file is named.", "Give its path, or - for standard output.")
    workspace = with_people(with_account_facts(open_workspace(source, shows_facts=True)), source)
    lacking = workspace.account.identity_center
    if isinstance(lacking, Missing) and any(role.sso_reserved for role in workspace.account.roles):
        need = f" (needs {lacking.permission})" if lacking.permission else ""
        note(f"The people behind roles of IAM Identity Center are not in it: {lacking.reason}{need}.")
    workspace, failed = with_resource_policies(workspace, on)
    for arn, problem in failed.items():
        note(f"The policy of {safe_text(arn)} is not in it: {problem}")
    for arn in on:
        if resource_policy_arn(arn) not in {
            *workspace.account.resource_policies,
            *failed,
            *workspace.account.kms_aliases,
        }:
            note(f"The policy of {safe_text(arn)} is not in it: it is no resource whose policy can be read here.")
    if last_accessed:
        workspace, missing = load_last_accessed(workspace, unasked_principals(workspace.account), progress_report())
        if missing:
            note(f"When services were last used is not known of {counted(len(missing), 'principal')}.")
    account = account_to_write(workspace)
    data, left_out = redacted_bytes(account) if redact else (snapshot_bytes(account), ())
    for one in left_out:
        note(f"Left out, since it could not be redacted: {safe_text(one, limit=600)}.")
    if file == "-":
        stdout().raw(data.decode())
        return whole_or_open(account)
    path = home_expanded(file)
    try:
        size = write_snapshot(data, path, overwrite=overwrite)
    except AlreadyThere as problem:
        raise Problem(problem.sentence, "Give --overwrite to replace it, or another name.") from None
    note(
        f"Wrote {safe_text(path)}: {counted(len(account.users), 'user')}, {counted(len(account.groups), 'group')}, "
        f"{counted(len(account.roles), 'role')}, {counted(len(account.policies), 'policy', 'policies')}, "
        f"{counted(len(account.resource_policies), 'policy', 'policies')} of resources; {size:,} bytes."
    )
    return whole_or_open(account)


@command("cache")
@click.argument("verb", type=click.Choice(["clear"]))
def cache(verb: str) -> Exit:  # noqa: ARG001 - there is one
    """Remove every account that is kept as it was read last, for --cached and for the start of the screen."""
    count = clear_accounts()
    note(f"Removed {counted(count, 'account')} from {safe_text(paths.accounts_folder())}.")
    return Exit.OK
