"""Used: what recorded calls prove that a principal used, against what it may do.

Only a call that succeeded proves that it was allowed. What logs do not tell is said beside it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from typing import Final, NamedTuple

from iamtui.activity.distinct_requests import DistinctRequest, RequestCollector
from iamtui.activity.events import Event
from iamtui.activity.trails import TrailCounts, Trails
from iamtui.catalog import api_operations
from iamtui.engine.calls.api_calls import AuthorizedAction, authorized_by, iam_actions
from iamtui.engine.request import Principal
from iamtui.policy.patterns import parse_arn
from iamtui.problem import Problem
from iamtui.questions.question import Question
from iamtui.text import counted, first_names
from iamtui.workspace.ask.access import levels_of
from iamtui.workspace.ask.denials import roles_of_profile, with_path
from iamtui.workspace.ask.questions import BulkEvaluator, check_resource
from iamtui.workspace.ask.what_can import LEVELS, EffectiveAccess
from iamtui.workspace.source.workspace import Workspace

_MOST_NAMES: Final = 100_000
_MOST_REGIONS: Final = 64
_LONGEST_NAME: Final = 256
"""Characters of a call's name or a Region's; no call and no Region that is known has as many."""

_MOST_SAID: Final = 8
_MOST_TYPES: Final = 3
_MOST_CONTEXTS: Final = 16
_ESCAPED_SLASH: Final = b"\\/"
_FREE: Final = ("sts:GetCallerIdentity", "sts:GetSessionToken")
"""Calls that no policy has to allow (STS API Reference)."""


VIA_A_SERVICE: Final = "aws:ViaAWSService"


@dataclass(slots=True)
class UsedAction:
    """An action that a principal used.

    Args:
        resources: ARNs, with `*` for the unknown part of one, to the number of events; "" where it is unknown.
        contexts: Regions with the condition keys of the check that its record tells, and that a service forwarded it,
            with how many events have them.
        untold: calls whose records do not tell all of their resources, with the types of the unknown ones.
        implied_by: the calls that it was checked along with, where it has no record of its own.
        services: the services that called on the principal's behalf.
    """

    action: str
    events: int = 0
    first: str = ""
    last: str = ""
    resources: Counter[str] = field(default_factory=Counter)
    contexts: Counter[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]]] = field(default_factory=Counter)
    untold: dict[str, None] = field(default_factory=dict)
    implied_by: dict[str, None] = field(default_factory=dict)
    services: Counter[str] = field(default_factory=Counter)

    def add(self, request: DistinctRequest, found: AuthorizedAction, resources: Iterable[str]) -> None:
        self.events += request.count
        self.first = min(filter(None, (self.first, request.first)), default="")
        self.last = max(self.last, request.last)
        resources = [*resources] or [""]
        if found.untold and "" not in resources:
            resources.append("")
        for resource in resources:
            self.resources[resource] += request.count
        if "" in resources:
            types = ", ".join(" or ".join(one[:_MOST_TYPES]) for one in found.untold)
            self.untold[f"{request.event}: {types}" if types else request.event] = None
        service = request.caller.invoked_by
        via = ((VIA_A_SERVICE, ("true",)),) if service.endswith(".amazonaws.com") else ()
        self.contexts[request.region, found.context + via] += request.count
        if found.implied:
            self.implied_by[request.event] = None
        if service:
            self.services[service] += request.count


class EventKind(NamedTuple):
    """Events that a trail has, or leaves out, together (CloudTrail User Guide: event selectors).

    Args:
        service: action prefix of data events, and of KMS, whose events trails can leave out; "" for all others.
        reads: whether CloudTrail records the call as one that only reads.
    """

    service: str
    reads: bool


@dataclass(frozen=True, slots=True)
class ReadTrails:
    """Distinct requests and counts of trails that were read.

    Args:
        requests: distinct requests by the ARN of the user or role.
        kinds: of which there is some event, whoever called.
        regions: of all events, as far as told.
        left_out: events of more distinct requests than are held, by name.
        damaged: files that were passed over, with the reason, safe to show.
    """

    requests: Mapping[str, Sequence[DistinctRequest]]
    kinds: frozenset[EventKind]
    regions: frozenset[str]
    left_out: Counter[str]
    counts: TrailCounts
    damaged: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Activity:
    """Use of actions by a principal in trails.

    Args:
        principal: ARN of a user or role.
        actions: what it used, by action.
        requests, events: how many of its own there are.
        unmapped: calls that no action is known for, by event source and name, and why.
        failed: calls that failed for another reason than a lack of permission, by error code.
        denied: events that AWS denied.
        not_calls: events of it that are no calls.
        cut: events whose record names more than was kept of it.
        folded: events of objects of which it is told what their keys begin with.
        possible: actions that calls may have needed besides, which no record tells, to one of these calls.
        granted_as_used: actions that are allowed, or on a condition, in a Region or through a service of their use.
    """

    principal: str
    read: ReadTrails
    actions: dict[str, UsedAction] = field(default_factory=dict)
    requests: int = 0
    events: int = 0
    first: str = ""
    last: str = ""
    unmapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    denied: int = 0
    not_calls: int = 0
    cut: int = 0
    folded: int = 0
    possible: dict[str, str] = field(default_factory=dict)
    granted_as_used: frozenset[str] = frozenset()

    def add(self, request: DistinctRequest, workspace: Workspace) -> None:
        self.requests += 1
        self.events += request.count
        self.first = min(filter(None, (self.first, request.first)), default="")
        self.last = max(self.last, request.last)
        if not request.is_call:
            self.not_calls += request.count
        elif request.denied:
            self.denied += request.count
        elif not request.succeeded:
            self.failed[request.error] += request.count
        else:
            mapped = authorized_by(request.record())
            if not mapped.actions:
                self.unmapped[f"{request.source}:{request.event}", mapped.unmapped] += request.count
                return
            self.cut += request.count if request.cut else 0
            self.folded += request.count if request.folded else 0
            checks_more = {maybe.action for maybe in mapped.possible}
            for maybe in mapped.possible:
                self.possible.setdefault(maybe.action, request.event)
            for found in mapped.actions:
                used = self.actions.setdefault(found.action, UsedAction(found.action))
                resources = [_real_arn(workspace, one, request) if _is_resource(one) else "" for one in found.resources]
                if found.action in checks_more and resources:
                    resources.append("")
                if found.action == "iam:PassRole" and not resources:
                    resources = roles_of_profile(workspace.account, request.given())
                used.add(request, found, resources)

    @property
    def incomplete(self) -> tuple[str, ...]:
        """Why there may be more that it used, in sentences; () where all that was recorded is known."""
        reasons = []
        if self.unmapped:
            reasons.append(f"{counted(self.unmapped.total(), 'event')} could not be mapped to an action")
        if self.read.left_out:
            reasons.append(
                f"{counted(self.read.left_out.total(), 'event')} beyond the limit of distinct requests were left out"
            )
        if self.cut:
            reasons.append(f"not all resources of {counted(self.cut, 'event')} were kept")
        if self.folded:
            reasons.append(f"of the objects of {counted(self.folded, 'event')} only the beginning of the key is kept")
        if not self.read.counts.whole:
            reasons.append("files or parts of them could not be read")
        return tuple(reasons)


def read_trails(
    trails: Sequence[str], told: Callable[[TrailCounts], None] = lambda _counts: None, *, only: str = ""
) -> ReadTrails:
    """Read trails. Blocking.

    Args:
        trails: files and folders; "-" is standard input.
        told: called again and again while they are read; may raise, to stop.
        only: ARN of the user or role whose requests are kept; "": of all.

    Raises:
        Problem: a trail cannot be opened, or none of it is one.
    """
    read = Trails(trails, told)
    collector = RequestCollector()
    names: set[tuple[str, str]] = set()
    regions: set[str] = set()
    wanted = only.encode()
    for events in read.events():
        if len(names) < _MOST_NAMES:
            names.update(_names_of(events))
        if len(regions) < _MOST_REGIONS:
            found = (event.awsRegion or "" for event in events)
            regions.update(region for region in found if 0 < len(region) <= _LONGEST_NAME)
        identities = ((event, bytes(event.userIdentity)) for event in events)
        collector.add(event for event, who in identities if event.lost or wanted in who or _ESCAPED_SLASH in who)
    read.check()
    actions = {next(iter(iam_actions(source, name)), "") for source, name in names} - {""}
    return ReadTrails(
        _by_principal(collector.taken(), only),
        frozenset(map(_kind_of, actions)),
        frozenset(regions),
        collector.left_out,
        read.counts,
        tuple((one.path, one.sentence) for one in read.damaged),
    )


def _names_of(events: Iterable[Event]) -> Iterator[tuple[str, str]]:
    for event in events:
        source, name = event.eventSource or "", event.eventName or ""
        if len(source) + len(name) <= _LONGEST_NAME:
            yield source, name


def _by_principal(requests: Iterable[DistinctRequest], only: str) -> dict[str, list[DistinctRequest]]:
    found: dict[str, list[DistinctRequest]] = {}
    for request in requests:
        if not only or request.caller.principal == only:
            found.setdefault(request.caller.principal, []).append(request)
    # They come last one first.
    return {principal: own[::-1] for principal, own in reversed(found.items())}


def _kind_of(action: str) -> EventKind:
    """The kind of event by which a call of an action is recorded."""
    service, _, name = action.lower().partition(":")
    levels = levels_of(action)
    reads = bool(levels) and all(level in ("List", "Read") for level in levels)
    # What makes and uses credentials and ciphers changes nothing that is kept.
    reads = reads or any(fnmatchcase(name, pattern) for pattern in _RECORDED_AS_READING.get(service, ()))
    return EventKind(service if service == "kms" or is_data_event(action) else "", reads)


_RECORDED_AS_READING: Final[Mapping[str, tuple[str, ...]]] = {
    "kms": ("decrypt", "encrypt", "generate*", "reencrypt*", "sign", "verify*", "derive*"),
    "sts": ("*",),
}
"""Calls of another access level that CloudTrail records as `readOnly` (guides of both: CloudTrail log entries)."""


class _Stopped(Exception):
    """Nobody wants what is being read any more."""


def read_until(trail: str, told: Callable[[int, int], bool]) -> ReadTrails | None:
    """Read a trail, or None if it was stopped.

    Args:
        told: called again and again with how many files and events were read; says whether to stop.

    Raises:
        Problem: it cannot be opened.
    """

    def tell(counts: TrailCounts) -> None:
        if told(counts.files, counts.events):
            raise _Stopped

    try:
        return read_trails([trail], tell)
    except _Stopped:
        return None


def activity_of(
    workspace: Workspace, principal: Principal, read: ReadTrails, told: Callable[[int], None] = lambda _done: None
) -> Activity:
    """Use of actions by a user or role in trails.

    Args:
        told: called again and again with how many requests are done.
    """
    arn = principal.role_arn or principal.arn
    activity = Activity(arn, read)
    for number, request in enumerate(read.requests.get(arn, ())):
        activity.add(request, workspace)
        told(number)
    used = activity.actions.values()
    activity.granted_as_used = frozenset(one.action for one in used if _is_granted_as_used(workspace, principal, one))
    return activity


def _is_granted_as_used(workspace: Workspace, principal: Principal, used: UsedAction) -> bool:
    """True where the action is allowed somewhere as it was used: in other Regions, or through a service."""
    elsewhere = (one for one in used.contexts if one[0] != workspace.source.region or VIA_A_SERVICE in dict(one[1]))
    questions = (Question(used.action, "*", dict(context), region=region) for region, context in elsewhere)
    some = islice(questions, _MOST_CONTEXTS)
    return any(not BulkEvaluator(workspace, question).ask(principal).denied for question in some)


def _is_resource(text: str) -> bool:
    """True where a question may name the resource: names in records may be any text, also with ARNs in it."""
    try:
        check_resource(text)
    except Problem:
        return False
    return True


def _real_arn(workspace: Workspace, text: str, request: DistinctRequest) -> str:
    """The ARN of an entity of the account, whose path a record does not tell; "" where the account has none so called.

    It may be gone since then. The call that made it tells its path.
    """
    arn = parse_arn(text)
    account = workspace.account
    if arn is None or arn.service != "iam" or arn.account != account.id or arn.resource_type not in _WITH_PATHS:
        return text
    named = [one.arn for one in account.groups if one.name == arn.name and arn.resource_type == "group"]
    profiles = account.instance_profiles if arn.resource_type == "instance-profile" else ()
    named += [one.arn for one in profiles if one.name == arn.name]
    found = with_path(workspace, text, arn.resource_type, arn.name)
    if found != text or account.by_arn(text) is not None or text in named:
        return found
    is_told = request.event.startswith("Create") or f'"{text}"' in request.parameters
    return text if is_told else named[0] if len(named) == 1 else ""


_WITH_PATHS: Final = ("role", "user", "group", "instance-profile", "policy", "server-certificate", "mfa")

UNTOLD: Final = "?"
"""Placeholder in an ARN for a character that a record does not show, as behind the name of a secret.

