"""Export formats of a session by name, and `hand_over`, which makes the text in one of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import PurePath
from typing import Final

from iamtui.credentials.export_values import (
    DEMO_LABEL,
    Exportable,
    aws_time,
    environment_of,
    exportable,
    proved_account,
    stale_variables,
)
from iamtui.credentials.session import Session
from iamtui.credentials.variables import (
    ACCESS_KEY_ID,
    ACCOUNT_ID,
    EXPIRATION,
    PROFILES,
    REGIONS,
    SECRET_ACCESS_KEY,
    SESSION_TOKEN,
)
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import safe_text

# Quoting: one value as one word of a shell or a file, or a refusal. Nothing here knows what the value is.


Quote = Callable[[str], str]
"""Gives the text that means exactly the value there; raises Problem when there is none."""

LONGEST_CMD_LINE: Final = 8191
"""Characters of the longest line that cmd.exe reads (Windows documentation: Command prompt line string limitation)."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:,/+@-]+")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CMD_SPECIAL: Final = re.compile(r'["%^&<>|!]|[^\x20-\x7e]')
_POWERSHELL_QUOTE: Final = re.compile("['\u2018\u2019\u201a\u201b]")
_DOTENV_SPECIAL: Final = re.compile(r"['\\$`]")
_INI_SPECIAL: Final = re.compile(r"[#;\"'\\%]|[^\x20-\x7e]")


def posix_word(value: str) -> str:
    """For bash, zsh, dash and every other POSIX shell (POSIX 2.2.2: single quotes).

    Not shlex.quote, which leaves an equals sign bare: zsh takes `=x` for the path of the command x.

    Raises:
        Problem: a NUL, which no variable can hold, or half of a surrogate pair.
    """
    _refuse_unencodable(value, "a POSIX shell")
    return value if _PLAIN.fullmatch(value) else "'" + value.replace("'", "'\\''") + "'"


def fish_word(value: str) -> str:
    """For fish: single quotes, in which a backslash escapes itself and the quote (fish documentation: Quotes).

    Raises:
        Problem: as for `posix_word`.
    """
    _refuse_unencodable(value, "fish")
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def powershell_word(value: str) -> str:
    """For PowerShell: single quotes, doubled inside (about_Quoting_Rules).

    PowerShell takes the typographic single quotes (U+2018 to U+201B) for single quotes too.

    Raises:
        Problem: a control character: a line end would be typed as Enter where the text is pasted.
    """
    if _CONTROL.search(value):
        raise _unquotable("PowerShell", "a control character")
    return "'" + _POWERSHELL_QUOTE.sub(lambda found: found.group() * 2, value) + "'"


def cmd_assignment(name: str, value: str) -> str:
    """`set "NAME=value"` for cmd.exe, which has no escape that works everywhere inside quotes.

    Raises:
        Problem: a character that cmd could read as more than a character, or a line that is too long for it.
    """
    if _CMD_SPECIAL.search(value):
        raise _unquotable("cmd", 'one of "%^&<>|! or something that is not printable ASCII')
    line = f'set "{name}={value}"'
    if len(line) > LONGEST_CMD_LINE:
        raise Problem(
            f"{name} is too long for cmd, which reads lines of up to {LONGEST_CMD_LINE} characters.",
            "Use the format powershell, or a file.",
        )
    return line


def dotenv_word(value: str) -> str:
    """For .env files: single quotes, inside which the parsers disagree about escapes, so none is needed.

    Raises:
        Problem: a quote, a backslash, a dollar sign, a backtick or a control character.
    """
    if _DOTENV_SPECIAL.search(value) or _CONTROL.search(value):
        raise _unquotable("a .env file", "one of '\\$` or a control character")
    return f"'{value}'"


def env_file_value(value: str) -> str:
    """For `docker run --env-file`: everything after the equals sign is the value, quotes included.

    Raises:
        Problem: a control character (a line end among them), or a space at the edge.
    """
    if _CONTROL.search(value) or value != value.strip():
        raise _unquotable("a docker env file", "a control character or a space at its edge")
    return value


