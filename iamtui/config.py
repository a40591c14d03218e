"""The config: every setting declared once, read from a TOML file and the environment, each with its origin.

A setting's environment variable is `IAMTUI_` and its name in capitals (`IAMTUI_CLIPBOARD_SECONDS`); it beats
the file. The app never writes the file. Whatever is wrong is reported and the default used: each setting by itself,
with a sentence of its own. So the checks are functions here and not msgspec's, which stops at the first fault.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from iamtui.input_files import MissingFile, read_document, text_of, toml_of
from iamtui.paths import config_file, exposure
from iamtui.problem import Problem
from iamtui.text import safe_text


class SettingCheck(Struct, frozen=True):
    """Constraint on the values of a setting.

    Args:
        fits: whether a value is one.
        expected: what it should have been ("a number from 0 to 3600").
        schema: the same as JSON Schema.
    """

    fits: Callable[[Any], bool]
    expected: str
    schema: Mapping[str, Any]

    def __call__(self, value: Any) -> str:
        """The expected value, or "" if the value fits."""
        return "" if self.fits(value) else self.expected


DEFAULT: Final = "default"
CONFIG_FILE: Final = "config file"
"""Origins of a value; any other origin is the name of an environment variable."""

ACTS_FOR_THE_USER: Final = frozenset(("clipboard.command", "clipboard.secrets_through_terminal", "organization.role"))
"""Settings that name a program to run or a role to assume, or let secrets out: taken from a file only when nobody but
the user and root can change it."""

_WARNING: Final = "production"
"""The setting that says what is warned of: a file that others can change adds to the default and takes nothing away."""

LARGEST: Final = 32 * 1024
"""Bytes of the config file that are read at most: of a long dotted key the TOML reader takes quadratic time."""


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_TEXT: Final = SettingCheck(_is_text, "a text in quotes", {"type": "string"})
_FLAG: Final = SettingCheck(lambda value: isinstance(value, bool), "true or false", {"type": "boolean"})


def _number(least: int, most: int, unit: str) -> SettingCheck:
    return SettingCheck(
        lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most,
        f"a whole number of {unit} from {least} to {most}",
        {"type": "integer", "minimum": least, "maximum": most},
    )


def _one_of(*choices: str) -> SettingCheck:
    return SettingCheck(
        lambda value: value in choices, " or ".join(f'"{choice}"' for choice in choices), {"enum": [*choices]}
    )


_ROLE_ARN: Final = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\x21-\x7e]+"
_ROLE: Final = SettingCheck(
    lambda value: _is_text(value) and (not value or re.fullmatch(_ROLE_ARN, value) is not None),
    "the ARN of a role in quotes",
    {"type": "string", "pattern": f"^({_ROLE_ARN})?$"},
)
_KEYMAP: Final = SettingCheck(
    lambda value: isinstance(value, dict) and all(isinstance(keys, str) and keys.strip() for keys in value.values()),
    'ids of bindings, each with its keys as text: "question.ask" = "f5,Z"',
    {"type": "object", "additionalProperties": {"type": "string", "pattern": r"\S"}},
)


def _setting(default: Any, help_text: str, check: SettingCheck) -> Any:
    metadata = {"help": help_text, "check": check}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class ClipboardConfig:
    """How copies are made and taken back."""

    seconds: int = _setting(
        30, "after how many seconds a copied secret is taken back; 0: never", _number(0, 3600, "seconds")
    )
    command: str = _setting("", "a command that takes the text on stdin, used instead of all other ways", _TEXT)
    local_over_ssh: bool = _setting(False, "use this machine's clipboard even in an SSH session", _FLAG)
    secrets_through_terminal: bool = _setting(
        False,
        "copy secrets through the terminal (OSC 52) where nothing else works; a recorder of the session keeps them",
        _FLAG,
    )


@dataclass(frozen=True, slots=True)
class QuestionConfig:
    """How the screen asks."""

    mode: str = _setting(
        "discover",
        "how the screen treats condition keys that are not given: unknown (discover), or absent unless AWS always "
        "sends them (strict)",
        _one_of("discover", "strict"),
    )


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """Source to open when neither an option nor the environment names one."""

    profile: str = _setting("", "the AWS profile; empty: the screen asks, commands use the credential chain", _TEXT)
    region: str = _setting("", "the region; empty: what the profile says", _TEXT)


@dataclass(frozen=True, slots=True)
class OrganizationConfig:
    """Credentials that read the organization for an account whose own may not."""

    profile: str = _setting("", "an AWS profile of the management account or a delegated administrator", _TEXT)
    role: str = _setting("", "a role there that is assumed for it, by that profile or else by the account's own", _ROLE)


@dataclass(frozen=True, slots=True)
class AssumeConfig:
    """How roles are assumed."""

    seconds: int = _setting(3600, "how long sessions are asked for", _number(900, 43_200, "seconds"))
    mfa_seconds: int = _setting(
        3600, "how long one MFA code serves several roles, and what serve renews", _number(900, 129_600, "seconds")
    )


@dataclass(frozen=True, slots=True)
class ExportConfig:
    """How the screen hands credentials over."""

    format: str = _setting("", "the format that c copies (`iamtui assume --help` lists them); empty: by $SHELL", _TEXT)


@dataclass(frozen=True, slots=True)
class LockConfig:
    """When the screen locks itself."""

    idle_minutes: int = _setting(
        0, "after how many minutes without a key every session is dropped; 0: never", _number(0, 1440, "minutes")
    )


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting. The fields are the declaration: name, default, meaning and check.

    Attributes:
        origins: where each value came from, by dotted name; see `origin`.
    """

    theme: str = _setting("", "the theme; empty: iamtui-dark", _TEXT)
    keymap: Mapping[str, str] = _setting({}, "other keys for bindings, by their id (`iamtui info` lists them)", _KEYMAP)
    production: str = _setting(
        "prod,production,prd,*prod",
        "what is marked as production: patterns for names of accounts and roles, or for a word of them",
        _TEXT,
    )
    clipboard: ClipboardConfig = ClipboardConfig()
    question: QuestionConfig = QuestionConfig()
    source: SourceConfig = SourceConfig()
    organization: OrganizationConfig = OrganizationConfig()
    assume: AssumeConfig = AssumeConfig()
    export: ExportConfig = ExportConfig()
    lock: LockConfig = LockConfig()
    origins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def origin(self, name: str) -> str:
        """Where the value of a setting ("clipboard.seconds") came from: DEFAULT, CONFIG_FILE or a variable."""
        return self.origins.get(name, DEFAULT)


