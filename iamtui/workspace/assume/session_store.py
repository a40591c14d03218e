"""The sessions of one run: who assumed them, how they are renewed, who is served, and when they are forgotten.

Everything is held in memory only. Reading and changing it never blocks: what asks STS is called by the owner in a
thread of its own (`KeptSession.renewer`), and says by `changed` that it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple
from weakref import WeakSet

from msgspec import Struct

from iamtui.credentials import variables
from iamtui.credentials.export_values import exportable
from iamtui.credentials.renewal import Renew, Renewer
from iamtui.credentials.server import CredentialsService
from iamtui.credentials.session import JUMP, SOON, URGENT, Clock, Session, Urgency, clock_off, utc_now
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.workspace.source.workspace import list_profiles

if TYPE_CHECKING:
    from iamtui.aws.connection import Connection

LONGEST_TICK: Final = timedelta(seconds=30)
"""Ticks come every second: when more than this has passed since the last, the machine was suspended."""


def never() -> bool:
    return False


class Origin(NamedTuple):
    """How a session came about, as far as it matters later.

    Args:
        renew: assumes its role again; None when that cannot be done.
        needs_code: says whether that takes an MFA code now.
        why_not: why it cannot be renewed, one sentence, or "".
        mfa_serial: the device whose code it takes, or "".
    """

    renew: Renew | None = None
    needs_code: Callable[[], bool] = never
    why_not: str = ""
    mfa_serial: str = ""


UNKNOWN_ORIGIN: Final = Origin(why_not="It cannot be renewed: how it was assumed is not known.")

GONE_CALLER: Final = Origin(why_not="It cannot be renewed: the session that assumed it is gone.")


class KeptSession:
    """One session through all its renewals.

    Attributes:
        key: tells it from the others, also after a renewal.
        renewer: holds the newest credentials. Its `tick` and `renew_now` block.
        origin: how it came about; another one once the session that assumed it is gone.
        parent: the key of the session that assumed it, or "".
        callers: the ARNs through which it was assumed, from the first to its own caller.
        forget_at: when it is forgotten, by the keeper's clock, or None.
        service: its endpoint while one runs, or None.
        lent_key: the access key id of the credentials that were lent last, or "".
    """

    __slots__ = (
        *("_asked", "_lent", "_said", "callers", "forget_at", "key", "lent_key", "origin", "parent", "renewer"),
        "__weakref__",
        "service",
    )

    def __init__(self, key: str, renewer: Renewer, origin: Origin, parent: str, callers: tuple[str, ...]) -> None:
        self.key: Final = key
        self.renewer: Final = renewer
        self.origin = origin
        self.parent: Final = parent
        self.callers: Final = callers
        self.forget_at: datetime | None = None
        self.service: CredentialsService | None = None
        self.lent_key = ""
        self._lent: WeakSet[Connection] = WeakSet()
        self._said = Urgency.CALM
        self._asked = Urgency.CALM

    def lend(self, connection: Connection) -> None:
        """Note a connection that was made with the newest credentials: forgetting the session ends it too."""
        self.lent_key = self.session.access_key_id
        self._lent.add(connection)

    def end_lending(self, *, wipe: bool = False) -> None:
        """Close what was lent; `wipe` also overwrites the secrets in it, which are those of this session."""
        self.lent_key = ""
        for connection in tuple(self._lent):
            connection.wipe() if wipe else connection.close()

    @property
    def session(self) -> Session:
        """The newest credentials; they may have ended."""
        return self.renewer.held.session

    def orphan(self) -> None:
        """Renew it no more: the session that assumed it is gone."""
        self.origin = GONE_CALLER
        self.renewer.give_up()

    def crossed(self, now: datetime) -> Urgency | None:
        """How near the end has come, once at each threshold; None when there is nothing new to say."""
        urgency = self.session.urgency(now)
        if urgency is self._said:
            return None
        self._said = urgency
        return urgency if urgency is not Urgency.CALM else None

    def wants_code(self, now: datetime) -> bool:
        """True when an MFA code is due: at ten and, unless one was given, at five minutes before the end."""
        left = self.session.time_left(now)
        if not left or left >= SOON:
            self._asked = Urgency.CALM
            return False
        if not (self.renewer.switched_on and self.renewer.needs_code) or self.renewer.renewing:
            return False
        urgency = Urgency.URGENT if left < URGENT else Urgency.SOON
        if urgency is self._asked:
            return False
        self._asked = urgency
        return True


class Tick(NamedTuple):
    """Changes within a second.

    Args:
        crossed: sessions that came near their end, or to it.
        forgotten: sessions whose time to be forgotten had come; they are gone.
        orphaned: sessions that one of these had assumed, which nothing can renew any more.
        stopped: sessions whose endpoint has stopped, because nothing renewed them.
        due: sessions to renew now; call `renewer.tick` in a thread.
        codes: sessions that need an MFA code from the user now.
        slept: how long the machine was suspended, or zero.
        clock_moved: by how much somebody set the wall clock, or zero.
    """

    crossed: tuple[tuple[KeptSession, Urgency], ...] = ()
    forgotten: tuple[KeptSession, ...] = ()
    orphaned: tuple[KeptSession, ...] = ()
    stopped: tuple[KeptSession, ...] = ()
    due: tuple[KeptSession, ...] = ()
    codes: tuple[KeptSession, ...] = ()
    slept: timedelta = timedelta()
    clock_moved: timedelta = timedelta()


class Dropped(Struct, frozen=True):
    """Numbers of dropped sessions and shared MFA sessions, and of stopped endpoints."""

    sessions: int = 0
    endpoints: int = 0
    mfa_sessions: int = 0


class SessionsKeeper:
    """Holds sessions, oldest first; one of them is active: exports and sub-shells use it.

    All methods belong to one thread, but for `newest`.

    Args:
        clock: the local time that times of sessions are counted by.
        off: how far the wall clock has moved from it.
        changed: called with the key of a session after each renewal and each failure, by the thread that renewed.
    """

    def __init__(
        self,
        *,
        clock: Clock = utc_now,
        off: Callable[[], timedelta] = clock_off,
        changed: Callable[[str], None] = lambda _key: None,
    ) -> None:
        self._clock = clock
        self._off = off
        self._changed = changed
        self._kept: dict[str, KeptSession] = {}
        self._active_key = ""
        self._numbers = count(1)
        self._ticked_at: datetime | None = None
        self._off_then = off()

    def __iter__(self) -> Iterator[KeptSession]:
        return iter(tuple(self._kept.values()))

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def active(self) -> KeptSession | None:
        """The session that exports and sub-shells use, expired or not; None when there is none."""
        return self._kept.get(self._active_key)

    def get(self, key: str) -> KeptSession | None:
        return self._kept.get(key)

    def by_access_key(self, access_key_id: str) -> KeptSession | None:
        """The session that has these credentials now, or None."""
        return next((kept for kept in self if kept.session.access_key_id == access_key_id), None)

    def newest(self, key: str) -> Session:
        """The newest credentials of a session, to assume another role with. May be called by any thread.

        Raises:
            Problem: it was forgotten, or has expired.
        """
        kept = self._kept.get(key)
        if kept is None:
            raise Problem("The session that assumed it has been forgotten.", "Assume the roles again, one by one.")
        if kept.session.expired(self._clock()):
            raise Problem(
                f"The session of {kept.session.role_arn}, which assumed it, has EXPIRED.", "Renew that one first."
            )
        return kept.session

    def add(self, session: Session, origin: Origin = UNKNOWN_ORIGIN, *, parent: str = "") -> KeptSession:
        """Hold one more session, now the active one. It is not renewed until its renewer is switched on.

        Args:
            parent: the key of the session that assumed it, or "".
        """
        key = f"session-{next(self._numbers)}"
        renewer = Renewer(
            session,
            origin.renew,
            needs_code=origin.needs_code,
            automatic=False,
            clock=self._clock,
            changed=lambda _held: self._changed(key),
        )
        before = self._kept.get(parent)
        callers = (
            *(before.callers if before is not None else ()),
            *((session.source_arn,) if session.source_arn else ()),
        )
        kept = KeptSession(key, renewer, origin, parent, callers)
        self._kept[key] = kept
        self._active_key = key
        return kept

    def activate(self, key: str) -> None:
        self._active_key = self._kept[key].key

    def children(self, key: str) -> tuple[KeptSession, ...]:
        """The sessions that this one has assumed (role chaining) and that can still be renewed, which takes it."""
        return tuple(kept for kept in self if kept.parent == key and kept.renewer.possible)

    def forget(self, key: str) -> None:
        """Drop a session, wipe its secrets and stop its endpoint; what it has assumed lives on, but is renewed no more.

        When it was the active one, the newest of the rest takes over.
        """
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        for child in self.children(key):
            child.orphan()
        self.stop_serving(kept)
        kept.end_lending(wipe=True)
        kept.renewer.forget()
        if self._active_key == key:
            self._active_key = next(reversed(self._kept), "")

    def let_go(self, session: Session) -> None:
        """Hold these credentials no more without wiping them: somebody else has them now."""
        kept = self.by_access_key(session.access_key_id)
        if kept is not None:
            self.stop_serving(self._kept.pop(kept.key))

    def drop_all(self) -> Dropped:
        """Drop every session, wipe its secrets and stop every endpoint."""
        endpoints = sum(self.stop_serving(kept) for kept in self)
        sessions = len(self)
        for kept in self:
            kept.end_lending(wipe=True)
            kept.renewer.forget()
        self._kept.clear()
        self._active_key = ""
        return Dropped(sessions, endpoints)

    def serve(self, kept: KeptSession) -> CredentialsService:
        """Offer a session on the loopback address, until `stop_serving` or its end; the one that runs, if one does.

        Raises:
            Problem: the session has ended, or is not who it should be; or nothing can listen.
        """

        if kept.service is None:
            exportable(kept.session, self._clock())
            try:
                kept.service = CredentialsService(kept.renewer, clock=self._clock)
            except OSError as error:
                raise Problem(
                    f"No endpoint can listen on the loopback address: {error.strerror or error}.", "Try again."
                ) from None
            kept.service.start()
        return kept.service

    def stop_serving(self, kept: KeptSession) -> bool:
        """Stop a session's endpoint; False when it has none."""
        service, kept.service = kept.service, None
        if service is not None:
            service.stop(wait=False)
        return service is not None

    def away(self) -> None:
        """Take the time since the last tick for no suspension: the terminal was given to another program."""
        self._ticked_at = None

    def tick(self) -> Tick:
        """Forget sessions that are due, and return this second's changes and renewals."""
        now = self._clock()
        # How long the machine slept since the last tick, and by how much its wall clock was set.
        off = self._off()
        slept = now - self._ticked_at if self._ticked_at is not None else timedelta()
        moved = off - self._off_then
        self._ticked_at, self._off_then = now, off
        slept, moved = slept if slept > LONGEST_TICK else timedelta(), moved if abs(moved) > JUMP else timedelta()
        forgotten, orphaned = self._forget_due(now)
        stopped = tuple(kept for kept in self if kept.service is not None and not kept.service.status.running)
        for kept in stopped:
            kept.service = None
        crossed = tuple((kept, urgency) for kept in self if (urgency := kept.crossed(now)) is not None)
        due = tuple(kept for kept in self if kept.renewer.due)
        codes = tuple(kept for kept in self if kept.wants_code(now))
        return Tick(crossed, forgotten, orphaned, stopped, due, codes, slept, moved)

    def _forget_due(self, now: datetime) -> tuple[tuple[KeptSession, ...], tuple[KeptSession, ...]]:
        """Forget the sessions whose time has come: them, and those that nothing can renew any more without them."""
        forgotten = tuple(kept for kept in self if kept.forget_at is not None and kept.forget_at <= now)
        orphaned = tuple(child for kept in forgotten for child in self.children(kept.key) if child not in forgotten)
        for kept in forgotten:
            self.forget(kept.key)
        return forgotten, orphaned


