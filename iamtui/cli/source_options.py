"""The source options, and which source they, the environment and the config add up to."""

from __future__ import annotations

import functools
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from iamtui.cli.output import note
from iamtui.problem import Problem

if TYPE_CHECKING:
    from iamtui.workspace.workspace import SourceChoice, Workspace

F = TypeVar("F", bound=Callable[..., Any])


def option_words(options: Any) -> tuple[str, ...]:
    """The words of a command line that give the same options again.

    Args:
        options: a dataclass whose fields are named as the options: None, False and () stand for what was not given.
    """
    words: list[str] = []
    for entry in fields(options):
        value, option = getattr(options, entry.name), f"--{entry.name.replace('_', '-')}"
        if value is True:
            words.append(option)
        elif value not in (None, False):
            for one in value if isinstance(value, tuple) else (value,):
                words += (option, str(one))
    return tuple(words)


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """The source options as given; None and False: not given."""

    demo: bool = False
    snapshot: str | None = None
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None

    @property
    def given(self) -> tuple[str, ...]:
        return tuple(
            f"--{f.name.replace('_', '-')}" for f in fields(self) if getattr(self, f.name) not in (None, False)
        )

    @property
    def words(self) -> tuple[str, ...]:
        """The options that were given, as the words of a command line."""
        return option_words(self)

    def over(self, outer: SourceOptions) -> SourceOptions:
        """These options and those given before the command's name; the same one twice must agree.

        Raises:
            Problem: they do not.
        """
        merged: dict[str, Any] = {}
        for entry in fields(self):
            mine, theirs = getattr(self, entry.name), getattr(outer, entry.name)
            option = f"--{entry.name.replace('_', '-')}"
            if mine not in (None, False) and theirs not in (None, False) and mine != theirs:
                raise Problem(f"{option} is given twice, with different values.", "Give it once.")
            merged[entry.name] = mine if mine not in (None, False) else theirs
        return SourceOptions(**merged)

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            Problem: they do.
        """
        for name in ("snapshot", "profile", "region", "endpoint_url"):
            value = getattr(self, name)
            if value is not None and not value.strip():
                raise Problem(f"--{name.replace('_', '-')} is empty.", "Give a value, or leave the option out.")
        clashes = {"--demo": {"--snapshot", "--profile", "--region", "--endpoint-url"}}
        clashes["--snapshot"] = {"--profile", "--endpoint-url"}
        for option, others in clashes.items():
            found = [other for other in self.given if option in self.given and other in others]
            if found:
                raise Problem(
                    f"{option} and {' and '.join(found)} cannot be combined.", "Choose one source: see --help."
                )


def _given_before(context: click.Context) -> SourceOptions:
    """The source options that stood before the command's name, or before that of its group."""
    outer = SourceOptions()
    while context.parent is not None:
        context = context.parent
        given: dict[str, Any] = {entry.name: context.params.get(entry.name) for entry in fields(SourceOptions)}
        outer = outer.over(SourceOptions(**given))
    return outer


def source_options(command: F) -> F:
    """Add the source options to a command, which gets them as one `source: SourceOptions`."""

    @functools.wraps(command)
    def with_source(
        *args: Any,
        demo: bool,
        snapshot: str | None,
        profile: str | None,
        region: str | None,
        endpoint_url: str | None,
        **kwargs: Any,
    ) -> Any:
        own = SourceOptions(demo, snapshot, profile, region, endpoint_url)
        merged = own.over(_given_before(click.get_current_context()))
        merged.check()
        return command(*args, source=merged, **kwargs)

    options = (
        click.option("--demo", is_flag=True, help="Use the built-in demo account."),
        click.option("--snapshot", metavar="FILE", help="Read an account from a file, offline."),
        click.option("--profile", metavar="NAME", help="Use this AWS profile."),
        click.option("--region", metavar="REGION", help="Use this region."),
        click.option("--endpoint-url", metavar="URL", help="Call an AWS-compatible endpoint instead of AWS."),
    )
    for option in reversed(options):
        with_source = option(with_source)
    return with_source  # type: ignore[return-value]  # functools.wraps keeps what click needs


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

    from iamtui.config import load_config  # not needed for --help
    from iamtui.workspace.workspace import SourceChoice, SourceKind, choice_from_environment  # not needed for --help

    if source.demo:
        return Chosen(SourceChoice(SourceKind.DEMO), "--demo")
    config, _ = load_config()
    region = source.region or (None if _region_in_environment() else config.source.region or None)
    if source.snapshot is not None:
        return Chosen(SourceChoice(SourceKind.SNAPSHOT, Path(source.snapshot), region=region), "--snapshot")
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
    return Chosen(SourceChoice(SourceKind.LIVE, None, profile, region, source.endpoint_url), why)


