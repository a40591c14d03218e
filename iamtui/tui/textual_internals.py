"""What this room needs of Textual and Textual keeps to itself, each with the reason; terminal_app has the app's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from textual._styles_cache import StylesCache
from textual.command import Command, CommandList, CommandPalette
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.worker import Worker


def forget_drawn_widgets() -> None:
    """Let go of the last thousand widgets whose borders were drawn, with all that was drawn of them.

    It is a cache of the process, and nothing else empties it.
    """
    StylesCache.get_inner_outer.cache_clear()


class SteadyScrollView(ScrollView):
    """A ScrollView that has its scroll bars drawn again when they change; Textual does so with every layout."""

    _scrolled: tuple[Size, Size] | None = None

    def scroll_to_size(self, virtual_size: Size) -> None:
        """Take another size without a layout of the whole screen, which the setter of `virtual_size` asks for."""
        self.set_reactive(SteadyScrollView.virtual_size, virtual_size)
        self._scroll_update(virtual_size)

    def _scroll_update(self, virtual_size: Size) -> None:
        if (virtual_size, self.container_size) != self._scrolled:
            super()._scroll_update(virtual_size)
            self._scrolled = virtual_size, self.container_size


class WatchedPalette(CommandPalette):
    """A CommandPalette that tells when its search is over: Textual fills the list a moment after each character."""

    def searches(self) -> Iterator[Worker[Any]]:
        """The searches that have not ended."""
        for worker in self.workers:
            if worker.node is self and worker.group == self._GATHER_COMMANDS_GROUP and not worker.is_finished:
                yield worker

    def stop_searching(self) -> None:
        self._cancel_gather_commands()

    def cursor_down(self) -> None:
        self._action_cursor_down()

    def list_filled(self, commands: CommandList) -> None:
        """The list shows what was found."""

    def _refresh_command_list(self, command_list: CommandList, commands: list[Command], clear_current: bool) -> None:
        super()._refresh_command_list(command_list, commands, clear_current)
        self.list_filled(command_list)
