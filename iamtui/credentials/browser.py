"""Opening a secret URL in the user's browser.

Browsers take the URL as an argument, which every user of the machine can read while they start: whoever asks for this
must be told. Everything before the browser keeps it off its arguments: a child reads it from standard input, and also
keeps what browsers print off the screen.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

from iamtui.problem import Problem
from iamtui.secret import Secret

START_SECONDS: Final = 10
"""A browser that has not said by then that it failed has started; some stay in the foreground."""

VISIBLE_WARNING: Final = (
    "While the browser starts, every user of this machine can read the URL in the list of processes."
)

_CHILD: Final = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.stdin.read()))"

_NO_BROWSER: Final = "Copy the URL, and paste it into a browser where there is one."


def open_in_browser(url: Secret, environ: Mapping[str, str] = os.environ) -> None:
    """Open a URL in the user's browser, and come back when it has started. Blocking, for seconds at worst.

    Raises:
        Problem: there is no desktop to open one on, or no browser.
    """
    if not _has_desktop(environ):
        raise Problem("There is no desktop here to open a browser on.", _NO_BROWSER)
    child = subprocess.Popen(  # noqa: S603 - a fixed command line
        [sys.executable, "-I", "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=dict(environ),
    )
    assert child.stdin is not None
    try:
        with child.stdin as pipe:
            pipe.write(url.reveal().encode("ascii"))
        failed = child.wait(START_SECONDS) != 0
    except subprocess.TimeoutExpired:
        return
    except BrokenPipeError:
        failed = True
    if failed:
        raise Problem("No browser could be started.", f"Set BROWSER to one. {_NO_BROWSER}")


def _has_desktop(environ: Mapping[str, str]) -> bool:
    """Whether a browser can have a window: without one the library would start a text browser over the screen."""
    if sys.platform in ("darwin", "win32"):
        return True
    return any(environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"))
