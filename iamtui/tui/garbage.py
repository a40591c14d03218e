"""Keeping the garbage collector from pausing the screen while threads make things that stay.

A round through all that a large account's answers are made of takes a fifth of a second, holds the interpreter's
lock meanwhile, and finds next to nothing: the catalogue, compiled policies and parsed documents are kept.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

_MANY: Final = 20_000
"""Objects from which on what was made is left out of later rounds; fewer are soon looked through."""

_lock = Lock()
_makers = 0


@contextmanager
def making() -> Iterator[None]:
    """Look for no garbage while this lasts; much that was made is left out of the collector's rounds afterwards.

    For work in threads; several may be at it. It changes nothing where the collector is off anyway.
    """
    global _makers  # noqa: PLW0603 - the collector is the process's own
    with _lock:
        counted = _makers > 0 or gc.isenabled()
        if counted:
            _makers += 1
            gc.disable()
    try:
        yield
    finally:
        if counted:
            with _lock:
                _makers -= 1
                if not _makers:
                    if gc.get_count()[0] > _MANY:
                        gc.freeze()
                    gc.enable()
