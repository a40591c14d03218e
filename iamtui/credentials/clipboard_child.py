"""Child process that uses pyperclip: python -m iamtui.credentials.clipboard_child copy|copy-secret|clear TOOL.

pyperclip's tools inherit standard error, which must not be the screen, and can hang.
"""

from __future__ import annotations

import hmac
import subprocess
import sys
import time
from collections.abc import Callable

import pyperclip

from iamtui.credentials.clipboard import ChildCode, fingerprint_of


def _child(action: str, tool: str, stdin: bytes) -> int:
    """Copy `stdin` with one of pyperclip's tools, or clear the text whose fingerprint `stdin` is.

    Returns:
        One of `ChildCode`.
    """
    if tool == "wsl":
        put, get = pyperclip.init_wsl_clipboard()
    elif tool in ("pbcopy", "wl-clipboard", "xclip", "xsel"):
        pyperclip.set_clipboard(tool)
        put, get = pyperclip.copy, pyperclip.paste
    else:
        return ChildCode.UNUSABLE

    def holds(expected: str) -> bool:
        return hmac.compare_digest(fingerprint_of(get().encode("utf-8", "replace")), expected)

    if action in ("copy", "copy-secret"):
        # --sensitive hints to clipboard managers; wl-copy before 2.3.0 does not know it.
        may_mark = action == "copy-secret" and tool == "wl-clipboard"
        if not may_mark or subprocess.run(["wl-copy", "--sensitive"], input=stdin, check=False).returncode != 0:  # noqa: S607 - on a fixed PATH
            put(stdin.decode("utf-8"))
        if not _soon(lambda: holds(fingerprint_of(stdin))):
            # Another way is taken now, and nobody would take back what this one may have copied all the same.
            put("")
            return ChildCode.NOT_PROVED
        return ChildCode.DONE
    if action == "clear":
        expected = stdin.decode("ascii")
        if not holds(expected):
            return ChildCode.OTHER_TEXT
        put("")
        return ChildCode.DONE if _soon(lambda: not holds(expected)) else ChildCode.NOT_PROVED
    return ChildCode.UNUSABLE


def _soon(condition: Callable[[], bool]) -> bool:
    """True if the condition comes true within a second: X11 tools end before they have taken the clipboard over."""
    for _ in range(20):
        if condition():
            return True
        time.sleep(0.05)
    return False


if __name__ == "__main__":
    try:
        code = _child(sys.argv[1], sys.argv[2], sys.stdin.buffer.read())
    except Exception:  # noqa: BLE001 - a missing or failing tool raises anything; the exit code says enough
        code = ChildCode.UNUSABLE
    sys.exit(code)
