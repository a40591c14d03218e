"""A session as a person sees it: masked, counting down, who it proved to be, how it is kept. Pure, no widget."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from textual.content import Content

from iamtui.credentials.renewal import RenewalState
from iamtui.credentials.session import SOON, Session, Urgency, time_left_words
from iamtui.presentation.styled_words import rest_bar
from iamtui.text import counted, safe_text
from iamtui.tui.content import Severity, fit, is_ascii, line, lines, plain
from iamtui.workspace.assume.session_store import Dropped, KeptSession, Tick

MASK: Final = "••••"

BAR_WIDTH: Final = 24

SHORTEST_BAR: Final = 8

TIME_WIDTH: Final = 12
"""Room for the longest time left in words ("59m 59s left")."""

PRODUCTION: Final = (" PROD", "bold $verdict-denied")
"""The mark of what looks like production, behind its name."""

URGENCY_STYLES: Final = {
    Urgency.CALM: "$session-active",
    Urgency.SOON: "$session-warning",
    Urgency.URGENT: "bold $session-warning",
    Urgency.EXPIRED: "bold $session-expired",
}


class Field(StrEnum):
    """Fields that can be revealed."""

    ACCESS_KEY = "access key"
    SECRET = "secret"
    TOKEN = "token"


def role_name(session: Session) -> str:
    return session.role_arn.rsplit("/", 1)[-1]


def bar(fraction: float, style: str, width: int = BAR_WIDTH) -> Content:
    """The share of life left as a bar of `width` cells."""
    left, gone = rest_bar(fraction, width, ascii_only=is_ascii())
    return Content.assemble((left, style), (gone, "$faint"))


def heading_row(
    session: Session,
    now: datetime,
    *,
    active: bool,
    width: int,
    name_width: int = 0,
    tags: Sequence[str] = (),
    production: bool = False,
) -> Content:
    """Mark, role, account, time left, bar and tags on one line, what has room; the name fills `name_width`."""
    urgency = session.urgency(now)
    style = URGENCY_STYLES[urgency]
    words = session.time_left_words(now) if urgency is Urgency.EXPIRED else f"{session.time_left_words(now)} left"
    name = role_name(session).ljust(name_width)
    parts: list[object] = [("● " if active else "○ ", style if active else "$muted"), (name, "bold" if active else "")]
    if production:
        parts.append(PRODUCTION)
    demo = line(("  DEMO", "bold $session-warning")) if session.demo else Content("")
    account = line("  ", (account_of(session), "bold" if active else "$muted"))
    if line(*parts).cell_length + account.cell_length + TIME_WIDTH + len("  ") + demo.cell_length <= width:
        parts.append(account)
    parts += ["  ", (words.ljust(TIME_WIDTH), style)]
    room = width - line(*parts).cell_length
    for count in range(len(tags), -1, -1):
        end = line(*((f"  {tag}", "$muted") for tag in tags[:count]), demo)
        if end.cell_length <= room:
            break
    room = min(BAR_WIDTH, room - max(end.cell_length, len("  DEMO")) - len("  "))
    if room >= SHORTEST_BAR:
        parts += ["  ", bar(session.fraction_left(now), style, room)]
    return line(*parts, end)


def identity_row(session: Session, width: int) -> Content:
    """Who the credentials proved to be (without the front of the ARN where there is no room), or why not."""
    if session.identity is not None and not session.identity_error:
        arn = safe_text(session.identity.arn)
        resource = arn.split(":", 5)[-1]
        for mark, who in (("  [+] confirmed ", arn), ("  [+] confirmed ", resource), ("  [+] ", resource)):
            row = line((mark, "$verdict-allowed"), who)
            if row.cell_length <= width:
                return row
        return line(("  [+] ", "$verdict-allowed"), fit(resource, width - 6))
    why = session.identity_error or "GetCallerIdentity was not called"
    return line(("  [?] NOT confirmed: ", "bold $session-warning"), why)


def account_of(session: Session) -> str:
    """The account of the session: as proved, else as the role's ARN says; raw text."""
    if session.identity is not None:
        return session.identity.account
    fields = session.role_arn.split(":")
    return fields[4] if len(fields) > 4 else "unknown account"


