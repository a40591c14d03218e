"""A terminal may send anything: the screen does not end."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from textual.widgets import Input

from iamtui.sources.demo import load_demo_account
from iamtui.tui.widgets.inputs import LONGEST_INPUT
from iamtui.workspace.source.workspace import SourceInfo, SourceKind, Workspace
from tests.support.drafting import message
from tests.support.screen_app import make_app, press, settle
from tests.support.terminal_session import TerminalSession
from tests.support.tmux_screen import IAMTUI, LEFT, ON_SCREEN, tmux_screen

pytestmark = pytest.mark.screen


def demo() -> Workspace:
    return Workspace(load_demo_account(), SourceInfo(SourceKind.SNAPSHOT, "puffin.json", region="eu-west-1"))


NO_KEYS = (
    b"\xff",
    b"\xed\xa0\x80",
    b"\x1b[M \xc8!",
    b"\x1b[1114112u",
    b"\x1b[99999999999999999999u",
    b"\x1b[110;1:12345678901234;1114112u",
    b"\x1b[48;0;0;0;0t\x1b[<0;3;3M",
    b"\x1b[48;40;120;0;0t",
    b"\x1b[200~User: M\xfcller\x1b[201~",
)
"""Bytes that are not UTF-8, reports of keys that do not exist, a terminal with no rows and again with some, Latin-1."""


@pytest.mark.slow
def test_what_is_not_a_key_does_not_end_the_screen(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    with TerminalSession([sys.executable, "-m", "iamtui", "--demo"], environ, tmp_path) as it:
        it.until("48 users")
        for sent in NO_KEYS:
            it.type(sent)
        at = it.type(b"\x1b")
        it.type(b"?")
        it.until("Help", at)
        it.type(b"\x1b")
        it.type(b"\x11")
        assert it.wait() == 0
        assert "Traceback" not in it.text()


@pytest.mark.slow
def test_a_shell_that_takes_what_is_typed_meanwhile_does_not_stop_the_screen(tmp_path: Path) -> None:
    with tmux_screen(tmp_path, "bash --norc --noprofile") as screen:
        screen.type(f"{IAMTUI} --demo")
        screen.until("48 users")
        program = screen.child()
        os.kill(program, signal.SIGSTOP)
        screen.until("Stopped")
        screen.keys("e", "c", "h")
        screen.until("ech")
        os.kill(program, signal.SIGCONT)
        screen.keys("o", "C-u")
        # The modes are those of before, and what is typed before it has taken the terminal again is thrown away.
        screen.type("clear; echo in shell $((40+2))")
        screen.until("in shell 42")
        screen.type("fg")
        screen.until("q Quit")
        screen.until_true(lambda: screen.modes == ON_SCREEN)
        screen.keys("C-q")
        screen.until_true(lambda: screen.modes == LEFT)


async def test_a_field_refuses_a_paste_that_is_far_too_long() -> None:
    app = make_app(demo())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "s")
        field = app.focused
        assert isinstance(field, Input)
        field.replace("a" * (LONGEST_INPUT + 1), 0, 0)
        await settle(pilot)
        assert field.value == ""
        assert "4,096 characters at most" in message(pilot)
