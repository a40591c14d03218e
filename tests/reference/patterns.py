"""Wildcards, policy variables and ARN patterns, character by character.

A resolved text is a list of (character, literal) pairs: a literal `*` or `?` is never a wildcard.
A pattern is a list of tokens: `("char", c)`, `("one", crosses)` for `?`, `("run", crosses)` for `*`, where
`crosses` says whether it may stand for a colon; `IN_LABEL`: for that, and for no slash.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from .context import Context

Pairs = list[tuple[str, bool]]
Token = tuple[str, Any]

IN_LABEL = "in label"
NO_VALUE = "no value"
"""The text has a variable without a value."""

_VARIABLE = re.compile(r"\$\{\s*([^,{}']*[^,{}'\s])\s*(?:,\s*'([^']*)'\s*)?\}")


class Unknown:
    """The text has a variable whose value is not known; `key` is the first such key."""

    def __init__(self, key: str) -> None:
        self.key = key


def plain(text: str) -> Pairs:
    """The text with nothing substituted."""
    return [(character, False) for character in text]


def resolve(text: str, context: Context, *, version: str | None, wildcards_in_values: bool) -> Pairs | str | Unknown:
    """Put values in place of `${...}`: pairs, NO_VALUE or Unknown. A missing value outweighs an unknown one."""
    if version != "2012-10-17":
        return plain(text)
    result: Pairs = []
    unknown: Unknown | None = None
    missing = False
    position = 0
    while position < len(text):
        if not text.startswith("${", position) or "}" not in text[position:]:
            result.append((text[position], False))
            position += 1
            continue
        if text[position + 2 : position + 4] in ("*}", "?}", "$}"):
            result.append((text[position + 2], True))
            position += 4
            continue
        found = _VARIABLE.match(text, position)
        if found is None:
            missing = True
            position = text.index("}", position) + 1
            continue
        position = found.end()
        state, values = context.state(found[1])
        if state in ("unknown", "present", "at least"):
            unknown = unknown or Unknown(found[1])
        elif state == "known" and len(values) == 1:
            result += [(character, not wildcards_in_values) for character in values[0]]
        elif state == "absent" and found[2] is not None:
            result += [(character, True) for character in found[2]]
        else:
            missing = True
    if missing:
        return NO_VALUE
    return unknown or result


def text_of(pairs: Pairs) -> str:
    """The characters alone."""
    return "".join(character for character, _ in pairs)


def tokens_of(pairs: Pairs, *, crosses: bool = True) -> list[Token]:
    """Wildcards become tokens; `crosses` holds for all of them."""
    result: list[Token] = []
    for character, literal in pairs:
        if character == "*" and not literal:
            result.append(("run", crosses))
        elif character == "?" and not literal:
            result.append(("one", crosses))
        else:
            result.append(("char", character))
    return result


def glob(pattern: list[Token], text: str) -> bool:
    """Whether the pattern stands for the whole text."""
    return covers(pattern, [("char", character) for character in text])


def _reach(start: tuple[int, int], step: Callable[[int, int], list[tuple[int, int]]], goal: tuple[int, int]) -> bool:
    seen = {start}
    waiting = [start]
    while waiting:
        here = waiting.pop()
        if here == goal:
            return True
        for there in step(*here):
            if there not in seen:
                seen.add(there)
                waiting.append(there)
    return False


def covers(entry: list[Token], request: list[Token]) -> bool:
    """Whether the entry matches the request read as text.

    A wildcard of the request is taken by one of the entry only, and one that may hold colons only by one that may.
    """
    return _covers(tuple(entry), tuple(request))


@lru_cache(maxsize=50_000)
def _covers(entry: tuple[Token, ...], request: tuple[Token, ...]) -> bool:
    def step(i: int, j: int) -> list[tuple[int, int]]:
        moves: list[tuple[int, int]] = []
        if i == len(entry):
            return moves
        kind, detail = entry[i]
        if kind == "run":
            moves.append((i + 1, j))
        if j == len(request):
            return moves
        other, other_detail = request[j]
        within = other_detail != ":" if other == "char" else other_detail not in (True, IN_LABEL)
        if kind == "run" and (detail or within):
            moves.append((i, j + 1))
        if kind == "one" and other != "run" and (detail or within):
            moves.append((i + 1, j + 1))
        if kind == "char" and (other, other_detail) == ("char", detail):
            moves.append((i + 1, j + 1))
        return moves

    return _reach((0, 0), step, (len(entry), len(request)))


def shares(entry: list[Token], request: list[Token]) -> bool:
    """Whether some text is matched by both."""
    return _shares(tuple(entry), tuple(request))


@lru_cache(maxsize=50_000)
def _shares(entry: tuple[Token, ...], request: tuple[Token, ...]) -> bool:
    def meet(one: Token, other: Token) -> bool:
        if one[0] == "char" and other[0] == "char":
            return bool(one[1] == other[1])
        if one[0] == "char":
            return bool(other[1] or one[1] != ":")
        if other[0] == "char":
            return bool(one[1] or other[1] != ":")
        return True

    def step(i: int, j: int) -> list[tuple[int, int]]:
        moves: list[tuple[int, int]] = []
        left = entry[i] if i < len(entry) else None
        right = request[j] if j < len(request) else None
        if left and left[0] == "run":
            moves.append((i + 1, j))
            if right and right[0] != "run" and meet(left, right):
                moves.append((i, j + 1))
        if right and right[0] == "run":
            moves.append((i, j + 1))
            if left and left[0] != "run" and meet(left, right):
                moves.append((i + 1, j))
        if left and right and left[0] != "run" and right[0] != "run" and meet(left, right):
            moves.append((i + 1, j + 1))
        return moves

    return _reach((0, 0), step, (len(entry), len(request)))
