"""Entry point, and the only module that knows both the command line and the screen."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from iamtui.cli.output import KeyBinding, Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from iamtui.config import Config
    from iamtui.credentials.session import Session
    from iamtui.workspace.source.workspace import SourceChoice


_TEXTUAL_LOOKS = frozenset(("TEXTUAL_ANIMATIONS", "TEXTUAL_COLOR_SYSTEM", "TEXTUAL_ESCAPE_DELAY", "TEXTUAL_FPS"))
"""Variables of Textual that only say how the screen looks. Others log keys and messages, picture the screen, press
keys, or name a module to import."""


def _open_screen(choice: SourceChoice | None, fresh: bool, plan: str | None) -> int:
    return _screen()[0](choice, fresh, plan)


def _pick(choice: SourceChoice | None, format_name: str) -> Session | None:
    return _screen()[1](choice, format_name)


def _screen() -> tuple[
    Callable[[SourceChoice | None, bool, str | None], int], Callable[[SourceChoice | None, str], Session | None]
]:
    """The runners of the screen and of the picker, after what must be done before Textual is imported."""
    for name in [name for name in os.environ if name.startswith("TEXTUAL") and name not in _TEXTUAL_LOOKS]:
        # Textual reads them when it is imported. What is typed here may be secret, and must not reach a log.
        os.environ.pop(name, None)
    from iamtui.tui.app import run_app, run_picker  # commands and --help need no screen

    return run_app, run_picker


def _bindings() -> Sequence[KeyBinding]:
    from iamtui.tui.app import named_bindings  # only for `info`

    return tuple(KeyBinding(name, keys, words) for name, keys, words in named_bindings())


def _config_problems(config: Config) -> Sequence[str]:
    from iamtui.tui import app, themes  # only for `config check`

    loaded = themes.load_themes()
    unknown = themes.first_theme(config.theme, {theme.name: theme for theme in loaded.themes})[1]
    return [*loaded.problems, *unknown, *app.keymap_problems(config.keymap)]


ROUNDS = 20_000, 10, 25
"""After how many new objects garbage is looked for: nearly all that an account or an answer is made of stays.
A look at more of them at once would be seen on the screen."""


_NO_HOME = "/nonexistent"
"""The home of a user without one, as Debian names it: nothing is found there, and nothing can be written."""


def _check_home() -> None:
    """Replace a HOME that is not absolute, so that no file lands in the current directory."""
    named = os.environ.get("HOME")
    if named is None or not named.startswith("/"):
        os.environ.pop("HOME", None)
        home = os.path.expanduser("~")  # noqa: PTH111 - without the time that pathlib takes to import
        if not home.startswith("/"):
            os.environ["HOME"] = home = _NO_HOME
        if named is not None and sys.stderr is not None:
            sys.stderr.write(f"HOME is {named!a}, which is not an absolute path; {home!a} counts as the home folder.\n")
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        # As their specification wants it; not every platformdirs does so by itself.
        if not os.environ.get(name, "/").startswith("/"):
            del os.environ[name]


def main() -> None:
    """Run iamtui and exit with its code."""
    _check_home()
    gc.set_threshold(*ROUNDS)
    opened: list[object] = []
    try:
        from iamtui.cli.main import run  # inside, so that Ctrl+C ends this import too

        code = run(sys.argv[1:], Screen(_open_screen, _bindings, _pick, _config_problems), opened)
    except KeyboardInterrupt:
        # While the modules were still being imported.
        code = 130
    _leave(code, holds_account=bool(opened))


def _leave(code: int, *, holds_account: bool) -> NoReturn:
    """Exit without waiting for threads of the screen, which may be inside a call that nothing can interrupt.

    A network that does not answer, or a credential_process that does not end, would hold up the end, and with it
    the clearing of the clipboard. To free the objects of a large account one by one takes half as long as to read them.
    """
    threads = (thread for thread in threading.enumerate() if thread is not threading.main_thread())
    if holds_account or not all(thread.daemon for thread in threads):
        atexit._run_exitfuncs()  # noqa: SLF001 - what the interpreter calls, but only after the threads have ended
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                with suppress(OSError, ValueError):
                    stream.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
