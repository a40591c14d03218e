"""WrappedText: long text that wraps to its width, scrolls from the keyboard and can be searched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from iamtui.tui.widgets.lists.line_list import Piece

_WORD = re.compile(r"\s*\S+|\s+$")
_LEAD_IN = re.compile(r" *(?:- |\[.\] |[A-Z][a-z]+ {2,})?")
"""Spaces, and a dash, a mark or a label of one word, which has two spaces at least behind it."""


def wrap(row: Content, width: int) -> list[Content]:
    """Cut one line into lines of at most `width` cells, at spaces where there are some.

    They are indented as what stands behind the first one's spaces, and its dash, mark or label.
    """
    text = row.plain
    if width < 8 or cell_len(text) <= width:
        return [row]
    lead_in = _LEAD_IN.match(text)
    assert lead_in is not None
    indent = min(cell_len(lead_in[0]), width // 2)
    pieces: list[Content] = []
    start = 0
    lead = 0
    end = 0
    for match in _WORD.finditer(text):
        while cell_len(text[start : match.end()]) + lead > width:
            cut = end if end > start else start + _fitting(text[start:], width - lead)
            pieces.append(_indented(row[start:cut], lead))
            start = cut + len(text[cut:]) - len(text[cut:].lstrip()) if cut == end else cut
            end = start
            lead = indent
        end = match.end()
    if start < len(text):
        pieces.append(_indented(row[start:], lead))
    return pieces


def wrap_all(rows: Iterable[Content], width: int, most: int) -> list[Content]:
    """Cut texts into at most `most` lines of at most `width` cells, with an ellipsis for the rest."""
    cut = [wrap(row, width) for one in rows if one for row in one.split("\n")]
    found = [piece for pieces in cut for piece in pieces]
    if len(found) <= most or not most:
        return found[:most]
    last, more = found[most - 1], found[most]
    if any(piece is more for pieces in cut for piece in pieces[1:]) and last.cell_length < width - 2:
        # A long word that would begin the next line still says more than the room before the edge.
        last = last.append(" ").append(more[len(more.plain) - len(more.plain.lstrip()) :])
    return [*found[: most - 1], last[: _fitting(last.plain, width - 1)].append("…")]


def _fitting(text: str, width: int) -> int:
    """How many characters of the text fit into `width` cells; at least one."""
    used = 0
    for index, character in enumerate(text):
        used += cell_len(character)
        if used > width:
            return max(index, 1)
    return len(text)


def _indented(piece: Content, spaces: int) -> Content:
    return Content(" " * spaces).join([Content(""), piece]) if spaces else piece


# Hits of a search in a document: on which lines, which one is the present one, and how a line shows them. Pure.


class Hits:
    """The lines that hold a text (any letter case), and the place among them. Stepping goes around the ends."""

    def __init__(self, lines: Sequence[str] = (), needle: str = "") -> None:
        self.needle = needle.lower()
        self._at = -1
        self.look_in(lines)

    def look_in(self, lines: Sequence[str]) -> None:
        """Look for the same in the lines of the text laid out anew; the place among the hits stays."""
        self.lines = [at for at, line in enumerate(lines) if self.needle and self.needle in line.lower()]

    @property
    def line(self) -> int | None:
        """The line of the present hit, from 0; None before the first step, or without hits."""
        return self.lines[self._at] if self.lines and self._at >= 0 else None

    @property
    def words(self) -> str:
        """The place in words: "2 of 7", or "no match; Esc ends"; "" when nothing is looked for."""
        if not self.needle:
            return ""
        return f"{self._at + 1} of {len(self.lines)}" if self.lines else "no match; Esc ends"

    def step(self, direction: int) -> int | None:
        """Go to the next (1) or previous (-1) line with a hit, and give it."""
        if self.lines:
            first = 0 if direction > 0 else len(self.lines) - 1
            self._at = (self._at + direction) % len(self.lines) if self._at >= 0 else first
        return self.line

    def marked(self, pieces: Sequence[Piece]) -> Iterator[Piece]:
        text = "".join(piece.text for piece in pieces).lower()
        inside: set[int] = set()
        at = text.find(self.needle)
        while self.needle and at >= 0:
            inside.update(range(at, at + len(self.needle)))
            at = text.find(self.needle, at + len(self.needle))
        start = 0
        for piece in pieces:
            end = start + len(piece.text)
            cut = start
            for position in range(start + 1, end + 1):
                if position == end or (position in inside) != (cut in inside):
                    style = "hit" if cut in inside else piece.style
                    yield Piece(piece.text[cut - start : position - start], style)
                    cut = position
            start = end


class WrappedText(VerticalScroll, can_focus=True):
    """Shows rows of Content. `search` marks every hit; `step` goes to the next or previous one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_down", "Down", show=False, id="text.down"),
        Binding("k,up", "scroll_up", "Up", show=False, id="text.up"),
        Binding("home", "scroll_home", "Top", show=False, id="text.top"),
        Binding("g", "app.go", "Go …", show=False, id="app.go", tooltip="Go somewhere by a letter; g: to the top"),
        Binding("G,end", "scroll_end", "Bottom", show=False, id="text.bottom"),
        Binding("ctrl+d,pagedown,space", "page_down", "Page down", show=False, id="text.page-down"),
        Binding("ctrl+u,pageup", "page_up", "Page up", show=False, id="text.page-up"),
    ]

    DEFAULT_CSS = """
    WrappedText {
        height: 1fr;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;

        & > Static {
            height: auto;
            text-wrap: nowrap;
        }
    }
    """

    def __init__(self, rows: Sequence[Content] = (), *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._rows = list(rows)
        self._wrapped: list[Content] = []
        self._hits = Hits()

    def compose(self) -> ComposeResult:
        yield Static(id="wrapped-text")

    def on_resize(self, _event: events.Resize) -> None:
        self._layout()

    def show(self, rows: Sequence[Content]) -> None:
        """Show these rows from the top; the search goes on in them."""
        self._rows = list(rows)
        self._layout()
        self.scroll_home(animate=False)

    def search(self, needle: str) -> str:
        """Mark every occurrence (any letter case) and go to the first; returns where that is in words."""
        self._hits = Hits((), needle)
        self._layout()
        return self.step(1)

    def step(self, direction: int) -> str:
        """Go to the next (1) or previous (-1) hit, around the ends; returns where that is ("2 of 7")."""
        line = self._hits.step(direction)
        if line is not None:
            self.scroll_to(y=max(0, line - self.size.height // 2), animate=False)
            self._draw()
        return self._hits.words

    def _layout(self) -> None:
        width = self.scrollable_content_region.width
        self._wrapped = [piece for row in self._rows for piece in wrap(row, width)]
        self._hits.look_in([row.plain for row in self._wrapped])
        self._draw()

    def _draw(self) -> None:
        rows = list(self._wrapped)
        for index in self._hits.lines:
            rows[index] = self._marked(rows[index], current=index == self._hits.line)
        self.query_one("#wrapped-text", Static).update(Content("\n").join(rows))

    def _marked(self, row: Content, *, current: bool) -> Content:
        text = row.plain.lower()
        style = "reverse bold" if current else "reverse"
        needle = self._hits.needle
        at = text.find(needle)
        while at >= 0:
            row = row.stylize(style, at, at + len(needle))
            at = text.find(needle, at + len(needle))
        return row
