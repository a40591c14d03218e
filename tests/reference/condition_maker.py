"""Random conditions, and values of condition keys for requests."""

from __future__ import annotations

from typing import Any

from .drawing import Draws, Json
from .vocabulary import EXTRA_VALUES, KEYS, MULTIVALUED, OPERATORS_FOR, STRING_OPERATORS, TEXT_EXTRAS


class ConditionMaker(Draws):
    """Makes conditions whose keys a request may have."""

    keys = KEYS
    """The keys, with the values that requests have."""

    def any_case(self, key: str) -> str:
        """A key, now and then in other letters."""
        return str(self.pick([key.upper(), key.lower()])) if self.chance(8) else key

    def context_value(self, key: str) -> Any:
        """Values of a key in the request."""
        most = 3 if key in MULTIVALUED else 1
        if self.chance(4):
            most = self.pick([0, 2])
        values = list(dict.fromkeys(self.pick(self.keys[key]) for _ in range(most)))
        return self.maybe_list(values)

    def condition(self) -> Json:
        """A Condition block."""
        result: Json = {}
        for _ in range(self.pick([1, 1, 1, 2, 3])):
            key = self.pick(list(self.keys))
            if self.chance(1):
                key = "noprefix"
            block = result.setdefault(self._operator(key), {})
            if key.lower() not in (other.lower() for other in block):
                block[self.any_case(key)] = self._policy_values(key)
        return result

    def _operator(self, key: str) -> str:
        name = self.pick(OPERATORS_FOR.get(key, STRING_OPERATORS))
        if self.chance(8):
            name = "Null"
        elif self.chance(5):
            name = self.pick([*STRING_OPERATORS, "ArnLike", "NumericEquals", "Bool", "NotIpAddress", "DateEquals"])
        elif self.chance(2):
            name = self.pick(["StringSame", "NullIfExists", "stringequals", "IpEquals"])
        if name != "Null" and self.chance(20):
            name += "IfExists"
        if self.chance(60 if key in MULTIVALUED else 4):
            name = self.pick(["ForAllValues:", "ForAnyValue:"]) + name
        return str(name)

    def _policy_values(self, key: str) -> Any:
        if self.chance(2):
            return []
        values = [self._policy_value(key) for _ in range(self.pick([1, 1, 1, 2, 3]))]
        if self.chance(6):
            values = [self.pick(["true", "false", True, False])]
        return self.maybe_list(values)

    def _policy_value(self, key: str) -> Any:
        own = self.keys.get(key, ["x"])
        if self.chance(50):
            return self.pick(own)
        extras = EXTRA_VALUES.get(key, TEXT_EXTRAS)
        return self.pick(extras)
