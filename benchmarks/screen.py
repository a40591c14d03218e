"""The screen: start, moving the cursor in a long tree, a key in the question bar, and what holds up the event loop.

Start-up runs in a pseudo-terminal beside an empty Textual app. The rest drives the app without a terminal and
counts the CPU time from a key until nothing is left to do, threads included; what an idle app uses in the same
time is measured beside it and taken off. Of the event loop's turns the longest counts, in CPU time of its thread.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final, TypeVar

from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from benchmarks.decisions import opened
from benchmarks.empty_app import READY
from benchmarks.generator import Size
from benchmarks.pty_start import COLUMNS, ROWS, Reached, start_until
from benchmarks.results import Plan, Result, garbage_as_in_the_program
from iamtui.credentials.session import Session
from iamtui.secret import Secret
from iamtui.tui import app as tui_app
from iamtui.tui.app import IamtuiApp
from iamtui.tui.background import STARTED_SECONDS
from iamtui.tui.explorer.explorer import Explorer
from iamtui.tui.main.inventory import TOP_BRANCHES
from iamtui.tui.question.panel import QuestionPanel
from iamtui.workspace.source.workspace import SourceChoice, SourceKind, Workspace

FIRST_FRAME_GOAL: Final = 1.3
CONTENT_GOAL: Final = 1.5
CURSOR_GOAL_MS: Final = 20.0
KEY_GOAL_MS: Final = 50.0
TURN_GOAL_MS: Final = 16.0

_IN_FIRST_FRAME: Final = "READ-ONLY"
_IN_DEMO: Final = "customer policies"
"""What the overview of the demo has below its first lines."""
_TYPED: Final = "s3:GetObject"
_ASKED_ABOUT: Final = "arn:aws:s3:::payments-export-prod/data.json"
_FILTER: Final = "adm"


def run(plan: Plan) -> Iterator[Result]:
    """Measure start-up, then cursor, keys and turns."""
    yield from _start(plan.repeats)
    yield from asyncio.run(_cursor(plan))
    yield from asyncio.run(_keys(plan))
    turns = _Turns()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(turns)) as runner, garbage_as_in_the_program():
        yield runner.run(_longest_turn(plan, turns))


@dataclass
class _Starts:
    empty: list[Reached] = field(default_factory=list)
    frame: list[Reached] = field(default_factory=list)
    content: list[Reached] = field(default_factory=list)


def _start(repeats: int) -> Iterator[Result]:
    starts = _Starts()
    for _ in range(repeats):
        starts.empty += start_until(["-m", "benchmarks.empty_app"], [READY])
        frame, content = start_until(["-m", "iamtui", "--demo"], [_IN_FIRST_FRAME, _IN_DEMO])
        starts.frame.append(frame)
        starts.content.append(content)
    empty, frame_cpu, content_cpu = (
        median(one.cpu for one in several) for several in (starts.empty, starts.frame, starts.content)
    )
    walls = [median(one.wall for one in several) for several in (starts.empty, starts.frame, starts.content)]
    if math.isnan(empty):
        # Elsewhere than on Linux a running program's CPU time is not told; wall times of one run have to do.
        empty, frame_cpu, content_cpu = walls
    wall = f"wall {walls[1] * 1000:.0f} against {walls[0] * 1000:.0f} ms"
    yield Result("start to first frame, beside an empty app", frame_cpu / empty, "x", FIRST_FRAME_GOAL, note=wall)
    wall = f"wall {walls[2] * 1000:.0f} against {walls[1] * 1000:.0f} ms"
    yield Result("demo on screen, beside first frame", content_cpu / frame_cpu, "x", CONTENT_GOAL, note=wall)


_App = TypeVar("_App", bound=IamtuiApp)


class _NoClipboard:
    """A copier that copies nothing, so that no benchmark touches the user's clipboard."""

    def copy_exports(self, session: Session, name: str = "") -> str:  # noqa: ARG002 - declared by Copier
        return ""

    def format_name(self) -> str:
        return ""

    def copy_secret(self, text: Secret, what: str) -> str:  # noqa: ARG002 - declared by Copier
        return ""

    def copy_text(self, text: str, what: str) -> str:  # noqa: ARG002 - declared by Copier
        return ""

    def copy_document(self, text: str, what: str) -> str:  # noqa: ARG002 - declared by Copier
        return ""

    def time_left(self) -> timedelta | None:
        return None

    def clear_now(self) -> str:
        return ""


def app_of(workspace: Workspace, kind: type[_App] = IamtuiApp) -> _App:
    # What the user was looking at last would be measured with it, and forgotten.
    return kind(SourceChoice(SourceKind.SNAPSHOT), opener=lambda *_: workspace, copier=_NoClipboard(), fresh=True)


class _DrawingApp(IamtuiApp):
    """Also makes what it would send to a terminal, once it has started: without a terminal Textual leaves that out."""

    # Files beside its own module, not beside this one.
    CSS_PATH = [Path(tui_app.__file__).parent / path for path in IamtuiApp.CSS_PATH]  # noqa: RUF012 - declared so by the base class
    draws = False

    @property
    def is_headless(self) -> bool:
        """Whether nothing is made for a terminal."""
        return not self.draws and super().is_headless


async def settle(pilot: Pilot[None]) -> None:
    """Wait until no worker runs and every message has been handled."""
    for _ in range(100):
        await pilot.pause()
        running = [worker for worker in pilot.app.workers if not worker.is_finished]
        if not running:
            break
        with suppress(WorkerCancelled):  # another took its place
            await pilot.app.workers.wait_for_complete(running)
    await pilot.pause()


