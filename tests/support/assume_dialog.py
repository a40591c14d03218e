"""The assume dialog in an app of its own, with a canned STS that can be held back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.tui.assume.dialog import AssumeDialog, AssumeOptions, AssumeResult
from iamtui.workspace.source.workspace import Workspace
from tests.support.assume_account import ROLE
from tests.support.panel_apps import ScreenApp, screen_text, settle


def words(app: ScreenApp) -> str:
    """What is on screen, without frames, each run of blanks as one."""
    return " ".join(screen_text(app).replace("│", " ").split())


def dialog(space: Workspace, role: str | None = ROLE, **more: Any) -> ScreenApp:
    """The dialog for a role; None: it asks for one."""
    return ScreenApp(AssumeDialog(space, role, AssumeOptions(**more)))


def field(app: ScreenApp, name: str) -> Input:
    """A field by its name."""
    return app.screen.query_one(f"#assume-{name}", Input)


def is_shown(app: ScreenApp, name: str) -> bool:
    """Whether a field is on screen."""
    return any(found.region.area > 0 for found in app.screen.query(f"#assume-{name}"))


def result(app: ScreenApp) -> AssumeResult:
    """What the dialog gave."""
    [found] = app.returned
    assert isinstance(found, AssumeResult)
    return found


async def press(pilot: Pilot[object], *keys: str) -> None:
    """Press keys and let what they do settle."""
    await pilot.press(*keys)
    await settle(pilot)


@dataclass
class Gate:
    """Holds STS until it is opened."""

    started: threading.Event
    opened: threading.Event

    def __call__(self) -> None:
        self.started.set()
        assert self.opened.wait(60)


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate that is opened at the end in any case."""
    held = Gate(threading.Event(), threading.Event())
    yield held
    held.opened.set()
