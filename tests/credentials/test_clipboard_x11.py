"""The local clipboard, under a real X server with the real xclip."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iamtui.credentials import clipboard, clipboard_child
from iamtui.credentials.clipboard import (
    ClearOnExit,
    ClearState,
    ClipboardOptions,
    LocalRoute,
    OnlyThroughTerminal,
    local_tools,
)
from iamtui.secret import Secret
from tests.support.external_tools import need, x_server
from tests.support.slow import one_quick

pytestmark = pytest.mark.screen

TEXT = "export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\nexport NAME='Zoë'\n"
NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)

ALLOWED = ClipboardOptions(secrets_through_terminal=True)


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    need("Xvfb", "xclip")
    with x_server() as name:
        yield name


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy test machine may need longer than the limit that people get."""
    monkeypatch.setattr(clipboard, "LIMIT_SECONDS", 30.0)


@pytest.fixture
def desktop(display: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a desktop, without anything of the developer's own."""
    return {"PATH": os.defpath, "HOME": str(tmp_path), "DISPLAY": display, "TERM": "xterm-256color"}


def pasted(display: str, selection: str = "clipboard") -> str:
    run = subprocess.run(
        ["xclip", "-selection", selection, "-o"],
        env={"PATH": os.environ["PATH"], "DISPLAY": display},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    return run.stdout.decode()


def put(display: str, text: str) -> None:
    subprocess.run(
        ["xclip", "-selection", "clipboard"],
        input=text.encode(),
        env={"PATH": os.environ["PATH"], "DISPLAY": display},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=True,
    )
    for _ in range(100):
        if pasted(display) == text:
            return
        time.sleep(0.05)  # xclip ends before its successor in the background has the clipboard
    pytest.fail("xclip did not take the clipboard over")


def test_a_copy_is_proved_and_cleared(desktop: Mapping[str, str], display: str) -> None:
    lease = clipboard.copy(Secret(TEXT), environ=desktop, clock=lambda: NOW)
    assert lease.place.startswith("local")
    assert lease.place == "local:xclip"
    assert lease.result.verified
    assert lease.result.sentence == "copied"
    assert lease.result.terminal_write is None
    assert lease.expires_at == NOW + timedelta(seconds=30)
    assert pasted(display) == TEXT
    assert pasted(display, "primary") == ""

    cleared = lease.clear()
    assert cleared.state is ClearState.CLEARED
    assert cleared.sentence == "clipboard cleared (xclip)"
    assert lease.cleared
    assert pasted(display) == ""


def test_text_of_somebody_else_survives(desktop: Mapping[str, str], display: str) -> None:
    lease = clipboard.copy(Secret(TEXT), environ=desktop)
    put(display, "a shopping list")
    assert lease.clear().state is ClearState.LEFT
    assert pasted(display) == "a shopping list"


def test_clearing_twice_spares_what_was_copied_in_between(desktop: Mapping[str, str], display: str) -> None:
    lease = clipboard.copy(Secret(TEXT), environ=desktop)
    lease.clear()
    put(display, TEXT)
    assert lease.clear().state is ClearState.CLEARED
    assert pasted(display) == TEXT


@one_quick("text", ["x", "a\r\nb", "\n", "日本 🚀 $(touch x) `id` \\ ' \"", "y" * 100_000])
def test_any_text_comes_back_as_it_was(text: str, desktop: Mapping[str, str], display: str) -> None:
    lease = clipboard.copy(Secret(text), environ=desktop)
    assert lease.result.verified
    assert pasted(display) == text
    assert lease.clear().state is ClearState.CLEARED


def test_xsel_takes_over_where_xclip_is_missing(
    desktop: Mapping[str, str], display: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("xsel")
    monkeypatch.setattr("iamtui.credentials.clipboard._exists", lambda tool: tool == "xsel")
    lease = clipboard.copy(Secret(TEXT), environ=desktop)
    assert lease.result.sentence == "copied"
    assert pasted(display) == TEXT
    assert lease.clear().state is ClearState.CLEARED


def test_a_fake_xclip_on_path_is_not_run(desktop: Mapping[str, str], tmp_path: Path, display: str) -> None:
    fake = tmp_path / "xclip"
    fake.write_text(f"#!/bin/sh\ncat > {tmp_path}/stolen\n")
    fake.chmod(0o755)
    (tmp_path / "pyperclip.py").write_text(f"open({str(tmp_path / 'stolen')!r}, 'w')\n")
    environ = {**desktop, "PATH": f"{tmp_path}:{desktop['PATH']}"}
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        assert clipboard.copy(Secret(TEXT), environ=environ).result.verified
    finally:
        os.chdir(before)
    assert pasted(display) == TEXT
    assert not (tmp_path / "stolen").exists()


def test_a_display_that_is_gone_is_not_claimed(desktop: Mapping[str, str]) -> None:
    """xclip ends with an error there that pyperclip ignores."""
    lease = clipboard.copy(Secret(TEXT), ALLOWED, environ={**desktop, "DISPLAY": ":9973"})
    assert lease.place.startswith("terminal")
    assert not lease.result.verified


def test_a_display_that_hangs_is_given_up(desktop: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that accepts and never answers, as a frozen forwarded display does."""
    monkeypatch.setattr(clipboard, "LIMIT_SECONDS", 2.0)
    listener = socket.socket(socket.AF_INET)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    try:
        number = listener.getsockname()[1] - 6000
        route = LocalRoute("xclip", {**desktop, "DISPLAY": f"127.0.0.1:{number}"})
        assert route.copy(Secret(TEXT)) is None
    finally:
        listener.close()
    for _ in range(100):
        left = _processes_with(f"127.0.0.1:{number}")
        if not left:
            break
        time.sleep(0.1)  # a kill takes effect when the process is scheduled next
    assert left == []


def _processes_with(display: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"DISPLAY={display}\0".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def test_over_ssh_the_local_display_is_left_alone(desktop: Mapping[str, str], display: str) -> None:
    put(display, "the desktop's own")
    ssh = {**desktop, "SSH_CONNECTION": "198.51.100.1 5 198.51.100.2 22"}
    with pytest.raises(OnlyThroughTerminal):
        clipboard.copy(Secret(TEXT), environ=ssh)
    assert pasted(display) == "the desktop's own"
    asked = clipboard.copy(Secret(TEXT), ClipboardOptions(local_over_ssh=True), environ=ssh)
    assert asked.place.startswith("local")
    assert pasted(display) == TEXT


def test_the_text_is_in_no_argv_while_copying(desktop: Mapping[str, str]) -> None:
    marker = "b3JzZQ+marker+of+the+secret/0815"
    seen: list[bytes] = []
    done = threading.Event()
    scans = 0

    def scan() -> None:
        nonlocal scans
        while not done.is_set():
            scans += 1
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = path.read_bytes()
                except OSError:
                    continue
                if marker.encode() in line:
                    seen.append(line)
            done.wait(0.005)

    scanner = threading.Thread(target=scan)
    scanner.start()
    try:
        for _ in range(3):
            lease = clipboard.copy(Secret(f"export AWS_SESSION_TOKEN={marker}\n"), environ=desktop)
            assert lease.result.verified
            lease.clear()
    finally:
        done.set()
        scanner.join()
    assert scans > 3
    assert seen == []


def test_the_tools_get_no_credentials_in_their_environment(
    desktop: Mapping[str, str], display: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "long-term-secret-of-the-parent")
    environ = {**desktop, "AWS_SECRET_ACCESS_KEY": "long-term-secret-of-the-parent"}
    assert clipboard.copy(Secret(TEXT), environ=environ).result.verified
    serving = _processes_with(display)
    assert serving, "xclip stays to serve the selection"
    for number in serving:
        assert b"long-term-secret" not in Path(f"/proc/{number}/environ").read_bytes()


def test_klipper_is_never_used() -> None:
    assert "klipper" not in local_tools({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"})
    assert clipboard_child._child("copy", "klipper", b"secret") == clipboard.ChildCode.UNUSABLE


HOLDER = """
import os, signal, sys, time
from iamtui.credentials import clipboard, clipboard_child
from iamtui.secret import Secret
clipboard.LIMIT_SECONDS = 30
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have it ignored, which is heeded
guard = clipboard.ClearOnExit()
guard.install()
guard.hold(clipboard.copy(Secret(sys.stdin.read()), environ=os.environ))
print("held", flush=True)
if sys.argv[1] == "wait":
    time.sleep(60)
elif sys.argv[1] == "raise":
    raise RuntimeError("as an app that crashes")
"""


def holder(desktop: Mapping[str, str], how: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, how],
        env={**desktop, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(TEXT)
    process.stdin.close()
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_clears_and_still_ends_the_process(
    number: signal.Signals, desktop: Mapping[str, str], display: str
) -> None:
    process = holder(desktop, "wait")
    assert pasted(display) == TEXT
    process.send_signal(number)
    assert process.wait(60) == -number
    assert pasted(display) == ""


@pytest.mark.parametrize(("how", "code"), [("end", 0), ("raise", 1)])
def test_an_exit_clears(how: str, code: int, desktop: Mapping[str, str], display: str) -> None:
    assert holder(desktop, how).wait(60) == code
    assert pasted(display) == ""


def test_an_exit_spares_what_the_user_copied_since(desktop: Mapping[str, str], display: str) -> None:
    process = holder(desktop, "wait")
    put(display, "newer")
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    assert pasted(display) == "newer"


@pytest.mark.slow
def test_the_guard_clears_the_place_that_a_copy_elsewhere_leaves_behind(
    desktop: Mapping[str, str], display: str
) -> None:
    guard = ClearOnExit()
    guard.hold(clipboard.copy(Secret(TEXT), environ=desktop))
    guard.hold(clipboard.copy(Secret("second"), environ=desktop))
    assert pasted(display) == "second"
    guard.hold(clipboard.copy(Secret("third"), ALLOWED, environ={**desktop, "DISPLAY": ""}))
    assert pasted(display) == ""
