"""Copying a secret from a command: it stays in the foreground until the clipboard is cleared again."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from dataclasses import replace
from typing import Final

from iamtui.cli.output import note
from iamtui.config import load_config
from iamtui.credentials.clipboard import ClearOnExit, ClipboardLease, ClipboardOptions, copy
from iamtui.credentials.session import utc_now
from iamtui.secret import Secret

_LOOK_SECONDS: Final = 0.5


def copy_and_wait(text: Secret, what: str) -> None:
    """Copy, say by which route, and clear after the configured time, or at Ctrl+C.

    Args:
        what: names the text in the sentence ("Sign-in URL").

    Raises:
        Problem: no clipboard can be reached.
    """
    settings = load_config()[0].clipboard
    options = ClipboardOptions.from_environment(os.environ)
    options = replace(
        options,
        command=settings.command or options.command,
        local_over_ssh=settings.local_over_ssh,
        terminal=sys.stderr is not None and sys.stderr.isatty(),
        clear_after_seconds=settings.seconds,
    )
    on_exit = ClearOnExit(_write)
    on_exit.install()
    try:
        lease = copy(text, options, clock=utc_now)
        if lease.result.terminal_write is not None:
            _write(lease.result.terminal_write.reveal())
        on_exit.hold(lease)
        if lease.expires_at is None:
            note(f"{what}: {lease.result.sentence}. It stays there.")
            return
        note(f"{what}: {lease.result.sentence}. Cleared in {settings.seconds} s, or now with Ctrl+C.")
        _wait(lease)
    finally:
        result = on_exit.clear()
        if result is not None:
            note(f"{result.sentence[:1].upper()}{result.sentence[1:]}.")
        on_exit.uninstall()


def _wait(lease: ClipboardLease) -> None:
    """Wait until a copy has been on the clipboard for long enough, or Ctrl+C."""
    with suppress(KeyboardInterrupt):
        while lease.time_left(utc_now()):
            time.sleep(_LOOK_SECONDS)


def _write(sequence: str) -> None:
    """Send a control sequence to the terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write(sequence)
        sys.stderr.flush()
