"""The man page, made from the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from iamtui import __version__
from iamtui.cli.main import cli

_ESCAPED = {"\\": r"\e", "-": r"\-"}


def man_page() -> str:
    """iamtui(1) in roff: every command with its options."""
    return "\n".join([*_head(), *_of_commands(cli, ("iamtui",)), *_foot()]) + "\n"


def _head() -> Iterator[str]:
    yield f'.TH IAMTUI 1 "" "iamtui {__version__}" "User Commands"'
    yield ".SH NAME"
    yield r"iamtui \- browse an AWS account's IAM, ask what a principal may do and why, assume roles"
    yield ".SH SYNOPSIS"
    yield r".B iamtui"
    yield r"[\fIOPTIONS\fR] [\fICOMMAND\fR [\fIARGUMENTS\fR]]"
    yield ".SH DESCRIPTION"
    yield from _paragraphs(cli.help or "")
    yield "It only reads: it never changes an account."
    yield ".SH OPTIONS"
    yield from _options(cli)
    yield ".SH COMMANDS"
    yield "Options that are listed above are not repeated."


def _foot() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    codes = {
        "0": "Allowed, met, done.",
        "1": "Denied, not met.",
        "2": "No answer: an error, said in one sentence on standard error.",
        "3": "It depends, it holds only for some resources, or only a part of the account was read.",
    }
    for code, words in codes.items():
        yield from (".TP", rf"\fB{code}\fR", _text(words))
    yield ".SH FILES"
    yield from _paragraphs("`iamtui config path` prints the path of the config file, `iamtui info` all others.")
    yield ".SH SEE ALSO"
    yield r"\fBaws\fR(1)"


def _of_commands(group: click.Group, path: tuple[str, ...]) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        words = (*path, name)
        arguments = [
            parameter.make_metavar(click.Context(command))
            for parameter in command.params
            if isinstance(parameter, click.Argument)
        ]
        yield ".SS " + _text(" ".join((*words, *arguments)))
        yield from _paragraphs(command.help or "")
        yield from _options(command)
        yield from _paragraphs(command.epilog or "")
        if isinstance(command, click.Group):
            yield from _of_commands(command, words)


_OF_EVERY = frozenset(parameter.name for parameter in cli.params)


def _options(command: click.Command) -> Iterator[str]:
    context = click.Context(command)
    for option in command.params:
        if not isinstance(option, click.Option) or option.hidden or (command is not cli and option.name in _OF_EVERY):
            continue
        record = option.get_help_record(context)
        if record is not None:
            yield from (".TP", rf"\fB{_text(record[0])}\fR", _text(record[1]))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        yield ".PP"
        if paragraph.startswith("\b"):
            yield from (".nf", *map(_text, paragraph.splitlines()[1:]), ".fi")
        else:
            yield _text(" ".join(paragraph.split()))


def _text(text: str) -> str:
    """A line of text that roff prints as it is; one that begins with a dot or quote is no request."""
    escaped = "".join(_ESCAPED.get(character, character) for character in text)
    return rf"\&{escaped}" if escaped[:1] in (".", "'") else escaped
