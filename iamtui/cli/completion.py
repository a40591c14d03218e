"""`iamtui completion`: the completion script of a shell, and what the words of a command line complete to."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from functools import partial
from itertools import islice
from typing import Any, Final

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    shell_complete,
    split_arg_string,
)

from iamtui.account.model import Account
from iamtui.catalog.actions import catalogue
from iamtui.catalog.condition_keys import GLOBAL_KEYS
from iamtui.catalog.newer import newer_actions
from iamtui.cli.command import command
from iamtui.cli.output import COMPLETE_VARIABLE, Exit, stdout
from iamtui.cli.source_choice import choose
from iamtui.cli.source_options import SourceOptions
from iamtui.problem import Problem
from iamtui.workspace.source.opening import last_kept_account, open_source
from iamtui.workspace.source.permissions import FEATURES
from iamtui.workspace.source.workspace import SourceKind, list_profiles

_SHELLS: Final = ("bash", "zsh", "fish")


@command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> Exit:
    """Print the completion script of SHELL: eval "$(iamtui completion bash)".

    It completes commands, options, and the names of the account that the line names: users, roles, policies,
    resources, and AWS profiles. It never calls AWS: names of a live account are those that were read last.
    """
    stdout().raw(_CLASSES[shell](context.find_root().command, {}, "iamtui", COMPLETE_VARIABLE).source() + "\n")
    return Exit.OK


def complete(cli: click.Command, instruction: str) -> int:
    """Answer what a completion script asks."""
    for shell in _SHELLS:
        add_completion_class(_CLASSES[shell], shell)
    return shell_complete(cli, {}, "iamtui", COMPLETE_VARIABLE, instruction)


# What a word completes to, by the name of its option or argument.

_MOST: Final = 500
_LARGEST: Final = defaultdict(lambda: 512 * 1024, {".json": 8 * 1024 * 1024})
"""Bytes of a snapshot that is read while somebody waits for a completion, by its suffix: others may be packed."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:/@+][A-Za-z0-9_.:/@+=-]*")
"""Words that every shell takes as they are. Any other name, which a file may hold to have it run, is not offered."""

Offers = Callable[[click.Context, str], Iterable[str]]


def _accounts(context: click.Context) -> Iterator[Account]:
    """The account that the line names, as far as it can be read at once and without calling AWS."""
    given: dict[str, Any] = {}
    outer: click.Context | None = context
    while outer is not None:
        given = {**{name: value for name, value in outer.params.items() if value}, **given}
        outer = outer.parent
    names = {entry.name for entry in fields(SourceOptions)}
    options = SourceOptions(**{name: value for name, value in given.items() if name in names})
    for one in options.each:
        choice = choose(one, for_command=True).choice
        if choice is None:
            continue
        if choice.kind is SourceKind.LIVE:
            kept = last_kept_account(choice.endpoint_url or "")
            if kept is not None:
                yield kept
        elif choice.snapshot is None or choice.snapshot.stat().st_size <= _LARGEST[choice.snapshot.suffix]:
            yield open_source(choice).account


def _of_account(names: Callable[[Account], Iterable[str]], context: click.Context, _typed: str) -> Iterator[str]:
    for account in _accounts(context):
        yield from names(account)


def _principal_names(account: Account) -> Iterator[str]:
    yield from (f"user/{user.name}" for user in account.users)
    yield from (f"role/{role.name}" for role in account.roles)
    yield from (user.name for user in account.users)
    yield from (role.name for role in account.roles)
    yield "root"


def _resources(account: Account) -> Iterator[str]:
    yield from account.resource_policies
    yield from (entity.arn for entity in account.entities())


def _entities(account: Account) -> Iterator[str]:
    yield from _principal_names(account)
    yield from (f"group/{group.name}" for group in account.groups)
    yield from (f"policy/{policy.name}" for policy in account.policies)


def _roles(context: click.Context, typed: str) -> Iterator[str]:
    yield from _of_account(lambda account: (role.name for role in account.roles), context, typed)
    yield from (profile.name for profile in list_profiles() if profile.role_arn)


def _actions(_context: click.Context, typed: str) -> Iterable[str]:
    names = (*catalogue().names.names, *newer_actions().names)
    return names if ":" in typed else dict.fromkeys(f"{name.partition(':')[0]}:" for name in names)


