"""Dialogs of lists: menus whose lines have letters, and the columns of a table to show and to hide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

from rich.cells import cell_len
from textual import events, on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from iamtui.text import safe_text
from iamtui.tui.content import fit, line, lines, plain
from iamtui.tui.dialogs.dialogs import Choice, Dialog, DialogBox, OptionLines
from iamtui.tui.widgets.lists.line_list import LineView, Piece

# MenuDialog: a list in groups, each line with a letter that chooses it, and what to know about the line below.


LABEL_WIDTH: Final = 24
"""Longest label that gets a column."""


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
    class ItemChosen(Message):
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
            self.post_message(self.ItemChosen(found, by_letter=True))

    def action_open_line(self) -> None:
        self.post_message(self.ItemChosen(self.item, by_letter=False))


class MenuDialog(Dialog[str | None]):
    """Gives the key of the line that was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Cancel", id="menu.cancel", tooltip="Choose nothing"),
    ]

    DEFAULT_CSS = """
    MenuDialog {
        & > DialogBox {
            width: 94%;
            max-width: 104;
            height: 92%;
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
        with DialogBox(self._title, "a letter or Enter choose  Esc back"):
            yield MenuLines(self._items, id="menu")
            yield Static(id="menu-detail", markup=False)

    def on_mount(self) -> None:
        # The frame, and the rule and three rows below the list.
        self.query_one(DialogBox).styles.max_height = min(len(self._items) + 6, 34)
        self.query_one(MenuLines).focus()

    @on(LineView.CursorMoved)
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        item = self.query_one(MenuLines).item
        rows = [plain(item.value, "$foreground")] if item.value else []
        self.query_one("#menu-detail", Static).update(lines(*rows, plain(item.detail)))

    @on(MenuLines.ItemChosen)
    def _chosen(self, event: MenuLines.ItemChosen) -> None:
        event.stop()
        self.dismiss(event.item.key)


# ColumnsDialog: the columns of a table, each shown or hidden as soon as it is chosen.


class HasColumns(Protocol):
    """A list whose columns can be chosen."""

    @property
    def titles(self) -> Mapping[str, str]:
        """The titles of its columns, by their ids."""

    @property
    def shown_columns(self) -> Sequence[str]:
        """The ids of those that are shown now."""

    @property
    def hidden_columns(self) -> Sequence[str]:
        """The ids of those that are wanted and have no room."""

    def show_columns(self, ids: Sequence[str] | None, /) -> None:
        """Show these columns; None: the usual ones."""


class ColumnList(LineView):
    """A list that has room for all of its columns."""

    titles: ClassVar[Mapping[str, str]]
    shown_columns: tuple[str, ...]
    hidden_columns: ClassVar[Sequence[str]] = ()

    def show_columns(self, ids: Sequence[str] | None) -> None:
        """Show these columns; None: all."""
        self.shown_columns = tuple(one for one in self.titles if one in (ids or ())) or tuple(self.titles)
        self.refresh()


def choose_columns(
    app: App[Any], kind: str, rows: HasColumns, wanted: MutableMapping[str, tuple[str, ...]], title: str = ""
) -> None:
    """Let the user choose the columns of a list, and keep them in `wanted` under its kind, by which it is called."""

    def choose(ids: Sequence[str] | None) -> None:
        wanted.pop(kind, None)
        if ids is not None:
            wanted[kind] = tuple(ids)
        rows.show_columns(ids)

    app.push_screen(ColumnsDialog(title or kind, rows, choose))


class ColumnsDialog(Dialog[None]):
    """Tells with each change which columns are wanted, or None: the usual ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "switch", "Show or hide", id="columns.switch", tooltip="Show the column, or hide it"),
        Binding("u", "usual", "Usual columns", id="columns.usual", tooltip="Show the usual columns"),
        Binding("escape,q,v", "dismiss", "Close", id="columns.close", tooltip="Back to the table"),
    ]

    DEFAULT_CSS = """
    ColumnsDialog {
        align: right middle;
        background: transparent;

        & > DialogBox {
            width: 40;
            max-height: 90%;
        }
        & OptionLines {
            height: auto;
            max-height: 16;
        }
        & Static {
            margin-top: 1;
            color: $muted;
        }
    }
    """

    def __init__(self, title: str, rows: HasColumns, changed: Callable[[Sequence[str] | None], object]) -> None:
        super().__init__()
        self._title = title
        self._list = rows
        self._wanted = {*rows.shown_columns, *rows.hidden_columns}
        self._changed = changed

    def compose(self) -> ComposeResult:
        with DialogBox(line("Columns of ", (self._title, "bold"))):
            yield OptionLines()
            key = "bold $match"
            yield Static(line(("space", key), " show, hide  ", ("u", key), " usual  ", ("Esc", key), " close"))

    def on_mount(self) -> None:
        self._draw()
        self.query_one(OptionLines).focus()

    def _choices(self) -> list[Choice]:
        hidden = self._list.hidden_columns
        return [
            Choice(one, f"{'[x]' if one in self._wanted else '[ ]'} {title}", "no room" if one in hidden else "")
            for one, title in self._list.titles.items()
        ]

    @on(LineView.LineOpened)
    def action_switch(self) -> None:
        chosen = self.query_one(OptionLines).choice
        if chosen is not None:
            self._wanted ^= {chosen.key}
            self._tell([one for one in self._list.titles if one in self._wanted])

    def action_usual(self) -> None:
        self._tell(None)
        self._wanted = {*self._list.shown_columns, *self._list.hidden_columns}
        self._draw()

    def _tell(self, ids: Sequence[str] | None) -> None:
        self._changed(ids)
        self._draw()

    def _draw(self) -> None:
        lines = self.query_one(OptionLines)
        lines.set_choices(self._choices(), lines.cursor)
