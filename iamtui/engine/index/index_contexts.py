"""The condition keys of a question, as they differ from one principal of an account to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

from iamtui.engine.index.principal_index import IndexedPrincipal, PrincipalIndex, with_value
from iamtui.engine.policy_holders import places
from iamtui.policy.context import ABSENT, CommonContext, KeyValue, KeyValues, RequestContext

_MOST_GROUPS: Final = 20_000


class GroupContext(RequestContext):
    """The context of some principals who have the same values of the keys that are looked up."""

    __slots__ = ("values",)

    values: Mapping[str, KeyValue]

    def lookup(self, key: str) -> KeyValue:
        found = self.values.get(key)
        return super().lookup(key) if found is None else found


class Contexts:
    """The condition keys of a question, as they differ from one principal to another."""

    def __init__(
        self,
        index: PrincipalIndex,
        given: Mapping[str, tuple[str, ...]],
        derived: tuple[KeyValues, ...],
        absent: tuple[str, ...],
        *,
        discover: bool,
    ) -> None:
        self._index = index
        self._made = partial(CommonContext, given, derived=derived, discover=discover)
        self._absent = absent
        self._common: dict[tuple[str, ...], CommonContext] = {}
        self._columns: dict[str, tuple[Mapping[KeyValue, int], bool]] = {}
        self._of_question = self._made(known_absent=absent)
        self.anyone = self.of_place(0)

    def of_place(self, place: int) -> RequestContext:
        """The context in which one principal asks."""
        one = self._index.principals[place]
        return RequestContext(self._common_of(one), own=one.values, fixed=self._index.fixed_keys(place))

    def _common_of(self, one: IndexedPrincipal) -> CommonContext:
        common = self._common.get(one.absent)
        if common is None:
            common = self._common[one.absent] = self._made(known_absent=one.absent + self._absent)
        return common

    def column(self, key: str) -> tuple[Mapping[KeyValue, int], bool]:
        """Principals by value of a key, and True if that holds for every question in the same mode."""
        found = self._columns.get(key)
        if found is None:
            found = self._columns[key] = self._column(key)
        return found

    def _column(self, key: str) -> tuple[Mapping[KeyValue, int], bool]:
        """As `RequestContext.lookup` has it, for everybody."""
        index = self._index
        given, derived = self.said_of(key)
        if given is not None:
            return {given: index.everyone}, False
        if derived is None:
            return index.values_of(key, discover=self._of_question.discover), True
        facts = index.key_facts(key)
        own = facts.own_as_read(discover=self._of_question.discover)
        return with_value(own, derived, index.everyone & ~facts.owners), False

    def said_of(self, key: str) -> tuple[KeyValue | None, KeyValue | None]:
        """The question's value of a key, for everybody, and for those whose value the account does not give."""
        common = self._of_question
        given = common.given.get(key)
        if given is None and common.given_absent is not None and key in common.given_absent:
            given = ABSENT
        derived = common.derived.get(key)
        if derived is None and key in common.absent:
            derived = ABSENT
        return given, derived

    def varying(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Those of the keys of which not everybody has the same value."""
        return tuple(key for key in keys if key and len(self.column(key)[0]) > 1)

    def groups(self, keys: tuple[str, ...], who: int) -> Iterable[tuple[Mapping[str, KeyValue], int]]:
        """Some principals by the values that they have of some keys."""
        if len(keys) == 1:
            key = keys[0]
            return [({key: value}, bits & who) for value, bits in self.column(key)[0].items() if bits & who]
        size = 1
        for key in keys:
            size *= len(self.column(key)[0])
        if size <= _MOST_GROUPS:
            found: list[tuple[Mapping[str, KeyValue], int]] = [({}, who)]
            for key in keys:
                column = self.column(key)[0].items()
                found = [
                    ({**values, key: value}, here)
                    for values, bits in found
                    for value, having in column
                    if (here := bits & having)
                ]
            return found
        by_values: dict[tuple[KeyValue, ...], int] = {}
        for place in places(who):
            context = self.of_place(place)
            told = tuple(map(context.lookup, keys))
            by_values[told] = by_values.get(told, 0) | 1 << place
        return [(dict(zip(keys, told, strict=True)), bits) for told, bits in by_values.items()]

    def in_group(self) -> GroupContext:
        """A context whose `values` are to be those of one group after the other."""
        # Of the keys that are not looked up in a group everybody has the same value, so it is like anyone's.
        one = self._index.principals[0]
        made = GroupContext(self._common_of(one), own=one.values, fixed=self._index.fixed_keys(0))
        made.values = {}
        return made
