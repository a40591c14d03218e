"""The real program in a real terminal: a sub-shell and back, and signals that end it, with the clipboard cleared."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.external_tools import need, x_server
from tests.support.slow import one_quick
from tests.support.tmux_screen import IAMTUI, LEFT, ON_SCREEN, tmux_screen

SHELLS = {"bash": "--norc --noprofile", "zsh": "-f", "fish": "--no-config"}
ALLOWED = "IAMTUI_CLIPBOARD_SECRETS_THROUGH_TERMINAL"
DEMO = f'{IAMTUI} --demo; echo "code $?"'
MARK = "mark=ops-readonly@111122223333"


def shell_without_settings(shell: str, home: Path) -> str:
    """A program that is the shell, without files of settings."""
    program = home / f"plain-{shell}"
    program.write_text(f'#!/bin/sh\nexec {shell} {SHELLS[shell]} "$@"\n')
    program.chmod(0o755)
    return str(program)


@one_quick("shell", SHELLS)
def test_a_shell_has_the_session_and_gives_the_screen_back(shell: str, tmp_path: Path) -> None:
    need(shell)
    environ = {"SHELL": shell_without_settings(shell, tmp_path), "AWS_PROFILE": "old", "IAMTUI_SESSION": "outer@1"}
    with tmux_screen(tmp_path, environ=environ) as screen:
        screen.type(DEMO)
        screen.assume("ops-readonly")
        screen.keys("!")
        # The shell's path may be long, and break the words anywhere.
        said = "".join(screen.until("Type exit").split())
        assert "withthesessionops-readonly@111122223333," in said
        assert "DEMOcredentials:theyworknowhereelse." in said
        assert "thesessionouter@1,whichthisonecovers" in said
        assert screen.modes == LEFT
        screen.type('echo "mark=$IAMTUI_SESSION profile=<$AWS_PROFILE> key=$AWS_ACCESS_KEY_ID"')
        shown = screen.until(f"{MARK} profile=<> key=ASIA")
        key = shown.split(f"{MARK} profile=<> key=")[1].split()[0]
        for line in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                assert key.encode() not in line.read_bytes()
            except OSError:
                continue
        screen.type("exit 7")
        screen.until("Back from the shell of ops-readonly@111122223333: exit code 7.")
        assert screen.modes == ON_SCREEN
        screen.keys("C-q", "y")
        screen.until("code 0")
        assert screen.modes == LEFT


@pytest.mark.slow
def test_a_shell_that_crashes_or_stops_itself_leaves_the_screen_whole(tmp_path: Path) -> None:
    with tmux_screen(tmp_path, environ={"SHELL": shell_without_settings("bash", tmp_path)}) as screen:
        screen.type(DEMO)
        screen.assume("ops-readonly")
        screen.keys("!")
        screen.until("Type exit")
        screen.type("suspend")
        screen.type("echo alive $((40+2))")
        screen.until("alive 42")
        screen.type(r"printf '\033[?25l\033[?1000h'; stty raw -echo; kill -9 $$")
        screen.until("exit code 137")
        assert screen.modes == ON_SCREEN
        screen.keys("C-q", "y")
        screen.until("code 0")
        assert screen.modes == LEFT
        screen.type("stty -a | grep -o '.icanon'")
        screen.until(" icanon")


@one_quick("in_shell", [False, True])
def test_sigterm_clears_the_clipboard_and_leaves_the_terminal_in_order(in_shell: bool, tmp_path: Path) -> None:
    with tmux_screen(tmp_path, environ={"SHELL": shell_without_settings("bash", tmp_path)}) as screen:
        screen.type(DEMO)
        screen.assume("ops-readonly")
        screen.keys("c")
        screen.until("clip 2")
        assert "AWS_SECRET_ACCESS_KEY" in screen.tmux("show-buffer", "-b", "iamtui")
        program = screen.child()
        if in_shell:
            screen.keys("!")
            screen.until("Type exit")
        os.kill(program, signal.SIGTERM)
        screen.until("code 143")
        assert screen.modes == LEFT
        assert screen.tmux("show-buffer", "-b", "iamtui") == ""


@pytest.mark.slow
@one_quick("number", [signal.SIGINT, signal.SIGQUIT])
def test_an_interruption_from_outside_leaves_the_terminal_in_order(number: signal.Signals, tmp_path: Path) -> None:
    with tmux_screen(tmp_path) as screen:
        screen.type(DEMO)
        screen.assume("ops-readonly")
        screen.keys("c")
        screen.until("clip 2")
        os.kill(screen.child(), number)
        screen.until_true(lambda: screen.modes == LEFT)
        screen.until_true(lambda: screen.tmux("show-buffer", "-b", "iamtui") == "")


@pytest.mark.slow
@one_quick("key", ["C-c", "C-\\"])
def test_a_key_that_interrupts_the_editor_leaves_the_screen_as_it_is(key: str, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    # It waits for a program of its own, as those do that open a window.
    editor.write_text("#!/bin/sh\necho opened $((40 + 2))\nexec sleep 600\n")
    editor.chmod(0o755)
    with tmux_screen(tmp_path, environ={"EDITOR": str(editor)}) as screen:
        screen.type(DEMO)
        screen.assume("ops-readonly")
        screen.keys("E")
        screen.until("opened 42")
        screen.keys(key)
        screen.until("! The editor")
        assert screen.modes == ON_SCREEN
        assert "ops-readonly" in screen.text
        screen.keys("C-q", "y")
        screen.until("code 0")
        assert screen.modes == LEFT


@pytest.mark.slow
def test_the_clipboard_is_cleared_while_a_shell_has_the_terminal(tmp_path: Path) -> None:
    environ = {"SHELL": shell_without_settings("bash", tmp_path), "IAMTUI_CLIPBOARD_SECONDS": "5"}
    with tmux_screen(tmp_path, environ=environ) as screen:
        screen.type(DEMO)
        screen.assume("ops-readonly")
        screen.keys("c", "!")
        screen.until("Type exit")
        screen.type('until [ -z "$(tmux show-buffer -b iamtui 2>/dev/null)" ]; do sleep 0.1; done; echo empty $((1+1))')
        screen.until("empty 2")


@pytest.mark.slow
def test_a_terminal_that_goes_while_a_shell_has_it_takes_the_screen_along(tmp_path: Path) -> None:
    with tmux_screen(tmp_path, environ={"SHELL": shell_without_settings("bash", tmp_path)}) as screen:
        screen.type(DEMO)
        screen.assume("ops-readonly")
        program = screen.child()
        screen.keys("!")
        screen.until("Type exit")
        screen.tmux("kill-server")
    deadline = time.monotonic() + 90
    while Path(f"/proc/{program}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    alive = Path(f"/proc/{program}").exists()
    if alive:
        os.kill(program, signal.SIGKILL)
    assert not alive


@pytest.fixture
def display() -> Iterator[str]:
    need("Xvfb", "xclip")
    with x_server() as name:
        yield name


@pytest.mark.slow
@one_quick(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_clears_the_desktops_clipboard(
    number: signal.Signals, code: int, display: str, tmp_path: Path
) -> None:
    def pasted() -> str:
        words = ["xclip", "-selection", "clipboard", "-o"]
        environ = {"PATH": os.environ["PATH"], "DISPLAY": display}
        return subprocess.run(words, env=environ, capture_output=True, text=True, timeout=60, check=False).stdout

    with tmux_screen(tmp_path, environ={"DISPLAY": display}) as screen:
        screen.type(DEMO)
        screen.assume("ops-readonly")
        screen.keys("c")
        screen.until("copied; cleared in")
        assert "AWS_SECRET_ACCESS_KEY" in pasted()
        os.kill(screen.child(), number)
        screen.until(f"code {code}")
        assert pasted() == ""
        assert screen.modes == LEFT


@pytest.mark.slow
@one_quick("inside", ["", "screen -c /dev/null sh"])
@one_quick("ending", ["quit", "signal"])
def test_a_terminals_clipboard_is_overwritten_at_the_end_also_through_gnu_screen(
    inside: str, ending: str, tmp_path: Path
) -> None:
    """tmux stands for the terminal: it takes OSC 52 into a buffer when it is told to, and passes screen's through."""
    if inside:
        need("screen")
    sockets = tmp_path / "screens"
    sockets.mkdir(mode=0o700)
    try:
        with tmux_screen(tmp_path, environ={"SCREENDIR": str(sockets), ALLOWED: "true"}) as screen:
            screen.tmux("set-option", "-s", "set-clipboard", "on")
            screen.type("unset TMUX TMUX_PANE")
            if inside:
                screen.type(inside)
                screen.type("echo in $STY")
                screen.until("in ")
            screen.type("echo shell=$$.")
            shell = screen.until_found(r"shell=(\d+)\.")
            screen.type(DEMO)
            screen.assume("ops-readonly")
            screen.keys("c")
            screen.until("copied through the terminal; a recorder")
            screen.until_true(lambda: "AWS_SECRET_ACCESS_KEY" in screen.tmux("show-buffer"))
            if ending == "quit":
                screen.keys("C-q", "y")
            else:
                os.kill(screen.child(shell), signal.SIGTERM)
            screen.until("code ")
            screen.until_true(lambda: screen.tmux("show-buffer") == " ")
    finally:
        # GNU screen lives on when its terminal goes.
        if inside:
            environ = {**os.environ, "SCREENDIR": str(sockets)}
            subprocess.run(["screen", "-X", "quit"], env=environ, capture_output=True, check=False)