def credential_rows(session: Session, revealed: Collection[Field]) -> list[Content]:
    """Access key, secret and token: masked on one line; a revealed secret or token on a line of its own."""
    key = session.access_key_id if Field.ACCESS_KEY in revealed else session.masked_access_key_id
    masked = line(
        ("  key ", "$muted"),
        key,
        ("   secret ", "$muted"),
        "below" if Field.SECRET in revealed else MASK,
        ("   token ", "$muted"),
        "below" if Field.TOKEN in revealed else MASK,
    )
    rows = [masked]
    for field, secret in ((Field.SECRET, session.secret_access_key), (Field.TOKEN, session.session_token)):
        if field in revealed:
            rows.append(line((f"  {field} ", "$muted"), (secret.reveal(), "$session-warning")))
    return rows


def assumed_words(session: Session, now: datetime, *, picking: bool = False) -> Content:
    """Message after a role was assumed: the new identity, its time, and the next keys.

    Args:
        picking: whether the session is wanted by whoever started the picker.
    """
    who = session.identity.arn.split(":", 5)[-1] if session.identity is not None else role_name(session)
    return line(
        ("You are ", ""),
        (who, "bold"),
        f" for {session.time_left_words(now)}. ",
        ("c", "bold $match"),
        " hands it to your shell, " if picking else " copies its export lines, ",
        ("g s", "bold $match"),
        " shows it.",
    )


def chip(
    session: Session | None,
    now: datetime,
    *,
    name_width: int | None = None,
    production: bool = False,
    bar_width: int = 0,
) -> Content:
    """The active session for the status line: role (cut to `name_width` cells), time left and a bar of it."""
    if session is None:
        return Content("")
    name = safe_text(role_name(session))
    style = URGENCY_STYLES[session.urgency(now)]
    return line(
        name if name_width is None else fit(name, name_width),
        PRODUCTION if production else "",
        " ",
        (session.time_left_words(now), style),
        *([" ", bar(session.fraction_left(now), style, bar_width)] if bar_width else []),
    )


_ARROW: Final = (" → ", "$faint")

MOST_SKEW: Final = timedelta(minutes=5)
"""AWS refuses a request that reaches it later than this after its time stamp (IAM User Guide: AWS Signature V4)."""


def about(left: timedelta) -> str:
    """A time left without its seconds, which would tick in the corner of the eye: "39m", "1h 05m"; below 2 minutes
    with them."""
    return (
        time_left_words(left)
        if left < timedelta(minutes=2)
        else time_left_words(left).partition("m ")[0].rstrip("m") + "m"
    )


def tags(kept: KeptSession) -> tuple[str, ...]:
    """Tags behind the bar of a session that has no other rows, the most important first."""
    failing = ("renewing fails",) if kept.renewer.held.failures.count else ()
    served = (*(("browsed as",) if kept.lent_key else ()), *(("served",) if kept.service is not None else ()))
    return (*failing, *served, *(("renews",) if kept.renewer.switched_on and not failing else ()))


def callers_row(kept: KeptSession, width: int) -> Content | None:
    """Who assumed it, through which sessions; shortened to names where there is no room. None when unknown."""
    if not kept.callers:
        return None
    for shown in (_resource, _short):
        row = line(("  by ", "$muted"), *_joined([shown(arn) for arn in kept.callers]))
        if row.cell_length <= width:
            return row
    return row


def _joined(names: Sequence[str]) -> list[object]:
    parts: list[object] = []
    for name in names:
        parts += [_ARROW, name] if parts else [name]
    return parts


def _resource(arn: str) -> str:
    return arn.split(":", 5)[-1]


def _short(arn: str) -> str:
    resource = _resource(arn)
    parts = resource.split("/")
    return parts[1] if parts[0] == "assumed-role" and len(parts) > 1 else parts[-1]


