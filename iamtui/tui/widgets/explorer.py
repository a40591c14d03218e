"""The explorer: a filter over the tree of the account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, Static

from iamtui.tui.inventory import Branch, Inventory, Node
from iamtui.tui.safe import plain
from iamtui.tui.widgets.covered import Pane
from iamtui.tui.widgets.explorer_tree import ExplorerTree, VerdictOf, result_words
from iamtui.tui.widgets.safe_input import SafeInput

if TYPE_CHECKING:
    from iamtui.tui.search import SearchIndex


class FilterInput(SafeInput):
    """The filter field. Down and Enter go to the hits, Escape clears and goes back to the tree."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "to_hits", "To the hits", id="filter.hits", tooltip="Go to the hits"),
        Binding("escape", "clear", "Clear", id="filter.clear", tooltip="Clear the filter"),
    ]

    @dataclass(eq=False, repr=False)
    class Left(Message):
        """The user is done typing; `clear` when the filter goes as well."""

        clear: bool

    def action_to_hits(self) -> None:
        """Go to the hits."""
        self.post_message(self.Left(clear=False))

    def action_clear(self) -> None:
        """Clear the filter and go back to the tree."""
        self.post_message(self.Left(clear=True))


class Explorer(Pane):
    """Filter and tree. Announces the node under the cursor by EntitySelected."""

    @dataclass(eq=False, repr=False)
    class EntitySelected(Message):
        """The cursor rests on a branch or an entity."""

        node: Node

    @dataclass(eq=False, repr=False)
    class EntityOpened(Message):
        """The user wants to go into an entity."""

        node: Node

    def compose(self) -> ComposeResult:
        """Filter, hit count, tree."""
        yield FilterInput(placeholder="/ filter: name, ARN, id, tag", compact=True, id="filter")
        yield Static(id="filter-count", markup=False)
        yield ExplorerTree(id="tree")

    @property
    def tree_view(self) -> ExplorerTree:
        """The tree."""
        return self.query_one(ExplorerTree)

    @property
    def filter_input(self) -> FilterInput:
        """The filter field."""
        return self.query_one(FilterInput)

    @property
    def node(self) -> Node | None:
        """The node under the cursor."""
        return self.tree_view.node

    def set_inventory(self, inventory: Inventory, index: SearchIndex) -> None:
        """Show an account, filtered as before."""
        self.tree_view.set_inventory(inventory, index)
        if self.filter_input.value:
            self._search(self.filter_input.value)

    def set_verdicts(self, verdict_of: VerdictOf | None) -> None:
        """Say how to answer the pinned question for an entity."""
        self.tree_view.set_verdicts(verdict_of)

    def reveal(self, key: str) -> bool:
        """Put the cursor on a node, dropping the filter; False when there is no such node."""
        self._drop_filter()
        return self.tree_view.reveal(key)

    def open_branch(self, branch: Branch) -> None:
        """Open a branch."""
        self.tree_view.open_branch(branch)

    def clear_filter(self) -> bool:
        """Drop the filter; False when there was none."""
        had = bool(self.filter_input.value)
        self._drop_filter()
        if had:
            self.tree_view.search("")
        return had

    def _drop_filter(self) -> None:
        with self.prevent(Input.Changed):
            self.filter_input.value = ""
        self._say("")

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._search(event.value)

    @on(Input.Submitted, "#filter")
    def _filter_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.tree_view.focus()

    @on(FilterInput.Left)
    def _filter_left(self, event: FilterInput.Left) -> None:
        event.stop()
        if event.clear:
            self.clear_filter()
        self.tree_view.focus()

    def _search(self, query: str) -> None:
        result = self.tree_view.search(query)
        self._say(result_words(result) if result is not None else "")

    def _say(self, words: str) -> None:
        count = self.query_one("#filter-count", Static)
        count.update(plain(words))
        count.display = bool(words)

    @on(ExplorerTree.NodeChosen)
    def _chosen(self, event: ExplorerTree.NodeChosen) -> None:
        event.stop()
        self.post_message(self.EntitySelected(event.node))

    @on(ExplorerTree.NodeOpened)
    def _opened(self, event: ExplorerTree.NodeOpened) -> None:
        event.stop()
        self.post_message(self.EntityOpened(event.node))
