"""CPU time from a key until the dialog that it opens is on screen with all that it says: the first time, and again.

Each repeat is a process of its own, in which the start is over: `python -m benchmarks.dialogs KEY` opens what a key
opens and closes it, and prints the milliseconds of each time.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.pty_start import COLUMNS, ROWS
from benchmarks.results import Plan, Result
from benchmarks.screen import app_of, cpu_until_idle, settle
from iamtui.tui.background import STARTED_SECONDS
from iamtui.tui.explorer.explorer import Explorer
from iamtui.tui.question.panel import QuestionPanel
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.workspace import SourceChoice, SourceKind

GOAL_MS: Final = 100.0

_KEYS: Final = {"assume form": "a", "palette": "colon", "help": "question_mark", "who-can": "W", "trace": "w"}
_TIMES: Final = 4
_LOADED_LAST: Final = {"iamtui.tui.question.who_can_screen", "iamtui.tui.reports.report_screen"}
_ROLE: Final = "ops-readonly"
_QUESTION: Final = "s3:GetObject", "arn:aws:s3:::puffin-data-lake/x"
_CHECKOUT: Final = Path(__file__).resolve().parents[1]


def run(plan: Plan) -> Iterator[Result]:
    """Measure each dialog."""
    with tempfile.TemporaryDirectory() as compiled:
        # Where iamtui is installed, its modules are compiled.
        _in_own_process(next(iter(_KEYS.values())), compiled)
        for name, key in _KEYS.items():
            runs = [_in_own_process(key, compiled) for _ in range(plan.repeats)]
            first, again = [times[0] for times in runs], [median(times[1:]) for times in runs]
            for when, times in (("the first time", first), ("again", again)):
                note = f"{min(times):.0f} to {max(times):.0f} ms"
                yield Result(f"{name} opened, {when}", median(times), "ms", GOAL_MS, note=note)


def _in_own_process(key: str, compiled: str) -> list[float]:
    with tempfile.TemporaryDirectory() as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment |= {f"XDG_{kind}_HOME": home for kind in ("CONFIG", "DATA", "STATE", "CACHE")}
        environment["PYTHONPYCACHEPREFIX"] = compiled
        command = [sys.executable, "-m", "benchmarks.dialogs", key]
        done = subprocess.run(command, cwd=_CHECKOUT, env=environment, capture_output=True, check=True)
        found: list[float] = json.loads(done.stdout)
        return found


async def _opened(key: str) -> list[float]:
    """The CPU milliseconds of opening, for the first time in this process and some times more."""
    workspace = open_source(SourceChoice(SourceKind.DEMO))
    app = app_of(workspace)
    spent = []
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        await settle(pilot)
        tree = app.screen.query_one(Explorer).tree_view
        tree.reveal(next(role.arn for role in workspace.account.roles if role.name == _ROLE))
        tree.focus()
        app.screen.query_one(QuestionPanel).ask(*_QUESTION)
        while not sys.modules.keys() >= _LOADED_LAST:
            await asyncio.sleep(STARTED_SECONDS / 4)
        for _ in range(_TIMES):
            await settle(pilot)
            spent.append(await cpu_until_idle(pilot, partial(pilot.press, key)))
            if len(app.screen_stack) != 2:
                raise AssertionError("nothing was opened")
            await pilot.press("escape")
    return spent


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_opened(sys.argv[1]))))
