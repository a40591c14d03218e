"""A JSON document with line numbers, coloured line by line as it is drawn, so that its length costs nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label

from iamtui.text import safe_text
from iamtui.tui.content import document_lines, plain
from iamtui.tui.explorer.listings import RowsView
from iamtui.tui.widgets.inputs import SafeInput
from iamtui.tui.widgets.lists.line_list import LineView, Piece
from iamtui.tui.widgets.lists.wrapped_text import Hits

if TYPE_CHECKING:
    from iamtui.policy.document import PolicyDocument


# FindLine: where one types what to find in a document.


class FindLine(Horizontal):
    """Hidden until it is opened. Enter keeps the hits marked, Escape ends the search."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "end", "End finding", id="find.end", tooltip="End finding"),
    ]

    DEFAULT_CSS = """
    FindLine {
        height: 1;
        padding: 0 1;
        display: none;

        & Label {
            width: auto;
            color: $heading;
        }
        & Input {
            width: 1fr;
            background: $foreground 10%;
        }
        & #find-count {
            padding-left: 1;
            color: $muted;
        }
    }
    """

    @dataclass(eq=False, repr=False)
    class SearchChanged(Message):
        """The search text changed; "" ends the search."""

        needle: str

    @dataclass(eq=False, repr=False)
    class SearchLeft(Message):
        """The focus belongs back into the document."""

    def __init__(self, what: str = "find", *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._what = what

    async def open(self) -> None:
        self.display = True
        if not self.children:
            # Nobody needs a slash, the field, and which hit of how many in the first frame.
            needle = SafeInput(
                placeholder=safe_text(f"{self._what}: Enter, then n and N"), compact=True, id="find-needle"
            )
            await self.mount(Label("/"), needle, Label(id="find-count"))
        field = self.query_one(Input)
        field.value = ""
        field.focus()

    def tell(self, words: str) -> None:
        if self.children:
            self.query_one("#find-count", Label).update(plain(words))

    def action_end(self) -> None:
        self.display = False
        self.post_message(self.SearchChanged(""))
        self.post_message(self.SearchLeft())

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.SearchChanged(event.value))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.SearchLeft())


