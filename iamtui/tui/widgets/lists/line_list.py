"""LineView: a list or document that is moved through from the keyboard, with one set of keys for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple, Self

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color, ColorParseError
from textual.containers import Vertical
from textual.content import Content
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from iamtui.presentation.styled_words import Tone
from iamtui.text import safe_text
from iamtui.tui.textual_internals import SteadyScrollView

# The styles that a piece of a line may have, as theme variables.


class LineStyle(NamedTuple):
    """A theme variable for the text or for the ground, and the weight of the text."""

    variable: str
    ground: bool = False
    bold: bool | None = None
    underline: bool | None = None


LINE_STYLES: Final[Mapping[str, LineStyle]] = {
    "muted": LineStyle("muted"),
    "faint": LineStyle("faint"),
    "guide": LineStyle("faint"),
    "heading": LineStyle("heading", bold=True),
    "strong": LineStyle("foreground", bold=True),
    "link": LineStyle("link", underline=True),
    "match": LineStyle("match", bold=True),
    "hit": LineStyle("match", bold=True, underline=True),
    "header": LineStyle("muted"),
    "header-sorted": LineStyle("heading", bold=True),
    "allowed": LineStyle("verdict-allowed", bold=True),
    "denied": LineStyle("verdict-denied", bold=True),
    "depends": LineStyle("verdict-depends", bold=True),
    "allows": LineStyle("verdict-allowed"),
    "denies": LineStyle("verdict-denied"),
    "waits": LineStyle("verdict-depends"),
    "warning": LineStyle("verdict-depends", bold=True),
    "bar": LineStyle("rule-focused"),
    "json-key": LineStyle("json-key"),
    "json-string": LineStyle("json-string"),
    "json-number": LineStyle("json-number"),
    "json-constant": LineStyle("json-constant"),
    "json-punctuation": LineStyle("json-punctuation"),
    "statement-bar": LineStyle("match", bold=True),
    "cursor": LineStyle("cursor", ground=True),
    "cursor-blurred": LineStyle("cursor-blurred", ground=True),
    "statement": LineStyle("statement", ground=True),
}
"""Every name that a Piece may use."""


def line_style(name: str, variables: Mapping[str, str]) -> Style:
    """The Rich style of a name of LINE_STYLES under a theme's variables; without colour where it has none."""
    wanted = LINE_STYLES[name]
    text = variables.get(wanted.variable, "")
    try:
        colour = Color.parse(text.partition(" ")[0]).rich_color
    except ColorParseError:
        colour = None
    if wanted.ground:
        return Style(bgcolor=colour)
    return Style(color=colour, bold=wanted.bold, underline=wanted.underline)


# DrawnLines: a scrolling view of lines that draws only those that are visible, each once until it changes.


_AROUND_LINES: Final = (
    *(f"{what}_{side}" for what in ("border", "outline") for side in ("top", "right", "bottom", "left")),
    *("padding", "text_opacity", "tint", "hatch"),
)
"""Styles that put something around lines, or change them once they are drawn."""


class Piece(NamedTuple):
    """A run of raw text in one style: the name of a line style ("muted", "link"), or "" for plain."""

    text: str
    style: str = ""


LINE_TONES: Final[Mapping[Tone, str]] = {
    Tone.PLAIN: "",
    Tone.STRONG: "strong",
    Tone.HEADING: "heading",
    Tone.QUIET: "muted",
    Tone.FAINT: "faint",
    Tone.ALLOWED: "allowed",
    Tone.DENIED: "denied",
    Tone.DEPENDS: "depends",
}
"""The line styles of the tones of styled words."""

_STYLES_OF_CONTENT: Final = {
    "bold": "strong",
    "$muted": "muted",
    "$faint": "faint",
    "bold $heading": "heading",
    "bold $verdict-allowed": "allowed",
    "bold $verdict-denied": "denied",
    "bold $verdict-depends": "depends",
    "$verdict-allowed": "allows",
    "$verdict-denied": "denies",
    "$verdict-depends": "waits",
}
"""The styles of styled words as content, to the line styles that look the same."""


def pieces_of(content: Content, plain: str = "") -> list[Piece]:
    """Styled words that were made content, to be wrapped, as pieces; `plain`: the line style of unstyled words."""
    pieces: list[Piece] = []
    at = 0
    for span in sorted(content.spans, key=lambda span: span.start):
        pieces.append(Piece(content.plain[at : span.start], plain))
        pieces.append(Piece(content.plain[span.start : span.end], _STYLES_OF_CONTENT.get(str(span.style), plain)))
        at = span.end
    return [piece for piece in (*pieces, Piece(content.plain[at:], plain)) if piece.text]


