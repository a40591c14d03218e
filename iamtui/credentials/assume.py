"""Assuming a role: the STS call, a distrustful reading of its answer, and proof of who one has become.

No secret is kept in a local variable here: a traceback may print local variables. The answer's secrets go
straight into `Secret`, and what a failed call leaves behind (frames that hold the request) is cut off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from iamtui.aws.connection import Connection
from iamtui.credentials.assume_request import AssumeRoleRequest
from iamtui.credentials.session import CallerIdentity, Clock, Session, utc_now
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


class InvalidRequest(Problem):
    """The request breaks limits of STS, so it was not sent. `problems` has one sentence for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(" ".join(problems), "Correct it and try again." if len(problems) == 1 else "Correct them.")
        self.problems = problems


def assume_role(
    connection: Connection,
    request: AssumeRoleRequest,
    *,
    source_arn: str = "",
    demo: bool = False,
    clock: Clock = utc_now,
) -> Session:
    """Call sts:AssumeRole, then GetCallerIdentity with what it gave. Blocking.

    Args:
        connection: the caller.
        request: what to ask for.
        source_arn: who the caller is, to be kept in the session.
        demo: whether to mark the session, and so its exports, as DEMO.
        clock: the local time.

    Raises:
        InvalidRequest: the request breaks limits of STS; nothing was sent.
        AwsProblem: STS refused, or could not be reached.
        Problem: the answer is none that STS would give.
    """
    problems = request.problems()
    if problems:
        raise InvalidRequest(problems)
    answer = _ask_sts(connection, request)
    now = clock()
    skew = _clock_skew(answer.server_time, now)
    _check_answer(answer, now + skew)
    assert answer.expires_at is not None
    session = Session(
        role_arn=request.role_arn,
        session_name=request.session_name,
        access_key_id=answer.access_key_id,
        secret_access_key=answer.secret_access_key,
        session_token=answer.session_token,
        expires_at=answer.expires_at,
        assumed_at=now + skew,
        source_arn=source_arn,
        clock_skew=skew,
        region=connection.region,
        demo=demo,
    )
    return _with_identity(session, connection)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What AssumeRole said, unchecked; the secrets already wrapped."""

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


def _ask_sts(connection: Connection, request: AssumeRoleRequest) -> _Answer:
    try:
        return _Answer.of(connection.call("sts", "AssumeRole", **request.parameters()))
    except Problem as failure:
        problem = failure
    # The frames of the call hold the MFA code and the external id, and the error behind the Problem does too.
    problem.__context__ = problem.__cause__ = None
    raise problem.with_traceback(None)


def _clock_skew(server_time: datetime | None, now: datetime) -> timedelta:
    if server_time is None:
        return timedelta()
    skew = server_time - now
    return skew if abs(skew) >= _SMALLEST_SKEW else timedelta()


def _check_answer(answer: _Answer, server_now: datetime) -> None:
    """Refuse what STS would never answer: it could be code in the shell that the credentials are exported to."""
    step = "Check what answers the calls: the endpoint, or a proxy in between; nothing of the answer was used."
    if not access_key_id_is_valid(answer.access_key_id):
        raise Problem("The answer to sts:AssumeRole has no valid AccessKeyId.", step)
    if not secret_access_key_is_valid(answer.secret_access_key):
        raise Problem("The answer to sts:AssumeRole has no valid SecretAccessKey.", step)
    if not session_token_is_valid(answer.session_token):
        raise Problem("The answer to sts:AssumeRole has no valid SessionToken.", step)
    if answer.expires_at is None:
        raise Problem("The answer to sts:AssumeRole has no valid Expiration.", step)
    if answer.expires_at <= server_now:
        raise Problem("The credentials that sts:AssumeRole answered have already expired.", step)
    if answer.expires_at - server_now > LONGEST_LIFE:
        raise Problem(
            "The credentials that sts:AssumeRole answered would live longer than 36 hours, which no session does.",
            step,
        )


def _with_identity(session: Session, connection: Connection) -> Session:
    """The session with what GetCallerIdentity says about it, or with why that is not known."""
    try:
        caller = connection.with_credentials(
            session.access_key_id, session.secret_access_key.reveal(), session.session_token.reveal()
        ).caller()
    except Problem as problem:
        return session.identified(None, str(problem))
    identity = CallerIdentity(caller.arn, caller.account, caller.user_id)
    return session.identified(identity, _mismatch(session, identity))


def _mismatch(session: Session, identity: CallerIdentity) -> str:
    """One sentence when the identity is no session of the role that was asked for, else ""."""
    account, role = session.role_arn.split(":", 5)[4], session.role_arn.rsplit("/", 1)[-1]
    expected = f":sts::{account}:assumed-role/{role}/{session.session_name}"
    if identity.account == account and identity.arn.endswith(expected):
        return ""
    return f"These credentials belong to {identity.arn or 'nobody'}, not to the session that was asked for."
