"""The explorer: a filter over the tree of the account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len
from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, Static

from iamtui.account.model import Account, Entity
from iamtui.policy.patterns import parse_arn
from iamtui.text import counted, safe_text
from iamtui.tui.content import fit, plain
from iamtui.tui.explorer.children_table import EntityNotes, VerdictOf
from iamtui.tui.main.inventory import (
    HIT_LIMIT,
    OVERVIEW,
    TOP_BRANCHES,
    Branch,
    Inventory,
    Kind,
    Node,
    OtherAccount,
    key_of,
    kind_of,
    title_of,
)
from iamtui.tui.question.panel_text import verdict_pieces
from iamtui.tui.widgets.inputs import SafeInput
from iamtui.tui.widgets.lists.line_list import LineView, Pane, Piece
from iamtui.tui.widgets.status import key_of as key_of_binding

if TYPE_CHECKING:
    from iamtui.presentation.verdict import VerdictWords
    from iamtui.tui.main.inventory import Hit, SearchIndex, SearchResult


# The tree of the account, or the hits of a search, drawn line by line.


class TreeRow(Struct, frozen=True):
    """One visible line of the tree. `count` of a branch is None when the source lacks it."""

    node: Node | OtherAccount
    depth: int
    expanded: bool = False
    count: int | None = 0
    hit: Hit | None = None

    @property
    def key(self) -> str:
        return self.node.key if isinstance(self.node, OtherAccount) else key_of(self.node)


class ExplorerTree(LineView):
    """Branches, folders and entities; lazily flattened, so that only open branches cost anything."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Open", id="list.open", tooltip="Open what is under the cursor"),
        Binding(
            "space", "toggle_branch", "Expand", show=False, id="tree.toggle", tooltip="Expand or collapse the branch"
        ),
    ]

    @dataclass(eq=False, repr=False)
    class NodeChosen(Message):
        """The cursor rests on another node."""

        node: Node

    @dataclass(eq=False, repr=False)
    class NodeOpened(Message):
        """Enter on an entity; `policy`: an SCP or RCP that was found at that level of the organization, by name."""

        node: Node
        policy: str = ""

    @dataclass(eq=False, repr=False)
    class AccountChosen(Message):
        """The cursor rests on another account, or on something in it; `opened`: the user goes there."""

        account: OtherAccount
        opened: bool = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._others: Sequence[OtherAccount] = ()
        self._account_name = ""
        self._inventory = Inventory(Account(id=""))
        self._index: SearchIndex | None = None
        self._open: set[Branch] = set()
        self._rows: list[TreeRow] = []
        self._result: SearchResult | None = None
        self._before_search = ""
        self._chosen = ""
        self.notes = EntityNotes(self)

    # What others use.

    @property
    def node(self) -> Node | None:
        node = self._rows[self.cursor].node if self._rows else None
        return None if isinstance(node, OtherAccount) else node

    @property
    def other(self) -> OtherAccount | None:
        node = self._rows[self.cursor].node if self._rows else None
        return node if isinstance(node, OtherAccount) else None

    @property
    def _policy_found(self) -> str:
        hit = self._rows[self.cursor].hit if self._rows else None
        return hit.policy if hit is not None else ""

    @property
    def result(self) -> SearchResult | None:
        return self._result

    def set_inventory(
        self, inventory: Inventory, index: SearchIndex, others: Sequence[OtherAccount] = (), name: str = ""
    ) -> None:
        """Show an account; branches stay open and the cursor stays where the new account still has them.

        Args:
            others: the accounts that are open beside it, in their order.
            name: what it is called among them; raw text.
        """
        at = self._chosen
        self._others, self._account_name = others, name
        self._inventory, self._index, self._result = inventory, index, None
        self._chosen = ""
        self._flatten(at)

    def in_sight(self) -> Sequence[Entity]:
        rows = [self._rows[index].node for index in self.visible_range()]
        return [node for node in rows if not isinstance(node, Branch | OtherAccount)]

    def set_verdicts(self, verdict_of: VerdictOf | None) -> None:
        """Where there were no verdicts, they are drawn once the answer is on screen, which need not wait for them."""
        if self.notes.verdict_of is None and verdict_of is not None:
            self.notes.verdict_of = verdict_of
            self.call_after_refresh(self.redraw)
        else:
            self.notes.set_verdicts(verdict_of)

    def look_up(self, query: str) -> SearchResult | None:
        return self._index.search(query) if self._index is not None else None

    def search(self, query: str) -> SearchResult | None:
        """Show only what matches, the cursor on the best hit; an empty query brings the tree back."""
        if self._index is None:
            return None
        if self._result is None:
            self._before_search = self._chosen
        if not query.strip():
            chosen = self._chosen
            self._result = None
            self.reveal(chosen or self._before_search)
            return None
        self._result = self._index.search(query)
        self._rows = _hit_rows(self._result, self._others)
        first = next((i for i, row in enumerate(self._rows) if row.hit is not None), 0)
        self.set_total(len(self._rows), cursor=first)
        return self._result

    def reveal(self, key: str) -> bool:
        """Open what is above a node and put the cursor on it; False when the account has no such node."""
        node, self._result = self._inventory.find(key), None
        if node is not None:
            self._open.update(self._inventory.parents(node))
        self._flatten(key if node is not None else "")
        return node is not None

    def move_to_key(self, key: str) -> bool:
        """Put the cursor on a node, where there is a line for it; False where there is none."""
        at = next((at for at, row in enumerate(self._rows) if row.key == key), None)
        if at is not None:
            self.move_to(at)
        return at is not None

    def open_branch(self, branch: Branch) -> None:
        self._open.add(branch)
        self._flatten(key_of(branch))

    # Rows.

    def _flatten(self, cursor_key: str) -> None:
        own = self._inventory.account.id
        rows = [TreeRow(one, 0, count=one.count) for one in self._others if one.id and one.id < own]
        begin = len(rows)
        for branch in TOP_BRANCHES:
            depth = int(bool(self._others) and branch != OVERVIEW)
            rows += _branch_rows(self._inventory, self._open, branch, depth)
        rows += (TreeRow(one, 0, count=one.count) for one in self._others if not one.id or one.id > own)
        self._rows = rows
        at = next((i for i, row in enumerate(rows) if row.key == cursor_key), begin) if cursor_key else begin
        self.set_total(len(rows), cursor=at)

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """One branch or entity: indent, name, and at the right edge its count or verdict mark."""
        row = self._rows[index]
        if isinstance(row.node, OtherAccount):
            return self._other_pieces(index, row, row.node, width)
        if row.node == OVERVIEW and self._others:
            return _account_pieces("▾ ", self._inventory.account.id, self._account_name, "", width)
        if isinstance(row.node, Branch):
            if row.hit is not None:
                return _entity_pieces(row, row.node, None, (), width)
            return _branch_pieces(row, row.node, width, is_heading=self._result is not None)
        mark = self.notes.mark(row.node)
        signs = (*([Piece(f" {mark}", "warning")] if mark else []), *self.notes.signs_of(row.node))
        return _entity_pieces(row, row.node, self.notes.verdict(index, row.node), signs, width)

    def _other_pieces(self, index: int, row: TreeRow, other: OtherAccount, width: int) -> Sequence[Piece]:
        if other.entity is not None:
            verdict = None if isinstance(other.entity, Branch) else self.notes.verdict(index, other.entity)
            return _entity_pieces(row, other.entity, verdict, (), width)
        arrow = "  " if self._result is not None else "✗ " if other.problem else "▸ "
        return _account_pieces(arrow, other.id, other.name, "" if other.problem else f"{row.count:,}", width)

    def is_stop(self, index: int) -> bool:
        """Among hits, the cursor skips the headings."""
        return self._result is None or self._rows[index].hit is not None

    # Keys.

    def on_line_view_cursor_moved(self, event: LineView.CursorMoved) -> None:
        """Announce the node, once for each time it changes."""
        event.stop()
        node, other = self.node, self.other
        key = key_of(node) if node is not None else other.key if other is not None else ""
        if key == self._chosen:
            return
        if node is not None:
            self._chosen = key
            self.post_message(self.NodeChosen(node))
        elif other is not None:
            self._chosen = key
            self.post_message(self.AccountChosen(other))

    def on_line_view_line_opened(self, event: LineView.LineOpened) -> None:
        event.stop()
        self._open_node()

    def _open_node(self) -> None:
        """A branch opens or closes, an entity is opened."""
        node = self.node
        if self.other is not None:
            self.post_message(self.AccountChosen(self.other, opened=True))
        elif isinstance(node, Branch) and not node.is_leaf:
            self.action_toggle_branch()
        elif node is not None:
            self.post_message(self.NodeOpened(node, self._policy_found))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is nothing to expand on a leaf, or among hits."""
        if action == "toggle_branch" and not (self._result is None and isinstance(self.node, Branch)):
            return False
        return super().check_action(action, parameters)

    def action_toggle_branch(self) -> None:
        node = self.node
        if isinstance(node, Branch) and not node.is_leaf and self._result is None:
            self._open.symmetric_difference_update({node})
            self._flatten(key_of(node))

    def action_line_right(self) -> None:
        """Expand a branch, or step into it; open an entity."""
        if isinstance(self.node, Branch) and not self.node.is_leaf and self.node in self._open:
            self.action_cursor_down()
        else:
            self._open_node()

    def action_line_left(self) -> None:
        node = self.node
        if node is None or self._result is not None:
            return
        if isinstance(node, Branch) and node in self._open:
            self.action_toggle_branch()
            return
        parents = self._inventory.parents(node) or ((OVERVIEW,) if self._others else ())
        if parents:
            self.move_to_key(key_of(parents[-1]))


def _branch_rows(inventory: Inventory, opened: Set[Branch], branch: Branch, depth: int) -> Iterator[TreeRow]:
    yield TreeRow(branch, depth, branch in opened, inventory.count(branch))
    for child in inventory.children(branch) if branch in opened else ():
        if isinstance(child, Branch):
            yield from _branch_rows(inventory, opened, child, depth + 1)
        else:
            yield TreeRow(child, depth + 1)


def _branch_pieces(row: TreeRow, branch: Branch, width: int, *, is_heading: bool) -> Sequence[Piece]:
    """`is_heading`: it is a heading of hits, and cannot be opened."""
    if branch == OVERVIEW:
        return [Piece("  "), Piece(fit(title_of(branch), width - 3), "strong")]
    indent = "" if is_heading else "  " * row.depth
    arrow = "  " if is_heading or branch.is_leaf else "▾ " if row.expanded else "▸ "
    count = "unknown" if row.count is None else f"{row.count:,}"
    room = width - 1 - len(indent) - 2 - len(count) - 2
    title = fit(safe_text(title_of(branch)), room)
    gap = " " * (width - 1 - len(indent) - 2 - cell_len(title) - len(count) - 1)
    style = "muted" if branch.folder else "strong"
    return [
        Piece(indent + arrow, "guide"),
        Piece(title, "faint" if row.count == 0 else style),
        Piece(gap),
        Piece(count, "faint"),
        Piece(" "),
    ]


def _account_pieces(arrow: str, number: str, name: str, count: str, width: int) -> Sequence[Piece]:
    room = width - 1 - 2 - len(count) - 2
    title = _account_title(number, safe_text(name), room)
    gap = " " * (width - 1 - 2 - cell_len(title) - len(count) - 1)
    return [Piece(arrow, "guide"), Piece(title, "strong"), Piece(gap), Piece(count, "faint"), Piece(" ")]


def _account_title(number: str, name: str, room: int) -> str:
    """Its id and name; where there is no room for both, the name and the end of the id: names are known by heart."""
    whole = f"{number} {name}".strip()
    if cell_len(whole) <= room or not (number and name):
        return fit(whole, room)
    return f"{fit(name, room - _END_OF_ID - 2)} …{number[-_END_OF_ID:]}"


_END_OF_ID: Final = 4
"""Digits that distinguish accounts with similar names."""


def _entity_pieces(
    row: TreeRow, entity: Entity | Branch, verdict: VerdictWords | None, signs: Sequence[Piece], width: int
) -> Sequence[Piece]:
    indent = "  " * row.depth + "  "
    shown = verdict_pieces(verdict)
    # A star stands in the cell that is empty behind other marks; one in front of them always is.
    edge = "" if verdict is not None and verdict.star else " "
    tail = sum(len(piece.text) for piece in shown) + len(edge) + 1 if verdict is not None else 1
    room = max(4, width - 1 - len(indent) - tail)
    behind = sum(len(sign.text) for sign in signs)
    named = (row.hit.policy if row.hit is not None else "") or entity.name
    name = fit(safe_text(named), room - behind)
    pieces = [Piece(indent, "guide"), *_marked(name, row.hit.positions if row.hit else ()), *signs]
    used = cell_len(name) + behind
    if row.hit is not None and row.hit.where and room - used > 4:
        where = fit(safe_text(row.hit.where), room - used - 2)
        pieces.append(Piece("  " + where, "faint"))
        used += 2 + cell_len(where)
    pieces.append(Piece(" " * (room - used + (verdict is not None))))
    if verdict is not None:
        pieces += [*shown, Piece(edge)]
    return pieces


def _hit_rows(result: SearchResult, others: Sequence[OtherAccount]) -> list[TreeRow]:
    """Hits by kind; behind them those in other accounts, by account."""
    by_kind: dict[Kind, list[Hit]] = {}
    elsewhere: dict[str, list[Hit]] = {}
    for hit in result.hits:
        if isinstance(hit.entity, OtherAccount):
            elsewhere.setdefault(hit.entity.id, []).insert(0, hit)
        elif hit.account:
            elsewhere.setdefault(hit.account, []).append(hit)
        else:
            kind = hit.entity.kind if isinstance(hit.entity, Branch) else kind_of(hit.entity)
            by_kind.setdefault(kind, []).append(hit)
    counts = Counter({kind: len(hits) for kind, hits in by_kind.items()})
    rows: list[TreeRow] = []
    for kind, hits in by_kind.items():
        rows.append(TreeRow(Branch(kind), 0, expanded=True, count=counts[kind]))
        rows.extend(TreeRow(hit.entity, 0, hit=hit) for hit in hits if not isinstance(hit.entity, OtherAccount))
    for other in others:
        found = elsewhere.get(other.id, ())
        inside = [(hit, hit.entity) for hit in found if not isinstance(hit.entity, OtherAccount)]
        if found:
            rows.append(TreeRow(other, 0, count=len(inside), hit=found[0] if len(inside) < len(found) else None))
        rows.extend(TreeRow(replace(other, entity=entity, policy=hit.policy), 0, hit=hit) for hit, entity in inside)
    return rows


def result_words(result: SearchResult) -> str:
    """How many hits there are, and how many of them are shown."""
    if not result.total:
        return "no match; Esc clears"
    shown = f", first {HIT_LIMIT} shown" if result.total > len(result.hits) else ""
    close = "close " if result.fuzzy else ""
    return f"{counted(result.total, f'{close}match', f'{close}matches')}{shown}"


def _marked(name: str, positions: Sequence[int]) -> list[Piece]:
    """A name with its matching letters in the style for matches."""
    if not positions:
        return [Piece(name)]
    marked = set(positions)
    pieces: list[Piece] = []
    for at, letter in enumerate(name):
        style = "match" if at in marked else ""
        if pieces and pieces[-1].style == style:
            pieces[-1] = Piece(pieces[-1].text + letter, style)
        else:
            pieces.append(Piece(letter, style))
    return pieces


class FilterInput(SafeInput):
    """The filter field. Down and Enter go to the hits, Escape clears and goes back to the tree."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "to_hits", "To the hits", id="filter.hits", tooltip="Go to the hits"),
        Binding("escape", "clear", "Clear", id="filter.clear", tooltip="Clear the filter"),
    ]

    @dataclass(eq=False, repr=False)
    class FilterLeft(Message):
        """The user is done typing; `clear` when the filter goes as well."""

        clear: bool

    def action_to_hits(self) -> None:
        self.post_message(self.FilterLeft(clear=False))

    def action_clear(self) -> None:
        self.post_message(self.FilterLeft(clear=True))


