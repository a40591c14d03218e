"""Time left stays right when the machine sleeps and when somebody sets its clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.credentials.assume_role import AssumeRoleInput, assume_role
from iamtui.credentials.session import SteadyClock, utc_now
from tests.support.sts_answers import ROLE_ARN, CannedSts

START = datetime(2026, 11, 25, 10, tzinfo=UTC)


@dataclass
class Machine:
    """A machine with a wall clock that can be set, a counter, and a lid."""

    true: datetime = START
    wall: datetime = START
    counted: float = 1000.0

    def clock(self) -> SteadyClock:
        return SteadyClock(lambda: self.wall, lambda: self.counted)

    def run(self, seconds: float) -> None:
        self.true += timedelta(seconds=seconds)
        self.wall += timedelta(seconds=seconds)
        self.counted += seconds

    def sleep(self, seconds: float) -> None:
        self.true += timedelta(seconds=seconds)
        self.wall += timedelta(seconds=seconds)
        self.counted += seconds

    def set_clock(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)


def test_a_running_machine_tells_the_wall_clocks_time() -> None:
    machine = Machine()
    clock = machine.clock()
    for _ in range(10):
        machine.run(0.25)
    assert clock() == machine.wall
    assert clock.off == timedelta()


def test_a_suspended_laptop_wakes_up_with_less_time_left() -> None:
    machine = Machine()
    clock = machine.clock()
    session = assume_role(CannedSts(now=machine.true).connection(), AssumeRoleInput(ROLE_ARN, "alice"), clock=clock)
    machine.run(60)
    clock()
    machine.sleep(40 * 60)
    assert session.time_left(clock()) == timedelta(minutes=19)
    machine.sleep(20 * 60)
    assert session.expired(clock())


@pytest.mark.parametrize("seconds", [-7200, -60])
def test_a_clock_that_is_set_back_gives_no_time_back(seconds: float) -> None:
    machine = Machine()
    clock = machine.clock()
    session = assume_role(CannedSts(now=machine.true).connection(), AssumeRoleInput(ROLE_ARN, "alice"), clock=clock)
    machine.run(600)
    machine.set_clock(seconds)
    assert session.time_left(clock()) == timedelta(minutes=50)
    machine.run(600)
    assert session.time_left(clock()) == timedelta(minutes=40)


def test_a_clock_that_is_set_forward_takes_no_time_away() -> None:
    machine = Machine()
    clock = machine.clock()
    session = assume_role(CannedSts(now=machine.true).connection(), AssumeRoleInput(ROLE_ARN, "alice"), clock=clock)
    machine.run(600)
    machine.set_clock(7200)
    assert session.time_left(clock()) == timedelta(minutes=50)
    assert clock.off == timedelta(hours=2)


def test_a_machine_whose_clock_was_always_wrong() -> None:
    """The skew is measured against the same clock, before and after somebody corrects the wall clock."""
    machine = Machine(wall=START - timedelta(days=400))
    clock = machine.clock()
    session = assume_role(CannedSts(now=machine.true).connection(), AssumeRoleInput(ROLE_ARN, "alice"), clock=clock)
    machine.run(60)
    machine.set_clock(timedelta(days=400).total_seconds())
    assert session.time_left(clock()) == timedelta(minutes=59)


STEPS = st.lists(st.tuples(st.sampled_from(["run", "sleep", "set_clock"]), st.integers(-9_000, 9_000)), max_size=20)


@given(STEPS)
def test_whatever_happens_exactly_the_time_that_passed_is_gone(steps: list[tuple[str, int]]) -> None:
    machine = Machine()
    clock = machine.clock()
    for step, seconds in steps:
        getattr(machine, step)(seconds if step == "set_clock" else abs(seconds))
        assert clock() == machine.true


def test_the_systems_own_clock() -> None:
    assert abs(utc_now() - datetime.now(UTC)) < timedelta(minutes=10)
    assert utc_now() <= utc_now()
