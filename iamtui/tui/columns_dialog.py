"""ColumnsDialog: the columns of a table to show and to hide, each as soon as it is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from iamtui.tui.content import line
from iamtui.tui.dialogs import Choice, Dialog, DialogBox, OptionLines
from iamtui.tui.widgets.lists.line_list import LineView


class ColumnList(LineView):
    """A list whose columns can be chosen."""

    titles: ClassVar[Mapping[str, str]]
    """The titles of its columns, by their ids."""
    shown_columns: tuple[str, ...]

    def show_columns(self, ids: Sequence[str] | None) -> None:
        """Show these columns; None: all."""
        self.shown_columns = tuple(one for one in self.titles if one in (ids or ())) or tuple(self.titles)
        self.refresh()


def choose_columns(app: App[Any], kind: str, rows: ColumnList, wanted: MutableMapping[str, tuple[str, ...]]) -> None:
    """Let the user choose the columns of a list, and keep them in `wanted` under its kind."""

    def choose(ids: Sequence[str] | None) -> None:
        rows.show_columns(ids)
        wanted[kind] = rows.shown_columns

    app.push_screen(ColumnsDialog(kind, [*rows.titles.items()], lambda: rows.shown_columns, tuple, choose))


class ColumnsDialog(Dialog[None]):
    """Tells with each change which columns are wanted, or None: the usual ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "switch", "Show or hide", id="columns.switch", tooltip="Show the column, or hide it"),
        Binding("u", "usual", "Usual columns", id="columns.usual", tooltip="Show the usual columns"),
        Binding("escape,q,V", "close", "Close", id="columns.close", tooltip="Back to the table"),
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

    def __init__(
        self,
        title: str,
        columns: Sequence[tuple[str, str]],
        shown: Callable[[], Sequence[str]],
        hidden: Callable[[], Sequence[str]],
        changed: Callable[[Sequence[str] | None], object],
    ) -> None:
        """Make the dialog.

        Args:
            title: of the table; raw.
            columns: the id and the title of each, in their order.
            shown: gives the ids of those that are shown now.
            hidden: gives those of the others that are wanted and have no room.
        """
        super().__init__()
        self._title = title
        self._columns = columns
        self._shown_now = shown
        self._hidden_now = hidden
        self._wanted = {*shown(), *hidden()}
        self._changed = changed

    def compose(self) -> ComposeResult:
        with DialogBox() as box:
            box.border_title = line("Columns of ", (self._title, "bold"))
            yield OptionLines()
            key = "bold $match"
            yield Static(line(("space", key), " show, hide  ", ("u", key), " usual  ", ("Esc", key), " close"))

    def on_mount(self) -> None:
        self._draw()
        self.query_one(OptionLines).focus()

    def _choices(self) -> list[Choice]:
        hidden = self._hidden_now()
        return [
            Choice(one, f"{'[x]' if one in self._wanted else '[ ]'} {title}", "no room" if one in hidden else "")
            for one, title in self._columns
        ]

    @on(LineView.LineOpened)
    def action_switch(self) -> None:
        """Show the column under the cursor, or hide it."""
        chosen = self.query_one(OptionLines).choice
        if chosen is not None:
            self._wanted ^= {chosen.key}
            self._tell([one for one, _title in self._columns if one in self._wanted])

    def action_usual(self) -> None:
        self._tell(None)
        self._wanted = {*self._shown_now(), *self._hidden_now()}
        self._draw()

    def _tell(self, ids: Sequence[str] | None) -> None:
        self._changed(ids)
        self._draw()

    def _draw(self) -> None:
        lines = self.query_one(OptionLines)
        lines.set_choices(self._choices(), lines.cursor)

    def action_close(self) -> None:
        self.dismiss(None)
