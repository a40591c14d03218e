"""The columns of the tables of users, groups, roles and policies: what each shows of an entity, and how it sorts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from operator import add
from typing import Any, Final

from msgspec import Struct
from rich.cells import cell_len

from iamtui.account.identity_center import permission_set_name
from iamtui.account.model import (
    AccessKey,
    Account,
    Entity,
    Fact,
    Group,
    IdentityProvider,
    InstanceProfile,
    Known,
    ManagedPolicy,
    Missing,
    Role,
    UnreadPart,
    User,
)
from iamtui.text import safe_text
from iamtui.tui import clock
from iamtui.tui.content import fit
from iamtui.tui.main.inventory import (
    Branch,
    Kind,
    LastUse,
    administrator_through,
    attachments,
    last_used,
    policy_count,
)
from iamtui.tui.widgets.lists.line_list import Piece

GAP: Final = 2
MOST_COLUMNS: Final = 24
"""Columns of a table: more than any has."""

_NAME_ROOM, _WELL_NAMED = 20, 48
"""Columns left to the name by columns that are always wanted, and by those shown where there is room."""
_MEASURED, _MEASURED_BESIDES = 2000, 500
"""Of so many lines the names, and the other columns, are as wide as the longest."""
_LEAST_PATH = 7
"""Less of a path would look like the end of a name that is cut."""
_SIGNS = 2
"""Cells of a sign behind a name."""
_EXACT, _BOTH = 18, 20
"""Cells of a time as it is, and of how long ago it was beside its day."""
_OR_LATER = "≤ "
"""Before how long ago something was at most."""


# What a column shows and sorts by.


SortKey = Callable[[Account, Entity], Any]
Cell = Callable[[Account, Entity], Piece]
MomentOf = Callable[[Account, Entity], Fact[datetime | None]]

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_UNKNOWN, _NOTHING = Piece("unknown", "faint"), Piece("none", "faint")


class TableColumn(Struct, frozen=True):
    """One column.

    Args:
        width: in cells; 0 takes what is left.
        keep: the higher, the longer the column stays when the table gets narrow.
        number: whether it stands at the right edge of its cell.
        grows: whether it holds names, which may be longer or shorter than the width.
        extra: whether it is shown only where names have all the room they need, or where the user wants it.
        moment: of a time, the time; Known(None) is never.
    """

    id: str
    title: str
    width: int
    keep: int
    cell: Cell
    sort: SortKey
    number: bool = False
    grows: bool = False
    extra: bool = False
    moment: MomentOf | None = None


class ColumnLayout:
    """The columns of a branch: how wide each is in a table of some width, and what it shows of an entity.

    Args:
        chosen: the ids of those that the user wants, "name" always; None: the usual ones, and more where there is room.
        exact: whether times are shown as they are, and not as how long ago.
    """

    def __init__(
        self,
        account: Account,
        branch: Branch,
        entities: Sequence[Entity],
        chosen: Collection[str] | None = None,
        *,
        exact: bool = False,
    ) -> None:
        self._account = account
        self._folder = branch.folder
        every = columns_of(branch)
        self.columns = [one for one in every if chosen is None or one.id in chosen or one.id == "name"]
        self._is_chosen = chosen is not None
        self._is_exact = exact
        self._is_path_told = False
        self._fitted: tuple[tuple[int, int], list[tuple[TableColumn | None, int]]] = (0, 0), []
        names = [cell_len(safe_text(one.name)) for one in entities[:_MEASURED]]
        paths = [cell_len(safe_text(where)) + 2 if (where := self._where(one)) else 0 for one in entities[:_MEASURED]]
        whole = sorted(map(add, names, paths))
        self._longest_name = max(names, default=0) + _SIGNS
        self._room_for_paths = whole[len(whole) * 3 // 4] if whole else 0
        """How wide names must be to show the whole paths behind three quarters of them; else none is shown."""
        title = cell_len("name") + 2
        self._longest = {"name": max(whole[-1], title) if whole else title}
        self._empty: set[str] = set()
        """Columns without any value."""
        for column in self.columns:
            self._measure(column, entities)

    def _measure(self, column: TableColumn, entities: Sequence[Entity]) -> None:
        """Note how wide a column of names is with all of it, title and arrow included, and whether it is empty."""
        if column.id == "name" or not (column.grows or column.extra):
            return
        texts = {column.cell(self._account, entity).text for entity in entities[:_MEASURED_BESIDES]}
        if column.extra and texts <= {"", _NOTHING.text, "/"}:
            self._empty.add(column.id)
        if column.grows:
            self._longest[column.id] = max(cell_len(text) for text in map(safe_text, {column.title + " ▲", *texts}))

    def fitting(self, width: int, verdict_width: int) -> list[tuple[TableColumn | None, int]]:
        """The columns that fit and their widths; None is the verdict's column, of which a width of 0 makes none."""
        if self._fitted[0] != (width, verdict_width):
            self._fitted = (width, verdict_width), self._fit(width, verdict_width)
        return self._fitted[1]

    def hidden(self, width: int, verdict_width: int) -> list[str]:
        """The ids of the columns that are wanted at any width and do not fit."""
        shown = {column.id for column, _size in self.fitting(width, verdict_width) if column is not None}
        return [column.id for column in self.columns if self._is_wanted(column) and column.id not in shown]

    def _is_wanted(self, column: TableColumn) -> bool:
        return self._is_chosen or not column.extra

    def _fit(self, width: int, verdict_width: int) -> list[tuple[TableColumn | None, int]]:
        room = width - 2 - (verdict_width + GAP if verdict_width else 0)
        chosen = self._chosen(room)
        self._is_path_told = any(column.id == "path" for column in chosen)
        widths = {column.id: self._width_of(column) for column in chosen if column.width}
        left = room - sum(size + GAP for size in widths.values())
        for column in chosen:
            if column.width and column.grows:
                # What the names leave, other columns of names may have.
                more = max(0, min(left - self._longest["name"], self._longest[column.id] - widths[column.id]))
                widths[column.id] += more
                left -= more
        for column in chosen if not self._is_exact else ():
            more = _BOTH - column.width
            if column.moment is not None and left - more >= self._longest["name"]:
                widths[column.id] += more
                left -= more
        layout: list[tuple[TableColumn | None, int]] = [
            (column, widths[column.id] if column.width else max(8, left)) for column in chosen
        ]
        return [*layout, (None, verdict_width)] if verdict_width else layout

    def _chosen(self, room: int) -> list[TableColumn]:
        """The columns that fit beside the verdict's, in their order."""
        chosen = [column for column in self.columns if self._is_wanted(column)]
        extras = [one for one in self.columns if one not in chosen and one.id not in self._empty]
        extras.sort(key=lambda one: -one.keep)
        removed: list[TableColumn] = []
        while len(chosen) > 1 and self._needed(chosen, _NAME_ROOM) > room:
            removed.append(min(chosen, key=lambda column: column.keep))
            chosen.remove(removed[-1])
        # A wide column may have made room for a narrow one.
        for extra in removed[::-1] or extras:
            # What is rarely wanted comes after the paths behind the names.
            name = self._longest_name if extra.keep > 0 else self._longest["name"]
            name = max(_NAME_ROOM, min(name, _WELL_NAMED))
            if self._needed([*chosen, extra], name) <= room:
                chosen.append(extra)
        return sorted(chosen, key=self.columns.index)

    def _width_of(self, column: TableColumn) -> int:
        """The usual width of a column, less where all it holds is shorter."""
        if column.moment is not None and self._is_exact:
            return _EXACT
        return min(column.width, self._longest[column.id]) if column.grows else column.width

    def _needed(self, columns: Sequence[TableColumn], name: int) -> int:
        return sum((self._width_of(column) if column.width else name) + GAP for column in columns)

    def cell(self, column: TableColumn, entity: Entity, size: int, mark: str, signs: Sequence[Piece]) -> list[Piece]:
        """Contents of a cell.

        Args:
            mark: what a draft did to it.
            signs: what else stands behind its name.
        """
        text, style = column.cell(self._account, entity)
        if column.moment is not None:
            text = self._time(column.moment(self._account, entity), text, size)
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
        is_told = where and size >= self._room_for_paths and len(padding) >= _LEAST_PATH
        path = fit(f"  {safe_text(where)}", len(padding)) if is_told else ""
        return [Piece(shown, style), *signs, Piece(words, "warning"), Piece(path + padding[cell_len(path) :], "faint")]

    def _time(self, fact: Fact[datetime | None], words: str, size: int) -> str:
        """A time that is known, as it is or beside its day, where that is wanted and has room."""
        moment = fact.value_or(None)
        if moment is None:
            return words
        if self._is_exact:
            return ("≥ " if words.startswith(_OR_LATER) else "") + clock.stamp(moment).removesuffix(" UTC")
        return f"{words:<{_BOTH - 10}}{clock.day(moment)}" if size >= _BOTH else words

    def _where(self, entity: Entity) -> str:
        """The path of an entity, where neither the branch nor a column says it already."""
        path = "" if isinstance(entity, IdentityProvider) else entity.path
        return "" if path in ("/", self._folder) or self._is_path_told else path


