"""Copying from the screen: exports, single fields and ARNs to the clipboard, secrets taken back after a while."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from msgspec import structs
from textual.app import App

from iamtui.credentials.clipboard import ClearOnExit, ClipboardLease, ClipboardOptions, copy
from iamtui.credentials.export import find_format, hand_over, users_format
from iamtui.credentials.session import Clock, Session, utc_now
from iamtui.problem import Problem
from iamtui.secret import Secret
from iamtui.text import safe_text


class Copier:
    """One clipboard for the whole screen. What copies or clears blocks, and says by which route; call it in a thread.

    Args:
        write: writes a control sequence to the terminal, for terminals that keep the clipboard (OSC 52).
        options: how to copy; None: as the environment says.
        export_format: the format of the user's settings; "" for that of the user's shell.
        clock: the local time.
        monotonic: seconds that no change of the clock moves.
        copy_secret: what copies; takes the text and the options.
        on_signal: what is done between clearing the clipboard and ending by SIGTERM or SIGHUP; None: nothing.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        options: ClipboardOptions | None = None,
        *,
        export_format: str = "",
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        copy_secret: Callable[[Secret, ClipboardOptions], ClipboardLease] = copy,
        on_signal: Callable[[int], object] | None = None,
    ) -> None:
        self._options = options or ClipboardOptions.from_environment(os.environ)
        self._format = export_format
        self._clock = clock
        self._monotonic = monotonic
        self._copy_secret = copy_secret
        self._on_exit = ClearOnExit(write, on_signal)
        self._end = 0.0

    def install(self) -> None:
        """Clear at the end of the process, too. Call it in the main thread."""
        self._on_exit.install()

    def copy_exports(self, session: Session, name: str = "") -> str:
        """Copy a session in a format, to be cleared later; returns by which route and when.

        Raises:
            Problem: the session cannot be exported, or no clipboard can be reached.
        """
        chosen = find_format(name or self.format_name())
        text = hand_over(session, chosen.name, for_paste=True, now=self._clock())
        demo = "DEMO " if session.demo and chosen.secret else ""
        return self._said(f"{demo}{chosen.label}", self._put(text, secret=chosen.secret))

    def format_name(self) -> str:
        """The format of the user's settings, or of the user's shell.

        Raises:
            Problem: the settings name no format.
        """
        return users_format(self._format, os.environ)

    def copy_secret(self, text: Secret, what: str) -> str:
        """Copy a secret text, to be cleared later; returns by which route and when.

        Raises:
            Problem: no clipboard can be reached.
        """
        return self._said(what, self._put(text, secret=True))

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
        return self._said(what, self._put(Secret(text), secret=False))

    def copy_document(self, text: str, what: str) -> str:
        """Copy a text of several lines that is no secret, such as a script; it is not cleared.

        Raises:
            Problem: no clipboard can be reached, or the text holds what a terminal obeys or hides.
        """
        if any(safe_text(row, limit=None) != row for row in text.split("\n")):
            raise Problem(
                f"The {what} holds characters that a terminal obeys or hides, so it was not copied.",
                "Write it to a file instead.",
            )
        return self._said(what, self._put(Secret(text), secret=False))

    def time_left(self) -> timedelta | None:
        """How long a copied secret stays on the clipboard (zero: clear it); None when there is none.

        A clock that is set back prolongs nothing, and the time that the machine sleeps counts.
        """
        lease = self._on_exit.lease
        left = lease.time_left(self._clock()) if lease is not None else None
        return None if left is None else min(left, timedelta(seconds=max(0.0, self._end - self._monotonic())))

    def clear_now(self) -> str:
        """Take the copied secret back; returns what became of it, or "" when there was nothing to clear."""
        result = self._on_exit.clear()
        return result.sentence if result is not None else ""

    def _put(self, text: Secret, *, secret: bool) -> ClipboardLease:
        options = self._options if secret else structs.replace(self._options, clear_after_seconds=0, secret=False)
        lease = self._on_exit.copy(partial(self._copy_secret, text, options))
        if lease.expires_at is not None:
            self._end = self._monotonic() + options.clear_after_seconds
        return lease

    def _said(self, what: str, lease: ClipboardLease) -> str:
        left = lease.time_left(self._clock())
        if left is None:
            return f"{what} {lease.result.sentence}."
        seconds = round(left.total_seconds())
        how = f"cleared in {seconds} s" if lease.result.verified else f"to be overwritten in {seconds} s"
        return f"{what} {lease.result.sentence}; {how}."


def copier_of(app: App[Any]) -> Copier:
    copier: Copier = app.copier  # type: ignore[attr-defined] # every app of ours has one: TerminalApp
    return copier
