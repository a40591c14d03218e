"""Hits of a search in a document: on which lines, which one is the present one, and how a line shows them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iamtui.tui.widgets.drawn_lines import Piece


class Hits:
    """The lines that hold a text (any letter case), and the place among them. Stepping goes around the ends."""

    def __init__(self, lines: Sequence[str] = (), needle: str = "") -> None:
        self.needle = needle.lower()
        self.lines = [at for at, line in enumerate(lines) if self.needle and self.needle in line.lower()]
        self._at = -1

    @property
    def line(self) -> int | None:
        """The line of the present hit, from 0; None before the first step, or without hits."""
        return self.lines[self._at] if self.lines and self._at >= 0 else None

    @property
    def words(self) -> str:
        """The place in words: "2 of 7", or "nothing found"; "" when nothing is looked for."""
        if not self.needle:
            return ""
        return f"{self._at + 1} of {len(self.lines)}" if self.lines else "nothing found"

    def step(self, direction: int) -> int | None:
        """Go to the next (1) or previous (-1) line with a hit, and give it."""
        if self.lines:
            first = 0 if direction > 0 else len(self.lines) - 1
            self._at = (self._at + direction) % len(self.lines) if self._at >= 0 else first
        return self.line

    def marked(self, pieces: Sequence[Piece]) -> Iterator[Piece]:
        """The pieces of a line, cut so that what was looked for stands out."""
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