def ini_value(value: str) -> str:
    """For ~/.aws/credentials, which has no quotes, and comments that not all SDKs find in the same places.

    Raises:
        Problem: anything but printable ASCII, a space at the edge, or one of #;"'\\%.
    """
    if not value or _INI_SPECIAL.search(value) or value != value.strip():
        raise _unquotable("a credentials file", "one of #;\"'\\% or something that is not printable ASCII")
    return value


def hcl_string(value: str) -> str:
    """For Terraform: a quoted template without templates in it (HCL native syntax: String Literals).

    Raises:
        Problem: a NUL, half of a surrogate pair, or a run of $ and % before a brace, whose escape is ambiguous.
    """
    _refuse_unencodable(value, "Terraform")
    if re.search(r"[$%]{2,}\{", value):
        raise _unquotable("Terraform", "several of $ and % before a brace")
    escaped = re.sub(
        r"[\\\"\x00-\x1f\x7f-\x9f\u2028\u2029]",
        lambda found: _HCL_NAMED.get(found[0]) or f"\\u{ord(found[0]):04x}",
        value,
    )
    return '"' + re.sub(r"([$%])(?=\{)", r"\1\1", escaped) + '"'


_HCL_NAMED: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _refuse_unencodable(value: str, where: str) -> None:
    if re.search("[\x00\ud800-\udfff]", value):
        raise _unquotable(where, "a character that no text there can hold")


def _unquotable(where: str, what: str) -> Problem:
    return Problem(
        f"A value cannot be written for {where}: it holds {what}.", "Nothing was written; use another format."
    )


@dataclass(frozen=True, slots=True)
class ShellSyntax:
    """How a shell says it.

    Args:
        unset: the lines that unset the variables.
        assign: the line that sets and exports one; raises Problem for a value that cannot be quoted.
        comment: the line that says something and does nothing where the text is evaluated.
        pasted_comment: likewise where it is pasted at a prompt.
        failure: the line that makes evaluating it fail, for when there is nothing to hand over.
    """

    unset: Callable[[Iterable[str]], list[str]]
    assign: Callable[[str, str], str]
    comment: Callable[[str], str]
    pasted_comment: Callable[[str], str]
    failure: str


def assignments(
    syntax: ShellSyntax, variables: Iterable[tuple[str, Secret]], stale: Iterable[str], *, label: str, for_paste: bool
) -> Secret:
    """Lines that unset the stale variables and set the others.

    Args:
        label: said first, when it is not "".
        for_paste: the lines will be pasted at a prompt: they begin with a space, which keeps them out of the
            history of shells that are set up so, and the label is no comment where a prompt knows none.

    Raises:
        Problem: a value cannot be quoted there.
    """
    said = (syntax.pasted_comment if for_paste else syntax.comment)(label)
    start = " " if for_paste else ""
    return Secret(
        "".join(
            f"{start}{line}\n"
            for line in (
                *((said,) if label else ()),
                *syntax.unset(stale),
                *(syntax.assign(name, value.reveal()) for name, value in variables),
            )
        )
    )


def lines_for(syntax: ShellSyntax, values: Exportable, for_paste: bool) -> Secret:
    """The lines that hand credentials to a shell.

    Raises:
        Problem: a value cannot be quoted there.
    """
    label = DEMO_LABEL if values.demo else ""
    return assignments(syntax, environment_of(values), stale_variables(values), label=label, for_paste=for_paste)


