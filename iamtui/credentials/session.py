"""Sessions: temporary credentials with their identity and their end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from iamtui.secret import Secret


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """What GetCallerIdentity says."""

    arn: str
    account: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Session:
    """Temporary credentials of an assumed role.

    Args:
        role_arn, session_name: what was asked for.
        access_key_id: not secret, but masked on screen.
        secret_access_key, session_token: secret.
        expires_at: UTC, by the server's clock.
        assumed_at: UTC, by the server's clock.
        identity: GetCallerIdentity with these credentials; None when that call failed.
        identity_error: why it failed, or "".
        source_arn: who assumed the role.
        clock_skew: server clock minus local clock.
        region: region to export, or "".
        demo: whether this is a demo session, which exports must say.
    """

    role_arn: str
    session_name: str
    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    expires_at: datetime
    assumed_at: datetime
    identity: CallerIdentity | None = None
    identity_error: str = ""
    source_arn: str = ""
    clock_skew: timedelta = timedelta()
    region: str = ""
    demo: bool = False

    def time_left(self, now: datetime | None = None) -> timedelta:
        """How long the session still lives; zero when expired. `now` is local UTC (default: the clock)."""
        now = now or datetime.now(UTC)
        return max(self.expires_at - (now + self.clock_skew), timedelta())

    def expired(self, now: datetime | None = None) -> bool:
        """Whether the session has ended."""
        return self.time_left(now) == timedelta()

    @property
    def masked_access_key_id(self) -> str:
        """`ASIA…WXYZ`: the first and the last four characters."""
        return f"{self.access_key_id[:4]}…{self.access_key_id[-4:]}"
