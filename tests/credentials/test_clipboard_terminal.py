"""The clipboard through tmux and the terminal, and the user's own command."""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyperclip
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.credentials import clipboard, clipboard_child
from iamtui.credentials.clipboard import (
    SCREEN_CHUNK,
    ClearOnExit,
    ClearState,
    ClipboardLease,
    ClipboardOptions,
    CopyResult,
    LocalRoute,
    OnlyThroughTerminal,
    TerminalRoute,
    _exists,
    fingerprint_of,
    local_tools,
    osc52,
)
from iamtui.problem import Problem
from iamtui.secret import Secret
from tests.support.external_tools import Tmux, need, tmux_server

pytestmark = pytest.mark.screen

TEXT = "export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\nexport NAME='Zoë'\n"
NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
PLAIN = {"PATH": os.defpath, "TERM": "xterm-256color"}
ALLOWED = ClipboardOptions(secrets_through_terminal=True)
"""What lets a secret go through the terminal's stream."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy test machine may need longer than the limit that people get."""
    monkeypatch.setattr(clipboard, "LIMIT_SECONDS", 30.0)


@pytest.fixture(params=["", "set -s set-clipboard off"], ids=["default", "off"])
def tmux(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tmux]:
    need("tmux")
    with tmux_server(tmp_path, request.param) as server:
        yield server


def osc(text: str) -> bytes:
    return b"\x1b]52;c;" + base64.b64encode(text.encode()) + b"\x07"


def test_tmux_holds_the_text_and_passes_it_on(tmux: Tmux) -> None:
    lease = clipboard.copy(Secret(TEXT), ALLOWED, environ=tmux.environ)
    assert lease.place.startswith("tmux")
    assert lease.result.verified
    assert lease.result.sentence == "copied through the terminal; a recorder of this session has it too"
    assert lease.result.terminal_write is None
    assert tmux.buffer("iamtui") == TEXT
    payload = base64.b64encode(TEXT.encode())
    assert payload in tmux.outer_bytes(until=payload)


def test_clearing_deletes_the_buffer_and_overwrites_the_terminals_clipboard(tmux: Tmux) -> None:
    lease = clipboard.copy(Secret(TEXT), ALLOWED, environ=tmux.environ)
    payload = base64.b64encode(TEXT.encode())
    tmux.outer_bytes(until=payload)
    cleared = lease.clear()
    assert cleared.state is ClearState.CLEARED
    assert "not confirmed there" in cleared.sentence
    assert tmux.buffer("iamtui") is None
    space = b";" + base64.b64encode(b" ")
    assert space in tmux.outer_bytes(until=space)


def test_a_secret_stays_in_tmux(tmux: Tmux) -> None:
    lease = clipboard.copy(Secret(TEXT), environ=tmux.environ)
    assert lease.result.sentence == "copied inside tmux only: tmux paste-buffer -b iamtui, or prefix ="
    assert tmux.buffer("iamtui") == TEXT
    assert lease.clear().state is ClearState.CLEARED
    assert tmux.buffer("iamtui") is None
    # What is no secret is sent on, and comes after all that tmux has written before.
    clipboard.copy(Secret("arn:x"), ClipboardOptions(secret=False), environ=tmux.environ)
    written = tmux.outer_bytes(until=base64.b64encode(b"arn:x"))
    assert base64.b64encode(TEXT.encode()) not in written
    assert written.count(b"\x1b]52;") == 1


@pytest.mark.parametrize("more", [{}, {"SSH_TTY": "/dev/pts/7", "SSH_CONNECTION": "192.0.2.1 5 192.0.2.2 22"}])
def test_a_secret_is_not_written_into_the_terminals_stream(more: dict[str, str]) -> None:
    with pytest.raises(OnlyThroughTerminal, match=r"recorder .* would keep the secret") as problem:
        clipboard.copy(Secret(TEXT), environ={**PLAIN, **more})
    assert "clipboard.secrets_through_terminal" in problem.value.next_step
    plain = clipboard.copy(Secret("arn:x"), ClipboardOptions(secret=False), environ={**PLAIN, **more})
    assert plain.result.sentence == "copied through the terminal"