POSIX = ShellSyntax(
    unset=lambda names: [f"unset {' '.join(names)}"],
    assign=lambda name, value: f"export {name}={posix_word(value)}",
    comment=lambda text: f"# {text}",
    # zsh knows no comment at its prompt.
    pasted_comment=lambda text: f": {posix_word(text)}",
    failure="false",
)
FISH = ShellSyntax(
    # Each `set -e` erases one scope, and fails where there is nothing to erase.
    unset=lambda names: [f"while set -q {name}; set -e {name}; or break; end;" for name in names],
    assign=lambda name, value: f"set -gx {name} {fish_word(value)};",
    # `eval (...)` joins the lines by spaces: each ends by itself, and none is a comment to the end of it all.
    comment=lambda text: f": {fish_word(text)};",
    pasted_comment=lambda text: f": {fish_word(text)};",
    failure="false;",
)
POWERSHELL = ShellSyntax(
    unset=lambda names: [f"$env:{name} = $null" for name in names],
    assign=lambda name, value: f"$env:{name} = {powershell_word(value)}",
    comment=lambda text: f"# {text}",
    pasted_comment=lambda text: f"# {text}",
    failure="throw 'iamtui handed nothing over.'",
)
CMD = ShellSyntax(
    unset=lambda names: [f'set "{name}="' for name in names],
    assign=cmd_assignment,
    comment=lambda text: f"rem {text}",
    pasted_comment=lambda text: f"rem {text}",
    # `exit /b 1` would close the window when it is typed at a prompt.
    failure="cmd /c exit 1",
)


# Texts for files and for programs that are no shells. Each ends with a line end.


OWN_MARK: Final = "# written by iamtui, which replaces this section"
"""The comment that tells a section of iamtui's from one that it must not touch."""

_PROFILE_NAME: Final = re.compile(r"[A-Za-z0-9_.@/+=,-]{1,64}")


def check_profile_name(name: str) -> str:
    """The name, when it can be that of a section of ~/.aws/credentials.

    Raises:
        Problem: it could end the section's heading, or start a comment.
    """
    if not _PROFILE_NAME.fullmatch(name):
        raise Problem(
            f'"{name}" cannot be the name of a profile to write.',
            "Use 1 to 64 ASCII letters, digits and _.@/+=,- characters.",
        )
    return name


def _text(values: Exportable, lines: list[str]) -> Secret:
    label = [f"# {DEMO_LABEL}"] if values.demo else []
    return Secret("".join(f"{line}\n" for line in (*label, *lines)))


_CANNOT_UNSET: Final = f"# A file cannot unset variables: unset {' and '.join(PROFILES)} where it is used."


def dotenv_file(values: Exportable) -> Secret:
    """A .env file, which shells, python-dotenv, node and others read alike.

    Raises:
        Problem: a value cannot be quoted there.
    """
    lines = [f"{name}={dotenv_word(value.reveal())}" for name, value in environment_of(values)]
    return _text(values, [_CANNOT_UNSET, *lines])


def docker_env_file(values: Exportable) -> Secret:
    """A file for `docker run --env-file FILE`: no quotes and no escapes.

    Raises:
        Problem: a value cannot be written there.
    """
    return _text(values, [f"{name}={env_file_value(value.reveal())}" for name, value in environment_of(values)])


def docker_options() -> Secret:
    """Options of `docker run` that pass the variables on by name: the command line holds no value.

    Docker leaves out what is not set where it is started.
    """
    names = (ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN, EXPIRATION, ACCOUNT_ID, *REGIONS)
    return Secret(" ".join(f"-e {name}" for name in names) + "\n")


def process_json(values: Exportable) -> Secret:
    """Output of a credential_process (AWS CLI User Guide: Sourcing credentials with an external process)."""
    return Secret(
        json.dumps(
            {
                **({"Comment": DEMO_LABEL} if values.demo else {}),
                "Version": 1,
                "AccessKeyId": values.access_key_id,
                "SecretAccessKey": values.secret_access_key.reveal(),
                "SessionToken": values.session_token.reveal(),
                "Expiration": aws_time(values.expires_at),
                **({"AccountId": proved_account(values)} if proved_account(values) else {}),
            },
            indent=2,
            ensure_ascii=True,
        )
        + "\n"
    )


