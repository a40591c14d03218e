"""The exit codes, and the one type that a command may end with."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended. OK, NO and OPEN are returned only by code that holds an answer.

    OK: allowed, met, done. NO: denied, not met. ERROR: no answer. OPEN: it depends, or holds only for some
    resources. INTERRUPTED and BROKEN_PIPE are what a shell reports for SIGINT and SIGPIPE.
    """

    OK = 0
    NO = 1
    ERROR = 2
    OPEN = 3
    INTERRUPTED = 130
    BROKEN_PIPE = 141
