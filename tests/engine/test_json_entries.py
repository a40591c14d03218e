"""A stream of JSON values is cut without being held, and one that is no text comes to an end."""

from __future__ import annotations

import io

import pytest

from iamtui.engine.scenarios.scenario import Entry, entries

LONGEST = 100


class Endless(io.RawIOBase):
    """Bytes of no line, for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.read_so_far = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # what BufferedReader passes
        buffer[:] = bytes(len(buffer))
        self.read_so_far += len(buffer)
        if self.read_so_far > 10_000_000:
            pytest.fail("it is read on and on")
        return len(buffer)


def test_memory_that_has_no_end_is_not_read_to_it() -> None:
    found = list(entries(io.BufferedReader(Endless()), longest=LONGEST))
    assert [(entry.line, entry.problem) for entry in found] == [(1, "not text from here on, expected JSON")]


def test_a_long_line_of_text_is_passed_over() -> None:
    stream = io.BytesIO(b"{" + b"x" * 2 * LONGEST + b"\n{}\n")
    long, good = entries(stream, longest=LONGEST)
    assert "longer than 100 characters" in long.problem
    assert good == Entry("{}\n", 2)
