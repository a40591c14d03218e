"""Classes of principals of whom the evaluator says the same about a question, so that one of each is asked."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import chain
from typing import Final

from iamtui.engine.holdings import Bits, HeldPolicy
from iamtui.engine.index_reading import IndexReading
from iamtui.engine.request import NamedPolicy
from iamtui.policy.statement import CompiledStatement
from iamtui.policy.types import PolicyType

_TIMES: Final = frozenset(("aws:currenttime", "aws:epochtime"))
_BESIDES: Final = ("aws:multifactorauthpresent", "aws:requestedregion")
"""The keys that rules of AWS and examples of a set read."""


class PrincipalClasses:
    """What tells the principals of an index apart where a question is asked.

    Those are the policies that speak of its action, and for whom conditions in statements about it hold.
    """

    def __init__(self, reading: IndexReading) -> None:
        self._reading = reading
        self._of_held: dict[HeldPolicy, tuple[Bits | str, ...] | None] = {}
        self._reads_time: bool | None = None
        self._named = reading.asked.known_one_by_one
        told: dict[Bits | str, None] = dict.fromkeys(_BESIDES)
        for compiled in self._binding_everybody():
            statement = compiled.statement
            entries = (*(statement.principals or ()), *(statement.not_principals or ()))
            self._named |= reading.index.named_by(entries)
            told.update(dict.fromkeys(self._told_by(compiled)))
        self._common = tuple(told)

    def of(self, place: int) -> Hashable | None:
        """What the evaluator's outcome for a principal follows from: equal for two who get the same.

        None where it may follow from who that is.
        """
        index = self._reading.index
        if (index.left | self._named) >> place & 1:
            return None
        principal = index.principals[place].principal
        parts: list[Hashable] = [principal.kind, principal.credentials, index.bounded >> place & 1]
        parts += self._each(self._common, place)
        for layer in (index.held, index.bounds):
            for held in layer[place]:
                parts += self._of_policy(held, place)
            parts.append(None)
        return tuple(parts)

    @property
    def reads_time(self) -> bool:
        """Whether a statement about the action reads the time of the request."""
        if self._reads_time is None:
            action, index = self._reading.prepared.action, self._reading.index
            own = (one.compiled for each in (index.identity, index.boundary) for one in each.about(action))
            every = chain(own, self._binding_everybody())
            self._reads_time = any(not _TIMES.isdisjoint(compiled.keys) for compiled in every)
        return self._reads_time

    def _binding_everybody(self) -> Iterator[CompiledStatement]:
        """The statements about the action in all policies that are nobody's own."""
        reading = self._reading
        asked, index = reading.asked, reading.index
        layers = [*index.levels(PolicyType.SCP, asked.scps).levels, *index.levels(PolicyType.RCP, asked.rcps).levels]
        of_resource = PolicyType.TRUST if reading.prepared.trust else PolicyType.RESOURCE
        given = [(policy, of_resource) for policy in (asked.resource, *asked.members)]
        given += [(policy, PolicyType.SESSION) for policy in asked.session]
        for policy, policy_type in given:
            if isinstance(policy, NamedPolicy) and policy.document.error is None:
                layers.append(index.of_resource(policy, policy_type))
        for holdings in layers:
            for statement in holdings.about(reading.prepared.action):
                yield statement.compiled

    def _told_by(self, compiled: CompiledStatement) -> Iterator[Bits | str]:
        """What tells principals apart in a statement: for whom conditions hold, and keys that are read with others.

        Of a resource of a set more may be known than of the set, so what reads other keys too is not settled here.
        """
        contexts, matcher = self._reading.contexts, compiled.resource.matcher
        if matcher is not None:
            yield from contexts.varying(matcher.variable_keys)
        for condition in compiled.conditions:
            every = {key for key in (condition.key, *condition.variable_keys) if key}
            varying = contexts.varying(every)
            if len(varying) == len(every) and all(contexts.column(key)[1] for key in varying):
                yield self._reading.holds(condition, self._reading.index.everyone)
            else:
                yield from varying

    def _of_policy(self, held: HeldPolicy, place: int) -> Iterator[Hashable]:
        """A policy of a principal's own that speaks of the action, and what tells the principal apart there."""
        if held not in self._of_held:
            statements = tuple(one.compiled for one in held.about(self._reading.prepared.action))
            told = (one for compiled in statements for one in self._told_by(compiled))
            self._of_held[held] = tuple(dict.fromkeys(told)) if statements else None
        found = self._of_held[held]
        if found is not None:
            yield held
            yield from self._each(found, place)

    def _each(self, told: tuple[Bits | str, ...], place: int) -> Iterator[Hashable]:
        for one in told:
            if isinstance(one, Bits):
                yield (one.yes >> place & 1, one.maybe >> place & 1)
            else:
                yield self._reading.contexts.of_place(place).lookup(one)
