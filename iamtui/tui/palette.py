"""ActionPalette: a command palette whose Enter runs what was typed, however fast it was."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.command import Command, CommandList, CommandPalette
from textual.widgets import Input
from textual.worker import WorkerError


class ActionPalette(CommandPalette):
    """Textual's palette fills its list a moment after each character; until then the list is about another text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "next", "Next command", show=False, id="palette.next", tooltip="Next command"),
    ]

    async def _searched(self) -> None:
        """Wait for the search that runs."""
        for worker in self.workers:
            if worker.node is self and worker.group == self._GATHER_COMMANDS_GROUP and not worker.is_finished:
                with suppress(WorkerError):
                    await worker.wait()

    @on(Input.Submitted)
    async def _run_what_was_typed(self, event: Input.Submitted) -> None:
        event.stop()
        event.prevent_default()
        await self._searched()
        commands = self.query_one(CommandList)
        if commands.highlighted is not None:
            option = commands.get_option_at_index(commands.highlighted)
            if isinstance(option, Command):
                # As the base class does, but once the palette is gone: a dialog that the command opens is drawn then.
                self._cancel_gather_commands()
                self.dismiss()
                self.app.call_after_refresh(option.hit.command)

    async def action_next(self) -> None:
        """Move to the next command, of those that were searched for."""
        await self._searched()
        self._action_cursor_down()

    def _refresh_command_list(self, command_list: CommandList, commands: list[Command], clear_current: bool) -> None:
        super()._refresh_command_list(command_list, commands, clear_current)
        if not self.query_one(Input).value.strip():
            # Nothing was chosen yet: Enter by mistake runs nothing.
            command_list.highlighted = None
