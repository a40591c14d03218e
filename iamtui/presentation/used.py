"""What a principal used against what it may do, in words and cells."""

from __future__ import annotations

from iamtui.workspace.used import Activity


def use_cell(counts: tuple[int, int] | None) -> str:
    """`3/12`: how many of the granted actions of an access level were used; "" where none is granted."""
    return "" if counts is None else f"{counts[1]}/{counts[0]}"


def used_words(activity: Activity) -> str:
    """How much was recorded of it, and from when to when."""
    if not activity.events:
        return f"no event of it among {activity.counts.events:,}"
    when = activity.first if activity.first == activity.last else f"{activity.first} to {activity.last}"
    actions = "1 action" if len(activity.actions) == 1 else f"{len(activity.actions):,} actions"
    refused = f", {activity.denied:,} of them denied" if activity.denied else ""
    return f"{actions} used in {activity.events:,} events, {when}{refused}"