def credentials_entry(values: Exportable, profile: str) -> Secret:
    """A section for ~/.aws/credentials (AWS CLI User Guide: Configuration and credential file settings).

    The end stands in `aws_credential_expiration`, which people and some tools read; the SDKs do not.

    Raises:
        Problem: the profile's name or a value cannot be written there.
    """
    settings = (
        ("aws_access_key_id", Secret(values.access_key_id)),
        ("aws_secret_access_key", values.secret_access_key),
        ("aws_session_token", values.session_token),
        ("aws_credential_expiration", Secret(aws_time(values.expires_at))),
        *((("aws_account_id", Secret(proved_account(values))),) if proved_account(values) else ()),
        *((("region", Secret(values.region)),) if values.region else ()),
    )
    lines = [f"{name} = {ini_value(value.reveal())}" for name, value in settings]
    label = [f"# {DEMO_LABEL}"] if values.demo else []
    return Secret("".join(f"{line}\n" for line in (f"[{check_profile_name(profile)}]", OWN_MARK, *label, *lines)))


def terraform_provider(values: Exportable) -> Secret:
    """A provider block for Terraform. Plans and state do not keep it, a committed file would.

    Raises:
        Problem: a value cannot be quoted there.
    """
    settings = (
        *((("region", Secret(values.region)),) if values.region else ()),
        ("access_key", Secret(values.access_key_id)),
        ("secret_key", values.secret_access_key),
        ("token", values.session_token),
    )
    end = aws_time(values.expires_at)
    return _text(
        values,
        [
            f"# Valid until {end}. Do not commit it: the provider also reads the AWS_* variables.",
            'provider "aws" {',
            *(f"  {name:<10} = {hcl_string(value.reveal())}" for name, value in settings),
            "}",
        ],
    )


DEFAULT_PROFILE: Final = "iamtui"
"""The profile that a credentials entry is for when nobody names one."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Purpose of an exported text.

    Args:
        for_paste: it will be pasted at a prompt instead of being read by a program: shell lines then begin with a
            space, which keeps them out of the history of shells that are set up so (HISTCONTROL=ignorespace in
            bash, HIST_IGNORE_SPACE in zsh; fish always), and hold no comment that a prompt would not know.
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
        letter: its key in a menu; none that moves the cursor (g, h, j, k, l) or leaves (q).
        render: makes the text; raises Problem for a value that cannot be quoted there.
        reference: the command that hands over without the secret passing through a clipboard; `{role}` stands for
            the quoted role.
        quote: quotes the role in `reference`; raises Problem when it cannot be.
        syntax: how the shell sets variables; None when the format is for no shell.
        secret: whether the text holds credentials (docker options hold names only).
        file_name: what a file in the format is called unless the user says otherwise; `{role}` stands for the role.
    """

    name: str
    letter: str
    label: str
    render: Render
    reference: str
    quote: Quote = posix_word
    syntax: ShellSyntax | None = None
    secret: bool = True
    file_name: str = "{role}.txt"

    def command(self, role: str, *options: str, name: str = "assume") -> str:
        """The command that hands a role's credentials over in this format, to be run by the user.

        Args:
            options: more words of the command, each as the program gets it.
            name: the command of iamtui, where it is another one that prints for shells.

        Raises:
            Problem: one of them cannot be quoted there.
        """
        words = " ".join(word if _BARE.fullmatch(word) else self.quote(word) for word in (role, *options) if word)
        return _CALL.sub(lambda found: f"{name if found[1] else ''} {words}".strip(), self.reference)


_CALL: Final = re.compile(r"(assume )?\{role\}")