# Cells: what is not known is said to be unknown, and stands below everything known in an order.


def _text(of: Callable[[Entity], str], style: str = "", nothing: Piece = _NOTHING) -> tuple[Cell, SortKey]:
    """The cell and the order of a text that is always known."""

    def cell(_account: Account, entity: Entity) -> Piece:
        words = of(entity)
        return Piece(words, style) if words else nothing

    return cell, lambda _account, entity: of(entity).lower()


def _fact(of: Callable[[Account, Entity], Fact[Any]], words: Callable[[Any], Piece]) -> tuple[Cell, SortKey]:
    """The cell and the order of a fact that may be Missing."""

    def cell(account: Account, entity: Entity) -> Piece:
        fact = of(account, entity)
        return _UNKNOWN if isinstance(fact, Missing) else words(fact.value)

    def sort(account: Account, entity: Entity) -> Any:
        fact = of(account, entity)
        return (False, 0) if isinstance(fact, Missing) else (True, fact.value)

    return cell, sort


def _time(of: MomentOf, never: str = "never") -> tuple[Cell, SortKey]:
    def words(moment: datetime | None) -> Piece:
        return Piece(clock.ago(moment)) if moment is not None else Piece(never, "muted")

    def sort(account: Account, entity: Entity) -> Any:
        fact = of(account, entity)
        return (False, _NEVER) if isinstance(fact, Missing) else (True, _moment(fact.value))

    return _fact(of, words)[0], sort


