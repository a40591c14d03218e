"""DrawnLines: a scrolling view of lines that draws only those that are visible, each once until it changes.

Lists of ten thousand rows must answer a key within a frame, which a widget (or a DataTable cell) for each
row cannot. A subclass says how many lines there are and gives the pieces of one line; this class scrolls,
makes every text safe and turns style names into theme colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from iamtui.text import safe_text
from iamtui.tui.widgets.line_styles import line_style

_AROUND_LINES: Final = (
    *(f"{what}_{side}" for what in ("border", "outline") for side in ("top", "right", "bottom", "left")),
    *("padding", "text_opacity", "tint", "hatch"),
)
"""Styles that put something around lines, or change them once they are drawn."""


class Piece(NamedTuple):
    """A run of raw text in one style: the name of a line style ("muted", "link"), or "" for plain."""

    text: str
    style: str = ""


class _Look(NamedTuple):
    """What all lines of a view have in common.

    Args:
        base: the widget's own style, which takes its ancestors to work out.
        filters, background: what changes the colours of lines: on a terminal without colour, say.
        width: how much of a line is seen.
        blank: what follows it to the view's edge; nothing where a scroll bar lies there.
        x, y: how far the view is scrolled.
    """

    base: Style = Style.null()
    filters: Sequence[LineFilter] = ()
    background: Color | None = None
    width: int = 0
    blank: int = 0
    x: int = 0
    y: int = 0


class DrawnLines(ScrollView):
    """Base of LineView, which adds a cursor and keys."""

    HEADER_LINES: int = 0
    """How many lines stay at the top while the others scroll."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._total = 0
        self._unfinished: set[int] = set()
        self._look = _Look()
        self._line_styles: dict[tuple[tuple[str, ...], str], Style] = {}
        self._drawn: dict[int, Strip] = {}
        """Lines as they were drawn, by where they are in the view."""
        self._drawn_for: tuple[Size, int, int] | None = None
        self._scrolled: tuple[Size, Size] | None = None

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

    def line(self, index: int, width: int) -> tuple[Sequence[Piece], tuple[str, ...]]:
        """All that is drawn of a line, and the style names that lie under it, the lowest first."""
        under = self.line_background(index)
        return self.pieces(index, width), (under,) if under else ()

    # What others use.

    @property
    def total(self) -> int:
        """How many lines there are, without the header."""
        return self._total

    @property
    def page(self) -> int:
        """How many lines fit below the header."""
        return max(1, self.scrollable_content_region.height - self.HEADER_LINES)

    def visible_range(self) -> range:
        """The indexes of the lines that can be seen."""
        top = self.scroll_offset.y
        return range(top, min(self._total, top + self.page))

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

    def refresh_row(self, index: int) -> None:
        """Draw a line again."""
        self.refresh_line(index + self.HEADER_LINES)

    # The size of all lines.

    def _take_total(self, total: int, width: int) -> None:
        """Take the number of lines, and how wide the widest is."""
        self._total = total
        self._unfinished.clear()
        self._set_virtual_size(Size(width, total + self.HEADER_LINES))

    def _set_virtual_size(self, size: Size) -> None:
        """Take the size of all lines; the whole screen is laid out again only where the view's own size follows it."""
        if self.styles.auto_dimensions or not self.is_mounted:
            self.virtual_size = size
        elif size != self.virtual_size:
            self.set_reactive(DrawnLines.virtual_size, size)
            self._scroll_update(size)

    def _scroll_update(self, virtual_size: Size) -> None:
        """Set the scroll bars; Textual has them drawn again with every layout of the screen, changed or not."""
        if (virtual_size, self.container_size) != self._scrolled:
            super()._scroll_update(virtual_size)
            self._scrolled = virtual_size, self.container_size

    # Drawing.

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Have these regions drawn again, or everything."""
        if repaint and regions:
            for y in [y for region in regions for y in region.line_range]:
                self._drawn.pop(y, None)
        elif repaint:
            self._drawn.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def notify_style_update(self) -> None:
        """Forget the colours of the theme before."""
        self._line_styles.clear()
        self._drawn.clear()
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw several lines.

        Textual works out borders, padding and opacity anew for each line, which takes as long as drawing it: where
        there is none of that, this does without.
        """
        if self.styles.has_any_rules(*_AROUND_LINES) or self.opacity != 1:
            self._take_look((), *self._room())
            return super().render_lines(crop)
        width, blank = self._room()
        if (self.size, width, blank) != self._drawn_for:
            self._drawn_for = self.size, width, blank
            self._drawn.clear()
        drawn = self._drawn
        missing = [y for y in crop.line_range if y not in drawn]
        if missing:
            self._take_look(self.get_line_filters(), width, blank)
            for y in missing:
                drawn[y] = self.render_line(y)
        strips = [drawn[y] for y in crop.line_range]
        if crop.column_span == (0, self.size.width):
            return strips
        return [strip.crop(*crop.column_span) for strip in strips]

    def _room(self) -> tuple[int, int]:
        """How much of a line is seen, and how much is empty behind it."""
        width, whole = self.scrollable_content_region.width, self.size.width
        has_bar = self.show_vertical_scrollbar and self.vertical_scrollbar.region.width
        return (width, 0 if has_bar else whole - width) if width else (whole, 0)

    def _take_look(self, filters: Sequence[LineFilter], width: int, blank: int) -> None:
        before, (x, y) = self._look, self.scroll_offset
        self._look = _Look(self.rich_style, filters, self.background_colors[1], width, blank, x, y)
        if before[:3] != self._look[:3]:
            self._line_styles.clear()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the visible part."""
        width = self._look.width
        if y < self.HEADER_LINES:
            return self._strip(self.header_pieces(y, width), ())
        index = y - self.HEADER_LINES + self._look.y
        return self._strip(*(self.line(index, width) if index < self._total else ((), ())))

    def _strip(self, pieces: Sequence[Piece], under: tuple[str, ...]) -> Strip:
        """The pieces as a line that is as wide as the view."""
        look, style = self._look, self._style
        segments = [Segment(safe_text(text, limit=None), style(under, name)) for text, name in pieces if text]
        length = sum([cell_len(segment.text) for segment in segments])
        end = look.x + look.width
        if look.x or length > end:
            segments = self._cut(Strip(segments, length), end, under)
            length = look.width
        if length < look.width:
            segments.append(Segment(" " * (look.width - length), style(under, "")))
        if look.blank:
            segments.append(Segment(" " * look.blank, look.base.background_style))
        return Strip(segments, look.width + look.blank)

    def _cut(self, strip: Strip, end: int, under: tuple[str, ...]) -> list[Segment]:
        """What is seen of a line that is scrolled, or wider than the view."""
        look, style = self._look, self._style
        shown = strip.crop_extend(look.x, end, style(under, ""))
        if strip.cell_length > end and look.width and strip.crop(end).text.strip():
            return [*shown.crop(0, look.width - 1), Segment("…", style(under, "faint"))]
        return [*shown]

    def _style(self, under: tuple[str, ...], name: str) -> Style:
        """The style of a piece on what lies under its line, as it is shown in the theme of now."""
        style = self._line_styles.get((under, name))
        if style is None:
            style = self._look.base
            for one in (*under, name) if name else under:
                style += line_style(one, self.app.theme_variables)
            for line_filter in self._look.filters:
                # They change styles alone, so that it need not be done for each line.
                shown = line_filter.apply([Segment(" ", style)], self._look.background or Color(0, 0, 0))
                style = shown[0].style or style
            self._line_styles[under, name] = style
        return style