class Setting(Struct, frozen=True):
    """One setting as declared.

    Args:
        name: dotted ("clipboard.seconds").
        variable: its environment variable, or "" for one that only the file can hold.
        default: its default.
        help: what it means.
        check: says what a value should have been.
    """

    name: str
    variable: str
    default: Any
    help: str
    check: SettingCheck


def settings() -> Iterator[Setting]:
    """Every setting, in the order of declaration."""
    for entry in fields(Config):
        if entry.name == "origins":
            continue
        if is_dataclass(entry.default):
            for inner in fields(entry.default):
                yield _declared(f"{entry.name}.{inner.name}", inner.default, inner.metadata)
        else:
            yield _declared(entry.name, {} if entry.name == "keymap" else entry.default, entry.metadata)


def _declared(name: str, default: Any, metadata: Mapping[str, Any]) -> Setting:
    variable = "" if isinstance(default, dict) else "IAMTUI_" + name.upper().replace(".", "_")
    return Setting(name, variable, default, metadata["help"], metadata["check"])


def config_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors."""
    schema = _table("The config file of iamtui.")
    for setting in settings():
        section, dot, inner = setting.name.partition(".")
        if dot:
            title = next(type(entry.default).__doc__ for entry in fields(Config) if entry.name == section)
            into = schema["properties"].setdefault(section, _table(title))
        else:
            into, inner = schema, section
        into["properties"][inner] = {**setting.check.schema, "default": setting.default, "description": setting.help}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _table(description: str | None) -> dict[str, Any]:
    return {"type": "object", "description": description, "additionalProperties": False, "properties": {}}


def value_of(config: Config, name: str) -> Any:
    """The value of a setting by its dotted name."""
    value: Any = config
    for part in name.split("."):
        value = getattr(value, part)
    return value


def load_config(path: Path | None = None, environ: Mapping[str, str] | None = None) -> tuple[Config, tuple[str, ...]]:
    """Read the config.

    Args:
        path: the file; None: the platform's place for it. It need not exist.
        environ: the environment; None: this process's.

    Returns:
        The config, and one sentence for everything that was wrong; what was wrong has its default.
    """
    path = config_file() if path is None else path
    environ = os.environ if environ is None else environ
    problems: list[str] = []
    given, unknown = _flatten(_read(path, problems))
    declared = {setting.name: setting for setting in settings()}
    where = f"The config {path}"
    problems += [f"{where}: {sentence}" for sentence in _complaints(unknown, declared)]
    config, origins = Config(), {}
    for setting in declared.values():
        value, origin = setting.default, DEFAULT
        if setting.name in given:
            value, origin = _from_file(setting, given[setting.name], path, problems)
        text = environ.get(setting.variable) if setting.variable else None
        if text is not None:
            read = _from_text(text, setting.default)
            expected = setting.check(read)
            if expected:
                problems.append(f"{setting.variable} must be {expected.replace(' in quotes', '')}; it is ignored.")
            else:
                value, origin = read, setting.variable
        if origin != DEFAULT:
            section, _, inner = setting.name.partition(".")
            of_section = replace(getattr(config, section), **{inner: value}) if inner else value
            config = replace(config, **{section: of_section})
            origins[setting.name] = origin
    return replace(config, origins=origins), tuple(safe_text(problem) for problem in problems)


def _from_file(setting: Setting, given: Any, path: Path, problems: list[str]) -> tuple[Any, str]:
    """The value that counts of one in a file, and its origin; adds a sentence where it is another."""
    where = f"The config {path}: {setting.name}"
    expected = setting.check(given)
    if expected:
        default = str(setting.default).lower() if isinstance(setting.default, bool) else str(setting.default)
        used = f"the default {default} is used" if setting.default not in ("", {}) else "the default is used"
        problems.append(f"{where} must be {expected}; {used}.")
        return setting.default, DEFAULT
    exposed = given != setting.default and setting.name in (*ACTS_FOR_THE_USER, _WARNING) and exposure(path)
    if not exposed:
        return given, CONFIG_FILE
    others = f"because others could have written it: {exposed}"
    if setting.name == _WARNING:
        problems.append(f"{where} is added to {setting.default}, {others}")
        return f"{setting.default},{given}", CONFIG_FILE
    problems.append(f"{where} is ignored, {others}")
    return setting.default, DEFAULT


def _read(path: Path, problems: list[str]) -> dict[str, Any]:
    subject = f"The config {path}"
    try:
        return toml_of(text_of(read_document(path, subject, most=LARGEST, pipes=False), subject), subject)
    except MissingFile:
        return {}
    except Problem as problem:
        problems.append(f"{problem.sentence.rstrip('.')}; all defaults are used.")
        return {}


def _flatten(table: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    """The values by dotted name, and the entries that are no setting."""
    sections = {entry.name for entry in fields(Config) if is_dataclass(entry.default)}
    names = {setting.name for setting in settings()}
    given: dict[str, Any] = {}
    unknown: list[tuple[str, Any]] = []
    for key, value in table.items():
        if key in names:
            given[key] = value
        elif key in sections and isinstance(value, dict):
            for inner, inner_value in value.items():
                name = f"{key}.{inner}"
                if name in names:
                    given[name] = inner_value
                else:
                    unknown.append((name, inner_value))
        else:
            unknown.append((key, value))
    return given, unknown


def _complaints(unknown: list[tuple[str, Any]], declared: Mapping[str, Setting]) -> Iterator[str]:
    sections = sorted({name.split(".")[0] for name in declared if "." in name})
    for name, value in unknown:
        if name in sections:
            yield f"{name} must be a table: [{name}]; its defaults are used."
            continue
        near = _nearest(name, [*declared, *(sections if isinstance(value, dict) else ())])
        hint = f"did you mean {near}?" if near else f"settings are {', '.join(declared)}."
        yield f"there is no setting {name}; {hint}"


def _nearest(name: str, known: list[str]) -> str:
    last = {full.rsplit(".", 1)[-1]: full for full in known}
    close = get_close_matches(name.lower(), known, n=1) or get_close_matches(name.rsplit(".", 1)[-1].lower(), last, n=1)
    return last.get(close[0], close[0]) if close else ""


def _from_text(text: str, default: Any) -> Any:
    if isinstance(default, bool):
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower(), text)
    if isinstance(default, int):
        try:
            return int(text) if len(text) < 20 else text
        except ValueError:
            return text
    return text
