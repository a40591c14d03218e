"""Sessions: temporary credentials with their identity and end; the clock they are measured by; durations as typed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from msgspec import Struct, structs

from iamtui.secret import Secret

if TYPE_CHECKING:
    # It would bring msgspec and the connection into the first frame.
    from iamtui.aws.caller import CallerIdentity
    from iamtui.aws.connection import Connection

# AssumeExtras: what few callers send with sts:AssumeRole, and what stays with the session.


REQUEST_TAG: Final = "aws:requesttag/"
"""The family of keys, in lower case, that session tags become in the request."""

_SOURCE_IDENTITY: Final = "sts:SourceIdentity"
_SESSION_SOURCE_IDENTITY: Final = "aws:SourceIdentity"
_PRINCIPAL_TAG: Final = "aws:principaltag/"
_TAG_KEYS: Final = "aws:TagKeys"
_TRANSITIVE_KEYS: Final = "sts:TransitiveTagKeys"


class AssumeExtras(Struct, frozen=True):
    """Optional parameters of sts:AssumeRole that few callers send and that nothing in the role suggests.

    Args:
        source_identity: what no later session can change, or "".
        scope_down: a policy that the session is narrowed by after it was assumed (sts:GetScopedCredentials), or "".
    """

    policy: str = ""
    policy_arns: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str = ""
    scope_down: str = ""

    @property
    def actions(self) -> tuple[str, ...]:
        """Actions that the trust policy and the caller's policies must allow (IAM User Guide: Pass session tags;
        Monitor and control actions taken with assumed roles)."""
        return (
            "sts:AssumeRole",
            *(("sts:TagSession",) if self.tags else ()),
            *(("sts:SetSourceIdentity",) if self.source_identity else ()),
        )

    @property
    def context(self) -> dict[str, tuple[str, ...]]:
        """The condition keys that these put into the request; an empty tuple says that it lacks the key."""
        return {
            _SOURCE_IDENTITY: (self.source_identity,) if self.source_identity else (),
            _TAG_KEYS: tuple(key for key, _ in self.tags),
            _TRANSITIVE_KEYS: self.transitive_tag_keys,
            **{f"{REQUEST_TAG}{key.lower()}": (value,) for key, value in self.tags},
        }

    @property
    def principal_context(self) -> dict[str, tuple[str, ...]]:
        """The condition keys that a session made with these carries into its own requests."""
        tags = {f"{_PRINCIPAL_TAG}{key.lower()}": (value,) for key, value in self.tags}
        return {**tags, **({_SESSION_SOURCE_IDENTITY: (self.source_identity,)} if self.source_identity else {})}

    def inherited_by(self, others: AssumeExtras) -> AssumeExtras:
        """Parameters that a session chained from one made with these inherits: transitive tags and the source
        identity go along (IAM User Guide: Pass session tags, chaining roles)."""
        own = {key.lower() for key, _ in others.tags}
        passed_on = {key.lower() for key in self.transitive_tag_keys}
        tags = tuple(tag for tag in self.tags if tag[0].lower() in passed_on and tag[0].lower() not in own)
        return structs.replace(
            others,
            tags=(*others.tags, *tags),
            transitive_tag_keys=(*others.transitive_tag_keys, *(key for key, _ in tags)),
            source_identity=others.source_identity or self.source_identity,
        )


NO_EXTRAS: Final = AssumeExtras()


# A clock that neither a suspended machine nor a changed wall clock leads astray.


Clock: TypeAlias = Callable[[], datetime]
"""Gives the local time as an aware UTC datetime."""

JUMP: Final = timedelta(seconds=5)
"""How far the wall clock must be off what was counted to have jumped rather than drifted."""

_COUNTER: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Counts on while the machine is suspended, and nobody sets it; so does macOS's CLOCK_MONOTONIC, unlike Linux's."""