# Offering a session to programs: what both doors need to start the endpoint, and what stands in its way.


def default_profile_in_the_way() -> bool:
    """True where the SDKs would take the credentials of a default profile rather than the endpoint's.

    They look into the AWS files before they ask a container's endpoint (AWS SDKs and Tools Reference Guide:
    Standardized credential providers). Files that cannot be read count as in the way.
    """
    try:
        return any(profile.name == "default" and profile.kind for profile in list_profiles())
    except Problem:
        return True


def endpoint_variables(service: CredentialsService, environ: Mapping[str, str]) -> tuple[tuple[str, Secret], ...]:
    """Names and values of what a shell must set for its programs to find the endpoints.

    Args:
        environ: the shell's environment: what NO_PROXY and no_proxy hold stays in both.
    """
    region = service.renewer.held.session.region
    found = [(variables.CONTAINER_URI, service.endpoint.uri), (variables.CONTAINER_TOKEN, service.endpoint.token)]
    if region:
        found += [(name, Secret(region)) for name in variables.REGIONS]
    if service.metadata is not None:
        found += [
            (variables.METADATA_ENDPOINT, Secret(service.metadata.url)),
            (variables.METADATA_DISABLED, Secret("false")),
            *((name, Secret(_with_loopback(environ))) for name in variables.NO_PROXIES),
        ]
    return tuple(found)


ENDPOINT_STALE = tuple(
    name
    for name in (*variables.KEYS, *variables.PROFILES, *variables.OTHER_SOURCES)
    if name not in (variables.CONTAINER_URI, variables.CONTAINER_TOKEN, variables.METADATA_ENDPOINT)
)
"""Variables that a shell must unset: the SDKs prefer keys, profiles and web identities to the endpoint."""


def _with_loopback(environ: Mapping[str, str]) -> str:
    """Value of NO_PROXY in both spellings: botocore sends even requests to the loopback address to HTTP_PROXY.

    Programs read either spelling, so what only one of them holds must be in both.
    """
    given = (name.strip() for variable in variables.NO_PROXIES for name in environ.get(variable, "").split(","))
    names = list(dict.fromkeys(name for name in given if name))
    if "*" in names:
        # It stands for every host only where it stands alone.
        return "*"
    return ",".join(names if "127.0.0.1" in names else [*names, "127.0.0.1"])
