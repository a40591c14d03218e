"""The detail pane: tabs and the view of the active tab. Only that view is filled."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget

from iamtui.account.model import Account, Entity, Role
from iamtui.text import safe_document
from iamtui.tui.widgets.detail.document_view import DocumentView
from iamtui.tui.widgets.detail.find_line import FindLine
from iamtui.tui.widgets.detail.finding import FindsInDocument
from iamtui.tui.widgets.detail.list_and_document import ListAndDocument
from iamtui.tui.widgets.detail.rows import RowsView
from iamtui.tui.widgets.detail.tab_bar import Tab, TabBar


class DetailPane(FindsInDocument):
    """Shows one entity. The chosen tab stays while the cursor moves, where the entity has it."""

    @dataclass(eq=False, repr=False)
    class Followed(Message):
        """The user goes to another node, by its key."""

        target: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._account = Account(id="")
        self._before: Account | None = None
        self._entity: Entity | None = None
        self._wanted = "overview"
        self._tabs: tuple[Tab, ...] = ()

    def compose(self) -> ComposeResult:
        """Tabs, one view for each shape of content."""
        yield TabBar(id="tabs")
        yield RowsView(id="facts")
        yield ListAndDocument(id="policies")
        yield DocumentView(id="record")
        yield FindLine(id="find")

    @property
    def entity(self) -> Entity | None:
        """The entity that is shown."""
        return self._entity

    @property
    def active_tab(self) -> str:
        """The id of the active tab: overview, policies, trust, access or json."""
        ids = [tab.id for tab in self._tabs]
        return self._wanted if self._wanted in ids else "overview"

    @property
    def active_view(self) -> Widget:
        """The widget that keys belong to."""
        if self.active_tab in ("policies", "trust"):
            both = self.query_one(ListAndDocument)
            return both.rows_view if both.rows_view.display else both.document_view
        return self.query_one("#record", DocumentView) if self.active_tab == "json" else self.facts

    @property
    def facts(self) -> RowsView:
        """The rows of the Overview and Access tabs."""
        return self.query_one("#facts", RowsView)

    @property
    def policy_under_cursor(self) -> tuple[str, ...]:
        """The names (name, ARN) of the policy that the cursor of the Policies tab is on; none in other tabs."""
        return self.query_one(ListAndDocument).names_under_cursor if self.active_tab == "policies" else ()

    def set_before(self, before: Account | None) -> None:
        """Say what the account was before the draft that is open, or None: what differs is marked."""
        self._before = before

    def json_text(self) -> str:
        """The document of the active tab, or the whole record, safe to show."""
        if self.active_tab in ("policies", "trust"):
            return self.query_one(ListAndDocument).document_view.text
        from iamtui.tui.widgets.detail.record import record_text  # noqa: PLC0415 - not before the first frame

        return safe_document(record_text(self._entity)) if self._entity is not None else ""

    def show_entity(self, account: Account, entity: Entity) -> None:
        """Show an entity under the tab chosen before."""
        from iamtui.tui.widgets.detail.content import tabs_of  # noqa: PLC0415 - not before the first frame

        if entity is self._entity and account is self._account:
            return
        self._account, self._entity = account, entity
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
        if not self.select_tab("policies"):
            return False
        return self.query_one(ListAndDocument).show_statement(policy_name, statement_index)

    def show_trust_statement(self, statement_index: int) -> bool:
        """Show the Trust tab with one statement marked; False when the entity is not a role."""
        if not isinstance(self._entity, Role) or not self.select_tab("trust"):
            return False
        lines = self._entity.trust.lines
        if 0 <= statement_index < len(lines):
            self.query_one(ListAndDocument).document_view.mark_lines(lines[statement_index])
        return True

    def _fill(self) -> None:
        from iamtui.tui.widgets.detail import content  # noqa: PLC0415 - not before the first frame

        entity, account, active = self._entity, self._account, self.active_tab
        if entity is None:
            return
        find = self.query_one(FindLine)
        if find.display:
            find.display = False
            for document in self.query(DocumentView):
                document.find("")
        self.query_one(TabBar).set_tabs(self._tabs, active)
        both, record = self.query_one(ListAndDocument), self.query_one("#record", DocumentView)
        self.facts.display = active in ("overview", "access")
        both.display = active in ("policies", "trust")
        record.display = active == "json"
        if self.facts.display:
            self.facts.set_rows(content.facts(account, entity, active))
        elif both.display:
            both.set_entries(*content.entries(self._before, account, entity, active))
        else:
            record.show_json(*content.record(self._before, entity))

    @on(TabBar.Chosen)
    def _tab_chosen(self, event: TabBar.Chosen) -> None:
        event.stop()
        self.select_tab(event.tab)
        self.active_view.focus()

    @property
    def view(self) -> DocumentView:
        """The document that a search is in: the one of the tab that is shown."""
        if self.active_tab in ("policies", "trust"):
            return self.query_one(ListAndDocument).document_view
        return self.query_one("#record", DocumentView)

    @on(RowsView.Followed)
    def _followed(self, event: RowsView.Followed) -> None:
        event.stop()
        self.post_message(self.Followed(event.target))
