"""Entities of a branch, as a sortable table drawn line by line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message

from iamtui.account.model import Account, Entity, Role, User
from iamtui.text import counted
from iamtui.tui.dialogs.list_dialogs import choose_columns
from iamtui.tui.explorer.listings import RowsView
from iamtui.tui.explorer.table_columns import GAP, ColumnLayout, TableColumn, columns_of
from iamtui.tui.main.inventory import Branch, Inventory, Kind, title_of, unknown
from iamtui.tui.question.panel_text import verdict_word_pieces
from iamtui.tui.widgets.lists.line_list import SORT_KEYS, LineView, Piece

if TYPE_CHECKING:
    from iamtui.presentation.verdict import VerdictWords

_VERDICT_WIDTH = 12
_COMPARED_WIDTH = 17
_LIMIT_WIDTH = 9
_LIMITS_FROM = 100
"""From which width on the limit of a verdict is written out, not only starred."""


# Beside the names of the table and of the tree.


VerdictOf: TypeAlias = "Callable[[Entity], VerdictWords | None]"
"""Answer of the pinned question for one entity, or None where the entity can have none."""

MarkOf = Callable[[Entity], str]
"""Mark of a draft's effect on an entity: "~" changed it, "+" made it, or ""."""

SignsOf = Callable[[Entity], Sequence[Piece]]
"""Other signs behind the name of an entity."""


class EntityNotes:
    """Notes beside the names of entities in a list: verdicts, effects of a draft, and other signs."""

    def __init__(self, view: LineView) -> None:
        self._view = view
        self.verdict_of: VerdictOf | None = None
        self.mark_of: MarkOf | None = None
        """Effect of a draft on an entity; None: no draft is open."""
        self.signs_of: SignsOf = lambda _entity: ()

    def set_verdicts(self, verdict_of: VerdictOf | None) -> None:
        """Set the answers of the pinned question, requested only for lines that are drawn."""
        self.verdict_of = verdict_of
        self._view.redraw()

    def set_marks(self, mark_of: MarkOf | None) -> None:
        self.mark_of = mark_of
        self._view.redraw()

    def set_signs(self, signs_of: SignsOf) -> None:
        self.signs_of = signs_of
        self._view.redraw()

    def verdict(self, index: int, entity: Entity) -> VerdictWords | None:
        """The verdict for an entity on the line of this index, which is drawn again once it is found."""
        verdict = self.verdict_of(entity) if self.verdict_of is not None else None
        if verdict is not None and verdict.is_pending:
            self._view.note_unfinished(index)
        return verdict

    def mark(self, entity: Entity) -> str:
        return self.mark_of(entity) if self.mark_of is not None else ""


