"""What the tabs of the detail pane show of an entity. Pure; loaded with the first account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content

from iamtui.account.model import Account, Entity, Group, IdentityProvider, ManagedPolicy, Role, User
from iamtui.tui.holdings import administrator_through
from iamtui.tui.inventory import kind_word
from iamtui.tui.safe import line
from iamtui.tui.widgets.detail.listings import Entry, access_rows, policy_entries
from iamtui.tui.widgets.detail.overview import overview
from iamtui.tui.widgets.detail.record import record_text
from iamtui.tui.widgets.detail.rows import Row
from iamtui.tui.widgets.detail.tab_bar import Tab
from iamtui.tui.widgets.draft.changes import changed_lines, marked_policies, marked_trust

_EMPTY_POLICIES: Final = {
    User: "No policy applies to this user: without one, every request is denied.",
    Group: "This group has no policy: its members get nothing from it.",
    Role: "No policy applies to this role: without one, every request is denied.",
}


def facts(account: Account, entity: Entity, tab: str) -> Sequence[Row]:
    """The rows of the Overview or the Access tab."""
    if tab == "overview":
        return overview(account, entity)
    return access_rows(account, entity) or [Row("", "nothing to show", "muted")]


def entries(before: Account | None, account: Account, entity: Entity, tab: str) -> tuple[Sequence[Entry], str]:
    """The entries of the Policies or the Trust tab, and what to say when there are none.

    Args:
        before: the account without the draft that is open, or None; what differs is marked.
    """
    if tab == "trust" and isinstance(entity, Role):
        return marked_trust(before, account, entity), ""
    return marked_policies(before, account, entity), _EMPTY_POLICIES.get(type(entity), "No version is loaded.")


def record(before: Account | None, entity: Entity) -> tuple[str, frozenset[int]]:
    """The JSON of an entity, and which of its lines the draft changes."""
    was = before.by_arn(entity.arn) if before is not None else None
    text = record_text(entity)
    # What the draft creates is new as a whole: marking every line would say nothing.
    old = "" if was is None or was is entity else record_text(was)
    return text, changed_lines(old, text) if old else frozenset()


def tabs_of(account: Account, entity: Entity) -> tuple[Tab, ...]:
    """The tabs that an entity has."""
    tabs = [Tab("overview", "Overview")]
    if isinstance(entity, ManagedPolicy):
        tabs.append(Tab("policies", "Document"))
    elif isinstance(entity, (User, Group, Role)):
        tabs.append(Tab("policies", "Policies", len(policy_entries(account, entity))))
    if isinstance(entity, Role):
        tabs.append(Tab("trust", "Trust"))
    if isinstance(entity, ManagedPolicy):
        used = len(account.holders(entity.arn)) + len(account.bounded_by(entity.arn))
        tabs.append(Tab("access", "Access", used))
    elif isinstance(entity, Group):
        tabs.append(Tab("access", "Members", len(account.members(entity.name))))
    elif isinstance(entity, IdentityProvider):
        tabs.append(Tab("access", "Access"))
    tabs.append(Tab("json", "JSON"))
    return tuple(tabs)


def title_of_entity(account: Account, entity: Entity) -> Content:
    """Name, kind, and whether AdministratorAccess is attached."""
    title = line((entity.name, "bold $foreground"), (f"  {kind_word(entity)}", "$muted"))
    if isinstance(entity, (User, Group, Role)) and administrator_through(account, entity):
        return line(title, ("  ADMIN", "bold $verdict-depends"))
    return title
