"""Keeping the memory of this process, which holds credentials, out of core dumps and of other processes' reach."""

from __future__ import annotations

import ctypes
import resource
import sys
from contextlib import suppress
from functools import cache
from typing import Final

_PR_SET_DUMPABLE: Final = 4
"""prctl(2)."""


def forbid_core_dumps() -> None:
    """Write no core dump if this process crashes, and let no other process of the same user attach to it.

    Best effort: RLIMIT_CORE is set to 0 (the soft limit, which a child may raise again) where there is one, and on
    Linux the process is marked as not dumpable, which a program that is started from here does not inherit. Python
    cannot wipe a text from memory, and nothing here keeps root out. May be called more than once.
    """
    with suppress(OSError, ValueError):
        _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            _libc().prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


@cache
def _libc() -> ctypes.CDLL:
    """The C library, loaded once: each loading makes classes that only the garbage collector takes away."""
    return ctypes.CDLL(None)
