"""A Python script on a terminal of its own, and everything it writes there."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]

LIMIT_SECONDS = 90
"""A script that has not ended by then is killed; a script ends by itself."""


def run_on_terminal(script: Path, *, columns: int = 120, lines: int = 40) -> tuple[str, int]:
    """Run a script that ends by itself; returns what it wrote (undecodable bytes replaced) and its exit code."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "COLUMNS": str(columns),
        "LINES": str(lines),
    }
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(script)], stdin=terminal, stdout=terminal, stderr=terminal, env=environment, cwd=ROOT
    )
    os.close(terminal)
    output = b""
    deadline = time.monotonic() + LIMIT_SECONDS
    try:
        while time.monotonic() < deadline:
            ready, _, _ = select.select([controller], [], [], 0.5)
            if ready:
                chunk = _read(controller)
                if not chunk:
                    break
                output += chunk
            elif process.poll() is not None:
                break
    finally:
        os.close(controller)
        if process.poll() is None and time.monotonic() >= deadline:
            process.kill()
    return output.decode("utf-8", "replace"), process.wait(60)


def _read(controller: int) -> bytes:
    """What the terminal has; nothing when its other end is closed."""
    try:
        return os.read(controller, 65536)
    except OSError:
        return b""
