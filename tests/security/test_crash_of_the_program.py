"""The real program, crashed on purpose while it holds credentials: no secret leaves it, and it exits non-zero."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from iamtui import paths
from iamtui.cli.main import record_crash
from tests.support.panel_sessions import SECRET, TOKEN
from tests.support.program_on_terminal import environment, run_on_terminal
from tests.support.slow import one_quick

pytestmark = pytest.mark.screen

CODE = "314159"

START = """
import sys
from iamtui.__main__ import main
from tests.support.panel_sessions import SECRET, TOKEN, session

def explode(held):
    plain = held.secret_access_key.reveal()
    everything = {"token": held.session_token.reveal(), "session": held, "code": "314159"}
    raise RuntimeError(f"something broke: {everything} {plain!r}")
"""

SCREEN = """
import asyncio
import threading
from iamtui.tui.app import IamtuiApp
from iamtui.tui.sessions.panel import SessionsPanel
from iamtui.tui.widgets.status import StatusLine

def begin(app):
    held = session()
    panel = app.main.query_one(SessionsPanel)
    panel.add_session(held)
    app.set_timer(0.2, lambda: CRASH(app, panel, held))

def timer(app, panel, held):
    explode(held)

def handler(app, panel, held):
    panel.action_copy_exports = lambda: explode(held)
    panel.call_later(panel.action_copy_exports)

def worker(app, panel, held):
    app.run_worker(lambda: explode(held), thread=True)

def task(app, panel, held):
    async def work():
        explode(held)
    app.run_worker(work())

def drawing(app, panel, held):
    status = app.main.query_one(StatusLine)
    status.render = lambda: explode(held)
    status.refresh()

IamtuiApp.on_ready = lambda app: app.set_timer(0.5, lambda: begin(app))
sys.argv = ["iamtui", "--demo"]
main()
"""

COMMAND = """
import iamtui.cli.assume

def crash(held, name):
    secret = held.secret_access_key.reveal()
    raise KeyError(f"{SECRET} {TOKEN} 314159 {secret} {held.session_token.reveal()}")

iamtui.cli.assume.hand_over = crash
iamtui.cli.assume.assume_role = lambda workspace, entered: session()
sys.argv = ["iamtui", "assume", "ops-readonly", "--demo", "--reveal"]
main()
"""


def script(folder: Path, text: str) -> list[str]:
    file = folder / "crash.py"
    file.write_text(textwrap.dedent(text))
    return [sys.executable, str(file)]


def unbroken(text: str) -> str:
    """The text without colours, blanks and line ends: where a long path is broken depends on the machine."""
    return "".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())


def assert_no_secret(text: str) -> None:
    for secret in (SECRET, TOKEN[:40], CODE):
        assert secret not in text


def assert_none_in_files(home: Path) -> None:
    for file in home.rglob("*"):
        if file.is_file():
            assert_no_secret(file.read_bytes().decode("utf-8", "replace"))


@one_quick("kind", ["timer", "handler", "worker", "task", "drawing"])
def test_a_crash_of_the_screen(kind: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    program = script(tmp_path, START + SCREEN.replace("CRASH", kind))
    run = run_on_terminal([], program=program, home=home)
    assert "somethingbroke" in unbroken(run.text)
    assert "crash.py" in unbroken(run.text)
    assert "deploy-prod" in run.text, "no session was on screen, so nothing is proved"
    assert run.code == 2
    assert_no_secret(run.text)
    assert_none_in_files(home)


def test_a_crash_of_a_command(tmp_path: Path) -> None:
    home = tmp_path / "home"
    run = run_on_terminal([], program=script(tmp_path, START + COMMAND), home=home)
    assert "An error in iamtui itself (KeyError)" in run.text
    assert run.code == 2
    assert_no_secret(run.text)
    (log,) = home.rglob("*.log")
    assert "KeyError: " in log.read_text()
    assert_none_in_files(home)


@pytest.mark.parametrize("reader", [False, True])
def test_a_log_that_is_a_pipe_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: bool) -> None:
    monkeypatch.setattr(paths, "log_file", lambda: tmp_path / "iamtui.log")
    os.mkfifo(tmp_path / "iamtui.log")
    descriptor = os.open(tmp_path / "iamtui.log", os.O_RDONLY | os.O_NONBLOCK) if reader else None
    try:
        assert record_crash(ValueError("x")) is None
        assert descriptor is None or os.read(descriptor, 1) == b""
    finally:
        if descriptor is not None:
            os.close(descriptor)


@pytest.mark.slow
def test_what_is_typed_reaches_no_log_of_textual(tmp_path: Path) -> None:
    home = tmp_path / "home"
    log = tmp_path / "textual.log"
    wanted = {
        "TEXTUAL_LOG": str(log),
        "TEXTUAL": "debug,devtools",
        "TEXTUAL_DEBUG": "1",
        "TEXTUAL_SCREENSHOT": "0",
        "TEXTUAL_DRIVER": "no_module:None",
    }
    keys = (*(bytes([digit]) for digit in CODE.encode()), b"\x11")
    run = run_on_terminal(["--demo"], home=home, keys=keys, after=b"users", environ=wanted)
    assert run.code == 0
    assert not log.exists()
    assert not list(home.rglob("*.svg"))


def test_no_secret_in_the_words_or_the_environment_of_a_child(tmp_path: Path) -> None:
    """A clipboard command of the user's own sees the exports on stdin, and nowhere else."""
    child = tmp_path / "child.py"
    child.write_text(
        "import os, sys, pathlib\n"
        "stdin = sys.stdin.read()\n"
        "proc = pathlib.Path('/proc/self')\n"
        "seen = (proc / 'cmdline').read_bytes() + (proc / 'environ').read_bytes()\n"
        "parent = pathlib.Path(f'/proc/{os.getppid()}')\n"
        "seen += (parent / 'cmdline').read_bytes() + (parent / 'environ').read_bytes()\n"
        "pathlib.Path(sys.argv[1]).write_bytes(seen)\n"
        "pathlib.Path(sys.argv[2]).write_text(stdin)\n"
    )
    seen, stdin = tmp_path / "seen", tmp_path / "stdin"
    text = """
        from dataclasses import replace
        from datetime import UTC, datetime, timedelta
        from iamtui.credentials.clipboard import ClipboardOptions
        from iamtui.tui.clipboard import Copier

        held = replace(session(), expires_at=datetime.now(UTC) + timedelta(hours=1))
        Copier(print, ClipboardOptions(command=sys.argv[1])).copy_exports(held)
        """
    program = script(tmp_path, START + textwrap.dedent(text))
    subprocess.run(
        [*program, f"{sys.executable} {child} {seen} {stdin}"], env=environment(tmp_path), check=True, timeout=60
    )
    assert SECRET in stdin.read_text()
    assert b"crash.py" in seen.read_bytes()
    assert_no_secret(seen.read_bytes().decode("utf-8", "replace"))