def _region_in_environment() -> bool:
    return bool(os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"))


def command_choice(source: SourceOptions) -> SourceChoice:
    """The source that a command uses; what is wrong with the config is said on stderr."""
    from iamtui.config import load_config  # not needed for --help

    for problem in load_config()[1]:
        note(problem)
    choice = choose(source, for_command=True).choice
    assert choice is not None
    return choice


def approval(source: SourceOptions) -> Callable[[str, str], bool]:
    """What is asked before a profile runs a command for its credentials: its file may not be the user's own work."""
    named = source.profile is not None or any(map(os.environ.get, ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")))
    return functools.partial(_approve, named=bool(named))


def _approve(profile: str, command: str, *, named: bool) -> bool:
    """Show the command that a profile is about to run, and ask, once. Without a terminal a named profile goes on.

    Returns:
        Whether the command may ask on the terminal.

    Raises:
        Problem: the user does not want it run, or there is nobody to ask and no profile was named, or another iamtui
            runs this one, and would show nobody what is said here.
    """
    from iamtui.cli.prompts import can_ask, says_yes  # not needed for --help
    from iamtui.workspace import credential_commands as commands  # not needed for --help

    if commands.is_confirmed(profile, command):
        return can_ask()
    if commands.is_credential_process():
        raise Problem(
            f"The profile {profile} runs a command for its credentials. It was named by the credential_process of "
            f"another profile and not by you, so it was not run: {command}",
            f"Run iamtui --profile {shlex.quote(profile)} in a terminal first, which asks once.",
        )
    if can_ask():
        if not says_yes(commands.about_command(profile, command), "Run it, now and later?"):
            raise Problem(
                f"The command of the profile {profile} was not run.", "Choose another profile with --profile."
            )
        try:
            commands.confirm(profile, command)
        except Problem as problem:
            note(str(problem))
    elif named:
        for sentence in commands.about_command(profile, command):
            note(sentence, whole=True)
        commands.confirm_here(profile, command)
    else:
        raise Problem(
            f"The profile {profile} runs a command for its credentials. Nobody named the profile, and there is no "
            f"terminal to ask on, so it was not run: {command}",
            "Name it with --profile or AWS_PROFILE, or run iamtui in a terminal first, which asks once.",
        )
    return can_ask()


def open_workspace(source: SourceOptions) -> Workspace:
    """Open the account that a command reads, and say on stderr what could not be loaded.

    Raises:
        Problem: it cannot be read.
    """
    from iamtui.workspace.workspace import open_source  # not needed for --help

    workspace = open_source(command_choice(source), approve=approval(source))
    say_where(workspace)
    gaps = workspace.account.gaps
    if gaps:
        note(f"Not loaded: {', '.join(gap.what for gap in gaps)}. Whether they would change the answer is not known.")
    return workspace


def say_where(workspace: Workspace) -> None:
    """Say on stderr that the answers are not those of AWS about the user's own account, if so."""
    from iamtui.workspace.workspace import SourceKind  # not needed for --help

    if workspace.source.kind is SourceKind.DEMO:
        note("DEMO: this is the built-in demo account, not yours.")
    if workspace.source.endpoint_url:
        note(f"NOT AWS: the answers come from {workspace.source.endpoint_url}.")