def renewal_row(kept: KeptSession, now: datetime, width: int) -> Content:
    """Renewal, forgetting and endpoint; what is as usual goes where there is no room."""
    renewal = line("  ", _renewal_part(kept, now))
    timed, served = kept.forget_at is not None, kept.service is not None
    words = f"forgotten in {about(kept.forget_at - now)}" if kept.forget_at is not None else "forget never"
    forget = line("   ", (words, "$foreground" if timed else "$muted"))
    words, style = ("endpoint on", "$session-active") if served else ("endpoint off", "$muted")
    endpoint = line("   ", (words, style))
    # The endpoint has a row of its own while it is on.
    for parts in ((forget, endpoint), (forget,) if timed or served else (endpoint,)):
        row = line(renewal, *parts)
        if row.cell_length <= width:
            return row
    return renewal


def _renewal_part(kept: KeptSession, now: datetime) -> Content:
    renewer = kept.renewer
    if renewer.renewing:
        return plain("renewing …", "$session-active")
    if not renewer.possible:
        return plain("cannot be renewed", "$muted")
    if not renewer.switched_on:
        return plain("renew off", "$muted")
    if renewer.needs_code:
        left = renewer.held.session.time_left(now) - SOON
        if left > timedelta():
            return plain(f"asks for a code in {about(left)}", "$session-active")
        return plain("needs a code: press r", "bold $session-warning")
    if renewer.state() is RenewalState.FRESH:
        return plain(f"renews in {about(renewer.due_in())}", "$session-active")
    wait = renewer.next_try_in()
    words = f"tries again in {about(wait)}" if wait else "renewing"
    if not renewer.held.session.time_left(now):
        return plain(f"EXPIRED, {words}", "bold $session-expired")
    return plain(words, "$session-warning")


def trouble_row(kept: KeptSession, now: datetime) -> Content | None:
    """Why renewing failed, when the next try is, and how long the session still lives; None when nothing failed."""
    if not kept.renewer.held.failures.count:
        return None
    return line(("  ! ", "bold $session-warning"), (failure_words(kept, now), "$session-warning"))


def failure_words(kept: KeptSession, now: datetime) -> str:
    """A renewal that failed, raw: what is left, the next try, and why."""
    held = kept.renewer.held
    failures = held.failures
    how = "failed" if failures.count == 1 else f"failed {failures.count} times"
    left = held.session.time_left(now)
    still = f"the session is still good for {about(left)}" if left else "the session has EXPIRED"
    wait = kept.renewer.next_try_in()
    again = "" if wait is None else f"; next try in {about(wait)}" if wait > timedelta() else "; trying again"
    return f"Renewing {how}; {still}{again}. {failures.sentence}"


def endpoint_row(kept: KeptSession, width: int) -> Content | None:
    """The endpoint with its secret masked, and what it has answered; None when there is none."""
    service = kept.service
    if service is None:
        return None
    served, refused = service.status.answered
    imds = (("  IMDS", "bold $session-warning"),) if service.metadata is not None else ()
    authority = service.endpoint.authority
    for where in (f"served at http://{authority}/{MASK}", f"served at {authority}", authority):
        row = line((f"  {where}", "$muted"), f"  {served} answered, {refused} refused", *imds)
        if row.cell_length <= width:
            break
    return row


def renewed_words(kept: KeptSession, now: datetime) -> tuple[Content, Severity]:
    name = (role_name(kept.session), "bold")
    if kept.renewer.held.failures.count:
        return line(name, ": ", failure_words(kept, now)), Severity.WARNING
    return line("Renewed ", name, f": {kept.session.time_left_words(now)} left."), Severity.INFORMATION


def tick_words(tick: Tick, skew: timedelta) -> tuple[Content, Severity] | None:
    """Message of a second, all in one, the most urgent first; None when there is nothing to report.

    Args:
        skew: AWS's clock minus this machine's wall clock as it is now.
    """
    parts: list[Content] = []
    severity = Severity.INFORMATION
    for urgency, level in (
        (Urgency.EXPIRED, Severity.ERROR),
        (Urgency.URGENT, Severity.WARNING),
        (Urgency.SOON, Severity.WARNING),
    ):
        found = [kept for kept, crossed in tick.crossed if crossed is urgency]
        if found:
            parts.append(_crossed(found, urgency))
            severity = level if severity is Severity.INFORMATION else severity
    if tick.forgotten:
        parts.append(line("Forgot ", *_names(tick.forgotten), ", as you had set."))
    if tick.orphaned:
        parts.append(orphans_words(tick.orphaned, gone=True))
    if tick.stopped:
        parts.append(line("The endpoint of ", *_names(tick.stopped), " has stopped with its session."))
    if tick.slept:
        parts.append(plain(f"iamtui was suspended for {about(tick.slept)}; the times are right again."))
    if tick.clock_moved:
        parts.append(_clock_moved(tick.clock_moved, skew))
        severity = Severity.WARNING if severity is Severity.INFORMATION else severity
    return (Content(" ").join(parts), severity) if parts else None


