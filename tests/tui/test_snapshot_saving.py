"""X on the main screen: the account as a snapshot file, private, replaced only when the user says so."""

from __future__ import annotations

import stat
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from iamtui.sources.snapshot import read_snapshot
from iamtui.tui.dialogs.dialogs import ChoiceDialog, LineDialog
from iamtui.tui.widgets.status import MessageLine
from tests.support.panel_apps import until
from tests.support.sample_account import sample_account
from tests.support.screen_app import make_app, opened, press


def said(pilot: Pilot[None]) -> str:
    return pilot.app.main.query_one(MessageLine).words  # type: ignore[attr-defined]


async def write_to(pilot: Pilot[None], file: Path) -> None:
    await press(pilot, "X")
    await until(pilot, lambda: isinstance(pilot.app.screen, LineDialog))
    field = pilot.app.screen.query_one(Input)
    assert field.value.endswith(".json.zst")
    field.value = str(file)
    await press(pilot, "enter")


async def test_the_account_is_written_to_the_file_that_is_named(tmp_path: Path) -> None:
    file = tmp_path / "account.json.zst"
    async with opened(make_app()) as pilot:
        await write_to(pilot, file)
        await until(pilot, lambda: "for you alone" in said(pilot))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [user.arn for user in read_snapshot(file).users] == [user.arn for user in sample_account().users]


async def test_a_file_that_is_there_is_replaced_only_when_the_user_says_so(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.write_text("mine")
    async with opened(make_app()) as pilot:
        await write_to(pilot, file)
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        assert file.read_text() == "mine"
        await press(pilot, "down", "enter")
        await until(pilot, lambda: "for you alone" in said(pilot))
    assert len(read_snapshot(file).users) == len(sample_account().users)


async def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    async with opened(make_app()) as pilot:
        await write_to(pilot, tmp_path / "none" / "account.json")
        await until(pilot, lambda: "cannot be written: No such file" in said(pilot))
        await press(pilot, "X", "escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, LineDialog))
