"""`iamtui config`: the config file checked, shown, found, and begun."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

import click

from iamtui import paths
from iamtui.cli.command import command
from iamtui.cli.main import CommandEntry, LazyGroup
from iamtui.cli.output import Exit, Screen, note, stdout
from iamtui.config import Config, Setting, load_config, settings
from iamtui.credentials.export import FORMATS
from iamtui.credentials.secure_files import replace_file
from iamtui.problem import Problem
from iamtui.text import safe_text

SCHEMA: Final = Path(paths.__file__).with_name("config.schema.json")
"""The JSON Schema that lies in the package."""


_HERE: Final = "iamtui.cli.config"
ENTRIES: Final = {
    "check": CommandEntry(_HERE, "check", "Say what is wrong in the config file, in themes and in variables."),
    "show": CommandEntry("iamtui.cli.info", "show_config", "Show every setting, its value, and where that came from."),
    "path": CommandEntry(_HERE, "path_", "Print the path of the config file, or of its schema."),
    "init": CommandEntry(_HERE, "init", "Print a new config file, or write it."),
}


@click.group("config", cls=LazyGroup, entries=ENTRIES)
def config() -> None:
    """Check the config file, show what is in use and where it came from, say where the file is, or begin one.

    The file is TOML. iamtui never changes it.
    """


@command(epilog="Exit codes: 0 nothing is wrong, 1 something is, 2 an error.")
@click.argument("file", required=False)
@click.pass_obj
def check(screen: Screen, file: str | None) -> Exit:
    """Say what is wrong in the config file, in themes, and in IAMTUI_ variables; FILE is checked instead of your own.

    What is wrong is printed, a sentence each. Wherever iamtui meets it, it uses the default.
    """
    path = paths.config_file() if file is None else paths.home_expanded(file)
    there = paths.is_there(path)
    if file is not None and not there:
        raise Problem(f"The config {safe_text(file)} does not exist.", "Check the path.")
    found, problems = load_config(path, os.environ if file is None else {})
    out, wrong = stdout(), [*problems, *_of_names(found), *screen.config_problems(found)]
    for problem in wrong:
        out.paragraph(problem)
    if not wrong:
        note(f"{safe_text(path)}: nothing is wrong." if there else f"There is no {safe_text(path)}: all is default.")
    return Exit.NO if wrong else Exit.OK


def _of_names(found: Config) -> Iterator[str]:
    """Problems of names that only higher rooms can check: export formats."""
    name = found.export.format
    if name and name not in FORMATS:
        yield f"export.format is {safe_text(name)}, which is not a format; formats are {', '.join(FORMATS)}."


@command("path")
@click.option("--schema", is_flag=True, help="The path of the file's JSON Schema, for editors.")
def path_(schema: bool) -> Exit:
    """Print the path of the config file, which need not exist."""
    stdout().line(str(SCHEMA if schema else paths.config_file()), whole=True)
    return Exit.OK


@command()
@click.option("--write", is_flag=True, help="Write it to the place of the config file, if there is none yet.")
def init(write: bool) -> Exit:
    """Print a config file in which every setting is explained and commented out."""
    text = commented_config(SCHEMA)
    if not write:
        stdout().raw(text)
        return Exit.OK
    path = paths.config_file()
    if os.path.lexists(path):
        raise _already_there(path)
    try:
        paths.make_private_folder(path.parent)
        replace_file(path, text.encode(), new=True)
    except OSError as error:
        if os.path.lexists(path):
            raise _already_there(path) from None
        raise Problem(f"{safe_text(path)} cannot be written: {error.strerror}.", "Check the folder.") from None
    note(f"Wrote {safe_text(path)}. Remove the # of what you want to change.")
    return Exit.OK


def _already_there(path: Path) -> Problem:
    return Problem(
        f"There is {safe_text(path)} already.", "It is left as it is; `iamtui config init` prints a new one."
    )


# A new file.

_HEAD: Final = """\
#:schema {schema}
# The config of iamtui. Whatever is commented out has its default; `iamtui config check` says what is wrong here,
# `iamtui config show` what is in use. An environment variable beats the file.
"""


def commented_config(schema: Path) -> str:
    """A config file that sets nothing and explains everything.

    Args:
        schema: the JSON Schema that editors are told of.
    """
    declared = sorted(settings(), key=lambda setting: "." in setting.name or isinstance(setting.default, dict))
    text = _HEAD.format(schema=schema.as_uri())
    for section, members in groupby(declared, key=_section):
        heading = f"\n[{section}]\n" if section else "\n"
        text += heading + "\n".join(map(_entry, members))
    return text


def _section(setting: Setting) -> str:
    section, dot, _ = setting.name.partition(".")
    return section if dot or isinstance(setting.default, dict) else ""


def _entry(setting: Setting) -> str:
    if isinstance(setting.default, dict):
        return f'# {setting.help}\n# "question.ask" = "f5,Z"\n'
    value = json.dumps(setting.default, ensure_ascii=False)
    about = f"# {setting.help}\n# {setting.check.expected}; {setting.variable}"
    return f"{about}\n# {setting.name.rsplit('.', 1)[-1]} = {value}\n"
