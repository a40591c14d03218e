"""The one place where the screen says something: a line above the footer."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from iamtui.tui.safe import line, plain
from iamtui.tui.widgets.notice import Severity

_MARKS = {Severity.INFORMATION: "", Severity.WARNING: "! ", Severity.ERROR: "x "}
_STYLES = {Severity.INFORMATION: "$foreground", Severity.WARNING: "$verdict-depends", Severity.ERROR: "$verdict-denied"}
_SECONDS = {Severity.INFORMATION: 8.0, Severity.WARNING: 20.0, Severity.ERROR: 60.0}


MOST_LINES: Final = 5
"""How many lines a message may take; the style sheets say the same."""


def fitted(words: Content, width: int, most: int = MOST_LINES) -> Content:
    """The message in at most `most` lines: of one that is longer the middle goes, as what to do stands at its end."""
    if width <= 0 or len(words.wrap(width)) <= most:
        return words
    tail = words[-width * (most - 2) :]
    for head in range(width * 2, 0, -1):
        shorter = Content.assemble(words[:head].rstrip(), " … ", tail[_word_start(tail.plain) :])
        if len(shorter.wrap(width)) <= most:
            return shorter
    return tail


def _word_start(text: str) -> int:
    return text.find(" ") + 1


class MessageLine(Static):
    """Shows the last message; information goes after a while, progress stays until it is replaced."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, markup=False)
        self._fade: Timer | None = None
        self._words: Content = Content("")
        self._drawn = self._words
        self._waits = False
        self._until_answer = False

    @property
    def words(self) -> str:
        """The text that is shown."""
        return self._words.plain

    @property
    def waits(self) -> bool:
        """Whether the message is there until the user does something."""
        return self._waits

    def say(
        self,
        text: Content | str,
        severity: Severity = Severity.INFORMATION,
        *,
        stays: bool = False,
        until_next: bool = False,
        until_answer: bool = False,
    ) -> None:
        """Show a message in place of the one before.

        Args:
            text: Content from the helpers of `safe`, or raw text, which is made safe here.
            severity: also told by a mark in front, not by colour alone.
            stays: keep it until the next message.
            until_next: keep it until the user goes somewhere else, or the next message.
            until_answer: it is not true any more once a question has been answered.
        """
        words = text if isinstance(text, Content) else plain(text)
        self._words = line((_MARKS[severity], f"bold {_STYLES[severity]}"), words.stylize_before(_STYLES[severity]))
        self._show()
        if self._fade is not None:
            self._fade.stop()
        self._waits = until_next
        self._until_answer = until_answer
        self._fade = None if stays or until_next else self.set_timer(_SECONDS[severity], self.clear)

    def answered(self) -> None:
        """A question has been answered: what was true only before that goes."""
        if self._until_answer:
            self.clear()

    def clear(self) -> None:
        """Say nothing."""
        self._until_answer = False
        self._waits = False
        self._words = Content("")
        self._show()

    def _show(self) -> None:
        """Draw the words; the screen is laid out again only for words that take, or took, more than a line."""
        width = self.content_size.width
        fitting = fitted(self._words, width)
        long = any(words.cell_length > width for words in (self._drawn, fitting))
        self._drawn = fitting
        self.update(fitting, layout=long)

    def on_resize(self) -> None:
        """Fit what is said into the new width."""
        if fitted(self._words, self.content_size.width) != self._drawn:
            self._show()
