"""The keeper of sessions, with clocks that tests move."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from iamtui.credentials.session import Session, Urgency
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.workspace.assume.session_store import Dropped, KeptSession, Origin, SessionsKeeper, Tick
from tests.support.panel_sessions import StillClock, session

MINUTE = timedelta(minutes=1)
USER = "arn:aws:iam::123456789012:user/alice"
ENTRY = "arn:aws:sts::123456789012:assumed-role/entry/alice"


@dataclass
class World:
    """A keeper, its clocks, and an STS that gives sessions or fails."""

    clock: StillClock = field(default_factory=StillClock)
    off: timedelta = timedelta()
    changes: list[str] = field(default_factory=list)
    codes: list[Secret | None] = field(default_factory=list)
    fails: Problem | None = None
    keeper: SessionsKeeper = field(init=False)

    def __post_init__(self) -> None:
        self.keeper = SessionsKeeper(clock=self.clock, off=lambda: self.off, changed=self.changes.append)
        self.keeper.tick()

    def again(self, code: Secret | None) -> Session:
        self.codes.append(code)
        if self.fails is not None:
            raise self.fails
        return lasting(60, self.clock, f"ASIARENEWED{len(self.codes):09d}")

    def pass_minutes(self, minutes: float) -> Tick:
        """Go on in ticks of ten seconds; the last of them."""
        tick = Tick()
        for _ in range(round(minutes * 6)):
            self.clock.move(10)
            tick = self.keeper.tick()
        return tick


def lasting(minutes: float, clock: StillClock, key: str = "ASIAEXAMPLEKEY00WXYZ", **more: object) -> Session:
    now = clock()
    return session(key=key, expires_at=now + minutes * MINUTE, assumed_at=now, **more)


@pytest.fixture
def world() -> World:
    return World()


def names(found: tuple[KeptSession, ...]) -> list[str]:
    return [kept.key for kept in found]


def test_the_newest_is_active_until_another_is_chosen_or_it_is_forgotten(world: World) -> None:
    keeper = world.keeper
    assert keeper.active is None
    one, two, three = (keeper.add(session(key=f"ASIA{number:016d}")) for number in range(3))
    assert list(keeper) == [one, two, three]
    assert keeper.active is three
    keeper.activate(one.key)
    keeper.forget(two.key)
    assert keeper.active is one
    keeper.forget(one.key)
    assert keeper.active is three
    keeper.forget(one.key)
    keeper.forget(three.key)
    assert keeper.active is None
    with pytest.raises(KeyError):
        keeper.activate(one.key)


def test_a_session_knows_through_whom_it_was_assumed(world: World) -> None:
    entry = world.keeper.add(session("entry", source_arn=USER), Origin(world.again))
    child = world.keeper.add(session(source_arn=ENTRY, key="ASIACHILD00000000000"), parent=entry.key)
    assert child.callers == (USER, ENTRY)
    assert entry.callers == (USER,)
    assert world.keeper.by_access_key("ASIACHILD00000000000") is child


def test_renewing_is_off_until_it_is_switched_on(world: World) -> None:
    kept = world.keeper.add(lasting(60, world.clock), Origin(world.again))
    assert world.pass_minutes(50).due == ()
    kept.renewer.switch(on=True)
    assert names(world.keeper.tick().due) == [kept.key]
    kept.renewer.tick()
    assert world.changes == [kept.key]
    assert kept.session.access_key_id == "ASIARENEWED000000001"
    assert world.keeper.tick().due == ()
    assert kept.session.time_left(world.clock()) == 60 * MINUTE


def test_a_renewal_that_fails_waits_and_the_old_session_goes_on(world: World) -> None:
    kept = world.keeper.add(lasting(60, world.clock), Origin(world.again))
    kept.renewer.switch(on=True)
    world.pass_minutes(41)
    world.fails = Problem("STS cannot be reached.")
    kept.renewer.tick()
    assert kept.renewer.held.failures.sentence == "STS cannot be reached."
    assert kept.session.time_left(world.clock()) == 19 * MINUTE
    assert world.keeper.tick().due == ()
    assert names(world.pass_minutes(0.5).due) == [kept.key]


def test_each_threshold_is_told_once_and_again_after_a_renewal(world: World) -> None:
    kept = world.keeper.add(lasting(12, world.clock), Origin(world.again))
    told = []
    for _ in range(90):
        told += [urgency for _, urgency in world.pass_minutes(1 / 6).crossed]
    assert told == [Urgency.SOON, Urgency.URGENT, Urgency.EXPIRED]
    kept.renewer.renew_now()
    assert world.keeper.tick().crossed == ()
    assert [urgency for _, urgency in world.pass_minutes(50 + 1 / 6).crossed] == [Urgency.SOON]


def test_a_code_is_asked_for_before_the_end_twice_and_only_when_switched_on(world: World) -> None:
    kept = world.keeper.add(lasting(60, world.clock), Origin(world.again, lambda: True))
    assert world.pass_minutes(52).codes == ()
    kept.renewer.switch(on=True)
    assert names(world.keeper.tick().codes) == [kept.key]
    assert world.keeper.tick().codes == ()
    asked = [world.pass_minutes(1 / 6).codes for _ in range(60)]
    assert sum(map(len, asked)) == 1
    kept.renewer.renew_now(Secret("123456"))
    assert [code.reveal() for code in world.codes if code] == ["123456"]
    assert world.pass_minutes(49).codes == ()
    assert sum(len(world.pass_minutes(1 / 6).codes) for _ in range(12)) == 1


def test_no_code_is_asked_for_after_the_end(world: World) -> None:
    kept = world.keeper.add(lasting(1, world.clock), Origin(world.again, lambda: True))
    world.pass_minutes(2)
    kept.renewer.switch(on=True)
    assert world.keeper.tick().codes == ()


def test_a_chain_is_renewed_through_the_session_it_came_from(world: World) -> None:
    keeper = world.keeper
    entry = keeper.add(lasting(60, world.clock, "ASIAENTRY00000000000"), Origin(world.again))
    assert keeper.newest(entry.key).access_key_id == "ASIAENTRY00000000000"
    entry.renewer.renew_now()
    assert keeper.newest(entry.key).access_key_id == "ASIARENEWED000000001"
    world.pass_minutes(61)
    with pytest.raises(Problem, match=r"which assumed it, has EXPIRED\. Renew that one first"):
        keeper.newest(entry.key)
    keeper.forget(entry.key)
    with pytest.raises(Problem, match="has been forgotten"):
        keeper.newest(entry.key)


def test_it_forgets_in_time(world: World) -> None:
    kept = world.keeper.add(lasting(60, world.clock))
    other = world.keeper.add(lasting(60, world.clock, "ASIAOTHER00000000000"))
    kept.forget_at = world.clock() + 15 * MINUTE
    assert world.pass_minutes(14.8).forgotten == ()
    assert names(world.pass_minutes(0.2).forgotten) == [kept.key]
    assert list(world.keeper) == [other]


def test_a_suspended_machine_is_noticed_and_what_ended_meanwhile_is_told(world: World) -> None:
    short = world.keeper.add(lasting(30, world.clock))
    renewed = world.keeper.add(lasting(60, world.clock, "ASIARENEWING00000000"), Origin(world.again))
    renewed.renewer.switch(on=True)
    doomed = world.keeper.add(lasting(600, world.clock, "ASIADOOMED0000000000"))
    doomed.forget_at = world.clock() + 15 * MINUTE
    world.clock.move(7200)
    tick = world.keeper.tick()
    assert tick.slept == timedelta(hours=2)
    assert tick.crossed == ((short, Urgency.EXPIRED), (renewed, Urgency.EXPIRED))
    assert tick.due == (renewed,)
    assert tick.forgotten == (doomed,)
    renewed.renewer.tick()
    assert not renewed.session.expired(world.clock())
    assert world.keeper.tick().slept == timedelta()


def test_the_time_in_another_program_is_no_suspension(world: World) -> None:
    world.clock.move(7200)
    world.keeper.away()
    assert world.keeper.tick().slept == timedelta()
    world.clock.move(7200)
    assert world.keeper.tick().slept == timedelta(hours=2)


@pytest.mark.parametrize("hours", [3, -3])
def test_a_clock_that_is_set_is_noticed_and_changes_no_session(world: World, hours: int) -> None:
    kept = world.keeper.add(lasting(60, world.clock))
    world.off = timedelta(hours=hours)
    tick = world.keeper.tick()
    assert tick.clock_moved == timedelta(hours=hours)
    assert tick.crossed == ()
    assert kept.session.time_left(world.clock()) == 60 * MINUTE
    assert world.keeper.tick().clock_moved == timedelta()


def test_a_clock_that_drifts_is_not_told(world: World) -> None:
    for _ in range(20):
        world.off += timedelta(seconds=1)
        assert world.keeper.tick().clock_moved == timedelta()


def ask(url: str, token: str) -> int:
    """The status of one request of a real client."""
    request = urllib.request.Request(url, headers={"Authorization": token})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_session_is_served_until_it_is_stopped(world: World) -> None:
    kept = world.keeper.add(lasting(60, world.clock))
    service = world.keeper.serve(kept)
    assert world.keeper.serve(kept) is service
    url, token = service.endpoint.uri.reveal(), service.endpoint.token.reveal()
    assert ask(url, token) == 200
    assert ask(url, "wrong") == 403
    assert (service.status.counts.served, service.status.counts.refused) == (1, 1)
    assert world.keeper.stop_serving(kept)
    assert not world.keeper.stop_serving(kept)
    with pytest.raises(urllib.error.URLError):
        ask(url, token)


@pytest.mark.parametrize("how", ["forget", "drop_all"])
def test_an_endpoint_stops_with_its_session(world: World, how: str) -> None:
    kept = world.keeper.add(lasting(60, world.clock))
    endpoint = world.keeper.serve(kept).endpoint
    if how == "forget":
        world.keeper.forget(kept.key)
    else:
        world.keeper.add(lasting(60, world.clock, "ASIAOTHER00000000000"))
        assert world.keeper.drop_all() == Dropped(2, 1)
        assert world.keeper.drop_all() == Dropped(0, 0)
    with pytest.raises(urllib.error.URLError):
        ask(endpoint.uri.reveal(), endpoint.token.reveal())


def test_an_endpoint_that_ended_with_its_session_is_told_and_gone(world: World) -> None:
    kept = world.keeper.add(lasting(1, world.clock))
    service = world.keeper.serve(kept)
    world.clock.move(61)
    service.stop()
    tick = world.keeper.tick()
    assert tick.stopped == (kept,)
    assert kept.service is None


def test_what_cannot_be_exported_is_not_served(world: World) -> None:
    kept = world.keeper.add(lasting(1, world.clock))
    world.clock.move(61)
    with pytest.raises(Problem, match="expired"):
        world.keeper.serve(kept)
    stranger = replace(lasting(60, world.clock), identity_error="These credentials belong to somebody else.")
    with pytest.raises(Problem, match="somebody else"):
        world.keeper.serve(world.keeper.add(stranger))


def test_metadata_is_offered_on_top_and_stops_with_the_rest(world: World) -> None:
    kept = world.keeper.add(lasting(60, world.clock))
    service = world.keeper.serve(kept)
    assert service.metadata is None
    service.offer_metadata()
    first = service.metadata
    service.offer_metadata()
    assert service.metadata is first
    assert first is not None
    assert ask(f"{first.url}latest/meta-data/iam/security-credentials/", "") == 401
    world.keeper.stop_serving(kept)
    with pytest.raises(urllib.error.URLError):
        ask(first.url, "")


def test_nothing_secret_is_in_any_repr(world: World) -> None:
    kept = world.keeper.add(lasting(60, world.clock))
    world.keeper.serve(kept)
    text = repr(world.keeper) + repr(kept) + repr(kept.renewer.held) + repr(world.keeper.tick())
    assert kept.session.secret_access_key.reveal() not in text
    assert kept.session.session_token.reveal() not in text
    world.keeper.drop_all()


def is_wiped(held: Session) -> bool:
    return not held.secret_access_key and not held.session_token


def test_what_is_forgotten_is_wiped_for_whoever_still_holds_it(world: World) -> None:
    one, two, three = (session(key=f"ASIA{number:016d}") for number in range(3))
    kept, *_ = (world.keeper.add(each) for each in (one, two, three))
    world.keeper.forget(kept.key)
    assert [is_wiped(each) for each in (one, two, three)] == [True, False, False]
    world.keeper.drop_all()
    assert is_wiped(two)
    assert is_wiped(three)
    with pytest.raises(Problem, match="have been forgotten"):
        kept.session.session_token.reveal()


def test_what_a_renewal_brings_after_its_session_was_forgotten_is_wiped(world: World) -> None:
    brought: list[Session] = []

    def renew(code: Secret | None) -> Session:
        world.keeper.forget(kept.key)
        brought.append(world.again(code))
        return brought[0]

    kept = world.keeper.add(lasting(5, world.clock), Origin(renew))
    kept.renewer.renew_now()
    assert is_wiped(brought[0])
    assert is_wiped(kept.session)


def test_those_that_a_renewal_has_replaced_are_wiped_as_well(world: World) -> None:
    first = lasting(60, world.clock)
    kept = world.keeper.add(first, Origin(world.again))
    kept.renewer.renew_now()
    second = kept.session
    kept.renewer.renew_now()
    assert not is_wiped(first)
    world.keeper.forget(kept.key)
    assert [is_wiped(each) for each in (first, second, kept.session)] == [True, True, True]


def test_a_session_that_somebody_else_has_taken_is_let_go_unwiped(world: World) -> None:
    picked, other = session(key="ASIAPICKED0000000000"), session(key="ASIAOTHER00000000000")
    world.keeper.add(picked)
    world.keeper.add(other)
    world.keeper.let_go(picked)
    world.keeper.drop_all()
    assert not is_wiped(picked)
    assert is_wiped(other)
