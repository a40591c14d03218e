"""A condition key and its values in one word: `key=value,value`. Pure.

A backslash keeps a sign that would part them: tag keys and encryption contexts may hold `=`, values commas. Before any
other letter it is a letter like others.
"""

from __future__ import annotations

import re
from typing import Final

_KEPT: Final = re.compile(r"\\([=,\\])")
_TO_KEEP: Final = re.compile(r"\\(?=[=,\\]|\Z)")
_KEY: Final = re.compile(r"(?:\\[=,\\]|[^=])*")
_VALUE: Final = re.compile(r"((?:\\[=,\\]|[^,])*)(,|\Z)")


def split_key(word: str) -> tuple[str, str, str]:
    """The key, the `=` ("" without one), and what stands behind it as it is written."""
    found = _KEY.match(word)
    assert found is not None
    end = found.end()
    return _read(word[:end]), word[end : end + 1], word[end + 1 :]


def split_values(text: str) -> tuple[str, ...]:
    """The values between the commas of what stands behind the `=`."""
    found, at = [], 0
    while True:
        value = _VALUE.match(text, at)
        assert value is not None
        found.append(_read(value[1]))
        if not value[2]:
            return tuple(found)
        at = value.end()


def written_key(key: str) -> str:
    """A key as `split_key` reads it."""
    return _TO_KEEP.sub(r"\\\\", key).replace("=", r"\=")


def written_values(values: tuple[str, ...]) -> str:
    """Values as `split_values` reads them."""
    return ",".join(_TO_KEEP.sub(r"\\\\", value).replace(",", r"\,") for value in values)


def _read(text: str) -> str:
    return _KEPT.sub(r"\1", text)