async def cpu_until_idle(pilot: Pilot[None], act: Callable[[], Awaitable[None]]) -> float:
    """CPU milliseconds of an action and all that it starts, less those of an idle app."""
    start = time.process_time()
    await settle(pilot)
    idle = time.process_time() - start
    start = time.process_time()
    await act()
    await settle(pilot)
    return max(0.0, time.process_time() - start - idle) * 1000


def _tree_size(nodes: int) -> Size:
    """An account of about so many entities."""
    return Size(nodes * 65 // 100, nodes * 15 // 100, max(3, nodes * 3 // 100), max(3, nodes * 15 // 100))


async def _cursor(plan: Plan) -> list[Result]:
    workspace = opened(_tree_size(plan.tree))
    app = app_of(workspace)
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        await settle(pilot)
        tree = app.screen.query_one(Explorer).tree_view
        for branch in TOP_BRANCHES:
            tree.open_branch(branch)
        first = workspace.account.users[len(workspace.account.users) // 2]
        tree.reveal(first.arn)
        tree.focus()
        await settle(pilot)
        nodes = sum(1 for _ in workspace.account.entities())

        async def down() -> None:
            tree.action_cursor_down()

        bare = [await cpu_until_idle(pilot, down) for _ in range(plan.repeats * 3)]
        app.screen.query_one(QuestionPanel).ask(_TYPED, _ASKED_ABOUT)
        await settle(pilot)
        asking = [await cpu_until_idle(pilot, down) for _ in range(plan.repeats * 3)]
    where = f"cursor move in a tree of {nodes:,}"
    return [
        Result(where, median(bare), "ms", CURSOR_GOAL_MS, note=f"slowest {max(bare):.0f} ms, detail painted"),
        Result(f"{where}, question pinned", median(asking), "ms", note=f"slowest {max(asking):.0f} ms"),
    ]


async def _keys(plan: Plan) -> list[Result]:
    workspace = opened(plan.large)
    app = app_of(workspace)
    whole: list[float] = []
    others: list[float] = []
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        await settle(pilot)
        tree = app.screen.query_one(Explorer).tree_view
        tree.reveal(workspace.account.users[len(workspace.account.users) // 2].arn)
        panel = app.screen.query_one(QuestionPanel)
        panel.ask("", _ASKED_ABOUT)
        await settle(pilot)
        panel.action_ask()
        for _ in range(plan.repeats):
            for character in _TYPED:
                spent = await cpu_until_idle(pilot, partial(pilot.press, _key_name(character)))
                answered = panel.answer is not None
                (whole if answered else others).append(spent)
            if panel.answer is None:
                raise AssertionError("the question was not answered")
            await pilot.press("home", "shift+end", "delete")
            await settle(pilot)
    where = f"a key in the question bar, {plan.large.principals:,} principals"
    return [
        Result(
            f"{where}, answer and visible verdicts painted",
            median(whole),
            "ms",
            KEY_GOAL_MS,
            note=f"slowest {max(whole):.0f} ms, completions included",
        ),
        Result(
            f"{where}, no whole action yet", median(others), "ms", KEY_GOAL_MS, note=f"slowest {max(others):.0f} ms"
        ),
    ]


class _Turns(selectors.DefaultSelector):
    """Takes the CPU time of the event loop's turns: from one wait for something to do to the next."""

    def __init__(self) -> None:
        super().__init__()
        self._longest = 0.0
        self._began: float | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait, as the event loop does between two turns."""
        if self._began is not None:
            self._longest = max(self._longest, time.thread_time() - self._began)
        try:
            return super().select(timeout)
        finally:
            self._began = time.thread_time()

    def take(self) -> float:
        """The longest turn since this was asked last, in milliseconds."""
        longest, self._longest = self._longest * 1000, 0.0
        return longest


async def _longest_turn(plan: Plan, turns: _Turns) -> Result:
    """The longest turn while a person browses and asks: of each thing they do the median, and of those the longest."""
    workspace = opened(plan.large)
    app = app_of(workspace, _DrawingApp)
    longest: dict[str, list[float]] = {}
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        await settle(pilot)
        # The start is over, and its garbage out of the way.
        await asyncio.sleep(STARTED_SECONDS + 0.2)
        app.draws = True
        tree = app.screen.query_one(Explorer).tree_view
        panel = app.screen.query_one(QuestionPanel)
        middle = workspace.account.users[len(workspace.account.users) // 2].arn

        async def pressed(what: str, keys: Sequence[str]) -> None:
            for key in keys:
                await settle(pilot)
                turns.take()
                await pilot.press(_key_name(key))
                await settle(pilot)
                longest.setdefault(what, []).append(turns.take())

        for _ in range(plan.repeats):
            tree.focus()
            tree.reveal(middle)
            panel.ask(_TYPED, _ASKED_ABOUT)
            await pressed("cursor move, question pinned", ["j"] * 3)
            await pressed("page, question pinned", ["ctrl+d", "ctrl+u"])
            await pressed("key in the filter", ["slash", *_FILTER])
            await pressed("filter left", ["escape"])
            panel.ask("", _ASKED_ABOUT)
            panel.action_ask()
            await pressed("key in the question bar", _TYPED[:-1])
            await pressed("key in the question bar that makes an answer", _TYPED[-1:])
            await pressed("question left", ["escape", "escape"])
    what, times = max(longest.items(), key=lambda item: median(item[1]))
    slowest = max(longest, key=lambda name: max(longest[name]))
    return Result(
        f"longest turn of the event loop, {plan.large.principals:,} principals",
        median(times),
        "ms",
        TURN_GOAL_MS,
        note=f"{what}; slowest {max(longest[slowest]):.0f} ms, {slowest}",
    )


def _key_name(character: str) -> str:
    return {":": "colon"}.get(character, character)
