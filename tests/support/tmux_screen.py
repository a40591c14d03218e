"""A program in a private tmux: keys as a person types them, and the screen as a person sees it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.external_tools import need
from tests.support.program_on_terminal import ROOT, environment

IAMTUI = f"{shlex.quote(sys.executable)} -m iamtui"
"""The program, for a command line."""

LIMIT_SECONDS = 90.0


class TmuxScreen:
    """One window of a tmux server of its own."""

    def __init__(self, start: list[str], environ: Mapping[str, str]) -> None:
        self._start = start
        self._environ = environ

    def tmux(self, *words: str) -> str:
        """Run a tmux command; returns what it prints."""
        done = subprocess.run(
            [*self._start, *words], env=dict(self._environ), capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout

    def keys(self, *names: str) -> None:
        """Press keys by tmux's names."""
        self.tmux("send-keys", *names)

    def type(self, text: str) -> None:
        """Type a text and Enter."""
        self.tmux("send-keys", "-l", text)
        self.keys("Enter")

    @property
    def text(self) -> str:
        """What is on the screen."""
        return self.tmux("capture-pane", "-p")

    def until(self, words: str) -> str:
        """Wait until words are on the screen; returns the screen."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while words not in (shown := self.text):
            assert time.monotonic() < deadline, f"{words!r} does not come:\n{shown}"
            time.sleep(0.05)
        return shown

    def until_found(self, pattern: str) -> str:
        """Wait until a pattern is on the screen; returns its first group."""
        found: list[str] = []
        self.until_true(lambda: bool(found.extend(re.findall(pattern, self.text)) or found))
        return found[0]

    def until_true(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"it does not come to hold:\n{self.text}"
            time.sleep(0.05)

    def gone(self, words: str) -> None:
        """Wait until words are no longer on the screen."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while words in (shown := self.text):
            assert time.monotonic() < deadline, f"{words!r} stays:\n{shown}"
            time.sleep(0.05)

    def assume(self, role: str) -> None:
        """On the demo account: go to a role, assume it, and wait until it is held."""
        self.until("puffin-prod")
        self.keys("/")
        self.type(role)
        self.until(f"{role}  role")
        self.keys("a")
        self.until("[+] yes")
        self.keys("Enter")
        self.until("You are")

    @property
    def modes(self) -> tuple[bool, bool, bool]:
        """Whether the alternate screen is shown, the mouse is reported, and the cursor can be seen."""
        shown = self.tmux("display-message", "-p", "#{alternate_on} #{mouse_any_flag} #{cursor_flag}").split()
        alternate, mouse, cursor = (flag == "1" for flag in shown)
        return alternate, mouse, cursor

    def child(self, shell: str = "") -> int:
        """The process that a shell runs (its process number; the window's own when none is given)."""
        shell = shell or self.tmux("display-message", "-p", "#{pane_pid}").strip()
        found = subprocess.run(["pgrep", "-P", shell], capture_output=True, text=True, check=True).stdout.split()
        return int(found[0])


LEFT = (False, False, True)
"""The modes of a terminal that a full screen has left in order."""

ON_SCREEN = (True, True, False)


@contextmanager
def tmux_screen(
    home: Path, shell: str = "sh", *, columns: int = 80, rows: int = 24, environ: Mapping[str, str] | None = None
) -> Iterator[TmuxScreen]:
    """A shell in a window of its own, without settings of the user's.

    Args:
        home: the home folder; config, data, state and cache lie in it.
        shell: the command line of the shell.
        environ: more variables.
    """
    need("tmux", "pgrep", shell.split(maxsplit=1)[0])
    (home / "tmux.conf").write_text("set -g default-terminal tmux-256color\n")
    base = environment(home)
    kept = {name: base[name] for name in base if not name.startswith(("TMUX", "SSH_", "IAMTUI_", "DISPLAY", "WAYLAND"))}
    kept |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), "PS1": "$ ", **(environ or {})}
    # Not in `home`: the path of a socket has a limit of about a hundred characters.
    with tempfile.TemporaryDirectory(prefix="tmux-") as short:
        screen = TmuxScreen(["tmux", "-S", str(Path(short) / "s"), "-f", str(home / "tmux.conf")], kept)
        try:
            size = ("-x", str(columns), "-y", str(rows))
            screen.tmux("new-session", "-d", *size, "-c", os.fspath(ROOT), shell)
            yield screen
        finally:
            screen.tmux("kill-server")
