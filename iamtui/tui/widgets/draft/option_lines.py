"""OptionLines: a list to choose from, drawn line by line, with a filter that thousands of options do not slow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from iamtui.text import safe_text
from iamtui.tui.safe import fit
from iamtui.tui.widgets.line_view import LineView, Piece


@dataclass(frozen=True, slots=True)
class Choice:
    """One line to choose.

    Args:
        key: what choosing it gives; "" for a heading.
        label: raw text.
        note: raw text behind it, fainter.
        detail: raw text for a line of its own below the list, or "".
    """

    key: str
    label: str
    note: str = ""
    detail: str = ""


class OptionLines(LineView):
    """Choices one a line; headings are skipped."""

    def __init__(self, choices: Sequence[Choice] = (), *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._choices: Sequence[Choice] = choices
        self._shown: Sequence[Choice] = choices
        self._needle = ""
        self._label_width = 0

    @property
    def choice(self) -> Choice | None:
        """The choice under the cursor."""
        return self._shown[self.cursor] if self._shown and self._shown[self.cursor].key else None

    @property
    def shown(self) -> Sequence[Choice]:
        """The choices that are listed."""
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
            self._shown = kept
        else:
            self._shown = self._choices
        labels = self._shown[:500]
        self._label_width = max((cell_len(safe_text(c.label)) for c in labels if c.note), default=0)
        self.set_total(len(self._shown), cursor=cursor)
        return sum(1 for choice in self._shown if choice.key)

    def is_stop(self, index: int) -> bool:
        """Headings are skipped."""
        return bool(self._shown[index].key)

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """Label and note."""
        choice = self._shown[index]
        room = width - 2
        if not choice.key:
            return [Piece(fit(safe_text(choice.label), room), "heading")]
        label = fit(safe_text(choice.label), room)
        pieces = [Piece(label)]
        column = min(self._label_width, max(12, room * 2 // 3))
        gap = max(0, column - cell_len(label)) + 2
        left = room - cell_len(label) - gap
        if choice.note and left > 4:
            pieces += [Piece(" " * gap), Piece(fit(safe_text(choice.note), left), "faint")]
        return pieces
