"""What leaving would lose, and how that is said. Pure, no widget."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from textual.content import Content

from iamtui.tui.safe import fit, line, lines, plain, safe_text
from iamtui.tui.widgets.session_care_text import about
from iamtui.tui.widgets.session_text import URGENCY_STYLES, role_name
from iamtui.workspace.sessions.keeping import KeptSession

MOST: Final = 6
"""How many drafts or sessions are listed by name; what is more is counted."""

_ROOM: Final = 60

_NAME_WIDTH: Final = 32


class Losses(NamedTuple):
    """What ends with the screen.

    Args:
        drafts: the names of drafts that are not saved, "" for one without.
        sessions: those that still live, and those that an endpoint offers.
    """

    drafts: tuple[str, ...] = ()
    sessions: tuple[KeptSession, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.drafts or self.sessions)


def losses(drafts: Iterable[str], kept: Iterable[KeptSession], now: datetime, *, picked: bool = False) -> Losses:
    """What leaving now would lose; a session that has expired is no loss, unless programs still ask its endpoint.

    Args:
        picked: whether the user leaves with a session they picked: then those they did not pick are no loss either.
    """
    worth = tuple(one for one in kept if one.service is not None or not (picked or one.session.expired(now)))
    return Losses(tuple(drafts), worth)


def leaving_words(lost: Losses, now: datetime, *, picking: bool = False) -> Content:
    """What is lost, by name, with the time that each session has left.

    Args:
        picking: whether whoever started the screen waits for a session.
    """
    rows: list[Content] = []
    if picking:
        rows.append(plain("Nothing was handed to your shell."))
    if lost.drafts:
        which = "these drafts" if len(lost.drafts) > 1 else "a draft"
        names = (fit(safe_text(name or "a draft without a name"), _ROOM) for name in lost.drafts[:MOST])
        rows += [
            plain(f"The edits of {which} are not saved:", "$muted"),
            *(line("  ", (name, "bold")) for name in names),
        ]
        rows += _more(len(lost.drafts))
    if lost.sessions:
        which = "these sessions" if len(lost.sessions) > 1 else "this session"
        rows.append(plain(f"The credentials of {which} are forgotten:", "$muted"))
        rows += [_session_row(kept, now) for kept in lost.sessions[:MOST]]
        rows += _more(len(lost.sessions))
    served = [kept for kept in lost.sessions if kept.service is not None]
    if served:
        rows.append(_endpoints(served))
    return lines(*rows)


def _more(count: int) -> list[Content]:
    return [plain(f"  and {count - MOST} more", "$muted")] if count > MOST else []


def _session_row(kept: KeptSession, now: datetime) -> Content:
    session = kept.session
    left = session.time_left(now)
    time = f"{about(left)} left" if left else "EXPIRED"
    name = fit(safe_text(role_name(session)), _NAME_WIDTH)
    with_code = ("  took an MFA code", "$muted") if kept.origin.mfa_serial else ""
    served = ("  endpoint on", "$session-active") if kept.service is not None else ""
    return line("  ", (name, "bold"), "  ", (time, URGENCY_STYLES[session.urgency(now)]), with_code, served)


def _endpoints(served: list[KeptSession]) -> Content:
    counts = [kept.service.status.counts.served for kept in served if kept.service is not None]
    answered = f"{sum(counts)} request{'' if sum(counts) == 1 else 's'} so far"
    many = len(served) > 1
    return plain(
        f"Programs that ask the endpoint{'s' if many else ''} ({answered}) get no credentials any more; "
        "`iamtui serve` offers one without the screen.",
        "$muted",
    )
