"""Used actions of a principal against the granted ones, and the least policy from them, in words, cells and rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from iamtui.presentation.listing import Report
from iamtui.presentation.reports import ReportRow, lines_report
from iamtui.presentation.styled_words import Tone, Word, row_of
from iamtui.text import ago, counted, first_names, safe_text
from iamtui.workspace.activity.used import Activity, UseCount, UsedAction, UsedService, limits_of
from iamtui.workspace.ask.access import levels_of
from iamtui.workspace.source.workspace import Workspace

if TYPE_CHECKING:
    # The words need nothing of it: lint, drafts and proofs take a tenth of a second to import.
    from iamtui.workspace.activity.least_policy import LeastDraft, LeastPolicy

_USED: Final = "used"
_NOT_GRANTED: Final = "not granted"
_UNUSED: Final = "not used"
_UNTOLD: Final = "not recorded"
_MARKS: Final = {
    _USED: Word("[+] used", Tone.ALLOWED, bold=True),
    _NOT_GRANTED: Word("[!] not granted", Tone.DEPENDS, bold=True),
    _UNUSED: Word("[-] not used", Tone.DENIED, bold=True),
    _UNTOLD: Word("[?] not recorded", Tone.QUIET),
}
_MOST_DETAILS: Final = 20
_FEW: Final = 8


def use_cell(counts: UseCount | None) -> str:
    """How many of the granted actions were used; "" where none is granted.

    `3/12`; with `3?/12` it may be more, and of `?/12` none is known, as the trails do not show some of them.
    """
    if counts is None:
        return ""
    return f"{counts.used or '' if counts.untold else counts.used}{'?' if counts.untold else ''}/{counts.granted}"


def used_of(one: UsedService) -> str:
    """Counts of a service's granted actions that were used, and of those that trails do not record."""
    untold = f", {len(one.untold):,} not recorded" if one.untold else ""
    return f"used {len(one.used):,} of {len(one.granted):,}{untold}"


def untold_words(uses: Iterable[UsedService]) -> str:
    """Explanation of the `?` in such cells; "" where there is none."""
    some = any(one.untold for one in uses)
    return "?: these trails do not show every one of these actions, so that more may have been used." if some else ""


def used_words(activity: Activity, *, when: bool = True, now: datetime | None = None) -> str:
    """How much was recorded of it, and from when to when; `now`: in its place how long ago the last was."""
    if not activity.events:
        return f"no event of it among {activity.read.counts.events:,}"
    actions = counted(len(activity.actions), "action")
    refused = f", {activity.denied:,} of them denied" if activity.denied else ""
    events = counted(activity.events, "event")
    return f"{actions} used in {events}{f', {_span(activity.first, activity.last, now)}' if when else ''}{refused}"


def _span(first: str, last: str, now: datetime | None) -> str:
    """From when to when as it was recorded; with `now` how long ago the last was, where that is a time."""
    try:
        moment = datetime.fromisoformat(last)
    except ValueError:
        now = None
    if now is not None:
        when = ago(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC), now)
        return when if first == last else f"last {when}"
    return safe_text(first if first == last else f"{first} to {last}", limit=64)


def times_words(used: UsedAction, now: datetime | None = None) -> str:
    """How often an action was used, and from when to when; `now`: in its place how long ago it was used last."""
    times = "once" if used.events == 1 else f"{used.events:,} times"
    return f"{times}, {_span(used.first, used.last, now)}"


def unmapped_words(activity: Activity) -> Iterator[str]:
    """All calls that no action is known for, by the reason, in sentences, safe to show."""
    by_reason: dict[str, Counter[str]] = {}
    for (name, why), count in activity.unmapped.items():
        by_reason.setdefault(why, Counter())[safe_text(name, limit=128)] += count
    for why, names in by_reason.items():
        listed = ", ".join(f"{name} {count:,}" for name, count in names.most_common())
        yield f"Not mapped, because {why}: {listed}."


