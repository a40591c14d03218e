"""A terminal that goes away must take the screen with it, whether or not the system says so."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest

from iamtui.tui.terminal_app import TerminalDriver
from tests.support.program_on_terminal import PROGRAM, environment
from tests.support.slow import one_quick

pytestmark = pytest.mark.screen

DRAWN_SECONDS = 90.0
GONE_SECONDS = 60.0


@one_quick("hang_up", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_terminal_that_goes_without_a_signal_ends_the_screen(tmp_path: Path, hang_up: signal.Handlers) -> None:
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    # A session of its own without a controlling terminal: the system sends no SIGHUP.
    process = subprocess.Popen(
        [*PROGRAM, "--demo"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**environment(tmp_path), "TERM": "xterm-256color"},
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, hang_up),  # noqa: PLW1509 - nothing else runs in this test
    )
    os.close(terminal)
    try:
        drawn = b""
        deadline = time.monotonic() + DRAWN_SECONDS
        while b"Users" not in drawn and time.monotonic() < deadline:
            if select.select([controller], [], [], 0.5)[0]:
                drawn += os.read(controller, 65536)
        assert b"Users" in drawn
        os.close(controller)
        process.wait(GONE_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
    assert process.returncode != 0


class CountingEvent:
    """Stands for the event that ends the reading of keys: set after a number of looks, and counts the pauses."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.pauses = 0

    def is_set(self) -> bool:
        self.looks -= 1
        return self.looks < 0

    def wait(self, _seconds: float) -> None:
        self.pauses += 1


def test_reading_a_terminal_that_has_hung_up_pauses_each_time() -> None:
    controller, terminal = pty.openpty()
    os.close(controller)
    try:
        driver = TerminalDriver.__new__(TerminalDriver)
        driver.fileno = terminal
        driver.exit_event = event = CountingEvent(20)  # type: ignore[assignment]
        driver.run_input_thread()
        assert event.pauses == 20
    finally:
        os.close(terminal)