class ChildrenTable(LineView):
    """Entities of the branch under the cursor, at any depth, one a line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Open", id="list.open", tooltip="Open what is under the cursor"),
        *SORT_KEYS,
        Binding(
            "o", "reverse_sort", "Reverse", show=False, id="table.reverse", tooltip="Reverse the order of the lines"
        ),
    ]  # fmt: skip

    HEADER_LINES = 2

    @dataclass(eq=False, repr=False)
    class ChildOpened(Message):
        """Enter on a line."""

        entity: Entity

    @dataclass(eq=False, repr=False)
    class ChildHighlighted(Message):
        """The user moved the cursor to another line."""

        entity: Entity

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._inventory = Inventory(Account(id=""))
        self._branch = Branch(Kind.USERS)
        self._columns = ColumnLayout(self._inventory.account, self._branch, ())
        self._entities: list[Entity] = []
        self.sorts: dict[str, tuple[str, bool]] = {}
        """By kind of branch: the id of the column that is sorted by, and whether in reverse."""
        self.chosen_columns: dict[str, tuple[str, ...]] = {}
        """By kind of branch, and "who can": the ids of the columns that the user wants; where there is no entry, the
        usual ones."""
        self._is_exact = False
        self.notes = EntityNotes(self)

    @property
    def entity(self) -> Entity | None:
        return self._entities[self.cursor] if self._entities else None

    @property
    def entities(self) -> Sequence[Entity]:
        return tuple(self._entities)

    @property
    def sort(self) -> tuple[str, bool]:
        """The id of the column sorted by, and whether in reverse."""
        return self.sorts.get(str(self._branch.kind), ("name", False))

    def show_branch(self, inventory: Inventory, branch: Branch) -> None:
        """Show what a branch holds, sorted as this kind of branch was last; the cursor stays where it is shown."""
        if inventory is self._inventory and branch == self._branch:
            return
        self._inventory, self._branch = inventory, branch
        self._arrange()

    def arrange_as(self, sorts: Mapping[str, tuple[str, bool]], columns: Mapping[str, Sequence[str]]) -> None:
        """Sort each kind of branch so from now on, and show these columns of it."""
        self.sorts = dict(sorts)
        self.chosen_columns.clear()
        self.chosen_columns.update({kind: tuple(ids) for kind, ids in columns.items()})
        self._arrange(keep=self.entity)

    def in_sight(self) -> Sequence[Entity]:
        return [self._entities[index] for index in self.visible_range()]

    def _layout(self, width: int) -> list[tuple[TableColumn | None, int]]:
        return self._columns.fitting(width, self._verdict_width)

    @property
    def _verdict_width(self) -> int:
        """0 where there is none. With a draft a verdict has room for the mark before; in a wide table for its limit."""
        if self.notes.verdict_of is None:
            return 0
        words = _COMPARED_WIDTH if self.notes.mark_of is not None else _VERDICT_WIDTH
        return words + (_LIMIT_WIDTH if self.size.width >= _LIMITS_FROM else 0)

    def _arrange(self, keep: Entity | None = None) -> None:
        account = self._inventory.account
        column_id, reverse = self.sort
        columns = columns_of(self._branch)
        column = next((c for c in columns if c.id == column_id), columns[0])
        entities = list(self._inventory.entities(self._branch))
        if column.id != "name" or reverse or self._branch.kind is Kind.POLICIES:
            entities.sort(key=lambda entity: column.sort(account, entity), reverse=reverse)
        self._entities = entities
        self._lay_out()
        at = next((i for i, entity in enumerate(entities) if entity is keep), 0)
        self.set_total(len(entities), cursor=at)

    def _lay_out(self) -> None:
        chosen = self.chosen_columns.get(str(self._branch.kind))
        self._columns = ColumnLayout(
            self._inventory.account, self._branch, self._entities, chosen, exact=self._is_exact
        )

    # Drawing.

    def header_pieces(self, y: int, width: int) -> Sequence[Piece]:
        """The titles of the columns, the sorted one with an arrow; below, a rule that counts those without room."""
        if y == 1:
            hidden = len(self.hidden_columns)
            more = f" {counted(hidden, 'more column')} " if hidden else ""
            return [Piece("─" * (width - len(more) - 1), "guide"), Piece(more, "faint"), Piece("─", "guide")]
        sorted_by, reverse = self.sort
        pieces = [Piece(" ")]
        for column, size in self._layout(width):
            if column is None:
                pieces.append(Piece("verdict".ljust(size + GAP), "header"))
                continue
            here = column.id == sorted_by
            words = f"{column.title}, UTC" if self._is_exact and column.moment is not None else column.title
            arrow = ("▼" if reverse else "▲") if here else ""
            title = f"{words} {arrow}".rstrip()
            if cell_len(title) > size:
                # It goes into the gap behind, so that the others stay where their columns are.
                title, arrow = words, arrow + " " * (GAP - len(arrow))
            else:
                arrow = " " * GAP
            text = title.rjust(size) if column.number else title.ljust(size)
            pieces.append(Piece(text + arrow, "header-sorted" if here else "header"))
        return pieces

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        entity = self._entities[index]
        mark = self.notes.mark(entity)
        pieces: list[Piece] = []
        for column, size in self._layout(width):
            if column is None:
                pieces += self._verdict_cell(index, entity, size)
            else:
                signs = self.notes.signs_of(entity) if column.id == "name" else ()
                pieces += [*self._columns.cell(column, entity, size, mark, signs), Piece(" " * GAP)]
        return pieces

    def _verdict_cell(self, index: int, entity: Entity, width: int) -> list[Piece]:
        verdict = self.notes.verdict(index, entity) if isinstance(entity, (User, Role)) else None
        return [Piece(" " * width)] if verdict is None else verdict_word_pieces(verdict, width)

    def empty_text(self) -> str:
        if self._entities:
            return ""
        missing = self._inventory.missing(self._branch)
        title = title_of(self._branch)
        if missing is not None:
            return f"{title}: {unknown(missing)}. Another source, or more permissions, would list them."
        return f"This account has no {title[0].lower()}{title[1:]}. Choose another branch on the left."

    # Keys.

    def action_sort_by(self, step: int) -> None:
        ids = self.shown_columns
        column_id, _ = self.sort
        at = ids.index(column_id) if column_id in ids else 0
        self._sort(ids[(at + step) % len(ids)], reverse=False)

    def action_reverse_sort(self) -> None:
        column_id, reverse = self.sort
        self._sort(column_id, reverse=not reverse)

    def _sort(self, column_id: str, *, reverse: bool) -> None:
        self.sorts[str(self._branch.kind)] = (column_id, reverse)
        self._arrange(keep=self.entity)

    def switch_times(self) -> None:
        self._is_exact = not self._is_exact
        self._lay_out()
        self.redraw()

    def choose_columns(self) -> None:
        kind, title = str(self._branch.kind), title_of(self._branch)
        choose_columns(self.app, kind, self, self.chosen_columns, title)

    @property
    def titles(self) -> Mapping[str, str]:
        return {column.id: column.title for column in columns_of(self._branch) if column.id != "name"}

    @property
    def hidden_columns(self) -> list[str]:
        return self._columns.hidden(self.size.width, self._verdict_width)

    @property
    def shown_columns(self) -> list[str]:
        return [column.id for column, _size in self._layout(self.size.width) if column is not None]

    def show_columns(self, _ids: Sequence[str] | None) -> None:
        self._lay_out()
        self.redraw()

    def header_clicked(self, x: int) -> None:
        """Sort by the clicked column, again: in reverse."""
        at = 1
        for column, size in self._layout(self.size.width):
            if column is not None and at <= x < at + size + GAP:
                column_id, reverse = self.sort
                self._sort(column.id, reverse=column.id == column_id and not reverse)
                return
            at += size + GAP

    def action_line_left(self) -> None:
        self.post_message(RowsView.LeftTowardsTree())

    def action_line_right(self) -> None:
        self.action_open_line()

    def on_line_view_cursor_moved(self, event: LineView.CursorMoved) -> None:
        """Announce the entity, while this is where the user is."""
        event.stop()
        if self.has_focus and self.entity is not None:
            self.post_message(self.ChildHighlighted(self.entity))

    def on_line_view_line_opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        if self.entity is not None:
            self.post_message(self.ChildOpened(self.entity))
