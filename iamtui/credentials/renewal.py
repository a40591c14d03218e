"""Renewer: holds a session and assumes its role again before it ends; when, how often, and what a failure leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias
from weakref import ref

from msgspec import Struct, structs

from iamtui.credentials.session import Clock, Session, utc_now
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import redacted

LEAD: Final = timedelta(minutes=20)
"""How long before its end a session is renewed: botocore asks for newer credentials from 15 minutes on."""

FIRST_WAIT: Final = timedelta(seconds=15)
LONGEST_WAIT: Final = timedelta(minutes=5)
"""How long to wait after a renewal that failed: the first time, and at most; each time twice as long."""

LAST_CALL: Final = timedelta(seconds=30)
"""How long before the end it is tried once more, however long a wait has become: STS may take that long to answer."""


class RenewalState(StrEnum):
    """State of a session's renewal, which decides the next step.

    FRESH: nothing. DUE: renew. WAITING: the last try failed, and it is too early for the next. NEEDS_CODE: it is
    time, and only the user can renew, with an MFA code. ENDING: it is time, and nothing can renew it. EXPIRED: it
    has ended (a renewal may still succeed: see `due`).
    """

    FRESH = "fresh"
    DUE = "due"
    WAITING = "waiting"
    NEEDS_CODE = "needs code"
    ENDING = "ending"
    EXPIRED = "expired"


class Failures(Struct, frozen=True):
    """The renewals that failed since the last that succeeded.

    Args:
        last_at: when the last was, by the local clock.
    """

    count: int = 0
    last_at: datetime | None = None
    sentence: str = ""

    def one_more(self, now: datetime, sentence: str) -> Failures:
        return Failures(self.count + 1, now, sentence)

    def next_at(self, session: Session) -> datetime | None:
        """When to try again to renew a session, by the local clock, or None when nothing has failed.

        No wait leads past the last call before the session's end. After the end it is tried as before it: a laptop
        wakes up, a network comes back.
        """
        if self.last_at is None:
            return None
        doubled = FIRST_WAIT * (1 << min(self.count - 1, 16))
        wait = min(doubled, LONGEST_WAIT)
        until_last_call = session.time_left(self.last_at) - LAST_CALL
        return self.last_at + (min(wait, until_last_call) if until_last_call > timedelta() else wait)


def lead_of(session: Session) -> timedelta:
    """How long before its end a session is renewed: 20 minutes, of a short one the last third."""
    return min(LEAD, max(session.expires_at - session.assumed_at, timedelta()) / 3)


def decide(session: Session, failures: Failures, now: datetime, *, automatic: bool, needs_code: bool) -> RenewalState:
    """State of a session's renewal. Pure.

    Args:
        automatic: whether something can renew it without the user.
        needs_code: whether renewing needs an MFA code from the user.
    """
    left = session.time_left(now)
    if left > lead_of(session):
        return RenewalState.FRESH
    if automatic:
        next_at = failures.next_at(session)
        if next_at is None or now >= next_at:
            return RenewalState.DUE
        return RenewalState.WAITING if left else RenewalState.EXPIRED
    if not left:
        return RenewalState.EXPIRED
    return RenewalState.NEEDS_CODE if needs_code else RenewalState.ENDING


class Held(Struct, frozen=True):
    """The session of a Renewer and the state of its renewal. A snapshot."""

    session: Session
    failures: Failures = Failures()
    renewals: int = 0


Renew: TypeAlias = Callable[[Secret | None], Session]
"""Assumes a role again, blocking, with an MFA code or None; raises Problem."""


class Renewer:
    """Holds a session and renews it before its end, by itself or on request. Thread-safe.

    Only `tick` and `renew_now` block.

    Args:
        renew: assumes the role again; None when it cannot be done.
        needs_code: says whether it takes an MFA code of the user now, who must then tell it to renew.
        automatic: whether it renews by itself where that is possible; see `switch`.
        changed: called after each renewal and each failure, by the thread that renewed.
    """

    def __init__(
        self,
        session: Session,
        renew: Renew | None,
        *,
        needs_code: Callable[[], bool] = lambda: False,
        automatic: bool = True,
        clock: Clock = utc_now,
        changed: Callable[[Held], None] = lambda _held: None,
    ) -> None:
        self._held = Held(session)
        self._renew = renew
        self._switched_on = automatic
        self._clock = clock
        self._changed = changed
        self._lock = threading.Lock()
        self._renewing = threading.Lock()
        self._needs_code = needs_code
        self._forgotten = False
        # Nothing is kept for them; a dialog may still show one.
        self._earlier: tuple[ref[Session], ...] = ()

    @property
    def held(self) -> Held:
        """The newest session, and the state of its renewal. Never waits for a renewal."""
        with self._lock:
            return self._held

    @property
    def possible(self) -> bool:
        return self._renew is not None

    @property
    def needs_code(self) -> bool:
        """True if renewing takes an MFA code now."""
        return self.possible and self._needs_code()

    @property
    def switched_on(self) -> bool:
        """True if the session is to be renewed before its end: by itself, or with a code from the user."""
        return self._switched_on and self.possible

    @property
    def automatic(self) -> bool:
        return self.switched_on and not self.needs_code

    @property
    def renewing(self) -> bool:
        """True while a renewal runs."""
        return self._renewing.locked()

    @property
    def over(self) -> bool:
        """True if the session has ended and nothing here will renew it."""
        return not self.automatic and not self.renewing and self.held.session.expired(self._clock())

    def switch(self, on: bool) -> None:
        """Renew it before its end from now on, or let it end."""
        self._switched_on = on

    def forget(self) -> None:
        """Wipe the session, those it has replaced, and what a renewal that is under way brings; renew it no more."""
        with self._lock:
            self._renew = None
            self._forgotten = True
            for session in (self._held.session, *filter(None, (earlier() for earlier in self._earlier))):
                session.wipe()

    def give_up(self) -> None:
        """Renew it no more: what that takes is gone."""
        self._renew = None

    def state(self) -> RenewalState:
        held = self.held
        needs_code = self.needs_code
        automatic = self.switched_on and not needs_code
        return decide(held.session, held.failures, self._clock(), automatic=automatic, needs_code=needs_code)

    @property
    def due(self) -> bool:
        """True if `tick` would renew now."""
        return not self.renewing and self.state() is RenewalState.DUE

    def next_try_in(self) -> timedelta | None:
        """How long until a renewal that failed is tried again, zero when that is now; None when nothing has failed, or
        only the user can try again."""
        held = self.held
        next_at = held.failures.next_at(held.session)
        if next_at is None or not self.automatic:
            return None
        return max(next_at - self._clock(), self.due_in())

    def due_in(self) -> timedelta:
        """How long until it is time to renew; zero when it is."""
        session = self.held.session
        return max(session.time_left(self._clock()) - lead_of(session), timedelta())

    def tick(self) -> RenewalState:
        """Renew when it is time; a failure is kept and reported by `changed`. Blocks during the call of STS.

        Returns:
            The state afterwards.
        """
        self._renew_where(lambda: self.state() is RenewalState.DUE, None)
        return self.state()

    def renew_now(self, code: Secret | None = None) -> None:
        """Renew, whether it is time or not; nothing happens while a renewal is under way, or when none is possible.

        What comes of it is in `held`, and said by `changed`. Blocking while STS is asked.
        """
        self._renew_where(lambda: True, code)

    def _renew_where(self, wanted: Callable[[], bool], code: Secret | None) -> None:
        renew = self._renew
        if renew is None or not self._renewing.acquire(blocking=False):
            return
        try:
            if not wanted():
                return
            self._try(renew, code)
        finally:
            self._renewing.release()
        self._changed(self.held)

    def wait_seconds(self) -> float:
        """Seconds until `tick` may have something to do, at most a minute: clocks are not to be trusted longer."""
        held, now = self.held, self._clock()
        waits = [timedelta(minutes=1)]
        left = held.session.time_left(now)
        if left:
            waits.append(left)
        until_due = left - lead_of(held.session)
        if until_due > timedelta():
            waits.append(until_due)
        next_at = held.failures.next_at(held.session)
        if next_at is not None and next_at > now:
            waits.append(next_at - now)
        return max(min(waits).total_seconds(), 0.05)

    def _try(self, renew: Renew, code: Secret | None) -> None:
        session: Session | None = None
        try:
            session = renew(code)
            sentence = _unfit(session, self.held.session, self._clock())
        except Problem as problem:
            sentence = str(problem)
        except Exception as error:  # noqa: BLE001 - a renewal that fails must not end the thread that renews
            sentence = f"Renewing failed in iamtui itself: {redacted(str(error)) or type(error).__name__}."
        with self._lock:
            if self._forgotten:
                if session is not None:
                    session.wipe()
            elif sentence or session is None:
                failures = self._held.failures.one_more(self._clock(), sentence)
                self._held = structs.replace(self._held, failures=failures)
            else:
                living = (earlier for earlier in self._earlier if earlier() is not None)
                self._earlier = (*living, ref(self._held.session))
                self._held = Held(session, renewals=self._held.renewals + 1)


def _unfit(session: Session, before: Session, now: datetime) -> str:
    """Why a session cannot take the place of the one before, one sentence, or ""."""
    if session.role_arn != before.role_arn:
        return f"The new session is one of {session.role_arn}, not of {before.role_arn}."
    if session.contradicted:
        return session.identity_error
    if session.expired(now):
        return "The new session has already expired."
    return ""