class SteadyClock:
    """The local time, counted from one reading of the wall clock."""

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        counter: Callable[[], float] = lambda: time.clock_gettime(_COUNTER),
    ) -> None:
        self._wall = wall
        self._counter = counter
        self._start, self._counted = wall(), counter()

    def __call__(self) -> datetime:
        """The time, UTC; never earlier than what it returned before."""
        return self._start + timedelta(seconds=self._counter() - self._counted)

    @property
    def off(self) -> timedelta:
        """How far the wall clock has moved from what was counted: near zero unless somebody set it."""
        return self._wall() - self()


_CLOCK: Final = SteadyClock()


def utc_now() -> datetime:
    """The local time, as an aware UTC datetime; see SteadyClock."""
    return _CLOCK()


def clock_off() -> timedelta:
    """How far this machine's wall clock has been set from what was counted since the start; see SteadyClock.off."""
    return _CLOCK.off


SOON: Final = timedelta(minutes=10)
"""Time left below which a session is about to end: the SDKs must have renewed by then (botocore: 10 minutes)."""

URGENT: Final = timedelta(minutes=5)
"""Time left below which what is started now may not finish."""


class Urgency(StrEnum):
    """How near the end of a session is."""

    CALM = "calm"
    SOON = "soon"
    URGENT = "urgent"
    EXPIRED = "expired"


def time_left_words(left: timedelta) -> str:
    """Say a time left as a countdown does: "1h 05m", "59m 30s", "45s", "EXPIRED".

    Begun seconds count as whole ones, so that "EXPIRED" never stands beside credentials that still work;
    from an hour on, only whole minutes are said.
    """
    seconds = -(-left // timedelta(seconds=1))
    if seconds <= 0:
        return "EXPIRED"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02d}m"
    return f"{minutes}m {seconds:02d}s" if minutes else f"{seconds}s"


C = TypeVar("C", bound="TemporaryCredentials")


@dataclass(frozen=True, slots=True, weakref_slot=True, kw_only=True)
class TemporaryCredentials:
    """Credentials from STS: three values that belong together, and their times. Held in memory only.

    Args:
        access_key_id: not secret, but masked on screen.
        expires_at: UTC, by the server's clock.
        assumed_at: when STS gave them; UTC, by the server's clock.
        clock_skew: server clock minus local clock.
    """

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    expires_at: datetime
    assumed_at: datetime
    clock_skew: timedelta = timedelta()

    def given_to(self, kind: type[C], **more: Any) -> C:
        """These credentials as those of another kind, with what is known of them besides."""
        return kind(**{entry.name: getattr(self, entry.name) for entry in fields(self)}, **more)

    def time_left(self, now: datetime | None = None) -> timedelta:
        """How long they still live; zero when expired. `now` is local UTC (default: the clock)."""
        now = now or utc_now()
        # In this order no date leaves the calendar, whatever a server takes the time to be.
        return max(self.expires_at - self.clock_skew - now, timedelta())

    def connection(self, connection: Connection) -> Connection:
        """The same endpoint and settings with these credentials, until it is closed."""
        return connection.with_credentials(self.access_key_id, self.secret_access_key, self.session_token)

    def wipe(self) -> None:
        """Overwrite the secrets, for all who hold these: they can be shown, and handed over no more."""
        self.secret_access_key.wipe()
        self.session_token.wipe()


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(TemporaryCredentials):
    """Temporary credentials of an assumed role.

    Args:
        identity: GetCallerIdentity with these credentials; None when that call failed.
        identity_error: why it failed, or that the identity is not the one asked for, or "".
        demo: whether this is a demo session, which exports must say.
        from_long_term: whether the caller's credentials were long-term keys of a user; False also when unknown.
        endpoint_url: the endpoint that gave the credentials when it is not AWS, or "".
        extras: what it was made with: session policies limit it, tags and source identity stay with it.
    """

    role_arn: str
    session_name: str
    identity: CallerIdentity | None = None
    identity_error: str = ""
    source_arn: str = ""
    region: str = ""
    demo: bool = False
    from_long_term: bool = False
    endpoint_url: str = ""
    extras: AssumeExtras = NO_EXTRAS

    def identified(self, identity: CallerIdentity | None, identity_error: str) -> Session:
        """The same session with the response of GetCallerIdentity."""
        return replace(self, identity=identity, identity_error=identity_error)

    @property
    def contradicted(self) -> bool:
        """True if GetCallerIdentity answered with another identity than the assumed role's."""
        return self.identity is not None and bool(self.identity_error)

    def expired(self, now: datetime | None = None) -> bool:
        return self.time_left(now) == timedelta()

    def time_left_words(self, now: datetime | None = None) -> str:
        """The time left as a countdown says it: "59m 30s", "EXPIRED"."""
        return time_left_words(self.time_left(now))

    def fraction_left(self, now: datetime | None = None) -> float:
        """The share of the session's life that is left, from 1.0 (just assumed) to 0.0 (expired), for a bar."""
        life = self.expires_at - self.assumed_at
        if life <= timedelta():
            return 0.0
        return min(self.time_left(now) / life, 1.0)

    def urgency(self, now: datetime | None = None) -> Urgency:
        """How near the end is, for colours and warnings."""
        left = self.time_left(now)
        if left == timedelta():
            return Urgency.EXPIRED
        if left < URGENT:
            return Urgency.URGENT
        return Urgency.SOON if left < SOON else Urgency.CALM

    @property
    def key(self) -> str:
        """Unique key of a session: its access key id, which STS never gives twice."""
        return self.access_key_id

    @property
    def account(self) -> str:
        """The account that the credentials proved to be in, else the one that the role's ARN names, else ""."""
        parts = self.role_arn.split(":")
        return self.identity.account if self.identity is not None else parts[4] if len(parts) > 4 else ""

    @property
    def masked_access_key_id(self) -> str:
        """`ASIA…WXYZ`: the first and the last four characters."""
        return f"{self.access_key_id[:4]}…{self.access_key_id[-4:]}"


