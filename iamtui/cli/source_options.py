"""The source options: --demo, --snapshot, --profile, --region, --endpoint-url, and whether the cache is used."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Final, TypeVar

import click

from iamtui.problem import Problem

F = TypeVar("F", bound=Callable[..., Any])


_ACCOUNT_ID: Final = re.compile(r"[0-9]{12}")


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
    snapshot_account: str | None = None
    cached: bool = False
    no_cache: bool = False

    @property
    def given(self) -> tuple[str, ...]:
        """The options that were given."""
        return tuple(
            f"--{f.name.replace('_', '-')}" for f in fields(self) if getattr(self, f.name) not in (None, False)
        )

    @property
    def words(self) -> tuple[str, ...]:
        """The options that were given, as the words of a command line."""
        return option_words(self)

    def over(self, outer: SourceOptions) -> SourceOptions:
        """These options and those given before the command's name; the same one twice must agree."""
        merged: dict[str, Any] = {}
        for entry in fields(self):
            mine, theirs = getattr(self, entry.name), getattr(outer, entry.name)
            option = f"--{entry.name.replace('_', '-')}"
            if mine not in (None, False) and theirs not in (None, False) and mine != theirs:
                raise Problem(f"{option} is given twice, with different values.", "Give it once.")
            merged[entry.name] = mine if mine not in (None, False) else theirs
        return SourceOptions(**merged)

    def check(self) -> None:
        """Refuse options that contradict each other."""
        for name in ("snapshot", "profile", "region", "endpoint_url", "snapshot_account"):
            value = getattr(self, name)
            if value is not None and not value.strip():
                raise Problem(f"--{name.replace('_', '-')} is empty.", "Give a value, or leave the option out.")
        if self.snapshot_account is not None and self.snapshot is None:
            raise Problem("--snapshot-account applies only with --snapshot.", "Leave it out, or name the file too.")
        check_snapshot_account(self.snapshot_account)
        clashes = {"--demo": {"--snapshot", "--profile", "--region", "--endpoint-url"}}
        clashes["--snapshot"] = {"--profile", "--endpoint-url"}
        clashes["--cached"] = {"--no-cache"}
        for source in ("--demo", "--snapshot"):
            clashes[source] |= {"--cached", "--no-cache"}
        for option, others in clashes.items():
            found = [other for other in self.given if option in self.given and other in others]
            if found:
                raise Problem(
                    f"{option} and {' and '.join(found)} cannot be combined.", "Leave one of them out: see --help."
                )


def check_snapshot_account(account: str | None) -> None:
    """Refuse what is not the id of an account."""
    if account is not None and not _ACCOUNT_ID.fullmatch(account):
        raise Problem("--snapshot-account is not an account id.", "Give its 12 digits.")


def snapshot_account_option(command: F) -> F:
    """Add `--snapshot-account ID` to a command."""
    return click.option("--snapshot-account", metavar="ID", help="Which account, where the file holds several.")(
        command
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
        snapshot_account: str | None,
        cached: bool,
        no_cache: bool,
        **kwargs: Any,
    ) -> Any:
        own = SourceOptions(demo, snapshot, profile, region, endpoint_url, snapshot_account, cached, no_cache)
        merged = own.over(_given_before(click.get_current_context()))
        merged.check()
        return command(*args, source=merged, **kwargs)

    options = (
        click.option("--demo", is_flag=True, help="Use the built-in demo account."),
        click.option("--snapshot", metavar="FILE", help="Read an account from a file, offline."),
        snapshot_account_option,
        click.option("--profile", metavar="NAME", help="Use this AWS profile."),
        click.option("--region", metavar="REGION", help="Use this region."),
        click.option("--endpoint-url", metavar="URL", help="Call an AWS-compatible endpoint instead of AWS."),
        click.option("--cached", is_flag=True, help="Answer from the account as it was read last, and say its age."),
        click.option("--no-cache", is_flag=True, help="Neither use nor keep the account as it was read last."),
    )
    for option in reversed(options):
        with_source = option(with_source)
    return with_source  # type: ignore[return-value]  # functools.wraps keeps what click needs
