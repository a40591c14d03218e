"""Private parts of Textual used by the screen, each with its reason; terminal_app has those of the app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from textual._styles_cache import StylesCache
from textual.app import App
from textual.command import Command, CommandList, CommandPalette
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.widget import Widget
from textual.worker import Worker
from textual.worker_manager import WorkerManager


def forget_drawn_widgets() -> None:
    """Let go of the last thousand widgets whose borders were drawn, with all that was drawn of them.

    It is a cache of the process, and nothing else empties it.
    """
    StylesCache.get_inner_outer.cache_clear()


def forget_handled_messages(app: App[Any]) -> None:
    """Have every widget, scroll bars too, handle one more message.

    Each keeps the last one that it handled, and with it the screen that sent it, although that is closed.
    """
    for widget in tuple(app._registry):  # noqa: SLF001 - no public list has the scroll bars
        widget.call_later(_nothing)


class SteadyScrollView(ScrollView):
    """A ScrollView that has its scroll bars drawn again when they change; Textual does so with every layout. Which it
    has is known where it is placed: Textual finds that once all is drawn, and then lays all out and draws it again."""

    _scrolled: tuple[Size, Size] | None = None

    def _get_scrollable_region(self, region: Region) -> Region:
        """Part of a new region left for the lines. A new scroll bar is not ready to be drawn yet."""
        bar = self._vertical_scrollbar
        if bar is not None and bar.is_mounted and region.size != self._container_size:
            self._container_size = region.size
            self._scrollbar_changes.clear()
            asking = self._layout_required
            self._scroll_update(self.virtual_size)
            self._layout_required, bar._layout_required = asking, False  # noqa: SLF001 - as the module says
        return super()._get_scrollable_region(region)

    def scroll_to_size(self, virtual_size: Size) -> None:
        """Take another size without a layout of the whole screen, which the setter of `virtual_size` asks for."""
        self.set_reactive(SteadyScrollView.virtual_size, virtual_size)
        self._scroll_update(virtual_size)

    def _scroll_update(self, virtual_size: Size) -> None:
        if (virtual_size, self.container_size) != self._scrolled:
            super()._scroll_update(virtual_size)
            self._scrolled = virtual_size, self.container_size


def lay_out_now(screen: Screen[Any]) -> None:
    """Place at once what would be placed with the next frame, for whoever asks where it is."""
    if screen._layout_required:  # noqa: SLF001 - as the module says
        screen._layout_required = False  # noqa: SLF001
        screen._refresh_layout()  # noqa: SLF001


def is_displayed(widget: Widget) -> bool:
    """Test that neither a widget nor any of its ancestors is hidden."""
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))


class WatchedPalette(CommandPalette):
    """A CommandPalette that tells when its search is over: Textual fills the list a moment after each character."""

    def searches(self) -> Iterator[Worker[Any]]:
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


class ForgettingWorkers(WorkerManager):
    """Workers that forget their work once it has ended.

    They stay in the context of every task that began with what they told, such as that of a widget, and with their work
    so would an account that has been read anew since.
    """

    def _remove_worker(self, worker: Worker[Any]) -> None:
        super()._remove_worker(worker)
        worker._work = _nothing  # noqa: SLF001 - Textual has no other way


def _nothing() -> None:
    pass
