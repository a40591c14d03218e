"""A verdict as the screen draws it: mark, words, colour. Pure, no widget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.content import Content

from iamtui.engine.decision import Decision
from iamtui.presentation.styled_words import Tone
from iamtui.presentation.verdict import VerdictWords, verdict_words
from iamtui.tui.content import TONES

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
