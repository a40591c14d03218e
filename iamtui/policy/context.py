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

_NO_VALUES: Final[KeyValues] = {}


@lru_cache(maxsize=4096)
def _absent_keys(names: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Single keys and prefixes of families (`aws:PrincipalTag/*`), in lower case."""
    lowered = [name.lower() for name in names]
    families = tuple(name[:-1] for name in lowered if name.endswith("/*"))
    return frozenset(name for name in lowered if not name.endswith("/*")), families


@lru_cache(maxsize=1024)
def _lower_names(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


class CommonContext:
    """What many requests have in common of their context, whoever makes them.

    Args:
        given: values the user gave, by lower-case name; an empty tuple is a known absence.
        derived: what follows from account and environment.
        any_value: lower-case names of keys that are present with an unknown value.
        absent, families: lower-case names, and beginnings of names, of keys that are known to be absent.
        discover: whether all other keys are unknown (else absent).
    """

    __slots__ = ("absent", "any_value", "derived", "discover", "families", "given")

    def __init__(
        self,
        given: Mapping[str, tuple[str, ...]],
        *,
        derived: tuple[KeyValues, ...] = (),
        any_value: tuple[str, ...] = (),
        known_absent: tuple[str, ...] = (),
        discover: bool = False,
    ) -> None:
        """Take what is known.

        Args:
            given: names in any letter case.
            derived: strongest first, by lower-case name.
            any_value, known_absent: names in any letter case; of the absent ones, `aws:PrincipalTag/*` is a family.
        """
        self.given: KeyValues = {name.lower(): values for name, values in given.items()} if given else given
        self.derived = derived[0] if len(derived) == 1 else _merged(derived)
        self.any_value = _lower_names(any_value) if any_value else _NONE
        self.absent, self.families = _absent_keys(known_absent)
        self.discover = discover


_NONE: Final[frozenset[str]] = frozenset()


def _merged(strongest_first: tuple[KeyValues, ...]) -> KeyValues:
    merged: dict[str, tuple[str, ...]] = {}
    for values in reversed(strongest_first):
        merged.update(values)
    return merged


class RequestContext:
    """Looks up condition keys without regard to letter case (IAM User Guide: Condition element).

    Args:
        common: what other requests have in common with this one.
        own: what is known of the caller besides, by lower-case name; what is given goes before it.
        fixed: what follows from the caller alone, unless something else says otherwise.
    """

    __slots__ = ("_common", "_fixed", "_own")

    def __init__(self, common: CommonContext, *, own: KeyValues = _NO_VALUES, fixed: KeyValues = _NO_VALUES) -> None:
        self._common = common
        self._own = own
        self._fixed = fixed

    def lookup(self, key: str) -> KeyValue:
        """What is known of a key given in lower case."""
        common = self._common
        if common.given:
            found = common.given.get(key)
            if found is not None:
                return found
        found = self._own.get(key)
        if found is None:
            found = common.derived.get(key)
        if found is not None:
            return found
        if common.any_value and key in common.any_value:
            return KeyState.PRESENT
        if key in common.absent or key.startswith(common.families):
            return ABSENT
        found = self._fixed.get(key)
        if found is not None:
            return found
        return KeyState.UNKNOWN if common.discover else ABSENT

    def nobody_said(self, key: str) -> bool:
        """Whether neither a value nor an absence was given or derived for a lower-case key."""
        common = self._common
        said = (common.given, self._own, common.derived, common.any_value, common.absent, self._fixed)
        return not (any(key in keys for keys in said) or key.startswith(common.families))