def orphans_words(children: Sequence[KeptSession], *, gone: bool) -> Content:
    """Effect of forgetting a session on those that it has assumed; empty when there are none."""
    if not children:
        return Content("")
    many = len(children) > 1
    who = (
        line(f"What it assumed ({len(children)} sessions) ")
        if many
        else line("What it assumed, ", *_names(children), ", ")
    )
    return line(who, "cannot be renewed any more." if gone else "can then not be renewed any more.")


def _crossed(found: Sequence[KeptSession], urgency: Urgency) -> Content:
    many = len(found) > 1
    names = line(f"The session{'s' if many else ''} of ", *_names(found))
    if urgency is not Urgency.EXPIRED:
        minutes = "5" if urgency is Urgency.URGENT else "10"
        return line(names, f" end{'' if many else 's'} in less than {minutes} minutes.")
    renewable = any(kept.renewer.possible for kept in found)
    step = "r in the sessions renews it" if renewable else "assume the role again"
    return line(names, f" {'have' if many else 'has'} EXPIRED; {step}.")


def _names(found: Sequence[KeptSession]) -> list[object]:
    parts: list[object] = []
    for number, kept in enumerate(found):
        parts += [", " if number else "", (role_name(kept.session), "bold")]
    return parts


def _clock_moved(moved: timedelta, skew: timedelta) -> Content:
    way = "ahead" if moved > timedelta() else "back"
    words = f"This machine's clock was set {way} by {about(abs(moved))}; sessions go on by AWS's clock."
    if abs(skew) > MOST_SKEW:
        words += " AWS refuses calls from a clock that is more than 5 minutes off: set it right."
    return plain(words)


def dropped_words(dropped: Dropped) -> str:
    """Dropped things in words: "2 sessions", "1 session, 1 MFA session and 1 endpoint", or ""."""
    numbers = ((dropped.sessions, "session"), (dropped.mfa_sessions, "MFA session"), (dropped.endpoints, "endpoint"))
    parts = [counted(number, word) for number, word in numbers if number]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


# What leaving would lose, and how that is said. Pure, no widget.


MOST: Final = 6
"""How many drafts or sessions are listed by name; what is more is counted."""

_ROOM: Final = 60

_NAME_WIDTH: Final = 32


class Losses(NamedTuple):
    """Drafts and sessions that end with the screen.

    Args:
        drafts: the names of drafts that are not saved, "" for one without.
        sessions: those that still live, and those that an endpoint offers.
    """

    drafts: tuple[str, ...] = ()
    sessions: tuple[KeptSession, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.drafts or self.sessions)


def losses(drafts: Iterable[str], kept: Iterable[KeptSession], now: datetime, *, picked: bool = False) -> Losses:
    """Losses of leaving now; an expired session is no loss, unless programs still use its endpoint.

    Args:
        picked: whether the user leaves with a session they picked: then those they did not pick are no loss either.
    """
    worth = tuple(one for one in kept if one.service is not None or not (picked or one.session.expired(now)))
    return Losses(tuple(drafts), worth)


def leaving_words(lost: Losses, now: datetime, *, picking: bool = False) -> Content:
    """Losses by name, with the time that each session has left.

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
    answered = f"{counted(sum(counts), 'request')} so far"
    many = len(served) > 1
    return plain(
        f"Programs that ask the endpoint{'s' if many else ''} ({answered}) get no credentials any more; "
        "`iamtui serve` offers one without the screen.",
        "$muted",
    )
