"""Opening the source that options, environment and config select, with its prompts and notes."""

from __future__ import annotations

import functools
import os
import shlex
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from iamtui.account.model import DEMO, REST_OF_ACCOUNT, Account, Known, Missing, User
from iamtui.account.snapshot_parts import WITHOUT_VERDICT
from iamtui.cli.input import ask_code, can_ask, read_text, says_yes
from iamtui.cli.output import OPENED, Exit, ProgressLine, note, progress_report, say_cached
from iamtui.cli.source_choice import choose, choose_all
from iamtui.cli.source_options import SourceOptions
from iamtui.config import load_config
from iamtui.problem import Problem
from iamtui.text import counted, first_names, safe_text
from iamtui.workspace.source import credential_commands as commands
from iamtui.workspace.source.open_accounts import open_accounts
from iamtui.workspace.source.opening import (
    keep_in_cache,
    load_account_facts,
    load_user_details,
)
from iamtui.workspace.source.workspace import CacheUse, Progress, SourceChoice, SourceKind, Workspace

if TYPE_CHECKING:
    from iamtui.drafts.ledger import DraftFinding
    from iamtui.secret import Secret
    from iamtui.workspace.change.draft_session import DraftedAccount
    from iamtui.workspace.source.credential_commands import Approve, CredentialCommand, ProfileCodeNeeded


def command_choice(source: SourceOptions, *, several: bool = False) -> SourceChoice:
    """The source that a command uses; writes problems of the config to stderr.

    Args:
        several: whether it may be several accounts.
    """
    for problem in load_config()[1]:
        note(problem)
    choice = choose_all(source, for_command=True) if several else choose(source, for_command=True).choice
    assert choice is not None
    if any(one.kind is SourceKind.LIVE for one in (choice, *choice.beside)):
        ask_codes_on_terminal()
    return choice


def tells_count(what: str, total: int | None = None) -> Callable[[int], None]:
    """Says on a terminal how much of something is done."""
    line = ProgressLine()
    return lambda count: line.tell(Progress(what, count, total))


def ask_codes_on_terminal() -> None:
    """Have the MFA codes that profiles need typed on the terminal."""
    commands.ask_codes_with(_profile_code)


def _profile_code(needed: ProfileCodeNeeded) -> Secret:
    words = needed.sentence.removesuffix(".")
    run = f"iamtui exec {shlex.quote(needed.profile)} -- iamtui …"
    instead = f"{run} in a terminal asks once, and hands the session on."
    return ask_code(
        needed.serial, words, instead, about=f"The profile {needed.profile} needs an MFA code. {needed.why}".rstrip()
    )


