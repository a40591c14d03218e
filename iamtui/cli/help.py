"""`iamtui help`: the help of a command, or of the options that the help of commands only names."""

from __future__ import annotations

from typing import Any, Final

import click

from iamtui.cli.assume_options import assume_options
from iamtui.cli.command import FORMS, TopicOption, command, output_options
from iamtui.cli.output import Exit, stdout
from iamtui.cli.questions import question_options
from iamtui.cli.source_options import source_options
from iamtui.problem import Problem
from iamtui.text import safe_text

_TOPICS: Final = {
    "sources": ("Whose account is read. Options before the command hold for it, too.", source_options),
    "request": ("The request that is asked about.", question_options),
    "session": ("The session that is assumed.", assume_options),
    "output": ("What is printed, and where.", output_options("text")),
}


@command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND...|TOPIC]")
@click.pass_context
def help_(context: click.Context, words: tuple[str, ...]) -> Exit:
    """Print the help of COMMAND, or of a TOPIC: sources, request, session or output."""
    out = stdout()
    if words[:1] and words[0] in _TOPICS:
        out.raw(_topic(words[0]))
        return Exit.OK
    found: click.Command = context.find_root().command
    inner = context.find_root()
    for word in words:
        next_ = found.get_command(inner, word) if isinstance(found, click.Group) else None
        if next_ is None:
            named = safe_text(" ".join(words))
            raise Problem(f"{named} is not a command or topic.", f"See `iamtui --help`. Topics: {', '.join(_TOPICS)}.")
        found, inner = next_, click.Context(next_, info_name=word, parent=inner)
    out.raw(found.get_help(inner) + "\n")
    return Exit.OK


def _topic(name: str) -> str:
    """The options of a topic as help has them."""
    about, options = _TOPICS[name]

    @options
    def function(**_: Any) -> None: ...

    formatter = click.HelpFormatter()
    formatter.write_text(about)
    records = [
        record
        for parameter in click.command()(function).params
        if isinstance(parameter, TopicOption) or name in ("request", "session")
        if (record := parameter.get_help_record(click.Context(click.Command(name))))
    ]
    with formatter.section("Options"):
        formatter.write_dl(records)
    if name == "output":
        with formatter.section("Forms of -o, as far as a command has them"):
            formatter.write_dl([*FORMS.items()])
    return formatter.getvalue()
