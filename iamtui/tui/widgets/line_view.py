"""LineView: a list or document that is moved through from the keyboard, with one set of keys for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from iamtui.tui.widgets.drawn_lines import DrawnLines, Piece

_BLURRED_BAR = "▏"


class LineView(DrawnLines, can_focus=True, inherit_bindings=False):
    """Base of every list and document on screen. Not used alone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "cursor_down", "Down", show=False, id="list.down", tooltip="Move to the next line"),
        Binding("k,up", "cursor_up", "Up", show=False, id="list.up", tooltip="Move to the line before"),
        Binding("g,home", "cursor_first", "First", show=False, id="list.first", tooltip="Move to the first line"),
        Binding("G,end", "cursor_last", "Last", show=False, id="list.last", tooltip="Move to the last line"),
        Binding(
            "ctrl+d", "half_page_down", "Half down", show=False, id="list.half-down", tooltip="Move down half a page"
        ),
        Binding("ctrl+u", "half_page_up", "Half up", show=False, id="list.half-up", tooltip="Move up half a page"),
        Binding("pagedown", "page_down", "Page down", show=False, id="list.page-down", tooltip="Move down a page"),
        Binding("pageup", "page_up", "Page up", show=False, id="list.page-up", tooltip="Move up a page"),
        Binding("h,left", "line_left", "Left", show=False, id="list.left", tooltip="Move out, or scroll left"),
        Binding("l,right", "line_right", "Right", show=False, id="list.right", tooltip="Move in, or scroll right"),
        Binding("enter", "open_line", "Open", show=False, id="list.open", tooltip="Open what is under the cursor"),
    ]

    CURSOR_BAR: ClassVar[str] = "▌"
    """What stands before the line that keys move from."""

    HAS_CURSOR: ClassVar[bool] = True
    """Whether a line is marked and moved; without, the same keys scroll."""

    @dataclass(eq=False, repr=False)
    class CursorMoved(Message):
        """The cursor came to another line, or the lines under it changed."""

        view: LineView
        index: int

        @property
        def control(self) -> LineView:
            """The view, so that handlers can select by it."""
            return self.view

    @dataclass(eq=False, repr=False)
    class LineOpened(Message):
        """Enter, l or a double click on a line."""

        view: LineView
        index: int

        @property
        def control(self) -> LineView:
            """The view, so that handlers can select by it."""
            return self.view

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._cursor = 0

    # What a subclass gives.

    def is_stop(self, index: int) -> bool:  # noqa: ARG002 - for subclasses
        """Whether the cursor may rest on this line."""
        return True

    def is_under_cursor(self, index: int) -> bool:
        """Whether this line is marked as the one that the cursor is on."""
        return index == self._cursor

    # What others use.

    @property
    def cursor(self) -> int:
        """The line the cursor is on, from 0; 0 as well when there is none."""
        return self._cursor

    def set_total(self, total: int, *, cursor: int = 0, width: int = 0) -> None:
        """Say that the lines are new: how many, where the cursor starts, and how wide the widest is."""
        self._take_total(total, width)
        self._cursor = self._nearest_stop(cursor, 1)
        self._show_line(self._cursor)
        self.refresh()
        self.post_message(self.CursorMoved(self, self._cursor))

    def move_to(self, index: int, direction: int = 1) -> None:
        """Put the cursor on a line (or the nearest one in `direction` where it may rest) and show it."""
        if not self._total:
            return
        new = self._nearest_stop(max(0, min(index, self._total - 1)), direction)
        if not self.HAS_CURSOR or new == self._cursor:
            self._show_line(new)
            return
        old, self._cursor = self._cursor, new
        self.refresh_row(old)
        self.refresh_row(new)
        self._show_line(new)
        self.post_message(self.CursorMoved(self, new))

    def line(self, index: int, width: int) -> tuple[Sequence[Piece], tuple[str, ...]]:
        """A line with the mark of the cursor in front."""
        pieces, under = super().line(index, width)
        if not self.HAS_CURSOR:
            return pieces, under
        if not self.is_under_cursor(index):
            return [Piece(" ", "bar"), *pieces], under
        bar, ground = (self.CURSOR_BAR, "cursor") if self.has_focus else (_BLURRED_BAR, "cursor-blurred")
        return [Piece(bar, "bar"), *pieces], (*under, ground)

    def _show_line(self, index: int) -> None:
        top, page = self.scroll_offset.y, self.page
        if index < top:
            self.scroll_to(y=index, animate=False, force=True)
        elif index >= top + page:
            self.scroll_to(y=index - page + 1, animate=False, force=True)
        if index == self._nearest_stop(0, 1):
            self.scroll_to(y=0, animate=False, force=True)

    def _nearest_stop(self, index: int, direction: int) -> int:
        if not self._total:
            return 0
        index = max(0, min(index, self._total - 1))
        for step in (direction, -direction):
            at = index
            while 0 <= at < self._total:
                if self.is_stop(at):
                    return at
                at += step
        return index

    # Keys and mouse.

    def _step(self, lines: int) -> None:
        if self.HAS_CURSOR:
            self.move_to(self._cursor + lines, 1 if lines > 0 else -1)
        else:
            self.scroll_to(y=self.scroll_offset.y + lines, animate=False)

    def action_cursor_down(self) -> None:
        """Move down a line."""
        self._step(1)

    def action_cursor_up(self) -> None:
        """Move up a line."""
        self._step(-1)

    def action_cursor_first(self) -> None:
        """Move to the first line."""
        self._step(-self._total)

    def action_cursor_last(self) -> None:
        """Move to the last line."""
        self._step(self._total)

    def action_half_page_down(self) -> None:
        """Move down half a page."""
        self._step(max(1, self.page // 2))

    def action_half_page_up(self) -> None:
        """Move up half a page."""
        self._step(-max(1, self.page // 2))

    def action_page_down(self) -> None:
        """Move down a page."""
        self._step(max(1, self.page - 1))

    def action_page_up(self) -> None:
        """Move up a page."""
        self._step(-max(1, self.page - 1))

    def action_line_left(self) -> None:
        """Scroll left."""
        self.scroll_to(x=self.scroll_offset.x - 8, animate=False)

    def action_line_right(self) -> None:
        """Scroll right."""
        self.scroll_to(x=self.scroll_offset.x + 8, animate=False)

    def action_open_line(self) -> None:
        """Open the line under the cursor."""
        if self._total and self.HAS_CURSOR:
            self.post_message(self.LineOpened(self, self._cursor))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a cursor there is no line to open."""
        if action == "open_line" and not self.HAS_CURSOR:
            return False
        return super().check_action(action, parameters)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        if self.HAS_CURSOR and self._total:
            self._show_line(self._cursor)

    def on_focus(self) -> None:
        """Show the cursor as the one that keys move."""
        self.refresh_row(self._cursor)

    def on_blur(self) -> None:
        """Show the cursor as resting."""
        self.refresh_row(self._cursor)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the clicked line; a double click opens it."""
        offset = event.get_content_offset(self)
        if offset is None or not self.HAS_CURSOR:
            return
        if offset.y < self.HEADER_LINES:
            self.header_clicked(offset.x + self.scroll_offset.x)
            return
        index = offset.y - self.HEADER_LINES + self.scroll_offset.y
        if index < self._total and self.is_stop(index):
            self.move_to(index)
            if event.chain == 2:
                self.action_open_line()

    def header_clicked(self, x: int) -> None:
        """React to a click on the header, `x` cells from the left of the whole line."""
