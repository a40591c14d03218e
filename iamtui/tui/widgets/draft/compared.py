"""A verdict before and after a draft, in the words used everywhere. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from iamtui.tui.safe import line
from iamtui.tui.widgets.line_view import Piece
from iamtui.tui.widgets.question.verdict_look import Verdict

_STYLES = {"[+]": "allowed", "[x]": "denied", "[-]": "denied", "[?]": "depends"}


@dataclass(frozen=True, slots=True)
class ComparedVerdict(Verdict):
    """The verdict after a draft, with the one before."""

    before: Verdict | None = None

    @property
    def changed(self) -> bool:
        """Whether the draft changes the verdict."""
        return self.before is not None and self.before.text != self.text

    @property
    def words(self) -> Content:
        """`was [-] DENIED no allow, now [+] ALLOWED`, or the one verdict and that the draft does not change it."""
        now = self.content
        if self.before is None:
            return now
        if not self.changed:
            return line(now, ("  before and after", "$muted"))
        return line(("was ", "$muted"), self.before.content, (", now ", "$muted"), now)


def compared(before: Verdict | None, after: Verdict) -> ComparedVerdict:
    """The verdict after, which knows the one before."""
    return ComparedVerdict(after.mark, after.word, after.rest, after.style, before)


def verdict_pieces(verdict: Verdict | None) -> list[Piece]:
    """A verdict's mark in three cells; where a draft changes it, both marks in seven (`[-]>[+]`)."""
    if verdict is None:
        return [Piece("   ")]
    mark = Piece(verdict.mark, _STYLES.get(verdict.mark, "muted"))
    if isinstance(verdict, ComparedVerdict) and verdict.changed and verdict.before is not None:
        return [Piece(verdict.before.mark, _STYLES[verdict.before.mark]), Piece(">", "muted"), mark]
    return [mark]


def verdict_word_pieces(verdict: Verdict, width: int) -> list[Piece]:
    """A verdict's mark and word in `width` cells; where a draft changes it, `[-]>[+] ALLOWED`."""
    pieces = [*verdict_pieces(verdict), Piece(f" {verdict.word}", _STYLES.get(verdict.mark, "muted"))]
    used = sum(len(piece.text) for piece in pieces)
    return [*pieces, Piece(" " * max(0, width - used))]
