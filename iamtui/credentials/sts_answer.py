"""A distrustful reading of what STS answers: its values end in shells and files, and an endpoint may lie.

No secret is kept in a local variable: a traceback may print local variables. The answer's secrets go straight into
`Secret`, and what a failed call leaves behind (frames that hold the request) is cut off.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from iamtui.problem import Problem
from iamtui.secret import Secret

LONGEST_LIFE: Final = timedelta(hours=36)
"""No STS credentials live longer (GetSessionToken and GetFederationToken: 129,600 seconds)."""

_SMALLEST_SKEW: Final = timedelta(seconds=2)
"""Below this, whole seconds in the Date header and the way of the answer explain the difference."""

_ACCESS_KEY_ID: Final = re.compile(r"[A-Z0-9]{16,128}")
_SECRET_ACCESS_KEY: Final = re.compile(r"[A-Za-z0-9+/=]{16,512}")
_SESSION_TOKEN: Final = re.compile(r"[A-Za-z0-9+/=]{1,65536}")


def access_key_id_is_valid(text: str) -> bool:
    """Whether the text is shaped like an access key id (IAM API Reference: AccessKey)."""
    return _ACCESS_KEY_ID.fullmatch(text) is not None


def secret_access_key_is_valid(secret: Secret) -> bool:
    """Whether the text has only base64 characters, and a believable length."""
    return _SECRET_ACCESS_KEY.fullmatch(secret.reveal()) is not None


def session_token_is_valid(secret: Secret) -> bool:
    """Whether the text has only base64 characters; AWS says not to expect any size."""
    return _SESSION_TOKEN.fullmatch(secret.reveal()) is not None


@dataclass(frozen=True, slots=True)
class NewCredentials:
    """What STS answered, checked, with the server's clock.

    Args:
        access_key_id, secret_access_key, session_token: the credentials.
        expires_at: UTC, by the server's clock.
        given_at: UTC, by the server's clock.
        clock_skew: server clock minus local clock.
    """

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    expires_at: datetime
    given_at: datetime
    clock_skew: timedelta


def ask_for_credentials(
    call: Callable[[], dict[str, Any]], what: str, now: Callable[[], datetime], *, mfa_code: Secret | None = None
) -> NewCredentials:
    """Make a call of STS that answers with Credentials, and check them. Blocking.

    Args:
        call: makes the call; its frames may hold secrets, and are not kept.
        what: the call, for sentences ("sts:AssumeRole").
        now: the local time.
        mfa_code: the code in the request, if any: STS repeats values that it refuses, and our sentences must not.

    Raises:
        AwsProblem: STS refused, or could not be reached.
        Problem: the answer is none that STS would give.
    """
    answer = _asked(call, mfa_code)
    local = now()
    skew = _clock_skew(answer.server_time, local)
    expires_at = _checked_end(answer, what, local + skew)
    return NewCredentials(
        answer.access_key_id, answer.secret_access_key, answer.session_token, expires_at, local + skew, skew
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    """What STS said, unchecked; the secrets already wrapped."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    expires_at: datetime | None
    server_time: datetime | None

    @classmethod
    def of(cls, response: dict[str, Any]) -> _Answer:
        """Wrap an answer. Never raises, so that no traceback can hold it."""
        given = _mapping(response.get("Credentials"))
        headers = _mapping(_mapping(response.get("ResponseMetadata")).get("HTTPHeaders"))
        expiration = given.get("Expiration")
        return cls(
            _text(given.get("AccessKeyId")),
            Secret(_text(given.get("SecretAccessKey"))),
            Secret(_text(given.get("SessionToken"))),
            expiration if isinstance(expiration, datetime) and expiration.tzinfo is not None else None,
            _http_date(_text(headers.get("date"))),
        )


def clock_skew_of(response: dict[str, Any], local: datetime) -> timedelta:
    """Server clock minus local clock, by the Date header of an answer that came at `local`; zero when it has none."""
    headers = _mapping(_mapping(response.get("ResponseMetadata")).get("HTTPHeaders"))
    return _clock_skew(_http_date(_text(headers.get("date"))), local)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _http_date(text: str) -> datetime | None:
    """The time of a Date header (RFC 9110), UTC, or None when it cannot be read."""
    try:
        when = parsedate_to_datetime(text)
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _asked(call: Callable[[], dict[str, Any]], mfa_code: Secret | None) -> _Answer:
    try:
        return _Answer.of(call())
    except Problem as failure:
        problem = failure
    if mfa_code:
        problem.sentence = re.sub(f"(?<![0-9]){re.escape(mfa_code.reveal())}(?![0-9])", "••••", problem.sentence)
        problem.args = (problem.sentence,)
    # The frames of the call hold the MFA code and the external id, and the error behind the Problem does too.
    problem.__context__ = problem.__cause__ = None
    raise problem.with_traceback(None)


def _clock_skew(server_time: datetime | None, now: datetime) -> timedelta:
    if server_time is None:
        return timedelta()
    skew = server_time - now
    return skew if abs(skew) >= _SMALLEST_SKEW else timedelta()


def _checked_end(answer: _Answer, what: str, server_now: datetime) -> datetime:
    """Refuse what STS would never answer: it could be code in the shell that the credentials are exported to."""
    step = "Check what answers the calls: the endpoint, or a proxy in between; nothing of the answer was used."
    if not access_key_id_is_valid(answer.access_key_id):
        raise Problem(f"The answer to {what} has no valid AccessKeyId.", step)
    if not secret_access_key_is_valid(answer.secret_access_key):
        raise Problem(f"The answer to {what} has no valid SecretAccessKey.", step)
    if not session_token_is_valid(answer.session_token):
        raise Problem(f"The answer to {what} has no valid SessionToken.", step)
    if answer.expires_at is None:
        raise Problem(f"The answer to {what} has no valid Expiration.", step)
    if answer.expires_at <= server_now:
        raise Problem(f"The credentials that {what} answered have already expired.", step)
    if answer.expires_at - server_now > LONGEST_LIFE:
        raise Problem(
            f"The credentials that {what} answered would live longer than 36 hours, which no session does.", step
        )
    return answer.expires_at
