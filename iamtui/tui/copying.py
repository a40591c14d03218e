"""Copying from the screen: exports and ARNs to the clipboard, secrets taken back after a while."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import Final

from iamtui.credentials.clipboard import ClearOnExit, ClipboardLease, ClipboardOptions, copy
from iamtui.credentials.session import Clock, Session, utc_now
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import safe_text

EXPORT_FORMAT: Final = "bash"


class ClipboardCopier:
    """One clipboard for the whole screen. Copying and clearing block for up to seconds: call them in a thread.

    Args:
        write: writes a control sequence to the terminal, for terminals that keep the clipboard (OSC 52).
        options: how to copy; None: as the environment says.
        clock: the local time.
        copy_secret: what copies; takes the text and the options.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        options: ClipboardOptions | None = None,
        *,
        clock: Clock = utc_now,
        copy_secret: Callable[[Secret, ClipboardOptions], ClipboardLease] = copy,
    ) -> None:
        self._write = write
        self._options = options or ClipboardOptions.from_environment(os.environ)
        self._clock = clock
        self._copy_secret = copy_secret
        self._on_exit = ClearOnExit(write)
        self._lock = Lock()

    def install(self) -> None:
        """Clear at the end of the process, too. Call it in the main thread."""
        self._on_exit.install()

    def copy_exports(self, session: Session) -> str:
        """Copy the export lines of a session, to be cleared later; returns by which route and when.

        Raises:
            Problem: the session cannot be exported, or no clipboard can be reached.
        """
        from iamtui.credentials.formats import hand_over  # noqa: PLC0415 - not before the first frame

        lease = self._put(hand_over(session, EXPORT_FORMAT, for_paste=True, now=self._clock()), self._options)
        label = "DEMO export lines" if session.demo else "Export lines"
        return f"{label}{self._until(lease)}: {lease.result.sentence}."

    def copy_text(self, text: str, what: str) -> str:
        """Copy a text of one line that is no secret; it is not cleared. `what` names it in the sentence returned.

        Raises:
            Problem: no clipboard can be reached, or the text would do something where it is pasted: a line end runs
                it in a shell.
        """
        if safe_text(text, limit=None) != text:
            raise Problem(
                f"The {what} holds line ends, or characters that a terminal obeys or hides, so it was not copied.",
                "No name that AWS gives has such characters: check where this account comes from.",
            )
        lease = self._put(Secret(text), replace(self._options, clear_after_seconds=0))
        return f"{what} {lease.result.sentence}."

    def copy_document(self, text: str, what: str) -> str:
        """Copy a text of several lines that is no secret, such as a script the user asked for; it is not cleared.

        Raises:
            Problem: no clipboard can be reached, or the text holds what a terminal obeys or hides.
        """
        if any(safe_text(row, limit=None) != row for row in text.split("\n")):
            raise Problem(
                f"The {what} holds characters that a terminal obeys or hides, so it was not copied.",
                "Write it to a file instead.",
            )
        lease = self._put(Secret(text), replace(self._options, clear_after_seconds=0))
        return f"{what} {lease.result.sentence}."

    def due(self) -> bool:
        """Whether a copied secret has been on the clipboard for long enough."""
        lease = self._on_exit.lease
        left = lease.time_left(self._clock()) if lease is not None else None
        return left is not None and not left

    def clear(self) -> str:
        """Take the copied secret back; returns what became of it, or "" when there was nothing to clear."""
        with self._lock:
            result = self._on_exit.clear()
        return result.sentence if result is not None else ""

    def _put(self, text: Secret, options: ClipboardOptions) -> ClipboardLease:
        with self._lock:
            lease = self._copy_secret(text, options)
            if lease.result.terminal_write is not None:
                self._write(lease.result.terminal_write.reveal())
            self._on_exit.hold(lease)
        return lease

    def _until(self, lease: ClipboardLease) -> str:
        left = lease.time_left(self._clock())
        return f" (cleared in {round(left.total_seconds())} s)" if left is not None else ""
