"""The rows of "who can": one principal with its answer, how rows are counted, filtered and sorted. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from rich.cells import cell_len

from iamtui.evaluation.decision import Decision, Layer, Outcome, StatementRef
from iamtui.evaluation.request import Principal, PrincipalKind
from iamtui.evaluation.wording import condition_of, short_policy_name
from iamtui.policy.arn import parse_arn
from iamtui.text import safe_text
from iamtui.tui.widgets.question.verdict import because
from iamtui.workspace.questions.verdict import SHORT_LAYER_NAMES, as_far_as_loaded, unloaded_layers, verdict_words
from iamtui.workspace.questions.verdict_words import VerdictWords


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
class Row:
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
        """How many cells the name takes with its place."""
        return cell_len(safe_text(self.name)) + (cell_len(safe_text(self.where)) + 2 if self.where else 0)


def row_of(principal: Principal, decision: Decision, before: Decision | None = None, *, inside: bool = True) -> Row:
    """The row of an answer; takes tens of microseconds, so a thread makes them."""
    kind = _KINDS[principal.kind]
    name, where = _name_and_place(principal, inside)
    words, bucket = verdict_words(decision), _BUCKETS[decision.outcome]
    ref = decision.deciding
    policy = f"{ref.policy} {ref.sid or ''}" if ref is not None else ""
    reason = because(decision).plain
    request = decision.request
    return Row(
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
        policy = f"{SHORT_LAYER_NAMES[ref.layer]} {policy}"
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

    def key(self, row: Row) -> tuple[object, ...]:
        """What a row is compared by; equal verdicts by name."""
        name = row.name.lower()
        if self.by == "verdict":
            # A plain "allowed" is a better answer than one on some resources, or as far as loaded.
            qualified = bool(row.words.rest) if row.bucket is Bucket.ALLOWED else False
            return (-row.bucket if self.reverse else row.bucket, qualified, not row.inside, name, row.kind)
        return (name, row.kind) if self.by == "name" else (row.kind, name)

    @property
    def title(self) -> str:
        """The order in words."""
        if self.by == "verdict":
            return "worst first" if self.reverse else "best first"
        return f"by {self.by}{', reversed' if self.reverse else ''}"


ORDERS: Final = ("verdict", "name", "kind")


class Rows:
    """All rows, and those that pass the filter in their order; a batch of new ones costs a merge, not a new list."""

    def __init__(self) -> None:
        self.all: list[Row] = []
        self.shown: list[Row] = []
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

    def add(self, rows: Iterable[Row]) -> None:
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

    def _passes(self, row: Row) -> bool:
        if self.bucket is not None and row.bucket is not self.bucket:
            return False
        if self.only_changed and not row.changed:
            return False
        return not self.needle or all(word in row.haystack for word in self.needle.split())

    def _sort(self) -> None:
        reverse = self.order.reverse and self.order.by != "verdict"
        self.shown.sort(key=self.order.key, reverse=reverse)