def _moment(moment: datetime | None) -> datetime:
    if moment is None:
        return _NEVER
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _lacks(entity: Entity, *parts: UnreadPart) -> bool:
    """True where a part of a user, group or role could not be read."""
    return isinstance(entity, (User, Group, Role)) and any(one.part in parts for one in entity.unread)


def _count(count: int, *, whole: bool) -> Piece:
    """A number, or the least that it is."""
    return Piece(f"{count:,}") if whole else Piece(f"≥ {count:,}" if count else "unknown", "" if count else "faint")


_NOT_KEPT: Final = Missing("IAM keeps no such time of this")


def _created(_account: Account, entity: Entity) -> Fact[datetime | None]:
    return Known(entity.created) if entity.created is not None else _NOT_KEPT


def _updated(_account: Account, entity: Entity) -> Fact[datetime | None]:
    moment = entity.updated if isinstance(entity, ManagedPolicy) else None
    return Known(moment) if moment is not None else _NOT_KEPT


def _used(_account: Account, entity: Entity) -> Fact[datetime | None]:
    used = last_used(entity)
    return used if isinstance(used, Missing) else Known(used.moment)


def _used_cell(_account: Account, entity: Entity) -> Piece:
    used = last_used(entity)
    if isinstance(used, Missing):
        return _UNKNOWN
    if used.moment is None:
        return Piece("never", "muted")
    return Piece(f"{_OR_LATER if isinstance(used, LastUse) and used.at_least else ''}{clock.ago(used.moment)}")


def _policies_cell(account: Account, entity: Entity) -> Piece:
    return _count(_policies_sort(account, entity), whole=_are_policies_known(account, entity))


def _policies_sort(account: Account, entity: Entity) -> int:
    return policy_count(account, entity) if isinstance(entity, (User, Group, Role)) else 0


def _are_policies_known(account: Account, entity: Entity) -> bool:
    groups = [account.group(name) for name in entity.groups] if isinstance(entity, User) else []
    holders = [entity, *(group for group in groups if group is not None)]
    return None not in groups and not any(
        _lacks(one, "groups", "inline policies", "attached policies") for one in holders
    )


def _boundary(_account: Account, entity: Entity) -> Fact[str]:
    if _lacks(entity, "permissions boundary"):
        return Missing("not read")
    arn = entity.boundary_arn if isinstance(entity, (User, Role)) else None
    return Known(arn.rsplit("/", 1)[-1] if arn else "")


def _admin_cell(account: Account, entity: Entity) -> Piece:
    if _admin_sort(account, entity):
        return Piece("ADMIN", "warning")
    return Piece("") if _are_policies_known(account, entity) else Piece("?", "faint")


