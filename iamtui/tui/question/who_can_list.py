"""WhoCanList: every principal and its answer, one a line, drawn line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message

from iamtui.engine.condition_words import LAYER_NAMES, condition_of, short_policy_name
from iamtui.engine.decision import Decision, Layer, Outcome, StatementRef
from iamtui.engine.request import Principal, PrincipalKind
from iamtui.policy.arn import parse_arn
from iamtui.presentation.styled_words import text_of
from iamtui.presentation.verdict import VerdictWords, as_far_as_loaded, because, unloaded_layers, verdict_words
from iamtui.text import safe_text
from iamtui.tui.content import fit
from iamtui.tui.widgets.lists.line_list import SORT_KEYS, LineView, Piece

# The rows of "who can": one principal with its answer, how rows are counted, filtered and sorted. Pure.


class Bucket(IntEnum):
    """What a row is counted and filtered by, the best answer first."""

    ALLOWED = 0
    DEPENDS = 1
    EXPLICIT = 2
    NO_ALLOW = 3


_BUCKETS: Final = {
    Outcome.ALLOWED: Bucket.ALLOWED,
    Outcome.DEPENDS: Bucket.DEPENDS,
    Outcome.EXPLICIT_DENY: Bucket.EXPLICIT,
    Outcome.IMPLICIT_DENY: Bucket.NO_ALLOW,
}

_KINDS: Final = {
    PrincipalKind.ROOT: "account",
    PrincipalKind.USER: "user",
    PrincipalKind.ROLE: "role",
    PrincipalKind.ROLE_SESSION: "session",
    PrincipalKind.FEDERATED_USER: "federated",
    PrincipalKind.SERVICE: "service",
    PrincipalKind.IDENTITY_PROVIDER: "provider",
    PrincipalKind.CANONICAL_USER: "canonical",
    PrincipalKind.ANONYMOUS: "anyone",
}


@dataclass(frozen=True, slots=True, eq=False)
class WhoCanRow:
    """One principal and what its answer says, without the answer itself: thousands of those are much to keep.

    Args:
        principal: whom the answer is for.
        inside: whether it is a user or role of the account.
        kind, name, where: what it is, what it is called, and its path or its account ("" when neither says more);
            raw text.
        bucket, words: the verdict.
        why: what it is limited to or depends on, and the deciding statement; short, safe to show.
        reason: the same at length.
        requester, action, resource, context: the request that decided; where a role chaining comes first and
            decides, it is that of the role it starts from.
        before: the verdict without the draft, or None when there is no draft.
        changed: whether the draft changes the outcome.
        haystack: what a filter text is looked for in, in lower case: who, the verdict, and the deciding policy.
        unloaded: layers that were not evaluated and could change the answer.
    """

    principal: Principal
    inside: bool
    kind: str
    name: str
    where: str
    bucket: Bucket
    words: VerdictWords
    why: str
    reason: str
    requester: Principal
    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]]
    before: VerdictWords | None
    changed: bool
    haystack: str
    unloaded: tuple[Layer, ...]

    @property
    def name_cells(self) -> int:
        return cell_len(safe_text(self.name)) + (cell_len(safe_text(self.where)) + 2 if self.where else 0)


def row_of(
    principal: Principal, decision: Decision, before: Decision | None = None, *, inside: bool = True
) -> WhoCanRow:
    """The row of an answer; takes tens of microseconds, so a thread makes them."""
    kind = _KINDS[principal.kind]
    name, where = _name_and_place(principal, inside)
    words, bucket = verdict_words(decision), _BUCKETS[decision.outcome]
    ref = decision.deciding
    policy = f"{ref.policy} {ref.sid or ''}" if ref is not None else ""
    reason = text_of(because(decision))
    request = decision.request
    return WhoCanRow(
        principal,
        inside,
        kind,
        name,
        where,
        bucket,
        words,
        _why(decision, bucket, words, reason),
        reason,
        request.principal,
        request.action,
        request.resource,
        request.context,
        verdict_words(before) if before is not None else None,
        before is not None and before.outcome is not decision.outcome,
        f"{kind}/{name} {where} {principal.arn} {words} {policy}".lower(),
        unloaded_layers(decision),
    )


def _why(decision: Decision, bucket: Bucket, words: VerdictWords, reason: str) -> str:
    """What an answer is limited to, on what it depends, and which statement decided."""
    parts = [words.rest] if bucket is Bucket.ALLOWED and words.rest else []
    if bucket is Bucket.DEPENDS and decision.depends_on is not None:
        parts.append(f"if {condition_of(decision)}")
    ref = decision.deciding
    if ref is not None and bucket is not Bucket.NO_ALLOW:
        parts.append(_statement(ref, decision))
    elif not parts:
        parts.append(reason)
    if bucket is not Bucket.ALLOWED:
        parts.append(as_far_as_loaded(decision))
    return "; ".join(filter(None, parts))


def _statement(ref: StatementRef, decision: Decision) -> str:
    """A statement in a few words; of the resource the policy's name would only repeat the ARN."""
    policy = short_policy_name(ref.policy)
    if ref.layer is Layer.RESOURCE:
        policy = "trust policy" if decision.request.action.lower().startswith("sts:") else "resource policy"
    elif ref.layer not in (Layer.IDENTITY, Layer.SERVICE_RULE):
        policy = f"{LAYER_NAMES[ref.layer].short} {policy}"
    return f"{policy} / {safe_text(ref.sid, limit=128) if ref.sid else f'statement {ref.statement + 1}'}"


