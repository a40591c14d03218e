"""Effects of a draft on access, trust and ways to become administrator, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from iamtui.account.model import Account
from iamtui.text import first_names, safe_text

if TYPE_CHECKING:
    from iamtui.workspace.change.impact import AccessShift, EscalationShift, TrustShift

_TRUST: Final = {"gained": "opens to", "lost": "closes to", "changed": "changes for"}


_MOST_NAMED: Final = 4


def access_words(shift: AccessShift, actions: Sequence[str] = ()) -> str:
    """Which actions are gained, lost or changed, on what and on what condition; safe to show.

    Args:
        actions: those of them that are meant; empty: all.
    """
    before, after = shift.before.value, shift.after.value
    if before == after:
        outcomes = ", on other resources or conditions than before"
    else:
        outcomes = ", on a condition" if "depends" in (before, after) else ""
    named = first_names(actions or shift.actions, _MOST_NAMED)
    return f"{named} on {safe_text(shift.resource)}{outcomes}{when_words(shift)}"


def trust_words(account: Account, shift: TrustShift) -> str:
    """To whom the trust of a role opens, or closes, and on what condition; safe to show."""
    edge = shift.edge
    trusted = "everyone" if edge.name == "*" else safe_text(account.short_name(edge.name)) or "anonymous"
    what = "" if edge.action.startswith("sts:AssumeRole") else f" for {edge.action}"
    condition = f" if {edge.condition}" if edge.condition else ""
    return f"{_TRUST[shift.effect.value]} {trusted}{what}{condition}{when_words(shift)}"


def when_words(shift: AccessShift | TrustShift) -> str:
    """Of which calls it is so, where not of those of now."""
    return f", when {safe_text(shift.when)}" if shift.when else ""


def escalation_words(shift: EscalationShift) -> str:
    again = "is" if shift.effect.value == "gained" else "is no longer"
    if shift.escalation is None:
        return f"{again} an administrator"
    can = "can" if shift.effect.value == "gained" else "can no longer"
    sure = "" if shift.escalation.certain else ", under conditions"
    steps = ", then ".join(move.path.title for move in shift.escalation.moves)
    return f"{can} become administrator{sure}: {steps}"
