"""The collector is off while threads make what stays, and on again afterwards, whoever ends last."""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast
from weakref import ref

import pytest

from iamtui.account.model import Account
from iamtui.account.snapshot_reader import collector_paused
from iamtui.presentation.who_can import WhoCanRow
from iamtui.tui import background as garbage
from iamtui.tui.app import IamtuiApp
from iamtui.tui.background import making
from iamtui.tui.question.who_can_screen import WhoCanScreen
from iamtui.workspace.workspace import SourceChoice, SourceInfo, SourceKind, Workspace
from tests.support.drafting import app_of, until
from tests.support.own_process import in_own_process
from tests.support.sample_account import sample_workspace
from tests.support.screen_app import RecordingCopier, opened, press, settle


def test_the_collector_rests_until_the_last_maker_has_ended() -> None:
    assert gc.isenabled()
    with making():
        assert not gc.isenabled()
        with making():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_is_on_again_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), making():
        raise ZeroDivisionError
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off() -> None:
    gc.disable()
    try:
        with making():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_rounds_that_begin_while_something_is_made_wait_for_its_end() -> None:
    numbers = gc.get_threshold()
    gc.disable()
    try:
        with making():
            garbage.begin_rounds()
            assert not gc.isenabled()
            with making():
                assert not gc.isenabled()
            assert not gc.isenabled()
        assert gc.isenabled()
    finally:
        gc.set_threshold(*numbers)
        gc.enable()


@pytest.mark.slow
def test_much_that_is_made_to_stay_is_left_out_of_later_rounds_and_little_is_not() -> None:
    gc.collect()
    before = gc.get_freeze_count()
    with making(stays=True):
        few = [[] for _ in range(100)]
    with making():
        some = [[number] for number in range(50_000)]
    # Of what other tests left there, some may go meanwhile.
    assert before - 1_000 < gc.get_freeze_count() <= before
    gc.collect()
    with making(stays=True):
        many = [[number] for number in range(50_000)]
    assert gc.get_freeze_count() > before + 49_000
    assert (len(few), len(some), len(many)) == (100, 50_000, 50_000)


async def test_no_garbage_is_looked_for_while_an_account_is_opened() -> None:
    """Not even when the start is over meanwhile: a round through what has come of an account takes several frames."""
    numbers = gc.get_threshold()
    was_on: list[bool] = []

    def opener(*_more: object) -> Workspace:
        was_on.append(gc.isenabled())
        garbage.begin_rounds()
        with collector_paused():
            was_on.append(gc.isenabled())
        was_on.append(gc.isenabled())
        return sample_workspace()

    gc.disable()
    try:
        app = IamtuiApp(SourceChoice(SourceKind.LIVE), opener=opener, copier=RecordingCopier())
        async with app.run_test() as pilot:
            await until(pilot, lambda: app.main.workspace is not None and gc.isenabled())
        assert was_on == [False] * 3
    finally:
        gc.set_threshold(*numbers)
        gc.enable()


@pytest.mark.slow
async def test_an_account_that_was_read_anew_is_gone_without_a_round() -> None:
    read: list[ref[Account]] = []

    def opener(*_more: object) -> Workspace:
        account = Account("111122223333")
        read.append(ref(account))
        return Workspace(account, SourceInfo(SourceKind.LIVE, "test"))

    gc.disable()
    try:
        app = IamtuiApp(SourceChoice(SourceKind.LIVE), opener=opener, copier=RecordingCopier())
        async with app.run_test() as pilot:
            for times in (1, 2, 3):
                await until(pilot, lambda times=times: len(read) == times and app.opening.is_settled)
                await settle(pilot)
                await press(pilot, "R")
            await until(pilot, lambda: [one() is None for one in read] == [True, True, True, False])
    finally:
        gc.enable()


class Piece:
    """Notes when it is freed."""

    def __init__(self, freed: list[str], name: str) -> None:
        self.freed = freed
        self.name = name

    def __del__(self) -> None:
        self.freed.append(self.name)


class Index:
    """As that of an account: an object with large tables."""

    def __init__(self, freed: list[str], count: int) -> None:
        self.table = tuple(Piece(freed, f"{number} of the index") for number in range(count))
        self.named = {str(number): Piece(freed, f"{number} by name") for number in range(count)}


def test_an_account_is_freed_in_small_pieces() -> None:
    freed: list[str] = []
    account = replace(Account("111122223333"), users=tuple(Piece(freed, f"user {n}") for n in range(1_000)))
    index = Index(freed, 2_000)
    account.memo.update(index=index, facts={n: Piece(freed, f"fact {n}") for n in range(1_000)})
    account.memo["kept with the index", 1] = (index, 5)
    del index
    pieces = garbage.pieces_of(account)
    assert not freed

    del account
    steps = []
    while pieces:
        pieces.pop()
        steps.append(len(freed))
    assert len(set(freed)) == 6_000
    assert max(after - before for before, after in itertools.pairwise([0, *steps])) == 1


def test_what_is_still_in_use_is_let_be() -> None:
    workspace = sample_workspace()
    names = [user.name for user in workspace.account.users]
    garbage.free_in_pieces(workspace)
    garbage.free_in_pieces(None)
    assert [user.name for user in workspace.account.users] == names


class Loop:
    """Refers to itself, as the parts of a screen do to each other."""

    def __init__(self) -> None:
        self.loop = self