def _name_and_place(principal: Principal, inside: bool) -> tuple[str, str]:
    kind = principal.kind
    if kind is PrincipalKind.ANONYMOUS:
        return "anonymous", "without credentials"
    arn = parse_arn(principal.arn)
    if arn is None:
        return principal.arn, ""
    if kind is PrincipalKind.ROOT:
        return arn.account, "another account"
    if inside:
        return arn.name, "" if arn.path == "/" else arn.path
    name = arn.resource.partition("/")[2] or arn.resource
    return name, f"account {arn.account}" if arn.account else ""


@dataclass(frozen=True, slots=True)
class Order:
    """How rows are sorted: by "verdict", "name" or "kind", perhaps in reverse."""

    by: str = "verdict"
    reverse: bool = False

    def key(self, row: WhoCanRow) -> tuple[object, ...]:
        """What a row is compared by; equal verdicts by name."""
        name = row.name.lower()
        if self.by == "verdict":
            # A plain "allowed" is a better answer than one on some resources, or as far as loaded.
            qualified = bool(row.words.rest) if row.bucket is Bucket.ALLOWED else False
            return (-row.bucket if self.reverse else row.bucket, qualified, not row.inside, name, row.kind)
        return (name, row.kind) if self.by == "name" else (row.kind, name)

    @property
    def title(self) -> str:
        if self.by == "verdict":
            return "worst first" if self.reverse else "best first"
        return f"by {self.by}{', reversed' if self.reverse else ''}"


ORDERS: Final = ("verdict", "name", "kind")