def _admin_sort(account: Account, entity: Entity) -> bool:
    return isinstance(entity, (User, Group, Role)) and bool(administrator_through(account, entity))


def _members_cell(account: Account, entity: Entity) -> Piece:
    return _count(_members_sort(account, entity), whole=_are_members_known(account))


def _are_members_known(account: Account) -> bool:
    """True where all users are here, each with its groups; else a group may have more members than it seems."""
    known: bool | None = account.memo.get(_are_members_known)
    if known is None:
        unread = (one.part for user in account.users for one in user.unread)
        known = account.why_unlisted("users") is None and "groups" not in unread
        account.memo[_are_members_known] = known
    return known


def _members_sort(account: Account, entity: Entity) -> int:
    return len(account.members(entity.name))


def _attached_cell(account: Account, entity: Entity) -> Piece:
    is_counted = isinstance(entity, ManagedPolicy) and not isinstance(entity.attachment_count, Missing)
    return _count(_attached_sort(account, entity), whole=is_counted)


def _attached_sort(account: Account, entity: Entity) -> int:
    return attachments(account, entity) or 0 if isinstance(entity, ManagedPolicy) else 0


def _bounded(_account: Account, entity: Entity) -> Fact[int]:
    return entity.boundary_count if isinstance(entity, ManagedPolicy) else Known(0)


def _version_cell(_account: Account, entity: Entity) -> Piece:
    version = entity.default_version if isinstance(entity, ManagedPolicy) else None
    return Piece(version.id) if version is not None else _UNKNOWN


def _version_sort(_account: Account, entity: Entity) -> int:
    version = entity.default_version if isinstance(entity, ManagedPolicy) else None
    return version.number if version is not None else -1


def _description(_account: Account, entity: Entity) -> Fact[str]:
    return entity.description if isinstance(entity, (Role, ManagedPolicy)) else Known("")


def _session(_account: Account, entity: Entity) -> Fact[int]:
    return entity.max_session_seconds if isinstance(entity, Role) else _NOT_KEPT


def _groups(_account: Account, entity: Entity) -> Fact[str]:
    if _lacks(entity, "groups"):
        return Missing("not read")
    return Known(", ".join(entity.groups) if isinstance(entity, User) else "")


def _tags(_account: Account, entity: Entity) -> Fact[str]:
    if _lacks(entity, "tags"):
        return Missing("not read")
    tags = () if isinstance(entity, (Group, IdentityProvider)) else entity.tags
    return Known(" ".join(f"{name}={value}" for name, value in tags))


def _of_user(fact: Callable[[User], Fact[Any]]) -> Callable[[Account, Entity], Fact[Any]]:
    """A fact of a user, which the credential report may have where the user lacks it."""
    return lambda account, entity: (
        fact(account.with_report(entity)) if isinstance(entity, User) else Missing("not a user")
    )


def _mapped(fact: Fact[Any], change: Callable[[Any], Any]) -> Fact[Any]:
    return fact if isinstance(fact, Missing) else Known(change(fact.value))


def _may_work(key: AccessKey) -> bool:
    return key.status.lower() != "inactive"


_mfa: Final = _of_user(lambda user: _mapped(user.mfa_devices, len))
_password: Final = _of_user(lambda user: _mapped(user.login_profile, lambda profile: profile is not None))
_keys: Final = _of_user(lambda user: _mapped(user.access_keys, lambda keys: sum(1 for key in keys if _may_work(key))))


def _oldest_key(user: User) -> Fact[datetime | None]:
    """When the oldest of the access keys that are not switched off was made."""
    if isinstance(user.access_keys, Missing):
        return user.access_keys
    active = [key.created for key in user.access_keys.value if _may_work(key)]
    if None in active:
        return Missing("not in the list of keys")
    return Known(min((created for created in active if created is not None), key=_moment, default=None))


_key_made: Final = _of_user(_oldest_key)


def _named(words: str) -> Piece:
    return Piece(words) if words else _NOTHING


def _number(count: int) -> Piece:
    return Piece(f"{count:,}", "" if count else "faint")


def _hours(seconds: int) -> Piece:
    return Piece(f"{seconds / 3600:g}h")


