"""ListPane: a list with its text while it is empty, details of its line, and a filter row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from iamtui.text import safe_text
from iamtui.tui.content import line
from iamtui.tui.widgets.inputs import AskRow
from iamtui.tui.widgets.lists.line_list import LineView

RowType = TypeVar("RowType")


ON_A_ROW: Final = frozenset({"open_line", "why", "draft", "export", "sort_by(1)", "reverse_sort"})
"""Actions that do nothing in a list without rows."""


class FilteredList(LineView, Generic[RowType]):
    """Rows of one kind, of which some are shown; the cursor stays on its row where that is one of them."""

    @dataclass(eq=False, repr=False)
    class FilterStep(Message):
        """h or l: the filter to the left or right."""

        direction: int

    shown: Sequence[RowType] = ()

    @property
    def row(self) -> RowType | None:
        return self.shown[self.cursor] if self.shown else None

    def show_rows(self, rows: Sequence[RowType], keep: RowType | None) -> None:
        self.shown = rows
        self.set_total(len(rows), cursor=next((at for at, row in enumerate(rows) if row == keep), 0))

    def on_unmount(self) -> None:
        """Drop the rows, of which a large account has thousands, before the collector would find them."""
        self.shown = ()

    def action_line_left(self) -> None:
        self.post_message(self.FilterStep(-1))

    def action_line_right(self) -> None:
        self.post_message(self.FilterStep(1))


class ListPane(Vertical):
    """Shows its list, or words in its place where the list is empty.

    Args:
        details: how many rows there are for what is said of the line under the cursor, with the rule above; 0: none.
    """

    DEFAULT_CSS: ClassVar[str] = """
    ListPane {
        height: 1fr;

        & LineView {
            height: 1fr;
        }
        & .-instead {
            height: 1fr;
            padding: 1 2;
            color: $muted;
            display: none;
        }
        & .-details {
            padding: 0 1;
            border-top: solid $rule;
        }
    }
    """

    def __init__(self, rows: LineView, *, details: int = 0) -> None:
        super().__init__()
        self._rows = rows
        self._instead = Static(classes="-instead")
        self._details = Static(classes="-details")
        self._least = details
        self._shares_room = False
        self._details.styles.height = details
        self._details.display = bool(details)

    def compose(self) -> ComposeResult:
        yield self._rows
        yield self._instead
        yield self._details

    def show(self, instead: Content | None) -> None:
        self._rows.display = instead is None
        self._instead.display = instead is not None
        if instead is not None:
            self._instead.update(instead)
            self.tell(Content(""))
        elif self.screen.focused is None:
            self._rows.focus()

    def on_resize(self) -> None:
        if self._shares_room:
            self.share_out()

    def share_out(self) -> None:
        """Have the details stand right below a short list, in the room that it leaves; also after a resize."""
        self._shares_room = True
        lines = self._rows.total + self._rows.HEADER_LINES
        is_short = lines + self._least < self.size.height
        self._rows.styles.height = lines if is_short else "1fr"
        self._details.styles.height = "1fr" if is_short else self._least

    def tell(self, words: Content) -> None:
        """Say something of the line under the cursor."""
        self._details.update(words)


class FilterRow(AskRow):
    """The line to type in what rows must hold; Enter goes back to the list, and the filter stays."""

    DEFAULT_CSS: ClassVar[str] = """
    FilterRow Label {
        margin-right: 0;
    }
    """

    @dataclass(eq=False, repr=False)
    class Narrowed(Message):
        """The filter text changed."""

        needle: str

    def __init__(self, rows: LineView, *, placeholder: str, needle: str = "") -> None:
        """Make the row; it is open where there is something to begin with."""
        super().__init__("/", placeholder=safe_text(placeholder), field_id="filter-needle")
        self._rows = rows
        self._needle = needle
        self.set_class(bool(needle), "-open")

    def on_mount(self) -> None:
        with self.prevent(Input.Changed):
            self.query_one(Input).value = self._needle

    def end(self) -> bool:
        """End the filter; False when there is none."""
        if not self.is_open:
            return False
        self.close()
        self.query_one(Input).value = ""
        self._rows.focus()
        return True

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Narrowed(event.value))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._rows.focus()


_ACTIVE: Final = "▸"


def filter_chips(entries: Iterable[tuple[str, str]], active: int, *more: tuple[str, str]) -> Content:
    """The filters with the keys 1 and on, in words and in a style that only the active one has; what else narrows."""
    chips: list[object] = []
    for at, (words, style) in enumerate(entries):
        is_active = at == active
        chip = f"{_ACTIVE if is_active else ' '}{at + 1} {words}"
        chips.append((chip, f"bold underline {style}" if is_active else "$muted"))
    return line(*chips, *more)
