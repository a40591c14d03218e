"""A session as a person sees it: masked, counting down, with who it proved to be. Pure, no widget."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from textual.content import Content

from iamtui.credentials.session import Session, Urgency
from iamtui.presentation.styled_words import rest_bar
from iamtui.text import safe_text
from iamtui.tui.content import fit, is_ascii, line

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
    """What can be revealed."""

    ACCESS_KEY = "access key"
    SECRET = "secret"
    TOKEN = "token"


def role_name(session: Session) -> str:
    """The name of the session's role, without account and path; raw text."""
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
    why = session.identity_error or "GetCallerIdentity was not asked"
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
        ("  1 ", "$faint"),
        ("key ", "$muted"),
        key,
        ("  2 ", "$faint"),
        ("secret ", "$muted"),
        "below" if Field.SECRET in revealed else MASK,
        ("  3 ", "$faint"),
        ("token ", "$muted"),
        "below" if Field.TOKEN in revealed else MASK,
    )
    rows = [masked]
    for field, secret in ((Field.SECRET, session.secret_access_key), (Field.TOKEN, session.session_token)):
        if field in revealed:
            rows.append(line((f"  {field} ", "$muted"), (secret.reveal(), "$session-warning")))
    return rows


def assumed_words(session: Session, now: datetime, *, picking: bool = False) -> Content:
    """What the message line says after a role was assumed: who one has become, for how long, and what next.

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
        ("S", "bold $match"),
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
