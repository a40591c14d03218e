"""The tabs of the detail pane, on one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

_WITH_NUMBER = len(" 1  ")


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: an id for the code, a title and a count for people (None: no count)."""

    id: str
    title: str
    count: int | None = None


class TabBar(Widget):
    """Draws the tabs; a click chooses one. Keys belong to the screen, so that they work in every pane."""

    @dataclass(eq=False, repr=False)
    class Chosen(Message):
        """A tab was clicked."""

        tab: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._tabs: Sequence[Tab] = ()
        self._active = ""

    @property
    def tabs(self) -> Sequence[Tab]:
        return self._tabs

    def set_tabs(self, tabs: Sequence[Tab], active: str) -> None:
        if (tabs, active) != (self._tabs, self._active):
            self._tabs, self._active = tabs, active
            self.refresh()

    def _counts(self) -> list[str]:
        """What stands behind each title; nothing where all of it would be wider than the bar."""
        counts = [f" ({tab.count})" if tab.count is not None else "" for tab in self._tabs]
        needed = sum(_WITH_NUMBER + len(tab.title + count) for tab, count in zip(self._tabs, counts, strict=True))
        return counts if needed <= self.size.width else [""] * len(counts)

    def render(self) -> Content:
        """One line: number, title and count of every tab."""
        parts: list[tuple[str, str]] = []
        for index, (tab, count) in enumerate(zip(self._tabs, self._counts(), strict=True)):
            active = tab.id == self._active
            parts.append((f" {index + 1} ", "$match" if active else "$faint"))
            parts.append((tab.title, "bold underline $foreground" if active else "$muted"))
            if count:
                parts.append((count, "$muted" if active else "$faint"))
            parts.append((" ", ""))
        return Content.assemble(*parts)

    def on_click(self, event: events.Click) -> None:
        at = 0
        for tab, count in zip(self._tabs, self._counts(), strict=True):
            size = _WITH_NUMBER + len(tab.title + count)
            if at <= event.x < at + size:
                self.post_message(self.Chosen(tab.id))
                return
            at += size
