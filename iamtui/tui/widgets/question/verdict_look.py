"""What a verdict looks like: mark, words, colour. Knows no engine, so that it is there before the first frame.

A verdict is always a mark and words; the colour (a theme variable) only repeats them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.content import Content

from iamtui.workspace.questions.verdict_words import VerdictWords

ALLOWED: Final = "$verdict-allowed"
DENIED: Final = "$verdict-denied"
DEPENDS: Final = "$verdict-depends"
"""Theme variables that colour verdicts."""

QUIET: Final = "$muted"


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
        """The verdict as plain text on one line."""
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
