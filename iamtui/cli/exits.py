"""The exit codes, and the one type that a command may end with."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended. OK, NO and OPEN are returned only by code that holds an answer.

    OK: allowed, met, done. NO: denied, not met. ERROR: no answer. OPEN: it depends, or holds only for some
    resources. INTERRUPTED and BROKEN_PIPE are what a shell reports for SIGINT and SIGPIPE. NOT_RUN is ERROR for the
    commands that end with the exit code of a program, which may well be 2.
    """

    OK = 0
    NO = 1
    ERROR = 2
    OPEN = 3
    NOT_RUN = 125
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class ProgramExit(int):
    """The exit code of a program that a command ran, handed on as it is."""
