"""Commands whose help folds long lists of options, and the options of output: -o, --out, -q and --color."""

from __future__ import annotations

import functools
import io
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from iamtui.cli.output import COLOUR, PAGED, QUIET, Paged, note
from iamtui.problem import Problem
from iamtui.text import safe_text

F = TypeVar("F", bound=Callable[..., Any])

FORMS: Final = {
    "text": "text for people",
    "json": "one JSON document",
    "jsonl": "one JSON object a line, as they are found",
    "csv": "a table for spreadsheets",
    "markdown": "a table for pull requests",
    "sarif": "a SARIF 2.1.0 log, for code hosts",
    "github": "annotations of GitHub Actions",
    "dot": "a graph for Graphviz",
    "mermaid": "a graph for Mermaid",
    "cli": "AWS CLI commands",
    "terraform": "Terraform",
    "diff": "a diff of documents",
    "draft": "a draft, for --draft of other commands",
}
"""Forms of output by the name that -o takes."""


class TopicOption(click.Option):
    """Option that the help of a command only names: `iamtui help TOPIC` describes it."""

    def __init__(self, *args: Any, topic: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.topic = topic


def topic_option(topic: str) -> Callable[..., Callable[[F], F]]:
    """`click.option` for options of a topic."""
    return functools.partial(click.option, cls=TopicOption, topic=topic)


_NAMES: Final = 22
"""Columns for the names of options; longer ones have a line of their own."""


def write_options(command: click.Command, context: click.Context, formatter: click.HelpFormatter) -> None:
    """Write a command's own options, and below them the names of those that topics describe."""
    own: list[tuple[str, str]] = []
    topics: dict[str, list[str]] = {}
    for parameter in command.get_params(context):
        if isinstance(parameter, TopicOption):
            topics.setdefault(parameter.topic, []).append(max(parameter.opts, key=len))
        elif (record := parameter.get_help_record(context)) and record[1]:
            own.append(record)
    if own:
        with formatter.section("Options"):
            formatter.write_dl(own, col_max=_NAMES)
    if topics:
        with formatter.section("More options, described by `iamtui help TOPIC`"):
            lead = " " * (formatter.current_indent + len("request") + 2)
            for topic, names in topics.items():
                lines = textwrap.fill(
                    " ".join(names),
                    formatter.width,
                    break_on_hyphens=False,
                    initial_indent=f"  {topic}".ljust(len(lead)),
                    subsequent_indent=lead,
                )
                formatter.write(f"{lines}\n")


class Command(click.Command):
    """Command with folded help."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_options(self, ctx, formatter)


command: Final = functools.partial(click.command, cls=Command)
"""Decorator that makes a function a command with folded help."""


def output_options(*forms: str) -> Callable[[F], F]:
    """Add `-o FORM`, `--json`, `--out FILE`, `-q` and `--color` to a command, which gets the form as `form: str`.

    Args:
        forms: names of FORMS; the first is the default.
    """

    def add(function: F) -> F:
        @functools.wraps(function)
        def with_output(*args: Any, form: str | None, as_json: bool, out: str | None, **kwargs: Any) -> Any:
            if as_json and form not in (None, "json"):
                raise click.UsageError(f"--json is short for -o json, and excludes -o {form}.")
            form = "json" if as_json else form or forms[0]
            if out is not None and out != "-":
                return _into_file(Path(out), functools.partial(function, *args, form=form, **kwargs))
            pager = os.environ.get("PAGER", "")
            if form == "text" and shutil.which(pager.partition(" ")[0]) and sys.stdout and sys.stdout.isatty():
                return _into_pager(pager, functools.partial(function, *args, form=form, **kwargs))
            return function(*args, form=form, **kwargs)

        help_ = f"{', '.join(forms)}."
        option = click.option("-o", "--output", "form", type=click.Choice(forms), metavar="FORM", help=help_)
        for one in (*reversed(_HOW), option):
            with_output = one(with_output)
        return with_output  # type: ignore[return-value]  # functools.wraps keeps what click needs

    return add


def _note_setting(key: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def keep(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value:
            context.meta[key] = value

    return keep


_output_option: Final = topic_option("output")

_HOW: Final = (
    _output_option("--json", "as_json", is_flag=True, help="Short for -o json."),
    _output_option("--out", metavar="FILE", help="Write to this file, whole or not at all."),
    _output_option(
        "-q", "--quiet", is_flag=True, expose_value=False, callback=_note_setting(QUIET),
        help="Print no notes on stderr; errors still are.",
    ),
    _output_option(
        "--color", type=click.Choice(("auto", "always", "never")), expose_value=False, callback=_note_setting(COLOUR),
        help="Colour; auto: on a terminal, unless NO_COLOR is set.",
    ),
)  # fmt: skip
"""Options that say how, besides the form."""


def _into_file(path: Path, run: Callable[[], Any]) -> Any:
    """Run a command that prints into a file, which is written if the command comes to an answer."""
    stream = io.StringIO()
    with redirect_stdout(stream):
        code = run()
    from iamtui.credentials.secure_files import replace_file  # only to write a file

    try:
        replace_file(path, stream.getvalue().encode(errors="backslashreplace"), keep_mode=True)
    except OSError as error:
        raise Problem(f"{safe_text(str(path))} cannot be written: {error.strerror}.", "Name another file.") from None
    return code


def _into_pager(pager: str, run: Callable[[], Any]) -> Any:
    """Run a command that prints through the user's pager; its notes follow when the pager has ended.

    Without options of its own, `less` ends at once where a screen holds everything, as in git.
    """
    shown = subprocess.Popen(  # noqa: S602 - PAGER is a command line of the user
        pager, shell=True, stdin=subprocess.PIPE, text=True, env={"LESS": "FRX", **os.environ}
    )
    assert shown.stdin is not None
    notes: list[tuple[str, bool]] = []
    click.get_current_context().meta[PAGED] = Paged(shown.stdin, notes)
    try:
        with redirect_stdout(shown.stdin):
            return run()
    finally:
        del click.get_current_context().meta[PAGED]
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        with suppress(OSError):
            shown.stdin.close()
        shown.wait()
        signal.signal(signal.SIGINT, before)
        for text, whole in notes:
            note(text, whole=whole)
