"""Job control in a real terminal: ctrl+z, signals that stop and continue the program, and its screen afterwards."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from textual.widgets import TextArea

from iamtui.drafts.edits.principals import AddUserToGroup
from iamtui.tui.terminal_app import JobControl, TerminalApp
from tests.support.drafting import app_of, choose, lay, message, own_data_folder, until
from tests.support.sample_account import iam
from tests.support.screen_app import opened, press, settle
from tests.support.tmux_screen import IAMTUI, LEFT, ON_SCREEN, TmuxScreen, tmux_screen

__all__ = ["own_data_folder"]

BASH = "bash --norc --noprofile"
DEMO = f"{IAMTUI} --demo"


def started(screen: TmuxScreen, command: str = DEMO) -> int:
    """Start the program from the shell; returns its process."""
    screen.type(command)
    screen.until("puffin-prod")
    screen.until("48 users")
    return screen.child()


def is_stopped(program: int) -> bool:
    return Path(f"/proc/{program}/stat").read_text().rsplit(")")[-1].split()[0] == "T"


def in_shell(screen: TmuxScreen) -> None:
    """Wait for the shell, and for the terminal in order."""
    screen.until_true(lambda: screen.modes == LEFT)
    screen.type("clear; stty -a | grep -o '.icanon'; echo in shell $((40+2))")
    # What stood there the last time is cleared at some moment: both are waited for together.
    screen.until_true(lambda: all(words in screen.text for words in (" icanon", "in shell 42")))


def back_on_screen(screen: TmuxScreen) -> None:
    screen.type("fg")
    screen.until("puffin-prod")
    screen.until("q Quit")
    screen.until_true(lambda: screen.modes == ON_SCREEN)
    assert "in shell" not in screen.text


def quits(screen: TmuxScreen) -> None:
    screen.keys("C-q")
    screen.until_true(lambda: screen.modes == LEFT)
    screen.type('echo "code $?"')
    screen.until("code 0")


def test_ctrl_z_gives_the_terminal_back_until_fg(tmp_path: Path) -> None:
    with tmux_screen(tmp_path, BASH) as screen:
        started(screen)
        for _ in range(2):
            screen.keys("C-z")
            in_shell(screen)
            back_on_screen(screen)
        screen.keys("j", "l", "j", "j")
        screen.until_true(lambda: "▌  ▸ /business/" in screen.text)
        quits(screen)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGSTOP])
def test_after_a_signal_and_fg_the_screen_is_painted_again(number: signal.Signals, tmp_path: Path) -> None:
    with tmux_screen(tmp_path, BASH) as screen:
        program = started(screen)
        for _ in range(2):
            os.kill(program, number)
            screen.until_true(lambda: is_stopped(program))
            if number is signal.SIGTSTP:
                in_shell(screen)
            screen.type("fg")
            screen.until_true(lambda: not is_stopped(program) and screen.modes == ON_SCREEN)
            # It reads no keys before it has painted over what the shell wrote: what was typed is thrown away then.
            screen.gone("Stopped")
            screen.until("q Quit")
        screen.keys("j", "l", "j", "j")
        screen.until_true(lambda: "▌  ▸ /business/" in screen.text)
        quits(screen)


@pytest.mark.slow
def test_in_the_background_it_waits_for_fg(tmp_path: Path) -> None:
    with tmux_screen(tmp_path, BASH) as screen:
        started(screen)
        screen.keys("C-z")
        in_shell(screen)
        screen.type("bg")
        screen.type("clear; echo still $((40+3))")
        screen.until("still 43")
        back_on_screen(screen)
        quits(screen)


@pytest.mark.slow
def test_a_program_that_started_it_is_stopped_with_it(tmp_path: Path) -> None:
    wrapper = tmp_path / "wrapper.py"
    wrapper.write_text("import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)\n")
    with tmux_screen(tmp_path, BASH) as screen:
        started(screen, f"{IAMTUI.split()[0]} {wrapper} {DEMO}")
        screen.keys("C-z")
        in_shell(screen)
        back_on_screen(screen)
        quits(screen)


@pytest.mark.slow
def test_where_no_shell_could_continue_it_that_is_said(tmp_path: Path) -> None:
    with tmux_screen(tmp_path, f"sh -c '{IAMTUI} --demo'") as screen:
        screen.until("48 users")
        screen.keys("C-z")
        screen.until("No shell started iamtui")
        screen.keys("j", "l", "j", "j")
        screen.until_true(lambda: "▌  ▸ /business/" in screen.text)


def test_a_copied_secret_is_taken_back_before_the_program_is_stopped(tmp_path: Path) -> None:
    with tmux_screen(tmp_path, BASH) as screen:
        screen.type(DEMO)
        screen.assume("ops-readonly")
        screen.keys("c")
        screen.until("clip 2")
        assert "AWS_SECRET_ACCESS_KEY" in screen.tmux("show-buffer", "-b", "iamtui")
        screen.keys("C-z")
        in_shell(screen)
        assert screen.tmux("show-buffer", "-b", "iamtui") == ""
        screen.type("fg")
        screen.until("ops-readonly")


def test_a_picker_is_not_stopped_because_its_shell_waits(tmp_path: Path) -> None:
    with tmux_screen(tmp_path, BASH) as screen:
        screen.type(f'eval "$({IAMTUI} pick --demo)"; echo "ended $((40+2))"')
        screen.until("Pick for your shell")
        screen.keys("C-z")
        screen.until("Your shell waits")
        screen.keys("q")
        screen.until("ended 42")


def test_a_terminal_that_goes_while_the_program_is_stopped_ends_it(tmp_path: Path) -> None:
    with tmux_screen(tmp_path, BASH) as screen:
        program = started(screen)
        screen.keys("C-z")
        in_shell(screen)
        screen.tmux("kill-server")
        screen.until_true(lambda: not Path(f"/proc/{program}").exists())


async def test_many_signals_at_once_are_answered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[JobControl] = []

    def install(jobs: JobControl) -> None:
        made.append(jobs)

    monkeypatch.setattr(JobControl, "install", install)
    async with opened() as pilot:
        app, stops = app_of(pilot), []
        monkeypatch.setattr(app, "action_suspend_process", lambda: stops.append("stopped"))
        monkeypatch.setattr(type(app), "is_headless", False)
        TerminalApp.on_mount(app)
        monkeypatch.undo()
        for expected in (1, 2):
            for _ in range(3):
                made[0]._stop()
            await until(pilot, lambda count=expected: len(stops) == count)
            await settle(pilot)
            assert len(stops) == expected


@pytest.mark.slow
async def test_in_a_text_editor_ctrl_z_is_undo() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        main.go_to(iam("user/data/bob"))
        await press(pilot, "e")
        await choose(pilot, "Edit scratch-bucket")
        editor = pilot.app.focused
        assert isinstance(editor, TextArea)
        before = editor.text
        await press(pilot, "x")
        assert editor.text != before
        await press(pilot, "ctrl+z")
        assert editor.text == before


async def test_u_takes_the_last_edit_of_a_draft_back() -> None:
    async with opened() as pilot:
        main = app_of(pilot).main
        await lay(pilot, AddUserToGroup(iam("user/carol"), iam("group/admins")))
        await press(pilot, "u")
        await until(pilot, lambda: main.drafts.open_draft is not None and not main.drafts.open_draft.draft.edits)
        assert message(pilot).startswith("Undone: ")