@pytest.mark.slow
@pytest.mark.usefixtures("rounds")
def test_what_a_closed_screen_leaves_is_taken_away_whatever_its_age() -> None:
    left = ref(loop := Loop())
    for _ in range(12):
        garbage.look_through_new()
    gc.collect()
    del loop
    garbage.look_through_new()
    assert left() is not None, "it has come to the oldest, which a pause leaves alone"
    garbage.look_through_closed()
    assert left() is None


@pytest.mark.slow
@pytest.mark.usefixtures("rounds")
def test_what_stays_is_left_out_before_looking_through_it_takes_a_frame() -> None:
    kept = [[number] for number in range(15_000)]
    garbage.look_through_closed()
    assert len(gc.get_objects(generation=2)) < len(kept)
    few = [[number] for number in range(1_000)]
    garbage.look_through_closed()
    assert len(gc.get_objects(generation=2)) >= len(few), "what may soon be garbage is looked through again"


@pytest.mark.slow
@in_own_process
@pytest.mark.usefixtures("rounds")
def test_when_nobody_waits_also_what_was_left_out_is_looked_through() -> None:
    left = ref(loop := Loop())
    gc.freeze()
    del loop
    garbage.look_through_closed()
    assert left() is not None
    garbage.look_through_all()
    assert left() is None
    assert gc.get_freeze_count() > 0


@pytest.fixture
def rounds() -> Iterator[None]:
    """The collector as it is once the start is over. What it leaves out stays out: thousands of tests have left it."""
    numbers = gc.get_threshold()
    garbage.begin_rounds()
    yield
    gc.set_threshold(*numbers)


@pytest.mark.usefixtures("rounds")
def test_a_pause_after_a_key_has_what_was_made_looked_through() -> None:
    gc.collect()
    kept = [[] for _ in range(3_000)]
    assert gc.get_count()[0] >= len(kept)
    garbage.look_through_new()
    assert gc.get_count()[0] < len(kept)


@pytest.mark.usefixtures("rounds")
def test_what_stayed_for_several_rounds_is_looked_through_with_the_next() -> None:
    gc.collect()
    young = []
    for _ in range(20):
        garbage.look_through_new()
        young.append(gc.get_count()[1])
    assert max(young) > 1
    assert young.count(0) > 1


def test_a_collector_with_other_numbers_is_let_be() -> None:
    kept = [[] for _ in range(300)]
    before = gc.get_stats()[0]["collections"]
    garbage.look_through_new()
    assert gc.get_stats()[0]["collections"] == before
    assert kept


@pytest.mark.slow
async def test_of_screens_that_were_closed_only_the_last_is_still_there() -> None:
    # A thread keeps in its context the last worker that it ran, and so that one's screen: on a busy machine several do.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    # What other tests of this process hold is not counted.
    screens, rows = living(WhoCanScreen), living(WhoCanRow)
    async with opened() as pilot:
        for number in range(5):
            app_of(pilot).main.question.ask("s3:GetObject", f"arn:aws:s3:::bucket-{number}/key")
            app_of(pilot).main.explorer.tree_view.focus()
            await settle(pilot)
            await press(pilot, "W")
            assert isinstance(pilot.app.screen, WhoCanScreen)
            await press(pilot, "escape")
        # It has thousands of rows in a large account.
        await until(pilot, lambda: living(WhoCanScreen) <= screens + 1 and living(WhoCanRow) <= rows)


def living(kind: type) -> int:
    """How many objects of a class are left when all garbage is taken away, also of what a thread left out."""
    gc.unfreeze()
    gc.collect()
    return sum(type(one) is kind for one in gc.get_objects())


class Clock:
    """An app that keeps what it is to do every so often, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.screen_stack = [None]
        self.rounds: list[Callable[[], None]] = []

    def set_timer(self, _seconds: float, _act: Callable[[], None]) -> None: ...

    def set_interval(self, _seconds: float, act: Callable[[], None]) -> None:
        self.rounds.append(act)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The rounds of an app at which nobody does anything."""
    clock = Clock()
    monkeypatch.setattr(garbage, "monotonic", lambda: clock.now)
    monkeypatch.setattr(gc, "isenabled", lambda: bool(clock.rounds))
    garbage.GarbageRounds(cast(IamtuiApp, clock)).begin()
    return clock


@pytest.mark.slow
@in_own_process
@pytest.mark.usefixtures("rounds")
def test_a_lull_is_used_if_it_is_longer_the_more_there_is_and_something_can_be_garbage(clock: Clock) -> None:
    """To look through a large account takes a second, in which no key is read; and so does all that tests leave."""
    garbage.look_through_all()
    before = gc.get_stats()[2]["collections"]
    clock.now = 10_000
    clock.rounds[0]()
    assert gc.get_stats()[2]["collections"] == before

    clock.now = 0
    left = ref(loop := Loop())
    kept = [[number] for number in range(15_000)]
    garbage.look_through_closed()
    del loop
    assert gc.get_freeze_count() > len(kept)
    clock.now = garbage.LULL_SECONDS - 1
    clock.rounds[0]()
    assert left() is not None
    clock.now = gc.get_freeze_count() * 0.0001
    clock.rounds[0]()
    assert left() is not None
    clock.now = max(garbage.LULL_SECONDS, gc.get_freeze_count() * 0.0003)
    clock.screen_stack.append(None)
    clock.rounds[0]()
    assert left() is not None, "what a dialog leaves would be left out with it"
    clock.screen_stack.pop()
    clock.rounds[0]()
    assert left() is None
