"""MfaSession: what sts:GetSessionToken gives for one MFA code, so that several roles can be assumed with that code.

IAM User Guide: Request temporary security credentials (GetSessionToken); STS API Reference: GetSessionToken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from iamtui.aws.connection import Connection
from iamtui.credentials.assume_role import InvalidRequest, ask_for_credentials, mfa_problems
from iamtui.credentials.session import Clock, utc_now
from iamtui.secret import Secret

SHORTEST_SECONDS: Final = 900
LONGEST_SECONDS: Final = 129_600
"""Durations that GetSessionToken takes for an IAM user."""


@dataclass(frozen=True, slots=True)
class MfaSession:
    """Temporary credentials of an IAM user who has shown an MFA code. Held in memory only.

    Args:
        clock_skew: server clock minus local clock.
    """

    caller_arn: str
    serial: str
    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    started_at: datetime
    expires_at: datetime
    clock_skew: timedelta = timedelta()

    def time_left(self, now: datetime | None = None) -> timedelta:
        """How long it still lives; zero when expired. `now` is local UTC (default: the clock)."""
        # In this order no date leaves the calendar, whatever a server takes the time to be.
        return max(self.expires_at - self.clock_skew - (now or utc_now()), timedelta())

    def age(self, now: datetime | None = None) -> timedelta:
        """How long ago the code was given: what aws:MultiFactorAuthAge says of its requests."""
        return max((now or utc_now()) - self.code_at, timedelta())

    @property
    def code_at(self) -> datetime:
        """When the code was given, by the local clock, UTC."""
        return self.started_at - self.clock_skew

    def wipe(self) -> None:
        """Overwrite the secrets, for all who hold this session."""
        self.secret_access_key.wipe()
        self.session_token.wipe()

    def connection(self, connection: Connection) -> Connection:
        """The same endpoint and settings, as this session, until it is closed."""
        return connection.with_credentials(self.access_key_id, self.secret_access_key, self.session_token)


def start_mfa_session(
    connection: Connection, *, caller_arn: str, serial: str, code: Secret, seconds: int, clock: Clock = utc_now
) -> MfaSession:
    """Call sts:GetSessionToken with an MFA code. Blocking.

    Args:
        connection: the caller, an IAM user with long-term credentials: STS refuses it to all others.
        serial, code: the device and its six digits, which work once.
        seconds: how long it shall live, 900 to 129,600.

    Raises:
        InvalidRequest: the device or the code is none; nothing was sent.
        AwsProblem: STS refused, or could not be reached.
        Problem: the answer is none that STS would give.
    """
    problems = tuple(mfa_problems(serial, code, must=True))
    if problems:
        raise InvalidRequest(problems)
    given = ask_for_credentials(
        lambda: connection.call(
            "sts", "GetSessionToken", DurationSeconds=seconds, SerialNumber=serial, TokenCode=code.reveal()
        ),
        "sts:GetSessionToken",
        clock,
        mfa_code=code,
    )
    return MfaSession(
        caller_arn=caller_arn,
        serial=serial,
        access_key_id=given.access_key_id,
        secret_access_key=given.secret_access_key,
        session_token=given.session_token,
        started_at=given.given_at,
        expires_at=given.expires_at,
        clock_skew=given.clock_skew,
    )
