"""Print the files and functions of iamtui that one answer in process passes through: `python -m tools.trace_walk`.

The demo account is asked twice: first with nothing compiled yet, then the same question again, as a screen does. Then a
role is assumed twice on a screen without a terminal: opening the form until it is drawn, then its own answer, then
pressing Enter in it; the second form is filled in with what was entered in the first. `--functions` names every
function with its calls.
"""

from __future__ import annotations

import asyncio
import gc
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
from typing import Final, NamedTuple
from unittest.mock import patch

from textual.app import App

import iamtui
from iamtui.questions.question import Question
from iamtui.tui.assume.dialog import AssumeDialog, AssumeResult
from iamtui.tui.themes import fallback_variables
from iamtui.workspace.opening import open_source
from iamtui.workspace.principals import resolve_principal
from iamtui.workspace.questions import ask
from iamtui.workspace.workspace import SourceChoice, SourceKind, Workspace

_ROOT: Final = Path(iamtui.__file__).parent

ROLE: Final = "ops-readonly"
"""Whose form is opened."""


@contextmanager
def traced() -> Iterator[Counter[tuple[str, str]]]:
    """How often each function of iamtui is called, in any thread, by its file and name; only what is a `def` counts."""
    calls: Counter[tuple[str, str]] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and not code.co_name.startswith("<") and code.co_filename.startswith(f"{_ROOT}/"):
            calls[str(Path(code.co_filename).relative_to(_ROOT)), code.co_qualname] += 1

    # What else has been dropped would be taken away meanwhile, by functions of ours.
    gc.collect()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def walk(run: Callable[[], object]) -> Counter[tuple[str, str]]:
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

    opening: Counter[tuple[str, str]]
    answer: Counter[tuple[str, str]]
    enter: Counter[tuple[str, str]]


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


def walks() -> Iterator[tuple[str, bool, Counter[tuple[str, str]]]]:
    """Each walk by its name, with nothing compiled, read or remembered yet, and once more; whether it is that."""
    workspace = open_source(SourceChoice(SourceKind.DEMO))
    principal = resolve_principal(workspace, "role/analytics-lake-reader")
    question = Question("s3:DeleteObject", "arn:aws:s3:::puffin-data-lake/x")
    for again in (False, True):
        yield "decision", again, walk(lambda: ask(workspace, principal, question))
    with TemporaryDirectory() as folder:
        # What was entered before is neither read nor replaced.
        os.environ["XDG_DATA_HOME"] = folder
        workspace = open_source(SourceChoice(SourceKind.DEMO))
        for again in (False, True):
            walked = asyncio.run(walk_assume_form(workspace))
            yield "opening the assume form", again, walked.opening
            yield "the answer in the assume form", again, walked.answer
            yield "Enter in the assume form", again, walked.enter


def main() -> None:
    for name, again, calls in walks():
        _print(f"{name} again" if again else name, calls)


def _print(title: str, calls: Counter[tuple[str, str]]) -> None:
    files = {file for file, _ in calls}
    print(f"{title}: {len(files)} files, {len(calls)} functions, {calls.total():,} calls")
    for file in sorted(files):
        functions = {name: count for (where, name), count in calls.items() if where == file}
        print(f"  {file}: {len(functions)}")
        if "--functions" in sys.argv:
            print("".join(f"    {name} {count}\n" for name, count in functions.items()), end="")


if __name__ == "__main__":
    main()