class Rows:
    """All rows, and those that pass the filter in their order; a batch of new ones costs a merge, not a new list."""

    def __init__(self) -> None:
        self.all: list[WhoCanRow] = []
        self.shown: list[WhoCanRow] = []
        self.counts = dict.fromkeys(Bucket, 0)
        self.longest_name = self.longest_why = 0
        """Of all rows, in cells: the longest name with its place, and the longest reason."""
        self.limited = 0
        """How many are allowed only on some resources, or only as far as loaded."""
        self.changed = 0
        self.order = Order()
        self.bucket: Bucket | None = None
        self.only_changed = False
        self.needle = ""

    def add(self, rows: Iterable[WhoCanRow]) -> None:
        """Take new rows in."""
        for row in rows:
            self.all.append(row)
            self.longest_name = max(self.longest_name, row.name_cells)
            self.longest_why = max(self.longest_why, cell_len(row.why))
            self.counts[row.bucket] += 1
            self.limited += row.bucket is Bucket.ALLOWED and bool(row.words.limit)
            self.changed += row.changed
            if self._passes(row):
                self.shown.append(row)
        self._sort()

    def choose(
        self, *, bucket: Bucket | None = None, only_changed: bool = False, needle: str = "", order: Order | None = None
    ) -> None:
        """Filter and sort anew.

        Args:
            bucket: only this verdict; None: all.
            only_changed: only what the draft changes.
            needle: only rows that hold this text (any letter case).
        """
        self.bucket, self.only_changed, self.needle = bucket, only_changed, needle.lower()
        self.order = order or self.order
        self.shown = [row for row in self.all if self._passes(row)]
        self._sort()

    def _passes(self, row: WhoCanRow) -> bool:
        if self.bucket is not None and row.bucket is not self.bucket:
            return False
        if self.only_changed and not row.changed:
            return False
        return not self.needle or all(word in row.haystack for word in self.needle.split())

    def _sort(self) -> None:
        reverse = self.order.reverse and self.order.by != "verdict"
        self.shown.sort(key=self.order.key, reverse=reverse)


STYLES: Final = {
    Bucket.ALLOWED: "allowed",
    Bucket.DEPENDS: "depends",
    Bucket.EXPLICIT: "denied",
    Bucket.NO_ALLOW: "denied",
}

_GAP: Final = "  "
_VERDICT: Final = 12
_BEFORE: Final = 7
_KIND: Final = 8
_LEAST_NAME: Final = 24
_WHY_BESIDES: Final = 60
"""From which width on the reasons have a column of their own; below, the lines under the list say them."""