class Explorer(Pane):
    """Filter and tree."""

    tree_view = getters.query_one(ExplorerTree)
    filter_input = getters.query_one(FilterInput)

    def compose(self) -> ComposeResult:
        yield FilterInput(placeholder="/ filter: name, ARN, tag", compact=True, id="filter")
        yield Static(id="filter-count", markup=False)
        yield ExplorerTree(id="tree")

    @property
    def node(self) -> Node | None:
        return self.tree_view.node

    def set_inventory(
        self, inventory: Inventory, index: SearchIndex, others: Sequence[OtherAccount] = (), name: str = ""
    ) -> None:
        """Show an account, filter and cursor as before; `others` are open beside it, where it is called `name`."""
        key = key_of(self.node) if self.node is not None else ""
        self.tree_view.set_inventory(inventory, index, others, name)
        if self.filter_input.value:
            self.filter_again(self.filter_input.value, key)

    def set_verdicts(self, verdict_of: VerdictOf | None) -> None:
        self.tree_view.set_verdicts(verdict_of)
        self.border_subtitle = plain("* in part, or as far as loaded" if verdict_of is not None else "")

    def reveal(self, key: str) -> bool:
        """Put the cursor on a node, without the filter where it is none of its hits; False: there is no such node."""
        if self.filter_input.value and self.tree_view.move_to_key(key):
            return True
        self._drop_filter()
        return self.tree_view.reveal(key)

    def filter_again(self, query: str, key: str) -> None:
        """Filter the tree, the cursor on a node where that is among the hits."""
        with self.prevent(Input.Changed):
            self.filter_input.value = query
        self._search(query)
        self.tree_view.move_to_key(key)

    def clear_filter(self) -> bool:
        if had := bool(self.filter_input.value):
            self._drop_filter()
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

    @on(FilterInput.FilterLeft)
    def _filter_left(self, event: FilterInput.FilterLeft) -> None:
        event.stop()
        if event.clear:
            self.clear_filter()
        self.tree_view.focus()

    def _search(self, query: str) -> None:
        result = self.tree_view.search(query)
        if result is not None and not result.total and parse_arn(query.strip()) is not None:
            # The tree has no resources. The palette's keys are shown as its first one, which is typed here.
            self._say(f"no match; {key_of_binding(self, 'app.palette') or '^p'} asks about it")
        else:
            self._say(result_words(result) if result is not None else "")

    def _say(self, words: str) -> None:
        count = self.query_one("#filter-count", Static)
        count.update(plain(words))
        count.display = bool(words)
