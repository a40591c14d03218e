"""A verdict as the screen draws it: mark, words, colour; alone, or before and after a draft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.content import Content

from iamtui.engine.decision import Decision
from iamtui.presentation.styled_words import Tone
from iamtui.presentation.verdict import VerdictWords, verdict_words
from iamtui.tui.content import TONES, line
from iamtui.tui.widgets.lists.line_list import Piece

ALLOWED: Final = TONES[Tone.ALLOWED]
DENIED: Final = TONES[Tone.DENIED]


@dataclass(frozen=True, slots=True)
class Verdict(VerdictWords):
    """A verdict and how it looks.

    Args:
        style: a theme variable.
    """

    style: str = ""

    @property
    def is_pending(self) -> bool:
        """Whether it is still being found."""
        return not self.word

    @property
    def text(self) -> str:
        return str(self)

    @property
    def content(self) -> Content:
        """The verdict as styled content on one line."""
        parts = [(f"{self.mark} {self.word}", f"bold {self.style}")]
        if self.rest:
            parts.append((f" {self.rest}", self.style))
        return Content.assemble(*parts)


PENDING: Final = Verdict("   ", "", "")
"""In place of a verdict that is still being found."""


def verdict(decision: Decision) -> Verdict:
    """The verdict of a decision, in the words used everywhere on screen."""
    words = verdict_words(decision)
    return Verdict(words.mark, words.word, words.rest, words.limit, TONES[words.tone])


# A verdict before and after a draft, and verdicts as pieces of lines.


_STYLES = {"[+]": "allowed", "[x]": "denied", "[-]": "denied", "[?]": "depends"}


@dataclass(frozen=True, slots=True)
class ComparedVerdict(Verdict):
    """The verdict after a draft, with the one before."""

    before: Verdict | None = None

    @property
    def changed(self) -> bool:
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
