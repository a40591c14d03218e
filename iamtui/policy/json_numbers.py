"""Numbers of JSON as they were written: a double would make 0.1 of 0.10000000000000000555."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from math import isinf, nan
from typing import Any, Final, Self

_LARGEST_EXPONENT: Final = 400
"""Beyond it either way is not a number that anybody compares with, and its digits would fill the memory."""
_STRING_OR_MARK: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|NaN')


class WrittenNumber(float):
    """A JSON number with a point or an exponent, which keeps the text that it was written as."""

    __slots__ = ("written",)

    written: str

    def __new__(cls, written: str) -> Self:
        """Take the text of the number.

        Raises:
            ValueError: it is too large, which would become Infinity, or has too large an exponent.
        """
        number = super().__new__(cls, written)
        exponent = written.lower().partition("e")[2]
        if isinf(number) or (exponent and abs(int(exponent)) > _LARGEST_EXPONENT):
            raise ValueError(written)
        number.written = written
        return number

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]
        return (self.written,)

    @property
    def digits(self) -> str:
        """The number as quoted ones are written: as it stands, but for an exponent, which is written out."""
        return format(Decimal(self.written), "f") if "e" in self.written.lower() else self.written


def json_text(
    value: Any, *, indent: int | None = None, separators: tuple[str, str] | None = None, ensure_ascii: bool = False
) -> str:
    """The JSON text of a value, as json.dumps gives it, with numbers as they were written."""
    if not _has_written(value):
        return json.dumps(value, indent=indent, separators=separators, ensure_ascii=ensure_ascii)
    numbers: list[str] = []
    marked = _marked(value, numbers)
    text = json.dumps(marked, indent=indent, separators=separators, ensure_ascii=ensure_ascii)
    following = iter(numbers)
    return _STRING_OR_MARK.sub(lambda found: next(following) if found[0] == "NaN" else found[0], text)


def _has_written(value: Any) -> bool:
    # Spelled out, because most values have none and are looked through for nothing.
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,):
        kind = type(item)
        if kind is WrittenNumber or ((kind is dict or kind is list) and _has_written(item)):
            return True
    return False


def _marked(value: Any, numbers: list[str]) -> Any:
    """The value with a mark, which no JSON has, for each number that goes to `numbers` in the order of the text."""
    if isinstance(value, dict):
        return {key: _marked(item, numbers) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item, numbers) for item in value]
    if isinstance(value, WrittenNumber):
        numbers.append(value.written)
        return nan
    return value
