"""What a branch holds, as a sortable table drawn line by line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message

from iamtui.account.model import (
    Account,
    Entity,
    Group,
    IdentityProvider,
    InstanceProfile,
    ManagedPolicy,
    Missing,
    Role,
    User,
)
from iamtui.text import safe_text
from iamtui.tui import clock
from iamtui.tui.content import fit
from iamtui.tui.explorer.explorer import MarkOf, SignsOf, VerdictOf, no_signs
from iamtui.tui.inventory import (
    Branch,
    Inventory,
    Kind,
    LastUse,
    administrator_through,
    attachments,
    last_used,
    policy_count,
    title_of,
    unknown,
)
from iamtui.tui.question.verdict import verdict_word_pieces
from iamtui.tui.widgets.lists.line_list import SORT_KEYS, LineView, Piece

_GAP = 2
_NAME_ROOM = 20
_MEASURED = 2000
"""Of so many lines the columns of names are as wide as the longest."""
_VERDICT_WIDTH = 12
_COMPARED_WIDTH = 17
_LIMIT_WIDTH = 9
_LEAST_PATH = 7
"""Less of a path would look like the end of a name that is cut."""
_LIMITS_FROM = 100
"""From which width on the limit of a verdict is written out, not only starred."""


class ChildrenTable(LineView):
    """What the branch under the cursor holds, at any depth, one a line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Open", id="list.open", tooltip="Open what is under the cursor"),
        *SORT_KEYS,
        Binding(
            "space", "reverse_sort", "Reverse", show=False, id="table.reverse", tooltip="Reverse the order of the lines"
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

    @dataclass(eq=False, repr=False)
    class LeftTowardsTree(Message):
        """h or left: the user goes back to the tree."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._inventory = Inventory(Account(id=""))
        self._branch = Branch(Kind.USERS)
        self._columns = ColumnLayout(self._inventory.account, self._branch, ())
        self._entities: list[Entity] = []
        self.sorts: dict[str, tuple[str, bool]] = {}
        """By kind of branch: the id of the column that is sorted by, and whether in reverse."""
        self._verdict_of: VerdictOf | None = None
        self._mark_of: MarkOf | None = None
        self._signs_of: SignsOf = no_signs

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

    def sort_as(self, sorts: Mapping[str, tuple[str, bool]]) -> None:
        """Sort each kind of branch so from now on."""
        self.sorts = dict(sorts)
        self._arrange(keep=self.entity)

    def in_sight(self) -> Sequence[Entity]:
        return [self._entities[index] for index in self.visible_range()]

    def set_verdicts(self, verdict_of: VerdictOf | None) -> None:
        """Say how to answer the pinned question; asked only for lines that are drawn."""
        self._verdict_of = verdict_of
        self.redraw()

    def set_marks(self, mark_of: MarkOf | None) -> None:
        """Say what a draft did to an entity; None: no draft is open."""
        self._mark_of = mark_of
        self.redraw()

    def set_signs(self, signs_of: SignsOf) -> None:
        self._signs_of = signs_of
        self.redraw()

    def _layout(self, width: int) -> list[tuple[TableColumn | None, int]]:
        """The columns that fit and their widths. With a draft a verdict has room for the mark before; in a wide table
        for its limit."""
        words = _COMPARED_WIDTH if self._mark_of is not None else _VERDICT_WIDTH
        verdict = words + (_LIMIT_WIDTH if self.size.width >= _LIMITS_FROM else 0)
        return self._columns.fitting(width, verdict if self._verdict_of is not None else 0)

    def _arrange(self, keep: Entity | None = None) -> None:
        account = self._inventory.account
        column_id, reverse = self.sort
        columns = columns_of(self._branch)
        column = next((c for c in columns if c.id == column_id), columns[0])
        entities = list(self._inventory.entities(self._branch))
        if column.id != "name" or reverse or self._branch.kind is Kind.POLICIES:
            entities.sort(key=lambda entity: column.sort(account, entity), reverse=reverse)
        self._entities = entities
        self._columns = ColumnLayout(account, self._branch, entities)
        at = next((i for i, entity in enumerate(entities) if entity is keep), 0)
        self.set_total(len(entities), cursor=at)

    # Drawing.

    def header_pieces(self, y: int, width: int) -> Sequence[Piece]:
        """The titles of the columns, the sorted one with an arrow, and a rule below."""
        if y == 1:
            return [Piece("─" * width, "guide")]
        sorted_by, reverse = self.sort
        pieces = [Piece(" ")]
        for column, size in self._layout(width):
            if column is None:
                pieces.append(Piece("verdict".ljust(size + _GAP), "header"))
                continue
            here = column.id == sorted_by
            title = f"{column.title} {'▼' if reverse else '▲'}" if here else column.title
            text = title.rjust(size) if column.number else title.ljust(size)
            pieces.append(Piece(text + " " * _GAP, "header-sorted" if here else "header"))
        return pieces

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        entity = self._entities[index]
        mark = self._mark_of(entity) if self._mark_of is not None else ""
        pieces: list[Piece] = []
        for column, size in self._layout(width):
            if column is None:
                pieces += self._verdict_cell(index, entity, size)
            else:
                signs = self._signs_of(entity) if column.id == "name" else ()
                pieces += [*self._columns.cell(column, entity, size, mark, signs), Piece(" " * _GAP)]
        return pieces

    def _verdict_cell(self, index: int, entity: Entity, width: int) -> list[Piece]:
        verdict = self._verdict_of(entity) if self._verdict_of and isinstance(entity, (User, Role)) else None
        if verdict is None:
            return [Piece(" " * width)]
        if verdict.is_pending:
            self.note_unfinished(index)
        return verdict_word_pieces(verdict, width)

    def empty_text(self) -> str:
        """What to say when there is nothing to list, or ""."""
        if self._entities:
            return ""
        missing = self._inventory.missing(self._branch)
        title = title_of(self._branch)
        if missing is not None:
            return f"{title}: {unknown(missing)}. Another source, or more permissions, would list them."
        return f"This account has no {title[0].lower()}{title[1:]}. Choose another branch on the left."

    # Keys.

    def action_sort_by(self, step: int) -> None:
        ids = [column.id for column in columns_of(self._branch)]
        column_id, _ = self.sort
        at = ids.index(column_id) if column_id in ids else 0
        self._sort(ids[(at + step) % len(ids)], reverse=False)

    def action_reverse_sort(self) -> None:
        column_id, reverse = self.sort
        self._sort(column_id, reverse=not reverse)

    def _sort(self, column_id: str, *, reverse: bool) -> None:
        self.sorts[str(self._branch.kind)] = (column_id, reverse)
        self._arrange(keep=self.entity)

    def header_clicked(self, x: int) -> None:
        """Sort by the clicked column, again: in reverse."""
        at = 1
        for column, size in self._layout(self.size.width):
            if column is not None and at <= x < at + size + _GAP:
                column_id, reverse = self.sort
                self._sort(column.id, reverse=column.id == column_id and not reverse)
                return
            at += size + _GAP

    def action_line_left(self) -> None:
        self.post_message(self.LeftTowardsTree())

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


class ColumnLayout:
    """The columns of a branch: how wide each is in a table of some width, and what it shows of an entity."""

    def __init__(self, account: Account, branch: Branch, entities: Sequence[Entity]) -> None:
        self._account = account
        self._folder = branch.folder
        self._columns = columns_of(branch)
        self._longest = {column.id: self._longest_of(column, entities) for column in self._columns if column.grows}

    def _longest_of(self, column: TableColumn, entities: Sequence[Entity]) -> int:
        """How wide a column of names is with all of it, title and arrow included."""
        longest = cell_len(column.title) + 2
        for entity in entities[:_MEASURED]:
            where = self._where(entity) if column.id == "name" else ""
            cells = cell_len(safe_text(column.cell(self._account, entity).text)) + (
                cell_len(safe_text(where)) + 2 if where else 0
            )
            longest = max(longest, cells)
        return longest

    def fitting(self, width: int, verdict_width: int) -> list[tuple[TableColumn | None, int]]:
        """The columns that fit and their widths; None is the verdict's column, of which a width of 0 makes none."""
        room = width - 2
        chosen: list[TableColumn] = list(self._columns)
        verdict = verdict_width + _GAP if verdict_width else 0
        while len(chosen) > 1 and self._needed(chosen) + verdict > room:
            chosen.remove(min(chosen, key=lambda column: column.keep))
        widths = {column.id: self._width_of(column) for column in chosen if column.width}
        left = room - sum(size + _GAP for size in widths.values()) - verdict
        for column in chosen:
            if column.width and column.grows:
                # What the names leave, other columns of names may have.
                more = max(0, min(left - self._longest["name"], self._longest[column.id] - widths[column.id]))
                widths[column.id] += more
                left -= more
        layout: list[tuple[TableColumn | None, int]] = [
            (column, widths[column.id] if column.width else max(8, left)) for column in chosen
        ]
        return [*layout, (None, verdict_width)] if verdict else layout

    def _width_of(self, column: TableColumn) -> int:
        """The usual width of a column, less where all it holds is shorter."""
        return min(column.width, self._longest[column.id]) if column.grows else column.width

    def _needed(self, columns: Sequence[TableColumn]) -> int:
        return sum((self._width_of(column) if column.width else _NAME_ROOM) + _GAP for column in columns)

    def cell(self, column: TableColumn, entity: Entity, size: int, mark: str, signs: Sequence[Piece]) -> list[Piece]:
        """What a column shows of an entity.

        Args:
            mark: what a draft did to it.
            signs: what else stands behind its name.
        """
        text, style = column.cell(self._account, entity)
        behind = sum(len(sign.text) for sign in signs)
        shown = fit(safe_text(text), size - behind)
        padding = " " * (size - behind - cell_len(shown))
        if column.id != "name":
            return [Piece(padding + shown if column.number else shown + padding, style)]
        words = f" {mark} {'drafted' if mark == '+' else 'changed'}" if mark else ""
        if len(words) > len(padding):
            words = f" {mark}"[: len(padding)]
        padding = padding[len(words) :]
        where = self._where(entity)
        path = fit(f"  {safe_text(where)}", len(padding)) if where and len(padding) >= _LEAST_PATH else ""
        return [Piece(shown, style), *signs, Piece(words, "warning"), Piece(path + padding[cell_len(path) :], "faint")]

    def _where(self, entity: Entity) -> str:
        """The path of an entity, where the branch does not say it already."""
        path = "" if isinstance(entity, IdentityProvider) else entity.path
        return "" if path in ("/", self._folder) else path


# What each column shows and how it sorts.


SortKey = Callable[[Account, Entity], Any]
Cell = Callable[[Account, Entity], Piece]

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column.

    Args:
        width: in cells; 0 takes what is left.
        keep: the higher, the longer the column stays when the table gets narrow.
        number: whether it stands at the right edge of its cell.
        grows: whether it holds names, which may be longer or shorter than the width.
    """

    id: str
    title: str
    width: int
    keep: int
    cell: Cell
    sort: SortKey
    number: bool = False
    grows: bool = False


def _name_cell(_account: Account, entity: Entity) -> Piece:
    return Piece(entity.name, "strong")


def _name_sort(_account: Account, entity: Entity) -> Any:
    return entity.name.lower()


def _created_cell(_account: Account, entity: Entity) -> Piece:
    return Piece(clock.day(entity.created), "muted") if entity.created is not None else Piece("unknown", "faint")


def _created_sort(_account: Account, entity: Entity) -> Any:
    return _moment(entity.created)


def _used_cell(_account: Account, entity: Entity) -> Piece:
    used = last_used(entity)
    if isinstance(used, Missing):
        return Piece("unknown", "faint")
    if used.moment is None:
        return Piece("never", "muted")
    return Piece(f"{'≤ ' if used.at_least else ''}{clock.ago(used.moment)}")


def _used_sort(_account: Account, entity: Entity) -> Any:
    used = last_used(entity)
    return _moment(used.moment) if isinstance(used, LastUse) else _NEVER


def _policies_cell(account: Account, entity: Entity) -> Piece:
    return Piece(str(_policies_sort(account, entity)))


def _policies_sort(account: Account, entity: Entity) -> Any:
    return policy_count(account, entity) if isinstance(entity, (User, Group, Role)) else 0


def _boundary_cell(_account: Account, entity: Entity) -> Piece:
    arn = entity.boundary_arn if isinstance(entity, (User, Role)) else None
    return Piece(arn.rsplit("/", 1)[-1]) if arn else Piece("none", "faint")


def _boundary_sort(_account: Account, entity: Entity) -> Any:
    return (entity.boundary_arn or "") if isinstance(entity, (User, Role)) else ""


def _admin_cell(account: Account, entity: Entity) -> Piece:
    return Piece("ADMIN", "warning") if _admin_sort(account, entity) else Piece("")


def _admin_sort(account: Account, entity: Entity) -> Any:
    return isinstance(entity, (User, Group, Role)) and bool(administrator_through(account, entity))


def _members_cell(account: Account, entity: Entity) -> Piece:
    return Piece(str(len(account.members(entity.name))))


def _members_sort(account: Account, entity: Entity) -> Any:
    return len(account.members(entity.name))


def _attached_cell(account: Account, entity: Entity) -> Piece:
    return Piece(str(_attached_sort(account, entity)))


def _attached_sort(account: Account, entity: Entity) -> Any:
    return attachments(account, entity) if isinstance(entity, ManagedPolicy) else 0


def _version_cell(_account: Account, entity: Entity) -> Piece:
    version = entity.default_version if isinstance(entity, ManagedPolicy) else None
    return Piece(version.id) if version is not None else Piece("unknown", "faint")


def _version_sort(_account: Account, entity: Entity) -> Any:
    version = entity.default_version if isinstance(entity, ManagedPolicy) else None
    return version.number if version is not None else -1


def _roles_cell(_account: Account, entity: Entity) -> Piece:
    names = entity.roles if isinstance(entity, InstanceProfile) else ()
    return Piece(", ".join(names)) if names else Piece("none", "faint")


def _roles_sort(_account: Account, entity: Entity) -> Any:
    return entity.roles if isinstance(entity, InstanceProfile) else ()


def _type_cell(_account: Account, entity: Entity) -> Piece:
    return Piece(entity.type if isinstance(entity, IdentityProvider) else "")


def _type_sort(account: Account, entity: Entity) -> Any:
    return _type_cell(account, entity).text


def _moment(moment: datetime | None) -> datetime:
    if moment is None:
        return _NEVER
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


_NAME = TableColumn("name", "name", 0, 9, _name_cell, _name_sort, grows=True)
_CREATED = TableColumn("created", "created", 10, 2, _created_cell, _created_sort)
_USED = TableColumn("used", "last used", 10, 6, _used_cell, _used_sort)
_POLICIES = TableColumn("policies", "policies", 8, 5, _policies_cell, _policies_sort, number=True)
_BOUNDARY = TableColumn("boundary", "boundary", 16, 3, _boundary_cell, _boundary_sort, grows=True)
_ADMIN = TableColumn("admin", "admin", 5, 7, _admin_cell, _admin_sort)
_MEMBERS = TableColumn("members", "members", 8, 6, _members_cell, _members_sort, number=True)
_ATTACHED = TableColumn("attached", "attached", 9, 6, _attached_cell, _attached_sort, number=True)
_VERSION = TableColumn("version", "version", 8, 4, _version_cell, _version_sort)
_ROLES = TableColumn("role", "role", 28, 6, _roles_cell, _roles_sort, grows=True)
_TYPE = TableColumn("type", "type", 6, 6, _type_cell, _type_sort)

_COLUMNS: Final = {
    Kind.USERS: (_NAME, _CREATED, _USED, _POLICIES, _BOUNDARY, _ADMIN),
    Kind.GROUPS: (_NAME, _CREATED, _MEMBERS, _POLICIES, _ADMIN),
    Kind.ROLES: (_NAME, _CREATED, _USED, _POLICIES, _BOUNDARY, _ADMIN),
    Kind.POLICIES: (_NAME, _CREATED, _VERSION, _ATTACHED),
    Kind.CUSTOMER_POLICIES: (_NAME, _CREATED, _VERSION, _ATTACHED),
    Kind.AWS_POLICIES: (_NAME, _CREATED, _VERSION, _ATTACHED),
    Kind.INSTANCE_PROFILES: (_NAME, _CREATED, _ROLES),
    Kind.PROVIDERS: (_NAME, _CREATED, _TYPE),
}


def columns_of(branch: Branch) -> tuple[TableColumn, ...]:
    return _COLUMNS[branch.kind]
