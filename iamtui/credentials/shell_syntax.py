"""Shell syntax: lines that set and unset variables in each shell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from iamtui.credentials.export_values import DEMO_LABEL, Exportable, environment_of, stale_variables
from iamtui.problem import Problem
from iamtui.secret import Secret

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
