"""FailureView: why a role was not assumed, scrollable, until the input changes."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from iamtui.problem import Problem
from iamtui.tui.safe import line, lines, plain
from iamtui.workspace.connecting import login_command

_OURS: Final = "By our own reading"
"""Where an explanation of ours begins behind AWS's own words."""


class FailureView(VerticalScroll, can_focus=False):
    """Empty it takes no room; long it scrolls with Page Up and Page Down from any field."""

    DEFAULT_CSS = """
    FailureView {
        height: auto;
        dock: bottom;
        max-height: 8;
        margin-top: 1;
        scrollbar-size-vertical: 1;

        &.-empty {
            display: none;
        }
        & Static {
            height: auto;
        }
    }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes="-empty")

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static()

    def show_problem(self, problem: Problem) -> None:
        """Say what went wrong and, below it, what to do."""
        said, ours, reading = problem.sentence.partition(_OURS)
        rows = [line(("! ", "bold $verdict-denied"), (said.rstrip(), "$verdict-denied"))]
        if reading:
            rows.append(line(f"{ours}{reading}"))
        if problem.next_step:
            rows.append(line(("> ", "bold $match"), problem.next_step))
        if login_command(problem):
            rows.append(line(("> ", "bold $match"), "Then ", ("F5", "bold $match"), " tries again."))
        self._show(rows)

    def say(self, *sentences: str, style: str = "$verdict-denied") -> None:
        """Say sentences, one below the other; none empties it."""
        self._show([line(("! ", f"bold {style}"), (sentence, style)) for sentence in sentences if sentence])

    def progress(self, words: str) -> None:
        """Say how far a call has come."""
        self._show([plain(words, "$muted")])

    def _show(self, rows: list[Content]) -> None:
        self.query_one(Static).update(lines(*rows))
        self.set_class(not rows, "-empty")
        self.scroll_home(animate=False)
