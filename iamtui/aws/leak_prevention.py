"""Keeping the secrets of this process out of core dumps, of other processes' reach, and of botocore's debug logs."""

from __future__ import annotations

import ctypes
import logging
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


_NOISY_LOGGERS: Final = ("botocore", "boto3", "urllib3", "s3transfer")


class _NothingBelowInfo(logging.Filter):
    """Drops DEBUG records: botocore writes secret keys, session tokens and MFA codes into them."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO


_FILTER: Final = _NothingBelowInfo()


def silence_debug_logging() -> None:
    """Make sure that no level set by anybody lets botocore and its kin log below INFO.

    A level would be undone by the next `setLevel`, and a filter on a parent is not asked for its children's
    records, so every one of their loggers gets the filter.
    """
    for name in list(logging.Logger.manager.loggerDict):
        if name.split(".", 1)[0] in _NOISY_LOGGERS:
            logging.getLogger(name).addFilter(_FILTER)
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