class WhoCanList(LineView):
    """Sorted and filtered rows; the cursor stays on its row while others come in."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_line", "Go there", id="whocan.open", tooltip="Go to the principal in the tree"),
        *SORT_KEYS,
        Binding(
            "space", "reverse_sort", "Reverse", id="table.reverse",
            tooltip="Turn the order round: worst answers first, and back",
        ),
    ]  # fmt: skip

    HEADER_LINES = 2

    @dataclass(eq=False, repr=False)
    class Chosen(Message):
        """Enter on a row."""

        row: WhoCanRow

    @dataclass(eq=False, repr=False)
    class Moved(Message):
        """Another row is under the cursor, or none is any more."""

        row: WhoCanRow | None

    @dataclass(eq=False, repr=False)
    class Sorted(Message):
        """The order is another."""

    @dataclass(eq=False, repr=False)
    class Step(Message):
        """h or l: the filter to the left or right."""

        direction: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.rows = Rows()
        self._draft = False

    def on_unmount(self) -> None:
        """Drop the rows, of which a large account has thousands, before the collector would find them."""
        self.rows = Rows()

    @property
    def row(self) -> WhoCanRow | None:
        return self.rows.shown[self.cursor] if self.rows.shown else None

    def start(self, *, draft: bool) -> None:
        """Begin anew: no rows yet, the same filter and order."""
        old, self.rows = self.rows, Rows()
        self.rows.choose(bucket=old.bucket, only_changed=old.only_changed, needle=old.needle, order=old.order)
        self._draft = draft
        self._show(None)

    def add(self, rows: Sequence[WhoCanRow]) -> None:
        """Take new rows in; who stood at the top stays there, who had moved stays on their row."""
        kept = self.row if self.cursor else None
        self.rows.add(rows)
        self._show(kept)

    def choose(
        self, *, bucket: Bucket | None, only_changed: bool = False, needle: str = "", order: Order | None = None
    ) -> None:
        """Filter and sort anew."""
        kept = self.row
        self.rows.choose(bucket=bucket, only_changed=only_changed, needle=needle, order=order)
        self._show(kept)

    def _show(self, kept: WhoCanRow | None) -> None:
        at = 0
        if kept is not None:
            at = next((i for i, row in enumerate(self.rows.shown) if row is kept), 0)
        offset = self.cursor - self.scroll_offset.y
        self.set_total(len(self.rows.shown), cursor=at)
        if at:
            self.scroll_to(y=max(0, at - offset), animate=False, force=True)

    # Drawing.

    def _widths(self, width: int) -> tuple[int, int]:
        """The widths of the name and of the reason; the reason's is 0 where it has no column."""
        fixed = 1 + _VERDICT + len(_GAP) + _KIND + len(_GAP) + (_BEFORE + len(_GAP) if self._draft else 0)
        room = max(8, width - fixed)
        if room < _WHY_BESIDES:
            return room, 0
        rows = self.rows
        # Reasons are told below the list too: names come first, as long as some of the reason is left.
        name = min(rows.longest_name, max(_LEAST_NAME, room - len(_GAP) - min(rows.longest_why, room // 2)))
        name = max(name, min(_LEAST_NAME, room))
        return name, room - name - len(_GAP)

    def header_pieces(self, y: int, width: int) -> Sequence[Piece]:
        """The titles of the columns, the sorted one with an arrow, and a rule below."""
        if y == 1:
            return [Piece("─" * width, "guide")]
        name, why = self._widths(width)
        order = self.rows.order
        pieces = [Piece(" ")]
        if self._draft:
            pieces.append(Piece("before".ljust(_BEFORE) + _GAP, "header"))
        for title, size in (("verdict", _VERDICT), ("name", name), ("kind", _KIND)):
            here = title == order.by
            text = f"{title} {'▼' if order.reverse else '▲'}" if here else title
            pieces.append(Piece(text.ljust(size) + _GAP, "header-sorted" if here else "header"))
        if why:
            pieces.append(Piece("why", "header"))
        return pieces

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """One principal: verdict, name, kind, and where there is room why."""
        row = self.rows.shown[index]
        name, why = self._widths(width)
        pieces: list[Piece] = []
        if self._draft:
            pieces.append(_before(row))
        pieces.append(Piece(row.words.short.ljust(_VERDICT) + _GAP, STYLES[row.bucket]))
        shown = fit(safe_text(row.name), name)
        padding = name - cell_len(shown)
        where = fit(f"  {safe_text(row.where)}", padding) if row.where and padding > 4 else ""
        pieces += [
            Piece(shown, "" if row.inside else "link"),
            Piece(where + " " * (padding - cell_len(where)) + _GAP, "faint"),
            Piece(row.kind.ljust(_KIND) + _GAP, "muted"),
        ]
        if why:
            pieces.append(Piece(fit(row.why, why), "muted"))
        return pieces

    # Keys.

    def action_sort_by(self, step: int) -> None:
        at = ORDERS.index(self.rows.order.by)
        self._sort(Order(ORDERS[(at + step) % len(ORDERS)]))

    def action_reverse_sort(self) -> None:
        self._sort(Order(self.rows.order.by, not self.rows.order.reverse))

    def _sort(self, order: Order) -> None:
        rows = self.rows
        rows.choose(bucket=rows.bucket, only_changed=rows.only_changed, needle=rows.needle, order=order)
        self._show(None)
        self.post_message(self.Sorted())

    def action_line_left(self) -> None:
        self.post_message(self.Step(-1))

    def action_line_right(self) -> None:
        self.post_message(self.Step(1))

    def on_line_view_cursor_moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        self.post_message(self.Moved(self.row))

    def on_line_view_line_opened(self, event: LineView.LineOpened) -> None:
        """Announce which row was chosen."""
        event.stop()
        if self.row is not None:
            self.post_message(self.Chosen(self.row))


def _before(row: WhoCanRow) -> Piece:
    """The mark before the draft, with an arrow where the draft changes it."""
    if row.before is None:
        return Piece(" " * _BEFORE + _GAP)
    mark = row.before.mark + row.before.star
    return Piece((f"{mark} →" if row.changed else mark).ljust(_BEFORE) + _GAP, "warning" if row.changed else "faint")
