"""The subject: what the tree's cursor rests on, as a detail pane (an entity) or a table (a branch)."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from iamtui.account.model import Account, Entity
from iamtui.tui.inventory import Branch, Inventory, Node, title_of
from iamtui.tui.safe import line, plain
from iamtui.tui.widgets.children_table import ChildrenTable
from iamtui.tui.widgets.covered import Pane
from iamtui.tui.widgets.detail.detail_pane import DetailPane
from iamtui.tui.widgets.explorer_tree import VerdictOf


class Subject(Pane):
    """Holds both views; only the one in use is filled and shown."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._node: Node | None = None
        self._before: Account | None = None

    def compose(self) -> ComposeResult:
        """Welcome text, table, detail."""
        yield Static(id="welcome")
        yield ChildrenTable(id="table")
        yield Static(id="table-empty")
        yield DetailPane(id="detail")

    def on_mount(self) -> None:
        """Nothing is shown until there is an account."""
        for widget in (self.table, self.detail, self.query_one("#table-empty")):
            widget.display = False

    @property
    def table(self) -> ChildrenTable:
        """The table of a branch."""
        return self.query_one(ChildrenTable)

    @property
    def detail(self) -> DetailPane:
        """The detail of an entity."""
        return self.query_one(DetailPane)

    @property
    def node(self) -> Node | None:
        """What is shown."""
        return self._node

    @property
    def active_view(self) -> Widget:
        """The widget that keys belong to."""
        return self.table if isinstance(self._node, Branch) else self.detail.active_view

    @property
    def tab(self) -> str:
        """The id of the tab that is shown, "" on a branch."""
        return self.detail.active_tab if self.detail.display else ""

    def welcome(self, words: Content) -> None:
        """Show a text instead of an account."""
        self._node = None
        self.border_title = None
        welcome = self.query_one("#welcome", Static)
        welcome.update(words)
        welcome.display = True
        for widget in (self.table, self.detail, self.query_one("#table-empty")):
            widget.display = False

    def json_text(self) -> tuple[str, str] | None:
        """What is shown as JSON (safe to show), and a name for it; None on a branch."""
        entity = self.detail.entity
        if entity is None or not self.detail.display:
            return None
        return self.detail.json_text(), entity.name

    def show_node(self, inventory: Inventory, node: Node) -> None:
        """Show a branch or an entity."""
        from iamtui.tui.widgets.detail.content import title_of_entity  # noqa: PLC0415 - not before the first frame
        from iamtui.tui.widgets.draft.changes import changed_words  # noqa: PLC0415 - likewise

        self._node = node
        self.query_one("#welcome").display = False
        is_branch = isinstance(node, Branch)
        self.detail.display = not is_branch
        empty = self.query_one("#table-empty", Static)
        if not isinstance(node, Branch):
            self.table.display = empty.display = False
            self.border_title = line(
                title_of_entity(inventory.account, node), (changed_words(self._before, node), "bold $verdict-depends")
            )
            self.detail.show_entity(inventory.account, node)
            return
        self.table.show_branch(inventory, node)
        words = self.table.empty_text()
        self.table.display, empty.display = not words, bool(words)
        empty.update(plain(words))
        count = "" if inventory.missing(node) else f"{len(inventory.entities(node)):,}"
        self.border_title = line((title_of(node), "bold"), (f" {count}", "$muted"))

    def in_sight(self) -> Sequence[Entity]:
        """The entities of a branch whose lines can be seen; none where one entity is shown."""
        return self.table.in_sight() if self.table.display else ()

    @property
    def policy_under_cursor(self) -> tuple[str, ...]:
        """The names (name, ARN) of the policy that the cursor of the Policies tab is on; none elsewhere."""
        return self.detail.policy_under_cursor if self.detail.display else ()

    def set_before(self, before: Account | None) -> None:
        """Say what the account was before the draft that is open, or None: what differs is marked."""
        self._before = before
        self.detail.set_before(before)

    def set_verdicts(self, verdict_of: VerdictOf | None) -> None:
        """Say how to answer the pinned question for an entity."""
        self.table.set_verdicts(verdict_of)
