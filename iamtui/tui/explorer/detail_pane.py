"""The detail pane: tabs and the view of the active tab. Only that view is filled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from iamtui.account.model import Account, Entity, Role, User
from iamtui.leaves import USED_SECTION, LeafEntry
from iamtui.text import safe_document
from iamtui.tui.background import Work, in_thread
from iamtui.tui.content import line, plain
from iamtui.tui.explorer.children_table import ChildrenTable, VerdictOf
from iamtui.tui.explorer.document_view import DocumentView, FindLine, FindsInDocument
from iamtui.tui.explorer.listings import NOTHING_TO_GO_TO, EntityTab, RowsView, TabBar, TabId
from iamtui.tui.main.inventory import OVERVIEW, Branch, Inventory, Kind, Node, title_of
from iamtui.tui.reports.overview_view import OverviewView
from iamtui.tui.widgets.lists.line_list import LineView, Pane
from iamtui.tui.widgets.status import Notice

if TYPE_CHECKING:
    from iamtui.presentation.listing import Report
    from iamtui.tui.explorer.listings import ListingEntry
    from iamtui.tui.explorer.tab_contents import AccessSection, FoundTab
    from iamtui.tui.reports.overview_view import OverviewView
    from iamtui.tui.reports.report_screen import Load
    from iamtui.workspace.source.workspace import Workspace


_WITH_DOCUMENTS: Final = (TabId.POLICIES, TabId.TRUST)
"""The tabs that are a list over the document of the entry under the cursor."""

_FINDING: Final = "tab"
"""The workers that find what a tab shows."""

# A list of policies or statements over the document of the one under the cursor.


class ListAndDocument(Vertical):
    """Entries above, the document of the entry under the cursor below."""

    _entries: Sequence[ListingEntry] = ()
    _shown = -1
    _added = False

    rows_view = getters.query_one(RowsView)
    document_view = getters.query_one(DocumentView)

    def compose(self) -> ComposeResult:
        yield RowsView(id="entries")
        yield DocumentView(id="document")

    @property
    def names_under_cursor(self) -> tuple[str, ...]:
        """Names of the entry under the cursor (name, ARN); none when there is no entry."""
        at = self.rows_view.cursor
        return self._entries[at].names if at < len(self._entries) else ()

    def set_entries(self, entries: Sequence[ListingEntry], empty: str) -> None:
        self._entries, self._added = entries, False
        rows = self.rows_view
        rows.styles.height = min(max(1, len(entries)), 8)
        rows.display = bool(entries)
        rows.set_rows([entry.row for entry in entries])
        if entries:
            self._show(0)
        else:
            self.document_view.show_words("", empty)

    def add_entries(self, entries: Sequence[ListingEntry]) -> None:
        """Append what was found since; the cursor stays."""
        self._entries = [*self._entries, *entries]
        rows = self.rows_view
        rows.display = True
        self._added = True
        self._fit_added()
        rows.set_rows([entry.row for entry in self._entries], cursor=rows.cursor)

    def on_resize(self) -> None:
        if self._added:
            self._fit_added()

    def _fit_added(self) -> None:
        """Give what was found half of a tall window: it is the longer text of the two."""
        self.rows_view.styles.height = min(max(1, len(self._entries)), max(12, self.size.height // 2))

    def show_statement(self, policy: str, statement: int) -> bool:
        """Bring a policy under the cursor and mark one of its statements; False when it is not in the list."""
        for index, entry in enumerate(self._entries):
            if policy in entry.names:
                self.rows_view.move_to(index)
                self._show(index)
                lines = entry.document.lines if entry.document is not None else ()
                self.document_view.mark_lines(lines[statement] if 0 <= statement < len(lines) else None)
                return True
        return False

    @on(LineView.CursorMoved, "#entries")
    def _moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        # An event may be older than what was shown since: the cursor itself is what counts.
        if self.rows_view.cursor != self._shown:
            self._show(self.rows_view.cursor)

    def _show(self, index: int) -> None:
        if index >= len(self._entries):
            return
        self._shown = index
        entry = self._entries[index]
        view = self.document_view
        if entry.document is not None:
            view.show_document(entry.document)
            view.mark_lines(entry.lines)
        else:
            view.show_words("", entry.missing or "No document.")


class DetailPane(FindsInDocument):
    """Shows one entity. The chosen tab stays while the cursor moves, where the entity has it."""

    both = getters.query_one(ListAndDocument)
    record = getters.query_one("#record", DocumentView)
    facts = getters.query_one("#facts", RowsView)
    """The rows of the Overview and Access tabs."""

    @dataclass(eq=False, repr=False)
    class Listed(Message):
        """The user wants a list that lies behind a line of the Access tab, or a comparison."""

        title: str
        load: Load

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.workspace: Workspace | None = None
        """Workspace of the entity, for its access and for who may assume it."""
        self._lists: Mapping[int, tuple[str, Callable[[], Report[Any]]]] = {}
        self.enters: Mapping[int, Callable[[], None]] = {}
        """Actions of Enter on rows of the Access tab, by row number."""
        self._sections: dict[LeafEntry, AccessSection] = {}
        """Sections of the Access tab that leaves have, once it was shown."""
        self._account = Account(id="")
        self._before: Account | None = None
        self._entity: Entity | Branch | None = None
        self._wanted: str = TabId.OVERVIEW
        self._tabs: tuple[EntityTab, ...] = ()

    def compose(self) -> ComposeResult:
        yield TabBar(id="tabs")
        yield RowsView(id="facts")
        yield ListAndDocument(id="policies")
        yield DocumentView(id="record")
        yield FindLine("find in the document", id="find")

    @property
    def entity(self) -> Entity | None:
        """The entity shown; None for the organization and its levels."""
        return None if isinstance(self._entity, Branch) else self._entity

    @property
    def active_tab(self) -> TabId:
        return next((tab.id for tab in self._tabs if tab.id == self._wanted), TabId.OVERVIEW)

    @property
    def active_view(self) -> Widget:
        if self.active_tab in _WITH_DOCUMENTS:
            both = self.both
            return both.rows_view if both.rows_view.display else both.document_view
        return self.record if self.active_tab is TabId.JSON else self.facts

    @property
    def policy_under_cursor(self) -> tuple[str, ...]:
        """The names (name, ARN) of the policy that the cursor of the Policies tab is on; none in other tabs."""
        return self.both.names_under_cursor if self.active_tab is TabId.POLICIES else ()

    def set_before(self, before: Account | None) -> None:
        """Say what the account was before the draft that is open, or None: what differs is marked."""
        self._before = before

    def json_text(self) -> str:
        """The document of the active tab, or the whole record, safe to show."""
        if self.active_tab in _WITH_DOCUMENTS:
            return self.both.document_view.text

        from iamtui.tui.explorer.tab_contents import record_text

        return safe_document(record_text(self.entity)) if self.entity is not None else ""

    def show_entity(self, account: Account, entity: Entity | Branch) -> None:
        if entity is self._entity and account is self._account:
            return
        self._account, self._entity = account, entity

        from iamtui.tui.explorer.tab_contents import tabs_of

        self._tabs = tabs_of(account, entity)
        self._fill()

    def select_tab(self, tab: str) -> bool:
        """Show a tab, by its id or its number from 1; False when the entity has no such tab."""
        if tab.isdigit():
            tab = self._tabs[int(tab) - 1].id if 0 < int(tab) <= len(self._tabs) else ""
        if tab not in [known.id for known in self._tabs]:
            return False
        had_focus = self.has_focus_within
        self._wanted = tab
        self._fill()
        if had_focus:
            self.active_view.focus()
        return True

    def show_statement(self, policy_name: str, statement_index: int) -> bool:
        """Show the Policies tab with one statement marked; False when this entity has no such policy.

        Args:
            policy_name: name or ARN.
            statement_index: from 0.
        """
        if not self.select_tab(TabId.POLICIES):
            return False
        return self.both.show_statement(policy_name, statement_index)

    def show_row(self, label: str) -> None:
        """Show the overview with the cursor on a row."""
        self.select_tab(TabId.OVERVIEW)
        self.facts.move_to(next((index for index, row in enumerate(self.facts.rows) if row.label == label), 0))

    def show_trust_statement(self, statement_index: int) -> bool:
        """Show the Trust tab with one statement marked; False when the entity is not a role."""
        if not isinstance(self._entity, Role) or not self.select_tab(TabId.TRUST):
            return False
        lines = self._entity.trust.lines
        if 0 <= statement_index < len(lines):
            self.both.document_view.mark_lines(lines[statement_index])
        return True

    def _fill(self) -> None:
        from iamtui.tui.explorer.tab_contents import record as record_of

        entity, account, active = self._entity, self._account, self.active_tab
        if entity is None:
            return
        self.workers.cancel_group(self, _FINDING)
        self._lists, self.enters = {}, {}
        find = self.query_one(FindLine)
        if find.display:
            find.display = False
            for document in self.query(DocumentView):
                document.find("")
        self.query_one(TabBar).set_tabs(self._tabs, active)
        both, record = self.both, self.record
        self.facts.display = active in (TabId.OVERVIEW, TabId.ACCESS)
        both.display = active in _WITH_DOCUMENTS
        record.display = active is TabId.JSON

        from iamtui.tui.explorer.tab_contents import entries, facts

        if self.facts.display:
            self.facts.set_rows(facts(account, entity, active))
        elif both.display:
            both.set_entries(*entries(self._before, account, entity, active))
        elif not isinstance(entity, Branch):
            record.show_json(*record_of(self._before, entity))
        self.find_contents()

    def find_contents(self) -> None:
        entity, active = self._entity, self.active_tab
        if active in (TabId.ACCESS, TabId.TRUST) and isinstance(entity, User | Role) and self.workspace is not None:
            ask = partial(self._find, self.workspace, entity, active)
            in_thread(self, ask, name="asking what it can do", group=_FINDING)

    def _find(self, workspace: Workspace, entity: User | Role, tab: TabId, work: Work) -> None:
        from iamtui.tui.explorer.tab_contents import found_tab

        make: Callable[[DetailPane], AccessSection] | None = USED_SECTION.load()
        if make is not None and USED_SECTION not in self._sections:
            self._sections.setdefault(USED_SECTION, make(self))
        found = found_tab(workspace, entity, tab, work.cancelled, self._sections.values())
        work.tell(self._show_found, tab, found)

    def _show_found(self, tab: TabId, found: FoundTab) -> None:
        if tab is TabId.TRUST:
            self.both.add_entries(found.entries)
        else:
            self._lists, self.enters = found.lists, found.enters
            self.facts.set_rows(found.rows, cursor=self.facts.cursor)

    @on(LineView.LineOpened, "#facts")
    def _line_opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        if event.index in self.enters:
            self.enters[event.index]()
        elif event.index in self._lists:
            title, make = self._lists[event.index]
            self.post_message(self.Listed(title, lambda *_: make()))
        else:
            self._entry_opened(event)

    @on(LineView.LineOpened, "#entries")
    def _entry_opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        self.post_message(Notice(plain(NOTHING_TO_GO_TO)))

    @on(TabBar.TabChosen)
    def _tab_chosen(self, event: TabBar.TabChosen) -> None:
        event.stop()
        self.select_tab(event.tab)
        self.active_view.focus()

    @property
    def view(self) -> DocumentView:
        """The document that a search is in: the one of the tab that is shown."""
        if self.active_tab in _WITH_DOCUMENTS:
            return self.both.document_view
        return self.record


# The subject: what the tree's cursor rests on, as a detail pane (an entity) or a table (a branch).


class SubjectPane(Pane):
    """Holds both views; only the one in use is filled and shown."""

    _node: Node | None = None
    _before: Account | None = None
    _overview: OverviewView | None = None
    """Made when it is first shown."""

    table = getters.query_one(ChildrenTable)
    detail = getters.query_one(DetailPane)

    def compose(self) -> ComposeResult:
        yield Static(id="welcome")
        yield ChildrenTable(id="table")
        yield Static(id="table-empty")
        yield DetailPane(id="detail")

    def on_mount(self) -> None:
        """Nothing is shown until there is an account."""
        for widget in (self.table, self.detail, self.query_one("#table-empty")):
            widget.display = False

    @property
    def node(self) -> Node | None:
        return self._node

    @property
    def entity(self) -> Entity | None:
        """The entity where the cursor is: of the table's line, where that has the focus."""
        if self.table.has_focus:
            return self.table.entity
        return None if isinstance(self._node, Branch) else self._node

    @property
    def active_view(self) -> Widget:
        if self._overview is not None and self._overview.display:
            return self._overview
        return self.detail.active_view if self.detail.display else self.table

    @property
    def tab(self) -> str:
        return self.detail.active_tab if self.detail.display else ""

    def go_into(self, policy: str = "") -> None:
        """Give what is shown the focus; `policy`: the name of one of its policies that is meant."""
        if policy and self.detail.display:
            self.detail.show_statement(policy, -1)
        self.active_view.focus()

    def welcome(self, words: Content) -> None:
        self._node = None
        self.border_title = None
        welcome = self.query_one("#welcome", Static)
        welcome.update(words)
        welcome.display = True
        if self._overview is not None:
            self._overview.leave(None)
        for widget in (self.table, self.detail, self.query_one("#table-empty")):
            widget.display = False

    def json_text(self) -> tuple[str, str] | None:
        """The entity as JSON (safe to show), and a name for it; None on a branch."""
        entity = self.detail.entity
        if entity is None or not self.detail.display:
            return None
        return self.detail.json_text(), entity.name

    def show_node(self, inventory: Inventory, node: Node, workspace: Workspace | None = None) -> None:
        self._node = node
        if self._overview is not None and node != OVERVIEW:
            self._overview.leave(inventory.account)
        self.query_one("#welcome").display = False
        self.detail.display = not isinstance(node, Branch) or node.kind is Kind.ORGANIZATION
        empty = self.query_one("#table-empty", Static)
        if self.detail.display:
            self.table.display = empty.display = False
        if not isinstance(node, Branch):
            from iamtui.tui.drafts.changes import changed_words
            from iamtui.tui.explorer.tab_contents import title_of_entity

            self.border_title = line(
                title_of_entity(inventory.account, node),
                (changed_words(self._before, node), "bold $verdict-depends"),
            )
            self.detail.workspace = workspace
            self.detail.show_entity(inventory.account, node)
            return
        if node.kind is Kind.ORGANIZATION:
            self.border_title = line((title_of(node), "bold"))
            self.detail.show_entity(inventory.account, node)
            return
        if node == OVERVIEW and workspace is not None:
            self.table.display = empty.display = False
            self.border_title = line((title_of(node), "bold"))
            self._show_overview(workspace)
            return
        self.table.show_branch(inventory, node)
        words = self.table.empty_text()
        self.table.display, empty.display = not words, bool(words)
        empty.update(plain(words))
        count = "" if inventory.missing(node) else f"{len(inventory.entities(node)):,}"
        self.border_title = line((title_of(node), "bold"), (f" {count}", "$muted"))

    def _show_overview(self, workspace: Workspace) -> None:
        if self._overview is None:
            self._overview = OverviewView(id="overview")
            self.mount(self._overview)
        self._overview.show(workspace)

    def in_sight(self) -> Sequence[Entity]:
        return self.table.in_sight() if self.table.display else ()

    @property
    def policy_under_cursor(self) -> tuple[str, ...]:
        return self.detail.policy_under_cursor if self.detail.display else ()

    def set_before(self, before: Account | None) -> None:
        self._before = before
        self.detail.set_before(before)

    def set_verdicts(self, verdict_of: VerdictOf | None) -> None:
        self.table.notes.set_verdicts(verdict_of)
