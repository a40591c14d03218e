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
