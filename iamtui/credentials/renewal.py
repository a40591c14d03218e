"""Renewing a session before it ends: when, how often to try, and what is left when it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from iamtui.credentials.session import Clock, Session, utc_now
from iamtui.problem import Problem
from iamtui.secret import redacted

LEAD: Final = timedelta(minutes=20)
"""How long before its end a session is renewed: botocore asks for newer credentials from 15 minutes on."""

FIRST_WAIT: Final = timedelta(seconds=15)
LONGEST_WAIT: Final = timedelta(minutes=5)
"""How long to wait after a renewal that failed: the first time, and at most; each time twice as long."""


class RenewalState(StrEnum):
    """What to do about a session now.

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


@dataclass(frozen=True, slots=True)
class Failures:
    """The renewals that failed since the last that succeeded.

    Args:
        count: how many.
        last_at: when the last was, by the local clock.
        sentence: what the last said.
    """

    count: int = 0
    last_at: datetime | None = None
    sentence: str = ""

    def one_more(self, now: datetime, sentence: str) -> Failures:
        """With another failure."""
        return Failures(self.count + 1, now, sentence)

    def next_at(self) -> datetime | None:
        """When to try again, or None when nothing has failed."""
        if self.last_at is None:
            return None
        doubled = FIRST_WAIT * (1 << min(self.count - 1, 16))
        return self.last_at + min(doubled, LONGEST_WAIT)


def lead_of(session: Session) -> timedelta:
    """How long before its end a session is renewed: 20 minutes, of a short one the last third."""
    return min(LEAD, max(session.expires_at - session.assumed_at, timedelta()) / 3)


def decide(session: Session, failures: Failures, now: datetime, *, automatic: bool, needs_code: bool) -> RenewalState:
    """What to do about a session. Pure.

    Args:
        now: the local time.
        automatic: whether something can renew it without the user.
        needs_code: whether renewing needs an MFA code from the user.
    """
    left = session.time_left(now)
    if left > lead_of(session):
        return RenewalState.FRESH
    if automatic:
        next_at = failures.next_at()
        if next_at is None or now >= next_at:
            return RenewalState.DUE
        return RenewalState.WAITING if left else RenewalState.EXPIRED
    if not left:
        return RenewalState.EXPIRED
    return RenewalState.NEEDS_CODE if needs_code else RenewalState.ENDING


@dataclass(frozen=True, slots=True)
class Held:
    """The session of a Renewer and how its renewal stands. A snapshot.

    Args:
        session: the newest; it may have ended.
        failures: since the last success.
        renewals: how often it has been renewed.
    """

    session: Session
    failures: Failures = Failures()
    renewals: int = 0


class Renewer:
    """Holds a session and replaces it by a newer one in time. Thread-safe; `tick` is the only method that blocks.

    Args:
        session: the first.
        renew: assumes the role again, blocking; raises Problem. None when it cannot be done without the user.
        needs_code: whether only an MFA code of the user can renew it.
        clock: the local time.
        changed: called after each renewal and each failure, by the thread that called `tick`.
    """

    def __init__(
        self,
        session: Session,
        renew: Callable[[], Session] | None,
        *,
        needs_code: bool = False,
        clock: Clock = utc_now,
        changed: Callable[[Held], None] = lambda _held: None,
    ) -> None:
        self._held = Held(session)
        self._renew = renew
        self._needs_code = needs_code
        self._clock = clock
        self._changed = changed
        self._lock = threading.Lock()
        self._renewing = threading.Lock()

    @property
    def held(self) -> Held:
        """The newest session, and how its renewal stands. Never waits for a renewal."""
        with self._lock:
            return self._held

    @property
    def automatic(self) -> bool:
        """Whether it renews without the user."""
        return self._renew is not None

    @property
    def over(self) -> bool:
        """Whether the session has ended and nothing here will renew it."""
        return not self.automatic and self.held.session.expired(self._clock())

    def state(self) -> RenewalState:
        """What to do now."""
        held = self.held
        return decide(held.session, held.failures, self._clock(), automatic=self.automatic, needs_code=self._needs_code)

    def tick(self) -> RenewalState:
        """Renew when it is time; what fails is kept and said by `changed`. Blocking while STS is asked.

        Returns:
            The state afterwards.
        """
        if self._renew is not None and self._renewing.acquire(blocking=False):
            try:
                if self.state() is RenewalState.DUE:
                    self._try(self._renew)
            finally:
                self._renewing.release()
        return self.state()

    def replace(self, session: Session) -> None:
        """Go on with a session that was renewed elsewhere (by the user, with a code).

        Raises:
            Problem: it is no newer session of the same role.
        """
        problem = _unfit(session, self.held.session, self._clock())
        if problem:
            raise Problem(problem, "The session that was held before stays.")
        with self._lock:
            self._held = Held(session, renewals=self._held.renewals + 1)
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
        next_at = held.failures.next_at()
        if next_at is not None and next_at > now:
            waits.append(next_at - now)
        return max(min(waits).total_seconds(), 0.05)

    def _try(self, renew: Callable[[], Session]) -> None:
        try:
            session = renew()
            sentence = _unfit(session, self.held.session, self._clock())
        except Problem as problem:
            sentence = str(problem)
        except Exception as error:  # noqa: BLE001 - a renewal that fails must not end the thread that renews
            sentence = f"Renewing failed in iamtui itself: {redacted(str(error)) or type(error).__name__}."
        with self._lock:
            if sentence:
                failures = self._held.failures.one_more(self._clock(), sentence)
                self._held = replace(self._held, failures=failures)
            else:
                self._held = Held(session, renewals=self._held.renewals + 1)
        self._changed(self.held)


def _unfit(session: Session, before: Session, now: datetime) -> str:
    """Why a session cannot take the place of the one before, one sentence, or ""."""
    if session.role_arn != before.role_arn:
        return f"The new session is one of {session.role_arn}, not of {before.role_arn}."
    if session.contradicted:
        return session.identity_error
    if session.expired(now):
        return "The new session has already expired."
    return ""
