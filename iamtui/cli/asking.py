"""Asking the user on the controlling terminal, never on standard input, which may be a pipe."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from iamtui.cli.output import stderr

TERMINAL: Final = Path("/dev/tty")


def can_ask() -> bool:
    """Whether somebody is there to answer: stderr is a terminal, and this program is in its foreground."""
    if not (sys.stderr and sys.stderr.isatty()):
        return False
    try:
        terminal = os.open(TERMINAL, os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def says_yes(question: str) -> bool:
    """Ask a question; everything but "y" and "yes" is no."""
    out = stderr()
    out.line(f"{question} [y/N]")
    out.flush()
    with TERMINAL.open(encoding="utf-8", errors="replace") as terminal:
        return terminal.readline(100).strip().lower() in ("y", "yes")