def test_another_text_in_the_buffer_survives(tmux: Tmux, tmp_path: Path) -> None:
    lease = clipboard.copy(Secret(TEXT), ALLOWED, environ=tmux.environ)
    tmux.run("set-buffer", "-b", "iamtui", "copied by another window")
    assert lease.clear().state is ClearState.LEFT
    assert tmux.buffer("iamtui") == "copied by another window"


def test_a_tmux_server_that_is_gone_is_not_claimed() -> None:
    environ = {**PLAIN, "TMUX": "/nonexistent/socket,1,0"}
    assert clipboard.copy(Secret(TEXT), ALLOWED, environ=environ).place.startswith("terminal")


def test_the_terminal_is_the_last_way_and_claims_nothing() -> None:
    lease = clipboard.copy(Secret(TEXT), ALLOWED, environ=PLAIN, clock=lambda: NOW)
    assert lease.place.startswith("terminal")
    assert not lease.result.verified
    assert lease.result.sentence == "copied through the terminal; a recorder of this session has it too"
    assert lease.result.terminal_write is not None
    assert lease.result.terminal_write.reveal().encode() == osc(TEXT)
    assert lease.expires_at == NOW + timedelta(seconds=30)

    cleared = lease.clear()
    assert cleared.state is ClearState.SENT
    assert "unverified" in cleared.sentence
    assert cleared.terminal_write is not None
    assert cleared.terminal_write.reveal().encode() == osc(" ")
    assert lease.clear().terminal_write is None, "overwritten once only"


def test_a_copy_that_cannot_be_proved_is_not_left_on_the_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[str] = []
    monkeypatch.setattr(pyperclip, "set_clipboard", lambda _tool: None)
    monkeypatch.setattr(pyperclip, "copy", held.append)
    monkeypatch.setattr(pyperclip, "paste", lambda: "something else")
    monkeypatch.setattr(clipboard_child, "_soon", lambda holds: holds())
    assert clipboard_child._child("copy", "xclip", TEXT.encode()) == clipboard.ChildCode.NOT_PROVED
    assert held == [TEXT, ""]


