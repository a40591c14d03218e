"""The yardstick of the start-up figure: a Textual app with widgets like those of iamtui's screen, and nothing in them.

Run as a module, it says READY in its first frame.
"""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Footer, Input, Label, OptionList, Static, Tab, Tabs, Tree

READY = "READY FOR NOTHING"


class EmptyApp(App[None]):
    """Status line, filter and tree; tabs and a table; three fields with completions; lists, message line, footer."""

    CSS = """
    #left { width: 36; }
    #question Input { width: 1fr; }
    #question Horizontal { height: 1; }
    #question OptionList { display: none; }
    """

    def compose(self) -> ComposeResult:
        """Lay the widgets out as on iamtui's screen at 120x40."""
        yield Static(READY)
        with Horizontal():
            with Vertical(id="left"):
                yield Input(placeholder="filter", compact=True)
                yield Static()
                yield Tree("account")
            with Vertical():
                yield Tabs(Tab("Overview"), Tab("Policies"), Tab("JSON"))
                yield DataTable()
                with Vertical(id="question"):
                    for name in ("Action", "Resource", "Context"):
                        with Horizontal():
                            yield Label(name)
                            yield Input(compact=True)
                        yield OptionList()
                    yield Static("verdict")
                    yield Static("because")
                    yield Static("notes")
                yield OptionList()
        yield Static("message")
        yield Footer()


if __name__ == "__main__":
    EmptyApp().run()
