"""`iamtui completion`: the completion script of a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from iamtui.cli.exits import Exit
from iamtui.cli.main import COMPLETE_VARIABLE, cli
from iamtui.cli.output import stdout
from iamtui.problem import Problem


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> Exit:
    """Print the completion script of SHELL: eval "$(iamtui completion bash)"."""
    found = get_completion_class(shell)
    if found is None:
        raise Problem(f"Completion is not available for {shell}.", "Choose bash, zsh or fish.")
    stdout().raw(found(cli, {}, "iamtui", COMPLETE_VARIABLE).source() + "\n")
    return Exit.OK