def used_report(
    workspace: Workspace, activity: Activity, uses: Sequence[UsedService], now: datetime
) -> Report[ReportRow]:
    """Every action that was used, then every other that is granted, with what is known of its use.

    A line says how long ago that was, the details below the list when it was.
    """
    of_kinds = {
        _USED: [action for one in uses for action in one.used],
        _NOT_GRANTED: [action for one in uses for action in one.not_granted],
        _UNUSED: [action for one in uses for action in one.unused],
        _UNTOLD: [action for one in uses for action in one.untold],
    }
    rows = [_row(kind, action, activity, now) for kind, actions in of_kinds.items() for action in actions]
    incomplete = [f"Not complete: {'; '.join(activity.incomplete)}."] if activity.incomplete else []
    notes = (*incomplete, *unmapped_words(activity), *limits_of(activity, uses))
    title = f"What {workspace.short_name(activity.principal)} used: {used_words(activity)}"
    return lines_report(
        title, rows, [kind for kind in _MARKS if of_kinds[kind]], notes, names=("use", "action", "details")
    )


def _row(kind: str, action: str, activity: Activity, now: datetime) -> ReportRow:
    used = activity.actions.get(action)
    levels = ", ".join(levels_of(action))
    if used is None:
        return ReportRow(_MARKS[kind], action, levels, kind)
    resources = [resource or "not given" for resource, _ in used.resources.most_common(_MOST_DETAILS)]
    details = [
        row_of(f"{times_words(used)}  {levels}"),
        row_of(f"on {first_names(resources, _MOST_DETAILS, limit=512)}"),
    ]
    if used.implied_by:
        details.append(row_of(f"as {first_names(used.implied_by, _MOST_DETAILS)} asks for it"))
    if used.services:
        details.append(row_of(f"on its behalf by {first_names(used.services, _MOST_DETAILS)}"))
    return ReportRow(_MARKS[kind], action, times_words(used, now), kind, tuple(details))


# The least policy from what was used.


def remarks_on(least: LeastPolicy) -> Iterator[str]:
    """Caveats about a least policy, in sentences."""
    if least.open_actions:
        named = (f"{action} ({first_names(calls, 3, limit=128)})" for action, calls in least.open_actions.items())
        yield f"Granted on every resource as now, because no record names all resources: {', '.join(named)}."
    if least.not_granted:
        yield f"Used, denied now, and not in the policy: {', '.join(least.not_granted)}."
    if least.not_known:
        yield (
            "Not granted by the policies that could be read, perhaps by others, and not in the policy: "
            f"{', '.join(least.not_known)}."
        )
    if least.by_others:
        yield f"Allowed without a policy of its own, and not in the policy: {', '.join(least.by_others)}."
    if least.unread:
        yield f"Not read, so that what it denies is not kept: {first_names(least.unread, _FEW)}."


def checks_of(
    least: LeastPolicy, checked: LeastDraft | None, account: str, not_made: str
) -> Iterator[tuple[bool, str]]:
    """Results of the checks of a least policy: True if it passed, and a sentence.

    Args:
        checked: the draft that leaves nothing else, or None where there is none, which `not_made` says why.
    """
    found = least.findings(account)
    if least.statements:
        if found:
            yield False, f"Lint finds {len(found)}: {first_names([one.message for one in found], 3, limit=256)}"
        else:
            yield True, "Lint finds nothing."
    if checked is None:
        yield False, f"Not checked as a draft. {not_made}"
        return
    for problem in checked.drafted.problems[:_FEW]:
        yield False, f"The draft does not fit: {problem.sentence}"
    if checked.proof is None:
        return
    for words, pairs in (("would be denied", checked.lost), ("is not sure to be allowed", checked.unproved)):
        if pairs:
            named = first_names([f"{action} on {resource}" for action, resource in pairs], 3, limit=512)
            yield False, f"With the draft some of what was used {words}: {named}."
    if not (checked.lost or checked.unproved or checked.unchecked):
        if least.open_actions:
            names = first_names(least.open_actions, _FEW)
            yield False, f"With the draft everything recorded stays allowed, and so does everything granted of {names}."
        else:
            yield True, "With the draft everything that was used stays allowed."
    if checked.besides:
        names = first_names(checked.besides, _FEW)
        yield False, f"Not in the policy, although these calls may have needed it (no record says): {names}."
    if checked.unchecked:
        yield False, f"{checked.unchecked:,} more uses were not checked again."
    proof = checked.proof
    if proof.is_proved:
        yield True, "Nothing is newly possible with the draft (proved)."
    elif proof.counterexample is not None:
        one = proof.counterexample
        yield False, f"With the draft {one.action} on {one.resource} is newly possible."
    else:
        yield (
            False,
            f"Whether anything is newly possible is not proved: {first_names(proof.reasons, 2, limit=256)}.",
        )
