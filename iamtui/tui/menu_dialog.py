"""MenuDialog: a list in groups, each line with a letter that chooses it, and what to know about the line below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from iamtui.text import safe_text
from iamtui.tui.content import fit, line, lines, plain
from iamtui.tui.dialogs import Dialog, DialogBox
from iamtui.tui.widgets.lists.line_list import LineView, Piece

LABEL_WIDTH: Final = 24
"""Labels up to this long stand in a column."""


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One line of a menu; all texts are raw.

    Args:
        key: what choosing it gives; "" for a heading.
        label: what it is.
        letter: the key that chooses it, or "" for none.
        value: what stands behind the label.
        detail: said below the list while the cursor is on it.
    """

    key: str
    label: str
    letter: str = ""
    value: str = ""
    detail: str = ""


class MenuLines(LineView):
    """The lines; headings are skipped."""

    @dataclass(eq=False, repr=False)
    class Chosen(Message):
        """A letter was pressed, or Enter (`by_letter` is then false)."""

        item: MenuItem
        by_letter: bool

    def __init__(self, items: Sequence[MenuItem], *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._items = items
        widest = max((cell_len(safe_text(item.label)) for item in items if item.value), default=0)
        self._label_width = min(widest, LABEL_WIDTH)

    def on_mount(self) -> None:
        self.set_total(len(self._items))

    @property
    def item(self) -> MenuItem:
        return self._items[self.cursor]

    def is_stop(self, index: int) -> bool:
        return bool(self._items[index].key)

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        item = self._items[index]
        if not item.key:
            return [Piece(fit(safe_text(item.label), width - 2), "heading")]
        label = fit(safe_text(item.label), width - 4)
        pieces = [Piece(f"{item.letter:1} ", "match"), Piece(label)]
        gap = max(0, self._label_width - cell_len(label)) + 2
        room = width - 4 - cell_len(label) - gap
        if item.value and room > 4:
            pieces += [Piece(" " * gap), Piece(fit(safe_text(item.value), room), "muted")]
        return pieces

    def on_key(self, event: events.Key) -> None:
        found = next((item for item in self._items if item.letter and item.letter == event.character), None)
        if found is not None:
            event.stop()
            event.prevent_default()
            self.post_message(self.Chosen(found, by_letter=True))

    def action_open_line(self) -> None:
        self.post_message(self.Chosen(self.item, by_letter=False))


class MenuDialog(Dialog[str | None]):
    """Gives the key of the line that was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", "Cancel", id="menu.cancel", tooltip="Choose nothing"),
    ]

    DEFAULT_CSS = """
    MenuDialog {
        & > DialogBox {
            width: 94%;
            max-width: 104;
            height: 92%;
            max-height: 34;
        }
        & MenuLines {
            height: 1fr;
        }
        & #menu-detail {
            height: auto;
            min-height: 3;
            max-height: 6;
            border-top: solid $rule;
            color: $muted;
        }
    }
    """

    def __init__(self, title: Content, items: Sequence[MenuItem]) -> None:
        super().__init__()
        self._title = title
        self._items = items

    def compose(self) -> ComposeResult:
        with DialogBox() as box:
            box.border_title = self._title
            box.border_subtitle = line("a letter or Enter choose  Esc back")
            yield MenuLines(self._items, id="menu")
            yield Static(id="menu-detail", markup=False)

    def on_mount(self) -> None:
        self.query_one(MenuLines).focus()

    @on(LineView.CursorMoved)
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        item = self.query_one(MenuLines).item
        rows = [plain(item.value, "$foreground")] if item.value else []
        self.query_one("#menu-detail", Static).update(lines(*rows, plain(item.detail)))

    @on(MenuLines.Chosen)
    def _chosen(self, event: MenuLines.Chosen) -> None:
        event.stop()
        self.dismiss(event.item.key)

    def action_cancel(self) -> None:
        self.dismiss(None)
