"""Result of a replay: verdicts, groups of requests that came to the same, counts, and a draft with what keeps them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from iamtui.activity.requests import DistinctRequest
from iamtui.engine.decision import Decision, Outcome, ResourceScope
from iamtui.engine.request import Principal
from iamtui.questions.question import Question

MOST_NAMED: Final = 5
"""Most names of a kind in a message."""


class ReplayVerdict(StrEnum):
    """Verdict of a replay on a recorded request."""

    AGREES = "agrees"
    """The account's answer is what AWS did."""
    DIFFERS = "differs"
    """The account's answer is another."""
    KEPT = "kept"
    """It would still be allowed with the draft."""
    BROKEN = "broken"
    """It would be denied with the draft."""
    OPEN = "open"
    """The answer could not be determined."""


WORST_FIRST: Final = (
    ReplayVerdict.BROKEN,
    ReplayVerdict.DIFFERS,
    ReplayVerdict.OPEN,
    ReplayVerdict.KEPT,
    ReplayVerdict.AGREES,
)


@dataclass(slots=True)
class ReplayGroup:
    """Requests of one caller for one action that came to the same.

    Args:
        caller: ARN of the user or role, or the name of a service; raw.
        action: the IAM action that decided; where none is known, the call.
        reason: why it is so, one sentence or a part of one; safe to show.
        resources: the first few, raw, and how many there are.
        requests, events: how many distinct requests, and how many events they stand for.
        first, last: times of the first and the last event; "" where it is unknown.
        sessions: the first few names of the caller's sessions.
        has_more: whether there are more resources.
        principal, question: one of the questions with its caller, for a fix.
    """

    verdict: ReplayVerdict
    caller: str
    action: str
    reason: str
    resources: dict[str, None] = field(default_factory=dict)
    requests: int = 0
    events: int = 0
    first: str = ""
    last: str = ""
    sessions: dict[str, None] = field(default_factory=dict)
    has_more: bool = False
    principal: Principal | None = None
    question: Question | None = None

    def add(self, request: DistinctRequest, resource: str) -> None:
        self.requests += 1
        self.events += request.count
        if request.first and (not self.first or request.first < self.first):
            self.first = request.first
        self.last = max(self.last, request.last)
        if len(self.resources) < MOST_RESOURCES:
            self.resources[resource] = None
        elif resource not in self.resources:
            self.has_more = True
        if request.caller.session and len(self.sessions) < MOST_NAMED:
            self.sessions[request.caller.session] = None


MOST_RESOURCES: Final = 1_000
"""Resources of a group that are held."""


@dataclass(slots=True)
class Replay:
    """Verdicts of a replay on all recorded requests.

    Args:
        groups: those that need a look: what differs, is broken, or is open; most events first.
        besides: what more of the broken requests would be denied than the one that they are counted by.
        requests, events: how many there are of each verdict.
        unmapped: calls that no action is known for, by service and name: why, and how many events.
        not_calls: events that are no calls, such as sign-ins.
        failed: calls that failed for another reason than a lack of permission, by error code; they prove nothing.
        refused: with a draft: events that AWS denied, which prove nothing about it.
        unaffected: with a draft: events of callers, or of actions, that it does not matter to; they are kept.
        elsewhere: events between accounts that are not open, by the account that recorded them.
        ungrouped: events of more different answers than are told apart.
    """

    drafted: bool
    groups: list[ReplayGroup] = field(default_factory=list)
    besides: list[ReplayGroup] = field(default_factory=list)
    requests: Counter[ReplayVerdict] = field(default_factory=Counter)
    events: Counter[ReplayVerdict] = field(default_factory=Counter)
    unmapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_calls: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    unaffected: int = 0
    elsewhere: Counter[str] = field(default_factory=Counter)
    ungrouped: int = 0

    @property
    def told(self) -> bool:
        """True where all calls have a verdict; a draft changes nothing between other accounts.

        A trail of nothing but that says nothing of the draft: it may be another account's.
        """
        elsewhere = self.elsewhere and not (self.drafted and self.events.total())
        return not (self.events[ReplayVerdict.OPEN] or self.unmapped or self.ungrouped or elsewhere)

    def of(self, verdict: ReplayVerdict) -> list[ReplayGroup]:
        return [group for group in self.groups if group.verdict is verdict]

    def broken(self) -> Iterator[LostPermission]:
        """Permissions that the draft would break, by the first denial of each request, most events first."""
        merged: dict[tuple[str, str, str], LostPermission] = {}
        for group in (*self.of(ReplayVerdict.BROKEN), *self.besides):
            key = group.caller, group.action, group.reason
            known = merged.get(key)
            resources = tuple(dict.fromkeys((*(known.resources if known is not None else ()), *group.resources)))
            more = group.has_more or (known is not None and known.has_more)
            merged[key] = LostPermission(group.principal, group.action, group.question, resources, group.reason, more)
        yield from merged.values()


class LostPermission(NamedTuple):
    """A permission that somebody used on some resources, and would lose with a draft.

    Args:
        principal, question: None where no account can be asked about it.
        reason: why it could not be done; safe to show.
        has_more: whether there are more resources than are held.
    """

    principal: Principal | None
    action: str
    question: Question | None
    resources: tuple[str, ...]
    reason: str
    has_more: bool = False


def allows_all(decision: Decision) -> bool:
    """True where the request is allowed on all of its resources."""
    return decision.outcome is Outcome.ALLOWED and decision.resource_scope is not ResourceScope.SOME
