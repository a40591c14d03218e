"""A working day in a few minutes: what the screen holds, and the threads and files of the process, do not grow."""

from __future__ import annotations

import gc
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.credentials import session as sessions
from iamtui.tui import clock
from iamtui.tui.app import IamtuiApp
from iamtui.workspace.source.workspace import SourceChoice, SourceKind
from tests.support.moto_server import ACCOUNT, MotoServer, allow, policy, trust
from tests.support.own_process import in_own_process
from tests.support.panel_apps import screen_text, type_text
from tests.support.screen_app import RecordingCopier, press, settle

USERS, ROLES = 40, 20
PAUSE = 5
STATUS = Path("/proc/self/status")

pytestmark = pytest.mark.skipif(not STATUS.exists(), reason="the memory of a process is read from /proc")


class MovedClock:
    """The local time, moved on by hand beside going on by itself."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def steady(self) -> sessions.SteadyClock:
        return sessions.SteadyClock(counter=lambda: time.monotonic() + self.ahead)


@dataclass(frozen=True)
class Held:
    """What the process holds at a moment of the day."""

    minute: int
    resident_kb: int
    threads: int
    files: int
    objects: Counter[str]
    all_objects: int

    def __str__(self) -> str:
        counts = (
            f"{self.threads} threads, {self.files} files, {self.objects.total():,} of {self.all_objects:,} objects ours"
        )
        return f"minute {self.minute:3}: {self.resident_kb / 1024:6.1f} MiB, {counts}"


DRAWN = "iamtui.tui.widgets.lists.line_list.Piece"
"""Runs of text of the lines that were drawn last: as many as the view of the moment has."""


def held(minute: int) -> Held:
    gc.collect()
    kinds = [type(one) for one in gc.get_objects()]
    objects = Counter(
        f"{kind.__module__}.{kind.__qualname__}" for kind in kinds if str(kind.__module__).startswith("iamtui.")
    )
    del objects[DRAWN]
    line = next(line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmRSS"))
    files = sum(1 for _ in Path("/proc/self/fd").iterdir())
    return Held(minute, int(line.split()[1]), threading.active_count(), files, objects, len(kinds))


@dataclass
class Day:
    """The screen on a live account, and somebody who works at it, a minute in less than a second."""

    pilot: Pilot[None]
    app: IamtuiApp
    moved: MovedClock
    shown: list[Held] = field(default_factory=list)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await press(self.pilot, key)

    async def work(self, minutes: int, *, measure_every: int) -> None:
        for minute in range(1, minutes + 1):
            await self.ask(minute)
            for every, what in self.habits():
                if minute % every == 0:
                    await what(minute)
                    assert self.app.screen is self.app.main, f"minute {minute}: {screen_text(self.app)}"
            self.moved.ahead += 60
            self.app.main.sessions.tick()
            await settle(self.pilot)
            if minute % measure_every == 0:
                self.shown.append(held(minute))
                print(self.shown[-1], flush=True)
                if len(self.shown) > 1:
                    print("   ", (self.shown[-1].objects - self.shown[-2].objects).most_common(12), flush=True)

    # Each full hour ends with all of them, so that what is measured then was used for the same.
    def habits(self) -> list[tuple[int, object]]:
        return [
            (4, self.type_a_question),
            (4, self.look_at_answers),
            (5, self.refresh),
            (6, self.draft),
            (12, self.assume),
            (15, self.refresh_all),
            (20, self.look_around),
            (30, self.forget_sessions),
            (60, self.resize),
            (PAUSE, self.pause),
        ]

    async def ask(self, minute: int) -> None:
        kind, number = ("user", minute % USERS) if minute % 3 else ("role", minute % ROLES)
        self.app.main.browsing.go_to(f"arn:aws:iam::{ACCOUNT}:{kind}/{kind}-{number}")
        self.app.main.question.ask("s3:GetObject", f"arn:aws:s3:::bucket-{minute}/key")
        await settle(self.pilot)
        self.app.main.explorer.tree_view.focus()

    async def type_a_question(self, minute: int) -> None:
        await self.press("s")
        await self.press("ctrl+u", "ctrl+k")
        await type_text(self.pilot, f"sqs:SendMessage arn:aws:sqs:us-east-1:{ACCOUNT}:queue-{minute}"[:15])
        await self.press("escape", "escape")
        self.app.main.explorer.tree_view.focus()
        await settle(self.pilot)

    async def look_at_answers(self, _minute: int) -> None:
        await self.press("W", "j", "escape")
        await self.press("w", "j", "escape")

    async def refresh(self, _minute: int) -> None:
        await self.press("r")

    async def refresh_all(self, _minute: int) -> None:
        await self.press("R")
        assert self.app.main.workspace is not None
        assert len(self.app.main.workspace.account.users) == USERS

    async def draft(self, minute: int) -> None:
        self.app.main.browsing.go_to(f"arn:aws:iam::{ACCOUNT}:user/user-{minute % USERS}")
        self.app.main.question.ask("dynamodb:GetItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t{minute}")
        await settle(self.pilot)
        self.app.main.explorer.tree_view.focus()
        await self.press("f")
        assert self.app.main.drafts.open_draft is not None, screen_text(self.app)
        await self.press("i", "escape", "g", "d", "u", "D")
        if self.app.main.drafts.open_draft is not None:
            await self.press("y")
        assert self.app.main.drafts.open_draft is None, screen_text(self.app)
        if self.app.screen is not self.app.main:
            await self.press("escape")

    async def assume(self, minute: int) -> None:
        kept = len(self.app.main.sessions.keeper)
        await self.press("ctrl+r")
        role = f"arn:aws:iam::{ACCOUNT}:role/role-{minute % ROLES}"
        self.app.screen.query_one("#assume-role", Input).value = role
        await settle(self.pilot)
        await self.press("enter")
        assert len(self.app.main.sessions.keeper) == kept + 1, screen_text(self.app)
        await self.press("g", "s", "r", "x", "escape", "g", "s")
        self.app.main.explorer.tree_view.focus()
        await settle(self.pilot)

    async def forget_sessions(self, _minute: int) -> None:
        """Have the last one renewed by itself, and forget the others, also those that have ended."""
        await self.press("g", "s", "R")
        while len(self.app.main.sessions.keeper) > 2:
            before = len(self.app.main.sessions.keeper)
            await self.press("d", "d")
            assert len(self.app.main.sessions.keeper) < before, screen_text(self.app)
        self.app.main.explorer.tree_view.focus()
        await settle(self.pilot)

    async def look_around(self, _minute: int) -> None:
        for keys in (("g", "f"), ("g", "e"), ("question_mark",), ("g", "a"), ("t",), ("colon",)):
            await self.press(*keys)
            await self.press("escape")
            if self.app.screen is not self.app.main:
                await self.press("escape")

    async def pause(self, _minute: int) -> None:
        """Twenty seconds without a key, in which the collector may look through everything."""
        gc.collect()

    async def resize(self, _minute: int) -> None:
        for size in ((80, 24), (200, 60), (120, 40)):
            await self.pilot.resize_terminal(*size)
            await settle(self.pilot)


@asynccontextmanager
async def day(moto: MotoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Day]:
    iam = moto.client("iam")
    for number in range(USERS):
        iam.create_user(UserName=f"user-{number}")
        document = policy(allow(["s3:Get*", f"sqs:Send{number}*"], f"arn:aws:s3:::bucket-{number}*"))
        iam.put_user_policy(UserName=f"user-{number}", PolicyName="own", PolicyDocument=document)
    for number in range(ROLES):
        iam.create_role(RoleName=f"role-{number}", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
        arn = iam.create_policy(PolicyName=f"p-{number}", PolicyDocument=policy(allow("s3:*")))["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=f"role-{number}", PolicyArn=arn)
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    moved = MovedClock()
    monkeypatch.setattr(sessions, "_CLOCK", moved.steady())
    monkeypatch.setattr(clock, "now", sessions.utc_now)
    app = IamtuiApp(SourceChoice(SourceKind.LIVE, endpoint_url=moto.url), copier=RecordingCopier())
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            await settle(pilot)
            yield Day(pilot, app, moved)
    finally:
        gc.enable()


def check(early: Held, late: Held) -> None:
    grown = {name: (early.objects[name], n) for name, n in late.objects.items() if n > early.objects[name] + 20}
    print(early, late, f"grown: {grown}", sep="\n")
    assert late.resident_kb < early.resident_kb * 1.05
    # Of a pool, as many as are at work at that moment.
    assert late.threads < early.threads + 4
    assert late.files <= early.files
    assert late.objects.total() < early.objects.total() * 1.05, grown


@pytest.mark.long
@pytest.mark.timeout(1_800)
@partial(in_own_process, seconds=1_700)
async def test_eight_hours(moto: MotoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with day(moto, tmp_path, monkeypatch) as it:
        await it.work(480, measure_every=60)
        check(it.shown[0], it.shown[-1])
