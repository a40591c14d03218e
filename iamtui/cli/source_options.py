"""The source options: --demo, --snapshot, --profile, --region, --endpoint-url, the cache and the organization."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from iamtui.cli.command import topic_option
from iamtui.problem import Problem

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R", bound="DataclassInstance")


_ACCOUNT_ID: Final = re.compile(r"[0-9]{12}")


def record_options(
    record: type[R], name: str, *options: Callable[[F], F], read: Callable[[R], R] = lambda given: given
) -> Callable[[F], F]:
    """Options that a command gets as one argument.

    Args:
        record: a dataclass whose fields are named as the parameters of the options.
        name: of the argument.
        read: what the command gets of a record as given.
    """

    def add(command: F) -> F:
        @functools.wraps(command)
        def with_record(*args: Any, **kwargs: Any) -> Any:
            given = record(**{entry.name: kwargs.pop(entry.name) for entry in fields(record)})
            return command(*args, **{name: read(given)}, **kwargs)

        for option in reversed(options):
            with_record = option(with_record)
        return with_record  # type: ignore[return-value]  # functools.wraps keeps what click needs

    return add


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
    """The source options as given; None, False and (): not given."""

    demo: bool = False
    snapshot: tuple[str, ...] = ()
    profile: tuple[str, ...] = ()
    region: str | None = None
    endpoint_url: str | None = None
    snapshot_account: tuple[str, ...] = ()
    cached: bool = False
    no_cache: bool = False
    organization_profile: str | None = None
    organization: str | None = None
    org_role: str | None = None
    org_unit: str | None = None

    @property
    def given(self) -> tuple[str, ...]:
        return tuple(f"--{f.name.replace('_', '-')}" for f in fields(self) if getattr(self, f.name))

    @property
    def words(self) -> tuple[str, ...]:
        """The options that were given, as the words of a command line."""
        return option_words(self)

    @property
    def several(self) -> str:
        """The option that names more accounts than one, or ""."""
        names = ("snapshot", "profile", "snapshot_account")
        repeated = (f"--{name.replace('_', '-')}" for name in names if len(getattr(self, name)) > 1)
        mixed = "--snapshot beside --profile" if self.snapshot and self.profile else ""
        return "--org-role" if self.org_role else next(repeated, mixed)

    @property
    def each(self) -> tuple[SourceOptions, ...]:
        """The options for each of the accounts, those of profiles first."""
        if self.org_role or not self.several:
            return (self,)
        live = replace(self, snapshot=(), snapshot_account=())
        file = SourceOptions(region=self.region, organization=self.organization)
        ids: list[tuple[str, ...]] = [(one,) for one in self.snapshot_account] or [()]
        return (
            *(replace(live, profile=(one,)) for one in self.profile),
            *(replace(file, snapshot=(name,), snapshot_account=one) for name in self.snapshot for one in ids),
        )

    def over(self, outer: SourceOptions) -> SourceOptions:
        """These options and those given before the command's name; one that is for all accounts must agree."""
        merged: dict[str, Any] = {}
        for entry in fields(self):
            mine, theirs = getattr(self, entry.name), getattr(outer, entry.name)
            option = f"--{entry.name.replace('_', '-')}"
            if isinstance(mine, tuple):
                merged[entry.name] = tuple(dict.fromkeys((*theirs, *mine)))
                continue
            if mine not in (None, False) and theirs not in (None, False) and mine != theirs:
                raise Problem(f"{option} is given twice, with different values.", "Give it once.")
            merged[entry.name] = mine if mine not in (None, False) else theirs
        return SourceOptions(**merged)

    def check(self) -> None:
        """Refuse options that contradict each other."""
        texts = ("snapshot", "profile", "region", "endpoint_url", "snapshot_account", "organization_profile")
        for name in (*texts, "organization", "org_role", "org_unit"):
            value = getattr(self, name)
            if any(not one.strip() for one in (value if isinstance(value, tuple) else (value,)) if one is not None):
                raise Problem(f"--{name.replace('_', '-')} is empty.", "Give a value, or leave the option out.")
        self._check_several()
        for account in self.snapshot_account:
            check_snapshot_account(account)
        clashes = {"--demo": {"--snapshot", "--profile", "--region", "--endpoint-url", "--organization"}}
        live_only = {"--cached", "--no-cache", "--organization-profile"}
        clashes["--demo"] |= {*live_only, "--org-role"}
        clashes["--snapshot"] = {"--org-role"} if self.profile else {*live_only, "--org-role", "--endpoint-url"}
        clashes["--organization"] = {"--organization-profile"}
        clashes["--cached"] = {"--no-cache"}
        for option, others in clashes.items():
            found = [other for other in self.given if option in self.given and other in others]
            if found:
                raise Problem(
                    f"{option} and {' and '.join(found)} cannot be combined.", "Leave one of them out: see --help."
                )

    def _check_several(self) -> None:
        """Refuse options that do not apply to several accounts, or to one alone."""
        if self.snapshot_account and not self.snapshot:
            raise Problem("--snapshot-account applies only with --snapshot.", "Leave it out, or name the file too.")
        if self.snapshot_account and len(self.snapshot) > 1:
            raise Problem("--snapshot-account applies only with one --snapshot.", "Leave it out, or the other files.")
        if self.org_unit and not self.org_role:
            raise Problem("--org-unit applies only with --org-role.", "Leave it out, or name the role too.")
        if self.org_role and len(self.profile) > 1:
            raise Problem("--org-role applies only with one --profile, which assumes it.", "Give --profile once.")


