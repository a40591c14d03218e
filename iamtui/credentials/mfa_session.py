"""MfaSession: a session of an IAM user that carries the MFA, given by sts:GetSessionToken for one code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from iamtui.aws.connection import Connection
from iamtui.credentials.assume_role import InvalidRequest, ask_for_credentials, mfa_problems
from iamtui.credentials.session import Clock, TemporaryCredentials, utc_now
from iamtui.secret import Secret

LEAST_LEFT: Final = timedelta(minutes=2)
"""With less left a session is not used any more, and the next code starts another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MfaSession(TemporaryCredentials):
    """Temporary credentials of an IAM user who has shown an MFA code."""

    caller_arn: str
    serial: str

    def age(self, now: datetime | None = None) -> timedelta:
        """How long ago the code was given: what aws:MultiFactorAuthAge says of its requests."""
        return max((now or utc_now()) - self.code_at, timedelta())

    @property
    def code_at(self) -> datetime:
        """When the code was given, by the local clock, UTC."""
        return self.assumed_at - self.clock_skew


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
            "sts", "GetSessionToken", dict, DurationSeconds=seconds, SerialNumber=serial, TokenCode=code.reveal()
        ),
        "sts:GetSessionToken",
        clock,
        mfa_code=code,
    )
    return given.given_to(MfaSession, caller_arn=caller_arn, serial=serial)
