"""Verdicts as pieces of lines: alone, or before and after a draft."""

from __future__ import annotations

from iamtui.presentation.styled_words import Tone
from iamtui.presentation.verdict import VerdictWords
from iamtui.tui.widgets.lists.line_list import Piece


def verdict_pieces(verdict: VerdictWords | None) -> list[Piece]:
    """A verdict's mark in three cells, with a star if it has a limit; where a draft changes it, both (`[-]>[+]*`)."""
    if verdict is None:
        return [Piece("   ")]
    return [*_before_pieces(verdict), Piece(verdict.mark + verdict.star, _style(verdict))]


def verdict_word_pieces(verdict: VerdictWords, width: int) -> list[Piece]:
    """A verdict's mark and word in `width` cells; where a draft changes it, `[-]>[+] ALLOWED`.

    A limit is written out where there is room; else a star stands for it.
    """
    before = _before_pieces(verdict)
    room = width - sum(len(piece.text) for piece in before)
    written = f"{verdict.mark} {verdict.word} {verdict.limit}".rstrip()
    text = written if len(written) <= room else verdict.short
    return [*before, Piece(text.ljust(room), _style(verdict))]


def _before_pieces(verdict: VerdictWords) -> list[Piece]:
    before = verdict.before
    if before is None or not verdict.changed:
        return []
    return [Piece(before.mark + before.star, _style(before)), Piece(">", "muted")]


def _style(verdict: VerdictWords) -> str:
    return "muted" if verdict.tone is Tone.QUIET else verdict.tone