def check_snapshot_account(account: str | None) -> None:
    """Refuse what is not the id of an account."""
    if account is not None and not _ACCOUNT_ID.fullmatch(account):
        raise Problem("--snapshot-account is not an account id.", "Give its 12 digits.")


def snapshot_account_option(command: F) -> F:
    """Add `--snapshot-account ID` to a command."""
    return click.option("--snapshot-account", metavar="ID", help=_WHICH_ACCOUNT)(command)


_WHICH_ACCOUNT: Final = "Which account, where the file holds several."


def _with_those_before(own: SourceOptions) -> SourceOptions:
    """The source options with those that stood before the command's name, or before that of its group."""
    outer, context = SourceOptions(), click.get_current_context()
    while context.parent is not None:
        context = context.parent
        given = {entry.name: context.params.get(entry.name) for entry in fields(SourceOptions)}
        outer = outer.over(SourceOptions(**{name: value for name, value in given.items() if value is not None}))
    merged = own.over(outer)
    merged.check()
    return merged


_option: Final = topic_option("sources")
_MORE: Final = "Repeatable: several accounts."

source_options = record_options(
    SourceOptions,
    "source",
    _option("--demo", is_flag=True, help="Use the built-in demo account."),
    _option("--snapshot", multiple=True, metavar="FILE", help=f"Read an account from a file, offline. {_MORE}"),
    _option("--snapshot-account", multiple=True, metavar="ID", help=f"{_WHICH_ACCOUNT} {_MORE}"),
    _option("--profile", multiple=True, metavar="NAME", help=f"Use this AWS profile. {_MORE}"),
    _option("--region", metavar="REGION", help="Use this region."),
    _option("--endpoint-url", metavar="URL", help="Call an AWS-compatible endpoint instead of AWS."),
    _option("--cached", is_flag=True, help="Answer from the cached account, and print its age."),
    _option("--no-cache", is_flag=True, help="Neither use nor write the cached account."),
    _option("--organization-profile", metavar="NAME", help="Read SCPs and RCPs with this profile where needed."),
    _option("--organization", metavar="FILE", help="Read SCPs and RCPs from a file."),
    _option("--org-role", metavar="NAME", help="Open all accounts of the organization by assuming this role."),
    _option("--org-unit", metavar="UNIT", help="Only the accounts of this unit, by its name or id."),
    read=_with_those_before,
)
"""Adds the source options to a command, which gets them as one `source: SourceOptions`."""
