"""Print the files and functions of iamtui that one answer in process passes through: `python -m tools.trace_walk`.

Definitions. A walk is every `def` of iamtui that is called, in any thread, from its start to its end, the second time
the same is done in one process, so that nothing is compiled or read for the first time:

* `decision`: from `workspace.questions.ask` to the `Decision`, the demo account open.
* `can`, `who-can`: from the words of the command line to its exit code, opening the demo included.
* `a key in the question bar`: from the press of the last letter of an action in the demo, 120x40, until the answer, the
  marks and the completions are painted and nothing runs.
* `the assume form`: from pushing the dialog until its own answer is painted; `Enter` until the dialog is gone. The
  second form is filled in with what was entered in the first.

A climb is a call from a room to a room above it in the drawing of `docs/architecture.md`, lambdas included. A generator
that is read on is not one, nor is the report of progress that `cli` and `tui` hand down.
`--functions` names every function with its calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Final, NamedTuple, NoReturn
from unittest.mock import patch

from textual.app import App

import iamtui
from benchmarks.screen import app_of, settle
from iamtui.cli.main import run
from iamtui.cli.output import Screen
from iamtui.questions.question import Question
from iamtui.tui.assume.dialog import AssumeDialog, AssumeResult
from iamtui.tui.question.panel import QuestionPanel
from iamtui.tui.themes import fallback_variables
from iamtui.workspace.ask.questions import ask
from iamtui.workspace.source.opening import open_source
from iamtui.workspace.source.principals import resolve_principal
from iamtui.workspace.source.workspace import SourceChoice, SourceKind, Workspace

_ROOT: Final = Path(iamtui.__file__).parent

ROLE: Final = "ops-readonly"
"""Whose form is opened."""

_FLOORS: Final = (
    ("policy", "catalog", "aws", "config.py"),
    ("engine", "account"),
    ("lint", "drafts", "proofs"),
    ("questions", "denials", "sources", "credentials"),
    ("activity",),
    ("workspace",),
    ("presentation",),
    ("cli", "tui", "api.py"),
)
"""The rooms of `docs/architecture.md`, lowest first; what is not named is below them all."""
_FLOOR: Final = {room: floor for floor, rooms in enumerate(_FLOORS, 1) for room in rooms}


class Walk(Counter[tuple[str, str]]):
    """How often each function is called, by its file and name, and the calls from a room to one above it."""

    def __init__(self) -> None:
        super().__init__()
        self.climbs: Counter[tuple[str, str]] = Counter()

    @property
    def files(self) -> set[str]:
        return {file for file, _ in self}


def _file(frame: FrameType | None) -> str | None:
    name = frame.f_code.co_filename if frame is not None else ""
    return name.removeprefix(f"{_ROOT}/") if name.startswith(f"{_ROOT}/") else None


@contextmanager
def traced() -> Iterator[Walk]:
    """The walk of what is done inside, in any thread."""
    calls = Walk()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event != "call" or (file := _file(frame)) is None:
            return
        name = frame.f_code.co_qualname
        if not frame.f_code.co_name.startswith("<"):
            calls[file, name] += 1
        caller = _file(frame.f_back)
        goes_up = caller is not None and _floor(caller) < _floor(file) < len(_FLOORS)
        if caller is not None and goes_up and "<genexpr>" not in name:
            calls.climbs[caller, f"{file} {name}"] += 1

    # What else has been dropped would be taken away meanwhile, by functions of ours.
    gc.collect()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def _floor(file: str) -> int:
    return _FLOOR.get(file.partition("/")[0], 0)


def walk(run: Callable[[], object]) -> Walk:
    """What a call passes through."""
    with traced() as calls:
        run()
    return calls


class _OnlyDialogs(App[None]):
    """An app whose timers, unlike those of the main screen, do not mix with what a dialog does."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {**super().get_theme_variable_defaults(), **fallback_variables(self.current_theme)}


