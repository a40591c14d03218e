"""The tabs of an entity: their bar, and the rows and documents of those for policies, trust and access."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from msgspec import Struct
from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

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
from iamtui.policy.document import PolicyDocument, PrincipalEntry, Statement
from iamtui.policy.patterns import is_account_id, parse_arn
from iamtui.text import safe_text
from iamtui.tui import clock
from iamtui.tui.content import fit
from iamtui.tui.main.inventory import EntityPolicy, held_policies, kind_word, shorter_unknown, unknown
from iamtui.tui.widgets.lists.line_list import LineView, Piece

CERTAIN: Final = Piece(" ▲", "denied")

POSSIBLE: Final = Piece(" △", "warning")

ADMINISTRATOR: Final = Piece(" ◆", "muted")
"""Sign beside who can become administrator, could under a condition, and is one."""

# Rows: labelled facts, lists and links, drawn line by line.


_WIDEST_LABEL = 17
_NARROW_LABEL = 14
_NARROW = 54


class ListingRow(Struct, frozen=True):
    """One line.

    Args:
        label: what the fact is, or "" to continue the one above.
        value: raw text, cut at the edge.
        style: a style name of LineView for the value.
        target: the key of the node that `o` and Enter go to, or "".
        note: raw text behind the value, in a fainter style.
        heading: the line is a heading, `label` its text; with a value it names the columns of the lines below it.
        shorter: the first of these that fits stands in the place of a value that does not, else the last of them, cut.
    """

    label: str = ""
    value: str = ""
    style: str = ""
    target: str = ""
    note: str = ""
    heading: bool = False
    shorter: tuple[str, ...] = ()


BLANK = ListingRow()


def heading(text: str) -> ListingRow:
    return ListingRow(label=text, heading=True)


def unknown_row(label: str, missing: Missing) -> ListingRow:
    """A fact that is not known, and with which permission it would be."""
    return ListingRow(label, unknown(missing), "faint", shorter=shorter_unknown(missing))


NOTHING_TO_GO_TO: Final = "This line names nothing to go to."


class RowsView(LineView):
    """A list of rows. The cursor rests on every line that says something; links can be followed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Open", id="list.open", tooltip="Open what is under the cursor"),
    ]

    @dataclass(eq=False, repr=False)
    class Followed(Message):
        """The user goes to another node."""

        target: str

    @dataclass(eq=False, repr=False)
    class LeftTowardsTree(Message):
        """h or left: the user goes back to the tree."""

    _rows: Sequence[ListingRow] = ()
    _label_width = _WIDEST_LABEL

    @property
    def row(self) -> ListingRow | None:
        return self._rows[self.cursor] if self._rows else None

    @property
    def rows(self) -> Sequence[ListingRow]:
        return self._rows

    def set_rows(self, rows: Sequence[ListingRow], cursor: int = 0) -> None:
        self._rows = rows
        labels = (row.label for row in rows if row.value or not row.heading)
        self._label_width = 2 + max((cell_len(safe_text(label)) for label in labels), default=0)
        self.set_total(len(rows), cursor=cursor)

    def is_stop(self, index: int) -> bool:
        """Headings and blank lines are skipped."""
        row = self._rows[index]
        return not row.heading and bool(row.value or row.label)

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        row = self._rows[index]
        if row.heading and not row.value:
            return [Piece(fit(safe_text(row.label), width - 1), "heading")]
        room = width - 2
        most = _NARROW_LABEL if width < _NARROW else max(_WIDEST_LABEL, width // 4)
        label_width = min(self._label_width, most)
        pieces: list[Piece] = []
        if row.label:
            label = fit(safe_text(row.label), label_width - 1)
            pieces.append(Piece(label + " " * (label_width - cell_len(label)), "muted"))
        else:
            pieces.append(Piece(" " * label_width))
        room -= label_width
        texts = [safe_text(text) for text in (row.value, *row.shorter)]
        value = fit(next((text for text in texts if cell_len(text) <= room), texts[-1]), room)
        pieces.append(Piece(value, row.style or ("link" if row.target else "")))
        room -= cell_len(value) + 2
        if row.note and room > 4:
            pieces.append(Piece("  " + fit(safe_text(row.note), room), "faint"))
        return pieces

    def action_line_left(self) -> None:
        self.post_message(self.LeftTowardsTree())

    def action_line_right(self) -> None:
        if self.row is not None and self.row.target:
            self.post_message(self.Followed(self.row.target))

    def action_open_line(self) -> None:
        if self.row is not None and self.row.target:
            self.post_message(self.Followed(self.row.target))
        else:
            super().action_open_line()


class ListingEntry(Struct, frozen=True):
    """A row with the document that lies behind it.

    Args:
        row: what the list shows.
        document: what the document view shows, or None.
        missing: why there is none.
        names: what the policy is called (name, ARN): a statement of it can be asked for by any of them.
        lines: the lines to mark when the row is under the cursor.
    """

    row: ListingRow
    document: PolicyDocument | None = None
    missing: str = ""
    names: tuple[str, ...] = ()
    lines: tuple[int, int] | None = None


def policy_entries(account: Account, entity: Entity) -> list[ListingEntry]:
    """The Policies tab: every policy that takes part for a principal; the versions of a managed policy."""
    if isinstance(entity, ManagedPolicy):
        return _versions(entity)
    if isinstance(entity, (User, Group, Role)):
        return [_held(account, policy) for policy in held_policies(account, entity)]
    return []


def _held(account: Account, policy: EntityPolicy) -> ListingEntry:
    known = policy.arn if policy.arn and account.policy(policy.arn) else ""
    group = account.group(policy.group) if policy.group else None
    note = f"from {policy.group}" if policy.group else ""
    if policy.missing:
        note = f"{note}  unknown: {policy.missing}".strip()
    elif policy.document is not None and policy.document.error is not None:
        note = f"{note}  unreadable".strip()
    target = known or (group.arn if group is not None else "")
    names = tuple(name for name in (policy.name, policy.arn) if name)
    style = "warning" if policy.name == "AdministratorAccess" else "strong"
    row = ListingRow(policy.way.value, policy.name, style, target=target, note=note)
    return ListingEntry(row, policy.document, policy.missing, names)


def _versions(policy: ManagedPolicy) -> list[ListingEntry]:
    names = (policy.name, policy.arn)
    entries = [
        ListingEntry(
            ListingRow(
                "in force" if version.is_default else "not in force",
                version.id,
                "strong" if version.is_default else "muted",
                note=clock.ago(version.created) if version.created else "",
            ),
            version.document,
            names=names if version.is_default else (),
        )
        for version in sorted(policy.versions, key=lambda version: not version.is_default)
    ]
    if policy.default_version is None:
        missing = "The document was not loaded: it needs iam:GetPolicyVersion, or another source."
        entries.insert(0, ListingEntry(ListingRow("in force", "unknown", "faint"), None, missing, names))
    return entries


def trust_entries(account: Account, role: Role) -> list[ListingEntry]:
    """The Trust tab: who the trust policy names, statement by statement."""
    document = role.trust
    if document.error is not None:
        return [ListingEntry(ListingRow("trust", "unreadable", "denied"), document)]
    entries: list[ListingEntry] = []
    lines = document.lines
    for statement in document.policy.statements:
        at = lines[statement.index] if statement.index < len(lines) else None
        named = statement.principals or ()
        entries.extend(ListingEntry(_trusted(account, statement, principal), document, lines=at) for principal in named)
        for principal in statement.not_principals or ():
            row = _trusted(account, statement, principal)
            everyone = ListingRow(row.label, f"everyone but {row.value}", "warning", row.target, row.note)
            entries.append(ListingEntry(everyone, document, lines=at))
        if not statement.principals and not statement.not_principals:
            entries.append(
                ListingEntry(ListingRow(statement.effect.lower(), "nobody is named", "muted"), document, lines=at)
            )
    return entries or [ListingEntry(ListingRow("trust", "no statement: nobody may assume it", "muted"), document)]


def _trusted(account: Account, statement: Statement, principal: PrincipalEntry) -> ListingRow:
    words, target = _principal_words(account, principal)
    keys = sorted({line.key for line in statement.conditions if line.key}, key=str.lower)
    note = f"if {', '.join(keys)}" if keys else "no condition"
    style = "denied" if statement.effect == "Deny" else ("warning" if principal.value == "*" else "")
    return ListingRow(statement.effect.lower(), words, style, target, note)


def _principal_words(account: Account, principal: PrincipalEntry) -> tuple[str, str]:
    value = principal.value
    if value == "*":
        return "anyone", ""
    if principal.kind == "Service":
        return f"service {value}", ""
    if principal.kind == "Federated":
        return f"provider {value}", value if account.by_arn(value) else ""
    arn = parse_arn(value)
    number = value if is_account_id(value) else arn.account if arn is not None and arn.resource == "root" else ""
    if number:
        return ("this account" if number == account.id else f"account {number}"), ""
    known = account.by_arn(value) or account.by_id(value)
    if known is not None:
        return f"{kind_word(known)} {known.name}", known.arn
    return value, ""


def access_rows(account: Account, entity: Entity) -> list[ListingRow] | None:
    """The Access tab: who is reached through this entity; None for kinds that have nothing of the sort."""
    if isinstance(entity, ManagedPolicy):
        return [
            *_holders("Attached to", account.holders(entity.arn)),
            BLANK,
            *_holders("Permissions boundary of", account.bounded_by(entity.arn)),
        ]
    if isinstance(entity, Group):
        return _holders("Members", account.members(entity.name))
    if isinstance(entity, InstanceProfile):
        return None
    if isinstance(entity, IdentityProvider):
        trusting = [role for role in account.roles if _names_provider(role, entity.arn)]
        return _holders("Roles that trust it", trusting)
    return None


def _names_provider(role: Role, arn: str) -> bool:
    if role.trust.error is not None:
        return False
    return any(
        principal.value == arn for statement in role.trust.policy.statements for principal in statement.principals or ()
    )


def _holders(title: str, holders: Sequence[User | Group | Role]) -> list[ListingRow]:
    if not holders:
        return [heading(f"{title} (0)"), ListingRow("", "none in this account", "muted")]
    rows = [ListingRow(kind_word(holder), holder.name, target=holder.arn, note=_path(holder)) for holder in holders]
    return [heading(f"{title} ({len(holders):,})"), *rows]


def _path(holder: User | Group | Role) -> str:
    return "" if holder.path == "/" else holder.path


# The tabs of an entity, and the bar that draws them on one line.


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
