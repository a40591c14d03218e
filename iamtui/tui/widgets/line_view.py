"""LineView: a scrolling list of lines that draws only what is visible, with one set of keys for all lists.

Lists of ten thousand rows must answer a key within a frame, which a widget (or a DataTable cell) for each
row cannot. A subclass says how many lines there are and gives the pieces of one line; this class scrolls,
moves the cursor, makes every text safe and turns style names into theme colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from iamtui.text import safe_text
from iamtui.tui.widgets.line_styles import line_style

_BLURRED_BAR = "▏"


class Piece(NamedTuple):
    """A run of raw text in one style: the name of a line style ("muted", "link"), or "" for plain."""

    text: str
    style: str = ""


class LineView(ScrollView, can_focus=True, inherit_bindings=False):
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

    HEADER_LINES: int = 0
    """How many lines stay at the top while the others scroll."""

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
        self._total = 0
        self._cursor = 0
        self._line_styles: dict[str, Style] = {}
        self._base_style = Style()
        self._unfinished: set[int] = set()

    # What a subclass gives.

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """The raw text of one line, left to right, for a view `width` cells wide."""
        raise NotImplementedError

    def header_pieces(self, y: int, width: int) -> Sequence[Piece]:
        """The raw text of one header line."""
        raise NotImplementedError

    def line_background(self, index: int) -> str:  # noqa: ARG002 - for subclasses
        """The style name that lies under a whole line, or ""."""
        return ""

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

    @property
    def total(self) -> int:
        """How many lines there are, without the header."""
        return self._total

    @property
    def page(self) -> int:
        """How many lines fit below the header."""
        return max(1, self.scrollable_content_region.height - self.HEADER_LINES)

    def set_total(self, total: int, *, cursor: int = 0, width: int = 0) -> None:
        """Say that the lines are new: how many, where the cursor starts, and how wide the widest is."""
        self._total = total
        self._unfinished.clear()
        self._set_virtual_size(Size(width, total + self.HEADER_LINES))
        self._cursor = self._nearest_stop(cursor, 1)
        self._show_line(self._cursor)
        self.refresh()
        self.post_message(self.CursorMoved(self, self._cursor))

    def _set_virtual_size(self, size: Size) -> None:
        """Take the size of all lines; the whole screen is laid out again only where the view's own size follows it."""
        if self.styles.auto_dimensions or not self.is_mounted:
            self.virtual_size = size
        elif size != self.virtual_size:
            self.set_reactive(LineView.virtual_size, size)
            self._scroll_update(size)

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

    def redraw(self) -> None:
        """Draw the visible lines again; their number is the same."""
        self.refresh()

    def note_unfinished(self, index: int) -> None:
        """A line is being drawn of which something is still being found."""
        self._unfinished.add(index)

    def redraw_unfinished(self) -> None:
        """Draw again the lines of which something was still being found when they were drawn."""
        lines, self._unfinished = self._unfinished, set()
        for index in lines.intersection(self.visible_range()):
            self.refresh_row(index)

    def visible_range(self) -> range:
        """The indexes of the lines that can be seen."""
        top = self.scroll_offset.y
        return range(top, min(self._total, top + self.page))

    # Drawing.

    def style_named(self, name: str) -> Style:
        """The Rich style of a style name in the theme of now."""
        style = self._line_styles.get(name)
        if style is None:
            style = self._line_styles[name] = line_style(name, self.app.theme_variables)
        return style

    def notify_style_update(self) -> None:
        """Forget the colours of the theme before."""
        self._line_styles.clear()
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw several lines; the widget's own style, which takes its ancestors to work out, is the same for all."""
        self._base_style = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Draw one line of the visible part."""
        width = self.scrollable_content_region.width or self.size.width
        base = self._base_style
        if y < self.HEADER_LINES:
            return self._strip(self.header_pieces(y, width), base, width, self.scroll_offset.x)
        index = y - self.HEADER_LINES + self.scroll_offset.y
        if index >= self._total:
            return Strip.blank(width, base)
        under = self.line_background(index)
        if under:
            base += self.style_named(under)
        pieces: Sequence[Piece] = self.pieces(index, width)
        if self.HAS_CURSOR:
            here = self.is_under_cursor(index)
            if here:
                base += self.style_named("cursor" if self.has_focus else "cursor-blurred")
            bar = (self.CURSOR_BAR if self.has_focus else _BLURRED_BAR) if here else " "
            pieces = [Piece(bar, "bar"), *pieces]
        return self._strip(pieces, base, width, self.scroll_offset.x)

    def _strip(self, pieces: Sequence[Piece], base: Style, width: int, scroll_x: int) -> Strip:
        named = self.style_named
        segments = [
            Segment(safe_text(text, limit=None), base + named(style) if style else base)
            for text, style in pieces
            if text
        ]
        if sum(cell_len(segment.text) for segment in segments) == width and not scroll_x:
            return Strip(segments, width)
        strip = Strip(segments)
        shown = strip.crop_extend(scroll_x, scroll_x + width, base)
        if strip.cell_length > scroll_x + width and width and strip.crop(scroll_x + width).text.strip():
            return Strip([*shown.crop(0, width - 1), Segment("…", base + named("faint"))], width)
        return shown

    def refresh_row(self, index: int) -> None:
        """Draw a line again on which the cursor was, or is now."""
        self.refresh_line(index + self.HEADER_LINES)

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
