"""Lines that set and unset variables in a shell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from iamtui.credentials.formats.exportable import DEMO_LABEL, Exportable
from iamtui.credentials.formats.quoting import cmd_assignment, fish_word, posix_word, powershell_word
from iamtui.secret import Secret


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
        syntax: the shell's.
        variables: names and values.
        stale: names.
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
    return assignments(syntax, values.variables, values.stale, label=label, for_paste=for_paste)


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
