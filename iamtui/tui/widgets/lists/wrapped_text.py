"""WrappedText: long text that wraps to its width, scrolls from the keyboard and can be searched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

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
    """Cut texts into at most `most` lines of at most `width` cells; what is cut off is told by an ellipsis."""
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


class WrappedText(VerticalScroll, can_focus=True):
    """Shows rows of Content. `search` marks every hit; `step` goes to the next or previous one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_down", "Down", show=False, id="text.down"),
        Binding("k,up", "scroll_up", "Up", show=False, id="text.up"),
        Binding("g,home", "scroll_home", "Top", show=False, id="text.top"),
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
        self._needle = ""
        self._hits: list[int] = []
        self._at = -1

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
        self._needle = needle.lower()
        self._at = -1
        self._layout()
        return self.step(1) if needle else ""

    def step(self, direction: int) -> str:
        """Go to the next (1) or previous (-1) hit, around the ends; returns where that is ("2 of 7")."""
        if not self._hits:
            return "no match; Esc ends"
        self._at = (self._at + direction) % len(self._hits) if self._at >= 0 or direction > 0 else len(self._hits) - 1
        line = self._hits[self._at]
        self.scroll_to(y=max(0, line - self.size.height // 2), animate=False)
        self._draw()
        return f"{self._at + 1} of {len(self._hits)}"

    def _layout(self) -> None:
        width = self.scrollable_content_region.width
        self._wrapped = [piece for row in self._rows for piece in wrap(row, width)]
        self._hits = [i for i, row in enumerate(self._wrapped) if self._needle and self._needle in row.plain.lower()]
        self._draw()

    def _draw(self) -> None:
        rows = list(self._wrapped)
        for order, index in enumerate(self._hits):
            rows[index] = self._marked(rows[index], current=order == self._at)
        self.query_one("#wrapped-text", Static).update(Content("\n").join(rows))

    def _marked(self, row: Content, *, current: bool) -> Content:
        text = row.plain.lower()
        style = "reverse bold" if current else "reverse"
        at = text.find(self._needle)
        while at >= 0:
            row = row.stylize(style, at, at + len(self._needle))
            at = text.find(self._needle, at + len(self._needle))
        return row
