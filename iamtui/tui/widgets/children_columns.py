"""The columns of the table of a branch: what each shows and how it sorts. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from iamtui.account.availability import Missing
from iamtui.account.model import Account, Entity, Group, IdentityProvider, InstanceProfile, ManagedPolicy, Role, User
from iamtui.tui import clock
from iamtui.tui.holdings import LastUse, administrator_through, attachments, last_used, policy_count
from iamtui.tui.inventory import Branch, Kind
from iamtui.tui.widgets.drawn_lines import Piece

SortKey = Callable[[Account, Entity], Any]
Cell = Callable[[Account, Entity], Piece]

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Column:
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
    return int("".join(c for c in version.id if c.isdigit()) or 0) if version is not None else -1


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


_NAME = Column("name", "name", 0, 9, _name_cell, _name_sort, grows=True)
_CREATED = Column("created", "created", 10, 2, _created_cell, _created_sort)
_USED = Column("used", "last used", 10, 6, _used_cell, _used_sort)
_POLICIES = Column("policies", "policies", 8, 5, _policies_cell, _policies_sort, number=True)
_BOUNDARY = Column("boundary", "boundary", 16, 3, _boundary_cell, _boundary_sort, grows=True)
_ADMIN = Column("admin", "admin", 5, 7, _admin_cell, _admin_sort)
_MEMBERS = Column("members", "members", 8, 6, _members_cell, _members_sort, number=True)
_ATTACHED = Column("attached", "attached", 9, 6, _attached_cell, _attached_sort, number=True)
_VERSION = Column("version", "version", 8, 4, _version_cell, _version_sort)
_ROLES = Column("role", "role", 28, 6, _roles_cell, _roles_sort, grows=True)
_TYPE = Column("type", "type", 6, 6, _type_cell, _type_sort)

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


def columns_of(branch: Branch) -> tuple[Column, ...]:
    """The columns of a branch's table, left to right."""
    return _COLUMNS[branch.kind]
