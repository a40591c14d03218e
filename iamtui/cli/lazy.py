"""A click group whose commands are imported when they are run, so that `--help` and the screen start fast."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

import click

from iamtui.problem import Problem
from iamtui.text import safe_text


class Entry(NamedTuple):
    """A command that is not imported yet.

    Args:
        module: where it is.
        name: the attribute of the module.
        summary: one line for `--help`.
    """

    module: str
    name: str
    summary: str


class LazyGroup(click.Group):
    """A group made from a table of entries."""

    def __init__(self, *args: Any, entries: Mapping[str, Entry], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names in the order of the table."""
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import one command."""
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(entry.module), entry.name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the words name.

        Raises:
            Problem: there is none; names the nearest.
        """
        if args and args[0] not in self._entries and not args[0].startswith("-"):
            near = get_close_matches(args[0], self._entries, n=1, cutoff=0.5)
            meant = f"Did you mean {near[0]}? " if near else ""
            raise Problem(f"There is no command {safe_text(args[0])}.", f"{meant}See `{ctx.command_path} --help`.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the commands' summaries without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self._entries.items()])
