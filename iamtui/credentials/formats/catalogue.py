"""The formats by name, and `hand_over`, which makes a text of a session in one of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import PurePath
from typing import Final

from iamtui.credentials.formats.exportable import Exportable, exportable
from iamtui.credentials.formats.files import (
    credentials_entry,
    docker_env_file,
    docker_options,
    dotenv_file,
    process_json,
    terraform_provider,
)
from iamtui.credentials.formats.quoting import Quote, fish_word, posix_word, powershell_word
from iamtui.credentials.formats.shells import CMD, FISH, POSIX, POWERSHELL, ShellSyntax, lines_for
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.secret import Secret

DEFAULT_PROFILE: Final = "iamtui"
"""The profile that a credentials entry is for when nobody names one."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What a text is for.

    Args:
        for_paste: it will be pasted at a prompt instead of being read by a program: shell lines then begin with a
            space, which keeps them out of the history of shells that are set up so (HISTCONTROL=ignorespace in
            bash, HIST_IGNORE_SPACE in zsh; fish always), and hold no comment that a prompt would not know.
        profile: the profile that a credentials entry is for.
    """

    for_paste: bool = False
    profile: str = DEFAULT_PROFILE


_BARE: Final = re.compile(r"[A-Za-z0-9_./:-]+")
"""Words that mean themselves in every shell."""

Render = Callable[[Exportable, Layout], Secret]


@dataclass(frozen=True, slots=True)
class Format:
    """One way to hand credentials over.

    Args:
        name: what `--format` takes.
        label: what a menu shows.
        render: makes the text; raises Problem for a value that cannot be quoted there.
        reference: the command that hands over without the secret passing through a clipboard; `{role}` stands for
            the quoted role.
        quote: quotes the role in `reference`; raises Problem when it cannot be.
        syntax: how the shell sets variables; None when the format is for no shell.
        secret: whether the text holds credentials (docker options hold names only).
    """

    name: str
    label: str
    render: Render
    reference: str
    quote: Quote = posix_word
    syntax: ShellSyntax | None = None
    secret: bool = True

    def command(self, role: str, *options: str, name: str = "assume") -> str:
        """The command that hands a role's credentials over in this format, to be run by the user.

        Args:
            role: the role.
            options: more words of the command, each as the program gets it.
            name: the command of iamtui, where it is another one that prints for shells.

        Raises:
            Problem: one of them cannot be quoted there.
        """
        words = " ".join(word if _BARE.fullmatch(word) else self.quote(word) for word in (role, *options) if word)
        return _CALL.sub(lambda found: f"{name if found[1] else ''} {words}".strip(), self.reference)


_CALL: Final = re.compile(r"(assume )?\{role\}")


def hand_over(
    session: Session,
    name: str,
    *,
    for_paste: bool = False,
    profile: str = DEFAULT_PROFILE,
    now: datetime | None = None,
) -> Secret:
    """Return a session's credentials in one of the FORMATS.

    Args:
        session: the session.
        name: the format's name.
        for_paste, profile: as in Layout.
        now: the local time, UTC (default: the clock).

    Raises:
        Problem: no such format, or the session cannot be exported.
    """
    return find_format(name).render(exportable(session, now), Layout(for_paste, profile))


def find_format(name: str) -> Format:
    """The format of this name.

    Raises:
        Problem: there is none; names the nearest.
    """
    found = FORMATS.get(_OTHER_NAMES.get(name, name))
    if found is None:
        near = get_close_matches(name, FORMATS, n=1)
        meant = f'Did you mean "{near[0]}"? ' if near else ""
        raise Problem(f'There is no format "{name}".', f"{meant}Formats: {', '.join(FORMATS)}.")
    return found


def _cmd_word(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9:/_+=,.@-]+", value):
        raise Problem("The role cannot be named in a command for cmd.", "Use a profile that has its role_arn.")
    return value


def _shell(name: str, label: str, syntax: ShellSyntax, reference: str, quote: Quote) -> Format:
    return Format(
        name,
        label,
        lambda values, layout: lines_for(syntax, values, layout.for_paste),
        reference.replace("{format}", name),
        quote,
        syntax,
    )


_EVAL: Final = 'eval "$(iamtui assume {role} --format {format})"'

FORMATS: Final[dict[str, Format]] = {
    entry.name: entry
    for entry in (
        _shell("bash", "bash, zsh: export lines", POSIX, _EVAL, posix_word),
        _shell("posix", "sh, dash, ksh and other POSIX shells: export lines", POSIX, _EVAL, posix_word),
        _shell("fish", "fish: set -gx lines", FISH, "iamtui assume {role} --format fish | source", fish_word),
        _shell(
            "powershell", "PowerShell: $env: lines", POWERSHELL,
            "iamtui assume {role} --format powershell | Out-String | Invoke-Expression", powershell_word,
        ),
        _shell(
            "cmd", "cmd.exe: set lines", CMD,
            "for /f \"delims=\" %i in ('iamtui assume {role} --format cmd') do @%i", _cmd_word,
        ),
        Format(
            "json", "credential_process: JSON, version 1", lambda values, _layout: process_json(values),
            "credential_process = iamtui assume {role} --format json",
        ),
        Format(
            "dotenv", ".env file", lambda values, _layout: dotenv_file(values),
            "(umask 077; iamtui assume {role} --format dotenv > .env)",
        ),
        Format(
            "credentials", "~/.aws/credentials: an entry",
            lambda values, layout: credentials_entry(values, layout.profile),
            "iamtui assume {role} --write-profile iamtui",
        ),
        Format(
            "docker", "docker run: -e options, names only", lambda _values, _layout: docker_options(),
            "iamtui exec {role} -- docker run " + docker_options().reveal().strip() + " IMAGE", secret=False,
        ),
        Format(
            "docker-env-file", "docker run: --env-file", lambda values, _layout: docker_env_file(values),
            "docker run --env-file <(iamtui assume {role} --format docker-env-file) IMAGE",
        ),
        Format(
            "terraform", "Terraform: provider block", lambda values, _layout: terraform_provider(values),
            "iamtui exec {role} -- terraform plan",
        ),
    )
}  # fmt: skip
"""The formats by name, in the order menus show them; a new one needs only its entry here."""

_OTHER_NAMES: Final = {"zsh": "bash", "sh": "posix", "dash": "posix", "ksh": "posix", "pwsh": "powershell"}


def users_format(wanted: str, environ: Mapping[str, str]) -> str:
    """The name of the format to copy in when the user names none at the time.

    Args:
        wanted: the one of the user's settings, or "" for the one of the login shell ($SHELL); bash's for other shells.
        environ: the environment.

    Raises:
        Problem: the settings name no format.
    """
    if wanted:
        return find_format(wanted).name
    return _format_of_shell(environ.get("SHELL", "")) or "bash"


def evaluating_format(wanted: str, parent: str = "") -> str:
    """The name of the format to print in, for a shell to evaluate, when the user names none.

    Args:
        wanted: the one of the user's settings, which counts where it is a shell's; or "".
        parent: the program that started this one, or "" when it is not known. Where it is a shell it decides, else
            the settings, else bash: $SHELL is the login shell, and scripts are mostly run by another one.
    """
    settings = FORMATS.get(_OTHER_NAMES.get(wanted, wanted))
    of_settings = settings.name if settings is not None and settings.syntax is not None else ""
    return _format_of_shell(parent) or of_settings or "bash"


def _format_of_shell(program: str) -> str:
    """The name of the format of a shell, by its path or name; "" when it is none that is known."""
    shell = PurePath(program).name.removeprefix("-")
    found = FORMATS.get(_OTHER_NAMES.get(shell, shell))
    return found.name if found is not None and found.syntax is not None else ""


def shell_format(name: str) -> tuple[Format, ShellSyntax]:
    """The format of this name, which must be a shell's, and its syntax.

    Raises:
        Problem: there is none, or it is for no shell.
    """
    found = find_format(name)
    if found.syntax is None:
        shells = ", ".join(entry.name for entry in FORMATS.values() if entry.syntax is not None)
        raise Problem(f'The format "{name}" is for no shell.', f"Shells: {shells}.")
    return found, found.syntax