INTERRUPTED = """
import os
from iamtui.cli.console import _copy_and_wait
from iamtui.secret import Secret
try:
    _copy_and_wait(Secret("the address"))
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_comes_while_a_command_copies_clears_all_the_same(number: signal.Signals, tmp_path: Path) -> None:
    held, first = tmp_path / "clipboard", tmp_path / "first"
    command = tmp_path / "copier"
    command.write_text(f"#!/bin/sh\ncat > {held}\n[ -e {first} ] || kill -{number} $PPID\ntouch {first}\n")
    command.chmod(0o755)
    environ = {**os.environ, "IAMTUI_CLIPBOARD_CMD": str(command), "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    assert first.exists(), done.stderr
    assert held.read_text() == " ", "overwritten"
    assert done.returncode == (0 if number == signal.SIGINT else -number)
    assert done.stdout == ("interrupted\n" if number == signal.SIGINT else "")


def undo_screen(text: str) -> tuple[list[str], str]:
    """What GNU screen passes on: the content of every DCS, in order."""
    pieces = re.findall(r"\x1bP(.*?)\x1b\\", text, re.DOTALL)
    assert "".join(f"\x1bP{piece}\x1b\\" for piece in pieces) == text
    return pieces, "".join(pieces)


@given(st.text(max_size=2000))
def test_gnu_screen_gets_it_in_pieces_it_does_not_drop(text: str) -> None:
    pieces, whole = undo_screen(osc52(Secret(text), in_screen=True).reveal())
    assert all(len(piece) <= SCREEN_CHUNK for piece in pieces)
    assert whole.encode() == osc(text)


def test_gnu_screen_is_noticed() -> None:
    lease = clipboard.copy(Secret(TEXT), ALLOWED, environ={**PLAIN, "STY": "4711.pts-1.host", "TERM": "screen"})
    assert lease.result.terminal_write is not None
    assert undo_screen(lease.result.terminal_write.reveal())[1].encode() == osc(TEXT)


@pytest.mark.parametrize(
    ("environ", "options"),
    [
        ({**PLAIN, "TERM": "dumb"}, ClipboardOptions()),
        ({**PLAIN, "TERM": "linux"}, ClipboardOptions()),
        ({"PATH": os.defpath}, ClipboardOptions()),
        (PLAIN, ClipboardOptions(terminal=False)),
    ],
)
def test_where_nothing_works_that_is_said(environ: dict[str, str], options: ClipboardOptions) -> None:
    with pytest.raises(Problem) as problem:
        clipboard.copy(Secret(TEXT), options, environ=environ)
    assert problem.value.sentence.startswith("No clipboard can be reached from here")
    assert "IAMTUI_CLIPBOARD_CMD" in problem.value.next_step


def test_the_users_own_command_comes_first_and_finds_the_users_path(tmp_path: Path) -> None:
    tool = tmp_path / "myclip"
    tool.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/args\ncat > {tmp_path}/text\n')
    tool.chmod(0o755)
    environ = {**PLAIN, "PATH": f"{tmp_path}:{os.defpath}", "IAMTUI_CLIPBOARD_CMD": "myclip --to 'the board'"}
    lease = clipboard.copy(Secret(TEXT), environ=environ)
    assert lease.place.startswith("command")
    assert not lease.result.verified
    assert lease.result.sentence == "given to your clipboard command myclip"
    assert (tmp_path / "args").read_text() == "--to\nthe board\n"
    assert (tmp_path / "text").read_text() == TEXT
    assert lease.clear().state is ClearState.SENT
    assert (tmp_path / "text").read_text() == " "


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("false", "false failed (exit code 1), so nothing was copied"),
        ("no-such-command-anywhere", "could not be run"),
        ("sleep 30", "did not end within two seconds"),
        ("it's", "cannot be read"),
        ("  ", "is empty"),
    ],
)
def test_a_command_that_does_not_work_is_an_error_and_not_silently_another_way(
    command: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if command.startswith("sleep"):
        monkeypatch.setattr(clipboard, "LIMIT_SECONDS", 0.2)
    with pytest.raises(Problem) as problem:
        clipboard.copy(Secret(TEXT), ClipboardOptions(command=command), environ=PLAIN)
    assert said in problem.value.sentence
    assert "IAMTUI_CLIPBOARD_CMD" in problem.value.next_step


def test_a_long_text_reaches_a_command_that_begins_late(tmp_path: Path) -> None:
    """More than a pipe holds, and read only after the first look at whether the command has ended."""
    text = "y" * 200_000
    tool = tmp_path / "late"
    tool.write_text(f"#!/bin/sh\nsleep 0.3\ncat > {tmp_path}/text\n")
    tool.chmod(0o755)
    clipboard.copy(Secret(text), ClipboardOptions(command=str(tool)), environ=PLAIN)
    assert (tmp_path / "text").read_text() == text


def test_a_command_that_ignores_its_input_is_no_crash() -> None:
    lease = clipboard.copy(Secret("x" * 1_000_000), ClipboardOptions(command="true"), environ=PLAIN)
    assert not lease.result.verified


def test_clearing_is_never_claimed_when_the_command_fails_then(tmp_path: Path) -> None:
    flag = tmp_path / "works"
    flag.touch()
    command = f"test -e {flag}"
    lease = clipboard.copy(Secret(TEXT), ClipboardOptions(command=command), environ=PLAIN)
    flag.unlink()
    assert lease.clear().state is ClearState.FAILED
    assert not lease.cleared
    flag.touch()
    assert lease.clear().state is ClearState.SENT


def test_a_lease_counts_down_and_can_be_endless() -> None:
    lease = clipboard.copy(
        Secret(TEXT),
        ClipboardOptions(secrets_through_terminal=True, clear_after_seconds=45),
        environ=PLAIN,
        clock=lambda: NOW,
    )
    assert lease.time_left(NOW + timedelta(seconds=15)) == timedelta(seconds=30)
    assert lease.time_left(NOW + timedelta(seconds=50)) == timedelta()
    lease.clear()
    assert lease.time_left(NOW) is None
    endless = clipboard.copy(
        Secret(TEXT),
        ClipboardOptions(secrets_through_terminal=True, clear_after_seconds=0),
        environ=PLAIN,
        clock=lambda: NOW,
    )
    assert endless.expires_at is None
    assert endless.time_left(NOW) is None


def test_a_lease_keeps_no_text() -> None:
    """Only the result of a terminal copy holds it, for being written, and that is a Secret."""
    lease = ClipboardLease(TerminalRoute(PLAIN), fingerprint_of(TEXT.encode()), CopyResult(False, "sent"), None)
    assert "wJalr" not in repr(vars(lease))
    sent = clipboard.copy(Secret(TEXT), ALLOWED, environ=PLAIN)
    assert base64.b64encode(TEXT.encode()).decode()[:20] not in repr(sent.result)


def test_the_guard_overwrites_through_the_terminal() -> None:
    written: list[str] = []
    guard = ClearOnExit(written.append)
    assert guard.clear() is None
    guard.hold(clipboard.copy(Secret(TEXT), ALLOWED, environ=PLAIN))
    result = guard.clear()
    assert result is not None
    assert result.state is ClearState.SENT
    assert written == [osc(" ").decode()]
    assert guard.clear() is None
    assert len(written) == 1


def test_the_guard_says_when_the_terminal_is_gone() -> None:
    def gone(_text: str) -> None:
        raise OSError(5, "Input/output error")

    guard = ClearOnExit(gone)
    guard.hold(clipboard.copy(Secret(TEXT), ALLOWED, environ=PLAIN))
    result = guard.clear()
    assert result is not None
    assert result.state is ClearState.FAILED


def test_the_guard_leaves_what_was_copied_without_an_end() -> None:
    written: list[str] = []
    guard = ClearOnExit(written.append)
    guard.hold(
        clipboard.copy(
            Secret("arn:aws:iam::123456789012:role/x"),
            ClipboardOptions(secrets_through_terminal=True, clear_after_seconds=0),
            environ=PLAIN,
        )
    )
    assert guard.clear() is None
    assert written == []


def test_the_guard_puts_signal_handlers_back() -> None:
    before = [signal.getsignal(number) for number in ClearOnExit.SIGNALS]
    guard = ClearOnExit()
    guard.install()
    assert [signal.getsignal(number) for number in ClearOnExit.SIGNALS] != before
    guard.uninstall()
    assert [signal.getsignal(number) for number in ClearOnExit.SIGNALS] == before


ENDING = """
import signal, sys, threading, time
from iamtui.credentials import clipboard
from iamtui.secret import Secret
lock = threading.Lock()
def write(text):
    with lock:
        print(ascii(text), flush=True)
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)  # whoever runs the tests may have it ignored, which is heeded
guard = clipboard.ClearOnExit(write, then=lambda number: write(f"then {number}"))
guard.install()
options = clipboard.ClipboardOptions(secrets_through_terminal=True)
guard.hold(clipboard.copy(Secret("text"), options, environ={"TERM": "xterm"}))
with lock:
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    time.sleep(0.5)  # the signal comes while a lock is held that the way out needs
while True:
    time.sleep(0.1)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_clears_then_does_what_the_app_asks_for_then_ends_whatever_it_interrupts(
    number: signal.Signals,
) -> None:
    with subprocess.Popen([sys.executable, "-c", ENDING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        said = process.stdout.read()
        assert process.wait(60) == -number
    assert said == f"{osc(' ').decode()!a}\n'then {number}'\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the order of Linux desktops")
def test_wayland_comes_before_x11_and_klipper_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iamtui.credentials.clipboard._exists", lambda tool: True)
    monkeypatch.setattr("iamtui.credentials.clipboard._is_wsl", lambda: False)
    assert local_tools({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}) == ("wl-clipboard", "xclip", "xsel")
    assert local_tools({"DISPLAY": ":0"}) == ("xclip", "xsel")
    assert local_tools({}) == ()
    monkeypatch.setattr("iamtui.credentials.clipboard._is_wsl", lambda: True)
    assert local_tools({}) == ("wsl",)


def test_tools_are_looked_for_on_the_fixed_path_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "wl-copy-of-mine"
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not _exists("wl-copy-of-mine")
    assert _exists("sh")


def test_fingerprints_ignore_only_the_kind_of_line_end() -> None:
    assert fingerprint_of(b"a\r\nb\r\n") == fingerprint_of(b"a\nb\n")
    assert fingerprint_of(b"a\nb\n") != fingerprint_of(b"a\nb")
    assert fingerprint_of(b" a") != fingerprint_of(b"a")


@pytest.fixture
def wayland(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for wl-copy and wl-paste, which keep the text and the options in files."""
    scripts = {
        "wl-copy": '[ -e old ] && [ "$1" = --sensitive ] && exit 1; echo "$@" > options; cat > text',
        "wl-paste": "cat text",
    }
    for name, script in scripts.items():
        (tmp_path / name).write_text(f"#!/bin/sh\ncd {tmp_path}\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    return tmp_path


@pytest.mark.parametrize(
    ("knows", "action", "options"),
    [(True, "copy-secret", "--sensitive"), (True, "copy", ""), (False, "copy-secret", "")],
)
def test_wl_copy_is_told_of_secrets_where_it_understands_that(
    wayland: Path, knows: bool, action: str, options: str
) -> None:
    if not knows:
        (wayland / "old").touch()
    assert clipboard_child._child(action, "wl-clipboard", TEXT.encode()) == clipboard.ChildCode.DONE
    assert (wayland / "options").read_text().strip() == options
    assert (wayland / "text").read_text() == TEXT


def test_secrets_alone_are_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[str]] = []

    def run(words: list[str], *_more: object) -> int:
        given.append(words)
        return clipboard.ChildCode.DONE

    monkeypatch.setattr(clipboard, "_run", run)
    result = LocalRoute("wl-clipboard", PLAIN, secret=True).copy(Secret(TEXT))
    assert result is not None
    assert result.sentence == "copied"
    assert given[0][-2:] == ["copy-secret", "wl-clipboard"]
    LocalRoute("wl-clipboard", PLAIN).copy(Secret("arn:x"))
    assert given[1][-2:] == ["copy", "wl-clipboard"]


def test_the_end_waits_for_a_copy_that_is_being_made() -> None:
    """The text is on the clipboard before the lease is known: an end in between must still clear it."""
    written: list[str] = []
    guard = ClearOnExit(written.append)
    copying, go_on = threading.Event(), threading.Event()

    def make() -> ClipboardLease:
        lease = clipboard.copy(Secret(TEXT), ALLOWED, environ=PLAIN)
        copying.set()
        assert go_on.wait(60)
        return lease

    thread = threading.Thread(target=guard.copy, args=(make,))
    thread.start()
    assert copying.wait(60)
    threading.Timer(0.1, go_on.set).start()
    result = guard.clear()
    thread.join(60)
    assert result is not None
    assert result.state is ClearState.SENT
    assert written == [osc(TEXT).decode(), osc(" ").decode()]
