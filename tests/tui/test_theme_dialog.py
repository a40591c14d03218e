"""The theme dialog: each theme is seen before it is chosen, and the chosen one is remembered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from iamtui.config import Config
from iamtui.paths import screen_state
from iamtui.tui.dialogs.dialogs import ThemeDialog
from iamtui.tui.main.screen_state import ScreenState
from tests.support.panel_apps import screen_text, settle, type_text, until
from tests.support.screen_app import make_app, opened, press
from tests.support.slow import NARROW_AND_MEDIUM, SIZES

SnapCompare = Callable[..., bool]


async def test_the_screen_is_drawn_in_the_theme_under_the_cursor_and_escape_takes_it_back() -> None:
    app = make_app()
    async with opened(app) as pilot:
        await press(pilot, "t")
        assert isinstance(app.screen, ThemeDialog)
        assert app.screen.lines.choice is not None
        assert app.screen.lines.choice.key == "iamtui-dark", "the cursor begins on the theme of now"
        assert re.search("iamtui-dark +now", screen_text(app))
        before = app.theme_variables["background"]
        await press(pilot, "down")
        shown = app.screen.lines.choice.key
        await until(pilot, lambda: app.theme == shown)
        assert app.theme_variables["background"] != before
        await press(pilot, "escape")
        assert app.theme == "iamtui-dark"
        assert not screen_state().exists()


@pytest.mark.slow
async def test_a_name_that_no_theme_has_shows_the_theme_of_before() -> None:
    app = make_app()
    async with opened(app) as pilot:
        await press(pilot, "t")
        await type_text(pilot, "solarized")
        await until(pilot, lambda: app.theme.startswith("solarized"))
        await type_text(pilot, "zz")
        assert app.theme == "iamtui-dark"


@pytest.mark.slow
async def test_the_chosen_theme_is_the_one_of_the_next_run() -> None:
    async with opened(make_app()) as pilot:
        await press(pilot, "t")
        await type_text(pilot, "frost")
        await press(pilot, "enter")
        assert pilot.app.theme == "iamtui-frost"
        await until(pilot, screen_state().exists)
    assert json.loads(screen_state().read_text()) == {"version": 1, "theme": "iamtui-frost"}
    assert screen_state().stat().st_mode & 0o777 == 0o600
    async with opened(make_app()) as pilot:
        assert pilot.app.theme == "iamtui-frost"
    async with opened(make_app(config=Config(theme="iamtui-light"))) as pilot:
        assert pilot.app.theme == "iamtui-light", "the config decides"


@pytest.mark.slow
async def test_a_theme_that_the_config_will_not_have_is_said() -> None:
    async with opened(make_app(config=Config(theme="iamtui-light"))) as pilot:
        await press(pilot, "t", "down", "enter")
        assert "theme in the config names another for the next run." in screen_text(pilot.app)
        assert not screen_state().exists()


def test_what_others_keep_in_the_file_stays() -> None:
    ScreenState().keep(theme="iamtui-mono")
    state = {**json.loads(screen_state().read_text()), "place": "users:"}
    screen_state().write_text(json.dumps(state))
    ScreenState().keep(theme="iamtui-dusk")
    assert json.loads(screen_state().read_text()) == {"version": 1, "theme": "iamtui-dusk", "place": "users:"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["[red]x", "nosuch", ""])
async def test_a_theme_that_is_none_is_not_used(name: str) -> None:
    ScreenState().keep(theme=name)
    async with opened(make_app()) as pilot:
        assert pilot.app.theme == "iamtui-dark"


def test_a_file_that_others_could_have_written_is_ignored() -> None:
    ScreenState().keep(theme="iamtui-mono")
    assert ScreenState().theme == "iamtui-mono"
    screen_state().chmod(0o666)
    assert ScreenState().theme == ""


@pytest.mark.slow
async def test_a_folder_that_cannot_be_written_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    async with opened(make_app()) as pilot:
        await press(pilot, "t", "down", "enter")
        await until(pilot, lambda: "cannot be" in screen_text(pilot.app))


@pytest.mark.parametrize("size", NARROW_AND_MEDIUM)
def test_the_theme_dialog(snap_compare: SnapCompare, size: str) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "t")
        await type_text(pilot, "frost")
        await until(pilot, lambda: pilot.app.theme == "iamtui-frost")

    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=run)
