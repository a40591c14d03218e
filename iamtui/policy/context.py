"""The context of a request: condition keys and what is known of their values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Final, TypeAlias


class KeyState(Enum):
    """What is known of a key that has no known value."""

    UNKNOWN = "unknown"
    """It may be absent or have any value."""
    PRESENT = "present"
    """It is there, with an unknown value."""


KeyValue: TypeAlias = tuple[str, ...] | KeyState
"""The values of a key; () is absent."""

KeyValues: TypeAlias = Mapping[str, tuple[str, ...]]
"""Values by lower-case key; () is known to be absent."""

ABSENT: Final[tuple[str, ...]] = ()


@lru_cache(maxsize=4096)
def _absent_keys(names: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Single keys and prefixes of families (`aws:PrincipalTag/*`), in lower case."""
    lowered = [name.lower() for name in names]
    families = tuple(name[:-1] for name in lowered if name.endswith("/*"))
    return frozenset(name for name in lowered if not name.endswith("/*")), families


@lru_cache(maxsize=1024)
def _lower_names(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


class RequestContext:
    """Looks up condition keys without regard to letter case (IAM User Guide: Condition element).

    Args:
        given: values the user gave, names in any case; an empty tuple is a known absence.
        derived: what follows from account and environment, strongest first.
        fixed: what follows from the caller alone, unless `any_value` or `known_absent` says otherwise.
        any_value: names of keys that are present with an unknown value.
        known_absent: names of keys, or families as `aws:PrincipalTag/*`, that are known to be absent.
        discover: whether all other keys are unknown (else absent).
    """

    __slots__ = ("_absent", "_any_value", "_derived", "_discover", "_families", "_fixed", "_given")

    def __init__(
        self,
        given: Mapping[str, tuple[str, ...]],
        *,
        derived: tuple[KeyValues, ...] = (),
        fixed: KeyValues,
        any_value: tuple[str, ...] = (),
        known_absent: tuple[str, ...] = (),
        discover: bool = False,
    ) -> None:
        self._given = {name.lower(): values for name, values in given.items()} if given else given
        self._derived = derived
        self._fixed = fixed
        self._any_value = _lower_names(any_value) if any_value else frozenset()
        self._absent, self._families = _absent_keys(known_absent)
        self._discover = discover

    def lookup(self, key: str) -> KeyValue:
        """What is known of a key given in lower case."""
        if self._given:
            found = self._given.get(key)
            if found is not None:
                return found
        for values in self._derived:
            found = values.get(key)
            if found is not None:
                return found
        if key in self._any_value:
            return KeyState.PRESENT
        if key in self._absent or key.startswith(self._families):
            return ABSENT
        found = self._fixed.get(key)
        if found is not None:
            return found
        return KeyState.UNKNOWN if self._discover else ABSENT

    def nobody_said(self, key: str) -> bool:
        """Whether neither a value nor an absence was given or derived for a lower-case key."""
        return not (
            any(key in values for values in (self._given, *self._derived, self._any_value, self._absent, self._fixed))
            or key.startswith(self._families)
        )
