"""Reading JSON objects from outside: a field of the wrong type is as good as none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def text_in(value: Mapping[str, Any], key: str) -> str:
    """The text under a key, or ""."""
    found = value.get(key)
    return found if isinstance(found, str) else ""


def dict_in(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under a key, or an empty one."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def list_in(value: Mapping[str, Any], key: str) -> list[Any]:
    """The list under a key, or an empty one."""
    found = value.get(key)
    return found if isinstance(found, list) else []
