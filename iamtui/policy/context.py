"""The context of a request: condition keys and what is known of their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final, TypeAlias


class KeyState(Enum):
    """What is known of a key that has no known value."""

    UNKNOWN = "unknown"
    """It may be absent or have any value."""
    PRESENT = "present"
    """It is there, with an unknown value."""


KeyValue: TypeAlias = tuple[str, ...] | KeyState
"""The values of a key; () is absent."""

ABSENT: Final[tuple[str, ...]] = ()


class RequestContext:
    """Looks up condition keys without regard to letter case (IAM User Guide: Condition element).

    Args:
        known: values by lower-case key; () is known to be absent.
        unknown_by_default: whether a key that is not in `known` is UNKNOWN (else absent).
        present: lower-case keys that are there with an unknown value.
        absent_families: lower-case prefixes such as "aws:principaltag/" whose keys are known to be absent.
    """

    __slots__ = ("_absent_families", "_known", "_unknown_by_default")

    def __init__(
        self,
        known: dict[str, KeyValue],
        *,
        unknown_by_default: bool = False,
        absent_families: tuple[str, ...] = (),
    ) -> None:
        self._known = known
        self._unknown_by_default = unknown_by_default
        self._absent_families = absent_families

    def lookup(self, key: str) -> KeyValue:
        """What is known of a key given in lower case."""
        found = self._known.get(key)
        if found is not None:
            return found
        if self._unknown_by_default and not key.startswith(self._absent_families):
            return KeyState.UNKNOWN
        return ABSENT

    def nobody_said(self, key: str) -> bool:
        """Whether neither a value nor an absence was given for a lower-case key."""
        return key not in self._known and not key.startswith(self._absent_families)

    @property
    def known(self) -> Mapping[str, KeyValue]:
        """Everything that was given or derived."""
        return self._known


def build_context(
    given: Mapping[str, tuple[str, ...]],
    *,
    fixed: Mapping[str, tuple[str, ...]],
    derived: Mapping[str, tuple[str, ...]] | None = None,
    any_value: Iterable[str] = (),
    known_absent: Iterable[str] = (),
    discover: bool = False,
) -> RequestContext:
    """Merge what is known of each key; what the user gave wins.

    Args:
        given: values the user gave; an empty tuple is a known absence. Later spellings of a key win.
        fixed: what follows from the caller, by lower-case key; () is known to be absent.
        derived: what follows from the account, by key in any case.
        any_value: keys that are present with an unknown value.
        known_absent: keys, or families as `aws:PrincipalTag/*`, that are known to be absent.
        discover: whether all other keys are unknown (else absent).
    """
    known: dict[str, KeyValue] = dict(fixed)
    if derived:
        known.update((name.lower(), values) for name, values in derived.items())
    for name in any_value:
        if not known.get(name.lower()):
            known[name.lower()] = KeyState.PRESENT
    families: list[str] = []
    for name in known_absent:
        key = name.lower()
        if key.endswith("/*"):
            families.append(key[:-1])
        else:
            known.setdefault(key, ABSENT)
    if given:
        known.update((name.lower(), values) for name, values in given.items())
    return RequestContext(known, unknown_by_default=discover, absent_families=tuple(families))
