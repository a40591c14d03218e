"""An app with a draft, driven by keys, on the sample account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from iamtui.drafts.draft import Draft, Edit
from iamtui.tui.app import IamtuiApp
from iamtui.tui.dialogs.dialogs import ChoiceDialog
from iamtui.tui.widgets.status import MessageLine
from tests.support.panel_apps import screen_text
from tests.support.sample_account import ID
from tests.support.screen_app import press, settle


def app_of(pilot: Pilot[None]) -> IamtuiApp:
    """The app that a pilot drives."""
    assert isinstance(pilot.app, IamtuiApp)
    return pilot.app


async def until(pilot: Pilot[None], holds: Callable[[], bool], seconds: float = 90) -> None:
    """Settle until something holds; a test that goes on without it would fail at random."""
    end = asyncio.get_running_loop().time() + seconds
    while not holds():
        assert asyncio.get_running_loop().time() < end, f"it did not come to hold in time:\n{screen_text(pilot.app)}"
        # What is waited for may be a timer, or another program, which needs the processor.
        await asyncio.sleep(0.01)
        await settle(pilot)
    await settle(pilot)


async def ask(pilot: Pilot[None], key: str, action: str, resource: str = "") -> None:
    """Go to a principal and ask a question for it."""
    main = app_of(pilot).main
    main.go_to(key)
    main.question.ask(action, resource)
    await until(pilot, lambda: main.question.answer is not None)
    main.explorer.tree_view.focus()
    await settle(pilot)


async def lay(pilot: Pilot[None], *edits: Edit) -> None:
    """Add edits to the draft and wait until the account is shown with them."""
    main = app_of(pilot).main
    main.drafts.add_edits(edits)
    await laid(pilot)


async def laid(pilot: Pilot[None]) -> None:
    """Wait until the open draft is applied to the account on screen."""
    main = app_of(pilot).main

    def is_laid() -> bool:
        found, drafted = main.drafts.open_draft, main.drafts.drafted
        return found is None or (drafted is not None and drafted.draft.edits == found.draft.edits)

    await until(pilot, is_laid)


def draft(*edits: Edit, name: str = "") -> Draft:
    """A draft over the sample account."""
    return Draft(ID, name, edits)


@pytest.fixture(autouse=True)
def own_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Drafts and questions are kept in a folder of the test's own."""
    for module in ("iamtui.workspace.change.draft_session", "iamtui.workspace.ask.saved_questions"):
        monkeypatch.setattr(f"{module}.data_folder", lambda: tmp_path / "data")


def message(pilot: Pilot[None]) -> str:
    """What the message line says."""
    return pilot.app.query_one(MessageLine).words


async def choose(pilot: Pilot[None], text: str) -> None:
    """Choose the line of the open dialog that has this text."""
    dialog = pilot.app.screen
    assert isinstance(dialog, ChoiceDialog)
    at = next(
        i for i, choice in enumerate(dialog.lines.shown) if choice.key and text in f"{choice.label} {choice.note}"
    )
    dialog.lines.move_to(at)
    await press(pilot, "enter")


async def made(pilot: Pilot[None]) -> Edit:
    """The only edit of the draft, once it is laid."""
    await laid(pilot)
    found = app_of(pilot).main.drafts.open_draft
    assert found is not None
    [edit] = found.draft.edits
    return edit