class _Look(NamedTuple):
    """Properties that all lines of a view share.

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


class DrawnLines(SteadyScrollView):
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

    # What a subclass gives.

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """The raw text of one line, left to right, for a view `width` cells wide."""
        raise NotImplementedError

    def header_pieces(self, y: int, width: int) -> Sequence[Piece]:
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
        return self._total

    @property
    def page(self) -> int:
        """How many lines fit below the header."""
        return max(1, self.scrollable_content_region.height - self.HEADER_LINES)

    def visible_range(self) -> range:
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
        self.refresh_line(index + self.HEADER_LINES)

    # The size of all lines.

    def _take_total(self, total: int, width: int) -> None:
        self._total = total
        self._unfinished.clear()
        self._set_virtual_size(Size(width, total + self.HEADER_LINES))

    def _set_virtual_size(self, size: Size) -> None:
        """Take the size of all lines; the whole screen is laid out again only where the view's own size follows it."""
        if self.styles.auto_dimensions or not self.is_mounted:
            self.virtual_size = size
        elif size != self.virtual_size:
            self.scroll_to_size(size)

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
        width = self._look.width
        if y < self.HEADER_LINES:
            return self._strip(self.header_pieces(y, width), ())
        index = y - self.HEADER_LINES + self._look.y
        return self._strip(*(self.line(index, width) if index < self._total else ((), ())))

    def _strip(self, pieces: Sequence[Piece], under: tuple[str, ...]) -> Strip:
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
        """Visible part of a line that is scrolled, or wider than the view."""
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


_BLURRED_BAR = "▏"


@dataclass(eq=False, repr=False)
class LineMessage(Message):
    """An event of a view's line."""

    view: LineView
    index: int

    @property
    def control(self) -> LineView:
        """The view, so that handlers can select by it."""
        return self.view


class LineView(DrawnLines, can_focus=True, inherit_bindings=False):
    """Base of every list and document on screen. Not used alone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "cursor_down", "Down", show=False, id="list.down", tooltip="Move to the next line"),
        Binding("k,up", "cursor_up", "Up", show=False, id="list.up", tooltip="Move to the line before"),
        Binding("home", "cursor_first", "First", show=False, id="list.first", tooltip="Move to the first line"),
        Binding("g", "app.go", "Go …", show=False, id="app.go", tooltip="Go somewhere by a letter; g: to the top"),
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
    """Mark before the line that keys move from."""

    HAS_CURSOR: ClassVar[bool] = True
    """True where a line is marked and moved; without, the same keys scroll."""

    class CursorMoved(LineMessage):
        """The cursor came to another line, or the lines under it changed."""

    class LineOpened(LineMessage):
        """Enter, l or a double click on a line."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._cursor = 0

    # What a subclass gives.

    def is_stop(self, index: int) -> bool:  # noqa: ARG002 - for subclasses
        """True where the cursor may rest on this line."""
        return True

    def is_under_cursor(self, index: int) -> bool:
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
        self._step(1)

    def action_cursor_up(self) -> None:
        self._step(-1)

    def action_cursor_first(self) -> None:
        self._step(-self._total)

    def action_cursor_last(self) -> None:
        self._step(self._total)

    def action_half_page_down(self) -> None:
        self._step(max(1, self.page // 2))

    def action_half_page_up(self) -> None:
        self._step(-max(1, self.page // 2))

    def action_page_down(self) -> None:
        self._step(max(1, self.page - 1))

    def action_page_up(self) -> None:
        self._step(-max(1, self.page - 1))

    def action_line_left(self) -> None:
        self.scroll_to(x=self.scroll_offset.x - 8, animate=False)

    def action_line_right(self) -> None:
        self.scroll_to(x=self.scroll_offset.x + 8, animate=False)

    def action_open_line(self) -> None:
        if self._total and self.HAS_CURSOR:
            self.post_message(self.LineOpened(self, self._cursor))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a cursor there is no line to open."""
        if action == "open_line" and not self.HAS_CURSOR:
            return False
        return super().check_action(action, parameters)

    def on_resize(self) -> None:
        if self.HAS_CURSOR and self._total:
            self._show_line(self._cursor)

    def on_focus(self) -> None:
        self.refresh_row(self._cursor)

    def on_blur(self) -> None:
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


# The keys that sort a table by its columns; whoever has them has `action_sort_by`.


SORT_KEYS: Final[tuple[BindingType, ...]] = (
    Binding(
        "less_than_sign,comma", "sort_by(-1)", "Sort left", key_display="<", show=False,
        id="table.sort-left", tooltip="Sort by the column to the left",
    ),
    Binding(
        "greater_than_sign,full_stop", "sort_by(1)", "Sort", key_display=">",
        id="table.sort-right", tooltip="Sort by the column to the right",
    ),
)  # fmt: skip


# A pane of the main screen.


class Pane(Vertical):
    """A column under a line with its title, which has the class `-lit` while the focus is in the pane.

    With `:focus-within` Textual works out the styles of everything in both panes whenever the focus goes from one to
    the other, which takes longer than a frame may. No style of what is in a pane may depend on the class.
    """

    def on_descendant_focus(self) -> None:
        self._light()

    def on_descendant_blur(self) -> None:
        """Light the line no more, unless the focus stays in the pane."""
        self._light()

    def _light(self) -> None:
        if self.has_class("-lit") is not self.has_focus_within:
            self.set_class(self.has_focus_within, "-lit", update=False)
            self.app.stylesheet.apply(self)