class FormWalks(NamedTuple):
    """What assuming a role on the screen passes through: opening the form, its own answer, and Enter in it."""

    opening: Walk
    answer: Walk
    enter: Walk


async def walk_assume_form(workspace: Workspace) -> FormWalks:
    role = next(role for role in workspace.account.roles if role.name == ROLE)
    app = _OnlyDialogs()
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = AssumeDialog(workspace, role.arn)
        done: list[AssumeResult | None] = []
        drawn = asyncio.Event()
        with traced() as opening, patch.object(dialog, "prepare", drawn.set):
            app.push_screen(dialog, done.append)
            await drawn.wait()
        with traced() as answer:
            # Only threads that begin now are traced.
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
            dialog.prepare()
            while dialog.planned is None:
                await pilot.pause()
            await app.workers.wait_for_complete()
            await pilot.pause()
        with traced() as enter:
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
            await pilot.press("enter")
            while not done:
                await pilot.pause()
    return FormWalks(opening, answer, enter)


async def _walk_key() -> Walk:
    """The last letter of an action in the question bar."""
    workspace = open_source(SourceChoice(SourceKind.DEMO))
    app = app_of(workspace)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        panel = app.screen.query_one(QuestionPanel)
        panel.ask("", "arn:aws:s3:::puffin-data-lake/x")
        await settle(pilot)
        panel.action_ask()
        await pilot.press(*("colon" if letter == ":" else letter for letter in "s3:GetObject"))
        await settle(pilot)
        await pilot.press("backspace")
        await settle(pilot)
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
        with traced() as calls:
            await pilot.press("t")
            await settle(pilot)
        if panel.answer is None:
            raise AssertionError("the question was not answered")
    return calls


def _command(*words: str) -> None:
    def no_screen(*_: object) -> NoReturn:
        raise AssertionError("a command opened the screen")

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        run(words, Screen(no_screen, tuple, no_screen))


def walks() -> Iterator[tuple[str, Walk]]:
    """Each walk by its name."""
    workspace = open_source(SourceChoice(SourceKind.DEMO))
    principal = resolve_principal(workspace, "role/analytics-lake-reader")
    question = Question("s3:DeleteObject", "arn:aws:s3:::puffin-data-lake/x")
    ask(workspace, principal, question)
    yield "decision", walk(lambda: ask(workspace, principal, question))
    with TemporaryDirectory() as folder:
        # What was entered before is neither read nor replaced.
        os.environ["XDG_DATA_HOME"] = os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_CACHE_HOME"] = folder
        action, resource = "s3:GetObject", "arn:aws:s3:::puffin-data-lake/*"
        can = "can", "role/analytics-lake-reader", action, "--on", resource, "--demo"
        who_can = "who-can", action, "--on", resource, "--demo"
        for words in (can, who_can):
            _command(*words)
            yield words[0], walk(lambda words=words: _command(*words))  # type: ignore[misc]
        yield "a key in the question bar", asyncio.run(_walk_key())
        workspace = open_source(SourceChoice(SourceKind.DEMO))
        asyncio.run(walk_assume_form(workspace))
        walked = asyncio.run(walk_assume_form(workspace))
        answered = Walk()
        answered.update(walked.opening)
        answered.update(walked.answer)
        answered.climbs = walked.opening.climbs + walked.answer.climbs
        yield "opening the assume form", walked.opening
        yield "the assume form with its answer", answered
        yield "Enter in the assume form", walked.enter


def main() -> None:
    for name, calls in walks():
        print(
            f"{name}: {len(calls.files)} files, {len(calls)} functions, {calls.total():,} calls, "
            f"{calls.climbs.total()} climbs"
        )
        for (caller, called), count in calls.climbs.most_common():
            print(f"  {caller} calls {called}: {count}")
        for file in sorted(calls.files):
            functions = {name: count for (where, name), count in calls.items() if where == file}
            print(f"  {file}: {len(functions)}")
            if "--functions" in sys.argv:
                print("".join(f"    {name} {count}\n" for name, count in functions.items()), end="")


if __name__ == "__main__":
    main()
