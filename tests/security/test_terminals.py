"""Windows and hands that nobody foresaw: the screen stays up, and so do the sessions it holds."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import pytest

from iamtui.tui.app import IamtuiApp
from iamtui.tui.main.place_menus import JumpScreen
from iamtui.tui.sessions.panel import SessionsPanel
from tests.support.panel_sessions import session
from tests.support.program_on_terminal import (
    PROGRAM,
    environment,
    hostile_in_lines,
    hostile_in_screen,
    run_on_terminal,
)
from tests.support.screen_app import make_app, settle
from tests.support.slow import one_quick
from tests.support.terminal_session import TerminalSession

pytestmark = pytest.mark.screen


@one_quick("columns", [1, 2, 10, 29, 31, 33, 59])
@one_quick("lines", [1, 10, 40])
async def test_a_window_of_any_size_does_not_end_the_app(columns: int, lines: int) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.main.query_one(SessionsPanel).add_session(session())
        await pilot.resize_terminal(columns, lines)
        await settle(pilot)
        await pilot.resize_terminal(120, 40)
        await settle(pilot)
        assert len(app.main.query_one(SessionsPanel).sessions) == 1


@pytest.mark.parametrize("columns", [1, 3, 30])
async def test_the_chooser_fits_any_window(columns: int) -> None:
    app = IamtuiApp(None)
    async with app.run_test(size=(columns, 10)) as pilot:
        await settle(pilot)
        assert app.is_running


async def test_keys_pressed_while_a_screen_is_being_left_do_not_end_the_app() -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+o")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, JumpScreen)
        screen.dismiss(None)
        screen.dismiss(None)
        await settle(pilot)
        assert app.screen is app.main


@one_quick("environ", [{"NO_COLOR": "1"}, {"TERM": ""}, {"COLUMNS": "1", "LINES": "1"}, {"COLUMNS": "x"}], ids=str)
def test_the_real_program_starts_and_ends(environ: dict[str, str], tmp_path: Path) -> None:
    run = run_on_terminal(["--demo"], home=tmp_path, keys=[b"\x11"], after=b"\x1b[?2048$p", environ=environ)
    assert run.code == 0
    assert hostile_in_screen(run.text) == set()


@pytest.mark.parametrize("name", ["dumb", "unknown"])
def test_a_terminal_that_can_only_print_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    run = run_on_terminal(["--demo"], home=tmp_path, environ={"TERM": name})
    assert run.code == 2
    assert " ".join(run.text.split()).startswith(
        f"iamtui: The screen cannot be drawn on this terminal (TERM={name}). Use a command"
    )
    assert hostile_in_lines(run.text) == set()


@pytest.mark.slow
def test_leaving_does_not_wait_for_a_process_that_never_ends(tmp_path: Path) -> None:
    config, cleared = tmp_path / "config", tmp_path / "cleared"
    config.write_text("[profile slow]\ncredential_process = sleep 20\nregion = eu-central-1\n")
    script = tmp_path / "start.py"
    script.write_text(
        "import atexit, pathlib, sys\n"
        "from iamtui.__main__ import main\n"
        f"atexit.register(pathlib.Path({str(cleared)!r}).touch)\n"
        "sys.argv = ['iamtui']\n"
        "main()\n"
    )
    run = run_on_terminal(
        [],
        program=[sys.executable, str(script)],
        home=tmp_path,
        keys=[b"\x11"],
        after=b"inding credentials",
        environ={"AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "slow"},
    )
    assert run.code == 0
    assert cleared.exists(), "what must happen at the end (clearing the clipboard) did not"


@pytest.mark.slow
def test_a_storm_of_resizes_leaves_the_screen_in_order(tmp_path: Path) -> None:
    sizes = random.Random(5)
    with TerminalSession([*PROGRAM, "--demo"], environment(tmp_path) | {"TERM": "xterm-256color"}, tmp_path) as session:
        session.until("Users")
        session.rest()
        for _ in range(300):
            session.resize(sizes.randint(1, 250), sizes.randint(1, 90))
            # As fast as a window that is dragged.
            time.sleep(0.01)
        session.resize(80, 24)
        before = session.type(b"?")
        session.until("back", before)
        session.type(b"\x11")
        assert session.wait() == 0


NO_FILES = (
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
    "os.execv(sys.executable, [sys.executable, '-m', 'iamtui', *sys.argv[1:]])"
)
"""The program where nothing can be written to a file, as on a full disk."""


@pytest.mark.slow
def test_where_no_file_can_be_written_the_screen_says_so_and_goes_on(tmp_path: Path) -> None:
    environ = environment(tmp_path) | {"TERM": "xterm-256color"}
    with TerminalSession([sys.executable, "-c", NO_FILES, "--demo"], environ, tmp_path) as session:
        session.until("Users")
        session.type(b"X")
        before = session.type(b"\r")
        session.until("cannot be written: File too large.", before)
        before = session.type(b"?")
        session.until("back", before)
        session.type(b"\x11")
        assert session.wait() == 0
    assert not [*tmp_path.glob("*.json*")]
