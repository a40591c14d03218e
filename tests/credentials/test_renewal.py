"""When a session is renewed, how often it is tried, and what is left when it fails."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.aws.caller import CallerIdentity
from iamtui.credentials.renewal import LAST_CALL, LONGEST_WAIT, Failures, Held, RenewalState, Renewer, decide, lead_of
from iamtui.credentials.session import Session
from iamtui.problem import Problem
from iamtui.secret import Secret

START = datetime(2026, 11, 25, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def session(minutes: float = 60, begins: datetime = START, key: str = "ASIAONE") -> Session:
    return Session(
        role_arn="arn:aws:iam::123456789012:role/Deployer",
        session_name="alice",
        access_key_id=key,
        secret_access_key=Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        session_token=Secret("token"),
        expires_at=begins + minutes * MINUTE,
        assumed_at=begins,
    )


@dataclass
class World:
    """A clock, and an STS that gives sessions or fails."""

    now: datetime = START
    answers: list[Session | Exception] = field(default_factory=list)
    calls: int = 0
    changes: list[Held] = field(default_factory=list)
    codes: list[Secret | None] = field(default_factory=list)

    def clock(self) -> datetime:
        return self.now

    def renew(self, code: Secret | None) -> Session:
        self.calls += 1
        self.codes.append(code)
        answer = self.answers.pop(0) if self.answers else session(60, self.now, f"ASIA{self.calls}")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def renewer(self, held: Session, *, possible: bool = True, needs_code: bool = False) -> Renewer:
        renew = self.renew if possible else None
        return Renewer(held, renew, needs_code=lambda: needs_code, clock=self.clock, changed=self.changes.append)


@pytest.mark.parametrize(("minutes", "lead"), [(720, 20), (60, 20), (45, 15), (15, 5), (0, 0), (-5, 0)])
def test_the_lead_is_twenty_minutes_or_a_third_of_a_short_life(minutes: float, lead: float) -> None:
    assert lead_of(session(minutes)) == lead * MINUTE


@pytest.mark.parametrize(
    ("minutes_left", "automatic", "needs_code", "state"),
    [
        (30, True, False, RenewalState.FRESH),
        (20, True, False, RenewalState.DUE),
        (0, True, False, RenewalState.DUE),
        (30, False, True, RenewalState.FRESH),
        (20, False, True, RenewalState.NEEDS_CODE),
        (0, False, True, RenewalState.EXPIRED),
        (20, False, False, RenewalState.ENDING),
        (0, False, False, RenewalState.EXPIRED),
    ],
)
def test_what_to_do(minutes_left: float, automatic: bool, needs_code: bool, state: RenewalState) -> None:
    now = START + (60 - minutes_left) * MINUTE
    assert decide(session(), Failures(), now, automatic=automatic, needs_code=needs_code) is state


def test_failures_wait_longer_each_time_but_never_long() -> None:
    failures, waits = Failures(), []
    for _ in range(8):
        failures = failures.one_more(START, "no")
        next_at = failures.next_at(session())
        assert next_at is not None
        waits.append((next_at - START).total_seconds())
    assert waits == [15, 30, 60, 120, 240, 300, 300, 300]
    assert Failures(10**9, START).next_at(session()) == START + LONGEST_WAIT
    assert Failures().next_at(session()) is None


@pytest.mark.parametrize("skew", [timedelta(), timedelta(minutes=2), timedelta(minutes=-2)])
@pytest.mark.parametrize("minutes", [15, 16, 20, 30, 45, 60, 720])
def test_the_last_try_is_shortly_before_the_end_however_long_a_wait_has_become(minutes: int, skew: timedelta) -> None:
    world, tries = World(), list[float]()
    held = replace(session(minutes, START + skew), clock_skew=skew)
    renewer = world.renewer(held)
    while world.now < START + (minutes + 11) * MINUTE:
        world.answers = [Problem("AccessDenied")]
        before = world.calls
        renewer.tick()
        if world.calls > before:
            tries.append((START + minutes * MINUTE - world.now).total_seconds())
        world.now += timedelta(seconds=1)
    assert LAST_CALL.total_seconds() in tries
    waits = [earlier - later for earlier, later in pairwise(tries)]
    assert max(waits) <= LONGEST_WAIT.total_seconds()
    assert min(tries) < 0, "after the end it is tried on"


def test_what_is_said_of_the_next_try_is_when_it_is_tried() -> None:
    world = World(answers=[Problem("no")] * 3)
    renewer = world.renewer(session(15))
    assert renewer.next_try_in() is None
    world.now = START + 14 * MINUTE
    renewer.tick()
    assert renewer.next_try_in() == timedelta(seconds=15)
    world.now += timedelta(seconds=15)
    renewer.tick()
    assert renewer.next_try_in() == timedelta(seconds=15), "not 30: the session ends in 45"
    world.now += timedelta(seconds=15)
    renewer.tick()
    assert renewer.next_try_in() == timedelta(seconds=60)
    renewer.switch(on=False)
    assert renewer.next_try_in() is None


def test_a_session_is_renewed_in_time_and_once() -> None:
    world = World()
    renewer = world.renewer(session())
    world.now = START + 39 * MINUTE
    assert renewer.tick() is RenewalState.FRESH
    assert renewer.wait_seconds() == 60
    world.now = START + 39.5 * MINUTE
    assert renewer.wait_seconds() == 30
    world.now = START + 40 * MINUTE
    assert renewer.state() is RenewalState.DUE
    assert renewer.tick() is RenewalState.FRESH
    assert renewer.tick() is RenewalState.FRESH
    assert world.calls == 1
    assert renewer.held == Held(session(60, world.now, "ASIA1"), renewals=1)
    assert [change.renewals for change in world.changes] == [1]


def test_a_failure_keeps_the_old_session_says_so_and_tries_again() -> None:
    world = World(answers=[Problem("STS said no.", "Do this."), RuntimeError("token=" + "A" * 40)])
    renewer = world.renewer(session())
    world.now = START + 45 * MINUTE
    assert renewer.tick() is RenewalState.WAITING
    assert renewer.held.session.access_key_id == "ASIAONE"
    assert renewer.held.failures == Failures(1, world.now, "STS said no. Do this.")
    assert renewer.tick() is RenewalState.WAITING
    assert world.calls == 1
    assert renewer.wait_seconds() == 15
    world.now += 15 * timedelta(seconds=1)
    assert renewer.tick() is RenewalState.WAITING
    assert renewer.held.failures.count == 2
    assert "A" * 40 not in renewer.held.failures.sentence
    world.now += 30 * timedelta(seconds=1)
    assert renewer.tick() is RenewalState.FRESH
    assert renewer.held.failures == Failures()


def test_after_the_end_it_goes_on_trying() -> None:
    world = World(answers=[Problem("no")] * 3)
    renewer = world.renewer(session())
    world.now = START + 61 * MINUTE
    assert renewer.tick() is RenewalState.EXPIRED
    assert not renewer.over
    world.now += 10 * MINUTE
    renewer.tick()
    world.now += 10 * MINUTE
    renewer.tick()
    world.now += 10 * MINUTE
    assert renewer.tick() is RenewalState.FRESH


def test_a_suspended_laptop_renews_at_once() -> None:
    world = World()
    renewer = world.renewer(session())
    world.now = START + timedelta(hours=9)
    assert renewer.tick() is RenewalState.FRESH
    assert renewer.held.session.time_left(world.now) == timedelta(hours=1)


@pytest.mark.parametrize("needs_code", [True, False])
def test_what_cannot_be_renewed_without_the_user_ends(needs_code: bool) -> None:
    world = World()
    renewer = world.renewer(session(), possible=needs_code, needs_code=needs_code)
    world.now = START + 50 * MINUTE
    assert renewer.tick() is (RenewalState.NEEDS_CODE if needs_code else RenewalState.ENDING)
    assert not renewer.over
    world.now = START + 60 * MINUTE
    assert renewer.tick() is RenewalState.EXPIRED
    assert renewer.over


def test_the_user_renews_with_a_code_at_any_time() -> None:
    world = World()
    renewer = world.renewer(session(), needs_code=True)
    assert not renewer.automatic
    assert renewer.possible
    code = Secret("123456")
    renewer.renew_now(code)
    assert world.codes == [code]
    assert renewer.held.session.access_key_id == "ASIA1"
    assert renewer.held.renewals == 1
    assert [change.renewals for change in world.changes] == [1]
    world.answers = [Problem("STS said no.")]
    renewer.renew_now(Secret("000000"))
    assert renewer.held.session.access_key_id == "ASIA1"
    assert renewer.held.failures.sentence == "STS said no."


def test_what_is_switched_off_ends_unless_it_is_renewed_by_hand() -> None:
    world = World()
    renewer = world.renewer(session())
    renewer.switch(on=False)
    world.now = START + 50 * MINUTE
    assert renewer.tick() is RenewalState.ENDING
    assert world.calls == 0
    renewer.renew_now()
    assert world.calls == 1
    assert renewer.state() is RenewalState.FRESH
    assert renewer.due_in() == 40 * MINUTE
    world.now += 50 * MINUTE
    renewer.switch(on=True)
    assert renewer.due_in() == timedelta()
    assert renewer.tick() is RenewalState.FRESH
    assert world.calls == 2


def test_what_cannot_be_renewed_stays_as_it_is() -> None:
    renewer = World().renewer(session(), possible=False)
    renewer.renew_now()
    renewer.switch(on=True)
    assert renewer.held == Held(session())
    assert not renewer.switched_on


STRANGER = CallerIdentity("arn:aws:iam::9:user/x", "9", "AIDA")
UNFIT = [
    (replace(session(), role_arn="arn:aws:iam::123456789012:role/Other"), "not of arn:aws"),
    (session().identified(STRANGER, "These credentials belong to x."), "belong to x"),
    (session(1), "already expired"),
]


@pytest.mark.parametrize(("new", "said"), UNFIT)
def test_a_session_that_does_not_fit_is_not_taken(new: Session, said: str) -> None:
    world = World(answers=[new])
    renewer = world.renewer(session())
    world.now = START + 45 * MINUTE
    assert renewer.tick() is RenewalState.WAITING
    assert said in renewer.held.failures.sentence
    assert renewer.held.session == session()


def test_reading_never_waits_for_a_renewal_and_two_never_run() -> None:
    begun, go_on = threading.Event(), threading.Event()
    calls = []

    def slow(_code: Secret | None) -> Session:
        calls.append(1)
        begun.set()
        assert go_on.wait(60)
        return session(60, START + 45 * MINUTE, "ASIATWO")

    renewer = Renewer(session(), slow, clock=lambda: START + 45 * MINUTE)
    thread = threading.Thread(target=renewer.tick)
    thread.start()
    assert begun.wait(60)
    assert renewer.held.session.access_key_id == "ASIAONE"
    assert renewer.tick() is RenewalState.DUE
    renewer.renew_now()
    assert renewer.renewing
    go_on.set()
    thread.join(60)
    assert renewer.held.session.access_key_id == "ASIATWO"
    assert len(calls) == 1


@given(st.integers(1, 2160), st.lists(st.tuples(st.integers(0, 7200), st.booleans()), max_size=30))
def test_the_wait_is_never_past_the_next_thing_to_do(minutes: int, steps: list[tuple[int, bool]]) -> None:
    world = World()
    renewer = world.renewer(session(minutes))
    for seconds, fails in steps:
        world.now += timedelta(seconds=seconds)
        world.answers = [Problem("no")] if fails else []
        state = renewer.tick()
        assert state is not RenewalState.DUE
        wait = renewer.wait_seconds()
        assert 0 < wait <= 60
        if wait < 60:
            world.now += timedelta(seconds=wait - 0.001)
            before = renewer.state()
            world.now += timedelta(seconds=0.002)
            assert renewer.state() is not before or before is not RenewalState.DUE
