"""The context of a request: condition keys and what is known of their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import lru_cache
from typing import Final, TypeAlias


class KeyState(Enum):
    """What is known of a key that has no known value."""

    UNKNOWN = "unknown"
    """It may be absent or have any value."""
    PRESENT = "present"
    """It is there, with an unknown value."""


class AtLeast(tuple[str, ...]):
    """Values of a key that may have others besides."""

    __slots__ = ()


KeyValue: TypeAlias = tuple[str, ...] | KeyState
"""The values of a key; () is absent."""

KeyValues: TypeAlias = Mapping[str, tuple[str, ...]]
"""Values by lower-case key; () is known to be absent."""

ABSENT: Final[tuple[str, ...]] = ()

_NO_VALUES: Final[KeyValues] = {}


class KeyNames:
    """Names of keys in any letter case, in which a `*` stands for any text.

    Args:
        exact: those without a star, in lower case.
        families: the beginnings of those that only end with one, as `aws:PrincipalTag/*`.
        pattern: all others.
    """

    __slots__ = ("exact", "families", "pattern")

    def __init__(self, names: Iterable[str]) -> None:
        lowered = [name.lower() for name in names]
        self.exact = frozenset(name for name in lowered if "*" not in name)
        self.families = tuple(name[:-1] for name in lowered if name.find("*") == len(name) - 1 >= 0)
        others = [name.split("*") for name in lowered if 0 <= name.find("*") < len(name) - 1]
        self.pattern = re.compile("|".join(".*".join(map(re.escape, parts)) for parts in others)) if others else None

    def __contains__(self, key: str) -> bool:
        """Whether one of them is, or stands for, a key given in lower case."""
        return (
            key in self.exact
            or key.startswith(self.families)
            or (self.pattern is not None and self.pattern.fullmatch(key) is not None)
        )


_key_names = lru_cache(maxsize=4096)(KeyNames)


@lru_cache(maxsize=1024)
def _lower_names(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


class CommonContext:
    """What many requests have in common of their context, whoever makes them.

    Args:
        given: values the user gave, by lower-case name; an empty tuple is a known absence.
        given_absent: the names with a star among those, or None.
        derived: what follows from account and environment.
        any_value: lower-case names of keys that are present with an unknown value.
        absent: the keys that are known to be absent.
        discover: whether all other keys are unknown (else absent).
    """

    __slots__ = ("absent", "any_value", "derived", "discover", "given", "given_absent")

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
            any_value, known_absent: names in any letter case; a `*` in those of absent keys stands for any text.
        """
        self.given: KeyValues = {name.lower(): values for name, values in given.items()} if given else given
        starred = tuple(name for name, values in self.given.items() if not values and "*" in name)
        self.given_absent = _key_names(starred) if starred else None
        self.derived = derived[0] if len(derived) == 1 else _merged(derived)
        self.any_value = _lower_names(any_value) if any_value else _NONE
        self.absent = _key_names(known_absent)
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
            if common.given_absent is not None and key in common.given_absent:
                return ABSENT
        found = self._own.get(key)
        if found is None:
            found = common.derived.get(key)
        if found is not None:
            return found
        if common.any_value and key in common.any_value:
            return KeyState.PRESENT
        absent = common.absent
        # As `in` has it, spelled out because this is asked for every key that nobody gave.
        if key in absent.exact or key.startswith(absent.families) or (absent.pattern is not None and key in absent):
            return ABSENT
        found = self._fixed.get(key)
        if found is not None:
            return found
        return KeyState.UNKNOWN if common.discover else ABSENT

    def nobody_said(self, key: str) -> bool:
        """Whether neither a value nor an absence was given or derived for a lower-case key."""
        common = self._common
        if common.given_absent is not None and key in common.given_absent:
            return False
        said = (common.given, self._own, common.derived, common.any_value, common.absent, self._fixed)
        return not any(key in keys for keys in said)