def hand_over(
    session: Session, name: str, *, for_paste: bool = False, profile: str = DEFAULT_PROFILE, now: datetime | None = None
) -> Secret:
    """Return a session's credentials in one of the FORMATS.

    Args:
        for_paste, profile: as in Layout.

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


def _shell(
    name: str, letter: str, label: str, suffix: str, syntax: ShellSyntax, reference: str, quote: Quote
) -> Format:
    return Format(
        name,
        letter,
        label,
        lambda values, layout: lines_for(syntax, values, layout.for_paste),
        reference.replace("{format}", name),
        quote,
        syntax,
        file_name=f"{{role}}.{suffix}",
    )


_EVAL: Final = 'eval "$(iamtui assume {role} --format {format})"'

FORMATS: Final[dict[str, Format]] = {
    entry.name: entry
    for entry in (
        _shell("bash", "b", "bash, zsh: export lines", "sh", POSIX, _EVAL, posix_word),
        _shell("posix", "s", "sh, dash, ksh and other POSIX shells: export lines", "sh", POSIX, _EVAL, posix_word),
        _shell(
            "fish", "f", "fish: set -gx lines", "fish", FISH,
            "iamtui assume {role} --format fish | source", fish_word,
        ),
        _shell(
            "powershell", "w", "PowerShell: $env: lines", "ps1", POWERSHELL,
            "iamtui assume {role} --format powershell | Out-String | Invoke-Expression", powershell_word,
        ),
        _shell(
            "cmd", "m", "cmd.exe: set lines", "cmd", CMD,
            "for /f \"delims=\" %i in ('iamtui assume {role} --format cmd') do @%i", _cmd_word,
        ),
        Format(
            "json", "o", "credential_process: JSON, version 1", lambda values, _layout: process_json(values),
            "credential_process = iamtui assume {role} --format json",
            file_name="{role}.json",
        ),
        Format(
            "dotenv", "e", ".env file", lambda values, _layout: dotenv_file(values),
            "(umask 077; iamtui assume {role} --format dotenv > .env)",
            file_name=".env",
        ),
        Format(
            "credentials", "a", "~/.aws/credentials: an entry",
            lambda values, layout: credentials_entry(values, layout.profile),
            "iamtui assume {role} --write-profile iamtui",
        ),
        Format(
            "docker", "d", "docker run: -e options, names only", lambda _values, _layout: docker_options(),
            "iamtui exec {role} -- docker run " + docker_options().reveal().strip() + " IMAGE", secret=False,
        ),
        Format(
            "docker-env-file", "n", "docker run: --env-file", lambda values, _layout: docker_env_file(values),
            "docker run --env-file <(iamtui assume {role} --format docker-env-file) IMAGE",
            file_name="{role}.env",
        ),
        Format(
            "terraform", "t", "Terraform: provider block", lambda values, _layout: terraform_provider(values),
            "iamtui exec {role} -- terraform plan",
            file_name="{role}.tf",
        ),
    )
}  # fmt: skip
"""The formats by name, in the order menus show them; a new one needs only its entry here."""

_OTHER_NAMES: Final = {"zsh": "bash", "sh": "posix", "dash": "posix", "ksh": "posix", "pwsh": "powershell"}


def users_format(wanted: str, environ: Mapping[str, str]) -> str:
    """The name of the format to copy in when the user names none at the time.

    Args:
        wanted: the one of the user's settings, or "" for the one of the login shell ($SHELL); bash's for other shells.

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


# What a text of credentials will look like, with marks in the place of everything secret.


MASK: Final = "••••"

_KEY_ID, _SECRET, _TOKEN = "IAMTUIKEYID0000001", "IAMTUI/SECRET/0000000002", "IAMTUI/TOKEN/0000000000003"


def preview(session: Session, name: str) -> str:
    """The text that `hand_over` would make, with the access key id shortened and secret and token masked.

    It is made from stand-ins, quoted as the real values are; no secret is put into it and taken out again.

    Raises:
        Problem: no such format, or a value cannot be quoted there.
    """
    secret, token = _like(_SECRET, session.secret_access_key), _like(_TOKEN, session.session_token)
    stand_in = Exportable(replace(session, access_key_id=_KEY_ID, secret_access_key=secret, session_token=token))
    text = find_format(name).render(stand_in, Layout()).reveal()
    for stand, shown in (
        (_KEY_ID, session.masked_access_key_id),
        (stand_in.secret_access_key.reveal(), MASK),
        (stand_in.session_token.reveal(), MASK),
    ):
        text = text.replace(stand, shown)
    return "\n".join(safe_text(row, limit=None) for row in text.split("\n"))


def _like(stand_in: str, secret: Secret) -> Secret:
    """A placeholder that is quoted as the secret is: an equals sign makes shells need quotes."""
    return Secret(f"{stand_in}=" if "=" in secret.reveal() else stand_in)
