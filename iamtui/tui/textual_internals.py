"""Private parts of Textual used by the screen, each with its reason; terminal_app has those of the app."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from textual import events
from textual._compositor import ChopsUpdate, Compositor
from textual._styles_cache import StylesCache
from textual.command import Command, CommandList, CommandPalette
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.screen import Screen, ScreenResultType
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget
from textual.worker import Worker
from textual.worker_manager import WorkerManager


def forget_drawn_widgets() -> None:
    """Let go of the last thousand widgets whose borders were drawn, with all that was drawn of them.

    It is a cache of the process, and nothing else empties it.
    """
    StylesCache.get_inner_outer.cache_clear()


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


class SteadyCompositor(Compositor):
    """A Compositor that does once what Textual does two or three times: places widgets, draws those that changed."""

    _changed: tuple[Region, ...] = ()
    """Regions of the screen being redrawn; empty for all of it."""

    def update_widgets(self, widgets: set[Widget]) -> None:
        """Note what changed. Textual places everything anew where a widget changed that is not in sight."""
        super().update_widgets({widget for widget in widgets if widget in self.widgets or is_displayed(widget)})

    def render_partial_update(self) -> ChopsUpdate | None:
        self._changed = tuple(self._dirty_regions)
        try:
            return super().render_partial_update()
        finally:
            self._changed = ()

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        """Draw the widgets that have a part in what changed. Textual has all of those draw their lines whose
        containers have a part in the smallest rectangle around it, from the first line of the screen to the last."""
        if not self._changed:
            yield from super()._get_renders(crop)
            return
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            if any(seen.overlaps(one) for one in self._changed):
                yield region, clip, widget.render_lines(seen.translate(-region.offset))


class SteadyScreen(Screen[ScreenResultType]):
    """A Screen on which is placed and drawn only what changed. Beside ModalScreen it comes second, or that has no
    styles."""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """Focused widget. It and the one before redraw themselves: the whole screen need not be drawn again."""

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(name, id, classes)
        self._compositor = SteadyCompositor()

    def _on_screen_resume(self, event: events.ScreenResume) -> None:
        """Keep the styles that a new screen has been made with: Textual works out all of them a second time."""
        event.refresh_styles = event.refresh_styles and bool(self.stack_updates)

    def _on_timer_update(self) -> None:
        """Draw what changed. With a layout Textual draws what that changed, and then the whole screen again."""
        if self._layout_required and self._repaint_required:
            self._repaint_required = False
            self._dirty_widgets.add(self)
        super()._on_timer_update()


def lay_out_now(screen: Screen[Any]) -> None:
    """Place at once what would be placed with the next frame, for whoever asks where it is."""
    if screen._layout_required:  # noqa: SLF001 - as the module says
        screen._layout_required = False  # noqa: SLF001
        screen._refresh_layout()  # noqa: SLF001


def is_displayed(widget: Widget) -> bool:
    """Test that neither a widget nor any of its ancestors is hidden."""
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))


class WatchedPalette(CommandPalette, SteadyScreen[None]):
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
