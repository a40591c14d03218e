"""Three-valued logic without formulas, for where it is enough that something is undetermined (Kleene)."""

from __future__ import annotations

from typing import TypeAlias

Extent: TypeAlias = bool | None
"""Three-valued: None is undetermined."""


def both(one: Extent, other: Extent) -> Extent:
    """Whether both hold."""
    if one is False or other is False:
        return False
    return True if one is True and other is True else None


def either(one: Extent, other: Extent) -> Extent:
    """Whether one of them holds."""
    if one is True or other is True:
        return True
    return False if one is False and other is False else None
