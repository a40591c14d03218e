"""A verdict before and after a draft, in the words used everywhere. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from iamtui.tui.safe import line
from iamtui.tui.widgets.drawn_lines import Piece
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
    return ComparedVerdict(after.mark, after.word, after.rest, after.limit, after.style, before)


def verdict_pieces(verdict: Verdict | None) -> list[Piece]:
    """A verdict's mark in three cells, with a star if it has a limit; where a draft changes it, both (`[-]>[+]*`)."""
    if verdict is None:
        return [Piece("   ")]
    return [*_before_pieces(verdict), Piece(verdict.mark + verdict.star, _style(verdict))]


def verdict_word_pieces(verdict: Verdict, width: int) -> list[Piece]:
    """A verdict's mark and word in `width` cells; where a draft changes it, `[-]>[+] ALLOWED`.

    A limit is written out where there is room; else a star stands for it.
    """
    before = _before_pieces(verdict)
    room = width - sum(len(piece.text) for piece in before)
    written = f"{verdict.mark} {verdict.word} {verdict.limit}".rstrip()
    text = written if len(written) <= room else verdict.short
    return [*before, Piece(text.ljust(room), _style(verdict))]


def _before_pieces(verdict: Verdict) -> list[Piece]:
    """The mark before a draft, where that changes it."""
    if not isinstance(verdict, ComparedVerdict) or not verdict.changed or verdict.before is None:
        return []
    before = verdict.before
    return [Piece(before.mark + before.star, _style(before)), Piece(">", "muted")]


def _style(verdict: Verdict) -> str:
    return _STYLES.get(verdict.mark, "muted")