class DocumentView(LineView):
    """A document to read: no cursor, the keys scroll; lines of a statement can be marked."""

    HAS_CURSOR = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "Find", key_display="/", id="document.find", tooltip="Find a text in the document"),
        Binding("n", "step(1)", "Next", id="document.next", tooltip="Go to the next hit"),
        Binding("N", "step(-1)", "Previous", id="document.previous", tooltip="Go to the hit before"),
        Binding("escape", "end_find", "End finding", show=False, id="document.end-find", tooltip="End finding"),
    ]

    @dataclass(eq=False, repr=False)
    class FindEnded(Message):
        """The user needs no hits any more."""

    @dataclass(eq=False, repr=False)
    class FindWanted(Message):
        """The user wants to type what to find."""

    @dataclass(eq=False, repr=False)
    class Stepped(Message):
        """The user went to another hit; `words` say which."""

        words: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._lines: list[str] = []
        self._json = True
        self._marked = range(0)
        self._document: PolicyDocument | None = None
        self._hits = Hits()
        self._changed: frozenset[int] = frozenset()
        self._gone: frozenset[int] = frozenset()

    @property
    def marked(self) -> range:
        return self._marked

    @property
    def text(self) -> str:
        return "\n".join(self._lines)

    def show_document(self, document: PolicyDocument) -> None:
        """Show a policy document; an unreadable one as plain text, below why it cannot be read."""
        if document is self._document:
            return
        if document.error is not None:
            self.show_words(f"This document cannot be read: {document.error}", "", *document_lines(document.text))
        else:
            self.show_json(document.text)
        self._document = document

    def show_json(self, text: str, changed: frozenset[int] = frozenset(), gone: frozenset[int] = frozenset()) -> None:
        """Show JSON text in its canonical rendering.

        Args:
            changed: the numbers of lines that a draft changed.
            gone: the numbers of lines that a draft takes away: they are shown, and not counted.
        """
        self._show(document_lines(text), as_json=True)
        self._changed, self._gone = changed, gone

    def show_first_change(self) -> None:
        touched = self._changed | self._gone
        self._show_hit(min(touched) - 1 if touched else None)

    def show_words(self, *lines: str) -> None:
        """Show plain lines instead of a document, such as why there is none."""
        self._show([part for line in lines for part in document_lines(line)], as_json=False)

    def _show(self, lines: list[str], *, as_json: bool) -> None:
        self._document, self._marked, self._changed, self._gone = None, range(0), frozenset(), frozenset()
        self._lines, self._json = lines, as_json
        self._hits = Hits(lines, self._hits.needle)
        widest = max((len(line) if line.isascii() else cell_len(line) for line in lines), default=0)
        self.scroll_to(x=0, y=0, animate=False)
        self.set_total(len(lines), width=widest + self._gutter + 1)

    def mark_lines(self, lines: tuple[int, int] | None) -> None:
        """Mark the lines from the first to the last number, both included, and show them; None: unmark."""
        self._marked = range(lines[0], lines[1] + 1) if lines is not None else range(0)
        if lines is not None:
            first, last = lines[0] - 1, lines[1] - 1
            top = max(0, min(first - 1, last - self.page + 2)) if last - first + 1 < self.page else first
            visible = self.visible_range()
            if first not in visible or last not in visible:
                self.scroll_to(y=top, animate=False, force=True)
        self.refresh()

    def find(self, needle: str) -> str:
        """Mark every occurrence (any letter case) and go to the first; "" ends it. Returns where that is in words."""
        self._hits = Hits(self._lines, needle)
        self._show_hit(self._hits.step(1))
        return self._hits.words

    def _show_hit(self, line: int | None) -> None:
        if line is not None and line not in self.visible_range():
            self.scroll_to(y=max(0, line - self.page // 2), animate=False, force=True)
        self.refresh()

    def action_find(self) -> None:
        self.post_message(self.FindWanted())

    def action_step(self, direction: int) -> None:
        self._show_hit(self._hits.step(direction))
        self.post_message(self.Stepped(self._hits.words or "Nothing is looked for: / starts."))

    def action_end_find(self) -> None:
        self.find("")
        self.post_message(self.FindEnded())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There are hits to step to, or to forget, only while something is looked for."""
        if action in ("step", "end_find") and not self._hits.needle:
            return False
        return super().check_action(action, parameters)

    @property
    def _gutter(self) -> int:
        return len(str(len(self._lines))) + 3 if self._json else 1

    def pieces(self, index: int, width: int) -> Sequence[Piece]:  # noqa: ARG002 - scrolls instead of cutting
        line = self._lines[index]
        if not self._json:
            return [Piece(" "), Piece(line, "muted")]
        gone = index + 1 in self._gone
        above = sum(number <= index for number in self._gone)
        number = ("" if gone else str(index + 1 - above)).rjust(self._gutter - 2)
        coloured: Sequence[Piece] = json_pieces(line)
        if self._hits.needle:
            coloured = list(self._hits.marked(coloured))
        if index + 1 in self._marked:
            return [Piece(number, "statement-bar"), Piece("▐ ", "statement-bar"), *coloured]
        if index == self._hits.line:
            return [Piece(number, "hit"), Piece("▸ ", "match"), *coloured]
        if gone:
            return [Piece(number), Piece("- ", "denied"), Piece(line, "muted")]
        if index + 1 in self._changed:
            return [Piece(number, "warning"), Piece("~ ", "warning"), *coloured]
        return [Piece(number, "faint"), Piece("  "), *coloured]

    def line_background(self, index: int) -> str:
        """The marked statement lies on another ground."""
        return "statement" if index + 1 in self._marked else ""

    def action_line_left(self) -> None:
        """Scroll left; at the left edge go back to the tree."""
        if self.scroll_offset.x == 0:
            self.post_message(RowsView.LeftTowardsTree())
        else:
            super().action_line_left()


# FindsInDocument: what a pane with a document and a line to find texts in it does with their messages.


class FindsInDocument(Vertical):
    """`/` finds, `n` and `N` go on, Escape ends the search. The pane holds one `FindLine`."""

    @property
    def view(self) -> DocumentView:
        return self.query_one(DocumentView)

    @on(DocumentView.FindWanted)
    async def _find_wanted(self, event: DocumentView.FindWanted) -> None:
        event.stop()
        await self.query_one(FindLine).open()

    @on(DocumentView.FindEnded)
    def _find_ended(self, event: DocumentView.FindEnded) -> None:
        event.stop()
        self.query_one(FindLine).display = False

    @on(FindLine.SearchChanged)
    def _find_changed(self, event: FindLine.SearchChanged) -> None:
        event.stop()
        self.query_one(FindLine).tell(self.view.find(event.needle))

    @on(FindLine.SearchLeft)
    def _find_left(self, event: FindLine.SearchLeft) -> None:
        event.stop()
        self.view.focus()

    @on(DocumentView.Stepped)
    def _stepped(self, event: DocumentView.Stepped) -> None:
        event.stop()
        self.query_one(FindLine).tell(event.words)


# One line of JSON in colours.


_TOKENS: Final = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*"(?=\s*:))|(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|(?P<constant>true|false|null)|(?P<punctuation>[\[\]{},:])"
)
"""Pygments would do, but takes a fiftieth of the time to the first frame to be loaded."""

_EFFECTS: Final = {'"Allow"': "allowed", '"Deny"': "denied"}


@lru_cache(maxsize=4096)
def json_pieces(line: str) -> tuple[Piece, ...]:
    """One line of canonical JSON (no text runs over a line end there) as pieces."""
    effects = _EFFECTS if line.lstrip().startswith('"Effect":') else {}
    pieces: list[Piece] = []
    at = 0
    for token in _TOKENS.finditer(line):
        pieces.append(Piece(line[at : token.start()]))
        pieces.append(Piece(token[0], effects.get(token[0], f"json-{token.lastgroup}")))
        at = token.end()
    return tuple(piece for piece in (*pieces, Piece(line[at:])) if piece.text)