# What temporary credentials are made of.


_SHAPES: Final = (
    ("AccessKeyId", "access key id", re.compile(r"[A-Z0-9]{16,128}")),
    ("SecretAccessKey", "secret access key", re.compile(r"[A-Za-z0-9+/=]{16,512}")),
    ("SessionToken", "session token", re.compile(r"[A-Za-z0-9+/=]{1,65536}")),
)
"""Their names in AWS's answers and in words, and how they look (IAM API Reference: AccessKey); AWS says not to expect
any size of a token."""


def malformed_value(access_key_id: str, secret_access_key: Secret, session_token: Secret) -> tuple[str, str] | None:
    """The first value that is not shaped like one of AWS: its name in AWS's answers, and in words."""
    values = (Secret(access_key_id), secret_access_key, session_token)
    for (name, words, shape), value in zip(_SHAPES, values, strict=True):
        if shape.fullmatch(value.reveal()) is None:
            return name, words
    return None


def is_session_of(session_arn: str, role_arn: str) -> bool:
    """True if this is the ARN that STS gives a session of this role."""
    session, role = session_arn.split(":", 5), role_arn.split(":", 5)
    return (
        len(session) == len(role) == 6
        and (session[1], session[4]) == (role[1], role[4])
        and session[2] == "sts"
        and role[5].startswith("role/")
        and session[5].startswith(f"assumed-role/{role[5].rsplit('/', 1)[-1]}/")
    )


# Durations as a person types them. Pure.


_PARTS = re.compile(r"(?:(\d{1,4})\s*h)?\s*(?:(\d{1,4})\s*m)?\s*(?:(\d{1,6})\s*s?)?", re.IGNORECASE | re.ASCII)


def parse_duration(text: str) -> int | None:
    """Read "1h", "90m", "1h30m", "45m" or a number of seconds ("3600"); None when it is none of them."""
    match = _PARTS.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def duration_text(seconds: int) -> str:
    """Seconds as the shortest text that `parse_duration` reads back: "1h", "1h30m", "900s" as "15m"."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{rest}s" if rest else ""]
    return "".join(parts) or "0s"


def duration_words(seconds: int) -> str:
    """Seconds for a sentence, as they are typed and as STS counts them: "9h (32,400 seconds)"."""
    return f"{duration_text(seconds)} ({seconds:,} seconds)"