def approval(source: SourceOptions) -> Approve:
    """Prompt before a profile runs a command for its credentials: its file may not be the user's own work."""
    named = bool(source.profile) or any(map(os.environ.get, ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")))
    return functools.partial(_approve, named=named)


def unnamed_approval(command: CredentialCommand) -> bool:
    """The same for a profile that another one names, and not the user."""
    return _approve(command, named=False)


def organization_approval(source: SourceOptions) -> Approve:
    """The same for the profile that reads the organization: the one that the config names, nobody has named here."""
    option = "--organization-profile"
    return functools.partial(_approve, named=source.organization_profile is not None, option=option)


def _approve(command: CredentialCommand, *, named: bool, option: str = "--profile or AWS_PROFILE") -> bool:
    """Show the command that a profile is about to run, and ask, once. Without a terminal a named profile goes on.

    Returns:
        Whether the command may ask on the terminal.

    Raises:
        Problem: the user does not want it run, or there is nobody to ask and no profile was named, or another iamtui
            runs this one, and would show nobody what is said here.
    """
    if commands.is_confirmed(command):
        return can_ask()
    if commands.is_credential_process():
        raise Problem(
            f"The profile {command.profile} runs a command for its credentials. It was named by the credential_process "
            f"of another profile and not by you, so it was not run: {command.text}",
            f"Run iamtui --profile {shlex.quote(command.profile)} in a terminal first, which asks once.",
        )
    if can_ask():
        if not says_yes(commands.about_command(command), "Run it, now and later?"):
            raise Problem(
                f"The command of the profile {command.profile} was not run.",
                f"Choose another profile with {option.split(maxsplit=1)[0]}.",
            )
        try:
            commands.confirm(command)
        except Problem as problem:
            note(str(problem))
    elif named:
        for sentence in commands.about_command(command):
            note(sentence, whole=True)
        commands.confirm_here(command)
    else:
        raise Problem(
            f"The profile {command.profile} runs a command for its credentials. Nobody named the profile, and there is "
            f"no terminal to ask on, so it was not run: {command.text}",
            f"Name it with {option}, or run iamtui in a terminal first, which asks once.",
        )
    return can_ask()


def open_workspace(source: SourceOptions, *, several: bool = False, shows_facts: bool = False) -> Workspace:
    """Open the account that a command reads, and say on stderr what could not be loaded.

    Args:
        several: whether it may be several accounts: all are opened beside each other, and those that cannot be are
            named.
        shows_facts: whether facts are shown on which no verdict rests, so that those which lack are named, too.
    """
    choice = command_choice(source, several=several)
    approve_other = organization_approval(source)
    workspace = open_accounts(choice, progress_report(), approve=approval(source), approve_other=approve_other)
    _say_opened(workspace, choice.cache, frozenset() if shows_facts else WITHOUT_VERDICT)
    for refused in workspace.not_opened:
        note(refused.words)
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta[OPENED] = workspace
    return workspace


_MOST_NAMED: Final = 3


def _say_opened(workspace: Workspace, cache: CacheUse, unnamed: frozenset[str]) -> None:
    """Say what could not be loaded, once of all accounts that lack the same, and keep what may be kept."""
    lacking: dict[str, list[str]] = {}
    said: set[tuple[object, ...]] = set()
    for one in (workspace, *workspace.beside):
        source = one.source
        where = (one.account.not_aws, source.endpoint_url, source.taken_at if source.cached else None)
        if where not in said:
            said.add(where)
            say_where(one)
        if one.remark:
            note(one.remark)
        say_part(one.account, f"account {one.account.id}" if workspace.beside else "the account")
        gaps = ", ".join(
            f"{gap.what} (needs {gap.permission})" if gap.permission else gap.what
            for gap in one.account.gaps
            if gap.what != REST_OF_ACCOUNT and gap.what not in unnamed
        )
        if gaps:
            lacking.setdefault(gaps, []).append(one.account.id)
    if cache is not CacheUse.NOTHING:
        keep_in_cache(workspace)
    for gaps, ids in lacking.items():
        of = f" of {first_names(ids, _MOST_NAMED)}" if workspace.beside else ""
        note(f"Not loaded{of}: {gaps}. Answers that rest on them say so.")
    for words in dict.fromkeys(filter(None, map(_without_organization, (workspace, *workspace.beside)))):
        note(words)


def _without_organization(workspace: Workspace) -> str:
    """Why the organization of a live account is not read, or what would read it; "" where it is."""
    found, where = workspace.account.organization, workspace.source.organization
    if workspace.source.kind is not SourceKind.LIVE or not isinstance(found, Missing):
        return ""
    if where.profile or where.role:
        return f"The organization was not read: {found.reason}."
    return "--organization-profile NAME reads SCPs and RCPs with a profile of the management account."


def say_part(account: Account, name: str = "the account") -> None:
    """Say on stderr that only a part of an account was read, if so."""
    for gap in account.gaps:
        if gap.what == REST_OF_ACCOUNT:
            note(f"Only a part of {name} was read: {gap.error}. What the rest would say is not known.")


def whole_or_open(account: Account, code: Exit = Exit.OK) -> Exit:
    """How a command ends that says something of all users and roles: open where some may not have been read."""
    return Exit.OPEN if code is Exit.OK and account.unlisted else code


def all_or_open(workspace: Workspace) -> Exit:
    """The same of all accounts that are open, where those that could not be opened count, too."""
    whole = not workspace.not_opened and not any(account.unlisted for account in workspace.accounts)
    return Exit.OK if whole else Exit.OPEN


def unlisted_failures(workspace: Workspace) -> list[tuple[str, str]]:
    """Accounts and parts of accounts that were not read, as (name, sentence) for a SARIF log."""
    found = [
        (f"aws-account-{account.id}", f"Not read: {gap.what}: {safe_text(gap.error, limit=512)}.")
        for account in workspace.accounts
        for gap in account.unlisted
    ]
    return [*found, *(("aws-accounts", safe_text(one.words, limit=512)) for one in workspace.not_opened)]


def with_account_facts(workspace: Workspace) -> Workspace:
    """Load the account's credential report and own facts, where the source has them."""
    loaded = load_account_facts(workspace, progress_report())
    report = loaded.account.credential_report
    if isinstance(report, Known) and any(loaded.account.with_report(user) is not user for user in loaded.account.users):
        when = f"{report.value.generated:%Y-%m-%d %H:%M}" if report.value.generated is not None else "an unknown time"
        whose = f" of account {loaded.account.id}" if loaded.beside else ""
        note(f"Keys, passwords and MFA devices of users{whose} are those of the credential report of {when} (UTC).")
    return loaded


def with_user_details(workspace: Workspace, user: User) -> Workspace:
    """Load the user's keys, devices and password, where the source has them."""
    facts = (user.access_keys, user.mfa_devices, user.login_profile)
    if not workspace.can_call_aws or not any(isinstance(fact, Missing) for fact in facts):
        return workspace
    try:
        return load_user_details(workspace, user.name)
    except Problem as problem:
        note(f"The access keys, MFA devices and password of {user.name} are not loaded: {problem.sentence}")
        return workspace


def with_people(workspace: Workspace, source: SourceOptions, *, drafted: bool = False) -> Workspace:
    """Load the people behind roles of IAM Identity Center, for each account whose source has them.

    The cache keeps them with the account, unless that is not as AWS has it: `drafted`.
    """
    from iamtui.workspace.source.organization import with_identity_center  # brings the ways to AWS

    opened, approve = workspace, organization_approval(source)
    for account in opened.accounts:
        workspace = with_identity_center(workspace.at(account.id), approve, progress_report())
    workspace = workspace.at(opened.account.id)
    if not (source.no_cache or drafted) and workspace.accounts != opened.accounts:
        keep_in_cache(workspace)
    return workspace


def say_where(workspace: Workspace) -> None:
    """Say on stderr that the answers are not those of AWS about the user's own account, if so."""
    if workspace.source.kind is SourceKind.DEMO:
        note("DEMO: this is the built-in demo account, not yours.")
    elif workspace.account.not_aws == DEMO:
        note("DEMO: this is a snapshot of the built-in demo account, not of yours.")
    if workspace.source.endpoint_url:
        note(f"NOT AWS: the answers come from {workspace.source.endpoint_url}.")
    if workspace.source.cached and workspace.source.taken_at is not None:
        say_cached(workspace.source.taken_at)


# `--draft FILE`: answer as if the edits of a draft had been made.


F = TypeVar("F", bound=Callable[..., Any])


def draft_option(command: F) -> F:
    """Add `--draft FILE` to a command, which gets it as `draft: str | None`."""
    return click.option("--draft", metavar="FILE", help="Answer as if the edits of this draft had been made.")(command)


def with_draft(workspace: Workspace, name: str | None) -> Workspace:
    """The workspace with the draft applied, with a note on stderr; without a draft the workspace itself.

    Raises:
        Problem: the draft cannot be read, is for another account, or does not fit this one.
    """
    if name is None:
        return workspace
    drafted = read_drafted(workspace, name)
    drafted.check()
    count = len(drafted.draft.edits)
    note(f"DRAFT: as if {counted(count, 'edit')} of {name} had been made. Nothing was changed.")
    say_findings(drafted.findings)
    return drafted.after


_LARGEST_DRAFT: Final = 32 * 1024 * 1024


def read_drafted(workspace: Workspace, name: str) -> DraftedAccount:
    """Lay a draft over an opened account, with the policies loaded that its edits of resources replace.

    Args:
        name: the draft's file, or "-" for standard input.

    Raises:
        Problem: it cannot be read, or is for another account. What does not fit is in `DraftedAccount.problems`.
    """
    from iamtui.workspace.change.draft_session import apply_text  # brings drafts and lint, a fifth of the start

    shown = "on standard input" if name == "-" else name
    return apply_text(workspace, read_text(name, "draft", most=_LARGEST_DRAFT), shown)


def say_findings(findings: Iterable[DraftFinding]) -> None:
    """Say on stderr what is worth knowing about a draft."""
    for finding in findings:
        note(f"{finding_label(finding.edit)}{finding.sentence}")


def finding_label(edit: int) -> str:
    """ "Edit 3: " in front of a finding about an edit, "" in front of one about the whole draft."""
    return f"Edit {edit}: " if edit else ""
