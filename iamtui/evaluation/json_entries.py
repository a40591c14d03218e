"""Cuts a stream into JSON values that stand one after the other, without reading it whole.

A value ends with the line on which its brackets close, so JSON lines and pretty-printed values both work. A
broken value must not swallow the good ones behind it: a line that plainly starts a new entry ends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from iamtui.policy.json_brackets import brackets_of


@dataclass(frozen=True, slots=True)
class Entry:
    """One value as text.

    Args:
        line: line of the stream where it begins, 1-based.
        problem: why it was not read, or empty; the text is empty then.
    """

    text: str
    line: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Broken:
    """A line that cannot be used."""

    problem: str


def _too_long(longest: int) -> _Broken:
    return _Broken(f"longer than {longest:,} characters, which is more than is read at once")


_NEW_ENTRY: Final = re.compile(r'\{.*"request"\s*:')
_ARRAY: Final = re.compile(r"\s*\[\s*(\{|$)")
"""How an array of objects begins; no other value goes on over the lines of entries."""
_CHUNK: Final = 1024 * 1024


def entries(stream: IO[str] | IO[bytes], *, longest: int) -> Iterator[Entry]:
    """Give the values of a stream, one at a time.

    Args:
        stream: text, or bytes in UTF-8 (a byte order mark is skipped).
        longest: how many characters one value may have; a longer one comes as a problem and is skipped.
    """
    cut = _Cut(longest)
    for number, line in _lines(stream, longest):
        yield from cut.take(number, line)
    yield from cut.rest()


def _lines(stream: IO[str] | IO[bytes], longest: int) -> Iterator[tuple[int, str | _Broken]]:
    """Number and text of each line."""
    number = 0
    while True:
        try:
            raw = stream.readline(longest + 1)
        except UnicodeDecodeError:
            yield number + 1, _Broken("not UTF-8 text from here on, expected JSON")
            return
        if not raw:
            return
        number += 1
        if len(raw) > longest:
            if isinstance(raw, bytes) and b"\0" in raw:
                # A hole, or memory: its line may have no end.
                yield number, _Broken("not text from here on, expected JSON")
                return
            _skip_line(stream)
            yield number, _too_long(longest)
            continue
        try:
            text = raw if isinstance(raw, str) else raw.decode("utf-8")
        except UnicodeDecodeError:
            yield number, _Broken("not UTF-8 text, expected JSON")
            continue
        yield number, text.removeprefix("\ufeff") if number == 1 else text


def _skip_line(stream: IO[str] | IO[bytes]) -> None:
    while True:
        more = stream.readline(_CHUNK)
        if not more or more[-1:] in ("\n", b"\n"):
            return


class _Cut:
    """Collects lines until the brackets of a value close."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._reset()

    def _reset(self) -> None:
        self._collected: list[str] = []
        self._start = 0
        self._size = 0
        self._depth = 0

    def take(self, number: int, line: str | _Broken) -> Iterator[Entry]:
        """Add one line; give the entries that it completes."""
        if isinstance(line, _Broken):
            yield from self.rest()
            yield Entry("", number, line.problem)
            return
        if not self._collected and not line.strip():
            return
        if self._collected and _NEW_ENTRY.match(line) and not _ARRAY.match(self._collected[0]):
            yield from self.rest()
        if not self._collected:
            self._start = number
        self._collected.append(line)
        self._size += len(line)
        if self._size > self._longest:
            start = self._start
            self._reset()
            yield Entry("", start, _too_long(self._longest).problem)
            return
        if self._closes(line):
            yield from self.rest()

    def _closes(self, line: str) -> bool:
        """Whether the value ends with this line; a text left open on the first line cannot be mended."""
        brackets = brackets_of(line)
        self._depth += brackets.left_open
        return self._depth <= 0 or (brackets.text_left_open and len(self._collected) == 1)

    def rest(self) -> Iterator[Entry]:
        """Give what has been collected, complete or not."""
        if self._collected:
            entry = Entry("".join(self._collected), self._start)
            self._reset()
            yield entry
