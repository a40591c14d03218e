"""Where things stand in JSON text as it was given: the line range of every value."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final, TypeAlias

Lines: TypeAlias = tuple[int, int]
"""First and last line, 1-based and inclusive."""

LONGEST_PATH: Final = 512
"""Longest path recorded, in characters: nesting and long keys would make paths outgrow the text by far."""

# A text that does not end is one token too, and possessively: else each of its quotes would start another search.
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}:,]|[^\s\[\]{}:,"]+|\n')


@dataclass(slots=True)
class _Open:
    """An object or a list that has not been closed yet; in an object `key` is None where a key is expected.

    `path` is "" where it would be longer than LONGEST_PATH.
    """

    path: str
    line: int
    is_list: bool
    key: str | None = None
    key_line: int = 0
    index: int = 0

    def place(self, line: int) -> tuple[str, int]:
        """Path and first line of the value that begins on `line`."""
        own = f"[{self.index}]" if self.is_list else f".{self.key}"
        fits = self.path and len(self.path) + len(own) <= LONGEST_PATH
        return self.path + own if fits else "", line if self.is_list else self.key_line


def positions(text: str) -> dict[str, Lines]:
    """The line range of every value, by path (`$.Statement[0].Action`); that of a key's value begins at its key.

    Values whose path is longer than LONGEST_PATH are left out. Text that is not JSON gives what can be told up to
    there; nothing is raised.
    """
    found: dict[str, Lines] = {}
    stack: list[_Open] = []
    line = 1
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token == "\n":
            line += 1
            continue
        top = stack[-1] if stack else None
        if token in "[{":
            path, start = top.place(line) if top is not None else ("$", line)
            stack.append(_Open(path, start, token == "["))
        elif token in "]}":
            if top is None:
                break
            stack.pop()
            if top.path:
                found[top.path] = (top.line, line)
        elif token == ",":
            if top is not None:
                top.index += 1
                top.key = None
        elif token == ":":
            continue
        elif top is not None and not top.is_list and top.key is None:
            top.key, top.key_line = _decoded(token), line
        else:
            path, start = top.place(line) if top is not None else ("$", line)
            line += token.count("\n")
            if path:
                found[path] = (start, line)
    return found


def _decoded(token: str) -> str:
    try:
        return str(json.loads(token))
    except ValueError:
        return token
