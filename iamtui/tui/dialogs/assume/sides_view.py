"""SidesView: what the role's side and the caller's side say to sts:AssumeRole, a line each."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Label, Static

from iamtui.tui.safe import line, plain
from iamtui.workspace.assume.sides import Side, SideAnswer, Sides

_WORDS: Final = {
    SideAnswer.YES: ("[+] yes:", "$verdict-allowed"),
    SideAnswer.DENIED: ("[x] no:", "$verdict-denied"),
    SideAnswer.NOTHING: ("[-] no:", "$verdict-denied"),
    SideAnswer.DEPENDS: ("[?]", "$verdict-depends"),
    SideAnswer.UNKNOWN: ("[?] not known:", "$verdict-depends"),
}


class SidesView(Vertical):
    """Two lines, and a third for what they mean together."""

    DEFAULT_CSS = """
    SidesView {
        height: auto;
        margin-bottom: 1;

        & Horizontal {
            height: auto;
        }
        & Static {
            width: 1fr;
            height: auto;
        }
        & Label {
            width: 16;
            color: $muted;
        }
        & #assume-outlook.-empty {
            display: none;
        }
    }
    """

    def compose(self) -> ComposeResult:
        """Trust, own side, outlook."""
        with Horizontal():
            yield Label("Trust")
            yield Static(id="assume-trust")
        with Horizontal():
            yield Label("Your side")
            yield Static(id="assume-own")
        yield Static(id="assume-outlook", classes="-empty")

    def show(self, sides: Sides, outlook: Content) -> None:
        """Show both sides."""
        self.query_one("#assume-trust", Static).update(side_content(sides.trust))
        self.query_one("#assume-own", Static).update(side_content(sides.own))
        self._look(outlook)

    def wait(self, words: Content) -> None:
        """Say why there is no answer yet."""
        self.query_one("#assume-trust", Static).update(words)
        self.query_one("#assume-own", Static).update(plain("…", "$muted"))
        self._look(Content(""))

    def _look(self, outlook: Content) -> None:
        self.query_one("#assume-outlook", Static).update(outlook)
        self.query_one("#assume-outlook").set_class(not outlook, "-empty")


def side_content(side: Side) -> Content:
    """Mark, word and reason of one side."""
    words, style = _WORDS[side.answer]
    return line((words, f"bold {style}"), " ", side.why)