_KEYS: Final = sorted(key.name for key in GLOBAL_KEYS.values() if "$" not in key.name)
_principals: Final[Offers] = partial(_of_account, _principal_names)


def _file(_context: click.Context, _typed: str) -> Iterable[str]:
    """A mark for what the shell completes itself: paths."""
    return ()


OFFERS: Final[Mapping[str, Offers]] = {
    **dict.fromkeys(("principal", "caller", "against", "start"), _principals),
    **dict.fromkeys(("role", "chained_from", "via"), _roles),
    **dict.fromkeys(("user", "issuer"), partial(_of_account, lambda account: (user.name for user in account.users))),
    **dict.fromkeys(("profile", "organization_profile"), lambda _context, _typed: (p.name for p in list_profiles())),
    **dict.fromkeys(("actions", "with_checks"), _actions),
    **dict.fromkeys(("resources", "on"), partial(_of_account, _resources)),
    "context": lambda _context, _typed: (f"{name}=" for name in _KEYS),
    "absent": lambda _context, _typed: _KEYS,
    "who_can": _actions,
    "features": lambda _context, _typed: (feature.name for feature in FEATURES),
    "name": partial(_of_account, _entities),
    **dict.fromkeys(
        (
            "file", "files", "before", "after", "snapshot", "organization", "draft", "context_file",
            "against_snapshot", "session_policies", "scope_downs", "policy", "suppressions", "written", "words",
            "org_store", "url", "parquet", "questions", "trails", "draft_file", "fixed_file", "kept_file",
        ),
        _file,
    ),
}  # fmt: skip


class _Offered(click.types.StringParamType):
    """Parameter type whose completions come from OFFERS."""

    def __init__(self, offers: Offers) -> None:
        self._offers = offers

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click's signature
        incomplete: str,
    ) -> list[CompletionItem]:
        if self._offers is _file:
            return [CompletionItem(incomplete, type="file")]
        start = incomplete.lower()
        found: list[CompletionItem] = []
        with suppress(Problem, OSError):
            names = (name for name in self._offers(ctx, incomplete) if name.lower().startswith(start))
            found = [CompletionItem(name) for name in islice(filter(_PLAIN.fullmatch, names), _MOST)]
        return found


def _attach(command: click.Command) -> None:
    for parameter in command.params:
        offers = OFFERS.get(parameter.name or "")
        if offers is not None and type(parameter.type) is click.types.StringParamType:
            parameter.type = _Offered(offers)


class _Completing(ShellComplete):
    """A shell's completion with the commands of the line made ready for it."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        command: click.Command = self.cli
        _attach(command)
        for word in args:
            if isinstance(command, click.Group) and word in command.list_commands(click.Context(command)):
                found = command.get_command(click.Context(command), word)
                assert found is not None
                command = found
                _attach(command)
        return super().get_completions(args, incomplete)


class _Bash(_Completing, BashComplete):
    """Bash, which cuts words at colons and equals signs: the line is taken as it is, and what bash keeps cut off."""

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n' line=${COMP_LINE:0:COMP_POINT} completion type value
    local word=${line##*[[:space:]]}
    local kept=${word%%"${word##*["$COMP_WORDBREAKS"]}"}
    COMPREPLY=()
    while IFS=',' read -r type value; do
        if [[ $type == dir ]]; then
            compopt -o dirnames
        elif [[ $type == file ]]; then
            compopt -o default
        elif [[ $type == plain ]]; then
            COMPREPLY+=("${value#"$kept"}")
            [[ $value == *[:=] ]] && compopt -o nospace
        fi
    done < <(env COMP_WORDS="$line" COMP_CWORD=-1 %(complete_var)s=bash_complete "$1" 2>/dev/null)
    return 0
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_WORDS"]
        words = split_arg_string(line)[1:]
        if not words or line[-1:].isspace():
            return words, ""
        return words[:-1], words[-1]


class _Zsh(_Completing, ZshComplete):
    """Zsh."""


class _Fish(_Completing, FishComplete):
    """Fish."""


_CLASSES: Final[Mapping[str, type[ShellComplete]]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}
