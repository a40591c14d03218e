"""The tabs of an entity, and the bar that draws them on one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class TabId(StrEnum):
    """Tabs of the detail pane; the text of one is its name in the state file."""

    OVERVIEW = "overview"
    POLICIES = "policies"
    TRUST = "trust"
    ACCESS = "access"
    JSON = "json"


_WITH_NUMBER = len(" 1  ")


class EntityTab(Struct, frozen=True):
    """One tab, with a title and a count for people (None: no count)."""

    id: TabId
    title: str
    count: int | None = None


class TabBar(Widget):
    """Draws the tabs; a click chooses one. Keys belong to the screen, so that they work in every pane."""

    @dataclass(eq=False, repr=False)
    class TabChosen(Message):
        """A tab was clicked."""

        tab: TabId

    _tabs: Sequence[EntityTab] = ()
    _active: TabId | None = None

    @property
    def tabs(self) -> Sequence[EntityTab]:
        return self._tabs

    def set_tabs(self, tabs: Sequence[EntityTab], active: TabId) -> None:
        if (tabs, active) != (self._tabs, self._active):
            self._tabs, self._active = tabs, active
            self.refresh()

    def _counts(self) -> list[str]:
        """Counts behind the titles; nothing where all of it would be wider than the bar."""
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
        whole, width = Content.assemble(*parts), self.size.width
        return whole if whole.cell_length - 1 <= width else whole[: max(0, width - 1)].append("…")

    def places(self) -> Iterator[tuple[TabId | None, int]]:
        """The id of each tab, and the column where it begins; last None, and where the tabs end."""
        at = 0
        for tab, count in zip(self._tabs, self._counts(), strict=True):
            yield tab.id, at
            at += _WITH_NUMBER + len(tab.title + count)
        yield None, at

    def on_click(self, event: events.Click) -> None:
        tab = [tab for tab, at in self.places() if at <= event.x][-1]
        if tab is not None:
            self.post_message(self.TabChosen(tab))
