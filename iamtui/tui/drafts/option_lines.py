"""OptionLines: a list to choose from, drawn line by line, with a filter that thousands of options do not slow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from iamtui.text import safe_text
from iamtui.tui.content import fit
from iamtui.tui.widgets.lists.line_list import LineView, Piece

_GAP, _LABEL_SHARE = 2, 45
"""Cells between the columns, and how many in a hundred the labels have where the notes need the rest."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One line to choose.

    Args:
        key: what choosing it gives; "" for a heading.
        label: raw text.
        note: raw text behind it, fainter.
        detail: raw text for a line of its own below the list, or "".
        makes_new: it makes something new of what was typed to narrow the list: it is listed whatever that is.
    """

    key: str
    label: str
    note: str = ""
    detail: str = ""
    makes_new: bool = False


class OptionLines(LineView):
    """Choices one a line; headings are skipped."""

    def __init__(self, choices: Sequence[Choice] = (), *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._choices: Sequence[Choice] = choices
        self._shown: Sequence[Choice] = choices
        self._needle = ""
        self._label_width = self._note_width = 0

    @property
    def choice(self) -> Choice | None:
        return self._shown[self.cursor] if self._shown and self._shown[self.cursor].key else None

    @property
    def shown(self) -> Sequence[Choice]:
        return self._shown

    def set_choices(self, choices: Sequence[Choice], cursor: int = 0) -> None:
        """List these choices, filtered as before."""
        self._choices = choices
        self.narrow(self._needle, cursor)

    def narrow(self, needle: str, cursor: int = 0) -> int:
        """List only what has every word of the needle; returns how many."""
        self._needle = needle
        words = needle.lower().split()
        if words:
            kept = [c for c in self._choices if c.key and all(word in f"{c.label} {c.note}".lower() for word in words)]
            kept.sort(key=lambda c: (not c.label.lower().startswith(words[0]), words[0] not in c.label.lower()))
            self._shown = [*kept, *(c for c in self._choices if c.makes_new and c not in kept)]
        else:
            self._shown = self._choices
        noted = [c for c in self._shown[:500] if c.note]
        self._label_width = max((cell_len(safe_text(c.label)) for c in noted), default=0)
        self._note_width = max((cell_len(safe_text(c.note)) for c in noted), default=0)
        self.set_total(len(self._shown), cursor=cursor)
        return sum(1 for choice in self._shown if choice.key)

    def is_stop(self, index: int) -> bool:
        return bool(self._shown[index].key)

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        choice = self._shown[index]
        room = width - 2
        if not choice.key:
            return [Piece(fit(safe_text(choice.label), room), "heading")]
        if not choice.note:
            return [Piece(_fit_label(safe_text(choice.label), room))]
        column = min(self._label_width, max(room * _LABEL_SHARE // 100, room - self._note_width - _GAP))
        label, note = safe_text(choice.label), safe_text(choice.note)
        if cell_len(label) + _GAP + cell_len(note) > room:
            label = _fit_label(label, column)
        gap = max(0, column - cell_len(label)) + _GAP
        return [Piece(label + " " * gap), Piece(fit(note, room - cell_len(label) - gap), "faint")]


def _fit_label(label: str, width: int) -> str:
    """A label in at most so many cells; an ARN loses its beginning, which is the same in most of them."""
    if cell_len(label) <= width or "arn:" not in label:
        return fit(label, width)
    front, _, arn = label.partition("arn:")
    while arn and cell_len(front) + cell_len(arn) >= width:
        arn = arn[1:]
    return f"{front}…{arn}" if arn else fit(label, width)