_ID, _PATH = _text(lambda one: getattr(one, "id", ""), "muted"), _text(lambda one: getattr(one, "path", ""), "muted")
_ROLES = _text(lambda one: ", ".join(one.roles) if isinstance(one, InstanceProfile) else "")
_TYPE = _text(lambda one: one.type if isinstance(one, IdentityProvider) else "")
_AUDIENCES = _text(lambda one: ", ".join(one.audiences) if isinstance(one, IdentityProvider) else "")
_SET = _text(lambda one: permission_set_name(one.name) if isinstance(one, Role) else "", nothing=Piece(""))
_COMMON: Final = (
    TableColumn("tags", "tags", 24, -3, *_fact(_tags, _named), grows=True, extra=True),
    TableColumn("id", "unique id", 21, -4, *_ID, extra=True),
)
_PATH_COLUMN: Final = TableColumn("path", "path", 16, -2, *_PATH, grows=True, extra=True)
_DESCRIPTION: Final = TableColumn(
    "description", "description", 30, 0, *_fact(_description, _named), grows=True, extra=True
)
_NAME: Final = TableColumn("name", "name", 0, 9, *_text(lambda one: one.name, "strong", Piece("")), grows=True)
_CREATED: Final = TableColumn("created", "created", 8, 2, *_time(_created), moment=_created)
_USED: Final = TableColumn("used", "last used", 10, 6, _used_cell, _time(_used)[1], moment=_used)
_POLICIES: Final = TableColumn("policies", "policies", 8, 5, _policies_cell, _policies_sort, number=True)
_BOUNDARY: Final = TableColumn("boundary", "boundary", 16, 3, *_fact(_boundary, _named), grows=True)
_ADMIN: Final = TableColumn("admin", "admin", 5, 7, _admin_cell, _admin_sort)
_OF_POLICIES: Final = (
    _NAME,
    _CREATED,
    TableColumn("updated", "updated", 8, 1, *_time(_updated), extra=True, moment=_updated),
    TableColumn("version", "version", 8, 4, _version_cell, _version_sort, number=True),
    TableColumn("attached", "attached", 9, 6, _attached_cell, _attached_sort, number=True),
    TableColumn("bounds", "bounds", 8, 1, *_fact(_bounded, _number), number=True, extra=True),
    _DESCRIPTION,
    _PATH_COLUMN,
    *_COMMON,
)

_COLUMNS: Final = {
    Kind.USERS: (
        _NAME,
        TableColumn("groups", "groups", 18, 0, *_fact(_groups, _named), grows=True, extra=True),
        _CREATED,
        _USED,
        TableColumn(
            "password",
            "password",
            8,
            -1,
            *_fact(_password, lambda has: Piece("yes") if has else Piece("no", "faint")),
            extra=True,
        ),
        TableColumn("mfa", "MFA", 7, 2, *_fact(_mfa, _number), number=True, extra=True),
        TableColumn("keys", "keys", 7, 0, *_fact(_keys, _number), number=True, extra=True),
        TableColumn("key-age", "key made", 8, 1, *_time(_key_made, "no key"), extra=True, moment=_key_made),
        _POLICIES,
        _BOUNDARY,
        _PATH_COLUMN,
        *_COMMON,
        _ADMIN,
    ),
    Kind.GROUPS: (
        _NAME,
        _CREATED,
        TableColumn("members", "members", 8, 6, _members_cell, _members_sort, number=True),
        _POLICIES,
        _PATH_COLUMN,
        _COMMON[1],
        _ADMIN,
    ),
    Kind.ROLES: (
        _NAME,
        TableColumn("set", "permission set", 18, 1, *_SET, grows=True, extra=True),
        _CREATED,
        _USED,
        TableColumn("session", "session", 7, 0, *_fact(_session, _hours), number=True, extra=True),
        _POLICIES,
        _BOUNDARY,
        _DESCRIPTION,
        _PATH_COLUMN,
        *_COMMON,
        _ADMIN,
    ),
    Kind.POLICIES: _OF_POLICIES,
    Kind.CUSTOMER_POLICIES: _OF_POLICIES,
    Kind.AWS_POLICIES: _OF_POLICIES,
    Kind.INSTANCE_PROFILES: (
        _NAME,
        _CREATED,
        TableColumn("role", "role", 28, 6, *_ROLES, grows=True),
        _PATH_COLUMN,
        *_COMMON,
    ),
    Kind.PROVIDERS: (
        _NAME,
        _CREATED,
        TableColumn("type", "type", 6, 6, *_TYPE),
        TableColumn("audiences", "audiences", 20, 1, *_AUDIENCES, grows=True, extra=True),
    ),
}


def columns_of(branch: Branch) -> tuple[TableColumn, ...]:
    return _COLUMNS[branch.kind]