An entry that takes it in takes in every character: an explicit deny of such an ARN is one of all that it may stand for.
"""


def with_stars(resource: str) -> str:
    """The pattern of all resources that an ARN with unknown characters may mean."""
    return re.sub(r"\?+", "*", resource)


def is_data_event(action: str) -> bool:
    """True where CloudTrail records calls of an action only as data events of a trail."""
    prefix, _, name = action.lower().partition(":")
    return any(fnmatchcase(name, pattern) for pattern in api_operations.DATA_EVENTS.get(prefix, ()))


def is_recorded(action: str) -> bool:
    """True where a call of the SDK is recorded as this action: others are checked along with calls, or of the
    console."""
    prefix, _, name = action.partition(":")
    without = api_operations.actions_without_operation().get(prefix, ())
    return "*" not in without and name not in without


def _would_show(action: str, activity: Activity) -> bool:
    """True where trails would show the use of an action, by the rest of their events and of possible needs."""
    return is_recorded(action) and _kind_of(action) in activity.read.kinds and action not in activity.possible


class UseCount(NamedTuple):
    """Numbers of granted actions, of those that were used, and of those whose use is unknown."""

    granted: int
    used: int
    untold: int


@dataclass(frozen=True, slots=True)
class UsedService:
    """Granted actions of a service, and their use.

    Args:
        granted: actions that are allowed, or on a condition.
        used: the granted ones that were used.
        unused: those that were not, although CloudTrail would have recorded them.
        untold: those of which nothing can be said: their calls are not recorded in these trails, or never, or
            another call may have needed them.
        not_granted: actions that were used, and that the account denies now.
        levels: by access level.
    """

    service: str
    granted: tuple[str, ...]
    used: tuple[str, ...]
    unused: tuple[str, ...]
    untold: tuple[str, ...]
    not_granted: tuple[str, ...]
    levels: Mapping[str, UseCount]


def compare_use(granted: EffectiveAccess, activity: Activity) -> tuple[UsedService, ...]:
    """Comparison of granted actions with used ones, service by service in alphabetical order."""
    allowed: dict[str, dict[str, None]] = {}
    for action in (*granted.by_action(), *activity.granted_as_used):
        allowed.setdefault(action.partition(":")[0], {})[action] = None
    done: dict[str, list[str]] = {}
    for action in activity.actions:
        done.setdefault(action.partition(":")[0], []).append(action)
    return tuple(
        _service_use(service, tuple(sorted(allowed.get(service, ()))), done.get(service, ()), activity)
        for service in sorted({**allowed, **done})
    )


def _service_use(service: str, granted: tuple[str, ...], done: Iterable[str], activity: Activity) -> UsedService:
    used = tuple(action for action in granted if action in activity.actions)
    rest = [action for action in granted if action not in activity.actions]
    untold = tuple(one for one in rest if not _would_show(one, activity))
    unused = tuple(one for one in rest if one not in untold)
    more = tuple(action for action in done if action not in granted and action not in _FREE)
    levels = {}
    for level in LEVELS:
        of_level = [action for action in granted if level in levels_of(action)]
        if of_level:
            levels[level] = UseCount(*(sum(map(some.__contains__, of_level)) for some in (granted, used, untold)))
    return UsedService(service, granted, used, unused, untold, more, levels)


_READ: Final = "only read"
_CHANGE: Final = "change something"


def _missing(service: str, read: ReadTrails) -> str:
    """The events of a service that trails leave out, where they leave out some."""
    there = [kind.reads for kind in read.kinds if kind.service == service]
    return f"{service} (calls that {_CHANGE if True in there else _READ})" if there else service


def limits_of(activity: Activity, uses: Sequence[UsedService]) -> tuple[str, ...]:
    """Limits of these trails in sentences, safe to show."""
    untold = [action for one in uses for action in one.untold]
    unused = [action for one in uses for action in one.unused]
    return (
        "Only the time of these trails counts: what is done once a year may look unused. Event history has 90 days.",
        "Calls that were denied or failed prove no use.",
        *_left_out(activity.read, untold),
        *_selected(unused),
        *_not_told(activity, untold),
    )


def _left_out(read: ReadTrails, untold: Sequence[str]) -> Iterator[str]:
    """Sentences about kinds of events that trails lack."""
    managing = {kind.reads for kind in read.kinds if not kind.service}
    if not managing:
        yield (
            "These trails have data events only, no management events: what it did besides reading and writing data, "
            "such as making, changing or listing things, cannot be seen."
        )
    elif len(managing) == 1:
        what = _CHANGE if True in managing else _READ
        yield f"These trails have no management events of calls that {what}: such calls cannot be seen."
    if read.regions:
        yield f"Regions of which these trails have events: {first_names(sorted(read.regions), _MOST_SAID)}."
    kinds = set(map(_kind_of, filter(is_recorded, untold))) - read.kinds
    silent = sorted({_missing(kind.service, read) for kind in kinds if kind.service})
    if silent:
        yield (
            f"These trails have no events of {', '.join(silent)}, whoever called: "
            "what it did with objects, items, messages, keys and the like cannot be seen."
        )


def _selected(unused: Sequence[str]) -> Iterator[str]:
    """That a trail has the data events of the resources that it selects (CloudTrail User Guide: event selectors)."""
    data = sorted(filter(is_data_event, unused))
    if data:
        yield (
            f"A trail may have the data events of some resources only: {first_names(data, 3)} may have been used on "
            "others."
        )


def _not_told(activity: Activity, untold: Sequence[str]) -> Iterator[str]:
    """Sentences about actions whose use records do not show."""
    unrecorded = sorted(action for action in untold if not is_recorded(action))
    if unrecorded:
        yield (
            f"{counted(len(unrecorded), 'granted action')} of no API call, as {first_names(unrecorded, 3)}: whether "
            "they are used shows only where calls are known to need them, as for iam:PassRole."
        )
    maybe = {action: event for action, event in activity.possible.items() if action not in activity.actions}
    if maybe:
        calls = first_names(sorted(set(maybe.values())), 3)
        yield f"No record says whether these calls needed {first_names(sorted(maybe), _MOST_SAID)} too: {calls}."
    behalf = sorted({service for used in activity.actions.values() for service in used.services})
    if behalf:
        yield f"Some calls were made on its behalf by {', '.join(behalf)}; not every such call is recorded."
