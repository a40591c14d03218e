"""Exportable: the values of a session, each checked character by character before anything is made of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from iamtui.credentials.session import (
    Session,
    access_key_id_is_valid,
    secret_access_key_is_valid,
    session_token_is_valid,
)
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


class Exportable(Struct, frozen=True):
    """Credentials that are safe to write into a shell or a file.

    Args:
        expiration: as AWS writes it ("2026-11-25T10:00:00Z").
        account: the account of the session, or "" when GetCallerIdentity did not say.
        demo: whether the text must say DEMO.
    """

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    expiration: str
    region: str
    account: str
    demo: bool

    @property
    def variables(self) -> tuple[tuple[str, Secret], ...]:
        """Names and values of the environment variables to set, in the order they are written."""
        account = ((ACCOUNT_ID, Secret(self.account)),) if self.account else ()
        regions = tuple((name, Secret(self.region)) for name in REGIONS) if self.region else ()
        return (
            (ACCESS_KEY_ID, Secret(self.access_key_id)),
            (SECRET_ACCESS_KEY, self.secret_access_key),
            (SESSION_TOKEN, self.session_token),
            (EXPIRATION, Secret(self.expiration)),
            *account,
            *regions,
        )

    @property
    def stale(self) -> tuple[str, ...]:
        """The variables to unset first, so that nothing older is mixed with these values."""
        return STALE if self.account else (*STALE, ACCOUNT_ID)


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
    if not access_key_id_is_valid(session.access_key_id):
        raise Problem("The access key id of the session holds characters that no access key id has.", step)
    if not secret_access_key_is_valid(session.secret_access_key):
        raise Problem("The secret access key of the session holds characters that no secret access key has.", step)
    if not session_token_is_valid(session.session_token):
        raise Problem("The session token of the session holds characters that no session token has.", step)
    if session.region and not REGION.fullmatch(session.region):
        raise Problem(f'"{session.region}" is not a region.', 'Choose a region such as "eu-central-1", or none.')
    account = session.identity.account if session.identity is not None else ""
    if account and not _ACCOUNT.fullmatch(account):
        raise Problem("The account of the session is not twelve digits.", step)
    return Exportable(
        session.access_key_id,
        session.secret_access_key,
        session.session_token,
        aws_time(session.expires_at),
        session.region,
        account,
        session.demo,
    )


def aws_time(when: datetime) -> str:
    """A time as AWS writes it: ISO 8601 in UTC, whole seconds ("2026-11-25T10:00:00Z")."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
