"""What a principal used against what it may do, in words, cells and rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from iamtui.presentation.reports import Report, ReportRow
from iamtui.presentation.styled_words import Tone, Word, row_of, text_of
from iamtui.text import first_names, safe_text
from iamtui.workspace.access import levels_of
from iamtui.workspace.used import Activity, UseCount, UsedAction, UsedService, limits_of
from iamtui.workspace.workspace import Workspace

_USED: Final = "used"
_NOT_GRANTED: Final = "not granted"
_UNUSED: Final = "not used"
_UNTOLD: Final = "not told"
_MARKS: Final = {
    _USED: Word("[+] used", Tone.ALLOWED, bold=True),
    _NOT_GRANTED: Word("[!] not granted", Tone.DEPENDS, bold=True),
    _UNUSED: Word("[-] not used", Tone.DENIED, bold=True),
    _UNTOLD: Word("[?] not told", Tone.QUIET),
}
_MOST_DETAILS: Final = 20


def use_cell(counts: UseCount | None) -> str:
    """How many of the granted actions were used; "" where none is granted.

    `3/12`; with `3?/12` it may be more, and of `?/12` none is known, as the trails do not show some of them.
    """
    if counts is None:
        return ""
    return f"{counts.used or '' if counts.untold else counts.used}{'?' if counts.untold else ''}/{counts.granted}"


def used_of(one: UsedService) -> str:
    """How many of the granted actions of a service were used, and of how many others that cannot be said."""
    untold = f", {len(one.untold):,} not told" if one.untold else ""
    return f"used {len(one.used):,} of {len(one.granted):,}{untold}"


def untold_words(uses: Iterable[UsedService]) -> str:
    """What the `?` of such cells says; "" where there is none."""
    some = any(one.untold for one in uses)
    return "?: these trails do not show every one of these actions, so that more may have been used." if some else ""


def used_words(activity: Activity) -> str:
    """How much was recorded of it, and from when to when."""
    if not activity.events:
        return f"no event of it among {activity.read.counts.events:,}"
    actions = "1 action" if len(activity.actions) == 1 else f"{len(activity.actions):,} actions"
    refused = f", {activity.denied:,} of them denied" if activity.denied else ""
    events = "1 event" if activity.events == 1 else f"{activity.events:,} events"
    return f"{actions} used in {events}, {_span(activity.first, activity.last)}{refused}"


def _span(first: str, last: str) -> str:
    return safe_text(first if first == last else f"{first} to {last}", limit=64)


def times_words(used: UsedAction) -> str:
    """How often an action was used, and from when to when."""
    times = "once" if used.events == 1 else f"{used.events:,} times"
    return f"{times}, {_span(used.first, used.last)}"


def unmapped_words(activity: Activity) -> Iterator[str]:
    """All calls that no action is known for, by the reason, in sentences, safe to show."""
    by_reason: dict[str, Counter[str]] = {}
    for (name, why), count in activity.unmapped.items():
        by_reason.setdefault(why, Counter())[safe_text(name, limit=128)] += count
    for why, names in by_reason.items():
        listed = ", ".join(f"{name} {count:,}" for name, count in names.most_common())
        yield f"Not mapped, because {why}: {listed}."


def used_report(workspace: Workspace, activity: Activity, uses: Sequence[UsedService]) -> Report:
    """Every action that was used or is granted, with what is known of its use."""
    rows: list[ReportRow] = []
    for one in uses:
        of_kinds = ((_USED, one.used), (_NOT_GRANTED, one.not_granted), (_UNUSED, one.unused), (_UNTOLD, one.untold))
        for kind, actions in of_kinds:
            rows += (_row(len(rows) + at, kind, action, activity) for at, action in enumerate(actions))
    counts = Counter(row.kind for row in rows)
    incomplete = [f"Not complete: {'; '.join(activity.incomplete)}."] if activity.incomplete else []
    notes = (*incomplete, *unmapped_words(activity), *limits_of(activity, uses))
    name = workspace.short_name(activity.principal)
    title = text_of(row_of(f"What {name} used: {used_words(activity)}"))
    return Report(title, tuple(rows), tuple(kind for kind in _MARKS if counts[kind]), notes, counts=counts)


def _row(number: int, kind: str, action: str, activity: Activity) -> ReportRow:
    used = activity.actions.get(action)
    levels = ", ".join(levels_of(action))
    if used is None:
        return ReportRow(_MARKS[kind], text_of(row_of(action)), levels, kind, number)
    resources = [resource or "not told" for resource, _ in used.resources.most_common(_MOST_DETAILS)]
    details = [
        row_of(f"{times_words(used)}  {levels}"),
        row_of(f"on {first_names(resources, _MOST_DETAILS, limit=512)}"),
    ]
    if used.implied_by:
        details.append(row_of(f"as {first_names(used.implied_by, _MOST_DETAILS)} asks for it"))
    if used.services:
        details.append(row_of(f"on its behalf by {first_names(used.services, _MOST_DETAILS)}"))
    return ReportRow(_MARKS[kind], text_of(row_of(action)), times_words(used), kind, number, tuple(details))
