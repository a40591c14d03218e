"""Exportable: the values of a session, each checked character by character before anything is made of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, NewType

from iamtui.credentials.session import Session, malformed_value
from iamtui.credentials.variables import (
    ACCESS_KEY_ID,
    ACCOUNT_ID,
    EXPIRATION,
    REGIONS,
    SECRET_ACCESS_KEY,
    SESSION_TOKEN,
    STALE,
)
from iamtui.problem import Problem
from iamtui.secret import Secret

DEMO_LABEL: Final = "DEMO credentials of the iamtui demo account: they work nowhere else"

REGION: Final = re.compile(r"[a-z]{2,8}(?:-[a-z0-9]{1,16}){1,4}")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")


Exportable = NewType("Exportable", Session)
"""A session whose values are safe to write into a shell or a file: `exportable` checked them."""


def proved_account(session: Session) -> str:
    """The account of a session, or "" when GetCallerIdentity did not say."""
    return session.identity.account if session.identity is not None else ""


def environment_of(values: Exportable) -> tuple[tuple[str, Secret], ...]:
    """Names and values of the environment variables to set, in the order they are written."""
    account = ((ACCOUNT_ID, Secret(proved_account(values))),) if proved_account(values) else ()
    regions = tuple((name, Secret(values.region)) for name in REGIONS) if values.region else ()
    return (
        (ACCESS_KEY_ID, Secret(values.access_key_id)),
        (SECRET_ACCESS_KEY, values.secret_access_key),
        (SESSION_TOKEN, values.session_token),
        (EXPIRATION, Secret(aws_time(values.expires_at))),
        *account,
        *regions,
    )


def stale_variables(values: Exportable) -> tuple[str, ...]:
    """The variables to unset first, so that nothing older is mixed with these values."""
    return STALE if proved_account(values) else (*STALE, ACCOUNT_ID)


def exportable(session: Session, now: datetime | None = None) -> Exportable:
    """Check a session's values for export.

    Raises:
        Problem: the session has expired, belongs to somebody else than was asked for, or a value could be more
            than a value where it is written to.
    """
    if session.contradicted:
        raise Problem(
            f"Nothing is handed over: {session.identity_error}",
            "Forget this session and check the endpoint that gave it.",
        )
    if session.expired(now):
        raise Problem(
            f"The session {session.session_name} of {session.role_arn} has expired, so there is nothing to hand over.",
            "Assume the role again.",
        )
    step = "Nothing was written. Forget this session and check the endpoint that gave it."
    wrong = malformed_value(session.access_key_id, session.secret_access_key, session.session_token)
    if wrong is not None:
        raise Problem(f"The {wrong[1]} of the session holds characters that no {wrong[1]} has.", step)
    if session.region and not REGION.fullmatch(session.region):
        raise Problem(f'"{session.region}" is not a region.', 'Choose a region such as "eu-central-1", or none.')
    account = proved_account(session)
    if account and not _ACCOUNT.fullmatch(account):
        raise Problem("The account of the session is not twelve digits.", step)
    return Exportable(session)


def aws_time(when: datetime) -> str:
    """A time as AWS writes it: ISO 8601 in UTC, whole seconds ("2026-11-25T10:00:00Z")."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
